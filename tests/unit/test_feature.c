/* SPDX-License-Identifier: Apache-2.0 */
#include "feature.h"

#include <bpf/btf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define VMLINUX "/sys/kernel/btf/vmlinux"

static void add_tracepoint(struct btf *btf, const char *name, int args)
{
	int void_ptr = btf__add_ptr(btf, 0);
	int proto = btf__add_func_proto(btf, 0);

	for (int i = 0; i <= args; i++)
		assert_int_equal(btf__add_func_param(btf, "a", void_ptr), 0);
	assert_true(btf__add_typedef(btf, name, btf__add_ptr(btf, proto)) > 0);
}

/* struct request { int tag; struct { u32 rq_flags; union { int merged; }; }; }, twice a struct of one name. */
static void add_structs(struct btf *btf, int u32)
{
	int u = btf__add_union(btf, NULL, 4);

	assert_int_equal(btf__add_field(btf, "merged", u32, 0, 0), 0);
	u = btf__add_const(btf, u);
	int inner = btf__add_struct(btf, NULL, 8);

	btf__add_field(btf, "rq_flags", u32, 0, 0);
	assert_int_equal(btf__add_field(btf, NULL, u, 32, 0), 0);
	btf__add_struct(btf, "request", 12);
	btf__add_field(btf, "tag", u32, 0, 0);
	btf__add_field(btf, NULL, inner, 32, 0);
	btf__add_struct(btf, "twice", 4);
	btf__add_field(btf, "one", u32, 0, 0);
	btf__add_struct(btf, "twice", 4);
	btf__add_field(btf, "other", u32, 0, 0);
}

static int make_kernel(void **state)
{
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "u32", 4, 0);

	add_structs(btf, u32);
	add_tracepoint(btf, "btf_trace_block_rq_issue", 2);
	add_tracepoint(btf, "btf_trace_block_rq_complete", 3);
	btf__add_typedef(btf, "btf_trace_not_a_pointer", u32);
	btf__add_func(btf, "do_exit", BTF_FUNC_STATIC, btf__add_func_proto(btf, 0));
	btf__add_typedef(btf, "blk_status_t", u32);
	btf__add_fwd(btf, "only_declared", BTF_FWD_STRUCT);
	btf__add_enum(btf, "named", 4);
	btf__add_enum_value(btf, "NAMED_ONE", 1);
	btf__add_enum_value(btf, "NAMED_NEGATIVE", -5);
	btf__add_enum(btf, NULL, 4);
	btf__add_enum_value(btf, "__RQF_STARTED", 0);
	btf__add_enum_value(btf, "__RQF_FLUSH_SEQ", 1);
	btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "WIDE_BIT", 1ull << 40);
	*state = btf;
	return 0;
}

static int free_kernel(void **state)
{
	btf__free(*state);
	return 0;
}

static bool holds(void **state, enum spec_predicate_kind kind, const char *name, const char *member,
                  int args)
{
	struct spec_predicate p = {
		.kind = kind, .name = (char *)name, .member = (char *)member, .args = args};

	const struct feature_kernel kernel = {.btf = *state};

	return feature_holds(&kernel, &p, NULL);
}

static void assert_why(const struct btf *btf, struct spec_predicate p, const char *expected)
{
	const struct feature_kernel kernel = {.btf = btf};
	struct text why = {0};

	assert_false(feature_holds(&kernel, &p, &why));
	assert_string_equal(text_cstr(&why), expected);
	text_free(&why);
}

static void a_tracepoint_is_told_by_its_number_of_arguments(void **state)
{
	assert_true(holds(state, SPEC_TRACEPOINT, "block_rq_issue", NULL, 2));
	assert_true(holds(state, SPEC_TRACEPOINT, "block_rq_issue", NULL, -1));
	assert_false(holds(state, SPEC_TRACEPOINT, "block_rq_issue", NULL, 1));
	assert_false(holds(state, SPEC_TRACEPOINT, "block_rq_issue", NULL, 3));
	assert_true(holds(state, SPEC_TRACEPOINT, "block_rq_complete", NULL, 3));
	assert_false(holds(state, SPEC_TRACEPOINT, "block_rq", NULL, -1));
	assert_false(holds(state, SPEC_TRACEPOINT, "not_a_pointer", NULL, -1));
}

static void types_are_structs_enums_and_typedefs_that_are_complete(void **state)
{
	assert_true(holds(state, SPEC_TYPE, "request", NULL, -1));
	assert_true(holds(state, SPEC_TYPE, "blk_status_t", NULL, -1));
	assert_true(holds(state, SPEC_TYPE, "named", NULL, -1));
	assert_true(holds(state, SPEC_TYPE, "wide", NULL, -1));
	assert_false(holds(state, SPEC_TYPE, "only_declared", NULL, -1));
	assert_false(holds(state, SPEC_TYPE, "do_exit", NULL, -1));
}

static void fields_of_unnamed_structs_belong_to_the_outer_one(void **state)
{
	assert_true(holds(state, SPEC_FIELD, "request", "tag", -1));
	assert_true(holds(state, SPEC_FIELD, "request", "rq_flags", -1));
	assert_true(holds(state, SPEC_FIELD, "request", "merged", -1));
	assert_false(holds(state, SPEC_FIELD, "request", "rq_disk", -1));
	assert_false(holds(state, SPEC_FIELD, "requests", "tag", -1));
}

static void any_struct_of_that_name_will_do(void **state)
{
	assert_true(holds(state, SPEC_FIELD, "twice", "one", -1));
	assert_true(holds(state, SPEC_FIELD, "twice", "other", -1));
}

static void functions_are_told_from_types(void **state)
{
	assert_true(holds(state, SPEC_FUNCTION, "do_exit", NULL, -1));
	assert_false(holds(state, SPEC_FUNCTION, "request", NULL, -1));
}

static void what_is_missing_is_said_in_words(void **state)
{
	struct spec_predicate issue = {
		.kind = SPEC_TRACEPOINT, .name = "block_rq_issue", .args = 1};

	assert_why(*state, issue,
	           "this kernel has no tracepoint block_rq_issue with 1 argument (it has 2)");
	assert_why(NULL, issue, "nothing is known about this kernel: it has no BTF");
	assert_why(*state,
	           (struct spec_predicate){.kind = SPEC_TRACEPOINT, .name = "nope", .args = -1},
	           "this kernel has no tracepoint nope");
	assert_why(*state, (struct spec_predicate){.kind = SPEC_TYPE, .name = "nope"},
	           "this kernel has no type nope");
	assert_why(*state,
	           (struct spec_predicate){.kind = SPEC_FIELD, .name = "nope", .member = "x"},
	           "this kernel has no struct nope");
	assert_why(*state,
	           (struct spec_predicate){.kind = SPEC_FIELD, .name = "request", .member = "x"},
	           "this kernel's struct request has no member x");
	assert_why(*state, (struct spec_predicate){.kind = SPEC_FUNCTION, .name = "nope"},
	           "this kernel has no function nope");
}

/* BTF of a module: on top of the kernel's, with a function and a tracepoint of its own. */
static const struct btf *module_btf(void *ctx, const char *module)
{
	return strcmp(module, "nfs") != 0 ? NULL : ctx;
}

static void a_module_is_asked_after_the_kernel(void **state)
{
	struct btf *module = btf__new_empty_split(*state);
	const struct feature_kernel kernel = {
		.btf = *state, .module_btf = module_btf, .ctx = module};
	struct spec_predicate p = {.kind = SPEC_FUNCTION, .name = "nfs_file_read", .args = -1};
	struct text why = {0};

	btf__add_func(module, "nfs_file_read", BTF_FUNC_STATIC, btf__add_func_proto(module, 0));
	add_tracepoint(module, "btf_trace_nfs_done", 2);
	assert_false(feature_holds(&kernel, &p, NULL));
	p.module = "nfs";
	assert_true(feature_holds(&kernel, &p, NULL));
	/* Built in here, a module elsewhere. */
	p.name = "do_exit";
	assert_true(feature_holds(&kernel, &p, NULL));
	p.name = "nope";
	assert_false(feature_holds(&kernel, &p, &why));
	assert_string_equal(text_cstr(&why),
	                    "this kernel has no function nope, nor has its module nfs");
	text_clear(&why);
	p.module = "xfs";
	assert_false(feature_holds(&kernel, &p, &why));
	assert_string_equal(
		text_cstr(&why),
		"this kernel has no function nope; module xfs is not loaded, or has no BTF");
	p = (struct spec_predicate){
		.kind = SPEC_TRACEPOINT, .name = "nfs_done", .module = "nfs", .args = 2};
	assert_true(feature_holds(&kernel, &p, NULL));
	p.args = 3;
	assert_false(feature_holds(&kernel, &p, NULL));
	text_free(&why);
	btf__free(module);
}

static bool has_tcp_ack(void *ctx, const struct spec_predicate *p, struct text *why)
{
	if (p->kind == SPEC_KPROBE && !strcmp(p->name, "tcp_ack"))
		return true;
	if (why)
		text_str(why, "asked in vain");
	return false;
}

static void what_is_in_no_btf_is_asked_of_who_knows(void **state)
{
	const struct feature_kernel kernel = {.has = has_tcp_ack}, ignorant = {.btf = *state};
	struct spec_predicate kprobe = {.kind = SPEC_KPROBE, .name = "tcp_ack", .args = -1};
	struct spec_predicate module = {.kind = SPEC_MODULE, .name = "tcp_ack", .args = -1};
	struct text why = {0};

	/* Also on a kernel without BTF. */
	assert_true(feature_holds(&kernel, &kprobe, NULL));
	assert_false(feature_holds(&kernel, &module, &why));
	assert_string_equal(text_cstr(&why), "asked in vain");
	text_clear(&why);
	assert_false(feature_holds(&ignorant, &kprobe, &why));
	assert_string_equal(text_cstr(&why),
	                    "nothing is known about this kernel's functions and modules");
	assert_false(feature_holds(NULL, &kprobe, NULL));
	text_free(&why);
}

static void enumerators_are_found_in_any_enum(void **state)
{
	const struct feature_kernel kernel = {.btf = *state};
	int64_t value = 77;

	assert_int_equal(feature_enumerator(&kernel, "NAMED_ONE", &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(feature_enumerator(&kernel, "NAMED_NEGATIVE", &value), 0);
	assert_int_equal(value, -5);
	assert_int_equal(feature_enumerator(&kernel, "__RQF_FLUSH_SEQ", &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(feature_enumerator(&kernel, "WIDE_BIT", &value), 0);
	assert_int_equal(value, 1ll << 40);
}

/* As on 5.10 and 6.1, where the RQF bits are macros: the caller takes its fallback. */
static void a_missing_enumerator_leaves_the_value_alone(void **state)
{
	const struct feature_kernel kernel = {.btf = *state};
	int64_t value = 77;

	assert_int_equal(feature_enumerator(&kernel, "__RQF_IO_STAT", &value), -ENOENT);
	assert_int_equal(feature_enumerator(NULL, "NAMED_ONE", &value), -ENOENT);
	assert_int_equal(value, 77);
}

static void a_cycle_of_typedefs_ends(void **state)
{
	struct btf *btf = btf__new_empty();
	int first = btf__add_typedef(btf, "btf_trace_loop", 2);
	int second = btf__add_typedef(btf, "back", first);
	struct spec_predicate p = {.kind = SPEC_TRACEPOINT, .name = "loop", .args = -1};

	assert_int_equal(second, 2);
	assert_false(feature_holds(&(struct feature_kernel){.btf = btf}, &p, NULL));
	btf__free(btf);
}

/* Seven levels of unnamed structs, each 40 times in the next: 1.6e11 ways through, but a bounded search. */
static void a_maze_of_unnamed_structs_ends(void **state)
{
	struct btf *btf = btf__new_empty();
	int u32 = btf__add_int(btf, "u32", 4, 0);
	int inner = btf__add_struct(btf, NULL, 4);

	assert_int_equal(btf__add_field(btf, "cheese", u32, 0, 0), 0);
	for (int i = 0; i < 7; i++) {
		int outer = btf__add_struct(btf, i == 6 ? "maze" : NULL, 4);

		for (int j = 0; j < 40; j++)
			assert_int_equal(btf__add_field(btf, NULL, inner, 0, 0), 0);
		inner = outer;
	}
	struct spec_predicate p = {.kind = SPEC_FIELD, .name = "maze", .member = "exit"};

	assert_false(feature_holds(&(struct feature_kernel){.btf = btf}, &p, NULL));
	btf__free(btf);
}

static void the_running_kernel_has_what_all_kernels_have(void **state)
{
	if (access(VMLINUX, R_OK)) {
		print_message("skip: no " VMLINUX "\n");
		skip();
	}
	struct btf *kernel = btf__parse(VMLINUX, NULL);
	int64_t value;

	assert_non_null(kernel);
	void *k = kernel;

	assert_true(holds(&k, SPEC_TRACEPOINT, "block_rq_complete", NULL, 3));
	assert_true(holds(&k, SPEC_FIELD, "task_struct", "pid", -1));
	assert_true(holds(&k, SPEC_FIELD, "request", "start_time_ns", -1));
	assert_true(holds(&k, SPEC_TYPE, "gendisk", NULL, -1));
	assert_false(holds(&k, SPEC_TYPE, "no_such_type_anywhere", NULL, -1));
	/* In an unnamed enum of include/uapi/linux/bpf.h. */
	assert_int_equal(
		feature_enumerator(&(struct feature_kernel){.btf = kernel}, "BPF_NOEXIST", &value),
		0);
	assert_int_equal(value, 1);
	btf__free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tracepoint_is_told_by_its_number_of_arguments),
		cmocka_unit_test(types_are_structs_enums_and_typedefs_that_are_complete),
		cmocka_unit_test(fields_of_unnamed_structs_belong_to_the_outer_one),
		cmocka_unit_test(any_struct_of_that_name_will_do),
		cmocka_unit_test(functions_are_told_from_types),
		cmocka_unit_test(what_is_missing_is_said_in_words),
		cmocka_unit_test(a_module_is_asked_after_the_kernel),
		cmocka_unit_test(what_is_in_no_btf_is_asked_of_who_knows),
		cmocka_unit_test(enumerators_are_found_in_any_enum),
		cmocka_unit_test(a_missing_enumerator_leaves_the_value_alone),
		cmocka_unit_test(a_cycle_of_typedefs_ends),
		cmocka_unit_test(a_maze_of_unnamed_structs_ends),
		cmocka_unit_test(the_running_kernel_has_what_all_kernels_have),
	};

	return cmocka_run_group_tests_name("feature", tests, make_kernel, free_kernel);
}
