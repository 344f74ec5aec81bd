/* SPDX-License-Identifier: Apache-2.0 */
/**
 * patience.h: how long to wait after an answer that says "not this time". An edge: it rolls dice.
 */
#pragma once
#include "backoff.h"
#include "verdict.h"

/** Bounds of the wait when nobody says how long, see backoff.h. */
#define PATIENCE_BACKOFF_BASE_MS 1000
#define PATIENCE_BACKOFF_CAP_MS 30000
/**
 * A receiver that somebody must mend (credentials, database) is tried this often, up to PATIENCE_HOLD_SPREAD_MS earlier:
 * with one password for a fleet, all of it is held at once, and each host's moments must drift apart.
 */
#define PATIENCE_HOLD_MS 30000
#define PATIENCE_HOLD_SPREAD_MS 10000

/**
 * @param backoff  counts one more failure, where the receiver does not say how long and nobody has to act
 * @return         milliseconds until the next try; > 0
 */
uint64_t patience_ms(struct backoff *backoff, const struct verdict *verdict);
