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

/** As http_post(); on a new connection after a failure. */
int uplink_post(struct uplink *uplink, const struct batch *batch, http_fn fn, void *ctx);

/** Ends a running request without calling back; none running is fine. */
void uplink_cancel(struct uplink *uplink);

/** The receiver in use is there: the others may be tried again when it fails. */
void uplink_passed(struct uplink *uplink);

/**
 * The last request failed, and its batch is to be sent again.
 * @param stay  the receiver asked to wait: do not turn to another
 * @return whether it is worth to try at once: with a password that was replaced meanwhile, told in @p ret_replaced,
 *         or at a receiver that did not fail since the last success
 */
bool uplink_failed(struct uplink *uplink, enum verdict_reason reason, bool stay,
                   bool *ret_replaced);
