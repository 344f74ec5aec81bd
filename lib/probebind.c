/* SPDX-License-Identifier: Apache-2.0 */
#include "probebind.h"

#include "kernel.h"
#include "probeconst.h"
#include "text.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* Bookkeeping of one hash element (struct htab_elem and its bucket), rounded up: 48 + 16 + 8 bytes. */
#define HASH_ROW_OVERHEAD 72

/* ---- maps */

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_readable(uint32_t type)
{
	return is_per_cpu(type) || type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH ||
	       type == BPF_MAP_TYPE_ARRAY;
}

static bool shares_index(const struct probe_map *a, const struct probe_map *b)
{
	return a->spec->index && b->spec->index && !strcmp(a->spec->index, b->spec->index);
}

#define COMPLAIN(p, spec_map, fmt, ...)                                    \
	report_at(report, REPORT_ERROR, (p)->spec->file, (spec_map)->line, \
	          "probe %s: map %s " fmt, (p)->spec->name, (spec_map)->name, ##__VA_ARGS__)

static struct bpf_map *find_map(struct probe *p, const struct spec_map *spec, const char *name,
                                struct report *report)
{
	struct bpf_map *map = bpf_object__find_map_by_name(p->object, name);

	if (!map)
		report_at(report, REPORT_ERROR, p->spec->file, spec->line,
		          "probe %s: %s has no map \"%s\"", p->spec->name, p->spec->object, name);
	return map;
}

/* What a description's map is in the object. */
struct tied {
	struct bpf_map *map;
	struct bpf_map *index; /* or NULL */
	struct layout *layout;
};

static void free_tied(struct tied *tied)
{
	layout_free(tied->layout);
}

/* An index gives the number of a row: a hash with values of 4 bytes, beside an array. */
static int check_types(const struct probe *p, const struct spec_map *spec, struct bpf_map *map,
                       struct bpf_map *index, struct report *report)
{
	const char *mistake = NULL;

	if (!is_readable((uint32_t)bpf_map__type(map)))
		mistake = "is of a type that is not read; hashes and arrays are";
	else if (index &&
	         (bpf_map__type(index) != BPF_MAP_TYPE_HASH || bpf_map__value_size(index) != 4))
		mistake = "has an index that is not a hash to u32";
	else if (index && bpf_map__type(map) != BPF_MAP_TYPE_ARRAY)
		mistake = "has an index and is not an array";
	if (mistake)
		COMPLAIN(p, spec, "%s", mistake);
	return mistake ? -EINVAL : 0;
}

/* Maps of one index have its rows: as many each. */
static int check_shared_index(struct probe *p, const struct probe_map *m, struct report *report)
{
	for (const struct probe_map *other = p->maps; other < m; other++) {
		if (!shares_index(m, other) || m->max_keys == other->max_keys)
			continue;
		COMPLAIN(p, m->spec, "has max_keys = %u, and map %s of the same index %u",
		         m->max_keys, other->spec->name, other->max_keys);
		return -EINVAL;
	}
	return 0;
}

/* Maxima need the number of the running window in the object's data. */
static int check_window(struct probe *p, const struct spec_map *spec, const struct layout *layout,
                        struct report *report)
{
	struct bpf_map *window = bpf_object__find_map_by_name(p->object, PROBE_WINDOW_MAP);

	if (!layout->has_maxima || (window && bpf_map__value_size(window) == sizeof(uint32_t)))
		return 0;
	COMPLAIN(p, spec, "has a maximum, and %s no TG_WINDOW (thermograf.bpf.h)", p->spec->object);
	return -EINVAL;
}

/* A reason that is misspelt would silently stay in the sum. */
static int check_counted(const struct probe *p, const struct spec_map *spec,
                         const struct layout *layout, struct report *report)
{
	const struct enumtext *reasons = &layout->enums[0];

	for (const char *word = spec->counted; word && *word;) {
		size_t len = strcspn(word, " "), i = 0;

		while (i < reasons->n && !words_has(reasons->names[i].text, word, len))
			i++;
		if (i == reasons->n) {
			report_at(report, REPORT_ERROR, p->spec->file, spec->counted_line,
			          "probe %s: map %s: counted: \"%.*s\" is no reason of its enum",
			          p->spec->name, spec->name, (int)len, word);
			return -EINVAL;
		}
		word += len + (word[len] == ' ');
	}
	return 0;
}

/* Ties the description of a map to the object, whether it is to be read or not: mistakes are told in any case. */
static int tie_map(struct probe *p, const struct spec_map *spec, struct tied *ret,
                   struct report *report)
{
	struct bpf_map *map = find_map(p, spec, spec->name, report);
	struct bpf_map *index = map && spec->index ? find_map(p, spec, spec->index, report) : NULL;
	int err;

	if (!map || (spec->index && !index))
		return -EINVAL;
	err = check_types(p, spec, map, index, report);
	err = err
	              ?: layout_bind(p->spec->file, spec, bpf_object__btf(p->object),
	                             bpf_map__btf_key_type_id(index ?: map),
	                             bpf_map__btf_value_type_id(map), &ret->layout, report);
	if (err)
		return err;
	ret->map = map;
	ret->index = index;
	return check_window(p, spec, ret->layout, report)
	               ?: check_counted(p, spec, ret->layout, report);
}

static int bind_map(struct probe *p, const struct spec_map *spec, struct tied *tied,
                    struct report *report)
{
	struct probe_map *m = &p->maps[p->n_maps++];

	*m = (struct probe_map){
		.spec = spec, .fd = -1, .index_fd = -1, .type = (uint32_t)bpf_map__type(tied->map)};
	m->layout = TAKE_PTR(tied->layout);
	m->max_keys = spec->max_keys ?: bpf_map__max_entries(tied->index ?: tied->map);
	m->stride = m->layout->value_size;
	/* bpf(2) hands out per-CPU values at multiples of 8 bytes. */
	if (is_per_cpu(m->type))
		m->stride = (m->stride + 7) & ~7u;
	return check_shared_index(p, m, report);
}

/*
 * A map that is not asked for keeps the one entry without which the kernel has no map. So does its index, unless
 * size_maps() finds it with another map.
 */
static int leave_map(struct probe *p, const struct spec_map *spec, const struct tied *tied,
                     const char *why)
{
	struct probe_left *left = &p->left[p->n_left];
	int err;

	*left = (struct probe_left){.map = spec, .why = strdup(why)};
	if (!left->why)
		return -ENOMEM;
	p->n_left++;
	err = bpf_map__set_max_entries(tied->map, 1);
	if (!err && tied->index)
		err = bpf_map__set_max_entries(tied->index, 1);
	return err;
}

/* The programs' own: whatever its type, it is only made as large as it is to be. */
static int take_private(struct probe *p, const struct spec_map *spec,
                        const struct feature_kernel *kernel, struct report *report)
{
	CLEANUP(text_free) struct text why = {0};
	struct bpf_map *map = find_map(p, spec, spec->name, report);
	struct probe_private *own = &p->privates[p->n_privates];
	uint32_t copies, overhead;

	if (!map)
		return -EINVAL;
	if (!probeconst_holds(p->spec, kernel, spec->when, spec->n_when, &why))
		return leave_map(p, spec, &(struct tied){.map = map}, text_cstr(&why));
	copies = is_per_cpu((uint32_t)bpf_map__type(map)) ? kernel_possible_cpus() : 1;
	overhead = bpf_map__type(map) == BPF_MAP_TYPE_ARRAY ? 0 : HASH_ROW_OVERHEAD;
	*own = (struct probe_private){.map = spec,
	                              .max_keys = spec->max_keys ?: bpf_map__max_entries(map)};
	own->memory =
		(uint64_t)own->max_keys * ((uint64_t)copies * bpf_map__value_size(map) + overhead);
	p->n_privates++;
	return bpf_map__set_max_entries(map, own->max_keys);
}

static int take_map(struct probe *p, const struct spec_map *spec,
                    const struct feature_kernel *kernel, struct report *report)
{
	CLEANUP(free_tied) struct tied tied = {0};
	CLEANUP(text_free) struct text why = {0};
	int err = tie_map(p, spec, &tied, report);

	if (err)
		return err;
	return probeconst_holds(p->spec, kernel, spec->when, spec->n_when, &why)
	               ? bind_map(p, spec, &tied, report)
	               : leave_map(p, spec, &tied, text_cstr(&why));
}

/* ---- sizes */

/* Copies of a value in one row, where the engine has chosen so many. */
static uint32_t shards_of(const struct probe_map *m, uint32_t shards)
{
	if (is_per_cpu(m->type))
		return (uint32_t)MAX(libbpf_num_possible_cpus(), 1);
	return m->spec->shards ? shards : 1;
}

/* Kernel memory of a full map; of an index with the first map that has it. */
static uint64_t memory_of(const struct probe *p, const struct probe_map *m, uint32_t shards)
{
	uint64_t row = (uint64_t)shards_of(m, shards) * m->stride;
	bool has_keys = true;

	for (const struct probe_map *other = p->maps; other < m; other++)
		has_keys &= !shares_index(m, other);
	if (has_keys)
		row += m->layout->key_size + HASH_ROW_OVERHEAD;
	return m->max_keys * row;
}

static uint64_t private_memory(const struct probe *p)
{
	uint64_t memory = 0;

	for (size_t i = 0; i < p->n_privates; i++)
		memory += p->privates[i].memory;
	return memory;
}

/* Does a section of the description size this map, by its name or as an index? */
static bool is_described(const struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->spec->n_maps; i++) {
		const char *index = p->spec->maps[i].index;

		if (!strcmp(p->spec->maps[i].name, name) || (index && !strcmp(index, name)))
			return true;
	}
	return false;
}

/* Kernel memory of the maps that the programs keep for themselves, full. */
static uint64_t own_memory_of(const struct probe *p)
{
	uint64_t cpus = (uint64_t)MAX(libbpf_num_possible_cpus(), 1), memory = 0;
	const struct bpf_map *map;

	bpf_object__for_each_map(map, p->object)
	{
		uint32_t type = bpf_map__type(map);
		uint64_t row = (bpf_map__value_size(map) + 7ull) / 8 * 8;

		if (bpf_map__is_internal(map) || is_described(p, bpf_map__name(map)))
			continue;
		row *= is_per_cpu(type) ? cpus : 1;
		if (type == BPF_MAP_TYPE_RINGBUF) /* its entries are bytes */
			row = 1;
		else if (type != BPF_MAP_TYPE_ARRAY && type != BPF_MAP_TYPE_PERCPU_ARRAY)
			row += bpf_map__key_size(map) + HASH_ROW_OVERHEAD;
		memory += bpf_map__max_entries(map) * row;
	}
	return memory;
}

static bool fits(const struct probe *p, uint32_t shards)
{
	uint64_t memory = private_memory(p) + p->own_memory, read = 0;

	for (size_t i = 0; i < p->n_maps; i++) {
		const struct probe_map *m = &p->maps[i];

		memory += memory_of(p, m, shards);
		read += (uint64_t)m->max_keys * shards_of(m, shards) * m->stride;
	}
	return memory <= PROBE_MEMORY_MAX && read <= PROBE_READ_MAX;
}

/* A shard for every CPU, unless memory or the bytes of a full read would pass their bound. */
static uint32_t choose_shards(const struct probe *p)
{
	uint32_t cpus = kernel_possible_cpus(), shards = 1;

	while (shards < cpus && shards < PROBE_SHARDS_MAX && fits(p, shards * 2))
		shards *= 2;
	return shards;
}

static int set_size(struct probe *p, struct probe_map *m, struct report *report)
{
	struct bpf_map *map = bpf_object__find_map_by_name(p->object, m->spec->name);
	const char *file = p->spec->file;
	int err = 0;

	if (m->spec->index) {
		struct bpf_map *index = bpf_object__find_map_by_name(p->object, m->spec->index);

		err = bpf_map__set_max_entries(map, m->max_keys * m->shards);
		err = err ?: bpf_map__set_max_entries(index, m->max_keys);
	} else if (m->spec->max_keys) {
		err = bpf_map__set_max_entries(map, m->max_keys);
	}
	if (!err && m->spec->shards)
		err = probeconst_set(p->spec, p->object, m->spec->shards, m->shards, file, report);
	if (!err && m->spec->rows)
		err = probeconst_set(p->spec, p->object, m->spec->rows, m->max_keys, file, report);
	return err;
}

static int size_maps(struct probe *p, struct report *report)
{
	uint64_t memory;
	uint32_t shards;
	int err = 0;

	p->own_memory = own_memory_of(p);
	memory = private_memory(p) + p->own_memory;
	shards = choose_shards(p);
	for (size_t i = 0; i < p->n_maps; i++) {
		struct probe_map *m = &p->maps[i];

		m->shards = shards_of(m, shards);
		m->row_size = m->shards * m->stride;
		m->memory = memory_of(p, m, shards);
		memory += m->memory;
		err = set_size(p, m, report) ?: err;
	}
	if (!err && memory > PROBE_MEMORY_MAX)
		report_add(
			report, REPORT_WARNING, p->spec->file,
			"probe %s: its maps take up to %llu MiB of kernel memory; make them smaller (max_keys)",
			p->spec->name, (unsigned long long)(memory >> 20));
	return err;
}

int probe_bind_maps(struct probe *p, const struct feature_kernel *kernel, struct report *report)
{
	int err = 0;

	for (size_t i = 0; i < p->spec->n_maps; i++) {
		const struct spec_map *map = &p->spec->maps[i];
		int r = specmap_is_private(map) ? take_private(p, map, kernel, report)
		                                : take_map(p, map, kernel, report);

		err = r ?: err;
	}
	return err ?: size_maps(p, report);
}
