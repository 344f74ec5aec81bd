/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage.h"

#include "diskstats.h"
#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one series of a map counted; after merging, all of one disk and measurement. */
struct entry {
	const struct spec_map *map;
	const char *device;
	uint64_t counted;
	uint64_t unsure; /* of operations that not all kernels count */
};

struct coverage {
	struct entry *entries;
	size_t n, cap;
	struct diskstats now, before;
	bool has_before;
	bool spoiled; /* of this window something is missing */
	struct coverage_row *rows;
	size_t n_rows, rows_cap;
};

int coverage_new(struct coverage **ret)
{
	struct coverage *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*ret = c;
	return 0;
}

void coverage_free(struct coverage *c)
{
	if (!c)
		return;
	diskstats_free(&c->now);
	diskstats_free(&c->before);
	free(c->entries);
	free(c->rows);
	free(c);
}

void coverage_freep(struct coverage **c)
{
	coverage_free(*c);
	*c = NULL;
}

int coverage_baseline(struct coverage *c, const char *diskstats)
{
	assert(c && diskstats);

	int err = diskstats_parse(&c->before, diskstats);

	c->has_before = !err;
	return err;
}

/* ---- one map */

/* Place of a tag among the map's; specrules.h has seen to it that there is one. */
static size_t tag_index(const struct spec_map *map, const char *name)
{
	size_t i = 0;

	while (i < map->n_tags - 1 && strcmp(map->tags[i].name, name) != 0)
		i++;
	return i;
}

static uint32_t field_cell(const struct spec_map *map, const struct layout *layout)
{
	size_t i = 0;

	while (i < map->n_fields - 1 && strcmp(map->fields[i].name, map->reference.field) != 0)
		i++;
	return layout->field_cell[i];
}

static const char *nth_text(const char *texts, size_t n)
{
	while (n--)
		texts += strlen(texts) + 1;
	return texts;
}

static int reserve_entries(struct coverage *c, size_t n)
{
	struct entry *entries;

	if (n <= c->cap)
		return 0;
	n = MAX(n, c->cap * 2);
	entries = reallocarray(c->entries, n, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	c->entries = entries;
	c->cap = n;
	return 0;
}

static bool takes_part(const struct spec_reference *reference, const char *op, uint64_t ios,
                       struct entry *entry)
{
	size_t part = specreference_part(reference, op);

	entry->counted = part < SPEC_DISK_KIND_MAX ? ios : 0;
	entry->unsure = part == SPEC_REFERENCE_UNSURE ? ios : 0;
	return part < SPEC_REFERENCE_PARTS;
}

int coverage_add(struct coverage *c, const struct spec_map *map, const struct layout *layout,
                 const struct tagsets *sets)
{
	assert(c && map && layout && sets);

	if (!map->reference.device)
		return 0;
	size_t device = tag_index(map, map->reference.device);
	size_t op = tag_index(map, map->reference.op);
	uint32_t cell = field_cell(map, layout);

	if (reserve_entries(c, c->n + sets->n + 1)) {
		c->spoiled = true;
		return -ENOMEM;
	}
	/* Of no disk: so the kernel's disks are told also where the map has none yet. */
	c->entries[c->n++] = (struct entry){.map = map, .device = ""};
	for (size_t i = 0; i < sets->n; i++) {
		const char *tags = tagsets_tags(sets, i);
		struct entry entry = {.map = map, .device = nth_text(tags, device)};
		uint64_t ios = tagsets_cells(sets, i)[cell];

		/* Of whom these are, nobody knows any more. */
		if (ios && !strcmp(entry.device, TAGSET_OTHER))
			c->spoiled = true;
		if (takes_part(&map->reference, nth_text(tags, op), ios, &entry))
			c->entries[c->n++] = entry;
	}
	return 0;
}

/* ---- the window */

static int by_measurement_and_device(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->map->measurement, y->map->measurement);

	return order ?: strcmp(x->device, y->device);
}

static void add_entry(struct entry *to, const struct entry *entry)
{
	to->counted += entry->counted;
	to->unsure += entry->unsure;
}

/* Sorted, and one for each disk of a measurement. */
static void merge_entries(struct coverage *c)
{
	size_t n = 0;

	/* Nothing was allocated yet where no map takes part. */
	if (!c->n)
		return;
	qsort(c->entries, c->n, sizeof(c->entries[0]), by_measurement_and_device);
	for (size_t i = 0; i < c->n; i++) {
		if (n && !by_measurement_and_device(&c->entries[n - 1], &c->entries[i]))
			add_entry(&c->entries[n - 1], &c->entries[i]);
		else
			c->entries[n++] = c->entries[i];
	}
	c->n = n;
}

/* A disk that was not there before, or that is another one of the same name, counts whole. */
static uint64_t kernel_counted(const struct coverage *c, const struct spec_reference *reference,
                               const struct diskstats_disk *now, bool *ret_ever)
{
	const struct diskstats_disk *before = diskstats_find(&c->before, now->name);
	uint64_t sum = 0;

	*ret_ever = false;
	for (int kind = 0; kind < SPEC_DISK_KIND_MAX; kind++) {
		if (!reference->ops[kind])
			continue;
		*ret_ever |= now->ios[kind] > 0;
		sum += now->ios[kind] -
		       (before && before->ios[kind] <= now->ios[kind] ? before->ios[kind] : 0);
	}
	return sum;
}

/* Operations that not all kernels count fill what is missing, and no more than that. */
static void add_row(struct coverage *c, const struct entry *entry, const char *device,
                    const struct diskstats_disk *now)
{
	struct coverage_row row = {.measurement = entry->map->measurement,
	                           .device = device,
	                           .counted = entry->counted};

	if (now)
		row.reference = kernel_counted(c, &entry->map->reference, now, &row.compared);
	if (row.reference > row.counted)
		row.counted += MIN(entry->unsure, row.reference - row.counted);
	if (row.counted || row.reference)
		c->rows[c->n_rows++] = row;
}

/* Entries first..end are of one measurement; both sides are sorted by name. */
static void compare(struct coverage *c, size_t first, size_t end, const struct disks *disks)
{
	const struct entry *entry = &c->entries[first], *stop = &c->entries[end];
	const struct entry none = {.map = entry->map};

	for (size_t i = 0; i < c->now.n || entry < stop;) {
		const struct diskstats_disk *now = i < c->now.n ? &c->now.disks[i] : NULL;
		int order = !now ? -1 : entry < stop ? strcmp(entry->device, now->name) : 1;

		if (order > 0 && disks_find(disks, now->dev))
			add_row(c, &none, now->name, now);
		else if (order <= 0)
			add_row(c, entry, entry->device, order ? NULL : now);
		i += order >= 0;
		entry += order <= 0;
	}
}

static int reserve_rows(struct coverage *c, size_t n)
{
	struct coverage_row *rows;

	if (n <= c->rows_cap)
		return 0;
	rows = reallocarray(c->rows, n, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	c->rows = rows;
	c->rows_cap = n;
	return 0;
}

static size_t end_of_measurement(const struct coverage *c, size_t first)
{
	size_t end = first + 1;

	while (end < c->n &&
	       !strcmp(c->entries[end].map->measurement, c->entries[first].map->measurement))
		end++;
	return end;
}

static int make_rows(struct coverage *c, const struct disks *disks)
{
	size_t measurements = 0;

	merge_entries(c);
	for (size_t i = 0; i < c->n; i = end_of_measurement(c, i))
		measurements++;
	if (reserve_rows(c, c->n + measurements * c->now.n))
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i = end_of_measurement(c, i))
		compare(c, i, end_of_measurement(c, i), disks);
	return 0;
}

int coverage_cut(struct coverage *c, const char *diskstats, const struct disks *disks,
                 const struct coverage_row **ret_rows, size_t *ret_n)
{
	assert(c && diskstats && disks && ret_rows && ret_n);

	int err = diskstats_parse(&c->now, diskstats);
	bool complete = c->has_before && !c->spoiled;

	c->n_rows = 0;
	if (!err) {
		struct diskstats before = c->before;

		err = complete ? make_rows(c, disks) : 0;
		/* Rows have names in what was read now: it stays until the next call but one. */
		c->before = c->now;
		c->now = before;
		c->has_before = true;
	}
	c->n = 0;
	c->spoiled = false;
	if (err)
		return err;
	*ret_rows = c->rows;
	*ret_n = c->n_rows;
	return 0;
}

void coverage_skip(struct coverage *c)
{
	assert(c);

	c->n = c->n_rows = 0;
	c->spoiled = c->has_before = false;
}
