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
 * not the one looked for (Hyatt, Mann 2002: a lock-less transposition table), or the right time. Measured as below: all
 * phases 290, of these two hooks that read the clock 214; with the address made a number by a locked add 315; with one
 * stamp a slot the same, and more of them lost; total alone 135; bcc's biolatency -D -F 816.
 *
 * The map is an index and rows. A hash holds key -> row; arrays hold rows x shards values, one shard per CPU
 * and at most 8 (the engine chooses, it knows the CPUs). In front of the hash stands a small cache of the same
 * in .bss. Phases that are not asked for have arrays of one entry. Why not
 * - a per-CPU hash: 2048 rows of 512 bytes on 128 CPUs are 128 MiB of kernel memory, and as much to copy per read;
 *   8 shards are 8 MiB, and a read copies only rows in use;
 * - the values in the hash: the look-up is what costs most. Measured in one run on 6.18 (ns per I/O, loop device,
 *   random 4 KiB reads at depth 8): program that only reads the clock 100, values in a hash 148, in a per-CPU
 *   hash 148, hash to array 149, with the cache 115; bcc's biolatency -D -F 776;
 * - locked instructions always (128): a CPU with a shard to itself adds without, where the kernel never runs the
 *   program inside itself (`guarded`).
 */
#include "block.bpf.h"

#include <bpf/bpf_tracing.h>

/* log-linear(2) first=1 last=2^30: 4 exact slots, 28 octaves of 4, +Inf. */
#define LATENCY_BITS 2
#define LATENCY_SLOTS 117

/* 256 entries for up to 1920 keys: hosts with that many disks do not use all at once; a miss costs 40 ns. */
#define CACHE_BITS 8
/* CPUs that meet new keys at the same instant step over each other's claims; more than this many try again. */
#define CLAIM_TRIES 16
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
	BLOCK_DROP_MAP_FULL,         /* more keys than rows */
	BLOCK_DROP_NO_DISK,          /* commands to what is no disk: tapes, hosts */
	BLOCK_DROP_UNSPLIT_UNISSUED, /* not split into phases: never issued, as an empty flush (fsync) */
	BLOCK_DROP_UNSPLIT_LOST, /* no place for its stamp, or it was issued before the probe came */
	BLOCK_DROP_MAX,
};

enum block_phase { BLOCK_PHASE_TOTAL, BLOCK_PHASE_QUEUE, BLOCK_PHASE_DEVICE };

#define HAS_PHASE(phase) (phases & 1u << BLOCK_PHASE_##phase)

struct block_io_key {
	__u32 dev; /* major << 20 | minor of the whole disk */
	enum block_op op;
};

struct block_latency {
	__u64 sum;         /* ns */
	struct tg_max max; /* us */
	__u32 slots[LATENCY_SLOTS];
	__u32 claims; /* of the row, in the first shard of its total: see claim_row() */
};

struct block_io_value {
	__u64 ios;
	__u64 bytes;
	__u64 errors;
	__u64 untimed; /* ios without a valid start: ios = all slots of total + untimed */
	struct block_latency total;
};

struct block_stamp {
	__u64 check;   /* address of the request ^ time_ns */
	__u64 time_ns; /* of its first issue; 0: free */
};

const volatile __u32 phases = 1u << BLOCK_PHASE_TOTAL;
const volatile __u32 shards = 1;  /* of a row, a power of two; set by the engine */
const volatile __u32 rows = 0;    /* max_keys; set by the engine */
const volatile __u32 cpus = 0;    /* CPUs that this host can have */
const volatile __u32 guarded = 0; /* the kernel never runs this program inside itself */
const volatile __u32 flush_seq = 0;
const volatile __u32 io_stat = 0;

__u32 next_row; /* where the next claim begins to look */
__u64 cache[1 << CACHE_BITS];

TG_WINDOW;
TG_KEEP_ENUM(block_drop);
TG_KEEP_ENUM(block_phase);
TG_DROPS(BLOCK_DROP_MAX)

/* Which row a key has. The engine reads it, too. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* the INI's max_keys; the engine sets it */
	__type(key, struct block_io_key);
	__type(value, __u32);
} block_io_index SEC(".maps");

/* Values: row * shards + shard. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* max_keys * shards */
	__type(key, __u32);
	__type(value, struct block_io_value);
} block_io SEC(".maps");

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

/*
 * Takes a free row. An atomic fetch-and-add would do, but 5.10 has none (it came with 5.12); a plain atomic add
 * can claim as well: who adds 1 and then reads 1 is alone. Two that add at once both read 2, take their 1 back and
 * go on. Nobody reads 1 while another owns the row.
 */
TG_INLINE int claim_row(void)
{
	__u32 first = next_row;

	for (__u32 i = 0; i < CLAIM_TRIES; i++) {
		__u32 row = first + i < rows ? first + i : first + i - rows, place = row * shards;
		struct block_io_value *v = bpf_map_lookup_elem(&block_io, &place);

		if (!v)
			return -1;
		TG_ATOMIC_ADD(v->total.claims, 1);
		if (*(volatile __u32 *)&v->total.claims == 1) {
			/* Only a hint: a late store of a lower number costs the next claim a few steps. */
			next_row = row + 1 < rows ? row + 1 : 0;
			return row;
		}
		TG_ATOMIC_ADD(v->total.claims, -1);
	}
	next_row = first + CLAIM_TRIES < rows ? first + CLAIM_TRIES : 0;
	return -1;
}

TG_INLINE void add_key(const struct block_io_key *key)
{
	struct block_io_value *v;
	int row = claim_row();
	__u32 place = row * shards;

	/* NOEXIST: of two CPUs that meet a new key, one gives its row back and uses the other's. */
	if (row < 0 || !bpf_map_update_elem(&block_io_index, key, &row, BPF_NOEXIST))
		return;
	v = bpf_map_lookup_elem(&block_io, &place);
	if (v)
		TG_ATOMIC_ADD(v->total.claims, -1);
	/* So that it is found again. */
	if ((__u32)row < next_row)
		next_row = row;
}

/* An entry of the cache is key and row in one word, read and written whole: 32 bits dev, 8 op, 24 row + 1. */
TG_INLINE int row_of(const struct block_io_key *key)
{
	__u64 tag = (__u64)key->dev << 32 | (__u64)key->op << 24;
	/* Disks' minors are 16 apart: Fibonacci hashing spreads them over the cache. */
	volatile __u64 *entry =
		&cache[((key->dev << 3 | key->op) * 0x9e3779b1u) >> (32 - CACHE_BITS)];
	__u64 known = *entry;
	__u32 *row;

	if (known - tag - 1 < rows)
		return known - tag - 1;
	row = bpf_map_lookup_elem(&block_io_index, key);
	if (!row) {
		add_key(key);
		row = bpf_map_lookup_elem(&block_io_index, key);
	}
	if (!row)
		return -1;
	*entry = tag + *row + 1;
	return *row;
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

TG_INLINE void *value_at(void *map, __u32 place)
{
	return bpf_map_lookup_elem(map, &place);
}

TG_INLINE void count_latency(struct block_latency *l, const struct completion *c, __u64 latency_ns)
{
	__u64 us = tg_ceil_us(latency_ns), slot = tg_log_linear(us, LATENCY_BITS, LATENCY_SLOTS);

	TG_ADD(c->exclusive, l->sum, latency_ns);
	tg_take_max(&l->max, tg_window, us, c->exclusive ? TG_MAX_STORE : c->mode);
	TG_OPAQUE(slot);
	if (slot < LATENCY_SLOTS) /* for the verifier */
		TG_ADD(c->exclusive, l->slots[slot], 1);
}

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
			count_latency(l, c, issued_ns - start_ns);
	}
	if (HAS_PHASE(DEVICE)) {
		l = value_at(&block_io_device, c->place);
		if (l)
			count_latency(l, c, now_ns - issued_ns);
	}
}

TG_INLINE void count_end(struct block_io_value *v, const struct completion *c)
{
	__u64 now_ns = bpf_ktime_get_ns(), start_ns = is_timed(c->rq) ? c->rq->start_time_ns : 0;

	TG_ADD(c->exclusive, v->ios, 1);
	if (!start_ns || start_ns > now_ns) {
		TG_ADD(c->exclusive, v->untimed, 1);
		return;
	}
	if (HAS_PHASE(TOTAL))
		count_latency(&v->total, c, now_ns - start_ns);
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
		.exclusive = guarded && shards >= cpus,
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
	row = row_of(&key);
	c.place = row * shards + (bpf_get_smp_processor_id() & (shards - 1));
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
