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
#define SPEC_MAX_PREDICATES 4 /* per program or map */
/** Bytes of a text or number that becomes a tag: lineproto.h sends no more than twice as many. */
#define SPEC_MAX_TAG_BYTES 64
/** BPF programs take no more arguments from a tracepoint (MAX_BPF_FUNC_ARGS). */
#define SPEC_MAX_ARGS 12

enum spec_unit { SPEC_UNIT_NONE, SPEC_UNIT_NS, SPEC_UNIT_US, SPEC_UNIT_MAX };

enum spec_kind {
	SPEC_COUNTER, /* only grows; increments leave */
	SPEC_GAUGE,   /* leaves as it is; shards and merged rows add */
	SPEC_MAXIMUM, /* struct tg_max of thermograf.bpf.h: the greatest value of a window; shards and rows: the greatest */
	SPEC_KIND_MAX
};

enum spec_predicate_kind {
	SPEC_TRACEPOINT, /* tracepoint NAME [args N] */
	SPEC_TYPE,       /* type NAME */
	SPEC_FIELD,      /* field STRUCT.MEMBER */
	SPEC_FUNCTION,   /* function NAME */
	SPEC_CONST_HOLDS, /* const NAME has WORD: of the probe's own [const], as the configuration left it */
	SPEC_PREDICATE_MAX
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
extern const char *const spec_predicate_names[SPEC_PREDICATE_MAX];

/** What a decoder takes; how it makes text of it is in decode.h. */
struct spec_decoder {
	const char *name;
	const char *arg; /* what must stand in parentheses, for messages; NULL: nothing may */
	uint32_t sizes;  /* bit n set: takes integers of n bytes */
	bool arrays;     /* takes arrays of 1 to SPEC_MAX_TAG_BYTES single bytes */
};

extern const struct spec_decoder spec_decoders[SPEC_DECODER_MAX];

struct spec_predicate {
	enum spec_predicate_kind kind;
	char *name;   /* tracepoint, type, struct, function or constant */
	char *member; /* SPEC_FIELD: of the struct; SPEC_CONST_HOLDS: the word; else NULL */
	int args;     /* SPEC_TRACEPOINT: wanted number of arguments, -1 = any */
};

enum spec_const_kind {
	SPEC_CONST_NUMBER, /* 5, 0x10, 2^30, yes, no */
	SPEC_CONST_KERNEL_BIT, /* kernel_bit(ENUMERATOR, N): 1 << its value in the kernel's BTF; 1 << N where it has none */
	SPEC_CONST_HAS,   /* has(PREDICATE): 1 where the kernel has it, else 0 */
	SPEC_CONST_CPUS,  /* possible_cpus: CPUs that this host can ever have */
	SPEC_CONST_ENUM,  /* enum(NAME) WORD: the enumerator's value, by the object's BTF */
	SPEC_CONST_FLAGS, /* flags(NAME) WORD...: 1 << each enumerator's value, put together */
	SPEC_CONST_KIND_MAX
};

struct spec_const {
	char *name; /* of the const volatile variable in .rodata */
	enum spec_const_kind kind;
	uint64_t
		number; /* SPEC_CONST_NUMBER; SPEC_CONST_KERNEL_BIT: fallback bit number, 0 to 63 */
	char *enumerator; /* SPEC_CONST_KERNEL_BIT; _ENUM and _FLAGS: the enum's name */
	char *words; /* SPEC_CONST_ENUM: one word; _FLAGS: one or more, a blank between two; else NULL */
	struct spec_predicate has; /* SPEC_CONST_HAS */
	char *place;               /* "file:line" where it was said */
};

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

/** `tracepoint NAME [args N]`, `type NAME`, `field STRUCT.MEMBER`, `function NAME`, `const NAME has WORD`, by commas. */
int specwords_predicates(const char *text,
                         struct spec_predicate ret_predicates[SPEC_MAX_PREDICATES], size_t *ret_n,
                         struct text *why);

/**
 * `5`, `yes`, `possible_cpus`, `kernel_bit(E, N)`, `has(PREDICATE)`, `enum(E) WORD`, `flags(E) WORD...`. Leaves name
 * and place alone. A constant that is an enum or flags already also takes the words alone; `c` keeps its enum then.
 */
int specwords_const(const char *text, struct spec_const *c, struct text *why);

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

/** Frees what the struct owns; it is all zeros afterwards. */
void specwords_free_predicate(struct spec_predicate *predicate);
void specwords_free_const(struct spec_const *c);
