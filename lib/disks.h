/* SPDX-License-Identifier: Apache-2.0 */
/**
 * disks.h: the table of block devices: number to name and layer. The table is plain data for the pure
 * stages; disks_scan() is the edge that fills it from sysfs.
 *
 * sysfs answers from memory: a hung disk does not hold it up.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The kernel's DISK_NAME_LEN. */
#define DISKS_NAME_MAX 32
/** Of the kernel's own dev_t. */
#define DISKS_MAJOR_MAX 0xfff
#define DISKS_MINOR_BITS 20
#define DISKS_MINOR_MAX ((1u << DISKS_MINOR_BITS) - 1)
/** More block devices than this are not named (dev numbers instead), and that is told. */
#define DISKS_MAX 4096
/**
 * Requests to an NVMe disk with several paths go through a hidden disk for each, whose number nobody can look up. Probes
 * give these a number that no disk has, since majors end at 511: this | instance << 20 | namespace. So the table has
 * nvme0n2 twice where it has paths (nvme0c1n2): with its own number and with this one.
 */
#define DISKS_NVME_PATHS (1u << 31)
#define DISKS_NVME_PATHS_MAX 0x7ff /* instance; greater ones keep the number of the hidden disk */

struct disk {
	uint32_t dev; /* major << 20 | minor: the kernel's own dev_t */
	char name[DISKS_NAME_MAX];
	bool stack; /* stands, or stood, on other block devices (dm, md, multipath head) */
	bool gone;  /* was in an earlier scan: its last counts still need its name */
};

struct disks {
	struct disk *disks; /* sorted by dev */
	size_t n;
	size_t cap;
	size_t omitted; /* devices beyond DISKS_MAX */
};

/** The disk with that number, also one that is gone and whose number nobody took over; NULL: never seen. */
const struct disk *disks_find(const struct disks *disks, uint32_t dev);

/**
 * Reads all block devices (whole disks) anew.
 * @param before     the last table: what is no longer there stays in the new one, marked as gone
 * @param sys_block  "/sys/block"; another folder in tests
 * @param ret        freed with disks_free(); unchanged on failure
 * @return 0; negative errno: the folder cannot be read
 */
int disks_scan(const struct disks *before, const char *sys_block, struct disks *ret);

/**
 * Adds a disk that came and went before anybody looked, with its number where that is not another one's now.
 * @param name  shorter than DISKS_NAME_MAX
 * @return 1: added; 0: it is known, or the number is another one's; -ENOMEM
 */
int disks_add_gone(struct disks *disks, uint32_t dev, const char *name);

/**
 * Whether the disk that had that number is no longer the one that has it: it is gone, or the number is another one's. A
 * disk that came back under its name is the same, unless it was seen to be gone.
 */
bool disks_ends(const struct disks *before, const struct disks *after, uint32_t dev);

/** Whether that holds for any of those before. */
bool disks_any_ends(const struct disks *before, const struct disks *after);

void disks_free(struct disks *disks);
