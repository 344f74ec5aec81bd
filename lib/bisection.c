/* SPDX-License-Identifier: Apache-2.0 */
#include "bisection.h"

#include <assert.h>

/* From the whole to one line, both included; its neighbour; and what stands beside both. */
static unsigned int patience_for(uint32_t points)
{
	unsigned int depth = 0;

	while (points > 1u << depth)
		depth++;
	return depth + 3;
}

bool bisection_rejected(struct bisection *b, bool part, uint32_t points, uint64_t now_ns)
{
	assert(b && points && points <= INT32_MAX);

	if (!part || !b->patience) {
		b->rejections = 0;
		b->patience = patience_for(points);
		b->taken = false;
		if (now_ns < b->vain_until_ns)
			return false;
	}
	b->rejections++;
	if (!b->taken && b->rejections >= b->patience) {
		b->vain_until_ns = now_ns + BISECTION_AGAIN_NS;
		return false;
	}
	return b->rejections < BISECTION_MAX;
}

void bisection_taken(struct bisection *b)
{
	assert(b);

	b->taken = true;
	b->vain_until_ns = 0;
}
