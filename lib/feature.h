/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feature.h: what this kernel has, asked of its BTF; never of its version.
 *
 * Pure functions of a BTF. One row of a table per predicate kind of spec.h.
 */
#pragma once
#include "spec.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct btf;

/**
 * Whether the predicate holds.
 * @param predicate  of any kind but SPEC_CONST_HOLDS, which is no question to a kernel
 * @param kernel  BTF of the kernel; NULL: nothing is known, nothing holds
 * @param why     when it does not hold, takes a clause for a person: "this kernel has no tracepoint
 *                block_rq_issue with 1 argument (it has 2)"; may be NULL
 */
bool feature_holds(const struct btf *kernel, const struct spec_predicate *predicate,
                   struct text *why);

/**
 * The value of an enumerator of any enum (also unnamed ones, also 64-bit ones).
 * @return 0; -ENOENT: no such enumerator, or kernel is NULL; ret_value unchanged then
 */
int feature_enumerator(const struct btf *kernel, const char *enumerator, int64_t *ret_value);
