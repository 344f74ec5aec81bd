/* SPDX-License-Identifier: Apache-2.0 */
#include "emitter.h"

/* le_inf is always there: a line then always says that there was nothing beyond the scale, or how much. */
static void add_buckets(struct emitter *e, const struct style_histogram *plan,
                        const struct histogram *h)
{
	uint32_t slot = 0;

	for (size_t i = 0; i < plan->bounds.n; i++) {
		const struct bound *bound = &plan->bounds.at[i];
		uint64_t count = histogram_until(h, &slot, bound->end);

		if (count || i + 1 == plan->bounds.n)
			emitter_integer(e, bound->text, count);
	}
}

static int tell_histogram(struct emitter *e, size_t set, size_t index)
{
	const struct style_histogram *plan = &e->style->histograms[index];
	struct histogram h;

	if (!emitter_histogram(e, set, index, &h))
		return 0;
	emitter_integer(e, "count", h.count);
	add_buckets(e, plan, &h);
	emitter_summary(e, plan, &h);
	return emitter_tell(e, plan->measurement);
}

int stylefields_emit(struct emitter *e)
{
	return emitter_all(e, tell_histogram);
}
