/* SPDX-License-Identifier: Apache-2.0 */
/* The running kernel, as far as it can be asked here; other kernels are asked in tests/vm. */
#include "kernel.h"

#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static bool holds(const struct kernel *kernel, enum spec_predicate_kind kind, const char *name,
                  struct text *why)
{
	struct spec_predicate p = {.kind = kind, .name = (char *)name, .args = -1};

	text_clear(why);
	return feature_holds(kernel_features(kernel), &p, why);
}

static void a_function_that_is_nowhere_is_no_target_of_a_kprobe(void **state)
{
	CLEANUP(kernel_closep) struct kernel *kernel = NULL;
	struct facts facts;
	struct text why = {0};

	assert_int_equal(kernel_open("", &kernel, &why), 0);
	host_read_facts(kernel_features(kernel), &facts);
	assert_false(holds(kernel, SPEC_KPROBE, "no_such_function", &why));
	assert_true(why.len);
	if (!facts.has_kprobes)
		assert_string_equal(text_cstr(&why),
		                    "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)");
	/* Of all kernels that have kprobes. */
	assert_int_equal(holds(kernel, SPEC_KPROBE, "vfs_read", &why), facts.has_kprobes);
	text_free(&why);
}

static void modules_are_loaded_or_built_in_or_neither(void **state)
{
	CLEANUP(kernel_closep) struct kernel *kernel = NULL;
	struct text why = {0};

	assert_int_equal(kernel_open("", &kernel, &why), 0);
	assert_false(holds(kernel, SPEC_MODULE, "no_such_module", &why));
	assert_string_equal(text_cstr(&why), "module no_such_module is not loaded");
	/* It is in each kernel and has parameters. */
	assert_int_equal(holds(kernel, SPEC_MODULE, "printk", &why),
	                 !access("/sys/module/printk", F_OK));
	text_free(&why);
}

/* Its own is better than any file's. */
static void a_kernel_with_btf_takes_no_file(void **state)
{
	CLEANUP(kernel_closep) struct kernel *kernel = NULL;
	struct text why = {0};

	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		print_message("skip: this kernel has no BTF\n");
		skip();
	}
	assert_int_equal(kernel_open("/no/such/file", &kernel, &why), 0);
	assert_int_equal(why.len, 0);
	assert_non_null(kernel_features(kernel)->btf);
	assert_false(kernel_features(kernel)->foreign_btf);
	text_free(&why);
}

static void facts_are_of_this_process(void **state)
{
	struct facts facts;

	host_read_facts(NULL, &facts);
	assert_true(facts.capabilities_known);
	if (!geteuid())
		assert_true(facts.capabilities);
	assert_in_range(facts.perf_paranoid + 1, 0, 5);
	assert_false(facts.memlock_matters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_that_is_nowhere_is_no_target_of_a_kprobe),
		cmocka_unit_test(modules_are_loaded_or_built_in_or_neither),
		cmocka_unit_test(a_kernel_with_btf_takes_no_file),
		cmocka_unit_test(facts_are_of_this_process),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
