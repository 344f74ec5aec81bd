/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * block_rows.bpf.h: counts of block I/O by disk and operation: the maps of block_io and bio_io, and how they are
 * counted into. An object includes it once.
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
#pragma once
#include "block.bpf.h"

/* log-linear(2) first=1 last=2^30: 4 exact slots, 28 octaves of 4, +Inf. */
#define LATENCY_BITS 2
#define LATENCY_SLOTS 117

/* 256 entries for up to 1920 keys: hosts with that many disks do not use all at once; a miss costs 40 ns. */
#define CACHE_BITS 8
/* CPUs that meet new keys at the same instant step over each other's claims; more than this many try again. */
#define CLAIM_TRIES 16
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

const volatile __u32 shards = 1;  /* of a row, a power of two; set by the engine */
const volatile __u32 rows = 0;    /* max_keys; set by the engine */
const volatile __u32 cpus = 0;    /* CPUs that this host can have */
const volatile __u32 guarded = 0; /* the kernel never runs this program inside itself */

__u32 next_row; /* where the next claim begins to look */
__u64 cache[1 << CACHE_BITS];

TG_WINDOW;
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

/* In the index; a key that is new gets a row. */
TG_INLINE __u32 *find_row(const struct block_io_key *key)
{
	__u32 *row = bpf_map_lookup_elem(&block_io_index, key);

	if (row)
		return row;
	add_key(key);
	return bpf_map_lookup_elem(&block_io_index, key);
}

/*
 * An entry of the cache is key and row in one word, read and written whole: 32 bits dev, 3 op, 8 window, 21 row + 1. The
 * index knows the disk by the number that people know; the cache by its own, so that what it knows costs no look at the
 * name. It knows it for one window, which also ends when a disk goes: a path of an NVMe disk may have any number that was
 * another disk's, and then the index has another key for it.
 */
TG_INLINE int row_of(const struct block_io_key *key, struct gendisk *disk)
{
	struct block_io_key known_as = {.op = key->op};
	__u64 tag = (__u64)key->dev << 32 | (__u64)key->op << 29 | (__u64)(tg_window & 0xff) << 21;
	/* Disks' minors are 16 apart: Fibonacci hashing spreads them over the cache. */
	volatile __u64 *entry =
		&cache[((key->dev << 3 | key->op) * 0x9e3779b1u) >> (32 - CACHE_BITS)];
	__u64 known = *entry;
	__u32 *row;

	if (known - tag - 1 < rows)
		return known - tag - 1;
	known_as.dev = known_dev(disk, key->dev);
	row = find_row(&known_as);
	if (!row)
		return -1;
	*entry = tag + *row + 1;
	return *row;
}

TG_INLINE void *value_at(void *map, __u32 place)
{
	return bpf_map_lookup_elem(map, &place);
}

/*
 * Counts one latency. What it is told by value, clang knows to be constant where it is: code for other kernels is then
 * not even there.
 */
TG_INLINE void count_latency(struct block_latency *l, bool exclusive, enum tg_max_mode mode,
                             __u64 latency_ns)
{
	__u64 us = tg_ceil_us(latency_ns), slot = tg_log_linear(us, LATENCY_BITS, LATENCY_SLOTS);

	TG_ADD(exclusive, l->sum, latency_ns);
	tg_take_max(&l->max, tg_window, us, exclusive ? TG_MAX_STORE : mode);
	TG_OPAQUE(slot);
	if (slot < LATENCY_SLOTS) /* for the verifier */
		TG_ADD(exclusive, l->slots[slot], 1);
}

/* This CPU has its shard to itself, and nothing runs the program inside itself. The verifier knows the answer. */
TG_INLINE bool has_own_shard(void)
{
	return guarded && shards >= cpus;
}

/* Of this CPU's value in a row. */
TG_INLINE __u32 place_of(__u32 row)
{
	return row * shards + (bpf_get_smp_processor_id() & (shards - 1));
}
