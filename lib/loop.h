/* SPDX-License-Identifier: Apache-2.0 */
/**
 * loop.h: the agent's one thread: cuts windows at the wall clock's boundaries, talks to the network, ends on
 * signals. Last in the include order: it may use everything.
 */
#pragma once
#include "config.h"

/**
 * Runs the agent until SIGTERM, SIGINT or SIGHUP; then cuts the running window and delivers what is left.
 * @return 0; -EINVAL: a required probe or an output cannot be had (logged); -errno
 */
int loop_run(const struct config *config);

/**
 * One interval, from its next boundary on, as the first output of the configuration would be sent it, on standard output.
 * @return as loop_run(); -EIO: no probe ran, or lines could not be written (logged)
 */
int loop_once(const struct config *config);
