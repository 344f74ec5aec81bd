/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * bio.bpf.h: what a bio is to a person: its disk and its operation. For devices that never make requests of it: dm,
 * md, zram ("bio-based").
 */
#pragma once
#include "block.bpf.h"

#define REQ_PREFLUSH (1u << 18) /* the same on all kernels */

/* Where it goes. */
TG_INLINE struct gendisk *bio_disk(struct bio *bio)
{
	struct bio___bi_disk *old = (void *)bio;

	if (bpf_core_field_exists(old->bi_disk))
		return old->bi_disk;
	return bio->bi_bdev->bd_disk;
}

/* Whether the disk takes bios as they are; else blk-mq makes requests of them (queue_is_mq()). */
TG_INLINE bool disk_takes_bios(const struct gendisk *disk)
{
	return !disk->queue->mq_ops;
}

/* Here the flags are still those of who submitted it: nobody took PREFLUSH and FUA away. */
TG_INLINE enum block_op bio_op(__u32 opf)
{
	/* An empty flush (fsync) is a write without data. */
	return request_op(opf, (opf & REQ_OP_MASK) == REQ_OP_WRITE && opf & REQ_PREFLUSH);
}

/* ---- of a bio that nobody is sure to be one any more: what cannot be read is no answer */

TG_INLINE struct gendisk *probed_bio_disk(struct bio *bio)
{
	struct bio___bi_disk *old = (void *)bio;

	if (bpf_core_field_exists(old->bi_disk))
		return BPF_CORE_READ(old, bi_disk);
	return BPF_CORE_READ(bio, bi_bdev, bd_disk);
}

TG_INLINE bool probed_disk_takes_bios(struct gendisk *disk)
{
	const struct blk_mq_ops *ops = 0;
	struct request_queue *queue = BPF_CORE_READ(disk, queue);

	return !bpf_core_read(&ops, sizeof(ops), &queue->mq_ops) && !ops;
}

/*
 * Whether it was queued, has not ended, and was not given to a disk that works with requests.
 * trace_completion: the bit BIO_TRACE_COMPLETION, set where block_bio_queue is raised, cleared by bio_endio().
 */
TG_INLINE bool bio_is_open(__u64 address, __u32 trace_completion)
{
	struct bio *bio = (void *)address;

	return BPF_CORE_READ(bio, bi_flags) & trace_completion &&
	       probed_disk_takes_bios(probed_bio_disk(bio));
}
