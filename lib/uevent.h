/* SPDX-License-Identifier: Apache-2.0 */
/**
 * uevent.h: hears from the kernel that block devices came, went or changed. An edge (netlink).
 *
 * So sysfs is read when there is news, not every window: with 256 disks that would be a thousand system calls. And a disk that
 * is gone again before sysfs was read has a name all the same.
 */
#pragma once
#include "disks.h"

#include <stdbool.h>
#include <stddef.h>

/** The kernel's UEVENT_BUFFER_SIZE is 2048; longer messages do not exist. */
#define UEVENT_MESSAGE_MAX 4096

enum uevent_kind {
	UEVENT_NONE,   /* of no block device */
	UEVENT_CHANGE, /* a disk or a partition is otherwise than it was */
	UEVENT_ADD,    /* a disk came */
	UEVENT_REMOVE, /* a disk went */
};

struct uevent {
	enum uevent_kind kind;
	uint32_t dev;              /* of the disk that came or went, as in disks.h; so the next */
	char name[DISKS_NAME_MAX]; /* "cciss/c0d0", as in disks.h */
};

/**
 * Begins to listen.
 * @param ret_fd  owned by the caller, closed with close(); unchanged on failure
 * @return 0 or -errno (no netlink here): the caller then looks every time
 */
int uevent_open(int *ret_fd);

/** Reads one message. Pure. What is said of a disk that came or went without a name and a number is a change. */
struct uevent uevent_parse(const char *message, size_t len);

/**
 * The next message. Never waits.
 * @return 1; 0: there is none; -ENOBUFS: some were lost, there may be more; -errno
 */
int uevent_next(int fd, struct uevent *ret);
