/* SPDX-License-Identifier: Apache-2.0 */
/**
 * feature.h: what this kernel has, asked of its BTF; never of its version.
 *
 * Pure functions of what is known of a kernel. One row of a table per predicate kind of spec.h.
 */
#pragma once
#include "spec.h"
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct btf;

/**
 * What is known of a kernel. What stands in other places than its BTF is asked of whoever fills this in, when a
 * predicate wants it: those are long lists.
 */
struct feature_kernel {
	const struct btf *btf; /* NULL: there is none */
	bool foreign_btf;      /* it is of a file: the kernel has none itself */
	const char *btf_path;  /* where libbpf is to find it; NULL: where it looks itself */
	/** BTF of a module, on top of btf. NULL: it is not loaded, or has none. The member may be NULL: none has. */
	const struct btf *(*module_btf)(void *ctx, const char *module);
	/** For SPEC_KPROBE and SPEC_MODULE: as feature_holds(). The member may be NULL: nothing is known of them. */
	bool (*has)(void *ctx, const struct spec_predicate *predicate, struct text *why);
	void *ctx;
};

/**
 * Whether the predicate holds.
 * @param predicate  of any kind but SPEC_CONST_HOLDS, which is no question to a kernel
 * @param kernel  NULL: nothing is known, nothing holds
 * @param why     when it does not hold, takes a clause for a person: "this kernel has no tracepoint
 *                block_rq_issue with 1 argument (it has 2)"; may be NULL
 */
bool feature_holds(const struct feature_kernel *kernel, const struct spec_predicate *predicate,
                   struct text *why);

/**
 * The value of an enumerator of any enum (also unnamed ones, also 64-bit ones) of the kernel's BTF.
 * @return 0; -ENOENT: no such enumerator, or nothing is known; ret_value unchanged then
 */
int feature_enumerator(const struct feature_kernel *kernel, const char *enumerator,
                       int64_t *ret_value);
