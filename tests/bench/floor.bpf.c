// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What no program on this hook can be cheaper than: one that does nothing, and one that reads the clock, as
 * whoever measures a latency must. Never shipped.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

__u64 last_ns;

SEC("?tp_btf/block_rq_complete")
int empty(void *ctx)
{
	return 0;
}

SEC("?tp_btf/block_rq_complete")
int reads_clock(void *ctx)
{
	last_ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
