/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a probe's description, and any bytes as the BTF that it is bound to: nothing crashes, nothing leaks,
 * what is refused was reported, and what a layout says lies within the key and the value.
 *
 * Input: INI text, NUL, mode, u16 type id of the first map's key, u16 of its value, and BTF:
 *     mode 'r'  as it is, with its header
 *     else      u16 length of the types, types, strings: the header is made here, so that lengths fit
 */
#include "decode.h"
#include "feature.h"

#include "input.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>

/* As probe.c does it at most; more shards repeat the same additions. */
#define SHARDS 2

static uint16_t take_u16(const uint8_t **data, size_t *size)
{
	uint16_t value = 0;

	if (*size < sizeof(value))
		return 0;
	memcpy(&value, *data, sizeof(value));
	*data += sizeof(value);
	*size -= sizeof(value);
	return value;
}

static struct btf *new_btf(const uint8_t *data, size_t size, bool raw)
{
	struct btf_header header = {.magic = BTF_MAGIC, .version = BTF_VERSION};
	uint32_t type_len = raw ? 0 : take_u16(&data, &size) & ~3u;
	CLEANUP_FREE uint8_t *bytes = calloc(1, sizeof(header) + size + 2);

	expect(bytes != NULL);
	if (raw) {
		memcpy(bytes, data, size);
		return size ? btf__new(bytes, (uint32_t)size) : NULL;
	}
	type_len = type_len > size ? (uint32_t)size & ~3u : type_len;
	header.hdr_len = sizeof(header);
	header.type_len = header.str_off = type_len;
	header.str_len = (uint32_t)size - type_len + 2; /* a NUL before and one behind */
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), data, type_len);
	memcpy(bytes + sizeof(header) + type_len + 1, data + type_len, size - type_len);
	return btf__new(bytes, sizeof(header) + (uint32_t)size + 2);
}

static void check_layout(const struct spec_map *map, const struct layout *l)
{
	expect(l->key_size >= 1 && l->key_size <= LAYOUT_MAX_KEY_BYTES);
	expect(l->value_size >= 1 && l->value_size <= LAYOUT_MAX_VALUE_BYTES);
	expect(l->n_cells <= LAYOUT_MAX_CELLS);
	for (size_t i = 0; i < map->n_tags; i++)
		expect(l->tags[i].offset + l->tags[i].size <= l->key_size);
	for (size_t i = 0; i < l->n_runs; i++) {
		const struct layout_run *run = &l->runs[i];

		uint64_t words = run->kind == SPEC_MAXIMUM ? 2 : 1; /* of each cell */

		expect(run->offset + words * run->width * run->count <= l->value_size);
		expect(run->first_cell + run->count <= l->n_cells);
	}
}

/* On the heap and of the exact sizes, so that ASan sees a byte too far. */
static void use_layout(const struct spec_map *map, const struct layout *l)
{
	CLEANUP_FREE uint8_t *key = calloc(1, l->key_size), *row = calloc(SHARDS, l->value_size);
	CLEANUP_FREE uint64_t *cells = calloc(l->n_cells + 1, sizeof(*cells));
	CLEANUP(text_free) struct text out = {0};
	struct decode_env env = {0};

	memset(key, 0xa5, l->key_size);
	memset(row, 0xa5, SHARDS * (size_t)l->value_size);
	layout_extract(l, row, SHARDS, l->value_size, 0, cells);
	expect(!cells[l->n_cells]);
	for (size_t i = 0; i < map->n_tags; i++) {
		size_t len = out.len;

		decode_tag(&env, map, l, i, key, &out);
		expect(out.len > len);
	}
	expect(!decode_is_gone(&env, map, l, key));
}

static void bind(const struct spec *spec, const struct btf *btf, uint32_t key, uint32_t value)
{
	for (size_t i = 0; i < spec->n_maps; i++) {
		CLEANUP(layout_freep) struct layout *layout = NULL;
		CLEANUP(report_free) struct report report = {0};
		int err = layout_bind("f.ini", &spec->maps[i], btf, key + (uint32_t)i,
		                      value + (uint32_t)i, &layout, &report);

		expect(err == 0 || err == -EINVAL);
		expect((err == 0) == (layout != NULL) && (err == 0) == (report.n_errors == 0));
		if (!layout)
			continue;
		check_layout(&spec->maps[i], layout);
		use_layout(&spec->maps[i], layout);
	}
}

static void ask_predicates(const struct feature_kernel *kernel, const struct spec_predicate *when,
                           size_t n)
{
	CLEANUP(text_free) struct text why = {0};

	for (size_t i = 0; i < n; i++) {
		expect((when[i].kind == SPEC_FIELD || when[i].kind == SPEC_CONST_HOLDS) ==
		       (when[i].member != NULL));
		if (when[i].kind == SPEC_CONST_HOLDS)
			continue; /* no question to a kernel */
		text_clear(&why);
		bool holds = feature_holds(kernel, &when[i], &why);

		expect(holds == (why.len == 0));
	}
}

/* The same BTF as that of a kernel. */
static void ask_kernel(const struct spec *spec, const struct feature_kernel *kernel)
{
	int64_t value;

	for (size_t i = 0; i < spec->n_programs; i++)
		ask_predicates(kernel, spec->programs[i].when, spec->programs[i].n_when);
	for (size_t i = 0; i < spec->n_maps; i++)
		ask_predicates(kernel, spec->maps[i].when, spec->maps[i].n_when);
	for (size_t i = 0; i < spec->n_consts; i++) {
		if (spec->consts[i].kind == SPEC_CONST_KERNEL_BIT)
			feature_enumerator(kernel, spec->consts[i].enumerator, &value);
	}
}

static bool has_words(const struct spec_const *c)
{
	return c->kind == SPEC_CONST_ENUM || c->kind == SPEC_CONST_FLAGS;
}

/* Sets every constant to what `about` says: it is refused and unchanged, or keeps its enum. */
static void set_consts(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_consts; i++) {
		CLEANUP(report_free) struct report report = {0};
		const struct spec_const *c = &spec->consts[i];
		struct spec_const old = *c;
		CLEANUP_FREE char *name_of_enum = has_words(c) ? strdup(c->enumerator) : NULL;
		int err = spec_set_const(spec, c->name, spec->about, "t.ini:1", &report);

		expect(err == 0 || err == -EINVAL);
		expect((err == 0) == (report.n_errors == 0));
		expect(has_words(c) == (c->words != NULL));
		if (err)
			expect(!memcmp(c, &old, sizeof(old)));
		else if (name_of_enum)
			expect(c->kind == old.kind && !strcmp(c->enumerator, name_of_enum));
	}
}

static void check_scales(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_maps; i++) {
		for (size_t j = 0; j < spec->maps[i].n_histograms; j++) {
			const struct bucket_scale *scale = &spec->maps[i].histograms[j].scale;
			uint32_t slots = bucket_slots(scale);

			expect(slots >= 3 && slots <= BUCKET_MAX_SLOTS);
			expect(bucket_upper(scale, 0) == scale->first);
			expect(bucket_upper(scale, slots - 2) == scale->last);
			expect(bucket_slot(scale, scale->last) == slots - 2);
		}
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	libbpf_set_print(NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(spec_freep) struct spec *spec = NULL;
	CLEANUP(report_free) struct report report = {0};
	const uint8_t *nul = memchr(data, 0, size), *rest = nul ? nul + 1 : data + size;
	size_t ini_len = nul ? (size_t)(nul - data) : size, left = size - (size_t)(rest - data);
	int err = spec_parse("f", "f.ini", (const char *)data, ini_len, &spec, &report);

	expect(err == 0 || err == -EINVAL);
	expect((err == 0) == (spec != NULL) && (err == 0) == (report.n_errors == 0));
	if (!spec)
		return 0;
	check_scales(spec);
	set_consts(spec);
	if (!left)
		return 0;
	bool raw = *rest++ == 'r';

	left--;
	uint32_t key = take_u16(&rest, &left), value = take_u16(&rest, &left);
	struct btf *btf = new_btf(rest, left, raw);

	if (!btf)
		return 0;
	bind(spec, btf, key, value);
	ask_kernel(spec, &(struct feature_kernel){.btf = btf});
	btf__free(btf);
	return 0;
}
