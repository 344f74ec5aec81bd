/* SPDX-License-Identifier: Apache-2.0 */
/**
 * devices.h: the table of block devices, kept as the kernel says it is. An edge: it logs what it cannot know.
 *
 * A name is the kernel's own (sda, dm-0), which never changes while the device is there: `dmsetup rename` and LVM rename what
 * stands beside it. What comes and goes is told by uevents, and sysfs is read at once: when a disk ends, what was counted
 * until then is still its own, and what follows may be another one's with the same number. What cannot be told apart is what
 * completes between the uevent and the reading (less than a millisecond where the loop is idle), and what
 * happens while several changes of one number wait together: it goes to the first that is known of.
 *
 * sysfs answers from memory: a hung disk does not hold it up.
 */
#pragma once
#include "disks.h"
#include "poller.h"

/** Until sysfs is read after changes: 256 disks take 3 ms, and udev may make the kernel tell of all of them at once. */
#define DEVICES_PAUSE_NS 50000000ull
/** Messages heard in one turn of the loop. */
#define DEVICES_MESSAGES 256
/** Disks that came since sysfs was read last, which may be gone again by then; of more than these the number is told. */
#define DEVICES_ARRIVALS 64

struct devices;

/** Disks end (disks_ends()): devices_table() is still @p before; after the call it is @p after. */
typedef void (*devices_fn)(void *ctx, const struct disks *before, const struct disks *after);

/** Where uevents cannot be heard, devices_look() reads sysfs each time. @return 0 or -errno */
int devices_new(struct poller *poller, devices_fn ending, void *ctx, struct devices **ret);
/** NULL is fine. */
void devices_free(struct devices *devices);

/** Before a cut: takes what news there is. */
void devices_look(struct devices *devices);

/** Valid until the loop runs on or devices_look(). */
const struct disks *devices_table(const struct devices *devices);
