/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specprogram.h: the section [program NAME] of a probe's description: on which kernels a program runs, and when.
 *
 * Pure. The grammar is thermograf-probe(5).
 */
#pragma once
#include "specpredicate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spec_program {
	char *name;                                      /* of the function in the object */
	struct spec_predicate when[SPEC_MAX_PREDICATES]; /* all must hold */
	size_t n_when;
	uint32_t when_line;
	bool optional; /* group = optional: the probe runs without it */
	char *one_of;  /* group = one-of NAME: the first that can run does; else NULL */
	bool before_read; /* run = before-read: not attached; the agent runs it before each read of the maps */
	uint32_t line;
};

/**
 * Takes one key of the section. No key comes twice (inifile.h).
 * @return 0; -EINVAL with a clause in `why`; -ENOMEM; the program is unchanged on failure
 */
int specprogram_set(struct spec_program *program, const char *key, const char *value, uint32_t line,
                    struct text *why);

/** Frees what the struct owns. */
void specprogram_free(struct spec_program *program);
