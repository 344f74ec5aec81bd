// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bio_io: what block_io cannot see: throughput and latency of disks that take bios as they are and never make requests
 * of them: dm (LVM, crypt, bio-based multipath), md, zram. Into the same measurement; no disk is in both. Not bcache, and
 * not what swaps to zram before 6.3: bdev_write_page() went past both events.
 *
 * The two events fit together. block_bio_queue shows every bio once, when it is submitted, also those of disks that work
 * with requests; these are left out here (disk_takes_bios()). block_bio_complete is raised by bio_endio() for a bio
 * that was shown and did not become a request (blk_update_request() clears BIO_TRACE_COMPLETION of all others). So one
 * bio that was submitted is one I/O, from submission to its end, with everything that it waited for below.
 *
 *   what the program sees                        meaning                                          counted
 *   end of a bio that was noted                  the whole of what was submitted has ended        ios, bytes, latency
 *   end of a bio that was not                    a piece that bio_split() cut off: the rest of    nothing
 *                                                the bio waits for it. Or it began before us
 *   no end: the bio was redirected as it is      md raid0 until 5.13, NVMe multipath heads: it    nothing; its place is
 *                                                becomes a request of the disk below              given to the next
 *   its end, but on a disk with requests         the same; many kernels tell the end of what      nothing: block_io
 *                                                goes by an NVMe path (nvme_trace_bio_complete())  has it
 *   its end, but on another disk                 bcache: clones of it do the work, and it ends     nothing; the disk
 *                                                where it was sent last. Or an old start, and its  below has its clones
 *                                                memory is that of a piece of another bio by now
 *
 * PREFLUSH and FUA are still there when a bio is submitted: such a write is a `commit`. Its size is taken there as well;
 * when it ends, bi_size may be 0.
 *
 * Starts lie in a table of pairs by the bio's address, three words whose combination gives the address: whoever reads
 * parts of two finds another's, or nobody's (as block_io.bpf.c does for its stamps). Both places of a pair taken by bios
 * that are still open: the newcomer is not counted, and that is a drop.
 *
 * Measured as block_rows.bpf.h says: 80 ns at queueing for a bio that is none of ours, where an empty program takes 56.
 */
#include "bio.bpf.h"
#include "block_rows.bpf.h"

#include <bpf/bpf_tracing.h>

/* With 1,000 bios in flight one in 2,000 finds its pair taken: 2 * (pairs / n)^2 submissions. 1.5 MiB. */
#define START_PAIR_BITS 15

enum bio_drop {
	BIO_DROP_MAP_FULL,  /* more keys than rows */
	BIO_DROP_PAIR_FULL, /* no place for its start */
	BIO_DROP_NEGATIVE,  /* no latency: it began after it ended, by the clocks */
	BIO_DROP_MAX,
};

#define SECTOR_BITS 9

struct bio_start {
	__u64 check; /* address of the bio ^ time_ns ^ what */
	__u64 time_ns;
	__u64 what; /* dev << 32 | sectors << 4 | operation */
};

struct bio_start_pair {
	struct bio_start starts[2];
};

const volatile __u32 trace_completion = 0;

TG_KEEP_ENUM(bio_drop);
TG_DROPS(BIO_DROP_MAX)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << START_PAIR_BITS);
	__type(key, __u32);
	__type(value, struct bio_start_pair);
} bio_starts SEC(".maps");

TG_INLINE struct bio_start_pair *starts_of(__u64 address)
{
	__u32 number = address * 0x9e3779b97f4a7c15ull >> (64 - START_PAIR_BITS);

	return bpf_map_lookup_elem(&bio_starts, &number);
}

TG_INLINE __u64 address_in(volatile struct bio_start *start)
{
	return start->check ^ start->time_ns ^ start->what;
}

TG_INLINE volatile struct bio_start *choose_start(struct bio_start_pair *pair, __u64 address)
{
	volatile struct bio_start *a = &pair->starts[0], *b = &pair->starts[1];

	if (address_in(a) == address || (!a->time_ns && address_in(b) != address))
		return a;
	if (address_in(b) == address || !b->time_ns)
		return b;
	if (!bio_is_open(address_in(a), trace_completion))
		return a;
	return bio_is_open(address_in(b), trace_completion) ? 0 : b;
}

TG_INLINE int submit(struct bio *bio, __u64 address)
{
	volatile struct bio_start *start;
	struct bio_start_pair *pair;
	struct gendisk *disk = bio_disk(bio);
	__u64 time_ns, what;

	if (!disk || !disk_takes_bios(disk))
		return 0;
	pair = starts_of(address);
	start = pair ? choose_start(pair, address) : 0;
	if (!start) {
		tg_drop(BIO_DROP_PAIR_FULL);
		return 0;
	}
	time_ns = bpf_ktime_get_ns();
	what = (__u64)disk_dev(disk) << 32 | bio->bi_iter.bi_size >> SECTOR_BITS << 4 |
	       bio_op(bio->bi_opf);
	start->check = address ^ time_ns ^ what;
	start->time_ns = time_ns;
	start->what = what;
	/* Two CPUs may choose the same place; who sees that is not counted, and tells. */
	if (address_in(start) != address)
		tg_drop(BIO_DROP_PAIR_FULL);
	return 0;
}

SEC("?tp_btf/block_bio_queue")
int BPF_PROG(bio_queue, struct bio *bio)
{
	return submit(bio, tg_argument(ctx, 0));
}

SEC("?tp_btf/block_bio_queue")
int BPF_PROG(bio_queue_with_queue, struct request_queue *q, struct bio *bio)
{
	return submit(bio, tg_argument(ctx, 1));
}

/* Takes the start of that bio out of the table. @return whether it was there */
TG_INLINE bool take_start(__u64 address, struct bio_start *ret)
{
	struct bio_start_pair *pair = starts_of(address);
	volatile struct bio_start *start;

	if (!pair)
		return false;
	start = &pair->starts[0];
	if (!start->time_ns || address_in(start) != address)
		start = &pair->starts[1];
	if (!start->time_ns || address_in(start) != address)
		return false;
	ret->time_ns = start->time_ns;
	ret->what = start->what;
	start->time_ns = 0;
	return true;
}

TG_INLINE int end(struct bio *bio, __u64 address, enum tg_max_mode mode)
{
	bool exclusive = has_own_shard();
	struct bio_start start;
	struct block_io_key key = {};
	struct block_io_value *v;
	struct gendisk *disk;
	__u64 now_ns;
	int row;

	if (!take_start(address, &start))
		return 0;
	now_ns = bpf_ktime_get_ns();
	disk = bio_disk(bio);
	if (!disk_takes_bios(disk) || disk_dev(disk) != start.what >> 32)
		return 0;
	key.dev = disk_dev(disk);
	key.op = start.what & 0xf;
	row = row_of(&key, disk);
	v = row < 0 ? 0 : value_at(&block_io, place_of(row));
	if (!v) {
		tg_drop(BIO_DROP_MAP_FULL);
		return 0;
	}
	TG_ADD(exclusive, v->ios, 1);
	TG_ADD(exclusive, v->bytes, (__u64)((__u32)start.what >> 4) << SECTOR_BITS);
	if (bio->bi_status)
		TG_ADD(exclusive, v->errors, 1);
	if (now_ns >= start.time_ns) {
		count_latency(&v->total, exclusive, mode, now_ns - start.time_ns);
		return 0;
	}
	TG_ADD(exclusive, v->untimed, 1);
	tg_drop(BIO_DROP_NEGATIVE);
	return 0;
}

SEC("?tp_btf/block_bio_complete")
int BPF_PROG(bio_complete, struct request_queue *q, struct bio *bio)
{
	return end(bio, tg_argument(ctx, 1), TG_MAX_SWAP);
}

SEC("?tp_btf/block_bio_complete")
int BPF_PROG(bio_complete_plain, struct request_queue *q, struct bio *bio)
{
	return end(bio, tg_argument(ctx, 1), TG_MAX_STORE);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
