/* SPDX-License-Identifier: Apache-2.0 */
#include "mapstreet.h"

#include <assert.h>
#include <errno.h>

/* What depends on the outputs. */
struct fittings {
	struct style *styles[CONFIG_MAX_OUTPUTS];
	size_t n_styles;
	uint64_t ttl_ns;
	size_t max_series;
	bool cumulative;
};

struct mapstreet {
	const struct spec *spec;
	const struct spec_map *map;
	const struct layout *layout;
	struct delta *delta;
	struct series *series;
	struct fittings now;
	struct fittings
		next; /* n_styles is 0 while nothing is prepared; a style that goes on is NULL here */
	size_t former[CONFIG_MAX_OUTPUTS]; /* of next */
	const struct delta_row *rows;      /* of the last mapstreet_advance() */
	size_t n_rows;
};

static void free_styles(struct fittings *f)
{
	for (size_t i = 0; i < f->n_styles; i++)
		style_free(f->styles[i]);
	f->n_styles = 0;
}

/* Totals since the baseline cost as much memory again: only where somebody is told. */
static bool wants_totals(const struct mapstreet_settings *settings)
{
	for (size_t i = 0; i < settings->n_styles; i++)
		if (settings->styles[i].style == STYLE_PROMETHEUS)
			return true;
	return false;
}

/* @param former  NULL: all styles are new */
static int fit(const struct mapstreet *m, const struct mapstreet_settings *settings,
               const size_t *former, struct fittings *ret)
{
	CLEANUP(free_styles)
	struct fittings f = {.ttl_ns = settings->ttl_ns,
	                     .max_series = settings->max_series,
	                     .cumulative = wants_totals(settings)};
	int err = 0;

	for (size_t i = 0; i < settings->n_styles && !err; i++) {
		f.styles[i] = NULL;
		f.n_styles++;
		if (!former || former[i] == MAPSTREET_NEW_STYLE)
			err = style_new(m->spec, m->map, m->layout, &settings->styles[i],
			                settings->alias, &f.styles[i]);
	}
	if (err)
		return err;
	*ret = f;
	f.n_styles = 0;
	return 0;
}

int mapstreet_new(const struct spec *spec, const struct spec_map *map, const struct layout *layout,
                  const struct mapstreet_settings *settings, struct mapstreet **ret)
{
	assert(spec && map && layout && settings && settings->n_styles <= CONFIG_MAX_OUTPUTS &&
	       ret);

	CLEANUP(mapstreet_freep) struct mapstreet *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->spec = spec;
	m->map = map;
	m->layout = layout;
	err = delta_new(layout, settings->ttl_ns, &m->delta);
	err = err
	              ?: series_new(map, layout, settings->max_series, wants_totals(settings),
	                            &m->series);
	err = err ?: fit(m, settings, NULL, &m->now);
	if (err)
		return err;
	*ret = TAKE_PTR(m);
	return 0;
}

int mapstreet_prepare(struct mapstreet *street, const struct mapstreet_settings *settings)
{
	assert(street && settings && settings->former);
	assert(settings->n_styles && settings->n_styles <= CONFIG_MAX_OUTPUTS);

	free_styles(&street->next);
	memcpy(street->former, settings->former, settings->n_styles * sizeof(street->former[0]));
	return fit(street, settings, settings->former, &street->next);
}

void mapstreet_commit(struct mapstreet *street)
{
	assert(street);

	struct fittings *now = &street->now, next = street->next;

	if (!next.n_styles)
		return;
	for (size_t i = 0; i < next.n_styles; i++)
		if (street->former[i] != MAPSTREET_NEW_STYLE)
			next.styles[i] = TAKE_PTR(now->styles[street->former[i]]);
	free_styles(now);
	*now = next;
	street->next.n_styles = 0;
	delta_set_ttl(street->delta, now->ttl_ns);
	series_set(street->series, now->max_series, now->cumulative);
}

int mapstreet_baseline(struct mapstreet *street, const struct rows *rows)
{
	return delta_baseline(street->delta, rows);
}

int mapstreet_advance(struct mapstreet *street, const struct rows *rows)
{
	return delta_advance(street->delta, rows, &street->rows, &street->n_rows);
}

int mapstreet_merge(struct mapstreet *street, const struct decode_env *env,
                    struct series_counts *ret_counts)
{
	return series_merge(street->series, street->rows, street->n_rows, env, ret_counts);
}

int mapstreet_gather(struct mapstreet *street, const struct decode_env *env)
{
	return series_gather(street->series, street->rows, street->n_rows, env);
}

struct end {
	const struct mapstreet *street;
	const struct disks *before, *after;
};

static bool is_over(const void *ctx, const uint8_t *key)
{
	const struct end *end = ctx;
	uint32_t dev;

	return decode_find_disk(end->street->map, end->street->layout, key, &dev) &&
	       disks_ends(end->before, end->after, dev);
}

void mapstreet_end(struct mapstreet *street, const struct disks *before, const struct disks *after)
{
	const struct end end = {street, before, after};

	delta_end(street->delta, is_over, &end);
}

int mapstreet_emit(struct mapstreet *street, size_t output, const struct window *window,
                   point_fn fn, void *ctx)
{
	assert(street && output < street->now.n_styles);

	return style_emit(street->now.styles[output], street->series, window, fn, ctx);
}

int mapstreet_add_coverage(const struct mapstreet *street, struct coverage *coverage)
{
	return coverage_add(coverage, street->map, street->layout, series_sets(street->series));
}

void mapstreet_each(const struct mapstreet *street, series_fn fn, void *ctx)
{
	series_each(street->series, fn, ctx);
}

void mapstreet_free(struct mapstreet *street)
{
	if (!street)
		return;
	free_styles(&street->now);
	free_styles(&street->next);
	series_free(street->series);
	delta_free(street->delta);
	free(street);
}

void mapstreet_freep(struct mapstreet **street)
{
	mapstreet_free(*street);
}
