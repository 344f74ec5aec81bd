/* SPDX-License-Identifier: Apache-2.0 */
/* Of the probes of the end-to-end tests, on whatever kernel runs; without privileges. */
#include "catalogue.h"
#include "checkjson.h"
#include "checktext.h"

#include "kernel.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "[agent]\nprobe_dirs = " E2E_PROBES_DIR "\n[global_tags]\ndc = lab\n"
#define FILES "[output.f]\ntype = stdout\n"

struct made {
	struct config *config;
	struct checkup *checkup;
	struct text text, json;
};

static struct made make(const char *ini)
{
	static const char *const files[] = {"t.ini"};
	const struct checkup_options options = {.files = files, .n_files = 1};
	struct report report = {0};
	struct made m = {0};
	int err = config_parse("t.ini", ini, strlen(ini), NULL, &m.config, &report);

	if (err)
		fail_msg("%s", report.n_items ? report.items[0].text : "no memory");
	assert_int_equal(checkup_new(m.config, &options, &report, &m.checkup), 0);
	checktext_write(m.checkup, &m.text);
	checkjson_write(m.checkup, &m.json);
	return m;
}

static void drop(struct made *m)
{
	checkup_free(m->checkup);
	config_free(m->config);
	text_free(&m->text);
	text_free(&m->json);
}

static const struct checkup_finding *find(const struct made *m, const char *about,
                                          const char *words)
{
	for (size_t i = 0; i < m->checkup->n_findings; i++)
		if (!strcmp(m->checkup->findings[i].about, about) &&
		    strstr(m->checkup->findings[i].text, words))
			return &m->checkup->findings[i];
	return NULL;
}

static const struct checkup_probe *probe(const struct made *m, const char *name)
{
	for (size_t i = 0; i < m->checkup->dir.n; i++)
		if (!strcmp(m->checkup->probes[i].entry->name, name))
			return &m->checkup->probes[i];
	fail_msg("no probe %s", name);
	return NULL;
}

static void assert_has(const struct text *text, const char *words)
{
	if (!strstr(text_cstr(text), words))
		fail_msg("no \"%s\" in\n%s", words, text_cstr(text));
}

static void probes_that_are_off_are_not_judged(void **state)
{
	struct made m = make(HEAD FILES "[probe.control]\nenabled = no\n");

	assert_int_equal(probe(&m, "control")->state, CHECKUP_OFF);
	assert_int_equal(probe(&m, "kinds")->state, CHECKUP_OFF);
	assert_int_equal(m.checkup->memory_bytes, 0);
	assert_has(&m.text, "probe control\n  off\n");
	assert_has(&m.json, "\"state\": \"off\"");
	drop(&m);
}

static void layouts_are_told_member_by_member(void **state)
{
	struct made m = make(HEAD FILES "[probe.kinds]\nenabled = yes\n");

	assert_has(&m.text, "\n    key     0 +16   comm: tag program, string\n");
	assert_has(&m.text, " largest: field largest, max\n");
	assert_has(&m.text, "wait: histogram wait, exp2 us 10 to 10240\n");
	assert_has(&m.json, "\"member\": \"comm\",\n");
	assert_has(&m.json, "\"kind\": \"exp2 us 10 to 10240\"");
	assert_true(m.checkup->memory_bytes > 0);
	drop(&m);
}

static void what_it_would_send_is_reckoned_for_every_output(void **state)
{
	struct made m = make(HEAD FILES "[output.g]\nstyle = fields\nspool_dir =\n");
	const struct checkup_output *plain = &m.checkup->outputs[0];
	const struct checkup_output *sent = &m.checkup->outputs[1];

	assert_true(plain->estimated && sent->estimated);
	/* The agent's own lines, at least: of the agent, of two outputs. */
	assert_true(plain->estimate.rest.lines >= 3);
	assert_int_equal(plain->estimate.busy.compressed, plain->estimate.busy.bytes);
	assert_true(sent->estimate.busy.compressed < sent->estimate.busy.bytes);
	assert_has(&m.text, "  a window at worst: ");
	drop(&m);
}

static void what_is_wrong_counts_by_severity(void **state)
{
	struct made m =
		make("[agent]\nprobe_dirs = /nonexistent\n"
	             "[output.f]\ntype = file\npath = /etc/passwd/file\n"
	             "[output.s]\nspool_dir = /etc/passwd/spool\n[probe.nope]\nenabled = yes\n");
	const struct checkup_finding *file = find(&m, "output f", "cannot be written");
	const struct checkup_finding *spool = find(
		&m, "output s", "spool_dir: /etc/passwd/spool cannot be written: Not a directory");
	const struct checkup_finding *nope = find(&m, "configuration", "there is no such probe");

	assert_non_null(find(&m, "tags", "no tag dc"));
	assert_non_null(find(&m, "probes", "none found"));
	assert_true(file && file->severity == REPORT_ERROR && !file->logged);
	assert_true(spool && spool->severity == REPORT_WARNING);
	/* It has a file and a line, and is told there. */
	assert_true(nope && nope->severity == REPORT_ERROR && nope->logged);
	assert_null(strstr(text_cstr(&m.text), "there is no such probe"));
	assert_has(&m.json, "there is no such probe");
	assert_has(&m.text, "\nerrors: 2, warnings: ");
	drop(&m);
}

static void a_file_in_a_folder_that_is_there_will_do(void **state)
{
	struct made m =
		make(HEAD "[output.f]\ntype = file\npath = /tmp/thermograf-check-nothing\n");

	assert_null(find(&m, "output f", "path"));
	assert_int_equal(access("/tmp/thermograf-check-nothing", F_OK), -1);
	drop(&m);
}

/* systemd makes /var/log/thermograf at the service's first start, before which check is to let it pass. */
static void a_folder_that_is_not_there_yet_keeps_nobody_from_a_start(void **state)
{
	struct made m = make(HEAD "[output.f]\ntype = file\npath = /nonexistent/folder/file\n");
	const struct checkup_finding *file =
		find(&m, "output f", "there is no folder /nonexistent/folder; make it, or");

	assert_non_null(file);
	assert_int_equal(file->severity, REPORT_WARNING);
	assert_non_null(strstr(file->text, "LogsDirectory="));
	assert_int_equal(m.checkup->n_errors, 0);
	drop(&m);
}

/* What cannot be known is said to be unknown, and null for programs. */
static void the_unknown_is_neither_yes_nor_no(void **state)
{
	struct made m = make(HEAD FILES);
	struct checkup *c = m.checkup;

	c->facts = (struct facts){.jit_enable = FACTS_UNKNOWN,
	                          .unprivileged_disabled = FACTS_UNKNOWN,
	                          .stats_enabled = FACTS_UNKNOWN,
	                          .perf_paranoid = FACTS_UNKNOWN,
	                          .memlock_bytes = UINT64_MAX};
	c->has_btf = c->clock_known = c->clock_synchronised = false;
	text_clear(&c->capabilities);
	text_clear(&m.text);
	text_clear(&m.json);
	checktext_write(c, &m.text);
	checkjson_write(c, &m.json);
	assert_has(&m.text, "BTF: none; lockdown: unknown; JIT: unknown; kprobes: no");
	assert_has(&m.text, "capabilities unknown");
	assert_has(&m.text, "nobody says whether it is synchronised");
	for (size_t i = 0; i < 7; i++)
		assert_has(&m.json,
		           (const char *const[]){"\"btf\": null", "\"lockdown\": null",
		                                 "\"bpf_jit_enable\": null",
		                                 "\"perf_event_paranoid\": null",
		                                 "\"capabilities\": null", "\"synchronised\": null",
		                                 "\"locked_memory_bytes\": null"}[i]);
	drop(&m);
}

static void the_catalogue_tells_files_that_are_overridden(void **state)
{
	char dir[] = "/tmp/test_checkup.XXXXXX", path[PATH_MAX], ini[2 * PATH_MAX];
	CLEANUP(text_free) struct text out = {0}, json = {0};
	struct made m;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control.ini", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("[probe]\nversion = 1\nobject = gone.bpf.o\n", f);
	fclose(f);
	snprintf(ini, sizeof(ini), "[agent]\nprobe_dirs = %s %s\n" FILES, dir, E2E_PROBES_DIR);
	m = make(ini);
	assert_int_equal(probe(&m, "control")->state, CHECKUP_BROKEN);
	catalogue_write_text(m.checkup, &out);
	catalogue_write_json(m.checkup, &json);
	assert_has(&out, "control: cannot be used\n  file /tmp/test_checkup.");
	assert_has(&out, "\n  stands in for " E2E_PROBES_DIR "/control.ini\n");
	assert_has(&out, "kinds: off\n  Block I/O by the program that issues it, for tests\n");
	assert_has(&json, "\"stands_in_for\": [\n      \"" E2E_PROBES_DIR "/control.ini\"");
	drop(&m);
	unlink(path);
	rmdir(dir);
}

static void bytes_are_told_in_thousands(void **state)
{
	static const struct {
		double bytes;
		const char *text;
	} cases[] = {{0, "0 bytes"},    {999, "999 bytes"}, {999.6, "1.0 KB"},  {1000, "1.0 KB"},
	             {9949, "9.9 KB"},  {9951, "10 KB"},    {123456, "123 KB"}, {999600, "1.0 MB"},
	             {2.5e9, "2.5 GB"}, {3e15, "3000 TB"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(text_free) struct text out = {0};

		checktext_bytes(&out, cases[i].bytes);
		assert_string_equal(text_cstr(&out), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_that_are_off_are_not_judged),
		cmocka_unit_test(layouts_are_told_member_by_member),
		cmocka_unit_test(what_it_would_send_is_reckoned_for_every_output),
		cmocka_unit_test(what_is_wrong_counts_by_severity),
		cmocka_unit_test(a_file_in_a_folder_that_is_there_will_do),
		cmocka_unit_test(a_folder_that_is_not_there_yet_keeps_nobody_from_a_start),
		cmocka_unit_test(the_unknown_is_neither_yes_nor_no),
		cmocka_unit_test(the_catalogue_tells_files_that_are_overridden),
		cmocka_unit_test(bytes_are_told_in_thousands),
	};

	return cmocka_run_group_tests_name("checkup", tests, NULL, NULL);
}
