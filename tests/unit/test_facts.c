/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void lockdown_is_the_word_in_brackets(void **state)
{
	assert_int_equal(facts_parse_lockdown("[none] integrity confidentiality\n"),
	                 FACTS_LOCKDOWN_NONE);
	assert_int_equal(facts_parse_lockdown("none [integrity] confidentiality\n"),
	                 FACTS_LOCKDOWN_INTEGRITY);
	assert_int_equal(facts_parse_lockdown("none integrity [confidentiality]"),
	                 FACTS_LOCKDOWN_CONFIDENTIALITY);
	assert_int_equal(facts_parse_lockdown("none [more] confidentiality"),
	                 FACTS_LOCKDOWN_UNKNOWN);
	assert_int_equal(facts_parse_lockdown("[integrity"), FACTS_LOCKDOWN_UNKNOWN);
	assert_int_equal(facts_parse_lockdown(""), FACTS_LOCKDOWN_UNKNOWN);
}

static void loading_wants_two_capabilities_or_roots(void **state)
{
	struct facts f = {.capabilities_known = true, .capabilities = FACTS_CAP(CAP_BPF)};

	assert_false(facts_may_load(&f));
	f.capabilities |= FACTS_CAP(CAP_PERFMON);
	assert_true(facts_may_load(&f));
	f.capabilities = FACTS_CAP(CAP_SYS_ADMIN);
	assert_true(facts_may_load(&f));
	f = (struct facts){0};
	assert_true(facts_may_load(&f));
}

/* Debian's level 3: CAP_PERFMON does not help. */
static void perf_events_are_closed_above_the_level_that_mainline_has(void **state)
{
	struct facts f = {.capabilities_known = true,
	                  .capabilities = FACTS_CAP(CAP_PERFMON),
	                  .perf_paranoid = 2};

	assert_false(facts_perf_is_closed(&f));
	f.perf_paranoid = 3;
	assert_true(facts_perf_is_closed(&f));
	f.capabilities = FACTS_CAP(CAP_SYS_ADMIN);
	assert_false(facts_perf_is_closed(&f));
	f.capabilities = 0;
	f.perf_paranoid = FACTS_UNKNOWN;
	assert_false(facts_perf_is_closed(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lockdown_is_the_word_in_brackets),
		cmocka_unit_test(loading_wants_two_capabilities_or_roots),
		cmocka_unit_test(perf_events_are_closed_above_the_level_that_mainline_has),
	};

	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
