/* SPDX-License-Identifier: Apache-2.0 */
#include "confdiff.h"

#include "confpair.h"

#include <assert.h>
#include <string.h>

/* A prefix of keys, and what depends on them. */
static const struct {
	const char *prefix;
	enum confdiff bit;
} effects[] = {
	{"style", CONFDIFF_STYLE},           {"buckets_per_octave", CONFDIFF_STYLE},
	{"quantiles", CONFDIFF_STYLE},       {"le_padded", CONFDIFF_STYLE},
	{"cumulative_hist", CONFDIFF_STYLE}, {"batch_max_bytes", CONFDIFF_BODY},
	{"content_encoding", CONFDIFF_BODY}, {"spool_", CONFDIFF_SPOOL},
};

static enum confdiff effect_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
		if (!strncmp(key, effects[i].prefix, strlen(effects[i].prefix)))
			return effects[i].bit;
	return CONFDIFF_RECEIVER;
}

bool confdiff_is_http(enum output_type type)
{
	return type != OUTPUT_STDOUT && type != OUTPUT_FILE;
}

static bool is_of_other_kind(enum output_type a, enum output_type b)
{
	return a != b && (!confdiff_is_http(a) || !confdiff_is_http(b));
}

unsigned int confdiff_output(const struct config_output *a, const struct config_output *b)
{
	assert(a && b);

	unsigned int bits = is_of_other_kind(a->type, b->type) ? CONFDIFF_KIND : 0;

	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *key = &config_keys[i];

		if (!strcmp(key->section, "output.*") && !key->example &&
		    !confvalue_is_equal(key, a, b))
			bits |= effect_of(key->key);
	}
	if (!confpair_are_equal(a->headers, a->n_headers, b->headers, b->n_headers))
		bits |= CONFDIFF_RECEIVER;
	return bits;
}

void confdiff_describe(struct text *out, unsigned int bits)
{
	static const char *const names[] = {"kind", "receiver", "body", "spool", "style"};
	const char *between = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(bits & 1u << i))
			continue;
		text_str(out, between);
		text_str(out, names[i]);
		between = ", ";
	}
}
