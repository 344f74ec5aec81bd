/* SPDX-License-Identifier: Apache-2.0 */
/**
 * coverage.h: what probes counted in a window beside what the kernel's own statistics counted in it, disk by disk. Pure.
 *
 * Maps with a `reference` take part. Those of one measurement are one, whichever probe they are of: a disk that one probe
 * cannot see may be another's. Both sides are read one after the other, so an I/O that ends between the two reads is in
 * one window here and in the next there: a fraction of a per cent on a busy disk, which evens out over windows. A window in
 * which more series counted than may be told (TAGSET_OTHER) is not compared: nobody knows of which disks these are.
 *
 *     coverage_baseline()                        at the first boundary
 *     coverage_add() for each map, coverage_cut()    at each cut
 */
#pragma once
#include "disks.h"
#include "layout.h"
#include "spec.h"
#include "tagset.h"

#include <stdbool.h>

struct coverage;

/** One disk in one window. */
struct coverage_row {
	const char *measurement;
	const char *device;
	uint64_t
		counted; /* by the probes: I/Os of the kinds that are compared, and unsure ones up to reference */
	uint64_t reference; /* by the kernel, of the same kinds */
	bool compared; /* the kernel has counted anything of this disk, ever; else it does not (iostats is off) */
};

/** @return 0 or -ENOMEM; *ret unchanged then */
int coverage_new(struct coverage **ret);

/**
 * What the kernel counted until the first window begins.
 * @param diskstats  text of /proc/diskstats
 * @return 0 or -ENOMEM: the first window is then not compared
 */
int coverage_baseline(struct coverage *coverage, const char *diskstats);

/**
 * Adds what one map counted in this window.
 * @param map   without a reference nothing is added; must live until the rows are not needed any more, so must
 * @param sets  its series of this window
 * @return 0 or -ENOMEM: the window is not compared
 */
int coverage_add(struct coverage *coverage, const struct spec_map *map, const struct layout *layout,
                 const struct tagsets *sets);

/**
 * Ends a window.
 * @param diskstats  text of /proc/diskstats, read right after the maps
 * @param disks      which of its lines are whole disks
 * @param ret_rows   disks that either side counted anything of, by measurement and name; valid until the next call
 * @return 0 or -ENOMEM: there are no rows then, and the kernel's part of the window is left out of the next one
 */
int coverage_cut(struct coverage *coverage, const char *diskstats, const struct disks *disks,
                 const struct coverage_row **ret_rows, size_t *ret_n);

/** Instead of coverage_cut(), where the kernel's part cannot be read: the next window begins anew, and is not compared. */
void coverage_skip(struct coverage *coverage);

/** NULL is fine. */
void coverage_free(struct coverage *coverage);
void coverage_freep(struct coverage **coverage);
