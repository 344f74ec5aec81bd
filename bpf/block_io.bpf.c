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
 * Latency is from the request's creation, in its start_time_ns: no start map, so nothing to overflow or to
 * leak. That member is valid only where IO_STAT is set or the request is a flush; with iostats=0 kernels from
 * 6.18 leave the tag's former value there. Without a valid start the I/O is counted in `untimed`.
 *
 * The map is an index and rows. A hash holds key -> row; an array holds rows x shards values, one shard per CPU
 * and at most 8 (the engine chooses, it knows the CPUs). In front of the hash stands a small cache of the same
 * in .bss. Why not
 * - a per-CPU hash: 2048 rows of 512 bytes on 128 CPUs are 128 MiB of kernel memory, and as much to copy per read;
 *   8 shards are 8 MiB, and a read copies only rows in use;
 * - the values in the hash: the look-up is what costs most. Measured in one run on 6.18 (ns per I/O, loop device,
 *   random 4 KiB reads at depth 8): program that only reads the clock 100, values in a hash 148, in a per-CPU
 *   hash 148, hash to array 149, with the cache 115; bcc's biolatency -D -F 776;
 * - locked instructions always (128): a CPU with a shard to itself adds without, where the kernel never runs the
 *   program inside itself (`guarded`).
 */
#include "kernel.bpf.h"
#include "thermograf.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* include/linux/blk_types.h; the same numbers from 5.10 to 7.3. */
#define REQ_OP_MASK 0xff
#define REQ_OP_WRITE 1
#define REQ_OP_FLUSH 2
#define REQ_OP_DISCARD 3
#define REQ_OP_PASSTHROUGH 32 /* SCSI_IN until 5.11, DRV_IN is 34 */
#define REQ_SYNC (1u << 11)
#define REQ_FUA (1u << 17)

#define MINOR_BITS 20 /* of the kernel's own dev_t */

/* log-linear(2) first=1 last=2^30: 4 exact slots, 28 octaves of 4, +Inf. */
#define LATENCY_BITS 2
#define LATENCY_SLOTS 117

/* 256 entries for up to 2048 keys: hosts with that many disks do not use all at once; a miss costs 40 ns. */
#define CACHE_BITS 8
/* CPUs that meet new keys at the same instant step over each other's claims; more than this many try again. */
#define CLAIM_TRIES 16

enum block_op {
	BLOCK_OP_READ,
	BLOCK_OP_WRITE,     /* somebody waits: REQ_SYNC */
	BLOCK_OP_WRITEBACK, /* nobody does */
	BLOCK_OP_COMMIT,    /* a write until it is durable */
	BLOCK_OP_FLUSH,     /* the device's own cache flush */
	BLOCK_OP_DISCARD,
	BLOCK_OP_OTHER, /* passthrough */
};

enum block_drop {
	BLOCK_DROP_MAP_FULL, /* more keys than rows */
	BLOCK_DROP_NO_DISK,  /* commands to what is no disk: tapes, hosts */
	BLOCK_DROP_MAX,
};

struct block_io_key {
	__u32 dev; /* major << 20 | minor of the whole disk */
	enum block_op op;
};

struct block_io_value {
	__u64 ios;
	__u64 bytes;
	__u64 errors;
	__u64 untimed;   /* ios without a valid start: ios = all slots + untimed */
	__u64 total_sum; /* ns */
	__u32 total[LATENCY_SLOTS];
	__u32 claims; /* of the row, in its first shard: see claim_row() */
};

const volatile __u32 shards = 1;  /* of a row, a power of two; set by the engine */
const volatile __u32 rows = 0;    /* max_keys; set by the engine */
const volatile __u32 cpus = 0;    /* CPUs that this host can have */
const volatile __u32 guarded = 0; /* the kernel never runs this program inside itself */
const volatile __u32 flush_seq = 0;
const volatile __u32 io_stat = 0;

__u32 next_row; /* where the next claim begins to look */
__u64 cache[1 << CACHE_BITS];

TG_KEEP_ENUM(block_drop);
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

TG_INLINE struct gendisk *request_disk(struct request *rq)
{
	struct request___rq_disk *old = (void *)rq;

	if (bpf_core_field_exists(old->rq_disk))
		return old->rq_disk;
	return rq->q->disk;
}

/* Every odd operation but DISCARD is a write to the kernel's accounting (op_is_write(), op_stat_group()). */
TG_INLINE enum block_op request_op(__u32 flags, __u32 rq_flags, __u32 nr_bytes)
{
	__u32 op = flags & REQ_OP_MASK;

	if (op >= REQ_OP_PASSTHROUGH)
		return BLOCK_OP_OTHER;
	if (op == REQ_OP_FLUSH)
		return BLOCK_OP_FLUSH;
	if (op == REQ_OP_DISCARD)
		return BLOCK_OP_DISCARD;
	if (!(op & 1))
		return BLOCK_OP_READ;
	/* Zone operations have no bytes either; nobody commits with them. */
	if (flags & REQ_FUA || rq_flags & flush_seq || (op == REQ_OP_WRITE && !nr_bytes))
		return BLOCK_OP_COMMIT;
	return flags & REQ_SYNC ? BLOCK_OP_WRITE : BLOCK_OP_WRITEBACK;
}

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
		TG_ATOMIC_ADD(v->claims, 1);
		if (*(volatile __u32 *)&v->claims == 1) {
			/* Only a hint: a late store of a lower number costs the next claim a few steps. */
			next_row = row + 1 < rows ? row + 1 : 0;
			return row;
		}
		TG_ATOMIC_ADD(v->claims, -1);
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
		TG_ATOMIC_ADD(v->claims, -1);
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

TG_INLINE void count_end(struct block_io_value *v, bool exclusive, __u64 start_ns)
{
	__u64 now_ns = bpf_ktime_get_ns(), slot;

	TG_ADD(exclusive, v->ios, 1);
	if (!start_ns || start_ns > now_ns) {
		TG_ADD(exclusive, v->untimed, 1);
		return;
	}
	TG_ADD(exclusive, v->total_sum, now_ns - start_ns);
	slot = tg_log_linear(tg_ceil_us(now_ns - start_ns), LATENCY_BITS, LATENCY_SLOTS);
	TG_OPAQUE(slot);
	if (slot < LATENCY_SLOTS) /* for the verifier */
		TG_ADD(exclusive, v->total[slot], 1);
}

SEC("?tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete, struct request *rq, int error, unsigned int nr_bytes)
{
	__u32 flags = rq->cmd_flags, rq_flags = rq->rq_flags;
	bool in_sequence = rq_flags & flush_seq, exclusive = guarded && shards >= cpus;
	struct block_io_key key = {.op = request_op(flags, rq_flags, nr_bytes)};
	bool end = nr_bytes >= rq->__data_len && (!in_sequence || key.op == BLOCK_OP_FLUSH);
	struct block_io_value *v;
	struct gendisk *disk;
	__u32 place;
	int row;

	if (!nr_bytes && (!end || is_echo(rq, key.op)))
		return 0;
	disk = request_disk(rq);
	if (!disk) {
		tg_drop(BLOCK_DROP_NO_DISK);
		return 0;
	}
	key.dev = (__u32)disk->major << MINOR_BITS | disk->first_minor;
	row = row_of(&key);
	place = row * shards + (bpf_get_smp_processor_id() & (shards - 1));
	v = row < 0 ? 0 : bpf_map_lookup_elem(&block_io, &place);
	if (!v) {
		tg_drop(BLOCK_DROP_MAP_FULL);
		return 0;
	}
	if (nr_bytes)
		TG_ADD(exclusive, v->bytes, nr_bytes);
	/* A part can fail and the rest succeed; a sequence tells its error once more at its end. */
	if (error && (end || !in_sequence))
		TG_ADD(exclusive, v->errors, 1);
	if (end)
		count_end(v, exclusive, rq_flags & (io_stat | flush_seq) ? rq->start_time_ns : 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
