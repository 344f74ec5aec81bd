/* SPDX-License-Identifier: Apache-2.0 */
/**
 * settle.h: takes a batch that was answered to where it belongs: sent, back into the spool, halved, dropped; counts
 * it, tells it, and says when the next request may go. An edge: it logs.
 */
#pragma once
#include "bisection.h"
#include "bodysize.h"
#include "complaint.h"
#include "outputstats.h"
#include "patience.h"
#include "spool.h"
#include "uplink.h"

/** A batch refused this often while others pass is poison: its next refusal is no news, the trouble is not over. */
#define SETTLE_POISON_REFUSALS 3

struct settle {
	/* Borrowed. */
	const struct config_output *config;
	struct output_stats *stats;
	struct batcher *batcher;
	struct spool *spool;
	struct uplink *uplink;
	/* Own. */
	struct complaint complaint;
	struct bodysize size;
	struct bisection bisection;
	struct backoff backoff;
};

/** All are borrowed until settle_free(). */
void settle_init(struct settle *s, const struct config_output *config, struct output_stats *stats,
                 struct batcher *batcher, struct spool *spool, struct uplink *uplink);
void settle_free(struct settle *s);

/**
 * Between two requests: the section and what is made from it are others. What the receiver taught and what was told of
 * it is forgotten only with the receiver.
 * @param batcher, uplink  as settle_init(); may be the same as before
 */
void settle_change(struct settle *s, const struct config_output *config, struct batcher *batcher,
                   struct uplink *uplink);

struct settled {
	enum verdict_action action;
	uint64_t wait_ms; /* until the next request; 0: at once */
};

/**
 * @param lent  what spool_lend() gave; it is the spool's again afterwards, or gone
 * @param last  the agent is ending: nobody will wait
 */
struct settled settle_answer(struct settle *s, const struct batch *lent,
                             const struct http_result *result, bool last);
