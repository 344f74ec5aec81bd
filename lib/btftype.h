/* SPDX-License-Identifier: Apache-2.0 */
/**
 * btftype.h: safe steps over BTF types: names, chains of typedefs, members.
 *
 * Pure. libbpf 1.1 checks that each type lies within the section and that strings end; it does not check the
 * ids in them. So here every walk has a bound: hostile BTF (cycles, ids that lead nowhere) ends in "not there".
 */
#pragma once
#include "text.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>

/** Typedefs and qualifiers in a row: libbpf's own MAX_RESOLVE_DEPTH. */
#define BTFTYPE_MAX_CHAIN 32
/** Members looked at in one search: hundreds of times the kernel's largest struct, and still no time. */
#define BTFTYPE_MAX_MEMBERS 65536
/** Unnamed structs within unnamed structs. */
#define BTFTYPE_MAX_NESTING 8

struct btftype_member {
	uint32_t type;    /* type id */
	uint64_t bits;    /* from the start of the outermost struct */
	bool is_bitfield; /* then `type` does not tell its size */
};

/** The name at that offset; "" when there is none. */
const char *btftype_name(const struct btf *btf, uint32_t name_off);

/** Appends a name from BTF for a person: what does not belong in a name becomes "?", and long ones are cut. */
void btftype_print_name(struct text *out, const char *name);

/** The type behind typedefs, const, volatile, restrict and type tags; NULL: none, or a chain without an end. */
const struct btf_type *btftype_strip(const struct btf *btf, uint32_t id);

/**
 * The next type of that name that has one of the kinds.
 * @param kinds  bit BTF_KIND_x set: wanted
 * @param id     type id to begin with; 1 for the first
 * @return       its id; 0: there is none
 */
uint32_t btftype_find(const struct btf *btf, const char *name, uint32_t kinds, uint32_t id);

/**
 * Takes a member, by name in `name`.
 * @return 0 to go on; anything else stops
 */
typedef int (*btftype_member_fn)(void *ctx, const char *name, const struct btftype_member *member);

/**
 * Calls @p fn for each named member of a struct or union; those of unnamed structs and unions in it are
 * its own, as in C.
 * @return 0; -EINVAL: no struct or union; -E2BIG: above the bounds; what @p fn returned
 */
int btftype_members(const struct btf *btf, const struct btf_type *type, btftype_member_fn fn,
                    void *ctx);

/** Finds a member by its name. @return 0; -ENOENT; or as btftype_members() */
int btftype_find_member(const struct btf *btf, const struct btf_type *type, const char *name,
                        struct btftype_member *ret_member);
