/* SPDX-License-Identifier: Apache-2.0 */
/**
 * loop.h: the agent's one thread: cuts windows at the wall clock's boundaries, talks to the network, reloads and ends
 * on signals. Last in the include order: it may use everything.
 *
 * SIGHUP reads the configuration again. What it asks for is made at once beside what is in use, and takes its place when the
 * running window ends: so windows stay on their boundaries, and a window has one set of outputs and tags. Where that is
 * further away than LOOP_RELOAD_WAIT_NS the window is cut early (window_break()). Whatever is wrong with the new
 * configuration is logged, and all stays as it was. Of several signals the last one counts.
 */
#pragma once
#include "config.h"

/**
 * Who reloads sees the effect within this; a service manager waits for 90 s. Not so the second
 * of two reloads in one long interval: no window is cut early again before the clock has reached the stamp of the last one. It waits
 * for less than two intervals.
 */
#define LOOP_RELOAD_WAIT_NS 30000000000ull

/** Where another configuration comes from. */
struct loop_source {
	/** @return the loop's; NULL: it cannot be used, and why was logged */
	struct config *(*load)(const void *ctx);
	const void *ctx;
};

/**
 * Runs the agent until SIGTERM, SIGINT, or SIGHUP of a terminal that was closed; then cuts the running window and delivers what is left.
 * @param config  the loop's from here on
 * @param source  asked at each SIGHUP
 * @return 0; -EINVAL: a required probe or an output cannot be had (logged); -errno
 */
int loop_run(struct config *config, const struct loop_source *source);

/**
 * One interval, from its next boundary on, as the first output of the configuration would be sent it, on standard output.
 * @param config  the loop's from here on
 * @return as loop_run(); -EIO: no probe ran, or lines could not be written (logged)
 */
int loop_once(struct config *config);
