/* SPDX-License-Identifier: Apache-2.0 */
#include "specconst.h"

#include "parse.h"

#include <assert.h>
#include <errno.h>
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
	return words_expect(w, "(", why) ?: specpredicate_take(w, &c->has, why) ?: words_expect(w, ")", why);
}

static const struct {
	const char *word;
	int (*read)(struct words *w, struct spec_const *c, struct text *why);
} const_words[] = {
	{"possible_cpus", take_cpus},
	{"kernel_bit", take_kernel_bit},
	{"has", take_has},
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
	words_fail_expected(why, "a number, yes, no, possible_cpus, kernel_bit(..) or has(..)",
	                    word);
	words_suggest(why, word, names, ARRAY_SIZE(names));
	return -EINVAL;
}

int specconst_read(const char *text, struct spec_const *c, struct text *why)
{
	assert(text && c && why);

	CLEANUP(words_free) struct words w = {0};
	CLEANUP(specconst_free) struct spec_const new = {.kind = SPEC_CONST_NUMBER};
	int err = words_split(text, &w, why) ?:
		  take_const(&w, &new, why) ?:
		  words_expect_end(&w, why);

	if (err)
		return err;
	new.name = c->name;
	new.place = c->place;
	free(c->enumerator);
	specpredicate_free(&c->has);
	*c = new;
	new = (struct spec_const){0};
	return 0;
}

void specconst_free(struct spec_const *c)
{
	free(c->name);
	free(c->enumerator);
	free(c->place);
	specpredicate_free(&c->has);
	*c = (struct spec_const){0};
}
