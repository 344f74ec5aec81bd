/* SPDX-License-Identifier: Apache-2.0 */
#include "feature.h"

#include "btftype.h"
#include "words.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/** The kernel declares each tracepoint's arguments as this typedef of a pointer to a function. */
#define TRACEPOINT_PREFIX "btf_trace_"

#define KIND(x) (1u << BTF_KIND_##x)
#define KINDS_STRUCT (KIND(STRUCT) | KIND(UNION))
#define KINDS_ENUM (KIND(ENUM) | KIND(ENUM64))
#define KINDS_TYPE (KINDS_STRUCT | KINDS_ENUM | KIND(TYPEDEF))

/* Takes no part in the answer, so that rows below need not ask whether somebody wants to know why. */
#define EXPLAIN(why, ...)                              \
	do {                                           \
		if (why)                               \
			text_printf(why, __VA_ARGS__); \
	} while (0)

/* The number of arguments, not counting the leading void *; -ENOENT: no such tracepoint. */
static int tracepoint_args(const struct btf *kernel, const char *name)
{
	char type_name[sizeof(TRACEPOINT_PREFIX) + WORDS_IDENTIFIER_MAX];
	int len = snprintf(type_name, sizeof(type_name), TRACEPOINT_PREFIX "%s", name);

	if (len < 0 || (size_t)len >= sizeof(type_name))
		return -ENOENT;
	const struct btf_type *type =
		btftype_strip(kernel, btftype_find(kernel, type_name, KIND(TYPEDEF), 1));

	if (!type || !btf_is_ptr(type))
		return -ENOENT;
	type = btftype_strip(kernel, type->type);
	if (!type || !btf_is_func_proto(type) || !btf_vlen(type))
		return -ENOENT;
	return btf_vlen(type) - 1;
}

static bool tracepoint_holds(const struct btf *kernel, const struct spec_predicate *p,
                             struct text *why)
{
	int args = tracepoint_args(kernel, p->name);

	if (args < 0) {
		EXPLAIN(why, "this kernel has no tracepoint %s", p->name);
		return false;
	}
	if (p->args < 0 || p->args == args)
		return true;
	EXPLAIN(why, "this kernel has no tracepoint %s with %d argument%s (it has %d)", p->name,
	        p->args, p->args == 1 ? "" : "s", args);
	return false;
}

static bool type_holds(const struct btf *kernel, const struct spec_predicate *p, struct text *why)
{
	if (btftype_find(kernel, p->name, KINDS_TYPE, 1))
		return true;
	EXPLAIN(why, "this kernel has no type %s", p->name);
	return false;
}

/* A kernel may hold several structs of one name (of different files): any of them will do. */
static bool field_holds(const struct btf *kernel, const struct spec_predicate *p, struct text *why)
{
	uint32_t id = btftype_find(kernel, p->name, KINDS_STRUCT, 1);
	struct btftype_member member;

	if (!id) {
		EXPLAIN(why, "this kernel has no struct %s", p->name);
		return false;
	}
	for (; id; id = btftype_find(kernel, p->name, KINDS_STRUCT, id + 1)) {
		const struct btf_type *type = btf__type_by_id(kernel, id);

		if (!btftype_find_member(kernel, type, p->member, &member))
			return true;
	}
	EXPLAIN(why, "this kernel's struct %s has no member %s", p->name, p->member);
	return false;
}

static bool function_holds(const struct btf *kernel, const struct spec_predicate *p,
                           struct text *why)
{
	if (btftype_find(kernel, p->name, KIND(FUNC), 1))
		return true;
	EXPLAIN(why, "this kernel has no function %s", p->name);
	return false;
}

static bool (*const rows[SPEC_PREDICATE_MAX])(const struct btf *btf, const struct spec_predicate *p,
                                              struct text *why) = {
	[SPEC_TRACEPOINT] = tracepoint_holds,
	[SPEC_TYPE] = type_holds,
	[SPEC_FIELD] = field_holds,
	[SPEC_FUNCTION] = function_holds,
};

/* First the kernel's own BTF: what is a module elsewhere may be part of it here. */
static bool holds_in_btf(const struct feature_kernel *kernel, const struct spec_predicate *p,
                         struct text *why)
{
	const struct btf *module;

	if (!kernel->btf) {
		EXPLAIN(why, "nothing is known about this kernel: it has no BTF");
		return false;
	}
	if (!p->module)
		return rows[p->kind](kernel->btf, p, why);
	if (rows[p->kind](kernel->btf, p, NULL))
		return true;
	module = kernel->module_btf ? kernel->module_btf(kernel->ctx, p->module) : NULL;
	if (module && rows[p->kind](module, p, NULL))
		return true;
	rows[p->kind](kernel->btf, p, why);
	EXPLAIN(why,
	        module ? ", nor has its module %s" : "; module %s is not loaded, or has no BTF",
	        p->module);
	return false;
}

bool feature_holds(const struct feature_kernel *kernel, const struct spec_predicate *predicate,
                   struct text *why)
{
	assert(predicate && predicate->kind < SPEC_CONST_HOLDS);

	if (!kernel) {
		EXPLAIN(why, "nothing is known about this kernel");
		return false;
	}
	if (rows[predicate->kind])
		return holds_in_btf(kernel, predicate, why);
	if (kernel->has)
		return kernel->has(kernel->ctx, predicate, why);
	EXPLAIN(why, "nothing is known about this kernel's functions and modules");
	return false;
}

static bool find_in_enum(const struct btf *kernel, const struct btf_type *type, const char *name,
                         int64_t *ret_value)
{
	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		bool is_64 = btf_is_enum64(type);
		uint32_t name_off =
			is_64 ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off;

		if (strcmp(btftype_name(kernel, name_off), name) != 0)
			continue;
		*ret_value = is_64 ? (int64_t)btf_enum64_value(&btf_enum64(type)[i])
		                   : btf_enum(type)[i].val;
		return true;
	}
	return false;
}

int feature_enumerator(const struct feature_kernel *kernel, const char *enumerator,
                       int64_t *ret_value)
{
	assert(enumerator && ret_value);

	const struct btf *btf = kernel ? kernel->btf : NULL;
	uint32_t n = btf ? btf__type_cnt(btf) : 0;

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (type && btf_is_any_enum(type) && find_in_enum(btf, type, enumerator, ret_value))
			return 0;
	}
	return -ENOENT;
}
