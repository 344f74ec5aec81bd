/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specreference.h: the keys `reference` of a map's section: what the kernel counts elsewhere of the same thing.
 *
 *     reference          = diskstats device op ios
 *     reference.reads    = read
 *     reference.writes   = write writeback commit
 *     reference.unsure   = other
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

/** How an operation takes part: as one of these kinds, or as one that some kernels count among them, and others do not. */
#define SPEC_REFERENCE_UNSURE SPEC_DISK_KIND_MAX
#define SPEC_REFERENCE_PARTS (SPEC_DISK_KIND_MAX + 1)

extern const char *const specreference_parts[SPEC_REFERENCE_PARTS];

/** Zero-initialised: none. */
struct spec_reference {
	char *device; /* the tag that is the disk's name; NULL: no reference */
	char *op;     /* the tag whose values are given below */
	char *field;  /* the counter that is compared */
	/* By part, values of the tag op, a blank between two; NULL: it is not compared */
	char *ops[SPEC_REFERENCE_PARTS];
	uint32_t line;
};

/**
 * Takes `reference`, or `reference.NAME`.
 * @param name  what follows "reference.", "" for the key itself
 * @return 0; -EINVAL with a clause in `why`; -ENOMEM; unchanged on failure
 */
int specreference_set(struct spec_reference *reference, const char *name, const char *value,
                      uint32_t line, struct text *why);

/** How an operation takes part. @return an index of ops; SPEC_REFERENCE_PARTS: not at all */
size_t specreference_part(const struct spec_reference *reference, const char *op);

/** Frees what the struct owns. */
void specreference_free(struct spec_reference *reference);
