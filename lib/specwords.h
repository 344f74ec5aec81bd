/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specwords.h: the small grammars inside a probe's description: what may stand behind the "=".
 *
 * Pure. Each function reads one whole value into the struct that it describes. All return 0; -EINVAL with a
 * clause for a person in `why`; or -ENOMEM. Outputs are unchanged on failure. Texts in outputs are the
 * caller's. The grammar is thermograf-probe(5).
 */
#pragma once
#include "bucket.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Dots in a.b.c, plus one: deeper nesting in a key or value is a mistake. */
#define SPEC_MAX_MEMBER_DEPTH 8
/** Bytes of a text or number that becomes a tag: lineproto.h sends no more than twice as many. */
#define SPEC_MAX_TAG_BYTES 64
enum spec_unit { SPEC_UNIT_NONE, SPEC_UNIT_NS, SPEC_UNIT_US, SPEC_UNIT_MAX };

enum spec_kind {
	SPEC_COUNTER, /* only grows; increments leave */
	SPEC_GAUGE,   /* leaves as it is; shards and merged rows add */
	SPEC_MAXIMUM, /* struct tg_max of thermograf.bpf.h: the greatest value of a window; shards and rows: the greatest */
	SPEC_KIND_MAX
};

enum spec_decoder_kind {
	SPEC_DECODER_DISK,
	SPEC_DECODER_DISK_LAYER,
	SPEC_DECODER_ENUM,
	SPEC_DECODER_UINT,
	SPEC_DECODER_HEX,
	SPEC_DECODER_STRING,
	SPEC_DECODER_MAX
};

extern const char *const spec_unit_names[SPEC_UNIT_MAX];
extern const char *const spec_kind_names[SPEC_KIND_MAX];

/** What a decoder takes; how it makes text of it is in decode.h. */
struct spec_decoder {
	const char *name;
	const char *arg; /* what must stand in parentheses, for messages; NULL: nothing may */
	uint32_t sizes;  /* bit n set: takes integers of n bytes */
	bool arrays;     /* takes arrays of 1 to SPEC_MAX_TAG_BYTES single bytes */
};

extern const struct spec_decoder spec_decoders[SPEC_DECODER_MAX];

struct spec_tag {
	char *name;
	char *member;  /* of the key */
	char *decoder; /* a name in spec_decoders */
	char *arg;     /* what stands in parentheses, or NULL */
	uint32_t line;
};

struct spec_field {
	char *name;
	char *member; /* of the value */
	enum spec_kind kind;
	bool rate; /* also NAME_per_s */
	uint32_t line;
};

struct spec_histogram {
	char *name;   /* measurement is MAP_NAME; e.g. latency */
	char *phase;  /* value of the tag phase, or NULL: no such tag */
	char *member; /* of the value: an array of u32 or u64 slots */
	struct bucket_scale scale;
	enum spec_unit unit; /* of the bounds */
	char *sum_member;    /* or NULL */
	enum spec_unit sum_unit;
	char *max_member; /* a struct tg_max, or NULL */
	enum spec_unit max_unit;
	uint32_t line, sum_line, max_line;
};

/** The decoder of that name, or NULL. */
const struct spec_decoder *specwords_find_decoder(const char *name);

/** `MEMBER DECODER[(ARG)]`. Leaves name and line alone; so do the next two. */
int specwords_tag(const char *text, struct spec_tag *tag, struct text *why);

/** `MEMBER counter [rate]`, `MEMBER gauge`, `MEMBER max` */
int specwords_field(const char *text, struct spec_field *field, struct text *why);

/** `MEMBER log-linear(BITS) UNIT first=N last=N`, `MEMBER exp2 UNIT first=N last=N`. Sets member, scale and unit. */
int specwords_histogram(const char *text, struct spec_histogram *histogram, struct text *why);

/** `MEMBER UNIT`. Sets sum_member and sum_unit. */
int specwords_sum(const char *text, struct spec_histogram *histogram, struct text *why);

/** `MEMBER UNIT`. Sets max_member and max_unit. */
int specwords_max(const char *text, struct spec_histogram *histogram, struct text *why);
