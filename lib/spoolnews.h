/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spoolnews.h: what the log is told of an output's spool. An edge.
 *
 * Edge rules as in trouble.h: one line when something begins, one when it is over, none in between; losses at once, and then
 * every TROUBLE_DROPS_AGAIN_NS with their sum.
 */
#pragma once
#include "spool.h"
#include "spooldir.h"

#include <stdbool.h>
#include <stdint.h>

/** Zero-initialised but for the first three, which stay their owner's. */
struct spoolnews {
	const char *output;    /* its name */
	const char *path;      /* the spool's folder; not used where there is none */
	uint64_t memory_bytes; /* what there is without the disk */
	/* The rest is spoolnews.c's. Times are poller_now_ns(); 0: it is not so. */
	uint64_t failing_since_ns;
	enum spool_task_kind failing_kind;
	int failing_err;
	uint64_t skipping_since_ns;
	uint64_t hung_since_ns;
	uint64_t damage_told_ns;
	struct segment_damage damage_told;
	bool counted_told;
	uint64_t full_told_ns;
	uint64_t dropped; /* lines, as last seen */
};

/** Whether the disk is out of order, as far as was told. */
bool spoolnews_is_failing(const struct spoolnews *news);

/**
 * A task failed. One line for each kind of error.
 * @param err    < 0
 * @param blind  windows can still be written
 */
void spoolnews_failure(struct spoolnews *news, enum spool_task_kind kind, int err, bool blind);
/** A task succeeded. */
void spoolnews_success(struct spoolnews *news, enum spool_task_kind kind,
                       const struct spool_totals *totals);

/** A segment could not be counted, and is passed over; it is tried again and again. @param err  < 0 */
void spoolnews_uncounted(struct spoolnews *news, uint32_t segment, int err);
/** Tells once what was found in the end, and when what could not be counted is. To be called after each task. */
void spoolnews_counted(struct spoolnews *news, const struct spool_disk *disk,
                       const struct spool_totals *totals);

/** @param damage  all that was ever skipped */
void spoolnews_damage(struct spoolnews *news, const struct segment_damage *damage);

/** The disk has given no answer for so long. */
void spoolnews_hung(struct spoolnews *news, uint64_t for_ns);
/** Only after that: it does. */
void spoolnews_answers(struct spoolnews *news);

/** Tells of windows that were dropped since, if any were. @param max_bytes  spool_max_bytes */
void spoolnews_full(struct spoolnews *news, const struct spool_totals *totals, uint64_t max_bytes);
