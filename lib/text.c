/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* First allocation: most texts are one message or one line. */
#define TEXT_FIRST_CAP 128
/* Beyond this a double has no decimals left, and it fits an i64 of every receiver. */
#define TEXT_DECIMAL_MAX 1e18

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
	char digits[20]; /* UINT64_MAX has 20 */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	text_append(t, digits + at, sizeof(digits) - at);
}

void text_i64(struct text *t, int64_t value)
{
	/* Negating as unsigned: -INT64_MIN is no int64_t. */
	if (value < 0)
		text_char(t, '-');
	text_u64(t, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void text_decimal(struct text *t, double value, unsigned int decimals)
{
	static const double scales[TEXT_MAX_DECIMALS + 1] = {1,   1e1, 1e2, 1e3, 1e4,
	                                                     1e5, 1e6, 1e7, 1e8, 1e9};

	assert(decimals && decimals <= TEXT_MAX_DECIMALS);
	if (!isfinite(value))
		value = 0;
	double size = MIN(fabs(value), TEXT_DECIMAL_MAX);
	uint64_t whole = (uint64_t)size;
	uint64_t part = (uint64_t)((size - (double)whole) * scales[decimals] + 0.5);
	if (part == (uint64_t)scales[decimals]) {
		whole++;
		part = 0;
	}

	char digits[TEXT_MAX_DECIMALS];
	for (size_t i = decimals; i-- > 0; part /= 10)
		digits[i] = (char)('0' + part % 10);
	size_t n = decimals;
	while (n > 1 && digits[n - 1] == '0')
		n--;

	/* No "-0.0": the sign of what rounds to nothing says nothing. */
	if (value < 0 && (whole || n > 1 || digits[0] != '0'))
		text_char(t, '-');
	text_u64(t, whole);
	text_char(t, '.');
	text_append(t, digits, n);
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
