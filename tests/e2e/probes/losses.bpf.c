// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * losses: block_io, whole, with a clock that lies: what cannot happen on a sound kernel is provoked, to see it counted.
 */
#include "block_rows.bpf.h"

/* A run of the program that is so long that interrupts find it running: turns of an empty loop. */
#define LONG_RUN_TURNS 20000

enum losses_lie { LOSSES_LIE_NONE, LOSSES_LIE_BACKWARDS, LOSSES_LIE_SLOW };

const volatile __u32 lie = LOSSES_LIE_NONE;

TG_INLINE __u64 lying_clock(void)
{
	if (lie == LOSSES_LIE_BACKWARDS)
		return 1;
	if (lie == LOSSES_LIE_SLOW)
		for (__u32 turn = 0; turn < LONG_RUN_TURNS; turn++)
			asm volatile("" : "+r"(turn));
	return bpf_ktime_get_ns();
}

TG_KEEP_ENUM(losses_lie);

#define bpf_ktime_get_ns lying_clock
#include "block_io.bpf.c"
