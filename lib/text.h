/* SPDX-License-Identifier: Apache-2.0 */
/**
 * text.h: a growing run of bytes with a sticky error.
 *
 * Appending never needs a check: after the first failure nothing more is appended and `err` stays,
 * so a caller asks once at the end. Memory is kept by text_clear(), so that a buffer used every
 * window allocates nothing in the steady state. Not thread-safe; zero-initialised is empty.
 */
#pragma once
#include "digits.h"
#include "ground.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** Most bytes one text may hold: far above any batch, low enough to stop a runaway. */
#define TEXT_MAX_BYTES (64u << 20)

struct text {
	char *data; /* NUL-terminated once something was appended; else NULL */
	size_t len; /* bytes without the NUL */
	size_t cap;
	int err; /* 0, -ENOMEM, or -E2BIG above TEXT_MAX_BYTES */
};

/** Frees the memory; @p t is empty afterwards and may be used again. NULL is fine. */
void text_free(struct text *t);

/** Empties and forgets the error, keeps the memory. */
void text_clear(struct text *t);

/** Cuts back to @p len bytes (at most the present length): undoes what was appended since. */
void text_truncate(struct text *t, size_t len);

/** Makes room for @p more bytes. @return 0 or the sticky error. */
int text_reserve(struct text *t, size_t more);

/** text_append() where there is no room, or nothing to append. */
void text_append_slowly(struct text *t, const void *data, size_t len);

/* Inline: every row's tags are made of these in every window, and all but one in a million find room. */
static inline void text_append(struct text *t, const void *data, size_t len)
{
	if (!len || t->err || t->cap - t->len <= len) {
		text_append_slowly(t, data, len);
		return;
	}
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
}

static inline void text_str(struct text *t, const char *s)
{
	text_append(t, s, strlen(s));
}

static inline void text_char(struct text *t, char c)
{
	text_append(t, &c, 1);
}

/** As in digits.h. */
void text_u64(struct text *t, uint64_t value);
void text_i64(struct text *t, int64_t value);
void text_decimal(struct text *t, double value, unsigned int decimals);

void text_printf(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** The bytes as a C string, "" when empty; valid until the next call on @p t. */
const char *text_cstr(const struct text *t);
