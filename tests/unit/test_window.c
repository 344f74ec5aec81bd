/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include "ground.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define INTERVAL (10 * SECOND)
/* 2026-01-01 00:00:00 UTC: a boundary of every interval here. */
#define MIDNIGHT (INT64_C(1767225600) * SECOND)

/* A host: time passes on both clocks, steps move one. */
struct host {
	struct window_now now;
	struct window_state state;
	struct window window; /* the last one cut */
};

static void pass(struct host *h, int64_t ns)
{
	h->now.wall_ns += ns;
	h->now.boot_ns += (uint64_t)ns;
}

static void step(struct host *h, int64_t ns)
{
	h->now.wall_ns += ns;
}

static enum window_event look(struct host *h)
{
	return window_look(&h->state, h->now, &h->window);
}

static struct host host_at(int64_t wall_ns, uint64_t interval_ns)
{
	struct host h = {.now = {.wall_ns = wall_ns, .boot_ns = 12345 * SECOND}};

	window_init(&h.state, interval_ns, h.now);
	return h;
}

/* A host whose baseline was taken at midnight, with intervals of 10 s. */
static struct host running_host(void)
{
	struct host h = host_at(MIDNIGHT - 3 * SECOND, INTERVAL);

	pass(&h, 3 * SECOND);
	assert_int_equal(look(&h), WINDOW_BASELINE);
	return h;
}

#define EXPECT_CUT(h, stamp, length, late, n_missed)                     \
	do {                                                             \
		assert_int_equal(look(h), WINDOW_CUT);                   \
		assert_int_equal((h)->window.stamp_ns, stamp);           \
		assert_int_equal((h)->window.length_ns, (length));       \
		assert_int_equal((h)->window.late_ns, (uint64_t)(late)); \
		assert_int_equal((h)->window.missed, n_missed);          \
	} while (0)

static void the_baseline_is_the_next_boundary_and_windows_follow(void **state)
{
	struct host h = host_at(MIDNIGHT + 4 * SECOND, INTERVAL);

	(void)state;
	assert_int_equal(window_wait_ns(&h.state, h.now), 6 * SECOND);
	assert_int_equal(look(&h), WINDOW_WAIT);
	pass(&h, 6 * SECOND);
	assert_int_equal(look(&h), WINDOW_BASELINE);
	for (int i = 2; i < 100; i++) {
		assert_int_equal(window_wait_ns(&h.state, h.now), INTERVAL);
		pass(&h, INTERVAL);
		EXPECT_CUT(&h, MIDNIGHT + i * INTERVAL, INTERVAL, 0, 0);
	}
}

static void a_start_on_a_boundary_waits_for_the_next(void **state)
{
	struct host h = host_at(MIDNIGHT, INTERVAL);

	(void)state;
	assert_int_equal(look(&h), WINDOW_WAIT);
	assert_int_equal(window_wait_ns(&h.state, h.now), INTERVAL);
}

static void looking_too_early_changes_nothing(void **state)
{
	struct host h = running_host();
	struct window untouched = {.stamp_ns = 42};

	(void)state;
	pass(&h, INTERVAL - 1);
	h.window = untouched;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(look(&h), WINDOW_WAIT);
		assert_int_equal(window_wait_ns(&h.state, h.now), 1);
	}
	assert_memory_equal(&h.window, &untouched, sizeof(untouched));
	pass(&h, 1);
	EXPECT_CUT(&h, MIDNIGHT + INTERVAL, INTERVAL, 0, 0);
}

static void a_late_loop_bears_the_boundary_s_stamp_and_says_how_late(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, INTERVAL + 700 * MS);
	assert_int_equal(window_wait_ns(&h.state, h.now), 0);
	EXPECT_CUT(&h, MIDNIGHT + INTERVAL, INTERVAL + 700 * MS, 700 * MS, 0);
	/* The next one is on time again, and shorter. */
	pass(&h, INTERVAL - 700 * MS);
	EXPECT_CUT(&h, MIDNIGHT + 2 * INTERVAL, INTERVAL - 700 * MS, 0, 0);
}

static void missed_boundaries_make_one_long_window(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 4 * INTERVAL + 2 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + 4 * INTERVAL, 4 * INTERVAL + 2 * SECOND, 2 * SECOND, 3);
	pass(&h, 8 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + 5 * INTERVAL, 8 * SECOND, 0, 0);
	assert_int_equal(h.state.steps, 0);
}

static void suspend_makes_one_long_window(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 3 * SECOND);
	look(&h);
	/* Both clocks run on through suspend. */
	pass(&h, 8 * HOUR + 123 * MS);
	EXPECT_CUT(&h, MIDNIGHT + 8 * HOUR, 8 * HOUR + 3 * SECOND + 123 * MS, 3 * SECOND + 123 * MS,
	           8 * 360 - 1);
	assert_int_equal(h.state.steps, 0);
}

static void a_small_step_forward_shortens_the_window(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 5 * SECOND);
	step(&h, 300 * MS);
	assert_int_equal(window_wait_ns(&h.state, h.now), 4700 * MS);
	pass(&h, 4700 * MS);
	EXPECT_CUT(&h, MIDNIGHT + INTERVAL, 9700 * MS, 0, 0);
	assert_int_equal(h.state.steps, 1);
}

static void a_large_step_forward_stamps_the_newest_boundary_and_misses_nothing(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 5 * SECOND);
	step(&h, HOUR);
	assert_int_equal(window_wait_ns(&h.state, h.now), 0);
	EXPECT_CUT(&h, MIDNIGHT + HOUR, 5 * SECOND, 5 * SECOND, 0);
	pass(&h, 5 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + HOUR + INTERVAL, 5 * SECOND, 0, 0);
	assert_int_equal(h.state.steps, 1);
}

static void a_small_step_back_lengthens_the_window(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 5 * SECOND);
	step(&h, -400 * MS);
	assert_int_equal(look(&h), WINDOW_WAIT);
	assert_int_equal(window_wait_ns(&h.state, h.now), 5400 * MS);
	pass(&h, 5400 * MS);
	EXPECT_CUT(&h, MIDNIGHT + INTERVAL, 10400 * MS, 0, 0);
	pass(&h, INTERVAL);
	EXPECT_CUT(&h, MIDNIGHT + 2 * INTERVAL, INTERVAL, 0, 0);
}

static void a_step_back_across_a_boundary_does_not_stamp_it_twice(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, INTERVAL);
	EXPECT_CUT(&h, MIDNIGHT + INTERVAL, INTERVAL, 0, 0);
	step(&h, -200 * MS);
	/* The boundary just stamped comes again. */
	pass(&h, 200 * MS);
	assert_int_equal(look(&h), WINDOW_WAIT);
	pass(&h, INTERVAL);
	EXPECT_CUT(&h, MIDNIGHT + 2 * INTERVAL, INTERVAL + 200 * MS, 0, 0);
}

static void after_a_large_step_back_long_windows_bear_the_next_stamps_until_caught_up(void **state)
{
	struct host h = running_host();
	int windows = 0;

	(void)state;
	pass(&h, 4 * SECOND);
	step(&h, -HOUR);
	assert_int_equal(look(&h), WINDOW_WAIT);
	int64_t last = MIDNIGHT;
	while (h.now.wall_ns < last + INTERVAL) {
		pass(&h, (int64_t)window_wait_ns(&h.state, h.now));
		if (h.now.wall_ns >= last + INTERVAL)
			break;
		EXPECT_CUT(&h, last + INTERVAL, 2 * INTERVAL, 0, 0);
		last += INTERVAL;
		windows++;
	}
	/* An hour is caught up by 10 s a window. */
	assert_in_range(windows, 359, 361);
	pass(&h, (int64_t)window_wait_ns(&h.state, h.now));
	assert_int_equal(look(&h), WINDOW_CUT);
	assert_int_equal(h.window.stamp_ns, last + INTERVAL);
	for (int i = 2; i < 10; i++) {
		pass(&h, (int64_t)window_wait_ns(&h.state, h.now));
		EXPECT_CUT(&h, last + i * INTERVAL, INTERVAL, 0, 0);
	}
	assert_int_equal(h.state.steps, 1);
}

static void a_clock_that_was_days_ahead_is_not_waited_for(void **state)
{
	struct host h = running_host();

	(void)state;
	/* The RTC said 2099. */
	step(&h, 73 * 365 * 24 * HOUR);
	assert_int_equal(look(&h), WINDOW_CUT);
	pass(&h, 4 * SECOND);
	step(&h, -73 * 365 * 24 * HOUR);
	assert_int_equal(window_wait_ns(&h.state, h.now), 0);
	EXPECT_CUT(&h, MIDNIGHT, 4 * SECOND, 4 * SECOND, 0);
	pass(&h, 6 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + INTERVAL, 6 * SECOND, 0, 0);
	assert_int_equal(h.state.steps, 2);
}

static void a_clock_that_was_a_day_ahead_is_waited_for(void **state)
{
	struct host h = running_host();

	(void)state;
	step(&h, 24 * HOUR);
	assert_int_equal(look(&h), WINDOW_CUT);
	step(&h, -24 * HOUR);
	assert_int_equal(look(&h), WINDOW_WAIT);
	pass(&h, 2 * INTERVAL);
	EXPECT_CUT(&h, MIDNIGHT + 24 * HOUR + INTERVAL, 2 * INTERVAL, 0, 0);
}

static void a_window_begins_at_the_stamp_before(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, INTERVAL + 700 * MS);
	assert_int_equal(look(&h), WINDOW_CUT);
	assert_int_equal(h.window.start_ns, MIDNIGHT);
	pass(&h, 4 * INTERVAL - 700 * MS);
	assert_int_equal(look(&h), WINDOW_CUT);
	assert_int_equal(h.window.start_ns, MIDNIGHT + INTERVAL);
	/* A small step back: 20 s long, and not begun before the stamp before. */
	step(&h, -15 * SECOND);
	pass(&h, 2 * INTERVAL);
	assert_int_equal(look(&h), WINDOW_CUT);
	assert_int_equal(h.window.start_ns, MIDNIGHT + 5 * INTERVAL);
	/* The end. */
	assert_true(window_close(&h.state, h.now, &h.window));
	assert_int_equal(h.window.start_ns, MIDNIGHT + 6 * INTERVAL);
}

static void a_window_with_a_step_in_it_begins_no_longer_before_its_stamp_than_it_was(void **state)
{
	struct host h = running_host();

	(void)state;
	/* The RTC said 1970, then NTP came. */
	step(&h, -56 * 365 * 24 * HOUR);
	assert_int_equal(look(&h), WINDOW_CUT);
	assert_true(h.window.start_ns < h.window.stamp_ns);
	pass(&h, 12 * SECOND);
	step(&h, 56 * 365 * 24 * HOUR);
	assert_int_equal(look(&h), WINDOW_CUT);
	assert_int_equal(h.window.stamp_ns, MIDNIGHT + INTERVAL);
	assert_int_equal(h.window.start_ns, MIDNIGHT - INTERVAL);
}

static void a_leap_second_makes_one_window_of_11_seconds(void **state)
{
	struct host before = running_host(), after = running_host();

	(void)state;
	/* The kernel repeats 23:59:59 by a step back at midnight: the timer fires before it.. */
	pass(&before, INTERVAL);
	EXPECT_CUT(&before, MIDNIGHT + INTERVAL, INTERVAL, 0, 0);
	step(&before, -SECOND);
	pass(&before, SECOND);
	assert_int_equal(look(&before), WINDOW_WAIT);
	pass(&before, INTERVAL);
	EXPECT_CUT(&before, MIDNIGHT + 2 * INTERVAL, 11 * SECOND, 0, 0);

	/* ..or after it. */
	pass(&after, INTERVAL);
	step(&after, -SECOND);
	assert_int_equal(look(&after), WINDOW_WAIT);
	pass(&after, SECOND);
	EXPECT_CUT(&after, MIDNIGHT + INTERVAL, 11 * SECOND, 0, 0);

	/* A second left out. */
	pass(&after, 5 * SECOND);
	step(&after, SECOND);
	pass(&after, 4 * SECOND);
	EXPECT_CUT(&after, MIDNIGHT + 2 * INTERVAL, 9 * SECOND, 0, 0);
}

static void a_clock_that_starts_in_1970_and_is_set_later(void **state)
{
	struct host h = host_at(3 * SECOND, INTERVAL);

	(void)state;
	pass(&h, 7 * SECOND);
	assert_int_equal(look(&h), WINDOW_BASELINE);
	pass(&h, INTERVAL);
	EXPECT_CUT(&h, 2 * INTERVAL, INTERVAL, 0, 0);
	pass(&h, 2 * SECOND);
	step(&h, MIDNIGHT - 20 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT, 2 * SECOND, 2 * SECOND, 0);
}

static void boundaries_before_1970_are_multiples_too(void **state)
{
	struct host h = host_at(-13 * SECOND, INTERVAL);

	(void)state;
	assert_int_equal(window_wait_ns(&h.state, h.now), 3 * SECOND);
	pass(&h, 3 * SECOND);
	assert_int_equal(look(&h), WINDOW_BASELINE);
	pass(&h, INTERVAL);
	EXPECT_CUT(&h, 0, INTERVAL, 0, 0);
}

static void a_step_back_before_the_baseline_delays_it_by_two_intervals_at_most(void **state)
{
	struct host h = host_at(MIDNIGHT + SECOND, INTERVAL);

	(void)state;
	step(&h, -HOUR);
	assert_int_equal(look(&h), WINDOW_WAIT);
	assert_int_equal(window_wait_ns(&h.state, h.now), 2 * INTERVAL);
	pass(&h, 2 * INTERVAL);
	assert_int_equal(look(&h), WINDOW_BASELINE);
}

static void steps_are_told_apart_from_slow_reading_and_suspend(void **state)
{
	struct host h = running_host();

	(void)state;
	step(&h, 99 * MS);
	look(&h);
	step(&h, -99 * MS);
	look(&h);
	pass(&h, 5 * HOUR);
	look(&h);
	assert_int_equal(h.state.steps, 0);
	step(&h, -101 * MS);
	look(&h);
	assert_int_equal(h.state.steps, 1);
	step(&h, 101 * MS);
	window_close(&h.state, h.now, &h.window);
	assert_int_equal(h.state.steps, 2);
}

static void missed_boundaries_beyond_32_bits_do_not_wrap(void **state)
{
	struct host h = host_at(0, 1);

	(void)state;
	pass(&h, 1);
	assert_int_equal(look(&h), WINDOW_BASELINE);
	pass(&h, 5 * SECOND);
	EXPECT_CUT(&h, 5 * SECOND + 1, 5 * SECOND, 0, UINT32_MAX);
}

static void closing_cuts_early_with_the_true_length_and_the_nominal_stamp(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 4 * SECOND);
	assert_true(window_close(&h.state, h.now, &h.window));
	assert_int_equal(h.window.stamp_ns, MIDNIGHT + INTERVAL);
	assert_int_equal(h.window.length_ns, 4 * SECOND);
	assert_int_equal(h.window.late_ns, 0);
	assert_int_equal(h.window.missed, 0);
}

static void closing_after_the_boundary_cuts_as_a_look_would(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 3 * INTERVAL + 20 * MS);
	assert_true(window_close(&h.state, h.now, &h.window));
	assert_int_equal(h.window.stamp_ns, MIDNIGHT + 3 * INTERVAL);
	assert_int_equal(h.window.length_ns, 3 * INTERVAL + 20 * MS);
	assert_int_equal(h.window.late_ns, 20 * MS);
	assert_int_equal(h.window.missed, 2);
}

static void closing_while_the_clock_is_behind_bears_the_next_stamp(void **state)
{
	struct host h = running_host();

	(void)state;
	step(&h, -HOUR);
	pass(&h, 3 * SECOND);
	assert_true(window_close(&h.state, h.now, &h.window));
	assert_int_equal(h.window.stamp_ns, MIDNIGHT + INTERVAL);
	assert_int_equal(h.window.length_ns, 3 * SECOND);
}

static void closing_without_a_baseline_tells_nothing(void **state)
{
	struct host h = host_at(MIDNIGHT + SECOND, INTERVAL);
	struct window untouched = {.stamp_ns = 42};

	(void)state;
	h.window = untouched;
	pass(&h, 30 * SECOND);
	assert_false(window_close(&h.state, h.now, &h.window));
	assert_memory_equal(&h.window, &untouched, sizeof(untouched));
}

static void a_window_goes_on_after_an_early_cut(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 4 * SECOND);
	assert_true(window_close(&h.state, h.now, &h.window));
	pass(&h, 6 * SECOND);
	assert_int_equal(look(&h), WINDOW_WAIT);
	pass(&h, INTERVAL);
	EXPECT_CUT(&h, MIDNIGHT + 2 * INTERVAL, 16 * SECOND, 0, 0);
}

static void another_interval_goes_on_at_its_own_boundaries(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, INTERVAL);
	EXPECT_CUT(&h, MIDNIGHT + INTERVAL, INTERVAL, 0, 0);
	window_set_interval(&h.state, MINUTE);
	assert_int_equal(window_wait_ns(&h.state, h.now), 50 * SECOND);
	pass(&h, 50 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + MINUTE, 50 * SECOND, 0, 0);
	assert_int_equal(h.window.start_ns, MIDNIGHT + INTERVAL);
	window_set_interval(&h.state, SECOND);
	pass(&h, SECOND);
	EXPECT_CUT(&h, MIDNIGHT + MINUTE + SECOND, SECOND, 0, 0);
}

/* Else a window of a nanosecond could stand between two grids. */
static void the_first_window_of_another_interval_is_half_of_one_at_least(void **state)
{
	(void)state;
	for (uint64_t interval = 1; interval < 30; interval++) {
		struct host h = running_host();
		uint64_t ns = interval * SECOND;

		window_set_interval(&h.state, ns);
		uint64_t wait = window_wait_ns(&h.state, h.now);

		assert_in_range(wait, ns - ns / 2, ns + ns / 2);
		pass(&h, (int64_t)wait - 1);
		assert_int_equal(look(&h), WINDOW_WAIT);
		pass(&h, 1);
		assert_int_equal(look(&h), WINDOW_CUT);
		assert_int_equal(h.window.stamp_ns % (int64_t)ns, 0);
		assert_int_equal(h.window.length_ns, wait);
		assert_int_equal(h.window.missed, 0);
	}
}

static void
an_interval_that_changes_before_the_baseline_delays_it_to_a_boundary_of_its_own(void **state)
{
	struct host h = host_at(MIDNIGHT + SECOND, INTERVAL);

	(void)state;
	window_set_interval(&h.state, MINUTE);
	pass(&h, MINUTE - SECOND);
	assert_int_equal(look(&h), WINDOW_BASELINE);
	pass(&h, MINUTE);
	EXPECT_CUT(&h, MIDNIGHT + 2 * MINUTE, MINUTE, 0, 0);
}

static void breaking_bears_the_nominal_stamp_and_what_follows_is_told_a_boundary_later(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 4 * SECOND);
	assert_true(window_break(&h.state, INTERVAL, h.now, &h.window));
	assert_int_equal(h.window.stamp_ns, MIDNIGHT + INTERVAL);
	assert_int_equal(h.window.length_ns, 4 * SECOND);
	pass(&h, 16 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + 2 * INTERVAL, 16 * SECOND, 0, 0);
}

static void breaking_to_a_shorter_interval_does_not_run_ahead_of_the_clock(void **state)
{
	struct host h = host_at(MIDNIGHT - SECOND, HOUR);

	(void)state;
	pass(&h, SECOND);
	assert_int_equal(look(&h), WINDOW_BASELINE);
	pass(&h, 20 * MINUTE + 3 * SECOND);
	assert_true(window_break(&h.state, INTERVAL, h.now, &h.window));
	assert_int_equal(h.window.stamp_ns, MIDNIGHT + 20 * MINUTE + INTERVAL);
	pass(&h, 17 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + 20 * MINUTE + 2 * INTERVAL, 17 * SECOND, 0, 0);
}

static void breaking_to_a_longer_interval_ends_at_the_present_boundary(void **state)
{
	struct host h = running_host();

	(void)state;
	pass(&h, 4 * SECOND);
	assert_true(window_break(&h.state, HOUR, h.now, &h.window));
	assert_int_equal(h.window.stamp_ns, MIDNIGHT + INTERVAL);
	pass(&h, HOUR - 4 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + HOUR, HOUR - 4 * SECOND, 0, 0);
}

/* Each would go an interval further ahead of the clock. thermograf(8) says how long the second change waits. */
static void
a_window_is_not_broken_twice_in_one_interval_and_the_second_waits_less_than_two(void **state)
{
	struct host h = running_host();
	struct window untouched = {.stamp_ns = 42};

	(void)state;
	pass(&h, 4 * SECOND);
	assert_true(window_break(&h.state, INTERVAL, h.now, &h.window));
	h.window = untouched;
	pass(&h, SECOND);
	assert_false(window_break(&h.state, INTERVAL, h.now, &h.window));
	assert_memory_equal(&h.window, &untouched, sizeof(untouched));
	assert_int_equal(window_wait_ns(&h.state, h.now), 15 * SECOND);
	pass(&h, 15 * SECOND);
	EXPECT_CUT(&h, MIDNIGHT + 2 * INTERVAL, 16 * SECOND, 0, 0);
}

static void without_a_baseline_nothing_is_broken(void **state)
{
	struct host h = host_at(MIDNIGHT + SECOND, INTERVAL);

	(void)state;
	assert_false(window_break(&h.state, MINUTE, h.now, &h.window));
}

/* However long the agent ran, whenever it ended and however soon it was started again. */
static void the_next_start_never_bears_a_stamp_of_the_last(void **state)
{
	static const uint64_t intervals[] = {100 * MS, SECOND, INTERVAL, MINUTE, HOUR};
	uint64_t random = 5;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t interval = intervals[random_below(&random, ARRAY_SIZE(intervals))];
		int64_t start = MIDNIGHT + (int64_t)random_below(&random, 24 * HOUR);
		struct host h = host_at(start, interval);

		pass(&h, (int64_t)random_below(&random, 3 * interval));
		if (look(&h) != WINDOW_BASELINE)
			continue;
		pass(&h, (int64_t)random_below(&random, 3 * interval));
		assert_true(window_close(&h.state, h.now, &h.window));
		int64_t stamp = h.window.stamp_ns;

		if (random_once_in(&random, 2))
			pass(&h, (int64_t)random_below(&random, 2 * interval));
		window_init(&h.state, interval, h.now);
		for (int looks = 0; looks < 2; looks++) {
			pass(&h, (int64_t)window_wait_ns(&h.state, h.now));
			assert_int_equal(look(&h), looks ? WINDOW_CUT : WINDOW_BASELINE);
		}
		assert_true(h.window.stamp_ns > stamp);
		/* And its first window begins after what the last one counted. */
		assert_true(h.window.stamp_ns - (int64_t)interval >= stamp);
	}
}

/* What may happen between two looks. The wall clock stays within 10 h of where it would be. */
static void something_happens(struct host *h, uint64_t *random, int64_t *offset_ns)
{
	static const int64_t sizes[] = {MS, 300 * MS, SECOND, INTERVAL, MINUTE, HOUR, 7 * HOUR};
	int64_t size = sizes[random_below(random, ARRAY_SIZE(sizes))];
	int64_t moved = (int64_t)random_below(random, 2 * (uint64_t)size) - size;
	uint64_t wait = window_wait_ns(&h->state, h->now);

	switch (random_below(random, 12)) {
	case 0:
		if (llabs(*offset_ns + moved) < 10 * HOUR) {
			step(h, moved);
			*offset_ns += moved;
		}
		return;
	case 1: /* suspend, or a loop that hangs */
		pass(h, llabs(moved));
		return;
	case 2: /* woken by something else */
		pass(h, (int64_t)random_below(random, wait + 1));
		return;
	default: /* the timer, a little late */
		pass(h, (int64_t)(wait + random_below(random, 2 * MS)));
	}
}

/* Reloads, with or without another interval, at any time. */
static void on_a_random_walk_of_changes_stamps_grow_and_lengths_add_up(void **state)
{
	static const uint64_t intervals[] = {100 * MS, 700 * MS, SECOND, INTERVAL, MINUTE};
	uint64_t random = 11;

	(void)state;
	for (int walk = 0; walk < 200; walk++) {
		struct host h = host_at(MIDNIGHT + (int64_t)random_below(&random, HOUR), INTERVAL);
		int64_t offset = 0, last = 0;
		uint64_t sum = 0, since = 0;

		for (int i = 0; i < 3000; i++) {
			uint64_t interval = intervals[random_below(&random, ARRAY_SIZE(intervals))];
			enum window_event event = WINDOW_WAIT;

			something_happens(&h, &random, &offset);
			if (random_below(&random, 10))
				event = look(&h);
			else if (window_break(&h.state, interval, h.now, &h.window))
				event = WINDOW_CUT;
			else
				window_set_interval(&h.state, interval);
			assert_true(window_wait_ns(&h.state, h.now) <= 2 * h.state.interval_ns);
			if (event == WINDOW_WAIT)
				continue;
			assert_true(!last || h.state.last_stamp_ns > last);
			last = h.state.last_stamp_ns;
			if (event == WINDOW_BASELINE) {
				since = h.now.boot_ns;
				continue;
			}
			assert_int_equal(h.window.stamp_ns, last);
			assert_true(h.window.start_ns < h.window.stamp_ns);
			sum += h.window.length_ns;
			assert_int_equal(sum, h.now.boot_ns - since);
		}
		assert_true(sum);
	}
}

static void on_a_random_walk_stamps_grow_and_lengths_add_up(void **state)
{
	static const uint64_t intervals[] = {100 * MS, SECOND, INTERVAL, MINUTE, HOUR};
	uint64_t random = 7;

	(void)state;
	for (int walk = 0; walk < 200; walk++) {
		uint64_t interval = intervals[walk % (int)ARRAY_SIZE(intervals)];
		struct host h = host_at(MIDNIGHT + (int64_t)random_below(&random, HOUR), interval);
		int64_t offset = 0, last = 0;
		uint64_t sum = 0, since = 0;
		int cuts = 0;

		for (int i = 0; i < 3000; i++) {
			something_happens(&h, &random, &offset);
			enum window_event event = look(&h);
			/* Never a busy loop: after a look there is something to wait for. */
			assert_true(window_wait_ns(&h.state, h.now) > 0);
			assert_true(window_wait_ns(&h.state, h.now) <= 2 * interval);
			if (event == WINDOW_WAIT)
				continue;
			assert_int_equal(h.state.last_stamp_ns % (int64_t)interval, 0);
			assert_true(!last || h.state.last_stamp_ns > last);
			last = h.state.last_stamp_ns;
			if (event == WINDOW_BASELINE) {
				assert_int_equal(since, 0);
				since = h.now.boot_ns;
				continue;
			}
			assert_int_equal(h.window.stamp_ns, last);
			sum += h.window.length_ns;
			assert_int_equal(sum, h.now.boot_ns - since);
			cuts++;
		}
		assert_true(cuts > 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_baseline_is_the_next_boundary_and_windows_follow),
		cmocka_unit_test(a_start_on_a_boundary_waits_for_the_next),
		cmocka_unit_test(looking_too_early_changes_nothing),
		cmocka_unit_test(a_late_loop_bears_the_boundary_s_stamp_and_says_how_late),
		cmocka_unit_test(missed_boundaries_make_one_long_window),
		cmocka_unit_test(suspend_makes_one_long_window),
		cmocka_unit_test(a_small_step_forward_shortens_the_window),
		cmocka_unit_test(
			a_large_step_forward_stamps_the_newest_boundary_and_misses_nothing),
		cmocka_unit_test(a_small_step_back_lengthens_the_window),
		cmocka_unit_test(a_step_back_across_a_boundary_does_not_stamp_it_twice),
		cmocka_unit_test(
			after_a_large_step_back_long_windows_bear_the_next_stamps_until_caught_up),
		cmocka_unit_test(a_clock_that_was_days_ahead_is_not_waited_for),
		cmocka_unit_test(a_clock_that_was_a_day_ahead_is_waited_for),
		cmocka_unit_test(a_window_begins_at_the_stamp_before),
		cmocka_unit_test(
			a_window_with_a_step_in_it_begins_no_longer_before_its_stamp_than_it_was),
		cmocka_unit_test(a_leap_second_makes_one_window_of_11_seconds),
		cmocka_unit_test(a_clock_that_starts_in_1970_and_is_set_later),
		cmocka_unit_test(boundaries_before_1970_are_multiples_too),
		cmocka_unit_test(
			a_step_back_before_the_baseline_delays_it_by_two_intervals_at_most),
		cmocka_unit_test(steps_are_told_apart_from_slow_reading_and_suspend),
		cmocka_unit_test(missed_boundaries_beyond_32_bits_do_not_wrap),
		cmocka_unit_test(closing_cuts_early_with_the_true_length_and_the_nominal_stamp),
		cmocka_unit_test(closing_after_the_boundary_cuts_as_a_look_would),
		cmocka_unit_test(closing_while_the_clock_is_behind_bears_the_next_stamp),
		cmocka_unit_test(closing_without_a_baseline_tells_nothing),
		cmocka_unit_test(a_window_goes_on_after_an_early_cut),
		cmocka_unit_test(the_next_start_never_bears_a_stamp_of_the_last),
		cmocka_unit_test(another_interval_goes_on_at_its_own_boundaries),
		cmocka_unit_test(the_first_window_of_another_interval_is_half_of_one_at_least),
		cmocka_unit_test(
			an_interval_that_changes_before_the_baseline_delays_it_to_a_boundary_of_its_own),
		cmocka_unit_test(
			breaking_bears_the_nominal_stamp_and_what_follows_is_told_a_boundary_later),
		cmocka_unit_test(breaking_to_a_shorter_interval_does_not_run_ahead_of_the_clock),
		cmocka_unit_test(breaking_to_a_longer_interval_ends_at_the_present_boundary),
		cmocka_unit_test(
			a_window_is_not_broken_twice_in_one_interval_and_the_second_waits_less_than_two),
		cmocka_unit_test(without_a_baseline_nothing_is_broken),
		cmocka_unit_test(on_a_random_walk_of_changes_stamps_grow_and_lengths_add_up),
		cmocka_unit_test(on_a_random_walk_stamps_grow_and_lengths_add_up),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
