/* SPDX-License-Identifier: Apache-2.0 */
/**
 * enumtext.h: the names of an enum as tag values, from BTF: BLOCK_OP_READ becomes "read".
 *
 * What all enumerators begin with is stripped up to and with an underscore, the rest is lower case. A lone
 * enumerator keeps what follows its last underscore. Pure.
 */
#pragma once
#include "text.h"

#include <stddef.h>
#include <stdint.h>

struct btf;

struct enumtext_name {
	uint64_t value; /* the bits of a member that holds it, read as an unsigned number */
	char *text;
};

struct enumtext {
	struct enumtext_name *names; /* in the order of the enum */
	size_t n;
};

/**
 * Reads an enum.
 * @param member_size  bytes of the member that will hold its values: 1, 2, 4 or 8; what does not fit is left out
 * @param ret_names    all zeros before; freed with enumtext_free() also on failure
 * @param why          takes a clause: "wants enum block_opp, which the object's BTF does not have; did.."
 * @return 0; -EINVAL with why: no such enum; -ENOMEM
 */
int enumtext_load(const struct btf *btf, const char *name, uint32_t member_size,
                  struct enumtext *ret_names, struct text *why);

/** The text of a value (the first one of several), or NULL. */
const char *enumtext_find(const struct enumtext *names, uint64_t value);

void enumtext_free(struct enumtext *names);
