/* SPDX-License-Identifier: Apache-2.0 */
#include "specwords.h"

#include "parse.h"
#include "words.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIZE(bytes) (1u << (bytes))
#define SIZES_ANY (SIZE(1) | SIZE(2) | SIZE(4) | SIZE(8))

const char *const spec_unit_names[] = {
	[SPEC_UNIT_NONE] = "",
	[SPEC_UNIT_NS] = "ns",
	[SPEC_UNIT_US] = "us",
};
static_assert(ARRAY_SIZE(spec_unit_names) == SPEC_UNIT_MAX, "a name per unit");

const char *const spec_kind_names[] = {
	[SPEC_COUNTER] = "counter",
	[SPEC_GAUGE] = "gauge",
	[SPEC_MAXIMUM] = "max",
};
static_assert(ARRAY_SIZE(spec_kind_names) == SPEC_KIND_MAX, "a name per kind");

const char *const spec_predicate_names[] = {
	[SPEC_TRACEPOINT] = "tracepoint", [SPEC_TYPE] = "type",         [SPEC_FIELD] = "field",
	[SPEC_FUNCTION] = "function",     [SPEC_CONST_HOLDS] = "const",
};
static_assert(ARRAY_SIZE(spec_predicate_names) == SPEC_PREDICATE_MAX, "a name per predicate");

const struct spec_decoder spec_decoders[] = {
	[SPEC_DECODER_DISK] = {"disk", NULL, SIZE(4), false},
	[SPEC_DECODER_DISK_LAYER] = {"disk_layer", NULL, SIZE(4), false},
	[SPEC_DECODER_ENUM] = {"enum", "the name of an enum", SIZES_ANY, false},
	[SPEC_DECODER_UINT] = {"uint", NULL, SIZES_ANY, false},
	[SPEC_DECODER_HEX] = {"hex", NULL, SIZES_ANY, true},
	[SPEC_DECODER_STRING] = {"string", NULL, 0, true},
};
static_assert(ARRAY_SIZE(spec_decoders) == SPEC_DECODER_MAX, "a row per decoder");

static int take_member(struct words *w, char **ret, struct text *why)
{
	const char *word = words_take(w);

	if (!words_is_path(word, SPEC_MAX_MEMBER_DEPTH))
		return words_fail_expected(why, "a member's name", word);
	*ret = strdup(word);
	return *ret ? 0 : -ENOMEM;
}

const struct spec_decoder *specwords_find_decoder(const char *name)
{
	for (size_t i = 0; i < SPEC_DECODER_MAX; i++) {
		if (!strcmp(name, spec_decoders[i].name))
			return &spec_decoders[i];
	}
	return NULL;
}

/* ---- Predicates */

static int take_field_predicate(struct words *w, struct spec_predicate *p, struct text *why)
{
	const char *word = words_take(w), *dot = strchr(word, '.');

	if (!dot || !words_is_path(word, 2))
		return words_fail_expected(why, "STRUCT.MEMBER", word);
	p->name = strndup(word, (size_t)(dot - word));
	p->member = strdup(dot + 1);
	return p->name && p->member ? 0 : -ENOMEM;
}

static int take_predicate(struct words *w, struct spec_predicate *ret, struct text *why)
{
	CLEANUP(specwords_free_predicate) struct spec_predicate p = {.args = -1};
	int kind = words_choose(w, "a predicate", spec_predicate_names, SPEC_PREDICATE_MAX, why),
	    err;

	if (kind < 0)
		return kind;
	p.kind = (enum spec_predicate_kind)kind;
	if (p.kind == SPEC_FIELD)
		err = take_field_predicate(w, &p, why);
	else
		err = words_take_identifier(w, "a name", &p.name, why);
	if (err)
		return err;
	if (p.kind == SPEC_TRACEPOINT && words_take_if(w, "args")) {
		uint64_t args;

		err = words_take_number(w, "a number of arguments", 0, SPEC_MAX_ARGS, &args, why);
		if (err)
			return err;
		p.args = (int)args;
	}
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
		int err = take_predicate(w, &predicates[*n], why);

		if (err)
			return err;
		(*n)++;
	} while (words_take_if(w, ","));
	return words_expect_end(w, why);
}

int specwords_predicates(const char *text,
                         struct spec_predicate ret_predicates[SPEC_MAX_PREDICATES], size_t *ret_n,
                         struct text *why)
{
	assert(text && ret_predicates && ret_n && why);

	CLEANUP(words_free) struct words w = {0};
	struct spec_predicate predicates[SPEC_MAX_PREDICATES] = {0};
	size_t n = 0;
	int err = words_split(text, &w, why) ?: take_predicates(&w, predicates, &n, why);

	if (err) {
		for (size_t i = 0; i < n; i++)
			specwords_free_predicate(&predicates[i]);
		return err;
	}
	memcpy(ret_predicates, predicates, sizeof(predicates));
	*ret_n = n;
	return 0;
}

void specwords_free_predicate(struct spec_predicate *predicate)
{
	free(predicate->name);
	free(predicate->member);
	*predicate = (struct spec_predicate){0};
}

/* ---- Constants */

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
	return words_expect(w, "(", why) ?: take_predicate(w, &c->has, why) ?: words_expect(w, ")", why);
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

int specwords_const(const char *text, struct spec_const *c, struct text *why)
{
	assert(text && c && why);

	CLEANUP(words_free) struct words w = {0};
	CLEANUP(specwords_free_const) struct spec_const new = {.kind = SPEC_CONST_NUMBER};
	int err = words_split(text, &w, why) ?:
		  take_const(&w, &new, why) ?:
		  words_expect_end(&w, why);

	if (err)
		return err;
	new.name = c->name;
	new.place = c->place;
	free(c->enumerator);
	specwords_free_predicate(&c->has);
	*c = new;
	new = (struct spec_const){0};
	return 0;
}

void specwords_free_const(struct spec_const *c)
{
	free(c->name);
	free(c->enumerator);
	free(c->place);
	specwords_free_predicate(&c->has);
	*c = (struct spec_const){0};
}

/* ---- Tags, fields, histograms: a member, and how to read it */

typedef int (*rest_fn)(struct words *w, void *ret, struct text *why);

/* @param ret_member  the caller's, also on failure */
static int read_value(const char *text, char **ret_member, rest_fn rest, void *ret,
                      struct text *why)
{
	assert(text && ret_member && ret && why);

	CLEANUP(words_free) struct words w = {0};

	return words_split(text, &w, why) ?: take_member(&w, ret_member, why) ?:
	       rest(&w, ret, why) ?: words_expect_end(&w, why);
}

static int take_decoder(struct words *w, void *ret, struct text *why)
{
	struct spec_tag *tag = ret;
	const char *names[SPEC_DECODER_MAX];

	for (size_t i = 0; i < SPEC_DECODER_MAX; i++)
		names[i] = spec_decoders[i].name;
	int i = words_choose(w, "a decoder", names, SPEC_DECODER_MAX, why);

	if (i < 0)
		return i;
	tag->decoder = strdup(names[i]);
	if (!tag->decoder)
		return -ENOMEM;
	if (!spec_decoders[i].arg)
		return 0;
	return words_expect(w, "(", why) ?:
	       words_take_identifier(w, spec_decoders[i].arg, &tag->arg, why) ?:
	       words_expect(w, ")", why);
}

int specwords_tag(const char *text, struct spec_tag *tag, struct text *why)
{
	struct spec_tag new = {0};
	int err = read_value(text, &new.member, take_decoder, &new, why);

	if (err) {
		free(new.member);
		free(new.decoder);
		free(new.arg);
		return err;
	}
	tag->member = new.member;
	tag->decoder = new.decoder;
	tag->arg = new.arg;
	return 0;
}

static int take_kind(struct words *w, void *ret, struct text *why)
{
	static const char *const options[] = {"rate"};
	struct spec_field *field = ret;
	int i = words_choose(w, "a kind", spec_kind_names, SPEC_KIND_MAX, why);

	if (i < 0)
		return i;
	field->kind = (enum spec_kind)i;
	if (!*words_peek(w))
		return 0;
	i = words_choose(w, "nothing more or \"rate\"", options, ARRAY_SIZE(options), why);
	field->rate = i >= 0;
	return MIN(i, 0);
}

int specwords_field(const char *text, struct spec_field *field, struct text *why)
{
	CLEANUP_FREE char *member = NULL;
	struct spec_field new = {0};
	int err = read_value(text, &member, take_kind, &new, why);

	if (err)
		return err;
	field->member = TAKE_PTR(member);
	field->kind = new.kind;
	field->rate = new.rate;
	return 0;
}

static int take_unit(struct words *w, void *ret, struct text *why)
{
	int i = words_choose(w, "a unit", spec_unit_names, SPEC_UNIT_MAX, why);

	if (i < 0)
		return i;
	*(enum spec_unit *)ret = (enum spec_unit)i;
	return 0;
}

/* `first=1`: a name, "=", a number. */
static int take_bound(struct words *w, const char *name, uint64_t *ret, struct text *why)
{
	if (!words_take_if(w, name)) {
		char what[16];

		snprintf(what, sizeof(what), "%s=N", name);
		return words_fail_expected(why, what, words_peek(w));
	}
	return words_expect(w, "=", why) ?: words_take_number(w, name, 1, UINT64_MAX, ret, why);
}

static int check_scale(const struct bucket_scale *scale, struct text *why)
{
	int err = bucket_check(scale);

	if (err == -E2BIG)
		text_printf(why, "this scale has %u slots, more than %d", bucket_slots(scale),
		            BUCKET_MAX_SLOTS);
	else if (err)
		text_str(why, "first and last must be powers of two, first below last");
	return err ? -EINVAL : 0;
}

static int take_scale(struct words *w, void *ret, struct text *why)
{
	static const char *const kinds[] = {[BUCKET_LOG_LINEAR] = "log-linear"};
	struct spec_histogram *h = ret;
	uint64_t bits = 0;
	int i = words_choose(w, "a scale", kinds, ARRAY_SIZE(kinds), why), err;

	if (i < 0)
		return i;
	h->scale.kind = (enum bucket_kind)i;
	err = words_expect(w, "(", why) ?:
	      words_take_number(w, "the scale's bits", 0, BUCKET_MAX_BITS, &bits, why) ?:
	      words_expect(w, ")", why) ?: take_unit(w, &h->unit, why) ?:
	      take_bound(w, "first", &h->scale.first, why) ?:
	      take_bound(w, "last", &h->scale.last, why);
	h->scale.bits = (uint8_t)bits;
	return err ?: check_scale(&h->scale, why);
}

int specwords_histogram(const char *text, struct spec_histogram *histogram, struct text *why)
{
	CLEANUP_FREE char *member = NULL;
	struct spec_histogram new = {0};
	int err = read_value(text, &member, take_scale, &new, why);

	if (err)
		return err;
	histogram->member = TAKE_PTR(member);
	histogram->scale = new.scale;
	histogram->unit = new.unit;
	return 0;
}

int specwords_sum(const char *text, struct spec_histogram *histogram, struct text *why)
{
	CLEANUP_FREE char *member = NULL;
	enum spec_unit unit = SPEC_UNIT_NONE;
	int err = read_value(text, &member, take_unit, &unit, why);

	if (err)
		return err;
	histogram->sum_member = TAKE_PTR(member);
	histogram->sum_unit = unit;
	return 0;
}
