/* SPDX-License-Identifier: Apache-2.0 */
/**
 * window.h: when to cut, which stamp the cut window bears, and how long it truly was. Pure.
 *
 * Boundaries are multiples of the interval on the wall clock (UNIX time), the same on every host. The stamp
 * is the boundary that ends the window. Lengths come from CLOCK_BOOTTIME and add up to the time that passed.
 *
 *     ordinary            cut at the first boundary after the last stamp, stamped with it
 *     missed boundaries,  one long window, stamped with the newest boundary
 *     step forward,
 *     resume
 *     step back           the same rule: the window goes on until the wall clock passes a boundary after the last
 *                         stamp. But it grows no longer than WINDOW_MAX_INTERVALS for that: then it is cut anyway and
 *                         stamped the last stamp + interval. So a small step (a leap second) makes one window a
 *                         little longer, and after a large one long windows bear the next stamps until
 *                         the wall clock has caught up. Nothing is overwritten.
 *     stamps more than    the clock was wrong before, by days: catching up would take twice as many. Cut now and
 *     WINDOW_MAX_AHEAD_NS stamped with the newest boundary, as after a step forward. The one case in which a stamp
 *     in the future       is below the last one; only what bears the same stamps from before is overwritten.
 *     end of the agent    cut early, stamped with the boundary that would have ended it
 *     another interval    the next window ends at a boundary of the new one, half an interval after the last stamp at least
 *
 * The next start takes its baseline at the first boundary after it, which is not before the stamp of the early cut,
 * so its first window bears a later one: the two never collide, unless a step back stands between them or was not yet
 * caught up.
 *
 * The caller sleeps on a CLOCK_REALTIME timer that ends early when the clock is set (TFD_TIMER_CANCEL_ON_SET),
 * calls window_look() and asks window_wait_ns() anew after each event. Looking too early or too late is harmless.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** A window waits so many intervals of boot time for the wall clock to pass a boundary. */
#define WINDOW_MAX_INTERVALS 2

/** A day: VictoriaMetrics silently drops what is two days in the future (-futureRetention). */
#define WINDOW_MAX_AHEAD_NS INT64_C(86400000000000)

/**
 * A wall clock that moved more than this against CLOCK_BOOTTIME between two looks was stepped. NTP slews both
 * alike, so what is left is the time between reading the two; ntpd steps from 128 ms on.
 */
#define WINDOW_STEP_NS 100000000

/** Both clocks read one after the other. */
struct window_now {
	int64_t wall_ns;  /* CLOCK_REALTIME */
	uint64_t boot_ns; /* CLOCK_BOOTTIME: runs through suspend, never steps */
};

struct window {
	int64_t stamp_ns; /* nominal boundary that ends it */
	/* Nominal boundary that began it, always below stamp_ns: the stamp before, or the baseline's; where the clock
	 * was stepped in the window, as far before stamp_ns as it was long. */
	int64_t start_ns;
	uint64_t length_ns; /* true length */
	uint64_t late_ns;   /* how long after its boundary it was cut (0 when cut early) */
	uint32_t
		missed; /* boundaries that passed inside it and nothing was cut; those a step jumped over did not pass */
};

enum window_event {
	WINDOW_WAIT,     /* not yet */
	WINDOW_BASELINE, /* the first boundary: read, tell nothing */
	WINDOW_CUT,
};

/** State; members are for window.c and its tests, `steps` for all. */
struct window_state {
	uint64_t interval_ns;
	bool started;          /* the baseline was taken */
	int64_t last_stamp_ns; /* boundary of the last cut or baseline */
	uint64_t last_boot_ns; /* when it was taken */
	int64_t seen_wall_ns;  /* clocks at the last call, to notice steps */
	uint64_t seen_boot_ns;
	uint64_t steps; /* of the wall clock noticed: more than WINDOW_STEP_NS against boot time */
};

/** Plans the baseline for the first boundary after @p now. @param interval_ns > 0, at most INT64_MAX / 4 */
void window_init(struct window_state *state, uint64_t interval_ns, struct window_now now);

/** Nanoseconds of wall clock from @p now until the next look is worth it; 0: now. */
uint64_t window_wait_ns(const struct window_state *state, struct window_now now);

/**
 * Asks at @p now what is to be done, and counts it as done.
 * @param ret_window  written for WINDOW_CUT only
 */
enum window_event window_look(struct window_state *state, struct window_now now,
                              struct window *ret_window);

/** From the last cut on windows end at multiples of another interval. @param interval_ns  as window_init() */
void window_set_interval(struct window_state *state, uint64_t interval_ns);

/**
 * Cuts the running window early, for a change that is not to wait for its boundary, and goes on with that interval:
 * true length, stamped with the next boundary of either interval, whichever comes first. What is counted from here on
 * is told at the boundary after that. If the boundary has passed already, it is cut as window_look() would.
 * @param interval_ns  as window_init(); may be the present one
 * @return false, and nothing changed but the notice of a step: there is no running window, or its stamps are ahead of
 *         the wall clock (one was cut early before, or the clock was set back), and a further cut would send them
 *         further ahead
 */
bool window_break(struct window_state *state, uint64_t interval_ns, struct window_now now,
                  struct window *ret_window);

/**
 * Cuts the running window early (the agent ends): true length, nominal stamp. If its boundary has passed already, it
 * is cut as window_look() would.
 * @return false when there is no running window (no baseline yet); ret_window is unchanged then
 */
bool window_close(struct window_state *state, struct window_now now, struct window *ret_window);
