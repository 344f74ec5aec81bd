// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * block_io: throughput and latency of block I/O by device and operation, from one hook.
 *
 * A completion event is not an I/O. block_rq_complete is the first statement of blk_update_request(), so it
 * shows the request before the update, once per chunk:
 *
 *   what the program sees                                meaning                          counted
 *   0 < nr_bytes < __data_len                            part of the data is done         bytes
 *   nr_bytes >= __data_len, FLUSH_SEQ clear, a bio       the end                          bytes, ios, latency
 *   the same with FLUSH_SEQ set                          data of a flush sequence:        bytes
 *                                                        written, not yet durable
 *   nr_bytes = __data_len = 0, FLUSH_SEQ clear, a bio    end of that sequence, or an      ios, latency
 *                                                        empty flush (fsync): durable
 *   REQ_OP_FLUSH                                         the device's own cache flush     ios, latency
 *   nr_bytes = __data_len = 0, no bio, other operation   echo of request-based dm         nothing
 *   operation >= 32                                      passthrough (SCSI, NVMe)         as `other`
 *
 * With it reads, writes, discards, flushes and sectors agree with /proc/diskstats on 5.10 to 7.3.
 *
 * Latency is in phases, all from a request's start_time_ns, its creation:
 *
 *   total     created -> completed                  needs nothing else
 *   queue     created -> first issued to the driver
 *   device    first issued -> completed             both: a stamp at issue; a requeue keeps the first one
 *
 * start_time_ns is valid only where IO_STAT is set or the request is a flush; with iostats=0 kernels from 6.18
 * leave the tag's former value there. Without a valid start the I/O is counted in `untimed`. The kernel's own stamp at
 * issue is wrong on 6.9 to 7.1, and missing where nobody asked for it. What has no stamp is not split, and counted as a
 * drop: ios = slots of queue + untimed + unsplit_unissued + unsplit_lost.
 *
 * Stamps lie in a direct-mapped array of pairs: a slot by the request's address, so there is no start map to
 * overflow, and a request that never completes (merged into another, say) leaves nothing that grows. A stamp is
 * written as two words, address ^ time and time: whoever reads half of one and half of another finds an address that is
 * not the one looked for (Hyatt, Mann 2002: a lock-less transposition table), or the right time. Measured
 * when it was chosen, in ns an I/O, by tests/bench, whose RESULTS.md has today's: all phases 290, of these two hooks that
 * read the clock 214; with the address made a number by a locked add 315; with one stamp a slot the same, and more of
 * them lost; total alone 135; bcc's biolatency -D -F 816.
 *
 * Where the counts lie is in block_rows.bpf.h. Phases that are not asked for have arrays of one entry.
 */
#include "block_rows.bpf.h"

#include <bpf/bpf_tracing.h>

/*
 * Pairs of stamps. With n requests in flight, a third one finds both places of its pair taken once in about
 * 2 * (pairs / n)^2 issues: 4,000 in flight lose some 0.8 %, 1,000 one in 2,000. 1 MiB, and only with phases.
 */
#define STAMP_PAIR_BITS 15
/*
 * So long a stamp is safe from others; the newcomer is not split. Gave it way at once, the slowest I/Os would lose
 * theirs, since all that is fast comes by in the meantime: of 100 writes that hung for 6 s beside a busy disk, with
 * 128 pairs, 13 were split that way and 93 this way. After it nobody waits, or the device is gone.
 */
#define STAMP_KEPT_NS (300ull * 1000000000)

enum block_drop {
	BLOCK_DROP_MAP_FULL, /* more keys than rows */
	BLOCK_DROP_NO_DISK,  /* commands to what is no disk: tapes, hosts, NVMe controllers */
	BLOCK_DROP_UNSPLIT_UNISSUED, /* not split into phases: never issued, as an empty flush (fsync) */
	BLOCK_DROP_UNSPLIT_LOST, /* no place for its stamp, or it was issued before the probe came */
	BLOCK_DROP_NEGATIVE,     /* no latency: it began after it ended, by the clocks */
	BLOCK_DROP_MAX,
};

enum block_phase { BLOCK_PHASE_TOTAL, BLOCK_PHASE_QUEUE, BLOCK_PHASE_DEVICE };

#define HAS_PHASE(phase) (phases & 1u << BLOCK_PHASE_##phase)

struct block_stamp {
	__u64 check;   /* address of the request ^ time_ns */
	__u64 time_ns; /* of its first issue; 0: free */
};

const volatile __u32 phases = 1u << BLOCK_PHASE_TOTAL;
const volatile __u32 flush_seq = 0;
const volatile __u32 io_stat = 0;

TG_KEEP_ENUM(block_drop);
TG_KEEP_ENUM(block_phase);
TG_DROPS(BLOCK_DROP_MAX)

/* The same rows: phases that are paid for only where they are asked for. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct block_latency);
} block_io_queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct block_latency);
} block_io_device SEC(".maps");

struct block_stamp_pair {
	struct block_stamp stamps[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << STAMP_PAIR_BITS);
	__type(key, __u32);
	__type(value, struct block_stamp_pair);
} block_io_stamps SEC(".maps");

/* Request-based dm completes its request a second time, with nothing left to complete (dm_end_request()). */
TG_INLINE bool is_echo(struct request *rq, enum block_op op)
{
	return !rq->bio && op != BLOCK_OP_FLUSH && op != BLOCK_OP_OTHER;
}

/* ---- stamps */

/*
 * A number that stands for an address. The verifier lets no pointer be hashed, but the difference of two is a number
 * to it, and the cache stays where it is. Hidden from clang, which would take the two apart again.
 */
TG_INLINE __u64 address_of(struct request *rq)
{
	__u64 address = (__u64)rq;

	asm volatile("%0 -= %1" : "+r"(address) : "r"(&cache));
	return address;
}

TG_INLINE struct block_stamp_pair *stamps_of(__u64 address)
{
	/* Requests lie a few hundred bytes apart, in arrays: Fibonacci hashing spreads them. */
	__u32 place = address * 0x9e3779b97f4a7c15ull >> (64 - STAMP_PAIR_BITS);

	return bpf_map_lookup_elem(&block_io_stamps, &place);
}

/* The time of that request in that place; 0: another one's. */
TG_INLINE __u64 stamp_of(volatile struct block_stamp *stamp, __u64 address)
{
	__u64 check = stamp->check, time_ns = stamp->time_ns;

	return (check ^ time_ns) == address ? time_ns : 0;
}

TG_INLINE void set_stamp(volatile struct block_stamp *stamp, __u64 address, __u64 time_ns)
{
	stamp->check = address ^ time_ns;
	stamp->time_ns = time_ns;
}

/* Where the stamp of a request belongs: its own place, else a free one, else that of the older one, if that is old. */
TG_INLINE volatile struct block_stamp *choose_stamp(struct block_stamp_pair *pair, __u64 address)
{
	volatile struct block_stamp *a = &pair->stamps[0], *b = &pair->stamps[1];

	if (stamp_of(a, address))
		return a;
	if (stamp_of(b, address))
		return b;
	return a->time_ns <= b->time_ns ? a : b;
}

/* Of a flush sequence only the flush itself: with iostats=0 its data has no valid start, and would leave its stamp. */
TG_INLINE bool is_timed(struct request *rq)
{
	return rq->rq_flags & io_stat ||
	       (rq->rq_flags & flush_seq && (rq->cmd_flags & REQ_OP_MASK) == REQ_OP_FLUSH);
}

TG_INLINE int stamp_issue(struct request *rq)
{
	volatile struct block_stamp *stamp;
	struct block_stamp_pair *pair;
	__u64 address, time_ns, other_ns, now_ns;

	if (!is_timed(rq))
		return 0;
	address = address_of(rq);
	pair = stamps_of(address);
	if (!pair)
		return 0;
	stamp = choose_stamp(pair, address);
	time_ns = stamp_of(stamp, address);
	/* Issued again after a requeue: the first one counts. One from before its creation is a former request's. */
	if (time_ns && time_ns >= rq->start_time_ns)
		return 0;
	now_ns = bpf_ktime_get_ns();
	other_ns = time_ns ? 0 : stamp->time_ns;
	if (other_ns && other_ns + STAMP_KEPT_NS > now_ns)
		return 0;
	set_stamp(stamp, address, now_ns);
	return 0;
}

SEC("?tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue, struct request *rq)
{
	return stamp_issue(rq);
}

SEC("?tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue_with_queue, struct request_queue *q, struct request *rq)
{
	return stamp_issue(rq);
}

/* When it was first issued, and frees the stamp; 0: not known. */
TG_INLINE __u64 take_stamp(struct request *rq, __u64 start_ns, __u64 now_ns)
{
	__u64 address = address_of(rq), time_ns;
	struct block_stamp_pair *pair = stamps_of(address);
	volatile struct block_stamp *stamp;

	if (!pair)
		return 0;
	stamp = &pair->stamps[0];
	time_ns = stamp_of(stamp, address);
	if (!time_ns)
		time_ns = stamp_of(++stamp, address);
	if (!time_ns)
		return 0;
	stamp->time_ns = 0;
	return time_ns >= start_ns && time_ns <= now_ns ? time_ns : 0;
}

/* ---- counting */

/*
 * What is the same for all counts of one completion. Its address goes to no helper: clang would forget which of its
 * members are constants, and keep code that older kernels refuse.
 */
struct completion {
	struct request *rq;
	__u32 place;    /* of the value: row * shards + shard */
	bool exclusive; /* this CPU has the shard to itself */
	enum tg_max_mode mode;
};

TG_INLINE void count_split(const struct completion *c, __u64 start_ns, __u64 now_ns)
{
	__u64 issued_ns = take_stamp(c->rq, start_ns, now_ns);
	struct block_latency *l;

	if (!issued_ns) {
		tg_drop(c->rq->state == MQ_RQ_IDLE ? BLOCK_DROP_UNSPLIT_UNISSUED
		                                   : BLOCK_DROP_UNSPLIT_LOST);
		return;
	}
	if (HAS_PHASE(QUEUE)) {
		l = value_at(&block_io_queue, c->place);
		if (l)
			count_latency(l, c->exclusive, c->mode, issued_ns - start_ns);
	}
	if (HAS_PHASE(DEVICE)) {
		l = value_at(&block_io_device, c->place);
		if (l)
			count_latency(l, c->exclusive, c->mode, now_ns - issued_ns);
	}
}

TG_INLINE void count_end(struct block_io_value *v, const struct completion *c)
{
	__u64 now_ns = bpf_ktime_get_ns(), start_ns = is_timed(c->rq) ? c->rq->start_time_ns : 0;

	TG_ADD(c->exclusive, v->ios, 1);
	if (!start_ns || start_ns > now_ns) {
		TG_ADD(c->exclusive, v->untimed, 1);
		if (start_ns)
			tg_drop(BLOCK_DROP_NEGATIVE);
		return;
	}
	if (HAS_PHASE(TOTAL))
		count_latency(&v->total, c->exclusive, c->mode, now_ns - start_ns);
	if (HAS_PHASE(QUEUE) || HAS_PHASE(DEVICE))
		count_split(c, start_ns, now_ns);
}

TG_INLINE int complete(struct request *rq, int error, __u32 nr_bytes, enum tg_max_mode mode)
{
	__u32 flags = rq->cmd_flags, data_len = rq->__data_len, op = flags & REQ_OP_MASK;
	bool in_sequence = rq->rq_flags & flush_seq;
	/* Zone operations have no bytes either; nobody commits with them. */
	bool durable = in_sequence || (op == REQ_OP_WRITE && !nr_bytes);
	struct block_io_key key = {.op = request_op(flags, durable)};
	bool end = nr_bytes >= data_len && (!in_sequence || key.op == BLOCK_OP_FLUSH);
	struct completion c = {
		.rq = rq,
		.exclusive = has_own_shard(),
		.mode = mode,
	};
	struct block_io_value *v;
	struct gendisk *disk;
	int row;

	if (!nr_bytes && (!end || is_echo(rq, key.op)))
		return 0;
	disk = request_disk(rq);
	if (!disk) {
		tg_drop(BLOCK_DROP_NO_DISK);
		return 0;
	}
	key.dev = disk_dev(disk);
	row = row_of(&key, disk);
	c.place = place_of(row);
	v = row < 0 ? 0 : value_at(&block_io, c.place);
	if (!v) {
		tg_drop(BLOCK_DROP_MAP_FULL);
		if (end && (HAS_PHASE(QUEUE) || HAS_PHASE(DEVICE)))
			take_stamp(rq, 0, 0);
		return 0;
	}
	if (nr_bytes)
		TG_ADD(c.exclusive, v->bytes, nr_bytes);
	/* A part can fail and the rest succeed; a sequence tells its error once more at its end. */
	if (error && (end || !in_sequence))
		TG_ADD(c.exclusive, v->errors, 1);
	if (end)
		count_end(v, &c);
	return 0;
}

SEC("?tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	return complete(rq, error, nr_bytes, TG_MAX_SWAP);
}

SEC("?tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete_plain, struct request *rq, int error, unsigned int nr_bytes)
{
	return complete(rq, error, nr_bytes, TG_MAX_STORE);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
