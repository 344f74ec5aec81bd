/* SPDX-License-Identifier: Apache-2.0 */
#include "mapview.h"

#include <assert.h>
#include <stdio.h>

/* Where the n cells from that one on stand in a value. */
static void place(const struct layout *layout, uint32_t cell, uint32_t n, struct mapview_member *m)
{
	for (size_t i = 0; i < layout->n_runs; i++) {
		const struct layout_run *run = &layout->runs[i];
		/* A maximum is two words, of which one cell is made. */
		uint32_t bytes = run->kind == SPEC_MAXIMUM ? LAYOUT_MAX_TYPE_BYTES : run->width;

		if (cell < run->first_cell || cell >= run->first_cell + run->count)
			continue;
		m->offset = run->offset + (cell - run->first_cell) * bytes;
		m->bytes = n * bytes;
		return;
	}
}

static void tell_tag(const struct spec_map *map, const struct layout *layout, size_t i,
                     mapview_fn fn, void *ctx)
{
	const struct spec_tag *tag = &map->tags[i];
	struct mapview_member m = {.in_key = true,
	                           .member = tag->member,
	                           .offset = layout->tags[i].offset,
	                           .bytes = layout->tags[i].size,
	                           .as = "tag",
	                           .name = tag->name};

	if (tag->arg)
		snprintf(m.kind, sizeof(m.kind), "%s(%s)", tag->decoder, tag->arg);
	else
		snprintf(m.kind, sizeof(m.kind), "%s", tag->decoder);
	fn(ctx, &m);
}

static void tell_field(const struct spec_map *map, const struct layout *layout, size_t i,
                       mapview_fn fn, void *ctx)
{
	const struct spec_field *field = &map->fields[i];
	struct mapview_member m = {.member = field->member, .as = "field", .name = field->name};

	place(layout, layout->field_cell[i], 1, &m);
	snprintf(m.kind, sizeof(m.kind), "%s%s", spec_kind_names[field->kind],
	         field->rate ? " rate" : "");
	fn(ctx, &m);
}

static void describe_scale(const struct spec_histogram *h, char kind[MAPVIEW_KIND_BYTES])
{
	char bits[16] = "";

	if (h->scale.kind == BUCKET_LOG_LINEAR)
		snprintf(bits, sizeof(bits), "(%u)", h->scale.bits);
	snprintf(kind, MAPVIEW_KIND_BYTES, "%s%s%s%s %llu to %llu",
	         h->scale.kind == BUCKET_LOG_LINEAR ? "log-linear" : "exp2", bits,
	         *spec_unit_names[h->unit] ? " " : "", spec_unit_names[h->unit],
	         (unsigned long long)h->scale.first, (unsigned long long)h->scale.last);
}

/* The sum or the maximum beside a histogram; @param member  NULL: there is none */
static void tell_beside(const struct spec_histogram *h, const struct layout *layout, const char *as,
                        const char *member, enum spec_unit unit, uint32_t cell, mapview_fn fn,
                        void *ctx)
{
	struct mapview_member m = {.member = member, .as = as, .name = h->name, .phase = h->phase};

	if (!member)
		return;
	place(layout, cell, 1, &m);
	snprintf(m.kind, sizeof(m.kind), "%s", spec_unit_names[unit]);
	fn(ctx, &m);
}

static void tell_histogram(const struct spec_map *map, const struct layout *layout, size_t i,
                           mapview_fn fn, void *ctx)
{
	const struct spec_histogram *h = &map->histograms[i];
	struct mapview_member m = {
		.member = h->member, .as = "histogram", .name = h->name, .phase = h->phase};

	place(layout, layout->histogram_cell[i], bucket_slots(&h->scale), &m);
	describe_scale(h, m.kind);
	fn(ctx, &m);
	tell_beside(h, layout, "sum", h->sum_member, h->sum_unit, layout->sum_cell[i], fn, ctx);
	tell_beside(h, layout, "max", h->max_member, h->max_unit, layout->max_cell[i], fn, ctx);
}

void mapview_each(const struct spec_map *map, const struct layout *layout, mapview_fn fn, void *ctx)
{
	assert(map && layout && fn);

	for (size_t i = 0; i < map->n_tags; i++)
		tell_tag(map, layout, i, fn, ctx);
	for (size_t i = 0; i < map->n_fields; i++)
		tell_field(map, layout, i, fn, ctx);
	for (size_t i = 0; i < map->n_histograms; i++)
		tell_histogram(map, layout, i, fn, ctx);
}
