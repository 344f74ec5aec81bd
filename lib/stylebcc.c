/* SPDX-License-Identifier: Apache-2.0 */
#include "emitter.h"

#include <string.h>

/* What its dashboards ask for. */
#define MEASUREMENT "ebpf"
#define FIRST_TAG "tag1"

/* A tag that is made from the member of the first, as a disk's layer, is unknown to its dashboards. */
static bool is_left_out(const struct spec_map *map, size_t tag)
{
	return tag && !strcmp(map->tags[tag].member, map->tags[0].member);
}

/* Series that differ only in tags that are left out are one, and must not overwrite each other. */
static int reduce(struct style *s, const struct tagsets *sets)
{
	tagsets_clear(&s->reduced);
	for (size_t i = 0; i < sets->n; i++) {
		const char *texts = tagsets_tags(sets, i);
		size_t at;

		text_clear(&s->row);
		for (size_t tag = 0; tag < s->map->n_tags; tag++) {
			size_t len = strlen(texts) + 1;

			if (!is_left_out(s->map, tag))
				text_append(&s->row, texts, len);
			texts += len;
		}
		int err = s->row.err
		                  ?: tagsets_take(&s->reduced, text_cstr(&s->row), s->row.len, &at);

		if (err)
			return err;
		series_add(s->layout, tagsets_cells(&s->reduced, at), tagsets_cells(sets, i));
	}
	return 0;
}

static void begin(struct emitter *e, const char *texts, const struct style_histogram *plan,
                  const char *phase)
{
	const struct spec_map *map = e->style->map;

	e->point.n_tags = e->point.n_fields = 0;
	emitter_tag(e, "metric", plan->metric);
	if (phase)
		emitter_tag(e, "phase", phase);
	for (size_t i = 0; i < map->n_tags; i++) {
		if (is_left_out(map, i))
			continue;
		emitter_tag(e, i ? map->tags[i].name : FIRST_TAG, texts);
		texts += strlen(texts) + 1;
	}
}

static int tell_buckets(struct emitter *e, const struct style_histogram *plan,
                        const struct histogram *h)
{
	bool cumulative = e->style->settings.cumulative_hist;
	uint64_t count = 0;
	uint32_t slot = 0;
	int err = 0;

	for (size_t i = 0; i < plan->bounds.n && !err; i++) {
		const struct bound *bound = &plan->bounds.at[i];

		if (!cumulative)
			count = 0;
		count += histogram_until(h, &slot, bound->end);
		if (!count && !cumulative)
			continue;
		emitter_tag(e, "hi", bound->text);
		emitter_decimal(e, "value", POINT_FLOAT, (double)count);
		err = emitter_tell(e, MEASUREMENT);
		e->point.n_tags--;
	}
	return err;
}

static int tell_histogram(struct emitter *e, size_t set, size_t index)
{
	struct style *s = e->style;
	struct histogram h;

	histogram_read(&h, s->map, s->layout, tagsets_cells(&s->reduced, set), index);
	if (!h.count)
		return 0;
	begin(e, tagsets_tags(&s->reduced, set), &s->histograms[index], h.spec->phase);
	return tell_buckets(e, &s->histograms[index], &h);
}

int stylebcc_emit(struct emitter *e)
{
	struct style *s = e->style;

	return reduce(s, series_sets(e->series)) ?: emitter_all_fields(e)
	                                         ?: emitter_all_histograms(e, s->reduced.n, tell_histogram);
}
