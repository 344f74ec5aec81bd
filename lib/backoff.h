/* SPDX-License-Identifier: Apache-2.0 */
/**
 * backoff.h: how long to wait before a failed push is tried again.
 *
 * Pure: no clock, no allocation, no log. "Full jitter": uniform in [0, min(cap, base * 2^failures)], so that
 * a fleet that failed together does not return together.
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
#pragma once
#include <stdint.h>

struct backoff {
	uint32_t base_ms;  /* upper bound of the first wait; > 0 */
	uint32_t cap_ms;   /* upper bound of every wait; >= base_ms */
	uint32_t failures; /* in a row; 0 after a success */
};

/**
 * Counts one more failure and says how long to wait.
 * @param random  uniform over all 32-bit values, from the caller
 * @return        milliseconds to wait, 0 to cap_ms
 */
uint32_t backoff_failed(struct backoff *b, uint32_t random);

/** Forgets all failures. */
void backoff_succeeded(struct backoff *b);
