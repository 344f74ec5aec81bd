/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fingerprint.h: what a probe was made from, small enough to be kept while it runs: whether a reload has to make it
 * anew. Pure.
 *
 * Hashes of 64 bits each, not cryptographic: two versions of a file are taken for one in 2^64 cases, and who may write
 * these files has no need to make such a case (trusted.h).
 */
#pragma once
#include "confkeys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fingerprint {
	uint64_t description; /* the bytes of NAME.ini */
	uint64_t object;      /* the bytes of NAME.bpf.o */
	uint64_t constants;   /* keys and values of the configuration */
};

/** Of a whole file. */
uint64_t fingerprint_file(const void *bytes, size_t len);

/** Of sorted pairs; where they were set does not matter. */
uint64_t fingerprint_pairs(const struct config_pair *pairs, size_t n);

bool fingerprint_is_equal(const struct fingerprint *a, const struct fingerprint *b);

/** What differs, for a person: "its description", "its object", "its constants"; more than one: the first. NULL: none */
const char *fingerprint_difference(const struct fingerprint *a, const struct fingerprint *b);
