/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* First allocation: most texts are one message or one line. */
#define TEXT_FIRST_CAP 128

void text_free(struct text *t)
{
	if (!t)
		return;
	free(t->data);
	*t = (struct text){0};
}

void text_clear(struct text *t)
{
	assert(t);

	t->len = 0;
	t->err = 0;
	if (t->data)
		t->data[0] = '\0';
}

void text_truncate(struct text *t, size_t len)
{
	assert(t && len <= t->len);

	t->len = len;
	if (t->data)
		t->data[len] = '\0';
}

int text_reserve(struct text *t, size_t more)
{
	assert(t);

	if (t->err)
		return t->err;
	/* len <= TEXT_MAX_BYTES always, so neither side can wrap. */
	if (more > TEXT_MAX_BYTES - t->len)
		return t->err = -E2BIG;
	size_t want = t->len + more + 1;
	if (want <= t->cap)
		return 0;

	size_t cap = MAX(t->cap, (size_t)TEXT_FIRST_CAP);
	while (cap < want)
		cap *= 2;
	char *data = realloc(t->data, cap);
	if (!data)
		return t->err = -ENOMEM;
	data[t->len] = '\0';
	t->data = data;
	t->cap = cap;
	return 0;
}

void text_append_slowly(struct text *t, const void *data, size_t len)
{
	if (!len || text_reserve(t, len) < 0)
		return;
	memcpy(t->data + t->len, data, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_u64(struct text *t, uint64_t value)
{
	char digits[DIGITS_MAX_BYTES];

	text_append(t, digits, (size_t)(digits_u64(digits, value) - digits));
}

void text_i64(struct text *t, int64_t value)
{
	char digits[DIGITS_MAX_BYTES];

	text_append(t, digits, (size_t)(digits_i64(digits, value) - digits));
}

void text_decimal(struct text *t, double value, unsigned int decimals)
{
	char digits[DIGITS_MAX_BYTES];

	text_append(t, digits, (size_t)(digits_decimal(digits, value, decimals) - digits));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len <= 0 || text_reserve(t, (size_t)len) < 0)
		return;

	va_start(args, fmt);
	vsnprintf(t->data + t->len, (size_t)len + 1, fmt, args);
	va_end(args);
	t->len += (size_t)len;
}

const char *text_cstr(const struct text *t)
{
	assert(t);

	return t->data ? t->data : "";
}
