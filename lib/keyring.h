/* SPDX-License-Identifier: Apache-2.0 */
/**
 * keyring.h: an output's credentials, kept and looked after: files are read by a thread, because their disk may hang, and
 * read again when they are others. An edge; does not log.
 */
#pragma once
#include "credentials.h"
#include "poller.h"

#include <stdbool.h>
#include <stdint.h>

struct keyring;

/**
 * On the loop, after a look that was asked for by force, or that found something new.
 * @param changed  keyring_get() gives others than before
 */
typedef void (*keyring_fn)(void *ctx, bool changed);

/**
 * Takes what stands in the configuration, and begins to read what stands in files.
 * @param config  copied
 * @return 0; -ENOMEM; -errno of making a thread or an eventfd
 */
int keyring_new(const struct config_output *config, struct poller *poller, keyring_fn fn, void *ctx,
                struct keyring **ret_keyring);
/** NULL is fine. */
void keyring_free(struct keyring *keyring);

/** @return borrowed until the next turn of the loop; NULL: not yet, or keyring_problem(). Once had, the last good ones */
const struct credentials *keyring_get(const struct keyring *keyring);

/** What was wrong with the files when they were last read, as credentials_read() says it; "" = nothing. */
const char *keyring_problem(const struct keyring *keyring);

/**
 * Looks whether files are others than when they were read, or could not be read then, and reads them. Costs the loop
 * nothing: to be called every window. Nothing happens without files, or while the last look goes on; but one by force is done after it.
 * @param force  read them in any case, and call back
 * @return whether there will be a call back for it
 */
bool keyring_look(struct keyring *keyring, bool force);

/** For how long the present look goes on; 0: there is none. */
uint64_t keyring_looking_ns(const struct keyring *keyring);
