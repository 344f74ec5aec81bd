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

/** On the loop: what uplink_is_ready() gives may be another now. */
typedef void (*uplink_fn)(void *ctx);

/**
 * @param config  borrowed until uplink_free() or uplink_set_config()
 * @return 0; -ENOMEM; -errno of making a thread that reads files
 */
int uplink_new(const struct config_output *config, struct http *http, struct poller *poller,
               uplink_fn fn, void *ctx, struct uplink **ret_uplink);
void uplink_free(struct uplink *uplink);

/** Another text of the same section: nothing differs that concerns the receiver (CONFDIFF_RECEIVER). */
void uplink_set_config(struct uplink *uplink, const struct config_output *config);

/** The receiver in use, to print; valid until uplink_free(). */
const char *uplink_label(const struct uplink *uplink);

/** Looks whether files of passwords, tokens and certificates changed, without waiting for it: every window. */
void uplink_look(struct uplink *uplink);

/** Somebody had to act, and may have: reads them anew before the next request. */
void uplink_recheck(struct uplink *uplink);

enum uplink_state {
	UPLINK_READY,  /* a request can be made */
	UPLINK_READS,  /* not before uplink_fn was called: its files are being read */
	UPLINK_CANNOT, /* a person has to do something */
};

/**
 * Before each request. While files are read anew without need, what they held goes on being used.
 * @param why  of UPLINK_CANNOT: takes the key and what is wrong, as credentials_read() says it
 */
enum uplink_state uplink_state(struct uplink *uplink, struct text *why);

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
	bool at_once; /* it is worth to try again, there or elsewhere, as soon as uplink_state() lets us */
	bool expected; /* it was a try that may fail: nobody has to be told */
};

/**
 * The last request failed, and its batch is to be sent again.
 * @param stay  the receiver asked to wait: do not turn to another
 * @return at once: once more after the first refusal of a password that stands in a file, which may hold another by now; at
 *         a receiver that did not fail since the last success; or back at the one in use, when it was only asked
 *         whether the first is there again
 */
struct uplink_turn uplink_failed(struct uplink *uplink, enum verdict_reason reason, bool stay);
