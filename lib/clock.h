/* SPDX-License-Identifier: Apache-2.0 */
/**
 * clock.h: the clocks, read. Only edges include this; pure stages are given the time.
 */
#pragma once
#include "window.h"

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/** CLOCK_BOOTTIME: runs through suspend, never steps. */
static inline uint64_t clock_boot_ns(void)
{
	return clock_read_ns(CLOCK_BOOTTIME);
}

/** Both clocks that windows are cut by. */
static inline struct window_now clock_now(void)
{
	return (struct window_now){
		.wall_ns = (int64_t)clock_read_ns(CLOCK_REALTIME),
		.boot_ns = clock_boot_ns(),
	};
}
