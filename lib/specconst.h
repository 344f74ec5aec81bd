/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specconst.h: what a probe's description, or the configuration, sets a constant of the object to. Pure.
 *
 * The grammar is thermograf-probe(5).
 */
#pragma once
#include "specpredicate.h"

#include <stdint.h>

#define SPEC_MAX_CONSTS 32 /* per probe */

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

/**
 * Reads a whole value: `5`, `yes`, `possible_cpus`, `kernel_bit(E, N)`, `has(PREDICATE)`, `enum(E) WORD`,
 * `flags(E) WORD...`. Leaves name and place alone. A constant that is an enum or flags already takes only its words,
 * or the same form with the same enum again, and keeps its enum: what another value means is known to nobody.
 * Whether the enum has the words is known to who has the object's BTF.
 * @param c  all zeros but for name and place, or read before
 * @return 0; -EINVAL with a clause in `why`; -ENOMEM; the constant is unchanged on failure
 */
int specconst_read(const char *text, struct spec_const *c, struct text *why);

/** Frees what the struct owns; it is all zeros afterwards. */
void specconst_free(struct spec_const *c);
