/* SPDX-License-Identifier: Apache-2.0 */
#include "patience.h"

#include "ground.h"
#include "poller.h"

#include <assert.h>
#include <sys/random.h>

/* Up to this part of a Retry-After is added to it: a fleet that was told the same must not return together. */
#define RETRY_AFTER_SPREAD 4

static uint32_t random_u32(void)
{
	uint32_t value;

	/* Before the kernel's pool is ready, early at boot, the clock is random enough for a wait. */
	if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != sizeof(value))
		value = (uint32_t)(poller_now_ns() * 2654435761u);
	return value;
}

uint64_t patience_ms(struct backoff *backoff, const struct verdict *verdict)
{
	assert(backoff && verdict);

	uint64_t told_ms = verdict->retry_after_ms;

	if (verdict->action == VERDICT_HOLD)
		return PATIENCE_HOLD_MS - ((uint64_t)PATIENCE_HOLD_SPREAD_MS * random_u32() >> 32);
	if (told_ms)
		return told_ms + (told_ms / RETRY_AFTER_SPREAD * random_u32() >> 32);
	return MAX(backoff_failed(backoff, random_u32()), 1u);
}
