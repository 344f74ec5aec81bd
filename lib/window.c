/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#include "ground.h"

#include <assert.h>

/* The newest boundary that is not after @wall_ns. */
static int64_t boundary(uint64_t interval_ns, int64_t wall_ns)
{
	int64_t interval = (int64_t)interval_ns;
	int64_t past = wall_ns % interval;

	/* A clock may be set before 1970. */
	return wall_ns - (past < 0 ? past + interval : past);
}

/* The boundary that ends the running window. The last stamp is no boundary of this interval after a change. */
static int64_t next_stamp(const struct window_state *state, uint64_t interval_ns)
{
	int64_t interval = (int64_t)interval_ns;

	return boundary(interval_ns,
	                state->last_stamp_ns + (interval - interval / 2) + interval - 1);
}

static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void notice_step(struct window_state *state, struct window_now now)
{
	int64_t wall = now.wall_ns - state->seen_wall_ns;
	int64_t boot = (int64_t)(now.boot_ns - state->seen_boot_ns);

	if (wall - boot > WINDOW_STEP_NS || boot - wall > WINDOW_STEP_NS)
		state->steps++;
	state->seen_wall_ns = now.wall_ns;
	state->seen_boot_ns = now.boot_ns;
}

/* Whether the running window ends now, and with which stamp. */
static bool is_due(const struct window_state *state, struct window_now now, int64_t *ret_stamp_ns)
{
	int64_t newest = boundary(state->interval_ns, now.wall_ns);
	uint64_t longest = WINDOW_MAX_INTERVALS * state->interval_ns;

	if (newest >= next_stamp(state, state->interval_ns) ||
	    state->last_stamp_ns - now.wall_ns > WINDOW_MAX_AHEAD_NS)
		*ret_stamp_ns = newest;
	else if (since(state->last_boot_ns, now.boot_ns) >= longest)
		*ret_stamp_ns = next_stamp(state, state->interval_ns);
	else
		return false;
	return true;
}

/*
 * The boundary that began a window of this length: the stamp before, unless a step of the clock lies between the two.
 * Then what happened in the window did not happen at that stamp: after a step forward it is days too old,
 * after the step back of WINDOW_MAX_AHEAD_NS it is in the future.
 */
static int64_t start_of(const struct window_state *state, int64_t stamp_ns, uint64_t length_ns)
{
	int64_t interval = (int64_t)state->interval_ns;

	if (stamp_ns <= state->last_stamp_ns)
		return stamp_ns - interval;
	uint64_t intervals = length_ns / state->interval_ns + !!(length_ns % state->interval_ns);
	if ((uint64_t)(stamp_ns - state->last_stamp_ns) / state->interval_ns <= intervals)
		return state->last_stamp_ns;
	return stamp_ns - (int64_t)MAX(intervals, (uint64_t)1) * interval;
}

/* Ends the running window and begins the next. */
static struct window cut(struct window_state *state, struct window_now now, int64_t stamp_ns)
{
	struct window window = {.stamp_ns = stamp_ns,
	                        .length_ns = since(state->last_boot_ns, now.boot_ns)};

	window.start_ns = start_of(state, stamp_ns, window.length_ns);
	if (now.wall_ns > stamp_ns)
		window.late_ns = (uint64_t)(now.wall_ns - stamp_ns);
	if (stamp_ns > state->last_stamp_ns) {
		uint64_t intervals =
			(uint64_t)(stamp_ns - state->last_stamp_ns) / state->interval_ns;
		uint64_t stepped_over = intervals - !!intervals;
		uint64_t passed = window.length_ns / state->interval_ns;
		uint64_t missed = stepped_over < passed ? stepped_over : passed;
		window.missed = missed < UINT32_MAX ? (uint32_t)missed : UINT32_MAX;
	}
	state->last_stamp_ns = stamp_ns;
	state->last_boot_ns = now.boot_ns;
	return window;
}

void window_init(struct window_state *state, uint64_t interval_ns, struct window_now now)
{
	assert(state && interval_ns && interval_ns <= INT64_MAX / 4);

	*state = (struct window_state){.interval_ns = interval_ns,
	                               .last_boot_ns = now.boot_ns,
	                               .seen_wall_ns = now.wall_ns,
	                               .seen_boot_ns = now.boot_ns};
	state->last_stamp_ns = boundary(interval_ns, now.wall_ns);
}

uint64_t window_wait_ns(const struct window_state *state, struct window_now now)
{
	assert(state);

	int64_t stamp_ns;
	if (is_due(state, now, &stamp_ns))
		return 0;

	uint64_t longest = WINDOW_MAX_INTERVALS * state->interval_ns;
	uint64_t by_boot = longest - since(state->last_boot_ns, now.boot_ns);
	uint64_t by_wall = (uint64_t)(next_stamp(state, state->interval_ns) - now.wall_ns);

	return by_wall < by_boot ? by_wall : by_boot;
}

enum window_event window_look(struct window_state *state, struct window_now now,
                              struct window *ret_window)
{
	assert(state && ret_window);

	int64_t stamp_ns;

	notice_step(state, now);
	if (!is_due(state, now, &stamp_ns))
		return WINDOW_WAIT;

	struct window window = cut(state, now, stamp_ns);
	if (!state->started) {
		state->started = true;
		return WINDOW_BASELINE;
	}
	*ret_window = window;
	return WINDOW_CUT;
}

void window_set_interval(struct window_state *state, uint64_t interval_ns)
{
	assert(state && interval_ns && interval_ns <= INT64_MAX / 4);

	state->interval_ns = interval_ns;
}

bool window_break(struct window_state *state, uint64_t interval_ns, struct window_now now,
                  struct window *ret_window)
{
	assert(state && interval_ns && interval_ns <= INT64_MAX / 4 && ret_window);

	int64_t stamp_ns;

	notice_step(state, now);
	if (!state->started)
		return false;
	if (!is_due(state, now, &stamp_ns)) {
		if (state->last_stamp_ns > now.wall_ns)
			return false;
		int64_t theirs = MAX(next_stamp(state, interval_ns),
		                     boundary(interval_ns, now.wall_ns) + (int64_t)interval_ns);

		stamp_ns = MIN(next_stamp(state, state->interval_ns), theirs);
	}
	*ret_window = cut(state, now, stamp_ns);
	state->interval_ns = interval_ns;
	return true;
}

bool window_close(struct window_state *state, struct window_now now, struct window *ret_window)
{
	assert(state && ret_window);

	int64_t stamp_ns;

	notice_step(state, now);
	if (!state->started)
		return false;
	if (!is_due(state, now, &stamp_ns))
		stamp_ns = next_stamp(state, state->interval_ns);
	*ret_window = cut(state, now, stamp_ns);
	return true;
}
