/* SPDX-License-Identifier: Apache-2.0 */
#include "collect.h"

#include "clock.h"
#include "log.h"

#include <errno.h>
#include <string.h>

struct collector {
	struct probe *probe;
	char *alias;
	char *next_alias; /* prepared; NULL: nothing is */
	struct mapreader maps[SPEC_MAX_MAPS];
	struct probe_runs runs;
	uint64_t gap_ns; /* before the running window */
	struct collect_stats stats;
	bool window_told; /* that its number cannot be written */
	bool sweep_told;  /* that a program could not be run before the read */
};

int collector_new(struct probe *probe, const struct mapstreet_settings *settings,
                  struct collector **ret)
{
	CLEANUP(collector_freep) struct collector *c = calloc(1, sizeof(*c));
	int err = 0;

	if (!c) {
		probe_free(probe);
		return -ENOMEM;
	}
	c->probe = probe;
	c->alias = strdup(settings->alias);
	if (!c->alias)
		return -ENOMEM;
	for (size_t i = 0; i < probe->n_maps && !err; i++)
		err = mapreader_open(&c->maps[i], probe, i, settings);
	if (err)
		return err;
	*ret = TAKE_PTR(c);
	return 0;
}

bool collector_has_alias(const struct collector *c, const char *alias)
{
	return !strcmp(c->alias, alias);
}

int collector_prepare(struct collector *c, const struct mapstreet_settings *settings)
{
	CLEANUP_FREE char *alias = strdup(settings->alias);
	int err = alias ? 0 : -ENOMEM;

	for (size_t i = 0; i < c->probe->n_maps && !err; i++)
		err = mapreader_prepare(&c->maps[i], settings);
	free(c->next_alias);
	c->next_alias = err ? NULL : TAKE_PTR(alias);
	return err;
}

void collector_commit(struct collector *c)
{
	if (!c->next_alias)
		return;
	free(c->alias);
	c->alias = TAKE_PTR(c->next_alias);
	for (size_t i = 0; i < c->probe->n_maps; i++)
		mapstreet_commit(c->maps[i].street);
}

const struct fingerprint *collector_fingerprint(const struct collector *c)
{
	return &c->probe->fingerprint;
}

const char *collector_name(const struct collector *c)
{
	return c->probe->spec->name;
}

static void run_before_read(struct collector *c)
{
	int err = probe_run_before_read(c->probe);

	if (err && !c->sweep_told)
		log_warning(
			"probe %s: what runs before each read failed: %s; its fields are missing",
			collector_name(c), strerror(-err));
	c->sweep_told = err;
}

/* What completes from here on is the next window's maximum; so this comes right before the maps are read. */
static void begin_window(struct collector *c)
{
	int err = probe_next_window(c->probe);

	if (err && !c->window_told)
		log_warning(
			"probe %s: the window's number cannot be written: %s; maxima are of several windows",
			collector_name(c), strerror(-err));
	c->window_told = err;
	for (size_t i = 0; i < c->probe->n_maps; i++)
		c->maps[i].is_read = false;
}

/* From the oldest of one's reads to the newest of the other's: no map had a longer one. */
static uint64_t gap_between(const struct collector *former, const struct collector *c)
{
	uint64_t from_ns = UINT64_MAX, until_ns = 0;

	for (size_t i = 0; i < former->probe->n_maps; i++)
		from_ns = MIN(from_ns, former->maps[i].taken_ns);
	for (size_t i = 0; i < c->probe->n_maps; i++)
		until_ns = MAX(until_ns, c->maps[i].taken_ns);
	return from_ns && until_ns > from_ns ? until_ns - from_ns : 0;
}

uint64_t collector_baseline(struct collector *c, const struct collector *former)
{
	run_before_read(c);
	begin_window(c);
	for (size_t i = 0; i < c->probe->n_maps; i++)
		mapreader_baseline(c->maps, i);
	probe_runs(c->probe, &c->runs);
	c->gap_ns = former ? gap_between(former, c) : 0;
	return c->gap_ns;
}

struct drop_sum {
	const char *counted; /* reasons that are not added */
	uint64_t events;
};

static void add_drop(void *ctx, const char *reason, uint64_t events)
{
	struct drop_sum *sum = ctx;

	if (!words_has(sum->counted, reason, strlen(reason)))
		sum->events += events;
}

/* A map beside another of the same index has the same keys, and the same events once more. */
static void add_counts(struct collector *c, size_t i)
{
	struct collect_stats *stats = &c->stats;
	const struct mapreader *m = &c->maps[i];
	const struct series_counts *counts = &m->counts;

	stats->failed_reads += m->failed_reads;
	stats->failed_merges += m->failed_merges;
	if (mapreader_twin(c->maps, i))
		return;
	if (mapreader_is_drops(m)) {
		struct drop_sum sum = {.counted = m->map->spec->counted};

		collector_each_drop(c, add_drop, &sum);
		stats->drops = sum.events;
		return;
	}
	stats->counts.events += counts->events;
	stats->counts.keys += counts->keys;
	stats->counts.series += counts->series;
	stats->counts.overflow += counts->overflow;
}

static void add_runs(struct collector *c)
{
	struct probe_runs now;

	if (probe_runs(c->probe, &now))
		return;
	c->stats.missed = now.missed - c->runs.missed;
	c->stats.runs = now.runs - c->runs.runs;
	c->stats.run_ns = now.run_ns - c->runs.run_ns;
	c->runs = now;
}

void collector_cut(struct collector *c, const struct decode_env *env)
{
	uint64_t began_ns = clock_boot_ns();

	c->stats = (struct collect_stats){.gap_ns = c->gap_ns};
	c->gap_ns = 0;
	/* It belongs to the window that ends. */
	run_before_read(c);
	begin_window(c);
	for (size_t i = 0; i < c->probe->n_maps; i++) {
		mapreader_cut(c->maps, i, env);
		add_counts(c, i);
	}
	add_runs(c);
	c->stats.read_ns = clock_boot_ns() - began_ns;
}

void collector_gather(struct collector *c, const struct decode_env *env)
{
	begin_window(c);
	for (size_t i = 0; i < c->probe->n_maps; i++)
		mapreader_gather(c->maps, i, env);
}

const struct collect_stats *collector_stats(const struct collector *c)
{
	return &c->stats;
}

int collector_add_coverage(const struct collector *c, struct coverage *coverage)
{
	int err = 0;

	for (size_t i = 0; i < c->probe->n_maps; i++) {
		const struct mapreader *m = &c->maps[i];

		if (m->is_told)
			err = mapstreet_add_coverage(m->street, coverage) ?: err;
	}
	return err;
}

int collector_emit(const struct collector *c, size_t output, const struct window *window,
                   point_fn fn, void *ctx)
{
	for (size_t i = 0; i < c->probe->n_maps; i++) {
		const struct mapreader *m = &c->maps[i];
		struct window own = *window;
		int err;

		if (!m->is_told)
			continue;
		own.length_ns = m->length_ns;
		err = mapstreet_emit(m->street, output, &own, fn, ctx);
		if (err)
			return err;
	}
	return 0;
}

void collector_each_drop(const struct collector *c,
                         void (*fn)(void *ctx, const char *reason, uint64_t events), void *ctx)
{
	for (size_t i = 0; i < c->probe->n_maps; i++)
		if (c->maps[i].is_told && mapreader_is_drops(&c->maps[i]))
			mapstreet_each(c->maps[i].street, fn, ctx);
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->probe->n_maps; i++)
		mapreader_close(&c->maps[i]);
	probe_free(c->probe);
	free(c->alias);
	free(c->next_alias);
	free(c);
}

void collector_freep(struct collector **c)
{
	collector_free(*c);
	*c = NULL;
}
