/* SPDX-License-Identifier: Apache-2.0 */
#include "emitter.h"

#include <assert.h>
#include <string.h>

static_assert(2 * SPEC_MAX_FIELDS <= POINT_MAX_FIELDS, "a field and its rate each");
static_assert(BUCKET_MAX_SLOTS + CONFIG_MAX_QUANTILES + 3 <= POINT_MAX_FIELDS, "style fields");
static_assert(SPEC_MAX_TAGS + 3 <= POINT_MAX_TAGS, "a map's tags, phase, le or hi, metric");

void emitter_begin(struct emitter *e, const char *texts)
{
	const struct spec_map *map = e->style->map;

	e->point.n_tags = e->point.n_fields = 0;
	for (size_t i = 0; i < map->n_tags; i++) {
		emitter_tag(e, map->tags[i].name, texts);
		texts += strlen(texts) + 1;
	}
}

void emitter_tag(struct emitter *e, const char *key, const char *value)
{
	e->point.tags[e->point.n_tags++] = (struct point_tag){.key = key, .value = value};
}

void emitter_integer(struct emitter *e, const char *key, uint64_t value)
{
	e->point.fields[e->point.n_fields++] =
		(struct point_field){.key = key, .type = POINT_INTEGER, .integer = value};
}

void emitter_decimal(struct emitter *e, const char *key, enum point_type type, double value)
{
	e->point.fields[e->point.n_fields++] =
		(struct point_field){.key = key, .type = type, .decimal = value};
}

int emitter_tell(struct emitter *e, const char *measurement)
{
	e->point.measurement = measurement;
	int err = e->fn(e->ctx, &e->point);

	e->point.n_fields = 0;
	return err;
}

int emitter_fields(struct emitter *e, const uint64_t *cells)
{
	const struct style *s = e->style;

	for (size_t i = 0; i < s->n_fields; i++) {
		const struct style_field *field = &s->fields[i];
		uint64_t value = cells[field->cell];

		if (!field->rate)
			emitter_integer(e, field->key, value);
		else /* A window of no length held nothing. */
			emitter_decimal(e, field->key, POINT_FLOAT,
			                e->length_s > 0 ? (double)value / e->length_s : 0);
	}
	return emitter_tell(e, s->map->measurement);
}

bool emitter_histogram(struct emitter *e, size_t set, size_t index, struct histogram *ret)
{
	const struct style *s = e->style;
	const struct tagsets *sets = series_sets(e->series);

	histogram_read(ret, s->map, s->layout, tagsets_cells(sets, set), index);
	if (!ret->count)
		return false;
	emitter_begin(e, tagsets_tags(sets, set));
	if (ret->spec->phase)
		emitter_tag(e, "phase", ret->spec->phase);
	return true;
}

void emitter_summary(struct emitter *e, const struct style_histogram *plan,
                     const struct histogram *h)
{
	const struct config_quantiles *quantiles = &e->style->settings.quantiles;

	if (h->has_max)
		emitter_integer(e, plan->max, h->max);
	for (size_t i = 0; i < quantiles->n; i++)
		emitter_decimal(e, plan->quantiles[i], POINT_FLOAT,
		                histogram_quantile(h, quantiles->millionths[i]));
	if (h->has_sum)
		emitter_integer(e, plan->sum,
		                histogram_convert(h->sum, h->spec->sum_unit, h->spec->unit));
}

int emitter_all_fields(struct emitter *e)
{
	const struct tagsets *sets = series_sets(e->series);
	int err = 0;

	for (size_t i = 0; i < sets->n && e->style->n_fields && !err; i++) {
		emitter_begin(e, tagsets_tags(sets, i));
		err = emitter_fields(e, tagsets_cells(sets, i));
	}
	return err;
}

int emitter_all_histograms(struct emitter *e, size_t n_sets, emitter_histogram_fn histogram)
{
	int err = 0;

	for (size_t h = 0; h < e->style->map->n_histograms && !err; h++)
		for (size_t i = 0; i < n_sets && !err; i++)
			err = histogram(e, i, h);
	return err;
}

int emitter_all(struct emitter *e, emitter_histogram_fn histogram)
{
	return emitter_all_fields(e)
	               ?: emitter_all_histograms(e, series_sets(e->series)->n, histogram);
}
