/* SPDX-License-Identifier: Apache-2.0 */
/**
 * trouble.h: what to tell a person about an output that fails, and when. Pure: gives lines, does not log.
 *
 * Edge rules: one line when it begins to fail, one for each further kind of failure, none while it goes on the
 * same way, one when it is over. A failure that comes and goes, as that of a receiver at its limit does, is told once in
 * TROUBLE_AGAIN_NS, unless it lasts for TROUBLE_LONG_NS. Lost lines are told at once, then at most every
 * TROUBLE_DROPS_AGAIN_NS with their sum.
 */
#pragma once
#include "config.h"
#include "text.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

#define TROUBLE_DROPS_AGAIN_NS 3600000000000ull
#define TROUBLE_AGAIN_NS 600000000000ull
#define TROUBLE_LONG_NS 30000000000ull
/** As a wait: the agent is ending, there is no next try. */
#define TROUBLE_NO_MORE UINT64_MAX
/** Of a receiver's message this much is quoted. */
#define TROUBLE_QUOTE_MAX 200
/** Of a line that was dropped: more than our usual ones have. */
#define TROUBLE_LINE_MAX 400

/** What can be told: each reason, and a problem of our own. */
#define TROUBLE_KINDS (VERDICT_REASON_MAX + 1)

struct trouble {
	uint64_t since_ns;               /* on the caller's clock; 0 = none */
	uint32_t told;                   /* kinds told since then, as bits */
	uint64_t told_ns[TROUBLE_KINDS]; /* when each was last told; 0: never */
	uint64_t drops_told_ns;
	uint64_t drops_untold; /* lines */
};

/** One answer, or the lack of one, and what it does to us. */
struct trouble_case {
	const struct config_output *config; /* for its name, and for advice */
	const char *label;                  /* of the receiver, without credentials */
	const char *problem;                /* of our own, before any request; NULL: none */
	enum verdict_reason reason;
	long status;       /* 0: no answer */
	const char *error; /* of the transport */
	const char *body;
};

/**
 * It failed and the batch is kept.
 * @param now_ns   > 0
 * @param wait_ms  until the next try; 0: at once on another URL; TROUBLE_NO_MORE
 * @return         whether the line in @p out is to be logged
 */
bool trouble_failed(struct trouble *t, uint64_t now_ns, const struct trouble_case *c,
                    uint64_t windows, uint64_t wait_ms, struct text *out);

/**
 * The receiver made us give up lines.
 * @param line  the one that it was, which is quoted; NULL: they are several
 * @return as above
 */
bool trouble_dropped(struct trouble *t, uint64_t now_ns, const struct trouble_case *c,
                     uint64_t lines, const char *line, struct text *out);

/** It works. @return as above: only if it did not before */
bool trouble_over(struct trouble *t, uint64_t now_ns, const char *name, uint64_t windows,
                  struct text *out);

/** The answer to a single test write that was not taken, and what would help; without the output's name. */
void trouble_explain(const struct trouble_case *c, struct text *out);

/** A time span for a person: "0.6 s", "12 s", "4 min 10 s", "2 h 3 min", "3 d 4 h". */
void trouble_span(struct text *out, uint64_t ms);
