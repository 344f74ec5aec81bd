/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include "memberpath.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/** One run per field, histogram, sum and maximum. */
#define RUNS_MAX (SPEC_MAX_FIELDS + 3 * SPEC_MAX_HISTOGRAMS)

struct binder {
	const char *file;
	const char *probe; /* its name: the file's, of probe_len bytes */
	int probe_len;
	const struct spec_map *map;
	const struct btf *btf;
	struct memberpath_root key, value;
	struct report *report;
	struct layout *layout;
	bool failed;
};

/* Who asks for a member, for messages: `tag "devv"`. */
struct asker {
	const char *noun;
	const char *member;
	uint32_t line;
};

#define COMPLAIN(b, at_line, fmt, ...)                                                            \
	do {                                                                                      \
		report_at((b)->report, REPORT_ERROR, (b)->file, at_line,                          \
		          "probe %.*s: map %s: " fmt, (b)->probe_len, (b)->probe, (b)->map->name, \
		          ##__VA_ARGS__);                                                         \
		(b)->failed = true;                                                               \
	} while (0)

#define COMPLAIN_OF(b, asker, fmt, ...) \
	COMPLAIN(b, (asker)->line, "%s \"%s\" " fmt, (asker)->noun, (asker)->member, ##__VA_ARGS__)

static bool find_member(struct binder *b, const struct memberpath_root *root,
                        const struct asker *asker, struct memberpath_place *ret_place)
{
	CLEANUP(text_free) struct text why = {0};

	if (!memberpath_find(root, asker->member, ret_place, &why))
		return true;
	COMPLAIN_OF(b, asker, "%s", text_cstr(&why));
	return false;
}

/* ---- Keys */

static int bind_enum(struct binder *b, const struct asker *asker, size_t i)
{
	CLEANUP(text_free) struct text why = {0};
	int err = enumtext_load(b->btf, b->map->tags[i].arg, b->layout->tags[i].size,
	                        &b->layout->enums[i], &why);

	if (err != -EINVAL)
		return err;
	COMPLAIN_OF(b, asker, "%s", text_cstr(&why));
	return 0;
}

static bool is_signed(const struct btf_type *type)
{
	return btf_is_int(type) ? btf_int_encoding(type) & BTF_INT_SIGNED : btf_kflag(type);
}

/* An integer that fills its bytes: compilers before 2018 told bit-fields by the others. */
static bool is_whole_integer(const struct btf_type *type, uint32_t size)
{
	return btf_is_int(type) && btf_int_offset(type) == 0 && btf_int_bits(type) == size * 8;
}

/* char[N], __u8[N]: what a decoder of texts and bytes takes. */
static bool is_byte_array(const struct binder *b, const struct memberpath_place *place)
{
	const struct btf_type *element;

	if (!btf_is_array(place->type))
		return false;
	element = btftype_strip(b->btf, btf_array(place->type)->type);
	return element && is_whole_integer(element, 1);
}

static void bind_array_tag(struct binder *b, const struct asker *asker, size_t i,
                           const struct spec_decoder *decoder, const struct memberpath_place *place)
{
	if (!decoder->arrays)
		COMPLAIN_OF(b, asker, "is an array; decoder %s takes an integer", decoder->name);
	else if (place->size > SPEC_MAX_TAG_BYTES)
		COMPLAIN_OF(b, asker, "is an array of %u bytes; decoder %s takes at most %d",
		            place->size, decoder->name, SPEC_MAX_TAG_BYTES);
	b->layout->tags[i] = (struct layout_member){
		.offset = place->offset, .size = place->size, .is_array = true};
}

static int bind_tag(struct binder *b, size_t i)
{
	const struct spec_tag *tag = &b->map->tags[i];
	const struct spec_decoder *decoder = specwords_find_decoder(tag->decoder);
	struct asker asker = {"tag", tag->member, tag->line};
	struct memberpath_place place;

	if (!decoder || (decoder->arg && !tag->arg)) {
		COMPLAIN_OF(b, &asker, "has no decoder");
		return 0;
	}
	if (!find_member(b, &b->key, &asker, &place))
		return 0;
	if (is_byte_array(b, &place)) {
		bind_array_tag(b, &asker, i, decoder, &place);
		return 0;
	}
	if (!decoder->sizes ||
	    (!btf_is_any_enum(place.type) && !is_whole_integer(place.type, place.size))) {
		COMPLAIN_OF(b, &asker, "is not %s; decoder %s takes one",
		            decoder->sizes ? "an integer" : "an array of bytes", tag->decoder);
		return 0;
	}
	if (place.size > 8 || !(decoder->sizes & 1u << place.size)) {
		COMPLAIN_OF(b, &asker, "is an integer of %u bytes; decoder %s takes %s", place.size,
		            tag->decoder, decoder->sizes == 1u << 4 ? "4" : "1, 2, 4 or 8");
		return 0;
	}
	b->layout->tags[i] = (struct layout_member){
		.offset = place.offset, .size = place.size, .is_signed = is_signed(place.type)};
	return decoder == &spec_decoders[SPEC_DECODER_ENUM] ? bind_enum(b, &asker, i) : 0;
}

/* ---- Values */

static bool is_cell(const struct btf_type *type, uint32_t size)
{
	return type && is_whole_integer(type, size) && !is_signed(type) && (size == 4 || size == 8);
}

/* Appends a run. @return its first cell */
static uint32_t add_run(struct binder *b, const struct asker *asker, struct layout_run run)
{
	struct layout *layout = b->layout;

	if (layout->n_cells + run.count > LAYOUT_MAX_CELLS) {
		COMPLAIN_OF(b, asker, "is too much: a value has at most %u counters",
		            LAYOUT_MAX_CELLS);
		return LAYOUT_NO_CELL;
	}
	run.first_cell = layout->n_cells;
	layout->runs[layout->n_runs++] = run;
	layout->n_cells += run.count;
	return run.first_cell;
}

static uint32_t bind_maximum(struct binder *b, const struct asker *asker)
{
	struct memberpath_place place;

	if (!find_member(b, &b->value, asker, &place))
		return LAYOUT_NO_CELL;
	if (!btf_is_struct(place.type) || place.size != LAYOUT_MAX_TYPE_BYTES ||
	    strcmp(btftype_name(b->btf, place.type->name_off), LAYOUT_MAX_TYPE) != 0) {
		COMPLAIN_OF(b, asker,
		            "is not a struct " LAYOUT_MAX_TYPE
		            ", as a maximum must be (thermograf.bpf.h)");
		return LAYOUT_NO_CELL;
	}
	b->layout->has_maxima = true;
	return add_run(b, asker,
	               (struct layout_run){.kind = SPEC_MAXIMUM,
	                                   .offset = place.offset,
	                                   .width = sizeof(uint64_t),
	                                   .count = 1});
}

/* A plain number: of a field, or of a histogram's sum. */
static uint32_t bind_number(struct binder *b, const struct asker *asker, enum spec_kind kind)
{
	struct memberpath_place place;

	if (!find_member(b, &b->value, asker, &place))
		return LAYOUT_NO_CELL;
	if (!is_cell(place.type, place.size)) {
		COMPLAIN_OF(b, asker, "is not a u32 or u64, as a %s must be",
		            spec_kind_names[kind]);
		return LAYOUT_NO_CELL;
	}
	b->layout->has_gauges |= kind == SPEC_GAUGE;
	return add_run(
		b, asker,
		(struct layout_run){
			.kind = kind, .offset = place.offset, .width = place.size, .count = 1});
}

static uint32_t bind_slots(struct binder *b, const struct spec_histogram *histogram)
{
	struct asker asker = {"histogram", histogram->member, histogram->line};
	uint32_t slots = bucket_slots(&histogram->scale), width = 0;
	const struct btf_array *array = NULL;
	struct memberpath_place place;

	if (!find_member(b, &b->value, &asker, &place))
		return LAYOUT_NO_CELL;
	if (btf_is_array(place.type)) {
		array = btf_array(place.type);
		width = memberpath_type_size(b->btf, array->type);
	}
	if (!array || !is_cell(btftype_strip(b->btf, array->type), width)) {
		COMPLAIN_OF(b, &asker, "is not an array of u32 or u64");
		return LAYOUT_NO_CELL;
	}
	if (array->nelems != slots) {
		COMPLAIN_OF(b, &asker, "has %u slots in the object; its scale has %u",
		            array->nelems, slots);
		return LAYOUT_NO_CELL;
	}
	return add_run(b, &asker,
	               (struct layout_run){.offset = place.offset, .width = width, .count = slots});
}

static void bind_value(struct binder *b)
{
	for (size_t i = 0; i < b->map->n_fields; i++) {
		const struct spec_field *field = &b->map->fields[i];
		struct asker asker = {"field", field->member, field->line};

		b->layout->field_cell[i] = field->kind == SPEC_MAXIMUM
		                                   ? bind_maximum(b, &asker)
		                                   : bind_number(b, &asker, field->kind);
	}
	for (size_t i = 0; i < b->map->n_histograms; i++) {
		const struct spec_histogram *histogram = &b->map->histograms[i];
		struct asker sum = {"sum", histogram->sum_member, histogram->sum_line};
		struct asker max = {"max", histogram->max_member, histogram->max_line};

		b->layout->histogram_cell[i] = bind_slots(b, histogram);
		b->layout->sum_cell[i] =
			histogram->sum_member ? bind_number(b, &sum, SPEC_COUNTER) : LAYOUT_NO_CELL;
		b->layout->max_cell[i] =
			histogram->max_member ? bind_maximum(b, &max) : LAYOUT_NO_CELL;
	}
}

/* ---- All */

static bool open_root(struct binder *b, struct memberpath_root *root, uint32_t type_id,
                      const char *noun, uint32_t max_bytes)
{
	int err = memberpath_open(root, b->btf, type_id, noun, max_bytes);

	if (err == -ENOENT)
		COMPLAIN(b, b->map->line,
		         "the object's BTF has no type of its %s; define it with __type(%s, ...)",
		         noun, noun);
	else if (err)
		COMPLAIN(b, b->map->line, "its %s is not of 1 to %u bytes", noun, max_bytes);
	return !err;
}

static int bind_all(struct binder *b, uint32_t key_type, uint32_t value_type)
{
	bool key = open_root(b, &b->key, key_type, SPEC_WHOLE_KEY, LAYOUT_MAX_KEY_BYTES);
	bool value = open_root(b, &b->value, value_type, SPEC_WHOLE_VALUE, LAYOUT_MAX_VALUE_BYTES);

	b->layout->key_size = b->key.size;
	b->layout->value_size = b->value.size;
	for (size_t i = 0; key && i < b->map->n_tags; i++) {
		int err = bind_tag(b, i);

		if (err)
			return err;
	}
	if (value)
		bind_value(b);
	return b->failed ? -EINVAL : 0;
}

/* A probe's name is its file's, without folder and suffix. */
static void name_probe(struct binder *b)
{
	const char *slash = strrchr(b->file, '/');

	b->probe = slash ? slash + 1 : b->file;
	const char *dot = strrchr(b->probe, '.');

	b->probe_len = (int)(dot ? (size_t)(dot - b->probe) : strlen(b->probe));
}

int layout_bind(const char *spec_file, const struct spec_map *map, const struct btf *btf,
                uint32_t key_type, uint32_t value_type, struct layout **ret_layout,
                struct report *report)
{
	assert(spec_file && map && btf && ret_layout && report);

	CLEANUP(layout_freep) struct layout *layout = calloc(1, sizeof(*layout));
	struct binder b = {
		.file = spec_file, .map = map, .btf = btf, .report = report, .layout = layout};

	if (!layout)
		return -ENOMEM;
	layout->runs = calloc(RUNS_MAX, sizeof(*layout->runs));
	if (!layout->runs)
		return -ENOMEM;
	name_probe(&b);
	int err = bind_all(&b, key_type, value_type);

	if (err)
		return err;
	*ret_layout = TAKE_PTR(layout);
	return 0;
}

/* The newer of a maximum's words may bear the next window's number already: between its change and the read. */
static void take_maxima(uint64_t *cells, const uint8_t *bytes, const struct layout_run *run,
                        uint32_t since)
{
	for (uint32_t i = 0; i < 2 * run->count; i++) {
		uint64_t word;

		memcpy(&word, bytes + (size_t)i * sizeof(word), sizeof(word));
		/* Numbers of windows wrap after 2^32: compared by their distance. */
		if (word && (int32_t)((uint32_t)(word >> 32) - since) >= 0)
			cells[i / 2] = MAX(cells[i / 2], (uint32_t)word);
	}
}

static void add_cells(uint64_t *cells, const uint8_t *bytes, const struct layout_run *run)
{
	/* memcpy, because members of a packed value need not be aligned; it costs nothing where they are. */
	for (uint32_t i = 0; i < run->count && run->width == 4; i++) {
		uint32_t cell;

		memcpy(&cell, bytes + (size_t)i * sizeof(cell), sizeof(cell));
		cells[i] = (uint32_t)(cells[i] + cell);
	}
	for (uint32_t i = 0; i < run->count && run->width == 8; i++) {
		uint64_t cell;

		memcpy(&cell, bytes + (size_t)i * sizeof(cell), sizeof(cell));
		cells[i] += cell;
	}
}

void layout_add(const struct layout *layout, const uint8_t *value, uint32_t since, uint64_t *cells)
{
	for (size_t i = 0; i < layout->n_runs; i++) {
		const struct layout_run *run = &layout->runs[i];

		if (run->kind == SPEC_MAXIMUM)
			take_maxima(cells + run->first_cell, value + run->offset, run, since);
		else
			add_cells(cells + run->first_cell, value + run->offset, run);
	}
}

void layout_extract(const struct layout *layout, const uint8_t *value, uint32_t shards,
                    uint32_t stride, uint32_t since, uint64_t *cells)
{
	assert(layout && value && cells && stride >= layout->value_size);

	memset(cells, 0, layout->n_cells * sizeof(*cells));
	for (uint32_t shard = 0; shard < shards; shard++)
		layout_add(layout, value + (size_t)shard * stride, since, cells);
}

void layout_free(struct layout *layout)
{
	if (!layout)
		return;
	for (size_t i = 0; i < SPEC_MAX_TAGS; i++)
		enumtext_free(&layout->enums[i]);
	free(layout->runs);
	free(layout);
}

void layout_freep(struct layout **layout)
{
	layout_free(*layout);
}
