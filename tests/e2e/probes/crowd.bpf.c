// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * crowd: as many series as a host with many disks has, without the disks: every change of a CPU's task counts in one of
 * them, and so their values differ from window to window as real ones do.
 */
#include "kernel.bpf.h"
#include "thermograf.bpf.h"

#include <bpf/bpf_tracing.h>

#define CROWD_ROWS 512

struct crowd_value {
	__u64 switches;
	__u64 random_a;
	__u64 random_b;
	__u64 random_c;
	__u64 random_d;
};

__u32 next;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CROWD_ROWS);
	__type(key, __u32);
	__type(value, struct crowd_value);
} crowd SEC(".maps");

SEC("?raw_tp/sched_switch")
int crowd_switch(void *ctx)
{
	__u32 row = __sync_fetch_and_add(&next, 1) % CROWD_ROWS;
	struct crowd_value none = {}, *v;

	(void)ctx;
	bpf_map_update_elem(&crowd, &row, &none, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&crowd, &row);
	if (!v)
		return 0;
	TG_ATOMIC_ADD(v->switches, 1);
	TG_ATOMIC_ADD(v->random_a, bpf_get_prandom_u32());
	TG_ATOMIC_ADD(v->random_b, bpf_get_prandom_u32());
	TG_ATOMIC_ADD(v->random_c, bpf_get_prandom_u32());
	TG_ATOMIC_ADD(v->random_d, bpf_get_prandom_u32());
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
