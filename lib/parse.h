/* SPDX-License-Identifier: Apache-2.0 */
/**
 * parse.h: words a person writes, to numbers; and which word was probably meant.
 *
 * All functions take a NUL-terminated text (not NULL), use the whole of it, return 0, or -EINVAL for
 * another form, or -ERANGE for a value outside of what is said; outputs are unchanged on failure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decimal digits, 0x hexadecimal, or A^B (2^30); no sign, no blanks. */
int parse_u64(const char *s, uint64_t *ret_value);

/** Telegraf's durations: one or more of number + unit (ns us µs ms s m h d), as 10s, 1m30s, 1.5h. > 0 only where the caller asks. */
int parse_duration(const char *s, uint64_t *ret_ns);

/** A number with an optional unit B, KiB, MiB, GiB, kB, MB, GB. */
int parse_bytes(const char *s, uint64_t *ret_bytes);

/** yes no true false on off 1 0, in any case. */
int parse_bool(const char *s, bool *ret_value);

/** Of a name, in bytes: [output.NAME] is to fit into the 49 that libinih has for a section. */
#define PARSE_NAME_MAX 42
/** What a name is, in words. */
#define PARSE_NAME_RULE "a letter, then letters, digits, _ and -, at most 42"

/** Whether @p s is a name that may stand in line protocol unescaped: [A-Za-z][A-Za-z0-9_-]*, 1 to PARSE_NAME_MAX bytes. */
bool parse_is_name(const char *s);

/** Whether the bytes are valid UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool parse_is_utf8(const char *s, size_t len);

/**
 * The candidate nearest to @p word by edit distance, if near enough to be meant.
 * @param candidates  n texts, none NULL
 * @return            one of the candidates, or NULL
 */
const char *parse_suggest(const char *word, const char *const *candidates, size_t n);
