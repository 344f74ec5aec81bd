/* SPDX-License-Identifier: Apache-2.0 */
#include "btftype.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/** Bytes of a name in a message: longer ones (of C++ or Rust) would hide what the message says. */
#define PRINTED_NAME_MAX 64

struct member_walk {
	const struct btf *btf;
	btftype_member_fn fn;
	void *ctx;
	uint32_t seen;
};

struct member_search {
	const char *name;
	struct btftype_member *found;
};

const char *btftype_name(const struct btf *btf, uint32_t name_off)
{
	const char *name = btf__name_by_offset(btf, name_off);

	return name ? name : "";
}

void btftype_print_name(struct text *out, const char *name)
{
	size_t len = strnlen(name, PRINTED_NAME_MAX + 1);

	for (size_t i = 0; i < MIN(len, PRINTED_NAME_MAX); i++)
		text_char(out, name[i] > ' ' && name[i] <= '~' ? name[i] : '?');
	if (len > PRINTED_NAME_MAX)
		text_str(out, "...");
}

const struct btf_type *btftype_strip(const struct btf *btf, uint32_t id)
{
	for (int i = 0; i < BTFTYPE_MAX_CHAIN; i++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (!type || !(btf_is_mod(type) || btf_is_typedef(type)))
			return type;
		id = type->type;
	}
	return NULL;
}

uint32_t btftype_find(const struct btf *btf, const char *name, uint32_t kinds, uint32_t id)
{
	uint32_t n = btf__type_cnt(btf);

	for (; id < n; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (type && kinds & 1u << btf_kind(type) &&
		    !strcmp(btftype_name(btf, type->name_off), name))
			return id;
	}
	return 0;
}

static int walk_members(struct member_walk *walk, const struct btf_type *type, uint64_t base_bits,
                        int nesting)
{
	const struct btf_member *members = btf_members(type);

	if (nesting > BTFTYPE_MAX_NESTING)
		return -E2BIG;
	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		const char *name = btftype_name(walk->btf, members[i].name_off);
		struct btftype_member member = {
			.type = members[i].type,
			.bits = base_bits + btf_member_bit_offset(type, i),
			.is_bitfield = btf_member_bitfield_size(type, i) != 0,
		};
		int err;

		if (++walk->seen > BTFTYPE_MAX_MEMBERS)
			return -E2BIG;
		if (*name) {
			err = walk->fn(walk->ctx, name, &member);
		} else {
			const struct btf_type *inner = btftype_strip(walk->btf, member.type);

			if (!inner || !btf_is_composite(inner))
				continue;
			err = walk_members(walk, inner, member.bits, nesting + 1);
		}
		if (err)
			return err;
	}
	return 0;
}

int btftype_members(const struct btf *btf, const struct btf_type *type, btftype_member_fn fn,
                    void *ctx)
{
	assert(btf && fn);

	struct member_walk walk = {.btf = btf, .fn = fn, .ctx = ctx};

	if (!type || !btf_is_composite(type))
		return -EINVAL;
	return walk_members(&walk, type, 0, 0);
}

static int match_member(void *ctx, const char *name, const struct btftype_member *member)
{
	struct member_search *search = ctx;

	if (strcmp(name, search->name) != 0)
		return 0;
	*search->found = *member;
	return 1;
}

int btftype_find_member(const struct btf *btf, const struct btf_type *type, const char *name,
                        struct btftype_member *ret_member)
{
	struct btftype_member found = {0};
	struct member_search search = {.name = name, .found = &found};
	int err = btftype_members(btf, type, match_member, &search);

	if (err <= 0)
		return err ? err : -ENOENT;
	*ret_member = found;
	return 0;
}
