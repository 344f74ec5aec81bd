/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spec_case.h: parses a description for a test, which is right or fails with exactly one message.
 */
#pragma once
#include "spec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PROBE "[probe]\nversion = 1\nobject = p.bpf.o\n"
#define MAP PROBE "[map m]\nmeasurement = m\n"

#define FIELD "[map m]\nmeasurement = m\nfield.f = value counter\n"
#define CONST PROBE FIELD "[const]\n"
#define SCALE " = t log-linear(2) us first=1 last=2^4\n"
#define MAP_FIELD MAP "field.f = value counter\n"

static struct spec *parse(const char *text)
{
	struct spec *spec = NULL;
	struct report report = {0};
	int err = spec_parse("block_io", "block_io.ini", text, strlen(text), &spec, &report);

	for (size_t i = 0; i < report.n_items; i++)
		print_message("  %s\n", report.items[i].text);
	assert_int_equal(err, 0);
	assert_int_equal(report.n_items, 0);
	report_free(&report);
	return spec;
}

/* Parsing fails with exactly that message. */
static void assert_refused(const char *text, const char *message)
{
	struct spec *spec = (struct spec *)1;
	struct report report = {0};

	assert_int_equal(spec_parse("p", "p.ini", text, strlen(text), &spec, &report), -EINVAL);
	assert_ptr_equal(spec, (struct spec *)1);
	assert_int_not_equal(report.n_items, 0);
	assert_string_equal(report.items[0].text, message);
	assert_int_equal(report.n_errors, 1);
	report_free(&report);
}

struct rule {
	const char *text;
	const char *message;
};

static void assert_rules(const struct rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_refused(rules[i].text, rules[i].message);
}
