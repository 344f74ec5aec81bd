/* SPDX-License-Identifier: Apache-2.0 */
/* A description of a test's own beside a built object. */
#pragma once
#include "probe.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct opened {
	struct probe *probe;
	struct report report;
	int err;
};

/* A description in a folder of its own, with the object beside it. @param file  the object */
static inline struct opened open_description(const char *file, const char *text,
                                             const struct config_probe *config)
{
	char dir[] = "/tmp/test_probe.XXXXXX", path[PATH_MAX], link[PATH_MAX], object[PATH_MAX];
	const char *name = strrchr(file, '/') + 1;
	struct opened o = {0};
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mine.ini", dir);
	snprintf(link, sizeof(link), "%s/%s", dir, name);
	assert_non_null(realpath(file, object));
	assert_int_equal(symlink(object, link), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	o.err = probe_open(path, config, NULL, &o.probe, &o.report);
	unlink(path);
	unlink(link);
	rmdir(dir);
	return o;
}

static inline void close_opened(struct opened *o)
{
	probe_free(o->probe);
	report_free(&o->report);
}

/* The report's only error ends with that text. */
static inline void assert_refused(const char *file, const char *text, const char *end)
{
	struct opened o = open_description(file, text, NULL);
	const char *said = o.report.n_items ? o.report.items[0].text : "nothing";
	size_t len = strlen(said);

	assert_true(o.err < 0);
	assert_null(o.probe);
	if (len < strlen(end) || strcmp(said + len - strlen(end), end))
		fail_msg("said: %s\nwanted at its end: %s", said, end);
	close_opened(&o);
}
