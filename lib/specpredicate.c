/* SPDX-License-Identifier: Apache-2.0 */
#include "specpredicate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const spec_predicate_names[] = {
	[SPEC_TRACEPOINT] = "tracepoint", [SPEC_TYPE] = "type",     [SPEC_FIELD] = "field",
	[SPEC_FUNCTION] = "function",     [SPEC_KPROBE] = "kprobe", [SPEC_MODULE] = "module",
	[SPEC_CONST_HOLDS] = "const",
};
static_assert(ARRAY_SIZE(spec_predicate_names) == SPEC_PREDICATE_MAX, "a name per predicate");

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789"

/* A name that is no identifier: compilers put dots into those of functions, people dashes into those of modules. */
static int take_name(struct words *w, const char *what, const char *chars, char **ret,
                     struct text *why)
{
	const char *word = words_take(w);
	size_t len = strspn(word, chars);

	if (!len || word[len] || len > WORDS_IDENTIFIER_MAX)
		return words_fail_expected(why, what, word);
	*ret = strdup(word);
	return *ret ? 0 : -ENOMEM;
}

static int take_module(struct words *w, char **ret, struct text *why)
{
	return take_name(w, "a module's name", LETTERS "-", ret, why);
}

static int take_field_predicate(struct words *w, struct spec_predicate *p, struct text *why)
{
	const char *word = words_take(w), *dot = strchr(word, '.');

	if (!dot || !words_is_path(word, 2))
		return words_fail_expected(why, "STRUCT.MEMBER", word);
	p->name = strndup(word, (size_t)(dot - word));
	p->member = strdup(dot + 1);
	return p->name && p->member ? 0 : -ENOMEM;
}

static int take_args(struct words *w, struct spec_predicate *p, struct text *why)
{
	uint64_t args;

	if (!words_take_if(w, "args"))
		return 0;
	int err = words_take_number(w, "a number of arguments", 0, SPEC_MAX_ARGS, &args, why);

	if (!err)
		p->args = (int)args;
	return err;
}

static int add_word(struct words *w, char **words, struct text *why)
{
	CLEANUP_FREE char *word = NULL;
	int err = words_take_identifier(w, "a word of its enum", &word, why);
	char *longer;

	if (err)
		return err;
	if (asprintf(&longer, "%s %s", *words, word) < 0)
		return -ENOMEM;
	free(*words);
	*words = longer;
	return 0;
}

static int take_const_predicate(struct words *w, struct spec_predicate *p, struct text *why)
{
	int err = words_take_identifier(w, "a constant's name", &p->name, why);

	if (err)
		return err;
	if (!words_take_if(w, "has"))
		return words_fail_expected(why, "has WORD", words_peek(w));
	err = words_take_identifier(w, "a word of its enum", &p->member, why);
	while (!err && words_take_if(w, "or"))
		err = add_word(w, &p->member, why);
	return err;
}

/* Of what stands in BTF: the kernel's, or that of a module. */
static int take_btf_predicate(struct words *w, struct spec_predicate *p, struct text *why)
{
	int err = p->kind == SPEC_FIELD ? take_field_predicate(w, p, why)
	                                : words_take_identifier(w, "a name", &p->name, why);

	if (!err && p->kind == SPEC_TRACEPOINT)
		err = take_args(w, p, why);
	if (!err && words_take_if(w, "in"))
		err = take_module(w, &p->module, why);
	return err;
}

static int take_rest(struct words *w, struct spec_predicate *p, struct text *why)
{
	switch (p->kind) {
	case SPEC_KPROBE:
		return take_name(w, "a function's name", LETTERS ".", &p->name, why);
	case SPEC_MODULE:
		return take_module(w, &p->name, why);
	case SPEC_CONST_HOLDS:
		return take_const_predicate(w, p, why);
	default:
		return take_btf_predicate(w, p, why);
	}
}

int specpredicate_take(struct words *w, struct spec_predicate *ret, struct text *why)
{
	assert(w && ret && why);

	CLEANUP(specpredicate_free) struct spec_predicate p = {.args = -1};
	int i = words_choose(w, "a predicate", spec_predicate_names, SPEC_PREDICATE_MAX, why);

	if (i < 0)
		return i;
	p.kind = (enum spec_predicate_kind)i;
	int err = take_rest(w, &p, why);

	if (err)
		return err;
	*ret = p;
	p = (struct spec_predicate){0};
	return 0;
}

static int take_predicates(struct words *w, struct spec_predicate *predicates, size_t *n,
                           struct text *why)
{
	do {
		if (*n == SPEC_MAX_PREDICATES) {
			text_printf(why, "more than %d predicates", SPEC_MAX_PREDICATES);
			return -EINVAL;
		}
		int err = specpredicate_take(w, &predicates[*n], why);

		if (err)
			return err;
		(*n)++;
	} while (words_take_if(w, ","));
	return words_expect_end(w, why);
}

int specpredicate_read(const char *text, struct spec_predicate ret_predicates[SPEC_MAX_PREDICATES],
                       size_t *ret_n, struct text *why)
{
	assert(text && ret_predicates && ret_n && why);

	CLEANUP(words_free) struct words w = {0};
	struct spec_predicate predicates[SPEC_MAX_PREDICATES] = {0};
	size_t n = 0;
	int err = words_split(text, &w, why) ?: take_predicates(&w, predicates, &n, why);

	if (err) {
		for (size_t i = 0; i < n; i++)
			specpredicate_free(&predicates[i]);
		return err;
	}
	memcpy(ret_predicates, predicates, sizeof(predicates));
	*ret_n = n;
	return 0;
}

void specpredicate_free(struct spec_predicate *predicate)
{
	free(predicate->name);
	free(predicate->member);
	free(predicate->module);
	*predicate = (struct spec_predicate){0};
}
