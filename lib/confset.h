/* SPDX-License-Identifier: Apache-2.0 */
/**
 * confset.h: one section or one key, as text, into a configuration. Pure; a later call overrides an earlier one.
 *
 * What it reports quotes no secret, no URL, and of a value with ${VAR} only what was written.
 */
#pragma once
#include "confkeys.h"

/** Where to, and what for; borrowed. */
struct confset {
	struct config *config; /* agent set to its defaults before */
	/* For ${VAR}; NULL: no variable is set. */
	const char *(*getenv)(const char *name);
	bool file_public; /* everybody can read where the text stands: no place for passwords */
	struct report *report;
};

/**
 * Makes sure that a section is there, with all defaults but `urls`, which stays empty.
 * @param place  "file:line" for messages
 * @return 0, also after reporting; -ENOMEM
 */
int confset_section(const struct confset *set, const char *section, const char *place);

/**
 * Sets a key. In a section that confset_section() refused, nothing happens.
 * @return 0, also after reporting; -ENOMEM
 */
int confset_key(const struct confset *set, const char *section, const char *key, const char *text,
                const char *place);

/**
 * Sets a key to a text that does not stand in a file: ${} means nothing in it, and no message quotes it.
 */
int confset_key_verbatim(const struct confset *set, const char *section, const char *key,
                         const char *text, const char *place);
