/* SPDX-License-Identifier: Apache-2.0 */
#include "specconst.h"

#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static int take_cpus(struct words *w, struct spec_const *c, struct text *why)
{
	(void)w, (void)why;
	c->kind = SPEC_CONST_CPUS;
	return 0;
}

static int take_kernel_bit(struct words *w, struct spec_const *c, struct text *why)
{
	c->kind = SPEC_CONST_KERNEL_BIT;
	return words_expect(w, "(", why) ?:
	       words_take_identifier(w, "an enumerator's name", &c->enumerator, why) ?:
	       words_expect(w, ",", why) ?:
	       words_take_number(w, "a bit's number", 0, 63, &c->number, why) ?:
	       words_expect(w, ")", why);
}

static int take_has(struct words *w, struct spec_const *c, struct text *why)
{
	c->kind = SPEC_CONST_HAS;
	int err = words_expect(w, "(", why) ?: specpredicate_take(w, &c->has, why);

	if (err)
		return err;
	if (c->has.kind == SPEC_CONST_HOLDS) {
		text_str(
			why,
			"a constant cannot ask for another one; only when of a program or map can");
		return -EINVAL;
	}
	return words_expect(w, ")", why);
}

static int fail_word(const struct spec_const *c, const char *example, const char *found,
                     struct text *why)
{
	CLEANUP(text_free) struct text what = {0};

	text_printf(&what, "a word of enum %s", c->enumerator);
	words_fail_expected(why, text_cstr(&what), found);
	if (example)
		text_printf(why, "; for example: %s", example);
	return -EINVAL;
}

/* Enumerators, as tags have them: one of an enum, one or more of flags. @param example  NULL: none is known */
static int take_words(struct words *w, struct spec_const *c, const char *example, struct text *why)
{
	CLEANUP(text_free) struct text taken = {0};
	size_t first = w->at;

	do {
		const char *word = words_take(w);

		if (!words_is_identifier(word))
			return fail_word(c, example, word, why);
		for (size_t i = first; i + 1 < w->at; i++) {
			if (!strcmp(w->word[i], word)) {
				text_printf(why, "\"%s\" stands there twice", word);
				return -EINVAL;
			}
		}
		if (taken.len)
			text_char(&taken, ' ');
		text_str(&taken, word);
	} while (c->kind == SPEC_CONST_FLAGS && *words_peek(w));
	if (taken.err)
		return -ENOMEM;
	c->words = TAKE_PTR(taken.data);
	return 0;
}

static int take_enum_and_words(struct words *w, struct spec_const *c, struct text *why)
{
	return words_expect(w, "(", why) ?:
	       words_take_identifier(w, "the name of an enum", &c->enumerator, why) ?:
	       words_expect(w, ")", why) ?: take_words(w, c, NULL, why);
}

static int take_enum(struct words *w, struct spec_const *c, struct text *why)
{
	c->kind = SPEC_CONST_ENUM;
	return take_enum_and_words(w, c, why);
}

static int take_flags(struct words *w, struct spec_const *c, struct text *why)
{
	c->kind = SPEC_CONST_FLAGS;
	return take_enum_and_words(w, c, why);
}

static const struct {
	const char *word;
	int (*read)(struct words *w, struct spec_const *c, struct text *why);
} const_words[] = {
	{"possible_cpus", take_cpus}, {"kernel_bit", take_kernel_bit}, {"has", take_has},
	{"enum", take_enum},          {"flags", take_flags},
};

static int take_const(struct words *w, struct spec_const *c, struct text *why)
{
	const char *names[ARRAY_SIZE(const_words) + 2] = {"yes", "no"}, *word = words_take(w);
	bool yes;

	if (*word && !parse_u64(word, &c->number))
		return 0;
	if (!parse_bool(word, &yes)) {
		c->number = yes;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(const_words); i++) {
		if (!strcmp(word, const_words[i].word))
			return const_words[i].read(w, c, why);
		names[i + 2] = const_words[i].word;
	}
	words_fail_expected(why,
	                    "a number, yes, no, possible_cpus, kernel_bit(..), has(..), enum(..) "
	                    "or flags(..)",
	                    word);
	words_suggest(why, word, names, ARRAY_SIZE(names));
	return -EINVAL;
}

static bool has_words(const struct spec_const *c)
{
	return c->kind == SPEC_CONST_ENUM || c->kind == SPEC_CONST_FLAGS;
}

/* Whether the value begins like enum(..) or flags(..); a word of the enum may bear such a name. */
static bool names_enum(const struct words *w)
{
	return w->n > 1 && !strcmp(w->word[1], "(") &&
	       (!strcmp(w->word[0], "enum") || !strcmp(w->word[0], "flags"));
}

/* A new value for a constant that has words: the same enum, whose values a program knows. */
static int retake_words(struct words *w, const struct spec_const *old, struct spec_const *new,
                        struct text *why)
{
	new->kind = old->kind;
	if (!names_enum(w)) {
		new->enumerator = strdup(old->enumerator);
		return new->enumerator ? take_words(w, new, old->words, why) : -ENOMEM;
	}
	int err = take_const(w, new, why);

	if (err)
		return err;
	if (new->kind == old->kind && !strcmp(new->enumerator, old->enumerator))
		return 0;
	text_printf(why, "is %s(%s) in the probe; write the words alone, as in \"%s\"",
	            old->kind == SPEC_CONST_ENUM ? "enum" : "flags", old->enumerator, old->words);
	return -EINVAL;
}

int specconst_read(const char *text, struct spec_const *c, struct text *why)
{
	assert(text && c && why);

	CLEANUP(words_free) struct words w = {0};
	CLEANUP(specconst_free) struct spec_const new = {.kind = SPEC_CONST_NUMBER};
	int err = words_split(text, &w, why);

	if (!err)
		err = has_words(c) ? retake_words(&w, c, &new, why) : take_const(&w, &new, why);
	err = err ?: words_expect_end(&w, why);
	if (err)
		return err;
	new.name = c->name;
	new.place = c->place;
	free(c->enumerator);
	free(c->words);
	specpredicate_free(&c->has);
	*c = new;
	new = (struct spec_const){0};
	return 0;
}

void specconst_free(struct spec_const *c)
{
	free(c->name);
	free(c->enumerator);
	free(c->words);
	free(c->place);
	specpredicate_free(&c->has);
	*c = (struct spec_const){0};
}
