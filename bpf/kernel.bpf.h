/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * kernel.bpf.h: the kernel's types that shipped probes read, and only the members that they read.
 *
 * preserve_access_index makes every access relocatable: libbpf finds the member's true place in the running
 * kernel's BTF. So order and size here mean nothing, only names do, and a whole vmlinux.h is not needed.
 * A flavour (___suffix) describes the same type of another kernel; ask bpf_core_field_exists() first.
 */
#pragma once
#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct request_queue;

struct gendisk {
	int major;
	int first_minor;
	char disk_name[32];
	struct request_queue *queue;
};

struct blk_mq_ops;

struct request_queue {
	struct gendisk *disk;            /* since d152c682f03c (5.15) */
	const struct blk_mq_ops *mq_ops; /* NULL: takes bios as they are */
};

struct block_device {
	struct gendisk *bd_disk;
};

struct bvec_iter {
	unsigned int bi_size;
};

struct bio {
	struct block_device *bi_bdev; /* before 5.12: bi_disk */
	unsigned int bi_opf;
	unsigned short bi_flags;
	__u8 bi_status;
	struct bvec_iter bi_iter;
};

struct bio___bi_disk {
	struct gendisk *bi_disk;
};

enum mq_rq_state { MQ_RQ_IDLE };

struct request {
	struct request_queue *q;
	unsigned int cmd_flags; /* blk_opf_t since 342a72a33407 (6.0): still 32 bits */
	unsigned int rq_flags;
	unsigned int __data_len;
	struct bio *bio;
	__u64 start_time_ns;
	struct {
		int counter;
	} ref;                  /* atomic_t; before: refcount_t */
	enum mq_rq_state state; /* idle until it is issued, and after a requeue */
};

struct request___refcount {
	struct {
		struct {
			int counter;
		} refs;
	} ref;
};

/* Until f3fa33acca9f (5.17) a request knew its disk by itself. */
struct request___rq_disk {
	struct gendisk *rq_disk;
};

#pragma clang attribute pop
