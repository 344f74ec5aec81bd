/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <bpf/btf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS 9 /* of log-linear(2) first=1 last=8: 1 to 8, +Inf */

/* The types of an object, made anew for each test. */
struct object {
	struct btf *btf;
	int u8, u16, u32, u64, s32, s64;
	int op; /* enum block_op */
	int key, value;
	struct report report;
};

static int check(int id)
{
	assert_true(id > 0);
	return id;
}

static void field(struct object *o, const char *name, int type, uint32_t byte)
{
	assert_int_equal(btf__add_field(o->btf, name, type, byte * 8, 0), 0);
}

static void enumerator(struct object *o, const char *name, int64_t value)
{
	assert_int_equal(btf__add_enum_value(o->btf, name, value), 0);
}

/* struct block_io_key { u32 dev; u8 pad; const op_t op; } and a value with counters, slots and a sum. */
static void add_block_io(struct object *o)
{
	o->op = check(btf__add_enum(o->btf, "block_op", 4));
	enumerator(o, "BLOCK_OP_READ", 0);
	enumerator(o, "BLOCK_OP_WRITE", 1);
	enumerator(o, "BLOCK_OP_WRITEBACK", 2);
	int op_t = check(btf__add_typedef(o->btf, "op_t", check(btf__add_const(o->btf, o->op))));
	int slots = check(btf__add_array(o->btf, o->u32, o->u32, SLOTS));
	int volatile_u64 = check(btf__add_volatile(o->btf, o->u64));

	o->key = check(btf__add_struct(o->btf, "block_io_key", 12));
	field(o, "dev", o->u32, 0);
	field(o, "op", op_t, 8);
	o->value = check(btf__add_struct(o->btf, "block_io_value", 64));
	field(o, "ios", volatile_u64, 0);
	field(o, "bytes", o->u64, 8);
	field(o, "errors", o->u32, 16);
	field(o, "total", slots, 20);
	field(o, "total_sum", o->u64, 56);
}

static int make_object(void **state)
{
	struct object *o = calloc(1, sizeof(*o));

	o->btf = btf__new_empty();
	o->u8 = check(btf__add_int(o->btf, "unsigned char", 1, 0));
	o->u16 = check(btf__add_int(o->btf, "unsigned short", 2, 0));
	o->u32 = check(btf__add_int(o->btf, "unsigned int", 4, 0));
	o->u64 = check(btf__add_int(o->btf, "unsigned long", 8, 0));
	o->s32 = check(btf__add_int(o->btf, "int", 4, BTF_INT_SIGNED));
	o->s64 = check(btf__add_int(o->btf, "long", 8, BTF_INT_SIGNED));
	add_block_io(o);
	*state = o;
	return 0;
}

static int free_object(void **state)
{
	struct object *o = *state;

	report_free(&o->report);
	btf__free(o->btf);
	free(o);
	return 0;
}

static struct spec_map block_io(void)
{
	struct spec_map map = {.name = "block_io", .measurement = "block_io", .line = 9};

	map.tags[map.n_tags++] =
		(struct spec_tag){.name = "device", .member = "dev", .decoder = "disk", .line = 11};
	map.tags[map.n_tags++] = (struct spec_tag){
		.name = "op", .member = "op", .decoder = "enum", .arg = "block_op", .line = 12};
	map.fields[map.n_fields++] =
		(struct spec_field){.name = "ios", .member = "ios", .line = 13};
	map.fields[map.n_fields++] =
		(struct spec_field){.name = "errors", .member = "errors", .line = 14};
	map.histograms[map.n_histograms++] = (struct spec_histogram){
		.name = "latency",
		.member = "total",
		.scale = {.kind = BUCKET_LOG_LINEAR, .bits = 2, .first = 1, .last = 8},
		.sum_member = "total_sum",
		.line = 15,
		.sum_line = 16};
	return map;
}

/* A map with one tag, on the key type given. */
static struct spec_map only_tag(const char *member, const char *decoder, const char *arg)
{
	struct spec_map map = {.name = "m", .n_tags = 1};

	map.tags[0] = (struct spec_tag){.name = "t",
	                                .member = (char *)member,
	                                .decoder = (char *)decoder,
	                                .arg = (char *)arg,
	                                .line = 5};
	return map;
}

static struct spec_map only_field(const char *member)
{
	struct spec_map map = {.name = "m", .n_fields = 1};

	map.fields[0] = (struct spec_field){.name = "f", .member = (char *)member, .line = 5};
	return map;
}

static struct spec_map only_histogram(const char *member)
{
	struct spec_map map = {.name = "m", .n_histograms = 1};

	map.histograms[0] = (struct spec_histogram){
		.name = "h",
		.member = (char *)member,
		.scale = {.kind = BUCKET_LOG_LINEAR, .bits = 2, .first = 1, .last = 8},
		.line = 5};
	return map;
}

static struct layout *bind(struct object *o, const struct spec_map *map, int key, int value)
{
	struct layout *layout = NULL;
	int err = layout_bind("block_io.ini", map, o->btf, (uint32_t)key, (uint32_t)value, &layout,
	                      &o->report);

	for (size_t i = 0; err && i < o->report.n_items; i++)
		print_message("  %s\n", o->report.items[i].text);
	assert_int_equal(err, 0);
	assert_non_null(layout);
	return layout;
}

/* Binding fails with exactly that message. */
static void assert_refused(struct object *o, struct spec_map map, int key, int value,
                           const char *message)
{
	struct layout *layout = (struct layout *)1;

	assert_int_equal(layout_bind("/etc/thermograf/probes.d/block_io.ini", &map, o->btf,
	                             (uint32_t)key, (uint32_t)value, &layout, &o->report),
	                 -EINVAL);
	assert_ptr_equal(layout, (struct layout *)1);
	assert_int_equal(o->report.n_errors, 1);
	assert_string_equal(o->report.items[0].text, message);
	report_free(&o->report);
}

#define AT "/etc/thermograf/probes.d/block_io.ini:"

static void offsets_come_from_the_types(void **state)
{
	struct object *o = *state;
	struct spec_map map = block_io();
	struct layout *layout = bind(o, &map, o->key, o->value);

	assert_int_equal(layout->key_size, 12);
	assert_int_equal(layout->value_size, 64);
	assert_int_equal(layout->tags[0].offset, 0);
	assert_int_equal(layout->tags[1].offset, 8);
	assert_int_equal(layout->tags[1].size, 4);
	assert_int_equal(layout->n_cells, 2 + SLOTS + 1);
	assert_int_equal(layout->field_cell[0], 0);
	assert_int_equal(layout->field_cell[1], 1);
	assert_int_equal(layout->histogram_cell[0], 2);
	assert_int_equal(layout->sum_cell[0], 2 + SLOTS);
	assert_int_equal(layout->n_runs, 4);
	assert_int_equal(layout->runs[1].width, 4);
	assert_int_equal(layout->runs[2].offset, 20);
	assert_int_equal(layout->runs[2].count, SLOTS);
	layout_free(layout);
}

/* struct tg_max { u64 word[2]; } as thermograf.bpf.h has it, under a name. */
static int add_tg_max(struct object *o, const char *name)
{
	int words = check(btf__add_array(o->btf, o->u32, o->u64, 2));
	int id = check(btf__add_struct(o->btf, name, 16));

	field(o, "word", words, 0);
	return id;
}

/* { u64 now; struct tg_max top; u32 total[SLOTS]; struct tg_max total_max; } */
static int add_maxima(struct object *o, const char *type_name)
{
	int max = add_tg_max(o, type_name);
	int slots = check(btf__add_array(o->btf, o->u32, o->u32, SLOTS));
	int id = check(btf__add_struct(o->btf, "maxima", 80));

	field(o, "now", o->u64, 0);
	field(o, "top", max, 8);
	field(o, "total", slots, 24);
	field(o, "total_max", max, 64);
	return id;
}

static struct spec_map maxima(void)
{
	struct spec_map map = only_histogram("total");

	map.fields[map.n_fields++] =
		(struct spec_field){.name = "now", .member = "now", .kind = SPEC_GAUGE, .line = 3};
	map.fields[map.n_fields++] = (struct spec_field){
		.name = "top", .member = "top", .kind = SPEC_MAXIMUM, .line = 4};
	map.histograms[0].max_member = "total_max";
	map.histograms[0].max_line = 6;
	return map;
}

static void a_maximum_is_one_cell_of_two_words(void **state)
{
	struct object *o = *state;
	struct spec_map map = maxima();
	struct layout *layout = bind(o, &map, o->u32, add_maxima(o, "tg_max"));

	assert_true(layout->has_gauges && layout->has_maxima);
	assert_int_equal(layout->n_cells, 2 + SLOTS + 1);
	assert_int_equal(layout->field_cell[1], 1);
	assert_int_equal(layout->max_cell[0], 2 + SLOTS);
	assert_int_equal(layout->sum_cell[0], LAYOUT_NO_CELL);
	assert_int_equal(layout->runs[0].kind, SPEC_GAUGE);
	assert_int_equal(layout->runs[1].kind, SPEC_MAXIMUM);
	assert_int_equal(layout->runs[2].kind, SPEC_COUNTER);
	layout_free(layout);
}

static uint64_t word(uint32_t window, uint32_t value)
{
	return (uint64_t)window << 32 | value;
}

/* Gauges add over the shards; of maxima the greatest of the windows asked for is taken, older ones are left. */
static void the_greatest_word_of_the_windows_asked_for_is_taken(void **state)
{
	struct object *o = *state;
	struct spec_map map = maxima();
	struct layout *layout = bind(o, &map, o->u32, add_maxima(o, "tg_max"));
	uint64_t row[2][10] = {
		{3, word(8, 70), word(7, 900)},
		{4, word(8, 60),
	         word(9, 71)}, /* 9 began between the number's change and the read */
	};
	static const struct {
		uint32_t since;
		uint64_t top;
	} cases[] = {{7, 900}, {8, 71}, {9, 71}, {10, 0}};
	uint64_t cells[2 + SLOTS + 1];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		layout_extract(layout, (const uint8_t *)row, 2, sizeof(row[0]), cases[i].since,
		               cells);
		assert_int_equal(cells[0], 7);
		assert_int_equal(cells[1], cases[i].top);
	}
	layout_free(layout);
}

static void numbers_of_windows_may_wrap(void **state)
{
	struct object *o = *state;
	struct spec_map map = maxima();
	struct layout *layout = bind(o, &map, o->u32, add_maxima(o, "tg_max"));
	uint64_t row[10] = {0, word(1, 5), word(UINT32_MAX, 9)};
	uint64_t cells[2 + SLOTS + 1];

	layout_extract(layout, (const uint8_t *)row, 1, sizeof(row), UINT32_MAX, cells);
	assert_int_equal(cells[1], 9);
	layout_extract(layout, (const uint8_t *)row, 1, sizeof(row), 1, cells);
	assert_int_equal(cells[1], 5);
	layout_free(layout);
}

static void a_maximum_is_a_struct_tg_max_and_nothing_else(void **state)
{
	struct object *o = *state;
	struct spec_map map = maxima();

	map.n_fields = 1;
	assert_refused(
		o, map, o->u32, add_maxima(o, "my_max"),
		AT
		"6: probe block_io: map m: max \"total_max\" is not a struct tg_max, as a maximum "
		"must be (thermograf.bpf.h)");
}

/* char comm[16], u8 id[65], u32 pair[2] */
static int add_texts(struct object *o)
{
	int chars = check(btf__add_int(o->btf, "char", 1, BTF_INT_SIGNED | BTF_INT_CHAR));
	int comm = check(btf__add_array(o->btf, o->u32, chars, 16));
	int id = check(btf__add_array(o->btf, o->u32, o->u8, 65));
	int pair = check(btf__add_array(o->btf, o->u32, o->u32, 2));
	int key = check(btf__add_struct(o->btf, "texts", 92));

	field(o, "comm", comm, 0);
	field(o, "id", id, 16);
	field(o, "pair", pair, 84);
	return key;
}

static void arrays_of_bytes_are_for_hex_and_string(void **state)
{
	struct object *o = *state;
	int key = add_texts(o);
	struct spec_map map = only_tag("comm", "string", NULL);
	struct layout *layout;

	map.fields[map.n_fields++] = (struct spec_field){.name = "ios", .member = "ios"};
	layout = bind(o, &map, key, o->value);
	assert_true(layout->tags[0].is_array);
	assert_int_equal(layout->tags[0].size, 16);
	layout_free(layout);
	assert_refused(
		o, only_tag("comm", "uint", NULL), key, o->value,
		AT
		"5: probe block_io: map m: tag \"comm\" is an array; decoder uint takes an integer");
	assert_refused(
		o, only_tag("id", "hex", NULL), key, o->value,
		AT
		"5: probe block_io: map m: tag \"id\" is an array of 65 bytes; decoder hex takes at "
		"most 64");
	assert_refused(
		o, only_tag("pair", "hex", NULL), key, o->value,
		AT
		"5: probe block_io: map m: tag \"pair\" is not an integer; decoder hex takes one");
	assert_refused(
		o, only_tag("op", "string", NULL), o->key, o->value,
		AT
		"5: probe block_io: map m: tag \"op\" is not an array of bytes; decoder string takes "
		"one");
}

static void a_histogram_without_a_sum_has_no_sum_cell(void **state)
{
	struct object *o = *state;
	struct spec_map map = only_histogram("total");
	struct layout *layout = bind(o, &map, o->key, o->value);

	assert_int_equal(layout->sum_cell[0], LAYOUT_NO_CELL);
	layout_free(layout);
}

static void names_of_an_enum_lose_their_prefix(void **state)
{
	struct object *o = *state;
	struct spec_map map = block_io();
	struct layout *layout = bind(o, &map, o->key, o->value);

	assert_int_equal(layout->enums[0].n, 0);
	assert_int_equal(layout->enums[1].n, 3);
	assert_string_equal(enumtext_find(&layout->enums[1], 0), "read");
	assert_string_equal(enumtext_find(&layout->enums[1], 1), "write");
	assert_string_equal(enumtext_find(&layout->enums[1], 2), "writeback");
	assert_null(enumtext_find(&layout->enums[1], 3));
	layout_free(layout);
}

/* The prefix ends in an underscore, and no name becomes empty. */
static void a_prefix_is_whole_words(void **state)
{
	struct object *o = *state;
	struct enumtext names = {0};
	struct text why = {0};

	check(btf__add_enum(o->btf, "lone", 4));
	enumerator(o, "DROP_MAP_FULL", 0);
	check(btf__add_enum(o->btf, "whole", 4));
	enumerator(o, "A_", 0);
	enumerator(o, "A_B", 1);
	check(btf__add_enum(o->btf, "plain", 4));
	enumerator(o, "Zero", 0);
	enumerator(o, "Zest", 1);
	assert_int_equal(enumtext_load(o->btf, "lone", 4, &names, &why), 0);
	assert_string_equal(names.names[0].text, "full");
	enumtext_free(&names);
	assert_int_equal(enumtext_load(o->btf, "whole", 4, &names, &why), 0);
	assert_string_equal(names.names[0].text, "a_");
	assert_string_equal(names.names[1].text, "a_b");
	enumtext_free(&names);
	assert_int_equal(enumtext_load(o->btf, "plain", 4, &names, &why), 0);
	assert_string_equal(names.names[1].text, "zest");
	enumtext_free(&names);
	text_free(&why);
}

/* In a u8, -1 is 255, and 256 cannot be. */
static void enumerators_are_compared_in_the_width_of_the_member(void **state)
{
	struct object *o = *state;
	struct enumtext names = {0};
	struct text why = {0};

	check(btf__add_enum(o->btf, "small", 4));
	enumerator(o, "S_MINUS", -1);
	enumerator(o, "S_TOO_LARGE", 256);
	enumerator(o, "S_TOO_SMALL", -129);
	enumerator(o, "S_TOP", 254);
	assert_int_equal(enumtext_load(o->btf, "small", 1, &names, &why), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(enumtext_find(&names, 255), "minus");
	assert_string_equal(enumtext_find(&names, 254), "top");
	assert_null(enumtext_find(&names, 0));
	enumtext_free(&names);
	text_free(&why);
}

static void wide_enums_have_names_too(void **state)
{
	struct object *o = *state;
	struct enumtext names = {0};
	struct text why = {0};

	check(btf__add_enum64(o->btf, "wide", 8, false));
	assert_int_equal(btf__add_enum64_value(o->btf, "W_LOW", 1), 0);
	assert_int_equal(btf__add_enum64_value(o->btf, "W_HIGH", 1ull << 40), 0);
	assert_int_equal(enumtext_load(o->btf, "wide", 8, &names, &why), 0);
	assert_string_equal(enumtext_find(&names, 1ull << 40), "high");
	enumtext_free(&names);
	text_free(&why);
}

static void members_of_nested_structs_have_paths(void **state)
{
	struct object *o = *state;
	struct spec_map map = only_tag("id.inner.low", "uint", NULL);

	int unnamed = check(btf__add_struct(o->btf, NULL, 4));
	field(o, "low", o->u16, 2);
	int inner = check(btf__add_struct(o->btf, "inner", 8));
	field(o, NULL, unnamed, 4);
	int id = check(btf__add_struct(o->btf, "id", 12));
	field(o, "inner", inner, 4);
	int key = check(btf__add_struct(o->btf, "nested_key", 16));
	field(o, "id", id, 4);

	struct layout *layout = bind(o, &map, key, o->u64);

	assert_int_equal(layout->tags[0].offset, 4 + 4 + 4 + 2);
	assert_int_equal(layout->tags[0].size, 2);
	layout_free(layout);
	assert_refused(o, only_tag("id.inner.lo", "uint", NULL), key, o->u64,
	               AT "5: probe block_io: map m: tag \"id.inner.lo\" is not a member of struct "
	                  "inner (low); did you mean \"low\"?");
	assert_refused(o, only_tag("id.inner.low.x", "uint", NULL), key, o->u64,
	               AT
	               "5: probe block_io: map m: tag \"id.inner.low.x\" is not there: what stands "
	               "before \"x\" is not a struct");
}

static void a_plain_number_is_called_key_or_value(void **state)
{
	struct object *o = *state;
	struct spec_map map = only_tag("key", "uint", NULL);

	map.fields[map.n_fields++] = (struct spec_field){.name = "events", .member = "value"};
	struct layout *layout = bind(o, &map, o->u32, o->u64);

	assert_int_equal(layout->key_size, 4);
	assert_int_equal(layout->tags[0].size, 4);
	assert_int_equal(layout->runs[0].width, 8);
	layout_free(layout);
	assert_refused(o, only_tag("dev", "uint", NULL), o->u32, o->u64,
	               AT "5: probe block_io: map m: tag \"dev\" is not there: the key is not a "
	                  "struct, all of it is called \"key\"");
}

static void a_value_may_be_all_slots(void **state)
{
	struct object *o = *state;
	struct spec_map map = only_histogram("value");
	int slots = check(btf__add_array(o->btf, o->u32, o->u64, SLOTS));
	struct layout *layout = bind(o, &map, o->u32, slots);

	assert_int_equal(layout->value_size, 8 * SLOTS);
	assert_int_equal(layout->runs[0].width, 8);
	layout_free(layout);
}

static void a_wrong_name_is_told_with_the_right_ones(void **state)
{
	struct object *o = *state;

	assert_refused(o, only_tag("devv", "disk", NULL), o->key, o->value,
	               AT "5: probe block_io: map m: tag \"devv\" is not a member of struct "
	                  "block_io_key (dev, op); did you mean \"dev\"?");
	assert_refused(o, only_field("reads"), o->key, o->value,
	               AT "5: probe block_io: map m: field \"reads\" is not a member of struct "
	                  "block_io_value (ios, bytes, errors, total, total_sum)");
	assert_refused(o, only_histogram("totals"), o->key, o->value,
	               AT
	               "5: probe block_io: map m: histogram \"totals\" is not a member of struct "
	               "block_io_value (ios, bytes, errors, total, total_sum); did you mean "
	               "\"total\"?");
}

static void all_mistakes_are_told_at_once(void **state)
{
	struct object *o = *state;
	struct spec_map map = block_io();
	struct layout *layout = NULL;

	map.tags[0].member = "devv";
	map.fields[1].member = "erors";
	map.histograms[0].sum_member = "sum";
	assert_int_equal(layout_bind("b.ini", &map, o->btf, (uint32_t)o->key, (uint32_t)o->value,
	                             &layout, &o->report),
	                 -EINVAL);
	assert_int_equal(o->report.n_errors, 3);
	assert_null(layout);
	report_free(&o->report);
}

static void slots_must_be_as_many_as_the_scale_has(void **state)
{
	struct object *o = *state;
	struct spec_map map = only_histogram("total");

	map.histograms[0].scale.last = 16;
	assert_refused(o, map, o->key, o->value,
	               AT
	               "5: probe block_io: map m: histogram \"total\" has 9 slots in the object; "
	               "its scale has 13");
}

static void slots_are_an_array_of_unsigned_numbers(void **state)
{
	struct object *o = *state;
	int types[] = {o->u16, o->s32, o->op, o->key};

	assert_refused(o, only_histogram("ios"), o->key, o->value,
	               AT
	               "5: probe block_io: map m: histogram \"ios\" is not an array of u32 or u64");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int array = check(btf__add_array(o->btf, o->u32, types[i], SLOTS));

		assert_refused(o, only_histogram("value"), o->key, array,
		               AT
		               "5: probe block_io: map m: histogram \"value\" is not an array of "
		               "u32 or u64");
	}
}

static void counters_are_unsigned_numbers_of_4_or_8_bytes(void **state)
{
	struct object *o = *state;
	int types[] = {o->u8, o->u16, o->s32, o->s64, o->op, o->key};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_refused(o, only_field(types[i] == o->key ? "op" : "value"), o->u32, types[i],
		               types[i] == o->key ? AT
		                       "5: probe block_io: map m: field \"op\" is not a u32 or "
		                       "u64, as a counter must be"
		                                  : AT
		                       "5: probe block_io: map m: field \"value\" is not a u32 or "
		                       "u64, as a counter must be");
}

static void a_decoder_takes_certain_sizes(void **state)
{
	struct object *o = *state;

	assert_refused(o, only_tag("key", "disk", NULL), o->u64, o->u64,
	               AT "5: probe block_io: map m: tag \"key\" is an integer of 8 bytes; decoder "
	                  "disk takes 4");
	assert_refused(o, only_tag("key", "uint", NULL), check(btf__add_int(o->btf, "u128", 16, 0)),
	               o->u64,
	               AT
	               "5: probe block_io: map m: tag \"key\" is an integer of 16 bytes; decoder "
	               "uint takes 1, 2, 4 or 8");
	assert_refused(o, only_tag("total", "uint", NULL), o->value, o->u64,
	               AT "5: probe block_io: map m: tag \"total\" is not an integer; decoder uint "
	                  "takes one");
}

static void a_missing_enum_is_told(void **state)
{
	struct object *o = *state;

	assert_refused(o, only_tag("op", "enum", "block_opp"), o->key, o->value,
	               AT "5: probe block_io: map m: tag \"op\" wants enum block_opp, which the "
	                  "object's BTF does not have; did you mean \"block_op\"?");
	assert_refused(
		o, only_tag("op", "enum", "nothing_like_it"), o->key, o->value,
		AT "5: probe block_io: map m: tag \"op\" wants enum nothing_like_it, which the "
		   "object's BTF does not have (TG_KEEP_ENUM keeps one that nothing refers to)");
}

static void bit_fields_are_refused(void **state)
{
	struct object *o = *state;
	int key = check(btf__add_struct(o->btf, "bits", 4));

	assert_int_equal(btf__add_field(o->btf, "low", o->u32, 0, 4), 0);
	assert_int_equal(btf__add_field(o->btf, "rest", o->u32, 4, 28), 0);
	assert_refused(o, only_tag("low", "uint", NULL), key, o->u64,
	               AT "5: probe block_io: map m: tag \"low\" is a bit-field; a member must be "
	                  "whole bytes");
}

static void a_map_without_types_is_told(void **state)
{
	struct object *o = *state;
	struct spec_map map = {.name = "m", .line = 3};

	assert_refused(o, map, 0, o->u64,
	               AT
	               "3: probe block_io: map m: the object's BTF has no type of its key; define "
	               "it with __type(key, ...)");
	assert_refused(o, map, o->u32, 12345,
	               AT "3: probe block_io: map m: the object's BTF has no type of its value; "
	                  "define it with __type(value, ...)");
	assert_refused(o, map, check(btf__add_array(o->btf, o->u32, o->u64, 65)), o->u64,
	               AT "3: probe block_io: map m: its key is not of 1 to 512 bytes");
	assert_refused(o, map, o->u32, check(btf__add_array(o->btf, o->u32, o->u64, 2049)),
	               AT "3: probe block_io: map m: its value is not of 1 to 16384 bytes");
}

/* Members that reach beyond their struct, types that lead nowhere, cycles: errors, never a crash. */
static void hostile_types_are_refused(void **state)
{
	struct object *o = *state;
	int next = (int)btf__type_cnt(o->btf);
	int first = check(btf__add_typedef(o->btf, "first", next + 1));
	struct spec_map nothing = {.name = "m", .line = 3};

	assert_int_equal(first, next);
	check(btf__add_typedef(o->btf, "second", first));
	assert_refused(o, nothing, first, o->u64,
	               AT
	               "3: probe block_io: map m: the object's BTF has no type of its key; define "
	               "it with __type(key, ...)");
	int key = check(btf__add_struct(o->btf, "hostile", 4));
	field(o, "beyond", o->u32, 1);
	field(o, "nowhere", 54321, 0);
	field(o, "around", first, 0);
	field(o, "self", key, 0);
	const char *members[] = {"beyond", "nowhere", "around"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char message[200];

		snprintf(message, sizeof(message),
		         AT
		         "5: probe block_io: map m: tag \"%s\" has a type that makes no sense in "
		         "the object's BTF",
		         members[i]);
		assert_refused(o, only_tag(members[i], "uint", NULL), key, o->u64, message);
	}
	assert_refused(o, only_tag("self.self.self", "uint", NULL), key, o->u64,
	               AT "5: probe block_io: map m: tag \"self.self.self\" is not an integer; "
	                  "decoder uint takes one");
}

static void names_from_hostile_types_cannot_draw_on_the_terminal(void **state)
{
	struct object *o = *state;
	int key = check(btf__add_struct(o->btf, "\033[2J", 4));

	field(o, "a\nb", o->u32, 0);
	assert_refused(o, only_tag("x", "uint", NULL), key, o->u64,
	               AT
	               "5: probe block_io: map m: tag \"x\" is not a member of struct ?[2J (a?b)");
}

static void a_value_has_a_bounded_number_of_cells(void **state)
{
	struct object *o = *state;
	struct spec_map map = {.name = "m"};
	int slots = check(btf__add_array(o->btf, o->u32, o->u32, 961));

	/* The same member again and again is one way to ask for more cells than a value has bytes. */
	for (int i = 0; i < 5; i++)
		map.histograms[map.n_histograms++] =
			(struct spec_histogram){.name = "h",
		                                .member = "value",
		                                .scale = {.kind = BUCKET_LOG_LINEAR,
		                                          .bits = 6,
		                                          .first = 1,
		                                          .last = 1 << 20},
		                                .line = 20};
	assert_refused(o, map, o->u32, slots,
	               AT
	               "20: probe block_io: map m: histogram \"value\" is too much: a value has at "
	               "most 4096 counters");
}

static void shards_add_up_and_small_cells_wrap(void **state)
{
	struct object *o = *state;
	struct spec_map map = block_io();
	struct layout *layout = bind(o, &map, o->key, o->value);
	uint8_t row[3 * 72] = {0};
	uint64_t cells[2 + SLOTS + 1], ios[] = {1ull << 40, 2, 3};
	uint32_t errors[] = {UINT32_MAX, 2, 0}, slot8[] = {7, 8, 9};

	for (size_t i = 0; i < 3; i++) {
		memcpy(row + 72 * i, &ios[i], 8);
		memcpy(row + 72 * i + 16, &errors[i], 4);
		memcpy(row + 72 * i + 20 + 4 * 8, &slot8[i], 4);
	}
	memset(cells, 0xff, sizeof(cells));
	layout_extract(layout, row, 3, 72, 0, cells);
	assert_int_equal(cells[0], (1ull << 40) + 5);
	assert_int_equal(cells[1], 1);
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(cells[2 + i], i == 8 ? 24 : 0);
	assert_int_equal(cells[2 + SLOTS], 0);
	layout_free(layout);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_object, free_object)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(offsets_come_from_the_types),
		TEST(a_histogram_without_a_sum_has_no_sum_cell),
		TEST(a_maximum_is_one_cell_of_two_words),
		TEST(the_greatest_word_of_the_windows_asked_for_is_taken),
		TEST(numbers_of_windows_may_wrap),
		TEST(a_maximum_is_a_struct_tg_max_and_nothing_else),
		TEST(arrays_of_bytes_are_for_hex_and_string),
		TEST(names_of_an_enum_lose_their_prefix),
		TEST(a_prefix_is_whole_words),
		TEST(enumerators_are_compared_in_the_width_of_the_member),
		TEST(wide_enums_have_names_too),
		TEST(members_of_nested_structs_have_paths),
		TEST(a_plain_number_is_called_key_or_value),
		TEST(a_value_may_be_all_slots),
		TEST(a_wrong_name_is_told_with_the_right_ones),
		TEST(all_mistakes_are_told_at_once),
		TEST(slots_must_be_as_many_as_the_scale_has),
		TEST(slots_are_an_array_of_unsigned_numbers),
		TEST(counters_are_unsigned_numbers_of_4_or_8_bytes),
		TEST(a_decoder_takes_certain_sizes),
		TEST(a_missing_enum_is_told),
		TEST(bit_fields_are_refused),
		TEST(a_map_without_types_is_told),
		TEST(hostile_types_are_refused),
		TEST(names_from_hostile_types_cannot_draw_on_the_terminal),
		TEST(a_value_has_a_bounded_number_of_cells),
		TEST(shards_add_up_and_small_cells_wrap),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
