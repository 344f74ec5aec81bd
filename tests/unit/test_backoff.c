/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* No wait is ever above the cap, however long the outage: 2^failures must not wrap. */
static void never_above_the_cap(void **state)
{
	struct backoff b = {.base_ms = 1000, .cap_ms = 30000};

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_in_range(backoff_failed(&b, UINT32_MAX), 0, 30000);
	b.failures = UINT32_MAX;
	assert_int_equal(backoff_failed(&b, UINT32_MAX), 30000);
	assert_int_equal(b.failures, UINT32_MAX);
}

static void the_bound_doubles_up_to_the_cap(void **state)
{
	static const uint32_t bounds[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
	struct backoff b = {.base_ms = 1000, .cap_ms = 30000};

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		assert_int_equal(backoff_failed(&b, UINT32_MAX), bounds[i]);
}

/* A fleet that failed together must spread over the whole span, not over its upper end. */
static void waits_are_spread_evenly_from_zero(void **state)
{
	uint32_t tenths[10] = {0};

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		struct backoff b = {.base_ms = 999, .cap_ms = 30000};

		tenths[backoff_failed(&b, i * 429496u) / 100]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(tenths[i], 900, 1100);
}

static void a_success_starts_over(void **state)
{
	struct backoff b = {.base_ms = 1000, .cap_ms = 30000};

	(void)state;
	for (int i = 0; i < 10; i++)
		backoff_failed(&b, 0);
	backoff_succeeded(&b);
	assert_int_equal(backoff_failed(&b, UINT32_MAX), 1000);
}

/* base == cap is a constant bound, and the largest values must not overflow. */
static void extreme_settings_hold(void **state)
{
	struct backoff b = {.base_ms = UINT32_MAX, .cap_ms = UINT32_MAX};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(backoff_failed(&b, UINT32_MAX), UINT32_MAX);
	assert_int_equal(backoff_failed(&b, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_above_the_cap),
		cmocka_unit_test(the_bound_doubles_up_to_the_cap),
		cmocka_unit_test(waits_are_spread_evenly_from_zero),
		cmocka_unit_test(a_success_starts_over),
		cmocka_unit_test(extreme_settings_hold),
	};

	return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
