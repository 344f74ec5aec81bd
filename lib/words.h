/* SPDX-License-Identifier: Apache-2.0 */
/**
 * words.h: a value cut into words and signs, and taken one by one; with what is wrong, in a clause.
 *
 * Pure. "op enum(block_op)" is the words  op  enum  (  block_op  ). Functions that can fail return 0; -EINVAL
 * with a clause in `why`; or -ENOMEM. Outputs are unchanged on failure.
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Words and signs in one value: four predicates of five words, and room. */
#define WORDS_MAX 40
/** Bytes of a C identifier: the kernel's KSYM_NAME_LEN (5.10), less the NUL. */
#define WORDS_IDENTIFIER_MAX 127

struct words {
	char *memory;
	const char *word[WORDS_MAX];
	size_t n;
	size_t at; /* the next one */
};

/** @param words  all zeros before; words_free() also on failure */
int words_split(const char *text, struct words *words, struct text *why);
void words_free(struct words *words);

/** The next word, "" at the end. Lives as long as `words`. */
const char *words_peek(const struct words *words);
const char *words_take(struct words *words);
/** Takes the next word if it is that one. */
bool words_take_if(struct words *words, const char *word);

/** Takes exactly that sign: one of ( ) , = */
int words_expect(struct words *words, const char *sign, struct text *why);
/** Nothing may be left. */
int words_expect_end(const struct words *words, struct text *why);

/** One of a table's names. @return its index; -EINVAL with why, which tells them and suggests one */
int words_choose(struct words *words, const char *what, const char *const *names, size_t n,
                 struct text *why);
/** A C identifier. @param ret  the caller's */
int words_take_identifier(struct words *words, const char *what, char **ret, struct text *why);
/** A number as parse_u64() reads it, within bounds. */
int words_take_number(struct words *words, const char *what, uint64_t min, uint64_t max,
                      uint64_t *ret, struct text *why);

/** [A-Za-z_][A-Za-z0-9_]*, 1 to WORDS_IDENTIFIER_MAX bytes. */
bool words_is_identifier(const char *s);
/** Identifiers, 1 to @p max, with dots between them. */
bool words_is_path(const char *s, size_t max);

/** Whether a word is in a list with a blank between two. @param words  NULL: an empty one */
bool words_has(const char *words, const char *word, size_t len);

/** One of a table's keys. @return its index; -EINVAL with why, which suggests one */
int words_find_key(const char *key, const char *const *names, size_t n, struct text *why);

/** "expected WHAT, not "FOUND"" or "WHAT is missing". @return -EINVAL */
int words_fail_expected(struct text *why, const char *what, const char *found);
/** Appends `; did you mean "X"?` when one of the candidates is near. */
void words_suggest(struct text *why, const char *word, const char *const *candidates, size_t n);
