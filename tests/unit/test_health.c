/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include "ground.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_health(uint64_t running, uint64_t failed, const struct health_output *outputs,
                          size_t n, const char *wanted)
{
	CLEANUP(text_free) struct text out = {0};

	health_describe(&out, running, failed, outputs, n);
	assert_string_equal(text_cstr(&out), wanted);
}

static void probes_are_told_in_numbers(void **state)
{
	assert_health(0, 0, NULL, 0, "no probe runs");
	assert_health(0, 1, NULL, 0, "no probe runs, 1 is not as configured");
	assert_health(1, 0, NULL, 0, "1 probe runs");
	assert_health(12, 2, NULL, 0, "12 probes run, 2 are not as configured");
}

static void outputs_are_told_by_name_and_what_waits_while_they_fail(void **state)
{
	const struct health_output outputs[] = {
		{"telegraf", false, 1}, /* on its way */
		{"archive", true, 25},
		{"copy", true, 1},
		{"lines", true, 0},
	};

	assert_health(3, 0, outputs, ARRAY_SIZE(outputs),
	              "3 probes run; telegraf: delivering; archive: failing, 25 windows wait; "
	              "copy: failing, 1 window waits; lines: failing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_are_told_in_numbers),
		cmocka_unit_test(outputs_are_told_by_name_and_what_waits_while_they_fail),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
