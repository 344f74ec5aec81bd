/* SPDX-License-Identifier: Apache-2.0 */
/**
 * outputstats.h: what became of an output's lines, counted.
 *
 * At any time: lines_collected = lines_sent + lines_queued + the sum of lines_dropped.
 */
#pragma once
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

enum output_drop {
	OUTPUT_DROP_SPOOL,    /* the oldest left a full spool */
	OUTPUT_DROP_REJECTED, /* the receiver will never take them */
	OUTPUT_DROP_PARTIAL, /* the receiver stored others beside them; where it does not say how many, all */
	OUTPUT_DROP_TOO_LARGE, /* single lines */
	OUTPUT_DROP_WRITE,     /* stdout or the file did not take them */
	OUTPUT_DROP_MEMORY,    /* found none */
	OUTPUT_DROP_DAMAGED,   /* the spool's disk did not give back what was written */
	OUTPUT_DROP_END, /* the agent ended before they were delivered, and they could not be kept */
	OUTPUT_DROP_MAX
};

/** Fit for names of fields. */
extern const char *const output_drop_names[OUTPUT_DROP_MAX];

struct output_stats {
	/* Ever. */
	uint64_t lines_collected;
	uint64_t
		lines_recovered; /* of those collected: by an earlier agent, which left them in the spool */
	uint64_t lines_sent;
	uint64_t lines_dropped[OUTPUT_DROP_MAX];
	uint64_t bytes_collected; /* of lines */
	uint64_t bytes_sent;      /* of bodies that were stored, as they went over the wire */
	uint64_t batches_sent;
	uint64_t retries;       /* batches kept for another try */
	uint64_t lines_retried; /* in them */
	uint64_t splits;        /* batches halved because they were too large */
	uint64_t bisections;    /* halved because a line in them was rejected */
	uint64_t verdicts[VERDICT_ACTION_MAX];
	uint64_t reasons[VERDICT_REASON_MAX];
	/* Now. */
	uint64_t lines_queued;
	uint64_t lines_unsaved; /* of them, in memory only: what a kill would cost */
	uint64_t batches_queued;
	uint64_t bytes_queued;
	uint64_t windows_queued;
	uint64_t spool_bytes;    /* of files */
	bool spool_failing;      /* its disk is out of order: what waits is in memory only */
	int64_t oldest_stamp_ns; /* 0: nothing is queued */
	bool failing;
	/* Of the last push, and the longest one since the last output_lines(). */
	size_t url_index; /* which of `urls` is in use; 0: the first */
	long status;      /* of HTTP, 0: no answer; stdout and file: 0 or -errno */
	uint64_t push_ns;
	uint64_t push_max_ns;
};
