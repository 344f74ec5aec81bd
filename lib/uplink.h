/* SPDX-License-Identifier: Apache-2.0 */
/**
 * uplink.h: the way to the receivers of one output: to which URL, with which credentials, on which connection. An
 * edge; does not log.
 */
#pragma once
#include "config.h"
#include "http.h"
#include "verdict.h"

#include <stdbool.h>

struct uplink;

/** @param config  borrowed until uplink_free() or uplink_set_config() @return 0 or -ENOMEM */
int uplink_new(const struct config_output *config, struct http *http, struct uplink **ret_uplink);
void uplink_free(struct uplink *uplink);

/** Another text of the same section: nothing differs that concerns the receiver (CONFDIFF_RECEIVER). */
void uplink_set_config(struct uplink *uplink, const struct config_output *config);

/** The receiver in use, to print; valid until uplink_free(). */
const char *uplink_label(const struct uplink *uplink);

/**
 * Makes sure that passwords, tokens and certificates are there: before the first request, and again after
 * uplink_failed() said that their files may hold others by now.
 * @param why  takes the key and what is wrong with it, as credentials_read() says it
 * @return whether a request can be made
 */
bool uplink_is_ready(struct uplink *uplink, struct text *why);

/** As http_post(); on a new connection after a failure. The first of `urls` is preferred, see targets.h. */
int uplink_post(struct uplink *uplink, const struct batch *batch, http_fn fn, void *ctx);

/** Ends a running request without calling back; none running is fine. */
void uplink_cancel(struct uplink *uplink);

/** The receiver in use is there: the others may be tried again when it fails. */
void uplink_passed(struct uplink *uplink);

/** Which of `urls` is in use; 0: the first. */
size_t uplink_index(const struct uplink *uplink);

/** What a failure leads to. */
struct uplink_turn {
	bool at_once;  /* it is worth to try again at once, there or elsewhere */
	bool expected; /* it was a try that may fail: nobody has to be told */
};

/**
 * The last request failed, and its batch is to be sent again.
 * @param stay  the receiver asked to wait: do not turn to another
 * @return at once: with a password that was replaced meanwhile, which was expected; at a receiver that did not fail since
 *         the last success; or back at the one in use, when it was only asked whether the first is there again
 */
struct uplink_turn uplink_failed(struct uplink *uplink, enum verdict_reason reason, bool stay);
