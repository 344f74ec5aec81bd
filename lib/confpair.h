/* SPDX-License-Identifier: Apache-2.0 */
/**
 * confpair.h: sorted arrays of keys and values with the places where they were set: tags, constants, headers. Pure.
 */
#pragma once
#include "confkeys.h"

/**
 * Sets or replaces a pair; all texts are copied.
 * @param pairs    the array and its length @p n; NULL and 0 at first; freed with confpair_free()
 * @param compare  as strcmp(): the order, and what is the same key
 * @return 0; -ENOSPC: there are @p max others; -ENOMEM. Nothing is changed on failure.
 */
int confpair_set(struct config_pair **pairs, size_t *n,
                 int (*compare)(const char *a, const char *b), size_t max, const char *key,
                 const char *value, const char *place);

/** Whether two arrays hold the same keys with the same values; where they were set does not matter. */
bool confpair_are_equal(const struct config_pair *a, size_t n_a, const struct config_pair *b,
                        size_t n_b);

/** Frees the array and its texts, values overwritten first: those of headers may be secrets. */
void confpair_free(struct config_pair *pairs, size_t n);
