/* SPDX-License-Identifier: Apache-2.0 */
#include "specwords.h"

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
	if (field->kind != SPEC_COUNTER) {
		if (strcmp(words_peek(w), options[0]) != 0)
			return 0;
		text_printf(why, "rate goes with counter; a %s is no increment of a window",
		            spec_kind_names[field->kind]);
		return -EINVAL;
	}
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
	else if (err && scale->kind == BUCKET_EXP2)
		text_str(why, "last must be first times a power of two, and above it");
	else if (err)
		text_str(why, "first and last must be powers of two, first below last");
	return err ? -EINVAL : 0;
}

static int take_bits(struct words *w, struct bucket_scale *scale, struct text *why)
{
	uint64_t bits;
	int err = words_expect(w, "(", why) ?:
		  words_take_number(w, "the scale's bits", 0, BUCKET_MAX_BITS, &bits, why) ?:
		  words_expect(w, ")", why);

	if (!err)
		scale->bits = (uint8_t)bits;
	return err;
}

static int take_scale(struct words *w, void *ret, struct text *why)
{
	static const char *const kinds[] = {
		[BUCKET_LOG_LINEAR] = "log-linear", [BUCKET_EXP2] = "exp2"};
	static_assert(ARRAY_SIZE(kinds) == BUCKET_KIND_MAX, "a name per scale");
	struct spec_histogram *h = ret;
	int i = words_choose(w, "a scale", kinds, ARRAY_SIZE(kinds), why), err = 0;

	if (i < 0)
		return i;
	h->scale.kind = (enum bucket_kind)i;
	if (h->scale.kind == BUCKET_LOG_LINEAR)
		err = take_bits(w, &h->scale, why);
	return err ?: take_unit(w, &h->unit, why) ?:
	       take_bound(w, "first", &h->scale.first, why) ?:
	       take_bound(w, "last", &h->scale.last, why) ?: check_scale(&h->scale, why);
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

static int read_with_unit(const char *text, char **ret_member, enum spec_unit *ret_unit,
                          struct text *why)
{
	CLEANUP_FREE char *member = NULL;
	enum spec_unit unit = SPEC_UNIT_NONE;
	int err = read_value(text, &member, take_unit, &unit, why);

	if (err)
		return err;
	*ret_member = TAKE_PTR(member);
	*ret_unit = unit;
	return 0;
}

int specwords_sum(const char *text, struct spec_histogram *histogram, struct text *why)
{
	return read_with_unit(text, &histogram->sum_member, &histogram->sum_unit, why);
}

int specwords_max(const char *text, struct spec_histogram *histogram, struct text *why)
{
	return read_with_unit(text, &histogram->max_member, &histogram->max_unit, why);
}
