/* SPDX-License-Identifier: Apache-2.0 */
/**
 * targets.h: the receivers of one output, and which of them is in use. Pure.
 */
#pragma once
#include "config.h"
#include "text.h"

struct target {
	struct text url;    /* to post to */
	struct text socket; /* path of a unix socket, empty: none */
	struct text label;  /* to print */
};

struct targets {
	struct target *items;
	size_t n;       /* at least one */
	size_t current; /* index */
	size_t failed;  /* in a row; n never: then it is 0 again */
};

/** @return 0 or -ENOMEM; *ret is freed with targets_free() in both cases */
int targets_make(const struct config_output *config, struct targets *ret);
void targets_free(struct targets *t);

const struct target *targets_current(const struct targets *t);

/** The one in use took what it got, or could have: all others may be tried again. */
void targets_passed(struct targets *t);

/** The one in use is at fault: turns to the next. @return whether that one was not tried since the last success */
bool targets_failed(struct targets *t);
