/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "patience.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOSTS 1000

static struct backoff fresh(void)
{
	return (struct backoff){.base_ms = PATIENCE_BACKOFF_BASE_MS,
	                        .cap_ms = PATIENCE_BACKOFF_CAP_MS};
}

/* How many of the fleet come in each second after a moment; @return in the fullest one. */
static unsigned int fullest(const uint64_t *at_ms, uint64_t from_ms, unsigned int *ret_seconds)
{
	unsigned int seconds[1300] = {0}, most = 0;

	*ret_seconds = 0;
	for (int i = 0; i < HOSTS; i++) {
		uint64_t s = (at_ms[i] - from_ms) / 1000;

		assert_true(at_ms[i] >= from_ms && s < ARRAY_SIZE(seconds));
		*ret_seconds += !seconds[s]++;
		most = MAX(most, seconds[s]);
	}
	return most;
}

/*
 * All fail at one instant, as when a receiver ends, and it is back after an outage of any length. A wait is spread over 30 s;
 * seen from a moment in it, what is left of it is shorter: 2/30 of the fleet come in the first second, 0 in the last.
 */
static void a_fleet_does_not_arrive_at_once_when_the_receiver_is_back(void **state)
{
	static const uint64_t outages_ms[] = {20000, 60000, 300000, 3600000};
	unsigned int n_seconds;

	(void)state;
	for (size_t o = 0; o < ARRAY_SIZE(outages_ms); o++) {
		uint64_t at_ms[HOSTS];

		for (int i = 0; i < HOSTS; i++) {
			struct verdict verdict = {.action = VERDICT_RETRY};
			struct backoff backoff = fresh();

			for (at_ms[i] = 0; at_ms[i] < outages_ms[o];)
				at_ms[i] += patience_ms(&backoff, &verdict);
		}
		assert_in_range(fullest(at_ms, outages_ms[o], &n_seconds), HOSTS / 30, HOSTS / 8);
		assert_in_range(n_seconds, 20, 31);
	}
}

/* Told the same by one receiver, at one instant. */
static void a_fleet_that_was_told_to_wait_returns_later_than_told_and_apart(void **state)
{
	const struct verdict verdict = {.action = VERDICT_RETRY, .retry_after_ms = 60000};
	unsigned int n_seconds;
	uint64_t at_ms[HOSTS];

	(void)state;
	for (int i = 0; i < HOSTS; i++) {
		struct backoff backoff = fresh();

		at_ms[i] = patience_ms(&backoff, &verdict);
		assert_int_equal(backoff.failures, 0);
	}
	assert_in_range(fullest(at_ms, 60000, &n_seconds), HOSTS / 15, HOSTS / 8);
	assert_in_range(n_seconds, 14, 16);
}

/* One password for all is wrong: the second try is spread over 10 s, and each next one over more. */
static void a_fleet_that_is_held_drifts_apart(void **state)
{
	const struct verdict verdict = {.action = VERDICT_HOLD};
	uint64_t at_ms[HOSTS] = {0};
	unsigned int n_seconds;

	(void)state;
	for (int turn = 0; turn < 40; turn++)
		for (int i = 0; i < HOSTS; i++) {
			struct backoff backoff = fresh();
			uint64_t wait_ms = patience_ms(&backoff, &verdict);

			assert_in_range(wait_ms, PATIENCE_HOLD_MS - PATIENCE_HOLD_SPREAD_MS,
			                PATIENCE_HOLD_MS);
			at_ms[i] += wait_ms;
			if (turn == 0 && i == HOSTS - 1)
				assert_in_range(fullest(at_ms, 0, &n_seconds), HOSTS / 10,
				                HOSTS / 6);
		}
	assert_in_range(fullest(at_ms, 0, &n_seconds), HOSTS / 100, HOSTS / 25);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fleet_does_not_arrive_at_once_when_the_receiver_is_back),
		cmocka_unit_test(a_fleet_that_was_told_to_wait_returns_later_than_told_and_apart),
		cmocka_unit_test(a_fleet_that_is_held_drifts_apart),
	};

	return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
