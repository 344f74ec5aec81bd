/* SPDX-License-Identifier: Apache-2.0 */
/**
 * uevent.h: hears from the kernel that block devices came, went or changed. An edge (netlink).
 *
 * So sysfs is read when there is news, not every window: with 256 disks that would be a thousand system calls.
 */
#pragma once
#include <stdbool.h>

/** The kernel's UEVENT_BUFFER_SIZE is 2048; longer messages do not exist. */
#define UEVENT_MESSAGE_MAX 4096
/** Messages heard at one look; more mean "something changed" anyway. */
#define UEVENT_MAX_PER_LOOK 256

/**
 * Begins to listen.
 * @param ret_fd  owned by the caller, closed with close(); unchanged on failure
 * @return 0 or -errno (no netlink here): the caller then looks every time
 */
int uevent_open(int *ret_fd);

/**
 * Whether a block device changed since the last look. Never waits.
 * @return true also when messages were lost, or cannot be heard
 */
bool uevent_block_changed(int fd);
