/* SPDX-License-Identifier: Apache-2.0 */
#include "memberpath.h"

#include "words.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/** Members listed in a message; a struct with more is told by its first ones. */
#define LISTED_MEMBERS_MAX 16

struct name_list {
	struct text *out;
	const char *names[LISTED_MEMBERS_MAX];
	size_t n;
};

static int list_member(void *ctx, const char *name, const struct btftype_member *member)
{
	struct name_list *list = ctx;

	(void)member;
	text_str(list->out, list->n ? ", " : "");
	if (list->n == LISTED_MEMBERS_MAX) {
		text_str(list->out, "...");
		return 1;
	}
	btftype_print_name(list->out, name);
	list->names[list->n++] = name;
	return 0;
}

static void explain_no_member(const struct btf *btf, const struct btf_type *type, const char *word,
                              struct text *why)
{
	const char *name = btftype_name(btf, type->name_off);
	struct name_list list = {.out = why};

	text_str(why, "is not a member of ");
	text_str(why, *name ? "" : "an unnamed ");
	text_str(why, btf_is_union(type) ? "union" : "struct");
	text_str(why, *name ? " " : "");
	btftype_print_name(why, name);
	text_str(why, " (");
	btftype_members(btf, type, list_member, &list);
	text_str(why, ")");
	words_suggest(why, word, list.names, list.n);
}

uint32_t memberpath_type_size(const struct btf *btf, uint32_t type_id)
{
	int64_t size = btf__resolve_size(btf, type_id);

	return size > 0 && size <= UINT32_MAX ? (uint32_t)size : 0;
}

int memberpath_open(struct memberpath_root *root, const struct btf *btf, uint32_t type_id,
                    const char *whole, uint32_t max_bytes)
{
	assert(root && btf && whole);

	const struct btf_type *type = type_id ? btftype_strip(btf, type_id) : NULL;

	if (!type || btf_is_void(type))
		return -ENOENT;
	uint32_t size = memberpath_type_size(btf, type_id);

	if (!size || size > max_bytes)
		return -E2BIG;
	*root = (struct memberpath_root){
		.btf = btf, .whole = whole, .type_id = type_id, .type = type, .size = size};
	return 0;
}

/* One step of a.b: from the struct `type` to its member `word`. */
static int step(const struct btf *btf, const struct btf_type *type, const char *word,
                struct btftype_member *ret_member, struct text *why)
{
	if (!type || !btf_is_composite(type)) {
		text_printf(why, "is not there: what stands before \"%s\" is not a struct", word);
		return -EINVAL;
	}
	if (btftype_find_member(btf, type, word, ret_member)) {
		explain_no_member(btf, type, word, why);
		return -EINVAL;
	}
	if (ret_member->is_bitfield || ret_member->bits % 8) {
		text_str(why, "is a bit-field; a member must be whole bytes");
		return -EINVAL;
	}
	return 0;
}

static int find_whole(const struct memberpath_root *root, const char *path,
                      struct memberpath_place *ret_place, struct text *why)
{
	if (strcmp(path, root->whole) != 0) {
		text_printf(why, "is not there: the %s is not a struct, all of it is called \"%s\"",
		            root->whole, root->whole);
		return -EINVAL;
	}
	*ret_place = (struct memberpath_place){.size = root->size, .type = root->type};
	return 0;
}

int memberpath_find(const struct memberpath_root *root, const char *path,
                    struct memberpath_place *ret_place, struct text *why)
{
	assert(root && root->type && path && ret_place && why);

	char words[(WORDS_IDENTIFIER_MAX + 1) * SPEC_MAX_MEMBER_DEPTH], *rest = words, *word;
	struct btftype_member member = {.type = root->type_id};
	const struct btf_type *type = root->type;
	uint64_t offset = 0;

	if (!btf_is_composite(type))
		return find_whole(root, path, ret_place, why);
	/* A parsed description cannot say that much, one made by hand can. */
	if (strlen(path) >= sizeof(words)) {
		text_str(why, "is too long a name");
		return -EINVAL;
	}
	strcpy(words, path);
	while ((word = strsep(&rest, "."))) {
		int err = step(root->btf, type, word, &member, why);

		if (err)
			return err;
		offset += member.bits / 8;
		type = btftype_strip(root->btf, member.type);
	}
	uint32_t size = memberpath_type_size(root->btf, member.type);

	if (!type || !size || offset + size > root->size) {
		text_str(why, "has a type that makes no sense in the object's BTF");
		return -EINVAL;
	}
	*ret_place =
		(struct memberpath_place){.offset = (uint32_t)offset, .size = size, .type = type};
	return 0;
}
