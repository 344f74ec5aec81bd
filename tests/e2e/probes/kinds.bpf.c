// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * kinds: what a description can say and no shipped probe says all of: a gauge, maxima, exp2, tags of bytes, words, and
 * maps of one index of which one is read only when a constant asks for it. It counts I/O when it is issued, by the
 * program that waits for it.
 */
#include "kernel.bpf.h"
#include "thermograf.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define WAIT_SLOTS 12 /* exp2 first=10 last=10240 */

/* What the maps by disk hold. */
enum kinds_part {
	KINDS_PART_IOS,
	KINDS_PART_SIZE,
};

enum kinds_number {
	KINDS_NUMBER_FEW = 3,
	KINDS_NUMBER_MANY = 64,
};

struct kinds_key {
	char comm[16];
	__u32 dev;
	__u8 op[2]; /* number of the operation, and whether somebody waits */
};

struct kinds_value {
	__u64 ios;
	__u32 newest;           /* bytes */
	struct tg_max largest;  /* bytes */
	struct tg_max wait_max; /* ns */
	__u32 wait[WAIT_SLOTS]; /* from the request's creation until here */
};

struct kinds_size {
	__u64 bytes;
	struct tg_max largest;
};

const volatile __u32 shards = 1;
const volatile __u32 rows = 0;
const volatile __u64 parts = 0; /* 1 << enum kinds_part */
const volatile __u64 number = 0;

TG_KEEP_ENUM(kinds_part);
TG_KEEP_ENUM(kinds_number);
TG_WINDOW;

__u32 next_row;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct kinds_key);
	__type(value, struct kinds_value);
} kinds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} kinds_row SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} kinds_ios SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct kinds_size);
} kinds_size SEC(".maps");

/* Of two CPUs at the same instant one may win with the lesser value: the tests do one I/O at a time. */
TG_INLINE void raise(struct tg_max *max, __u32 value)
{
	__u32 window = tg_window;
	__u64 word = (__u64)window << 32 | value;

	if (max->word[window & 1] < word)
		max->word[window & 1] = word;
}

/* Places in the maps by disk: row * shards + shard. */
TG_INLINE bool find_place(__u32 dev, __u32 *ret_place)
{
	__u32 *row = bpf_map_lookup_elem(&kinds_row, &dev);

	if (!row) {
		__u32 claimed = __sync_fetch_and_add(&next_row, 1);

		if (claimed >= rows)
			return false;
		bpf_map_update_elem(&kinds_row, &dev, &claimed, BPF_NOEXIST);
		row = bpf_map_lookup_elem(&kinds_row, &dev);
	}
	if (!row)
		return false;
	*ret_place = *row * shards + (bpf_get_smp_processor_id() & (shards - 1));
	return true;
}

TG_INLINE void count_by_disk(__u32 dev, __u32 bytes)
{
	struct kinds_size *size;
	__u32 place;
	__u64 *ios;

	if (!find_place(dev, &place))
		return;
	ios = bpf_map_lookup_elem(&kinds_ios, &place);
	if (ios)
		TG_ATOMIC_ADD(*ios, 1);
	if (!(parts & 1 << KINDS_PART_SIZE))
		return;
	size = bpf_map_lookup_elem(&kinds_size, &place);
	if (size) {
		TG_ATOMIC_ADD(size->bytes, bytes);
		raise(&size->largest, bytes);
	}
}

TG_INLINE int count(struct request *rq)
{
	struct request___rq_disk *old = (void *)rq;
	struct gendisk *disk = bpf_core_field_exists(old->rq_disk) ? old->rq_disk : rq->q->disk;
	struct kinds_value none = {}, *v;
	struct kinds_key key = {};
	__u64 wait_ns = bpf_ktime_get_ns() - rq->start_time_ns;

	if (!disk)
		return 0;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	key.dev = (__u32)disk->major << 20 | disk->first_minor;
	key.op[0] = rq->cmd_flags & 0xff;
	key.op[1] = rq->cmd_flags >> 11 & 1;
	count_by_disk(key.dev, rq->__data_len);
	bpf_map_update_elem(&kinds, &key, &none, BPF_NOEXIST);
	v = bpf_map_lookup_elem(&kinds, &key);
	if (!v)
		return 0;
	TG_ATOMIC_ADD(v->ios, 1);
	v->newest = rq->__data_len;
	raise(&v->largest, rq->__data_len);
	raise(&v->wait_max, wait_ns >> 32 ? ~0u : wait_ns);
	TG_ATOMIC_ADD(v->wait[tg_log_linear((wait_ns + 9999) / 10000, 0, WAIT_SLOTS)], 1);
	return 0;
}

SEC("?tp_btf/block_rq_issue")
int BPF_PROG(kinds_issue, struct request *rq)
{
	return count(rq);
}

SEC("?tp_btf/block_rq_issue")
int BPF_PROG(kinds_issue_with_queue, struct request_queue *q, struct request *rq)
{
	return count(rq);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
