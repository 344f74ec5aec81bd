/* SPDX-License-Identifier: Apache-2.0 */
#include "bisection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LINES 8192

/* A receiver that rejects bodies that hold a bad line, and an output that halves what is rejected. */
struct world {
	struct bisection bisection;
	bool bad[LINES];
	unsigned int requests, stored, dropped, dropped_good;
	uint64_t now_ns;
};

static void send_lines(struct world *w, uint32_t from, uint32_t to, bool part)
{
	unsigned int n_bad = 0;

	for (uint32_t i = from; i < to; i++)
		n_bad += w->bad[i];
	w->requests++;
	if (!n_bad) {
		bisection_taken(&w->bisection);
		w->stored += to - from;
	} else if (bisection_rejected(&w->bisection, part, to - from, w->now_ns) && to - from > 1) {
		send_lines(w, from, (from + to) / 2, true);
		send_lines(w, (from + to) / 2, to, true);
	} else {
		w->dropped += to - from;
		w->dropped_good += to - from - n_bad;
	}
}

static void send_batch(struct world *w, uint32_t lines)
{
	w->requests = w->stored = w->dropped = w->dropped_good = 0;
	send_lines(w, 0, lines, false);
	assert_int_equal(w->stored + w->dropped, lines);
}

static void one_bad_line_costs_one_line_wherever_it_is(void **state)
{
	for (uint32_t lines = 1; lines <= 300; lines += lines < 20 ? 1 : 31)
		for (uint32_t at = 0; at < lines; at++) {
			struct world w = {0};

			w.bad[at] = true;

			send_batch(&w, lines);
			assert_int_equal(w.dropped, 1);
			assert_int_equal(w.dropped_good, 0);
		}
	for (uint32_t at = 0; at < LINES; at += 1237) {
		struct world w = {0};

		w.bad[at] = true;

		send_batch(&w, LINES);
		assert_int_equal(w.dropped, 1);
		assert_in_range(w.requests, 1, 2 * 13 + 1);
	}
}

static void a_few_bad_lines_cost_themselves(void **state)
{
	struct world w = {0};

	for (uint32_t i = 0; i < 5; i++)
		w.bad[1000 + i * 1531] = true;
	send_batch(&w, LINES);
	assert_int_equal(w.dropped, 5);
	assert_in_range(w.requests, 5, 2 * BISECTION_MAX + 1);
}

static void many_bad_lines_cost_a_bounded_number_of_requests(void **state)
{
	struct world w = {0};

	for (uint32_t i = 0; i < LINES; i += 10)
		w.bad[i] = true;
	send_batch(&w, LINES);
	assert_in_range(w.requests, BISECTION_MAX, 2 * BISECTION_MAX + 13);
}

/* A thousand hosts must not ask a receiver that wants nothing a hundred times each, every window. */
static void who_rejects_everything_is_soon_asked_once_a_batch(void **state)
{
	struct world w = {.now_ns = 1};

	for (uint32_t i = 0; i < LINES; i++)
		w.bad[i] = true;
	send_batch(&w, LINES);
	assert_in_range(w.requests, 14, 2 * 13 + 4);
	assert_int_equal(w.stored, 0);
	for (int i = 0; i < 50; i++) {
		w.now_ns += 10000000000;
		send_batch(&w, 500);
		assert_int_equal(w.requests, 1);
	}
	/* And later again, in case it has changed its mind. */
	w.now_ns = BISECTION_AGAIN_NS + 1;
	for (uint32_t i = 0; i < LINES; i++)
		w.bad[i] = i == 3;
	send_batch(&w, 500);
	assert_int_equal(w.dropped, 1);
}

static void one_that_passes_shows_that_halving_is_worth_it_again(void **state)
{
	struct world w = {.now_ns = 1};

	for (uint32_t i = 0; i < 64; i++)
		w.bad[i] = true;
	send_batch(&w, 64);
	send_batch(&w, 64);
	assert_int_equal(w.requests, 1);
	for (uint32_t i = 0; i < 64; i++)
		w.bad[i] = false;
	send_batch(&w, 64);
	w.bad[17] = true;
	send_batch(&w, 64);
	assert_int_equal(w.dropped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bad_line_costs_one_line_wherever_it_is),
		cmocka_unit_test(a_few_bad_lines_cost_themselves),
		cmocka_unit_test(many_bad_lines_cost_a_bounded_number_of_requests),
		cmocka_unit_test(who_rejects_everything_is_soon_asked_once_a_batch),
		cmocka_unit_test(one_that_passes_shows_that_halving_is_worth_it_again),
	};

	return cmocka_run_group_tests_name("bisection", tests, NULL, NULL);
}
