/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specreference.h: the keys `reference` of a map's section: what the kernel counts elsewhere of the same thing.
 *
 *     reference          = diskstats device op ios
 *     reference.reads    = read
 *     reference.writes   = write writeback commit
 *
 * Pure. The only reference there is are the I/Os of /proc/diskstats, by disk: reads, writes, discards and flushes. The
 * grammar is thermograf-probe(5).
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What /proc/diskstats counts of a disk. */
enum spec_disk_kind { DISK_READS, DISK_WRITES, DISK_DISCARDS, DISK_FLUSHES, SPEC_DISK_KIND_MAX };

extern const char *const spec_disk_kind_names[SPEC_DISK_KIND_MAX];

/** Zero-initialised: none. */
struct spec_reference {
	char *device; /* the tag that is the disk's name; NULL: no reference */
	char *op;     /* the tag whose values are given below */
	char *field;  /* the counter that is compared */
	char *ops
		[SPEC_DISK_KIND_MAX]; /* values of the tag op, a blank between two; NULL: that kind is not compared */
	uint32_t line;
};

/**
 * Takes `reference`, or `reference.NAME`.
 * @param name  what follows "reference.", "" for the key itself
 * @return 0; -EINVAL with a clause in `why`; -ENOMEM; unchanged on failure
 */
int specreference_set(struct spec_reference *reference, const char *name, const char *value,
                      uint32_t line, struct text *why);

/** Which kind an operation is counted as there. @return SPEC_DISK_KIND_MAX: none */
enum spec_disk_kind specreference_kind(const struct spec_reference *reference, const char *op);

/** Frees what the struct owns. */
void specreference_free(struct spec_reference *reference);
