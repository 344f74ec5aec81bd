/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specpredicate.h: what a probe's description may ask for with `when` and has(..).
 *
 * Pure. Functions that can fail return 0; -EINVAL with a clause for a person in `why`; or -ENOMEM. Outputs are
 * unchanged on failure. Texts in outputs are the caller's. The grammar is thermograf-probe(5).
 */
#pragma once
#include "words.h"

#include <stddef.h>

#define SPEC_MAX_PREDICATES 4 /* per program or map */
/** BPF programs take no more arguments from a tracepoint (MAX_BPF_FUNC_ARGS). */
#define SPEC_MAX_ARGS 12

enum spec_predicate_kind {
	SPEC_TRACEPOINT, /* tracepoint NAME [args N] [in MODULE] */
	SPEC_TYPE,       /* type NAME [in MODULE] */
	SPEC_FIELD,      /* field STRUCT.MEMBER [in MODULE] */
	SPEC_FUNCTION,   /* function NAME [in MODULE] */
	SPEC_KPROBE,     /* kprobe NAME: of a function that can be traced, in any module */
	SPEC_MODULE,     /* module NAME: is loaded, or part of the kernel */
	SPEC_CONST_HOLDS, /* const NAME has WORD [or WORD]..: of the probe's own [const], as the configuration left it */
	SPEC_PREDICATE_MAX
};

extern const char *const spec_predicate_names[SPEC_PREDICATE_MAX];

struct spec_predicate {
	enum spec_predicate_kind kind;
	char *name; /* tracepoint, type, struct, function, module or constant */
	char *member; /* SPEC_FIELD: of the struct; SPEC_CONST_HOLDS: the words, a blank between two; else NULL */
	char *module; /* whose BTF is asked after the kernel's; NULL: none */
	int args;     /* SPEC_TRACEPOINT: wanted number of arguments, -1 = any */
};

/** Takes one, in the words of enum spec_predicate_kind. */
int specpredicate_take(struct words *words, struct spec_predicate *ret, struct text *why);

/** Reads a whole value: one to SPEC_MAX_PREDICATES of them, by commas. */
int specpredicate_read(const char *text, struct spec_predicate ret_predicates[SPEC_MAX_PREDICATES],
                       size_t *ret_n, struct text *why);

/** Frees what the struct owns; it is all zeros afterwards. */
void specpredicate_free(struct spec_predicate *predicate);
