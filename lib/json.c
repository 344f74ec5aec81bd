/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <assert.h>

#define REPLACEMENT "\\ufffd"

/* Bytes of the UTF-8 character at s, 1 to 4; 0: there is none (RFC 3629: no overlong forms, no surrogates). */
static size_t utf8_len(const unsigned char *s)
{
	size_t len = s[0] < 0x80   ? 1
	             : s[0] < 0xc2 ? 0
	             : s[0] < 0xe0 ? 2
	             : s[0] < 0xf0 ? 3
	             : s[0] < 0xf5 ? 4
	                           : 0;

	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void write_string(struct text *out, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	text_char(out, '"');
	while (*s) {
		size_t len = utf8_len(s);

		if (!len)
			text_str(out, REPLACEMENT);
		else if (*s == '"' || *s == '\\')
			text_printf(out, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			text_printf(out, "\\u%04x", *s);
		else
			text_append(out, s, len);
		s += len ? len : 1;
	}
	text_char(out, '"');
}

static void indent(struct json *j)
{
	text_char(j->out, '\n');
	for (size_t i = 0; i < j->depth; i++)
		text_str(j->out, "  ");
}

/* What stands before every value. */
static void begin(struct json *j, const char *key)
{
	assert(j && j->out);

	if (!j->depth) {
		assert(!key);
		return;
	}
	assert(j->is_array[j->depth - 1] == !key);
	if (j->has_members[j->depth - 1])
		text_char(j->out, ',');
	j->has_members[j->depth - 1] = true;
	indent(j);
	if (key) {
		write_string(j->out, key);
		text_str(j->out, ": ");
	}
}

static void open(struct json *j, const char *key, bool is_array)
{
	begin(j, key);
	assert(j->depth < JSON_MAX_DEPTH);
	j->is_array[j->depth] = is_array;
	j->has_members[j->depth] = false;
	j->depth++;
	text_char(j->out, is_array ? '[' : '{');
}

void json_object(struct json *j, const char *key)
{
	open(j, key, false);
}

void json_array(struct json *j, const char *key)
{
	open(j, key, true);
}

void json_end(struct json *j)
{
	assert(j && j->depth);

	j->depth--;
	if (j->has_members[j->depth])
		indent(j);
	text_char(j->out, j->is_array[j->depth] ? ']' : '}');
	if (!j->depth)
		text_char(j->out, '\n');
}

void json_string(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		write_string(j->out, value);
	else
		text_str(j->out, "null");
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	begin(j, key);
	text_u64(j->out, value);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	begin(j, key);
	text_i64(j->out, value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	text_str(j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	begin(j, key);
	text_str(j->out, "null");
}
