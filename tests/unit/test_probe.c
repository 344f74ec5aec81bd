/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening needs no privileges: the shipped object under descriptions that are right and wrong. The object is where
 * make puts it, seen from the repository's root.
 */
#include "openprobe.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define OBJECT PROBES_DIR "/block_io.bpf.o"

#define HEAD "[probe]\nversion = 1\nobject = block_io.bpf.o\n"
#define MAP                                                                                                       \
	"[map block_io]\nmeasurement = io\nindex = block_io_index\nshards = shards\nrows = rows\nmax_keys = 64\n" \
	"tag.device = dev disk\ntag.op = op enum(block_op)\nfield.ios = ios counter rate\n"

static void the_shipped_probe_binds_without_privileges(void **state)
{
	struct report report = {0};
	struct probe *probe = NULL;

	assert_int_equal(probe_open(PROBES_DIR "/block_io.ini", NULL, NULL, &probe, &report), 0);
	assert_int_equal(report.n_items, 0);
	assert_int_equal(probe->n_maps, 2);
	assert_int_equal(probe->maps[0].layout->key_size, 8);
	assert_int_equal(probe->maps[0].layout->value_size, 528);
	assert_int_equal(probe->maps[0].shards & (probe->maps[0].shards - 1), 0);
	/* For any number of CPUs. */
	assert_int_equal(probe->own_memory, 0);
	assert_true(probe->maps[0].memory <= PROBE_MEMORY_MAX);
	assert_true((uint64_t)probe->maps[0].max_keys * probe->maps[0].row_size <= PROBE_READ_MAX);
	probe_free(probe);
}

static void without_kernel_btf_it_says_what_it_needs(void **state)
{
	struct report report = {0};
	struct probe *probe = NULL;

	assert_int_equal(probe_open(PROBES_DIR "/block_io.ini", NULL, NULL, &probe, &report), 0);
	assert_non_null(probe_unfit(probe));
	probe_free(probe);
}

static void a_users_description_of_the_same_object_works(void **state)
{
	struct opened o = open_description(OBJECT, HEAD MAP, NULL);

	assert_int_equal(o.err, 0);
	assert_int_equal(o.probe->maps[0].max_keys, 64);
	/* It has no [map drops]; the object has the map. */
	assert_int_equal(o.report.n_items, 1);
	assert_int_equal(o.report.n_errors, 0);
	assert_non_null(strstr(o.report.items[0].text, "write a section [map drops]"));
	close_opened(&o);
}

static void mistakes_are_named(void **state)
{
	assert_refused(OBJECT, HEAD "[map blok_io]\nmeasurement = io\nfield.ios = ios counter\n",
	               "probe mine: block_io.bpf.o has no map \"blok_io\"");
	assert_refused(OBJECT, HEAD "[program block_rq_done]\ngroup = optional\n" MAP,
	               "probe mine: block_io.bpf.o has no program \"block_rq_done\"");
	assert_refused(
		OBJECT, HEAD "[const]\nphase = 3\n" MAP,
		"probe mine: constant \"phase\" is not a const volatile variable in block_io.bpf.o");
	assert_refused(
		OBJECT, HEAD "[const]\ncpus = 2^32\n" MAP,
		"probe mine: constant \"cpus\" is too small for its value in block_io.bpf.o");
	assert_refused(
		OBJECT,
		HEAD
		"[map block_io_index]\nmeasurement = io\nindex = block_io\nfield.row = value counter\n",
		"probe mine: map block_io_index has an index that is not a hash to u32");
	assert_refused(OBJECT,
	               HEAD MAP "[map drops]\ntag.reason = key enum(block_drop)\n"
	                        "field.events = value counter\ncounted = map_full unsplit_lst\n",
	               "probe mine: map drops: counted: \"unsplit_lst\" is no reason of its enum");
	assert_refused(OBJECT, "[probe]\nversion = 1\nobject = gone.bpf.o\n" MAP,
	               "gone.bpf.o: cannot be read: No such file or directory");
}

static void a_constant_of_the_configuration_is_set(void **state)
{
	struct config_pair pair = {.key = "cpus", .value = "4", .place = "t.ini:3"};
	struct config_probe config = {.consts = &pair, .n_consts = 1};
	struct opened o =
		open_description(OBJECT, HEAD "[const]\ncpus = possible_cpus\n" MAP, &config);

	assert_int_equal(o.err, 0);
	close_opened(&o);
	pair.key = "cpu";
	o = open_description(OBJECT, HEAD "[const]\ncpus = possible_cpus\n" MAP, &config);
	assert_int_equal(o.err, -EINVAL);
	assert_non_null(strstr(o.report.items[0].text, "t.ini:3"));
	close_opened(&o);
}

/* Also without a section: what is off by its own description must not be called running. */
static void the_section_decides_and_else_the_description(void **state)
{
	struct config_probe as_described = {.enabled = -1}, on = {.enabled = 1},
			    off = {.enabled = 0};
	struct opened by_default = open_description(OBJECT, HEAD MAP, NULL);
	struct opened not_by_default = open_description(OBJECT, HEAD "enabled = no\n" MAP, NULL);

	assert_true(probe_is_enabled(by_default.probe, NULL));
	assert_true(probe_is_enabled(by_default.probe, &as_described));
	assert_false(probe_is_enabled(by_default.probe, &off));
	assert_false(probe_is_enabled(not_by_default.probe, NULL));
	assert_false(probe_is_enabled(not_by_default.probe, &as_described));
	assert_true(probe_is_enabled(not_by_default.probe, &on));
	close_opened(&by_default);
	close_opened(&not_by_default);
}

/* What a reload asks: whether the files and the constants are those that the probe was made from. */
static void looking_at_the_files_tells_what_opening_them_would_be_made_from(void **state)
{
	struct config_pair pair = {.key = "phases", .value = "total", .place = "t.ini:3"};
	struct config_probe config = {.enabled = -1, .consts = &pair, .n_consts = 1};
	struct report report = {0};
	struct probe *probe = NULL;
	struct fingerprint seen, other;
	bool enabled = false;

	assert_int_equal(probe_open(PROBES_DIR "/block_io.ini", &config, NULL, &probe, &report), 0);
	assert_int_equal(probe_look(PROBES_DIR "/block_io.ini", &config, &seen, &enabled, &report),
	                 0);
	assert_true(fingerprint_is_equal(&seen, &probe->fingerprint));
	assert_true(enabled);
	pair.value = "total queue";
	config.enabled = 0;
	assert_int_equal(probe_look(PROBES_DIR "/block_io.ini", &config, &other, &enabled, &report),
	                 0);
	assert_string_equal(fingerprint_difference(&seen, &other), "its constants");
	assert_false(enabled);
	pair.key = "phase";
	assert_int_equal(probe_look(PROBES_DIR "/block_io.ini", &config, &other, &enabled, &report),
	                 -EINVAL);
	assert_int_equal(report.n_errors, 1);
	report_free(&report);
	probe_free(probe);
}

static void a_missing_file_is_an_error(void **state)
{
	struct report report = {0};
	struct probe *probe = NULL;

	assert_int_equal(probe_open("/nonexistent/x.ini", NULL, NULL, &probe, &report), -ENOENT);
	assert_string_equal(report.items[0].text,
	                    "/nonexistent/x.ini: cannot be read: No such file or directory");
	report_free(&report);
}

/*
 * 5.10 has no atomic that gives the former value, and refuses it wherever it stands; clang 22 makes one of
 * __sync_fetch_and_add. Only what is for kernels that have it may ask.
 */
static void only_an_alternative_asks_for_the_former_value(void **state)
{
	struct bpf_object *object = bpf_object__open_file(OBJECT, NULL);
	struct bpf_program *program;
	size_t atomics = 0;

	assert_non_null(object);
	bpf_object__for_each_program(program, object)
	{
		if (!strcmp(bpf_program__name(program), "block_rq_complete"))
			continue;
		const struct bpf_insn *insns = bpf_program__insns(program);

		for (size_t i = 0; i < bpf_program__insn_cnt(program); i++) {
			if (BPF_CLASS(insns[i].code) != BPF_STX ||
			    BPF_MODE(insns[i].code) != BPF_ATOMIC)
				continue;
			assert_false(insns[i].imm & BPF_FETCH);
			atomics++;
		}
	}
	assert_true(atomics > 0);
	bpf_object__close(object);
}

static void a_description_that_others_can_write_is_refused(void **state)
{
	struct report report = {0};
	struct probe *probe = NULL;
	char path[] = "/tmp/test_probe.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	assert_int_equal(probe_open(path, NULL, NULL, &probe, &report), -EPERM);
	assert_non_null(strstr(report.items[0].text, "can be written by others (mode 0666)"));
	report_free(&report);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_probe_binds_without_privileges),
		cmocka_unit_test(without_kernel_btf_it_says_what_it_needs),
		cmocka_unit_test(a_users_description_of_the_same_object_works),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_constant_of_the_configuration_is_set),
		cmocka_unit_test(the_section_decides_and_else_the_description),
		cmocka_unit_test(looking_at_the_files_tells_what_opening_them_would_be_made_from),
		cmocka_unit_test(a_missing_file_is_an_error),
		cmocka_unit_test(only_an_alternative_asks_for_the_former_value),
		cmocka_unit_test(a_description_that_others_can_write_is_refused),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
