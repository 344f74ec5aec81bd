/* SPDX-License-Identifier: Apache-2.0 */
/**
 * reach.h: whether receivers take what is sent: one test write to each of them, through what the agent sends with. An
 * edge; does not log.
 */
#pragma once
#include "config.h"
#include "lineproto.h"

#include <stdbool.h>

/** The measurement of the one point that is written: ok=1i, with the tags that all points have. */
#define REACH_MEASUREMENT "thermograf_check"

/** What one of an output's `urls` answered. */
struct reach {
	const struct config_output *output;
	struct text label; /* of the receiver, without credentials */
	bool taken;
	struct text
		answer; /* in words: "takes what is sent: 204 after 3 ms", or why not and what would help */
	long status; /* of HTTP; 0: none came */
	uint64_t took_ns;
};

struct reaches {
	struct reach *items;
	size_t n;
};

/**
 * Asks all receivers of all outputs at once, and waits for the answers: as long as the longest `timeout` says, and a
 * little for files of secrets to be read. The process must ignore SIGPIPE.
 * @param config   outlives the answers
 * @param globals  tags of the point
 * @param ret      in the order of the configuration; freed with reach_free(), also on failure
 * @return 0 or -errno
 */
int reach_all(const struct config *config, const struct lineproto_globals *globals,
              struct reaches *ret);

void reach_free(struct reaches *reaches);
