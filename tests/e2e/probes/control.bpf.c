// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * control: what this kernel shows to BPF programs of block I/O, counted in the plainest way, with atomic adds and
 * nothing shared with the probe under test but the kernel's types. Where it agrees with that probe and not with
 * /proc/diskstats, the kernel completed requests without running any BPF program.
 */
#include "kernel.bpf.h"
#include "thermograf.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

enum control_kind {
	CONTROL_READ,
	CONTROL_WRITE,
	CONTROL_DISCARD,
	CONTROL_FLUSH,
	CONTROL_OTHER,
};

struct control_key {
	__u32 dev;
	enum control_kind kind;
};

struct control_value {
	__u64 ios;
	__u64 bytes;
};

const volatile __u32 flush_seq = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct control_key);
	__type(value, struct control_value);
} control SEC(".maps");

TG_INLINE enum control_kind kind_of(__u32 op)
{
	if (op >= 32)
		return CONTROL_OTHER;
	if (op == 2)
		return CONTROL_FLUSH;
	if (op == 3)
		return CONTROL_DISCARD;
	return op & 1 ? CONTROL_WRITE : CONTROL_READ;
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(control_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	struct request___rq_disk *old = (void *)rq;
	struct gendisk *disk = bpf_core_field_exists(old->rq_disk) ? old->rq_disk : rq->q->disk;
	struct control_key key = {.kind = kind_of(rq->cmd_flags & 0xff)};
	bool data_of_a_sequence = rq->rq_flags & flush_seq && key.kind != CONTROL_FLUSH;
	struct control_value none = {}, *v;

	if (!disk)
		return 0;
	key.dev = (__u32)disk->major << 20 | disk->first_minor;
	bpf_map_update_elem(&control, &key, &none, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&control, &key);
	if (!v)
		return 0;
	__sync_fetch_and_add(&v->bytes, nr_bytes);
	if (nr_bytes >= rq->__data_len && !data_of_a_sequence)
		__sync_fetch_and_add(&v->ios, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
