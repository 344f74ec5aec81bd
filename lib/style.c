/* SPDX-License-Identifier: Apache-2.0 */
#include "style.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int (*emit)(struct emitter *e);
	enum bounds_form form;
} styles[] = {
	[STYLE_INFLUX] = {styleinflux_emit, BOUNDS_LE},
	[STYLE_FIELDS] = {stylefields_emit, BOUNDS_FIELD},
	[STYLE_PROMETHEUS] = {styleprometheus_emit, BOUNDS_SECONDS},
	[STYLE_BCC2TELEGRAF] = {stylebcc_emit, BOUNDS_HI},
};
static_assert(ARRAY_SIZE(styles) == OUTPUT_STYLE_MAX, "a row per style");

static char *join(const char *a, const char *b, const char *c)
{
	char *joined;

	return asprintf(&joined, "%s%s%s", a, b, c) < 0 ? NULL : joined;
}

/* ---- the line of M */

static int compare_fields(const void *a, const void *b)
{
	return strcmp(((const struct style_field *)a)->key, ((const struct style_field *)b)->key);
}

static int add_field(struct style *s, size_t i, bool rate)
{
	const struct spec_field *field = &s->map->fields[i];
	bool total = s->settings.style == STYLE_PROMETHEUS && field->kind == SPEC_COUNTER;
	struct style_field *plan = &s->fields[s->n_fields];

	*plan = (struct style_field){.cell = s->layout->field_cell[i],
	                             .kind = field->kind,
	                             .rate = rate,
	                             .key = join(field->name,
	                                         rate    ? "_per_s"
	                                         : total ? "_total"
	                                                 : "",
	                                         "")};
	if (!plan->key)
		return -ENOMEM;
	s->n_fields++;
	return 0;
}

static int plan_fields(struct style *s)
{
	int err = 0;

	for (size_t i = 0; i < s->map->n_fields && !err; i++) {
		err = add_field(s, i, false);
		/* Prometheus makes rates itself, of totals. */
		if (!err && s->map->fields[i].rate && s->settings.style != STYLE_PROMETHEUS)
			err = add_field(s, i, true);
	}
	qsort(s->fields, s->n_fields, sizeof(*s->fields), compare_fields);
	return err;
}

/* ---- histograms */

/* 500000 is p50, 999000 p999, 50000 p05: at least two digits. */
static void name_quantile(char name[STYLE_QUANTILE_BYTES], uint32_t millionths, const char *suffix)
{
	char digits[8];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%06u", millionths);

	while (len > 2 && digits[len - 1] == '0')
		len--;
	snprintf(name, STYLE_QUANTILE_BYTES, "p%.*s%s", (int)len, digits, suffix);
}

/* The first of the description with this measurement: in this map, or an earlier one of the same measurement. */
static const struct spec_histogram *first_histogram(const struct spec *spec,
                                                    const struct spec_map *map, const char *name)
{
	for (size_t i = 0; i < spec->n_maps; i++) {
		const struct spec_map *other = &spec->maps[i];

		if (!other->measurement || !map->measurement ||
		    strcmp(other->measurement, map->measurement) != 0)
			continue;
		for (size_t h = 0; h < other->n_histograms; h++)
			if (!name || !strcmp(other->histograms[h].name, name))
				return &other->histograms[h];
	}
	return NULL;
}

/* Only the first phase of the first histogram has the bare alias. */
static char *name_metric(const struct spec *spec, const struct style *s,
                         const struct spec_histogram *h, const char *alias, const char *measurement)
{
	const struct spec_histogram *first = first_histogram(spec, s->map, NULL);
	const struct spec_histogram *first_phase = first_histogram(spec, s->map, h->name);
	bool other_name = *alias && first && strcmp(first->name, h->name) != 0;
	bool other_phase = first_phase && h->phase && first_phase->phase &&
	                   strcmp(first_phase->phase, h->phase) != 0;
	char *metric;

	if (asprintf(&metric, "%s%s%s%s%s", *alias ? alias : measurement, other_name ? "_" : "",
	             other_name ? h->name : "", other_phase ? "_" : "",
	             other_phase ? h->phase : "") < 0)
		return NULL;
	return metric;
}

static int plan_histogram(struct style *s, const struct spec *spec, size_t i, const char *alias)
{
	const struct spec_histogram *h = &s->map->histograms[i];
	struct style_histogram *plan = &s->histograms[i];
	bool prometheus = s->settings.style == STYLE_PROMETHEUS;
	bool seconds = prometheus && h->unit != SPEC_UNIT_NONE;
	CLEANUP_FREE char *base = join(s->map->measurement, "_", h->name);
	char suffix[8] = "";
	const struct bounds_settings bounds = {.form = styles[s->settings.style].form,
	                                       .per_octave = s->settings.buckets_per_octave,
	                                       .padded = s->settings.le_padded && !prometheus};

	if (!base)
		return -ENOMEM;
	if (!prometheus && h->unit != SPEC_UNIT_NONE)
		snprintf(suffix, sizeof(suffix), "_%s", spec_unit_names[h->unit]);
	plan->measurement = join(base, seconds ? "_seconds" : "", "");
	plan->summary = join(base, seconds ? "_seconds" : prometheus ? "" : "_summary", "");
	plan->metric = name_metric(spec, s, h, alias, base);
	plan->sum = join("sum", suffix, "");
	plan->max = join("max", suffix, "");
	for (size_t q = 0; q < s->settings.quantiles.n; q++)
		name_quantile(plan->quantiles[q], s->settings.quantiles.millionths[q], suffix);
	if (!plan->measurement || !plan->summary || !plan->metric || !plan->sum || !plan->max)
		return -ENOMEM;
	return bounds_make(&h->scale, h->unit, &bounds, &plan->bounds);
}

/* ---- all */

struct style_settings style_settings_of(const struct config_output *config)
{
	return (struct style_settings){.style = config->style,
	                               .buckets_per_octave = config->buckets_per_octave,
	                               .quantiles = config->quantiles,
	                               .le_padded = config->le_padded,
	                               .cumulative_hist = config->cumulative_hist};
}

int style_new(const struct spec *spec, const struct spec_map *map, const struct layout *layout,
              const struct style_settings *settings, const char *alias, struct style **ret_style)
{
	assert(spec && map && layout && settings && alias && ret_style);

	CLEANUP(style_freep) struct style *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->map = map;
	s->layout = layout;
	s->settings = *settings;
	s->reduced.n_cells = layout->n_cells;
	/* The drops map has none, and makes no points. */
	if (map->measurement)
		err = plan_fields(s);
	for (size_t i = 0; map->measurement && i < map->n_histograms && !err; i++)
		err = plan_histogram(s, spec, i, alias);
	if (err)
		return err;
	*ret_style = TAKE_PTR(s);
	return 0;
}

int style_emit(struct style *style, const struct series *series, const struct window *window,
               point_fn fn, void *ctx)
{
	assert(style && series && window && fn);

	struct emitter e;

	if (!style->map->measurement)
		return 0;
	e.style = style;
	e.series = series;
	e.window = window;
	e.length_s = (double)window->length_ns / 1e9;
	e.fn = fn;
	e.ctx = ctx;
	/* Not zeroed: only what n_tags and n_fields count is looked at, of some 25 KB. */
	e.point.n_tags = e.point.n_fields = 0;
	e.point.stamp_ns = window->stamp_ns;
	return styles[style->settings.style].emit(&e);
}

size_t style_memory(const struct style *style)
{
	size_t bounds = 0;

	for (size_t i = 0; i < style->map->n_histograms; i++)
		bounds += style->histograms[i].bounds.n * sizeof(struct bound);
	return sizeof(*style) + bounds + tagsets_memory(&style->reduced) + style->row.cap;
}

static void free_histogram(struct style_histogram *plan)
{
	free(plan->measurement);
	free(plan->summary);
	free(plan->metric);
	free(plan->sum);
	free(plan->max);
	bounds_free(&plan->bounds);
}

void style_free(struct style *style)
{
	if (!style)
		return;
	for (size_t i = 0; i < style->n_fields; i++)
		free(style->fields[i].key);
	for (size_t i = 0; i < ARRAY_SIZE(style->histograms); i++)
		free_histogram(&style->histograms[i]);
	tagsets_free(&style->reduced);
	text_free(&style->row);
	free(style);
}

void style_freep(struct style **style)
{
	style_free(*style);
}
