/* SPDX-License-Identifier: Apache-2.0 */
#include "emitter.h"

static int tell_buckets(struct emitter *e, const struct style_histogram *plan,
                        const struct histogram *h)
{
	uint32_t slot = 0;
	int err = 0;

	for (size_t i = 0; i < plan->bounds.n && slot <= h->top && !err; i++) {
		const struct bound *bound = &plan->bounds.at[i];
		uint64_t count = histogram_until(h, &slot, bound->end);

		if (!count)
			continue;
		emitter_tag(e, "le", bound->text);
		emitter_integer(e, "count", count);
		err = emitter_tell(e, plan->measurement);
		e->point.n_tags--;
	}
	return err;
}

static int tell_histogram(struct emitter *e, size_t set, size_t index)
{
	const struct style_histogram *plan = &e->style->histograms[index];
	struct histogram h;

	if (!emitter_histogram(e, set, index, &h))
		return 0;
	int err = tell_buckets(e, plan, &h);

	if (err)
		return err;
	emitter_integer(e, "count", h.count);
	emitter_summary(e, plan, &h);
	return emitter_tell(e, plan->summary);
}

int styleinflux_emit(struct emitter *e)
{
	return emitter_all(e, tell_histogram);
}
