/* SPDX-License-Identifier: Apache-2.0 */
/**
 * targets.h: the receivers of one output, and which of them is in use. Pure.
 */
#pragma once
#include "config.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target {
	struct text url;    /* to post to */
	struct text socket; /* path of a unix socket, empty: none */
	struct text label;  /* to print */
};

/** While another one is in use, the first is asked again this often. */
#define TARGETS_BACK_NS 300000000000ull

struct targets {
	struct target *items;
	size_t n;       /* at least one */
	size_t current; /* index */
	size_t failed;  /* in a row; n never: then it is 0 again */
	/* Of the way back to the first. */
	size_t used; /* index of the one in use, while the first is asked */
	bool asking; /* the first, whether it is there again */
	uint64_t
		away_ns; /* since when the first is not in use, or was asked in vain; 0: it is in use */
};

/** @return 0 or -ENOMEM; *ret is freed with targets_free() in both cases */
int targets_make(const struct config_output *config, struct targets *ret);
void targets_free(struct targets *t);

const struct target *targets_current(const struct targets *t);

/**
 * Before a request: turns to the first one when it was away for TARGETS_BACK_NS, for one request. If that fails, the
 * one that was in use goes on.
 * @param now_ns  > 0
 */
void targets_look_back(struct targets *t, uint64_t now_ns);

/** The one in use took what it got, or could have: all others may be tried again. */
void targets_passed(struct targets *t);

/**
 * The one in use is at fault: turns to the next.
 * @param now_ns  > 0
 * @return whether that one was not tried since the last success
 */
bool targets_failed(struct targets *t, uint64_t now_ns);
