/* SPDX-License-Identifier: Apache-2.0 */
#include "probebind.h"

#include "feature.h"
#include "kernel.h"
#include "rodata.h"
#include "text.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* Bookkeeping of one hash element (struct htab_elem and its bucket), rounded up: 48 + 16 + 8 bytes. */
#define HASH_ROW_OVERHEAD 72

/* ---- constants */

static uint64_t const_value(const struct spec_const *c, const struct btf *kernel)
{
	int64_t bit;

	switch (c->kind) {
	case SPEC_CONST_NUMBER:
		return c->number;
	case SPEC_CONST_KERNEL_BIT:
		if (feature_enumerator(kernel, c->enumerator, &bit) || bit < 0 || bit > 63)
			bit = (int64_t)c->number;
		return 1ull << bit;
	case SPEC_CONST_HAS:
		return feature_holds(kernel, &c->has, NULL);
	case SPEC_CONST_CPUS:
		return kernel_possible_cpus();
	case SPEC_CONST_ENUM:
	case SPEC_CONST_FLAGS:
	case SPEC_CONST_KIND_MAX:
		break;
	}
	return 0;
}

static int set_const(struct probe *p, const char *name, uint64_t value, const char *place,
                     struct report *report)
{
	int err = rodata_set(p->object, name, value);

	if (!err)
		return 0;
	report_add(report, REPORT_ERROR, place, "probe %s: constant \"%s\" %s in %s", p->spec->name,
	           name,
	           err == -ENOENT   ? "is not a const volatile variable"
	           : err == -ERANGE ? "is too small for its value"
	                            : "is not an integer",
	           p->spec->object);
	return -EINVAL;
}

int probe_set_consts(struct probe *p, const struct btf *kernel, struct report *report)
{
	int err = 0;

	for (size_t i = 0; i < p->spec->n_consts; i++) {
		const struct spec_const *c = &p->spec->consts[i];

		err = set_const(p, c->name, const_value(c, kernel), c->place, report) ?: err;
	}
	return err;
}

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

/* A shard for every CPU, unless memory or the bytes of a full read would pass their bound. */
static uint32_t choose_shards(uint64_t rows, uint32_t value_size)
{
	uint32_t cpus = kernel_possible_cpus(), shards = 1;

	while (shards < cpus && shards < PROBE_SHARDS_MAX &&
	       rows * (2ull * shards * value_size + HASH_ROW_OVERHEAD) <= PROBE_MAP_MEMORY_MAX &&
	       rows * 2ull * shards * value_size <= PROBE_MAP_READ_MAX)
		shards *= 2;
	return shards;
}

/* The values of an indexed map: an array of max_keys rows. */
static int size_indexed(struct probe *p, struct probe_map *m, struct bpf_map *map,
                        struct bpf_map *index, struct report *report)
{
	int err;

	m->shards = m->spec->shards ? choose_shards(m->max_keys, m->stride) : 1;
	err = bpf_map__set_max_entries(map, m->max_keys * m->shards);
	err = err ?: bpf_map__set_max_entries(index, m->max_keys);
	if (!err && m->spec->shards)
		err = set_const(p, m->spec->shards, m->shards, p->spec->file, report);
	if (!err && m->spec->rows)
		err = set_const(p, m->spec->rows, m->max_keys, p->spec->file, report);
	return err;
}

static int size_map(struct probe *p, struct probe_map *m, struct bpf_map *map,
                    struct bpf_map *index, struct report *report)
{
	int err = 0;

	m->type = (uint32_t)bpf_map__type(map);
	m->max_keys = m->spec->max_keys ?: bpf_map__max_entries(index ?: map);
	m->shards = 1;
	m->stride = m->layout->value_size;
	if (is_per_cpu(m->type)) {
		/* bpf(2) hands out per-CPU values at multiples of 8 bytes. */
		m->stride = (m->stride + 7) & ~7u;
		m->shards = (uint32_t)MAX(libbpf_num_possible_cpus(), 1);
	}
	if (index)
		err = size_indexed(p, m, map, index, report);
	else if (m->spec->max_keys)
		err = bpf_map__set_max_entries(map, m->max_keys);
	m->row_size = m->shards * m->stride;
	m->memory = (uint64_t)m->max_keys * (m->row_size + m->layout->key_size + HASH_ROW_OVERHEAD);
	return err;
}

static struct bpf_map *find_map(struct probe *p, const struct spec_map *spec, const char *name,
                                struct report *report)
{
	struct bpf_map *map = bpf_object__find_map_by_name(p->object, name);

	if (!map)
		report_at(report, REPORT_ERROR, p->spec->file, spec->line,
		          "probe %s: %s has no map \"%s\"", p->spec->name, p->spec->object, name);
	return map;
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
		report_at(report, REPORT_ERROR, p->spec->file, spec->line, "probe %s: map %s %s",
		          p->spec->name, spec->name, mistake);
	return mistake ? -EINVAL : 0;
}

static int bind_map(struct probe *p, const struct spec_map *spec, struct report *report)
{
	struct probe_map *m = &p->maps[p->n_maps];
	struct bpf_map *map = find_map(p, spec, spec->name, report);
	struct bpf_map *index = map && spec->index ? find_map(p, spec, spec->index, report) : NULL;
	int err;

	*m = (struct probe_map){.spec = spec, .fd = -1, .index_fd = -1};
	if (!map || (spec->index && !index))
		return -EINVAL;
	err = check_types(p, spec, map, index, report);
	err = err
	              ?: layout_bind(p->spec->file, spec, bpf_object__btf(p->object),
	                             bpf_map__btf_key_type_id(index ?: map),
	                             bpf_map__btf_value_type_id(map), &m->layout, report);
	if (err)
		return err;
	p->n_maps++;
	err = size_map(p, m, map, index, report);
	if (!err && m->memory > PROBE_MAP_MEMORY_MAX)
		report_at(report, REPORT_WARNING, p->spec->file, spec->line,
		          "probe %s: map %s takes up to %llu MiB of kernel memory; lower max_keys",
		          p->spec->name, spec->name, (unsigned long long)(m->memory >> 20));
	return err;
}

int probe_bind_maps(struct probe *p, struct report *report)
{
	int err = 0;

	for (size_t i = 0; i < p->spec->n_maps; i++)
		err = bind_map(p, &p->spec->maps[i], report) ?: err;
	return err;
}

/* ---- programs */

const struct spec_program *probe_program_spec(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->n_programs; i++)
		if (!strcmp(spec->programs[i].name, name))
			return &spec->programs[i];
	return NULL;
}

bool probe_group_is_served(const struct probe *p, const char *group)
{
	for (size_t i = 0; i < p->n_programs; i++) {
		const struct spec_program *s = probe_program_spec(p->spec, p->programs[i].name);

		if (s && s->one_of && !strcmp(s->one_of, group) && p->programs[i].chosen)
			return true;
	}
	return false;
}

static int choose_program(struct probe *p, struct bpf_program *program, const struct btf *kernel)
{
	struct probe_program *pp = &p->programs[p->n_programs];
	const struct spec_program *s = probe_program_spec(p->spec, bpf_program__name(program));
	CLEANUP(text_free) struct text why = {0};
	bool chosen = true;

	*pp = (struct probe_program){.name = strdup(bpf_program__name(program)), .fd = -1};
	if (!pp->name)
		return -ENOMEM;
	for (size_t i = 0; s && chosen && i < s->n_when; i++)
		chosen = feature_holds(kernel, &s->when[i], &why);
	if (chosen && s && s->one_of && probe_group_is_served(p, s->one_of)) {
		text_str(&why, "another of its group runs");
		chosen = false;
	}
	if (!chosen)
		pp->why = strdup(text_cstr(&why));
	pp->chosen = chosen;
	p->n_programs++;
	return bpf_program__set_autoload(program, chosen);
}

int probe_choose_programs(struct probe *p, const struct btf *kernel, struct report *report)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, p->object)
	{
		int err = p->n_programs < SPEC_MAX_PROGRAMS ? choose_program(p, program, kernel)
		                                            : -E2BIG;

		if (err) {
			report_at(report, REPORT_ERROR, p->spec->file, 0,
			          "probe %s: program %s: %s", p->spec->name,
			          bpf_program__name(program), strerror(-err));
			return err;
		}
	}
	for (size_t i = 0; i < p->spec->n_programs; i++) {
		const struct spec_program *s = &p->spec->programs[i];

		if (!bpf_object__find_program_by_name(p->object, s->name)) {
			report_at(report, REPORT_ERROR, p->spec->file, s->line,
			          "probe %s: %s has no program \"%s\"", p->spec->name,
			          p->spec->object, s->name);
			return -EINVAL;
		}
	}
	return 0;
}
