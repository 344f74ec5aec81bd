/* SPDX-License-Identifier: Apache-2.0 */
/**
 * agentoutputs.h: the outputs that a configuration asks for, and how one set of them follows another. An edge.
 *
 *     agentoutputs_make()   the next set, made beside the one in use; may fail, and may be dropped again
 *     agentoutputs_take()   it takes the place of the one in use; cannot fail
 *
 * An output is known by its name. One whose section did not change keeps its connection, and any that stays keeps its
 * queue and its counters. One that is no longer there, or is of another kind now, takes leave (farewell.h).
 */
#pragma once
#include "farewell.h"
#include "mapstreet.h"

/** Zero-initialised is empty. */
struct agentoutputs {
	struct output *outputs
		[CONFIG_MAX_OUTPUTS]; /* of a set not yet taken: those that are new, else NULL */
	struct style_settings styles[CONFIG_MAX_OUTPUTS];
	size_t n;
	/* Of a set that is not yet taken. */
	struct output *stays[CONFIG_MAX_OUTPUTS]; /* of the set in use, or leaving; NULL: new */
	bool held[CONFIG_MAX_OUTPUTS];            /* it was leaving */
	size_t former[CONFIG_MAX_OUTPUTS];        /* number of its style, for mapstreet_prepare() */
};

/**
 * Makes the next set. Says what each output is.
 * @param now     in use
 * @param config  borrowed, by each output until another set was taken and it took leave
 * @return 0; -errno: an output cannot be had (logged); nothing is made then
 */
int agentoutputs_make(const struct agentoutputs *now, const struct config *config,
                      struct farewell *farewell, struct http *http, struct poller *poller,
                      struct agentoutputs *ret);

/** Forgets a set that was not taken. */
void agentoutputs_drop(struct agentoutputs *next, struct farewell *farewell);

/**
 * The next set takes the place of the one in use.
 * @param old   the configuration that @p now was made from; taken over: freed when nobody needs it
 * @param next  empty afterwards
 */
void agentoutputs_take(struct agentoutputs *now, struct agentoutputs *next,
                       struct farewell *farewell, struct config *old);

/** Frees all outputs of a set in use. */
void agentoutputs_free(struct agentoutputs *now);
