/* SPDX-License-Identifier: Apache-2.0 */
/**
 * config_case.h: loads a configuration for a test and keeps what was said about it.
 */
#pragma once
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "thermograf.ini"

/* The environment of a test: NAME, value, ..., NULL. */
static const char *const *variables;

static const char *get_variable(const char *name)
{
	for (const char *const *v = variables; v && *v; v += 2)
		if (!strcmp(*v, name))
			return v[1];
	return NULL;
}

/* All that was reported by the last load(), a line each. */
static struct text said;
static struct config *config;

static int load_from(const char *data, const struct config_sources *sources)
{
	struct report report = {0};

	text_clear(&said);
	config_freep(&config);
	int r = data ? config_parse(FILE_NAME, data, strlen(data), sources, &config, &report)
	             : config_load(sources, &config, &report);
	for (size_t i = 0; i < report.n_items; i++)
		text_printf(&said, "%s\n", report.items[i].text);
	assert_int_equal(r, report.n_errors ? -EINVAL : 0);
	assert_int_equal(config != NULL, r == 0);
	report_free(&report);
	return r;
}

__attribute__((unused)) static int load(const char *data)
{
	return load_from(data, &(struct config_sources){.getenv = get_variable});
}

__attribute__((unused)) static int load_with(const char *data, const char *set)
{
	return load_from(
		data, &(struct config_sources){.getenv = get_variable, .sets = &set, .n_sets = 1});
}

__attribute__((unused)) static const char *errors(const char *data)
{
	assert_int_equal(load(data), -EINVAL);
	return text_cstr(&said);
}

__attribute__((unused)) static const char *tag(const char *key)
{
	for (size_t i = 0; i < config->n_global_tags; i++)
		if (!strcmp(config->global_tags[i].key, key))
			return config->global_tags[i].value;
	return "(none)";
}

static int forget(void **state)
{
	variables = NULL;
	config_freep(&config);
	text_free(&said);
	return 0;
}
