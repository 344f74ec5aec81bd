/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * block.bpf.h: what a block-layer request is to a person: its disk and its operation.
 */
#pragma once
#include "kernel.bpf.h"
#include "thermograf.bpf.h"

#include <bpf/bpf_core_read.h>

/* include/linux/blk_types.h; the same numbers from 5.10 to 7.3. */
#define REQ_OP_MASK 0xff
#define REQ_OP_WRITE 1
#define REQ_OP_FLUSH 2
#define REQ_OP_DISCARD 3
#define REQ_OP_PASSTHROUGH 32 /* SCSI_IN until 5.11, DRV_IN is 34 */
#define REQ_SYNC (1u << 11)
#define REQ_FUA (1u << 17)

#define MINOR_BITS 20 /* of the kernel's own dev_t */

enum block_op {
	BLOCK_OP_READ,
	BLOCK_OP_WRITE,     /* somebody waits: REQ_SYNC */
	BLOCK_OP_WRITEBACK, /* nobody does */
	BLOCK_OP_COMMIT,    /* a write until it is durable */
	BLOCK_OP_FLUSH,     /* the device's own cache flush */
	BLOCK_OP_DISCARD,
	BLOCK_OP_OTHER, /* passthrough */
};

TG_INLINE struct gendisk *request_disk(struct request *rq)
{
	struct request___rq_disk *old = (void *)rq;

	if (bpf_core_field_exists(old->rq_disk))
		return old->rq_disk;
	return rq->q->disk;
}

/* major << 20 | minor of the whole disk */
TG_INLINE __u32 disk_dev(const struct gendisk *disk)
{
	return (__u32)disk->major << MINOR_BITS | disk->first_minor;
}

/*
 * Every odd operation but DISCARD is a write to the kernel's accounting (op_is_write(), op_stat_group()).
 * durable: the request is part of a flush sequence, or ends one.
 */
TG_INLINE enum block_op request_op(__u32 flags, bool durable)
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
	if (flags & REQ_FUA || durable)
		return BLOCK_OP_COMMIT;
	return flags & REQ_SYNC ? BLOCK_OP_WRITE : BLOCK_OP_WRITEBACK;
}
