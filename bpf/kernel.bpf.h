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

struct gendisk {
	int major;
	int first_minor;
};

struct request_queue {
	struct gendisk *disk; /* since d152c682f03c (5.15) */
};

struct bio;

enum mq_rq_state { MQ_RQ_IDLE };

struct request {
	struct request_queue *q;
	unsigned int cmd_flags; /* blk_opf_t since 342a72a33407 (6.0): still 32 bits */
	unsigned int rq_flags;
	unsigned int __data_len;
	struct bio *bio;
	__u64 start_time_ns;
	enum mq_rq_state state; /* idle until it is issued, and after a requeue */
};

/* Until f3fa33acca9f (5.17) a request knew its disk by itself. */
struct request___rq_disk {
	struct gendisk *rq_disk;
};

#pragma clang attribute pop
