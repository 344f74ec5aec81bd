/* SPDX-License-Identifier: Apache-2.0 */
#include "lineproto.h"
#include "selfmon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int add_line(void *ctx, const struct point *point)
{
	const struct lineproto_globals none = {0};

	return lineproto_append(ctx, &none, point);
}

static void the_agents_line_is_whole(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	const struct selfmon_agent agent = {.cpu_us = 800,
	                                    .rss_bytes = 9000000,
	                                    .windows = 12,
	                                    .clock_steps = 1,
	                                    .probes = 2,
	                                    .probes_failed = 1,
	                                    .reloads = 5,
	                                    .reloads_refused = 2};
	const struct window window = {
		.stamp_ns = 10000000000, .length_ns = 10000000000, .late_ns = 150000, .missed = 3};

	assert_int_equal(selfmon_agent(&agent, &window, add_line, &out), 0);
	assert_string_equal(
		text_cstr(&out),
		"thermograf clock_steps_total=1i,cpu_us=800i,late_us=150i,lines_unwritable_total=0i,"
		"missed_boundaries=3i,probes=2i,probes_failed=1i,reloads_refused_total=2i,"
		"reloads_total=5i,rss_bytes=9000000i,window_us=10000000i,windows_total=12i 10000000000\n");
}

/* The field's name of the sum must not hide what the reasons say. */
static void drops_are_told_by_reason_and_in_sum(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct output_stats stats = {.lines_collected = 100, .lines_sent = 90, .lines_queued = 3};

	stats.lines_dropped[OUTPUT_DROP_SPOOL] = 5;
	stats.lines_dropped[OUTPUT_DROP_REJECTED] = 2;
	assert_int_equal(selfmon_output("telegraf", &stats, 1000000000, add_line, &out), 0);
	assert_non_null(strstr(text_cstr(&out), "thermograf,output=telegraf "));
	assert_non_null(strstr(text_cstr(&out), ",lines_dropped_spool_total=5i,"));
	assert_non_null(strstr(text_cstr(&out), ",lines_dropped_rejected_total=2i,"));
	assert_non_null(strstr(text_cstr(&out), ",lines_dropped_total=7i,"));
}

static void every_reason_and_verdict_has_a_field(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct output_stats stats = {0};

	for (size_t i = 0; i < OUTPUT_DROP_MAX; i++)
		stats.lines_dropped[i] = 1000 + i;
	for (size_t i = 0; i < VERDICT_ACTION_MAX; i++)
		stats.verdicts[i] = 2000 + i;
	assert_int_equal(selfmon_output("o", &stats, 1, add_line, &out), 0);
	for (size_t i = 0; i < OUTPUT_DROP_MAX + VERDICT_ACTION_MAX; i++) {
		CLEANUP(text_free) struct text want = {0};

		if (i < OUTPUT_DROP_MAX)
			text_printf(&want, "lines_dropped_%s_total=%zui", output_drop_names[i],
			            1000 + i);
		else
			text_printf(&want, "verdict_%s_total=%zui",
			            verdict_action_names[i - OUTPUT_DROP_MAX],
			            2000 + i - OUTPUT_DROP_MAX);
		if (!strstr(text_cstr(&out), text_cstr(&want)))
			fail_msg("no %s in %s", text_cstr(&want), text_cstr(&out));
	}
}

/* A probe that does not run is a line too: a gap would look like a dead agent. */
static void a_probe_that_does_not_run_says_so(void **state)
{
	CLEANUP(text_free) struct text out = {0};

	assert_int_equal(selfmon_probe("block_io", NULL, 7, add_line, &out), 0);
	assert_string_equal(text_cstr(&out), "thermograf_probe,probe=block_io running=0i 7\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_agents_line_is_whole),
		cmocka_unit_test(drops_are_told_by_reason_and_in_sum),
		cmocka_unit_test(every_reason_and_verdict_has_a_field),
		cmocka_unit_test(a_probe_that_does_not_run_says_so),
	};

	return cmocka_run_group_tests_name("selfmon", tests, NULL, NULL);
}
