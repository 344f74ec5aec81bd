/* SPDX-License-Identifier: Apache-2.0 */
/**
 * memberpath.h: where a member stands in a key or a value, by a path as a description writes it: dev, a.b.
 *
 * Pure. Members of unnamed structs are their outer one's. Hostile BTF is an error, never a crash.
 */
#pragma once
#include "btftype.h"
#include "specwords.h"

#include <stdint.h>

/** A key or a value. */
struct memberpath_root {
	const struct btf *btf;
	const char *whole; /* the name of its only member where it is no struct */
	uint32_t type_id;
	const struct btf_type *type; /* set by memberpath_open(), like size */
	uint32_t size;               /* bytes */
};

struct memberpath_place {
	uint32_t offset; /* bytes from the root's start; offset + size lies within it */
	uint32_t size;
	const struct btf_type *type; /* behind typedefs and qualifiers */
};

/**
 * Finds the root's type and size.
 * @param type_id  0: there is none
 * @return 0; -ENOENT: BTF has no such type; -E2BIG: it has no size, or more than @p max_bytes
 */
int memberpath_open(struct memberpath_root *root, const struct btf *btf, uint32_t type_id,
                    const char *whole, uint32_t max_bytes);

/**
 * Follows a path.
 * @param why  takes a clause that continues `tag "devv" `: "is not a member of struct key (dev, op)..."
 * @return 0; -EINVAL with why; ret_place is unchanged then
 */
int memberpath_find(const struct memberpath_root *root, const char *path,
                    struct memberpath_place *ret_place, struct text *why);

/** Bytes of a type, 0 when BTF does not tell. */
uint32_t memberpath_type_size(const struct btf *btf, uint32_t type_id);
