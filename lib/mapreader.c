/* SPDX-License-Identifier: Apache-2.0 */
#include "mapreader.h"

#include "log.h"

#include <string.h>

bool mapreader_is_drops(const struct mapreader *r)
{
	return !strcmp(r->map->spec->name, SPEC_DROPS_MAP);
}

static struct mapstreet_settings settings_of(const struct mapreader *r,
                                             const struct mapstreet_settings *settings)
{
	struct mapstreet_settings own = *settings;

	if (mapreader_is_drops(r))
		own.max_series = MAPREADER_MAX_DROP_REASONS;
	return own;
}

int mapreader_open(struct mapreader *r, const struct probe *probe, size_t i,
                   const struct mapstreet_settings *settings)
{
	const struct probe_map *map = &probe->maps[i];

	r->probe = probe;
	r->map = map;
	const struct mapstreet_settings own = settings_of(r, settings);

	return mapstreet_new(probe->spec, map->spec, map->layout, &own, &r->street);
}

void mapreader_close(struct mapreader *r)
{
	snapshot_free(&r->snapshot);
	rows_free(&r->rows);
	mapstreet_free(r->street);
}

int mapreader_prepare(struct mapreader *r, const struct mapstreet_settings *settings)
{
	const struct mapstreet_settings own = settings_of(r, settings);

	return mapstreet_prepare(r->street, &own);
}

/* @return err */
static int note(struct mapreader *r, int err)
{
	const char *probe = r->probe->spec->name, *map = r->map->spec->name;

	if (err)
		r->failed_reads++;
	if (err && !r->is_failing)
		log_warning("probe %s: map %s: not read: %s; %s", probe, map, strerror(-err),
		            r->taken_ns ? "its next window is longer"
		                        : "its first window begins later");
	else if (!err && r->is_failing)
		log_info("probe %s: map %s: read again", probe, map);
	r->is_failing = err;
	return err;
}

const struct mapreader *mapreader_twin(const struct mapreader *readers, size_t i)
{
	const char *index = readers[i].map->spec->index;

	for (size_t k = 0; k < i && index; k++) {
		const char *other = readers[k].map->spec->index;

		if (readers[k].is_read && other && !strcmp(other, index) &&
		    readers[k].snapshot.row_to_key)
			return &readers[k];
	}
	return NULL;
}

static int read_map(struct mapreader *readers, size_t i)
{
	struct mapreader *r = &readers[i];
	const struct mapreader *twin = mapreader_twin(readers, i);
	int err = twin ? snapshot_read_beside(&r->snapshot, r->map, r->since, &twin->snapshot,
	                                      &twin->rows, &r->rows)
	               : snapshot_read(&r->snapshot, r->map, r->since, &r->rows);

	r->is_read = !err;
	return err;
}

static void count_read(struct mapreader *r)
{
	r->taken_ns = r->rows.taken_ns;
	r->since = r->probe->window;
}

void mapreader_baseline(struct mapreader *readers, size_t i)
{
	struct mapreader *r = &readers[i];
	int err = read_map(readers, i);

	err = err ?: mapstreet_baseline(r->street, &r->rows);
	if (note(r, err))
		return;
	count_read(r);
	r->began_ns = r->taken_ns;
}

static int advance(struct mapreader *readers, size_t i)
{
	struct mapreader *r = &readers[i];
	int err = read_map(readers, i);

	err = err ?: mapstreet_advance(r->street, &r->rows);
	if (!note(r, err))
		count_read(r);
	return err;
}

static void tell_lost(struct mapreader *r, const char *what)
{
	r->failed_merges++;
	log_error("probe %s: map %s: out of memory; %s are lost", r->probe->spec->name,
	          r->map->spec->name, what);
}

void mapreader_gather(struct mapreader *readers, size_t i, const struct decode_env *env)
{
	struct mapreader *r = &readers[i];

	if (!r->taken_ns)
		return;
	if (!advance(readers, i) && mapstreet_gather(r->street, env))
		tell_lost(r, "this window's counts until now");
	mapstreet_end(r->street, env->disks, env->later);
}

void mapreader_cut(struct mapreader *readers, size_t i, const struct decode_env *env)
{
	struct mapreader *r = &readers[i];

	r->is_told = false;
	r->counts = (struct series_counts){0};
	if (!r->taken_ns) {
		mapreader_baseline(readers, i);
		return;
	}
	if (advance(readers, i))
		return;
	r->length_ns = r->taken_ns - r->began_ns;
	r->began_ns = r->taken_ns;
	r->is_told = !mapstreet_merge(r->street, env, &r->counts);
	if (!r->is_told)
		tell_lost(r, "this window's counts");
}
