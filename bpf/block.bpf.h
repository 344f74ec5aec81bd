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

/* Of a request that nobody is sure to be one any more. */
TG_INLINE struct gendisk *probed_request_disk(struct request *rq)
{
	struct request___rq_disk *old = (void *)rq;

	if (bpf_core_field_exists(old->rq_disk))
		return BPF_CORE_READ(old, rq_disk);
	return BPF_CORE_READ(rq, q, disk);
}

/* major << 20 | minor of the whole disk */
TG_INLINE __u32 disk_dev(const struct gendisk *disk)
{
	return (__u32)disk->major << MINOR_BITS | disk->first_minor;
}

/*
 * The number by which people know a disk. An NVMe disk with several paths is nvme0n2 to them; its requests go through
 * hidden disks, one for each path: nvme0c1n2, whose number stands nowhere in sysfs. For these a number that no disk
 * has, since majors end at 511, made of the first and the last number in the name; lib/disks.c knows it, too.
 * Reads the name: for where a disk is met for the first time, not for each I/O.
 */
#define NVME_PATHS (1u << 31)
#define NVME_INSTANCE_MAX 0x7ff
#define NVME_NAME_LEN 20

TG_INLINE __u32 known_dev(struct gendisk *disk, __u32 dev)
{
	char name[NVME_NAME_LEN] = {};
	__u32 instance = 0, number = 0;
	bool is_path = false;

	if (bpf_probe_read_kernel(name, sizeof(name), disk->disk_name) || name[0] != 'n' ||
	    name[1] != 'v' || name[2] != 'm' || name[3] != 'e')
		return dev;
	for (int i = 4; i < NVME_NAME_LEN; i++) {
		__u32 digit = (__u32)name[i] - '0';

		if (digit < 10) {
			number = (number * 10 + digit) & ((1u << MINOR_BITS) - 1);
		} else if (name[i] == 'c') {
			is_path = number <= NVME_INSTANCE_MAX;
			instance = number;
		} else if (name[i] == 'n') {
			number = 0;
		} else {
			break;
		}
	}
	return is_path ? NVME_PATHS | instance << MINOR_BITS | number : dev;
}

TG_INLINE bool is_passthrough(__u32 flags)
{
	return (flags & REQ_OP_MASK) >= REQ_OP_PASSTHROUGH;
}

/*
 * Every odd operation but DISCARD is a write to the kernel's accounting (op_is_write(), op_stat_group()).
 * durable: the request is part of a flush sequence, or ends one.
 */
TG_INLINE enum block_op request_op(__u32 flags, bool durable)
{
	__u32 op = flags & REQ_OP_MASK;

	if (is_passthrough(flags))
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
