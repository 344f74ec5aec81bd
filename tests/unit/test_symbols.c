/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct symbols read_lines(enum symbols_form form, const char *const *lines, size_t n)
{
	struct symbols s = {0};

	for (size_t i = 0; i < n; i++)
		symbols_add(&s, form, lines[i], strlen(lines[i]));
	assert_int_equal(s.names.err, 0);
	return s;
}

static void functions_that_can_be_traced_are_found_by_their_whole_name(void **state)
{
	static const char *const lines[] = {"__traceiter_initcall_level", "tcp_ack",
	                                    "finish_task_switch.isra.0", "nfs_file_read [nfs]", ""};
	struct symbols s = read_lines(SYMBOLS_TRACEABLE, lines, ARRAY_SIZE(lines));

	assert_true(symbols_has(&s, "__traceiter_initcall_level"));
	assert_true(symbols_has(&s, "tcp_ack"));
	assert_true(symbols_has(&s, "nfs_file_read"));
	assert_true(symbols_has(&s, "finish_task_switch.isra.0"));
	assert_false(symbols_has(&s, "finish_task_switch"));
	assert_false(symbols_has(&s, "ack"));
	assert_false(symbols_has(&s, "tcp_ac"));
	assert_false(symbols_has(&s, "[nfs]"));
	assert_false(symbols_has(&s, ""));
	symbols_free(&s);
}

static void of_kallsyms_only_functions_count(void **state)
{
	static const char *const lines[] = {"0000000000000000 A fixed_percpu_data",
	                                    "ffffffff81000000 T _stext",
	                                    "0000000000000000 t nfs_file_read\t[nfs]",
	                                    "0000000000000000 W bpf_jit_compile",
	                                    "0000000000000000 D jiffies",
	                                    "0000000000000000 T",
	                                    "T x",
	                                    "0"};
	struct symbols s = read_lines(SYMBOLS_KALLSYMS, lines, ARRAY_SIZE(lines));

	assert_true(symbols_has(&s, "_stext"));
	assert_true(symbols_has(&s, "nfs_file_read"));
	assert_true(symbols_has(&s, "bpf_jit_compile"));
	assert_false(symbols_has(&s, "jiffies"));
	assert_false(symbols_has(&s, "fixed_percpu_data"));
	assert_false(symbols_has(&s, "x"));
	symbols_free(&s);
}

static void built_in_modules_have_the_names_of_loaded_ones(void **state)
{
	static const char *const lines[] = {"kernel/fs/ext4/ext4.ko", "kernel/drivers/md/dm-mod.ko",
	                                    "kernel/a/packed.ko.xz", "kernel/README"};
	struct symbols s = read_lines(SYMBOLS_BUILTIN, lines, ARRAY_SIZE(lines));

	assert_true(symbols_has(&s, "ext4"));
	assert_true(symbols_has(&s, "dm_mod"));
	assert_true(symbols_has(&s, "packed"));
	assert_false(symbols_has(&s, "dm-mod"));
	assert_false(symbols_has(&s, "README"));
	symbols_free(&s);
}

static void an_empty_list_has_nothing(void **state)
{
	struct symbols s = {0};
	char longer[1024];

	assert_false(symbols_has(&s, "tcp_ack"));
	symbols_add(&s, SYMBOLS_TRACEABLE, "", 0);
	assert_false(symbols_has(&s, "tcp_ack"));
	symbols_add(&s, SYMBOLS_TRACEABLE, "tcp_ack", 7);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_false(symbols_has(&s, longer));
	symbols_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_that_can_be_traced_are_found_by_their_whole_name),
		cmocka_unit_test(of_kallsyms_only_functions_count),
		cmocka_unit_test(built_in_modules_have_the_names_of_loaded_ones),
		cmocka_unit_test(an_empty_list_has_nothing),
	};

	return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
