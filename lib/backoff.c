/* SPDX-License-Identifier: Apache-2.0 */
#include "backoff.h"

#include <assert.h>

uint32_t backoff_failed(struct backoff *b, uint32_t random)
{
	assert(b && b->base_ms && b->base_ms <= b->cap_ms);

	/* Stops doubling at the cap, so 2^failures cannot wrap however long the outage. */
	uint64_t bound_ms = b->base_ms;
	for (uint32_t i = 0; i < b->failures && bound_ms < b->cap_ms; i++)
		bound_ms *= 2;
	bound_ms = bound_ms < b->cap_ms ? bound_ms : b->cap_ms;
	if (b->failures < UINT32_MAX)
		b->failures++;

	/* Scaling instead of modulo: no bias towards small waits. */
	return (uint32_t)(((bound_ms + 1) * random) >> 32);
}

void backoff_succeeded(struct backoff *b)
{
	assert(b);

	b->failures = 0;
}
