/* SPDX-License-Identifier: Apache-2.0 */
#include "lineproto.h"

#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Stands for what a receiver would misread: not a character of the grammar, and visible. */
#define REPLACEMENT '_'

/* Puts a tag where it belongs by its key; of equal keys the one that is there stays. */
static void insert_tag(struct point_tag *tags, size_t *n, const struct point_tag *tag)
{
	size_t at = *n;
	while (at > 0) {
		int order = strcmp(tags[at - 1].key, tag->key);
		if (order == 0)
			return;
		if (order < 0)
			break;
		at--;
	}
	memmove(&tags[at + 1], &tags[at], (*n - at) * sizeof(*tags));
	tags[at] = *tag;
	(*n)++;
}

void lineproto_globals_init(struct lineproto_globals *globals, const struct config_pair *tags,
                            size_t n_tags, const char *host)
{
	assert(globals && (tags || !n_tags) && n_tags <= CONFIG_MAX_TAGS);

	globals->n_tags = 0;
	for (size_t i = n_tags; i-- > 0;) {
		struct point_tag tag = {.key = tags[i].key, .value = tags[i].value};
		if (*tag.value)
			insert_tag(globals->tags, &globals->n_tags, &tag);
	}
	if (host && *host)
		insert_tag(globals->tags, &globals->n_tags,
		           &(struct point_tag){.key = "host", .value = host});
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool lineproto_is_name(const char *s)
{
	if (!is_letter(*s))
		return false;

	size_t len = 1;
	while (is_letter(s[len]) || (s[len] >= '0' && s[len] <= '9') || s[len] == '_' ||
	       s[len] == '-')
		if (++len > LINEPROTO_MAX_NAME)
			return false;
	return !s[len];
}

static bool is_key(const char *s)
{
	return lineproto_is_name(s) && strcmp(s, "time") != 0;
}

static bool is_sendable(const struct lineproto_globals *globals, const struct point *point)
{
	bool ok = point->n_fields && lineproto_is_name(point->measurement);
	for (size_t i = 0; ok && i < point->n_fields; i++)
		ok = is_key(point->fields[i].key);
	for (size_t i = 0; ok && i < point->n_tags; i++)
		ok = is_key(point->tags[i].key);
	for (size_t i = 0; ok && i < globals->n_tags; i++)
		ok = is_key(globals->tags[i].key);
	return ok;
}

/* Bytes of the UTF-8 character at @s; 0: there is none. */
static size_t char_len(const char *s)
{
	unsigned char lead = (unsigned char)*s;
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	return strnlen(s, len) == len && parse_is_utf8(s, len) ? len : 0;
}

/* C0, DEL, and C1, which is U+0080 to U+009F. */
static bool is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];

	return len == 1 ? c < 0x20 || c == 0x7f : c == 0xc2 && (unsigned char)s[1] < 0xa0;
}

/* Bytes that leave as they are: nearly all of nearly all values. */
static size_t plain_len(const char *s)
{
	size_t len = 0;

	while (s[len] > ' ' && s[len] < 0x7f && s[len] != ',' && s[len] != '=' && s[len] != '\\')
		len++;
	return len;
}

static void append_value(struct text *out, const char *value)
{
	size_t written = plain_len(value);

	if (written <= LINEPROTO_MAX_VALUE) {
		text_append(out, value, written);
		value += written;
	} else {
		written = 0;
	}
	while (*value) {
		size_t len = char_len(value);
		bool keep = len && *value != '\\' && !is_control(value, len);

		written += keep ? len : 1;
		if (written > LINEPROTO_MAX_VALUE)
			return;
		if (*value == ',' || *value == '=' || *value == ' ')
			text_char(out, '\\');
		if (keep)
			text_append(out, value, len);
		else
			text_char(out, REPLACEMENT);
		value += len ? len : 1;
	}
}

static void append_tag(struct text *out, const struct point_tag *tag)
{
	if (!*tag->value)
		return;
	text_char(out, ',');
	text_str(out, tag->key);
	text_char(out, '=');
	append_value(out, tag->value);
}

/* Two sorted lists into one: the global one is sorted once for all lines. */
static void append_tags(struct text *out, const struct lineproto_globals *globals,
                        const struct point *point)
{
	struct point_tag own[POINT_MAX_TAGS];
	size_t n = 0, g = 0;

	for (size_t i = 0; i < point->n_tags; i++)
		insert_tag(own, &n, &point->tags[i]);
	for (size_t i = 0; i < n; i++) {
		int order = -1;

		while (g < globals->n_tags &&
		       (order = strcmp(globals->tags[g].key, own[i].key)) < 0)
			append_tag(out, &globals->tags[g++]);
		g += g < globals->n_tags && !order;
		append_tag(out, &own[i]);
	}
	while (g < globals->n_tags)
		append_tag(out, &globals->tags[g++]);
}

static void append_field(struct text *out, const struct point_field *field)
{
	text_str(out, field->key);
	text_char(out, '=');
	if (field->type == POINT_INTEGER) {
		text_u64(out, MIN(field->integer, (uint64_t)INT64_MAX));
		text_char(out, 'i');
	} else {
		text_decimal(out, field->decimal, field->type == POINT_SECONDS ? 9 : 6);
	}
}

int lineproto_append(struct text *out, const struct lineproto_globals *globals,
                     const struct point *point)
{
	assert(out && globals && point);
	assert(point->n_tags <= POINT_MAX_TAGS && point->n_fields <= POINT_MAX_FIELDS);

	if (!is_sendable(globals, point))
		return -EINVAL;

	size_t start = out->len;
	text_str(out, point->measurement);
	append_tags(out, globals, point);
	for (size_t i = 0; i < point->n_fields; i++) {
		text_char(out, i ? ',' : ' ');
		append_field(out, &point->fields[i]);
	}
	text_char(out, ' ');
	text_i64(out, point->stamp_ns);
	text_char(out, '\n');

	int r = out->err;
	if (!r && out->len - start > LINEPROTO_MAX_LINE)
		r = -E2BIG;
	if (r)
		text_truncate(out, start);
	return r;
}
