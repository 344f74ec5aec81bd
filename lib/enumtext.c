/* SPDX-License-Identifier: Apache-2.0 */
#include "enumtext.h"

#include "btftype.h"
#include "words.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

/** Enums of an object that a message may suggest. */
#define SUGGESTED_ENUMS_MAX 64

/* @return false for an enumerator without a name, which only hostile BTF has */
static bool enumerator_at(const struct btf *btf, const struct btf_type *type, uint16_t i,
                          const char **ret_name, int64_t *ret_value)
{
	if (btf_is_enum64(type)) {
		*ret_name = btftype_name(btf, btf_enum64(type)[i].name_off);
		*ret_value = (int64_t)btf_enum64_value(&btf_enum64(type)[i]);
	} else {
		*ret_name = btftype_name(btf, btf_enum(type)[i].name_off);
		*ret_value = btf_enum(type)[i].val;
	}
	return **ret_name;
}

/* Whether a member of that size can hold the value, signed or not; and its bits there. */
static bool fits(int64_t value, uint32_t size, uint64_t *ret_bits)
{
	uint64_t mask = size == 8 ? UINT64_MAX : (1ull << (size * 8)) - 1;

	*ret_bits = (uint64_t)value & mask;
	return (uint64_t)value <= mask || ~(uint64_t)value <= mask >> 1;
}

/* Bytes of the prefix to strip; something is left of each enumerator. */
static size_t common_prefix(const struct btf *btf, const struct btf_type *type)
{
	const char *first = NULL, *name;
	size_t common = 0;
	int64_t value;

	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		size_t same = 0;

		if (!enumerator_at(btf, type, i, &name, &value))
			continue;
		if (!first) {
			first = name;
			common = strlen(name) - 1;
		}
		while (same < common && name[same] == first[same] && name[same + 1])
			same++;
		common = same;
	}
	while (common && first[common - 1] != '_')
		common--;
	return common;
}

static char *lower_copy(const char *s)
{
	char *copy = strdup(s);

	for (char *c = copy; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static void explain_no_enum(const struct btf *btf, const char *name, struct text *why)
{
	const char *names[SUGGESTED_ENUMS_MAX];
	uint32_t n = 0, types = btf__type_cnt(btf);

	for (uint32_t id = 1; id < types && n < SUGGESTED_ENUMS_MAX; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (type && btf_is_any_enum(type))
			names[n++] = btftype_name(btf, type->name_off);
	}
	text_printf(why, "wants enum %s, which the object's BTF does not have", name);
	size_t len = why->len;

	words_suggest(why, name, names, n);
	if (why->len == len)
		text_str(why, " (TG_KEEP_ENUM keeps one that nothing refers to)");
}

int enumtext_load(const struct btf *btf, const char *name, uint32_t member_size,
                  struct enumtext *ret_names, struct text *why)
{
	assert(btf && name && ret_names && why && member_size >= 1 && member_size <= 8);

	uint32_t id = btftype_find(btf, name, 1u << BTF_KIND_ENUM | 1u << BTF_KIND_ENUM64, 1);

	if (!id) {
		explain_no_enum(btf, name, why);
		return -EINVAL;
	}
	const struct btf_type *type = btf__type_by_id(btf, id);
	size_t prefix = common_prefix(btf, type);

	ret_names->names = calloc(MAX(btf_vlen(type), 1), sizeof(*ret_names->names));
	if (!ret_names->names)
		return -ENOMEM;
	for (uint16_t i = 0; i < btf_vlen(type); i++) {
		struct enumtext_name *next = &ret_names->names[ret_names->n];
		const char *enumerator;
		int64_t value;

		if (!enumerator_at(btf, type, i, &enumerator, &value) ||
		    !fits(value, member_size, &next->value))
			continue;
		next->text = lower_copy(enumerator + prefix);
		if (!next->text)
			return -ENOMEM;
		ret_names->n++;
	}
	return 0;
}

const char *enumtext_find(const struct enumtext *names, uint64_t value)
{
	for (size_t i = 0; i < names->n; i++) {
		if (names->names[i].value == value)
			return names->names[i].text;
	}
	return NULL;
}

void enumtext_free(struct enumtext *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->names[i].text);
	free(names->names);
	*names = (struct enumtext){0};
}
