/* SPDX-License-Identifier: Apache-2.0 */
/**
 * window.h: when to cut, which stamp the cut window bears, and how long it truly was. Pure.
 *
 * Boundaries are multiples of the interval on the wall clock (UNIX time), the same on every host. The stamp
 * is the boundary that ends the window. Stamps only grow. Lengths come from CLOCK_BOOTTIME.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** Both clocks read one after the other. */
struct window_now {
	int64_t wall_ns;  /* CLOCK_REALTIME */
	uint64_t boot_ns; /* CLOCK_BOOTTIME: runs through suspend, never steps */
};

struct window {
	int64_t stamp_ns;   /* nominal boundary that ends it */
	uint64_t length_ns; /* true length */
	uint64_t late_ns;   /* how long after its boundary it was cut (0 when cut early) */
	uint32_t missed;    /* boundaries inside it at which nothing was cut */
};

enum window_event {
	WINDOW_WAIT,	 /* not yet */
	WINDOW_BASELINE, /* the first boundary: read, tell nothing */
	WINDOW_CUT,
};

/** State; members are for window.c and its tests. */
struct window_state {
	uint64_t interval_ns;
	bool started;	       /* the baseline was taken */
	int64_t last_stamp_ns; /* boundary of the last cut or baseline */
	uint64_t last_boot_ns; /* when it was taken */
	int64_t seen_wall_ns;  /* clocks at the last call, to notice steps */
	uint64_t seen_boot_ns;
	uint64_t steps; /* of the wall clock noticed: more than WINDOW_STEP_NS against boot time */
};

/** A wall clock that moved more than this against CLOCK_BOOTTIME between two looks was stepped; NTP slewing (500 ppm) stays far below it within an interval. */
#define WINDOW_STEP_NS 500000000

/** @param interval_ns > 0 */
void window_init(struct window_state *state, uint64_t interval_ns, struct window_now now);

/** As window_init(), with the baseline at @p now instead of the next boundary (for `once`). */
void window_init_now(struct window_state *state, uint64_t interval_ns, struct window_now now);

/** Nanoseconds of wall clock from @p now until the next look is worth it; 0: now. */
uint64_t window_wait_ns(const struct window_state *state, struct window_now now);

/**
 * Asks at @p now what is to be done, and counts it as done.
 * @param ret_window  written for WINDOW_CUT only
 */
enum window_event window_look(struct window_state *state, struct window_now now,
			      struct window *ret_window);

/**
 * Cuts the running window early (the agent ends): true length, nominal stamp.
 * @return false when there is no running window (no baseline yet); ret_window is unchanged then
 */
bool window_close(struct window_state *state, struct window_now now, struct window *ret_window);
