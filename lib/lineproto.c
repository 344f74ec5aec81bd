/* SPDX-License-Identifier: Apache-2.0 */
#include "lineproto.h"

#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* Stands for what a receiver would misread: not a character of the grammar, and visible. */
#define REPLACEMENT '_'

/* Besides its key, a tag has ",", "=" and a value of which every byte is escaped; a field has "," or " ", "=" and "i". */
#define TAG_MOST (2 + 2 * LINEPROTO_MAX_VALUE)
#define FIELD_MOST (3 + DIGITS_MAX_BYTES)
/* " ", and a line feed. */
#define STAMP_MOST (2 + DIGITS_MAX_BYTES)

/* As strcmp(): most keys differ in the first byte, and then it need not be called. */
static int compare_keys(const char *a, const char *b)
{
	return *a != *b ? (unsigned char)*a - (unsigned char)*b : strcmp(a, b);
}

/* Puts a tag where it belongs by its key; of equal keys the one that is there stays. */
static void insert_tag(struct point_tag *tags, size_t *n, const struct point_tag *tag)
{
	size_t at = *n;
	while (at > 0) {
		int order = compare_keys(tags[at - 1].key, tag->key);
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

/* Bytes of a measurement or key that may stand in a line; 0: it may not. */
static size_t name_len(const char *s)
{
	static const bool in_name[UCHAR_MAX + 1] = {
		['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
		['_'] = true,         ['-'] = true,
	};
	size_t len = 0;

	if (!in_name[(unsigned char)*s] || *s == '_' || *s == '-' || (*s >= '0' && *s <= '9'))
		return 0;
	while (in_name[(unsigned char)s[len]])
		if (++len > LINEPROTO_MAX_NAME)
			return 0;
	return s[len] ? 0 : len;
}

bool lineproto_is_name(const char *s)
{
	return name_len(s);
}

static size_t key_len(const char *s)
{
	return *s == 't' && !strcmp(s, "time") ? 0 : name_len(s);
}

/* Adds up the bytes of all tags, escaped at most; 0: a key is none. */
static size_t tags_most(const struct point_tag *tags, size_t n)
{
	size_t most = 1;

	for (size_t i = 0; i < n; i++) {
		size_t len = key_len(tags[i].key);

		if (!len)
			return 0;
		most += len + TAG_MOST;
	}
	return most;
}

/* Bytes that the line has at most; 0: it cannot be sent. */
static size_t line_most(const struct lineproto_globals *globals, const struct point *point)
{
	size_t measurement = name_len(point->measurement);
	size_t tags = tags_most(point->tags, point->n_tags);
	size_t global = tags_most(globals->tags, globals->n_tags);
	size_t most = measurement + tags + global + STAMP_MOST;

	if (!measurement || !tags || !global || !point->n_fields)
		return 0;
	for (size_t i = 0; i < point->n_fields; i++) {
		size_t len = key_len(point->fields[i].key);

		if (!len)
			return 0;
		most += len + FIELD_MOST;
	}
	return most;
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

static char *put(char *to, const char *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

static char *put_value(char *to, const char *value)
{
	size_t written = plain_len(value);

	if (written <= LINEPROTO_MAX_VALUE) {
		to = put(to, value, written);
		value += written;
	} else {
		written = 0;
	}
	while (*value) {
		size_t len = char_len(value);
		bool keep = len && *value != '\\' && !is_control(value, len);

		written += keep ? len : 1;
		if (written > LINEPROTO_MAX_VALUE)
			return to;
		if (*value == ',' || *value == '=' || *value == ' ')
			*to++ = '\\';
		if (keep)
			to = put(to, value, len);
		else
			*to++ = REPLACEMENT;
		value += len ? len : 1;
	}
	return to;
}

static char *put_field(char *to, const struct point_field *field)
{
	to = stpcpy(to, field->key);
	*to++ = '=';
	if (field->type != POINT_INTEGER)
		return digits_decimal(to, field->decimal, field->type == POINT_SECONDS ? 9 : 6);
	to = digits_u64(to, MIN(field->integer, (uint64_t)INT64_MAX));
	*to++ = 'i';
	return to;
}

static char *put_tag(char *to, const struct point_tag *tag)
{
	if (!*tag->value)
		return to;
	*to++ = ',';
	to = stpcpy(to, tag->key);
	*to++ = '=';
	return put_value(to, tag->value);
}

/* Both lists sorted become one. */
static char *put_tags(char *to, const struct lineproto_globals *globals, const struct point *point)
{
	struct point_tag own[POINT_MAX_TAGS];
	size_t n_own = 0, global = 0;

	for (size_t i = 0; i < point->n_tags; i++)
		insert_tag(own, &n_own, &point->tags[i]);
	for (size_t i = 0; i < n_own; i++) {
		int order = 1;

		while (global < globals->n_tags &&
		       (order = compare_keys(globals->tags[global].key, own[i].key)) < 0)
			to = put_tag(to, &globals->tags[global++]);
		global += order == 0;
		to = put_tag(to, &own[i]);
	}
	while (global < globals->n_tags)
		to = put_tag(to, &globals->tags[global++]);
	return to;
}

int lineproto_append(struct text *out, const struct lineproto_globals *globals,
                     const struct point *point)
{
	assert(out && globals && point);
	assert(point->n_tags <= POINT_MAX_TAGS && point->n_fields <= POINT_MAX_FIELDS);

	size_t most = line_most(globals, point), start = out->len;

	if (!most)
		return -EINVAL;
	/* Room for the whole line at once: asking for each of some 30 pieces took half of the time. */
	if (text_reserve(out, most) < 0)
		return out->err;

	char *to = stpcpy(out->data + start, point->measurement);

	to = put_tags(to, globals, point);
	for (size_t i = 0; i < point->n_fields; i++) {
		*to++ = i ? ',' : ' ';
		to = put_field(to, &point->fields[i]);
	}
	*to++ = ' ';
	to = digits_i64(to, point->stamp_ns);
	*to++ = '\n';
	*to = '\0';
	out->len = (size_t)(to - out->data);
	if (out->len - start <= LINEPROTO_MAX_LINE)
		return 0;
	text_truncate(out, start);
	return -E2BIG;
}
