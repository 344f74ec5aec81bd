/* SPDX-License-Identifier: Apache-2.0 */
/**
 * diskstats.h: what the kernel itself counts of each disk's I/O. Pure: the text comes from who reads it.
 *
 * Source: Documentation/admin-guide/iostats.rst: major, minor, name, then fields 1 reads completed, 5 writes completed,
 * 12 discards completed (4.18), 16 flush requests completed (5.5).
 */
#pragma once
#include "specreference.h"

#include <stddef.h>
#include <stdint.h>

/** The kernel's DISK_NAME_LEN. */
#define DISKSTATS_NAME_MAX 32

/** A disk or a partition. */
struct diskstats_disk {
	uint32_t dev; /* major << 20 | minor */
	char name[DISKSTATS_NAME_MAX];
	uint64_t ios[SPEC_DISK_KIND_MAX]; /* ever; 0 for what this kernel does not count */
};

/** Zero-initialised is empty; memory is kept. */
struct diskstats {
	struct diskstats_disk *disks; /* sorted by name */
	size_t n, cap;
};

/**
 * Reads a whole /proc/diskstats anew. Lines of another form are left out.
 * @param data  NUL-terminated
 * @return 0 or -ENOMEM (unchanged)
 */
int diskstats_parse(struct diskstats *stats, const char *data);

/** The disk of that name, or NULL. */
const struct diskstats_disk *diskstats_find(const struct diskstats *stats, const char *name);

void diskstats_free(struct diskstats *stats);
