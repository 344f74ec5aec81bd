/* SPDX-License-Identifier: Apache-2.0 */
#include "emitter.h"

#include <assert.h>

/* The starting point's distance from the start of its window. The last point of the run before (or of a device that went)
 * may bear that very start as its stamp. VictoriaMetrics keeps both, in an order left to chance, and increase() then
 * counted 220 for 150; others overwrite. A millisecond is as fine as it stores, and far below the shortest window. */
#define START_AFTER_NS 1000000

/* The line of M: counters since the baseline, or what they were when the window began. */
static int tell_fields(struct emitter *e, size_t set, bool start)
{
	const struct tagsets *sets = series_sets(e->series);
	const uint64_t *totals = series_totals(e->series, set), *cells = tagsets_cells(sets, set);
	const struct style *s = e->style;

	emitter_begin(e, tagsets_tags(sets, set));
	for (size_t i = 0; i < s->n_fields; i++) {
		const struct style_field *field = &s->fields[i];

		if (field->kind == SPEC_COUNTER)
			emitter_integer(e, field->key,
			                totals[field->cell] - (start ? cells[field->cell] : 0));
		else if (!start)
			emitter_integer(e, field->key, cells[field->cell]);
	}
	return e->point.n_fields ? emitter_tell(e, s->map->measurement) : 0;
}

static int tell_buckets(struct emitter *e, const struct style_histogram *plan,
                        const struct histogram *total, const struct histogram *window, bool start)
{
	uint64_t count = 0;
	uint32_t slot = 0, window_slot = 0;
	int err = 0;

	for (size_t i = 0; i < plan->bounds.n && !err; i++) {
		const struct bound *bound = &plan->bounds.at[i];

		count += histogram_until(total, &slot, bound->end);
		if (start)
			count -= histogram_until(window, &window_slot, bound->end);
		emitter_tag(e, "le", bound->text);
		emitter_integer(e, "bucket", count);
		err = emitter_tell(e, plan->measurement);
		e->point.n_tags--;
	}
	return err;
}

/* Gauges: of the window, and only if it has something to say. */
static void add_gauges(struct emitter *e, const struct style_histogram *plan,
                       const struct histogram *window)
{
	const struct config_quantiles *quantiles = &e->style->settings.quantiles;
	enum spec_unit unit = window->spec->unit;

	if (!window->count)
		return;
	if (window->has_max)
		emitter_decimal(e, plan->max, POINT_SECONDS,
		                histogram_seconds((double)window->max, unit));
	for (size_t i = 0; i < quantiles->n; i++)
		emitter_decimal(
			e, plan->quantiles[i], POINT_SECONDS,
			histogram_seconds(histogram_quantile(window, quantiles->millionths[i]),
		                          unit));
}

static int tell_lines(struct emitter *e, const struct style_histogram *plan,
                      const struct histogram *total, const struct histogram *window, bool start)
{
	uint64_t sum = total->sum - (start ? window->sum : 0);
	int err = tell_buckets(e, plan, total, window, start);

	if (err)
		return err;
	emitter_integer(e, "count", total->count - (start ? window->count : 0));
	if (!start)
		add_gauges(e, plan, window);
	if (total->has_sum)
		emitter_decimal(e, plan->sum, POINT_SECONDS,
		                histogram_seconds((double)sum, total->spec->sum_unit));
	return emitter_tell(e, plan->summary);
}

static int tell_histogram(struct emitter *e, size_t set, size_t index)
{
	const struct style *s = e->style;
	const struct style_histogram *plan = &s->histograms[index];
	const struct tagsets *sets = series_sets(e->series);
	struct histogram total, window;
	int err = 0;

	histogram_read(&total, s->map, s->layout, series_totals(e->series, set), index);
	if (!total.count)
		return 0;
	histogram_read(&window, s->map, s->layout, tagsets_cells(sets, set), index);
	emitter_begin(e, tagsets_tags(sets, set));
	if (total.spec->phase)
		emitter_tag(e, "phase", total.spec->phase);
	/* increase() needs a point before the first count; without it, the first window would be lost. */
	if (total.count == window.count || !s->begun) {
		e->point.stamp_ns = e->window->start_ns + START_AFTER_NS;
		err = tell_lines(e, plan, &total, &window, true);
		e->point.stamp_ns = e->window->stamp_ns;
	}
	return err ?: tell_lines(e, plan, &total, &window, false);
}

int styleprometheus_emit(struct emitter *e)
{
	const struct tagsets *sets = series_sets(e->series);
	struct style *s = e->style;
	int err = 0;

	for (size_t i = 0; i < sets->n && s->n_fields && !err; i++) {
		if (series_is_new(e->series, i) || !s->begun) {
			e->point.stamp_ns = e->window->start_ns + START_AFTER_NS;
			err = tell_fields(e, i, true);
			e->point.stamp_ns = e->window->stamp_ns;
		}
		err = err ?: tell_fields(e, i, false);
	}
	err = err ?: emitter_all_histograms(e, sets->n, tell_histogram);
	s->begun = s->begun || !err;
	return err;
}
