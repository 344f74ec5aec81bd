/* SPDX-License-Identifier: Apache-2.0 */
/* Words, maps with a condition, maps of one index and the window's number, with a probe of the end-to-end tests. */
#include "kernel.h"
#include "openprobe.h"
#include "probeconst.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#define OBJECT E2E_PROBES_DIR "/kinds.bpf.o"

#define HEAD "[probe]\nversion = 1\nobject = kinds.bpf.o\n"
#define PARTS(words) "[const]\nparts = flags(kinds_part) " words "\n"
#define NO_PROGRAM                                                       \
	"[program kinds_issue]\ngroup = optional\nwhen = type request\n" \
	"[program kinds_issue_with_queue]\ngroup = optional\nwhen = type request\n"
#define LARGEST "[map kinds]\nmeasurement = m\ntag.op = op hex\nfield.largest = largest max\n"
#define INDEXED(name, what)                   \
	"[map " name "]\nmeasurement = " name \
	"\nindex = kinds_row\nshards = shards\nrows = rows\ntag.disk = key uint\n" what
#define IOS(keys) INDEXED("kinds_ios", "field.ios = value counter\nmax_keys = " keys "\n")
#define SIZE(keys) INDEXED("kinds_size", "field.bytes = bytes counter\nmax_keys = " keys "\n")

/* What a constant of 8 bytes or fewer has become. */
static uint64_t constant(const struct probe *probe, const char *name)
{
	const struct btf *btf = bpf_object__btf(probe->object);
	const struct btf_type *section =
		btf__type_by_id(btf, btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC));
	const struct btf_var_secinfo *place = btf_var_secinfos(section);
	const uint8_t *data = NULL;
	struct bpf_map *map;
	uint64_t value = 0;
	size_t size;

	bpf_object__for_each_map(map, probe->object)
	{
		if (strstr(bpf_map__name(map), ".rodata"))
			data = bpf_map__initial_value(map, &size);
	}
	assert_non_null(data);
	for (int i = 0; i < btf_vlen(section); i++, place++) {
		const struct btf_type *variable = btf__type_by_id(btf, place->type);

		if (strcmp(btf__name_by_offset(btf, variable->name_off), name) != 0)
			continue;
		memcpy(&value, data + place->offset, place->size);
		return value;
	}
	fail_msg("no constant %s", name);
	return 0;
}

static uint32_t entries(const struct probe *probe, const char *map)
{
	return bpf_map__max_entries(bpf_object__find_map_by_name(probe->object, map));
}

static void words_become_the_numbers_of_their_enum(void **state)
{
	struct opened o = open_description(
		OBJECT, HEAD PARTS("ios size") "number = enum(kinds_number) few\n" IOS("64"), NULL);

	assert_int_equal(o.err, 0);
	assert_int_equal(constant(o.probe, "parts"), 1 << 0 | 1 << 1);
	assert_int_equal(constant(o.probe, "number"), 3);
	close_opened(&o);
}

static void an_enum_may_have_numbers_that_flags_cannot_hold(void **state)
{
	struct opened o = open_description(
		OBJECT, HEAD "[const]\nnumber = enum(kinds_number) many\n" IOS("64"), NULL);

	assert_int_equal(o.err, 0);
	assert_int_equal(constant(o.probe, "number"), 64);
	close_opened(&o);
	assert_refused(
		OBJECT, HEAD "[const]\nnumber = flags(kinds_number) few many\n" IOS("64"),
		"mine.ini:5: probe mine: constant \"number\" cannot hold the word \"many\": a flag's number is at most 63");
}

static void a_wrong_word_is_told_with_what_there_is(void **state)
{
	assert_refused(
		OBJECT, HEAD PARTS("ios sise") IOS("64"),
		"mine.ini:5: probe mine: constant \"parts\" has no word \"sise\" (ios, size); did you mean \"size\"?");
	assert_refused(
		OBJECT, HEAD PARTS("everything") IOS("64"),
		"mine.ini:5: probe mine: constant \"parts\" has no word \"everything\" (ios, size)");
	assert_refused(OBJECT, HEAD "[const]\nparts = flags(kinds_prt) ios\n" IOS("64"),
	               "constant \"parts\" wants enum kinds_prt, which the object's BTF does not "
	               "have; did you mean \"kinds_part\"?");
}

/* A word that begins like another one is not that one. */
static void a_condition_asks_for_whole_words(void **state)
{
	struct spec_const consts[] = {{.name = "parts", .words = "total queue_all device"}};
	struct {
		const char *word;
		bool holds;
	} cases[] = {{"total", true},    {"device", true},       {"queue_all", true},
	             {"queue", false},   {"tot", false},         {"all", false},
	             {"devices", false}, {"queue device", true}, {"queue all", false}};
	struct spec spec = {.n_consts = 1};

	spec.consts[0] = consts[0];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec_predicate when = {
			.kind = SPEC_CONST_HOLDS, .name = "parts", .member = (char *)cases[i].word};
		CLEANUP(text_free) struct text why = {0};

		assert_int_equal(probeconst_holds(&spec, NULL, &when, 1, &why), cases[i].holds);
		assert_int_equal(why.len == 0, cases[i].holds);
	}
}

static void a_map_that_is_not_asked_for_is_not_read_and_has_one_entry(void **state)
{
	const char *text = HEAD PARTS("ios") IOS("32") SIZE("32") "when = const parts has size\n";
	struct opened o = open_description(OBJECT, text, NULL);

	assert_int_equal(o.err, 0);
	assert_int_equal(o.probe->n_maps, 1);
	assert_string_equal(o.probe->maps[0].spec->name, "kinds_ios");
	assert_int_equal(o.probe->n_left, 1);
	assert_string_equal(o.probe->left[0].map->name, "kinds_size");
	assert_string_equal(o.probe->left[0].why, "parts = ios");
	assert_int_equal(entries(o.probe, "kinds_size"), 1);
	assert_int_equal(entries(o.probe, "kinds_row"), 32);
	close_opened(&o);
}

static void a_map_of_the_programs_alone_is_made_only_where_it_is_asked_for(void **state)
{
	const char *text = HEAD PARTS("ios") LARGEST
		"[map kinds_row]\nwhen = const parts has size\nmax_keys = 16\n";
	struct config_pair pair = {.key = "parts", .value = "ios size", .place = "t.ini:3"};
	struct config_probe config = {.consts = &pair, .n_consts = 1};
	struct opened o = open_description(OBJECT, text, NULL);

	assert_int_equal(o.err, 0);
	assert_int_equal(o.probe->n_maps, 1);
	assert_int_equal(o.probe->n_privates, 0);
	assert_int_equal(o.probe->n_left, 1);
	assert_string_equal(o.probe->left[0].why, "parts = ios");
	assert_int_equal(entries(o.probe, "kinds_row"), 1);
	close_opened(&o);
	o = open_description(OBJECT, text, &config);
	assert_int_equal(o.err, 0);
	assert_int_equal(o.probe->n_maps, 1);
	assert_int_equal(o.probe->n_left, 0);
	assert_int_equal(o.probe->n_privates, 1);
	assert_int_equal(o.probe->privates[0].max_keys, 16);
	assert_in_range(o.probe->privates[0].memory, 16 * 4, 16 * 128);
	assert_int_equal(entries(o.probe, "kinds_row"), 16);
	close_opened(&o);
	assert_refused(OBJECT,
	               HEAD PARTS("ios") LARGEST "[map mine]\nwhen = const parts has size\n",
	               "probe mine: kinds.bpf.o has no map \"mine\"");
}

static void the_configuration_decides_which_maps_are_read(void **state)
{
	const char *text = HEAD PARTS("ios") LARGEST SIZE("32") "when = const parts has size\n";
	struct config_pair pair = {.key = "parts", .value = "size", .place = "t.ini:3"};
	struct config_probe config = {.consts = &pair, .n_consts = 1};
	struct opened o = open_description(OBJECT, text, NULL);

	assert_int_equal(o.err, 0);
	assert_int_equal(o.probe->n_left, 1);
	/* Nobody else has that index. */
	assert_int_equal(entries(o.probe, "kinds_row"), 1);
	close_opened(&o);
	o = open_description(OBJECT, text, &config);
	assert_int_equal(o.err, 0);
	assert_int_equal(o.probe->n_left, 0);
	assert_int_equal(o.probe->n_maps, 2);
	assert_int_equal(entries(o.probe, "kinds_row"), 32);
	assert_int_equal(entries(o.probe, "kinds_size"), 32 * o.probe->maps[1].shards);
	close_opened(&o);
}

static void a_mistake_in_a_map_that_is_not_read_is_told(void **state)
{
	assert_refused(OBJECT,
	               HEAD PARTS("ios") IOS("32") INDEXED(
			       "kinds_size",
			       "field.bytes = byte counter\n") "when = const parts has size\n",
	               "map kinds_size: field \"byte\" is not a member of struct kinds_size "
	               "(bytes, largest); did you mean \"bytes\"?");
}

/* 150000 rows of 8 and of 24 bytes: two shards of the first fit, two of both are more than a read may copy. */
static void the_bounds_are_the_probes_and_not_each_maps(void **state)
{
	struct opened one = open_description(OBJECT, HEAD IOS("150000"), NULL);
	struct opened both = open_description(OBJECT, HEAD IOS("150000") SIZE("150000"), NULL);
	const struct probe_map *maps = both.probe->maps;

	assert_int_equal(one.err, 0);
	assert_int_equal(both.err, 0);
	assert_int_equal(maps[0].shards, maps[1].shards);
	assert_int_equal(constant(both.probe, "shards"), maps[0].shards);
	assert_true(150000ull * (maps[0].row_size + maps[1].row_size) <= PROBE_READ_MAX);
	assert_true(maps[0].memory + maps[1].memory <= PROBE_MEMORY_MAX);
	if (kernel_possible_cpus() > 1)
		assert_true(one.probe->maps[0].shards > maps[0].shards);
	/* The index counts once. */
	assert_int_equal(maps[1].memory, 150000ull * maps[1].row_size);
	close_opened(&one);
	close_opened(&both);
}

/* 64 rows of 24 bytes more, where no section has them. */
static void maps_that_no_section_describes_take_memory_too(void **state)
{
	struct opened one = open_description(OBJECT, HEAD IOS("32"), NULL);
	struct opened both = open_description(OBJECT, HEAD IOS("32") SIZE("32"), NULL);

	assert_int_equal(one.err | both.err, 0);
	assert_true(both.probe->own_memory >= 256);
	assert_int_equal(one.probe->own_memory, both.probe->own_memory + 64ull * 24);
	close_opened(&one);
	close_opened(&both);
}

static void maps_of_one_index_have_as_many_rows(void **state)
{
	assert_refused(
		OBJECT, HEAD IOS("32") SIZE("64"),
		"probe mine: map kinds_size has max_keys = 64, and map kinds_ios of the same index 32");
}

/* The object again, with the section of TG_WINDOW under another name. */
static void forget_window(const char *path)
{
	static const char name[] = ".data.window";
	static uint8_t image[1 << 20];
	FILE *f = fopen(OBJECT, "r");
	size_t len = fread(image, 1, sizeof(image), f), renamed = 0;

	fclose(f);
	for (uint8_t *at = image; (at = memmem(at, image + len - at, name, sizeof(name))); at++) {
		at[sizeof(name) - 2] = 'x';
		renamed++;
	}
	assert_true(renamed > 0);
	f = fopen(path, "w");
	assert_int_equal(fwrite(image, 1, len, f), len);
	fclose(f);
}

static void a_maximum_wants_the_windows_number(void **state)
{
	char dir[] = "/tmp/test_probebind.XXXXXX", path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/kinds.bpf.o", dir);
	forget_window(path);
	assert_refused(
		path, HEAD LARGEST,
		"mine.ini:4: probe mine: map kinds has a maximum, and kinds.bpf.o no TG_WINDOW (thermograf.bpf.h)");
	unlink(path);
	rmdir(dir);
}

static uint32_t window_of(const struct probe *probe)
{
	uint32_t zero = 0, number = UINT32_MAX;

	assert_int_equal(bpf_map_lookup_elem(probe->window_fd, &zero, &number), 0);
	return number;
}

static struct opened attached(const char *text)
{
	struct opened o = open_description(OBJECT, text, NULL);

	assert_int_equal(o.err, 0);
	if (probe_attach(o.probe, NULL, &o.report) == -EPERM) {
		close_opened(&o);
		skip();
	}
	assert_int_equal(o.report.n_items, 0);
	return o;
}

/* Without the kernel's BTF no program is chosen: maps are loaded and nothing else. */
static void windows_are_numbered_from_one(void **state)
{
	struct opened o = attached(HEAD NO_PROGRAM LARGEST);

	assert_int_equal(o.probe->window, 1);
	assert_int_equal(window_of(o.probe), 1);
	assert_int_equal(probe_next_window(o.probe), 0);
	assert_int_equal(window_of(o.probe), 2);
	/* 0 is the number of an empty word. */
	o.probe->window = UINT32_MAX;
	assert_int_equal(probe_next_window(o.probe), 0);
	assert_int_equal(window_of(o.probe), 1);
	close_opened(&o);
}

static void a_number_that_cannot_be_written_is_an_error_and_stays(void **state)
{
	struct probe probe = {.window_fd = 0, .window = 7};

	assert_true(probe_next_window(&probe) < 0);
	assert_int_equal(probe.window, 7);
	probe.window_fd = -1;
	assert_int_equal(probe_next_window(&probe), 0);
	assert_int_equal(probe.window, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_the_numbers_of_their_enum),
		cmocka_unit_test(an_enum_may_have_numbers_that_flags_cannot_hold),
		cmocka_unit_test(a_wrong_word_is_told_with_what_there_is),
		cmocka_unit_test(a_condition_asks_for_whole_words),
		cmocka_unit_test(a_map_that_is_not_asked_for_is_not_read_and_has_one_entry),
		cmocka_unit_test(a_map_of_the_programs_alone_is_made_only_where_it_is_asked_for),
		cmocka_unit_test(the_configuration_decides_which_maps_are_read),
		cmocka_unit_test(a_mistake_in_a_map_that_is_not_read_is_told),
		cmocka_unit_test(the_bounds_are_the_probes_and_not_each_maps),
		cmocka_unit_test(maps_that_no_section_describes_take_memory_too),
		cmocka_unit_test(maps_of_one_index_have_as_many_rows),
		cmocka_unit_test(a_maximum_wants_the_windows_number),
		cmocka_unit_test(windows_are_numbered_from_one),
		cmocka_unit_test(a_number_that_cannot_be_written_is_an_error_and_stays),
	};

	return cmocka_run_group_tests_name("probebind", tests, NULL, NULL);
}
