/* SPDX-License-Identifier: Apache-2.0 */
#include "collect.h"

#include "clock.h"
#include "log.h"
#include "snapshot.h"

#include <errno.h>
#include <string.h>

/* One map, and what its reading keeps from window to window. */
struct map_reader {
	struct snapshot snapshot;
	struct rows rows;
	struct mapstreet *street;
	uint64_t last_taken_ns; /* 0: no baseline yet */
	uint32_t since;         /* number of the window that began with the last read */
	bool is_read;           /* at this cut */
	uint64_t length_ns;     /* of the window told last */
	struct series_counts counts;
	bool is_told; /* this window has something to tell */
	bool is_failing;
};

struct collector {
	struct probe *probe;
	char *alias;
	char *next_alias; /* prepared; NULL: nothing is */
	struct map_reader maps[SPEC_MAX_MAPS];
	struct probe_runs runs;
	uint64_t gap_ns; /* before the running window */
	struct collect_stats stats;
	bool window_told; /* that its number cannot be written */
	bool sweep_told;  /* that a program could not be run before the read */
};

static bool is_drops(const struct probe_map *map)
{
	return !strcmp(map->spec->name, SPEC_DROPS_MAP);
}

/* Reasons of drops are kept apart, whatever max_series says. */
static struct mapstreet_settings settings_of(const struct probe_map *map,
                                             const struct mapstreet_settings *settings)
{
	struct mapstreet_settings own = *settings;

	if (is_drops(map))
		own.max_series = COLLECT_MAX_DROP_REASONS;
	return own;
}

static int open_map(struct collector *c, size_t i, const struct mapstreet_settings *settings)
{
	const struct probe_map *map = &c->probe->maps[i];
	const struct mapstreet_settings own = settings_of(map, settings);

	return mapstreet_new(c->probe->spec, map->spec, map->layout, &own, &c->maps[i].street);
}

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
		err = open_map(c, i, settings);
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

	for (size_t i = 0; i < c->probe->n_maps && !err; i++) {
		const struct mapstreet_settings own = settings_of(&c->probe->maps[i], settings);

		err = mapstreet_prepare(c->maps[i].street, &own);
	}
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

/* Once when it begins and once when it is over. @return err */
static int note(struct collector *c, size_t i, int err)
{
	struct map_reader *m = &c->maps[i];
	const char *map = c->probe->maps[i].spec->name;

	if (err)
		c->stats.failed_reads++;
	if (err && !m->is_failing)
		log_warning("probe %s: map %s: not read: %s; %s", collector_name(c), map,
		            strerror(-err),
		            m->last_taken_ns ? "its next window is longer"
		                             : "its first window begins later");
	else if (!err && m->is_failing)
		log_info("probe %s: map %s: read again", collector_name(c), map);
	m->is_failing = err;
	return err;
}

/* A map read before at this cut, with the same index; NULL: none. */
static const struct map_reader *find_twin(const struct collector *c, size_t i)
{
	const char *index = c->probe->maps[i].spec->index;

	for (size_t k = 0; k < i && index; k++) {
		const char *other = c->probe->maps[k].spec->index;

		if (c->maps[k].is_read && other && !strcmp(other, index) &&
		    c->maps[k].snapshot.row_to_key)
			return &c->maps[k];
	}
	return NULL;
}

static int read_map(struct collector *c, size_t i)
{
	struct map_reader *m = &c->maps[i];
	const struct map_reader *twin = find_twin(c, i);
	const struct probe_map *map = &c->probe->maps[i];
	int err = twin ? snapshot_read_beside(&m->snapshot, map, m->since, &twin->snapshot,
	                                      &twin->rows, &m->rows)
	               : snapshot_read(&m->snapshot, map, m->since, &m->rows);

	m->is_read = !err;
	return err;
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

/*
 * What completes from here on is the next window's maximum; so this comes right before the maps are read. What is run
 * before the read belongs to the window that ends.
 */
static void begin_window(struct collector *c)
{
	int err;

	run_before_read(c);
	err = probe_next_window(c->probe);
	if (err && !c->window_told)
		log_warning(
			"probe %s: the window's number cannot be written: %s; maxima are of several windows",
			collector_name(c), strerror(-err));
	c->window_told = err;
	for (size_t i = 0; i < c->probe->n_maps; i++)
		c->maps[i].is_read = false;
}

static void baseline_map(struct collector *c, size_t i)
{
	struct map_reader *m = &c->maps[i];
	int err = read_map(c, i);

	err = err ?: mapstreet_baseline(m->street, &m->rows);
	if (note(c, i, err))
		return;
	m->last_taken_ns = m->rows.taken_ns;
	m->since = c->probe->window;
}

/* From the oldest of one's reads to the newest of the other's: no map had a longer one. */
static uint64_t gap_between(const struct collector *former, const struct collector *c)
{
	uint64_t from_ns = UINT64_MAX, until_ns = 0;

	for (size_t i = 0; i < former->probe->n_maps; i++)
		from_ns = MIN(from_ns, former->maps[i].last_taken_ns);
	for (size_t i = 0; i < c->probe->n_maps; i++)
		until_ns = MAX(until_ns, c->maps[i].last_taken_ns);
	return from_ns && until_ns > from_ns ? until_ns - from_ns : 0;
}

uint64_t collector_baseline(struct collector *c, const struct collector *former)
{
	begin_window(c);
	for (size_t i = 0; i < c->probe->n_maps; i++)
		baseline_map(c, i);
	probe_runs(c->probe, &c->runs);
	c->gap_ns = former ? gap_between(former, c) : 0;
	return c->gap_ns;
}

static void cut_map(struct collector *c, size_t i, const struct decode_env *env)
{
	struct map_reader *m = &c->maps[i];
	int err;

	m->is_told = false;
	m->counts = (struct series_counts){0};
	if (!m->last_taken_ns) {
		baseline_map(c, i);
		return;
	}
	err = read_map(c, i);
	err = err ?: mapstreet_advance(m->street, &m->rows);
	if (note(c, i, err))
		return;
	m->since = c->probe->window;
	m->length_ns = m->rows.taken_ns - m->last_taken_ns;
	m->last_taken_ns = m->rows.taken_ns;
	m->is_told = !mapstreet_merge(m->street, env, &m->counts);
	if (!m->is_told) {
		c->stats.failed_merges++;
		log_error("probe %s: map %s: out of memory; this window's counts are lost",
		          collector_name(c), c->probe->maps[i].spec->name);
	}
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
	const struct probe_map *map = &c->probe->maps[i];
	const struct series_counts *counts = &c->maps[i].counts;

	if (find_twin(c, i))
		return;
	if (is_drops(map)) {
		struct drop_sum sum = {.counted = map->spec->counted};

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

	c->stats = (struct collect_stats){.failed_reads = c->stats.failed_reads,
	                                  .failed_merges = c->stats.failed_merges,
	                                  .gap_ns = c->gap_ns};
	c->gap_ns = 0;
	begin_window(c);
	for (size_t i = 0; i < c->probe->n_maps; i++) {
		cut_map(c, i, env);
		add_counts(c, i);
	}
	add_runs(c);
	c->stats.read_ns = clock_boot_ns() - began_ns;
}

const struct collect_stats *collector_stats(const struct collector *c)
{
	return &c->stats;
}

int collector_add_coverage(const struct collector *c, struct coverage *coverage)
{
	int err = 0;

	for (size_t i = 0; i < c->probe->n_maps; i++) {
		const struct map_reader *m = &c->maps[i];

		if (m->is_told)
			err = mapstreet_add_coverage(m->street, coverage) ?: err;
	}
	return err;
}

int collector_emit(const struct collector *c, size_t output, const struct window *window,
                   point_fn fn, void *ctx)
{
	for (size_t i = 0; i < c->probe->n_maps; i++) {
		const struct map_reader *m = &c->maps[i];
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
		if (c->maps[i].is_told && is_drops(&c->probe->maps[i]))
			mapstreet_each(c->maps[i].street, fn, ctx);
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->probe->n_maps; i++) {
		snapshot_free(&c->maps[i].snapshot);
		rows_free(&c->maps[i].rows);
		mapstreet_free(c->maps[i].street);
	}
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
