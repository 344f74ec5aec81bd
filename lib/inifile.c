/* SPDX-License-Identifier: Apache-2.0 */
#include "inifile.h"

#include "parse.h"
#include "text.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <search.h>
#include <string.h>

/*
 * libinih asks reader() for a line, splits it, and calls handler() before it asks for the next. So the reader
 * sees each line first and hands on only what libinih splits without surprise; anything else is reported
 * and replaced by an empty line. `line` is true for the handler because of this order.
 */
struct inifile {
	const char *name;
	const char *at, *end; /* what is left */
	uint32_t line;        /* the one at libinih now, from 1 */
	bool continued;       /* that one continues the value above */

	bool in_section;   /* a good header came */
	bool skip_section; /* a bad header came: its keys would go astray */
	bool skip_value;   /* a bad key came: its continuation would go to the key before */
	char section[INIFILE_SECTION_MAX + 1];

	/* The entry whose value may go on. */
	bool pending;
	char key[INIFILE_NAME_MAX + 1];
	uint32_t key_line;
	struct text value;

	void *seen; /* tsearch(3) tree of struct seen */
	inifile_fn fn;
	void *ctx;
	int err; /* what stopped it */
	size_t errors;
	struct report *report;
};

/* A key that was set, and where. */
struct seen {
	uint32_t line;
	char id[INIFILE_SECTION_MAX + 1 + INIFILE_NAME_MAX + 1]; /* section "\n" key */
};

static int compare_seen(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->id, ((const struct seen *)b)->id);
}

#define complain(ini, line, ...)                                                        \
	do {                                                                            \
		(ini)->errors++;                                                        \
		report_at((ini)->report, REPORT_ERROR, (ini)->name, line, __VA_ARGS__); \
	} while (0)

/* Whether this key is new in this file; reports when it is not. */
static bool first_time(struct inifile *ini)
{
	CLEANUP_FREE struct seen *seen = calloc(1, sizeof(*seen));
	if (!seen) {
		ini->err = -ENOMEM;
		return false;
	}
	seen->line = ini->key_line;
	strcpy(stpcpy(stpcpy(seen->id, ini->section), "\n"), ini->key);

	struct seen **found = tsearch(seen, &ini->seen, compare_seen);
	if (!found) {
		ini->err = -ENOMEM;
		return false;
	}
	if (*found != seen) {
		complain(ini, ini->key_line, "[%s] %s: already set in line %u; keep one of the two",
		         ini->section, ini->key, (*found)->line);
		return false;
	}
	TAKE_PTR(seen);
	return true;
}

static void deliver(struct inifile *ini, const struct inifile_entry *entry)
{
	if (!ini->err)
		ini->err = ini->fn(ini->ctx, entry);
}

/* The value above is complete: something other than its continuation came. */
static void flush(struct inifile *ini)
{
	if (!ini->pending || ini->err)
		return;
	ini->pending = false;
	if (ini->value.err == -ENOMEM) {
		ini->err = -ENOMEM;
		return;
	}
	if (ini->value.len > INIFILE_VALUE_MAX) {
		complain(ini, ini->key_line, "[%s] %s: value of %zu bytes; at most %d are read",
		         ini->section, ini->key, ini->value.len, INIFILE_VALUE_MAX);
		return;
	}
	if (!first_time(ini))
		return;
	deliver(ini, &(struct inifile_entry){.section = ini->section,
	                                     .key = ini->key,
	                                     .value = text_cstr(&ini->value),
	                                     .line = ini->key_line});
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Length without what libinih takes for a comment: ";" after a blank. */
static size_t code_len(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (s[i] == ';' && is_blank(s[i - 1]))
			return i;
	return len;
}

/* Bytes that no line may hold: they cut it short, or forge lines where it is printed. */
static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

static bool check_bytes(struct inifile *ini, const char *s, size_t len)
{
	if (len > INIFILE_LINE_MAX)
		complain(ini, ini->line,
		         "line of %zu bytes; at most %d are read; continue a long value on "
		         "indented lines",
		         len, INIFILE_LINE_MAX);
	else if (memchr(s, '\0', len))
		complain(ini, ini->line, "NUL byte in the line");
	else if (has_control(s, len))
		complain(ini, ini->line, "control character in the line");
	else if (!parse_is_utf8(s, len))
		complain(ini, ini->line, "not UTF-8");
	else
		return true;
	return false;
}

/* Headers are read here, because libinih tells no section without keys. */
static bool check_section(struct inifile *ini, const char *s, size_t len)
{
	size_t code = code_len(s, len);
	const char *close = memchr(s, ']', code);
	size_t name_len = close ? (size_t)(close - s) - 1 : 0;

	flush(ini);
	ini->skip_section = true;
	ini->skip_value = false;
	while (code && is_blank(s[code - 1]))
		code--;
	if (!close)
		complain(ini, ini->line, "section without \"]\"");
	else if (close != s + code - 1)
		complain(ini, ini->line, "text after \"]\"; begin a new line there");
	else if (!name_len)
		complain(ini, ini->line, "section without a name");
	else if (name_len > INIFILE_SECTION_MAX)
		complain(ini, ini->line, "section name of %zu bytes; at most %d are read", name_len,
		         INIFILE_SECTION_MAX);
	/* A blank inside is the caller's business: [map block_io]. */
	else if (is_blank(s[1]) || is_blank(s[name_len]) || memchr(s + 1, '[', name_len))
		complain(ini, ini->line,
		         "section name that begins or ends with a blank, or holds \"[\"");
	else {
		ini->skip_section = false;
		ini->in_section = true;
		memcpy(ini->section, s + 1, name_len);
		ini->section[name_len] = '\0';
		deliver(ini, &(struct inifile_entry){.section = ini->section, .line = ini->line});
		return true;
	}
	return false;
}

static bool check_continuation(struct inifile *ini, const char *s, size_t len)
{
	if (ini->skip_value)
		return false;
	if (memchr(s, '=', code_len(s, len)) || *s == '[') {
		/* libinih would append "key = value" to the value of the key above. */
		complain(ini, ini->line,
		         "indented line that holds \"=\" or starts with \"[\"; begin it at the "
		         "start of the line");
		ini->skip_value = true;
		return false;
	}
	if (!ini->pending) {
		complain(ini, ini->line, "indented line that continues no value");
		return false;
	}
	ini->continued = true;
	return true;
}

static bool check_key(struct inifile *ini, const char *s, size_t len)
{
	size_t code = code_len(s, len);
	const char *equals = memchr(s, '=', code);
	const char *colon = memchr(s, ':', equals ? (size_t)(equals - s) : code);
	size_t key_len = equals ? (size_t)(equals - s) : 0;

	flush(ini);
	while (key_len && is_blank(s[key_len - 1]))
		key_len--;
	ini->skip_value = true;
	if (colon)
		complain(ini, ini->line, "\":\" before \"=\"; write key = value");
	else if (!equals)
		complain(ini, ini->line, "neither [section] nor key = value");
	else if (!key_len)
		complain(ini, ini->line, "\"=\" without a key before it");
	else if (key_len > INIFILE_NAME_MAX)
		complain(ini, ini->line, "key of %zu bytes; at most %d are read", key_len,
		         INIFILE_NAME_MAX);
	else if (!ini->in_section) {
		complain(ini, ini->line, "%.*s: key before the first [section]", (int)key_len, s);
		ini->skip_section = true;
	} else {
		ini->skip_value = false;
		return true;
	}
	return false;
}

/* Not an error: a password may hold " #". But who wrote it most often meant a comment. */
static void warn_hash(struct inifile *ini, const char *s, size_t len)
{
	for (size_t i = 1; i < code_len(s, len); i++)
		if (s[i] == '#' && is_blank(s[i - 1])) {
			report_at(ini->report, REPORT_WARNING, ini->name, ini->line,
			          "\"#\" after a value starts no comment and belongs to the value; "
			          "\" ;\" does");
			return;
		}
}

/* Whether libinih may see the line, which has no blanks at its end. */
static bool check_line(struct inifile *ini, const char *s, size_t len)
{
	size_t indent = 0;

	ini->continued = false;
	while (indent < len && is_blank(s[indent]))
		indent++;
	if (indent == len || s[indent] == ';' || s[indent] == '#')
		return false; /* nothing that libinih would tell us either */
	if (!check_bytes(ini, s, len)) {
		/* Whatever it was, what continues it must not go elsewhere. */
		if (!indent) {
			flush(ini);
			ini->skip_value = true;
			ini->skip_section |= s[0] == '[';
		}
		return false;
	}
	if (!indent && s[0] == '[')
		return check_section(ini, s, len);
	if (ini->skip_section)
		return false;
	bool good =
		indent ? check_continuation(ini, s + indent, len - indent) : check_key(ini, s, len);
	if (good)
		warn_hash(ini, s, len);
	return good;
}

static char *reader(char *buffer, int size, void *ctx)
{
	struct inifile *ini = ctx;

	if (ini->at == ini->end || ini->err)
		return NULL;
	const char *newline = memchr(ini->at, '\n', (size_t)(ini->end - ini->at));
	size_t len = (size_t)((newline ? newline : ini->end) - ini->at);
	const char *s = ini->at;
	ini->at = newline ? newline + 1 : ini->end;
	ini->line++;
	/* A byte order mark would make the first line a key or continuation. */
	if (ini->line == 1 && len >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) {
		s += 3;
		len -= 3;
	}
	while (len && (is_blank(s[len - 1]) || s[len - 1] == '\r'))
		len--;

	if (!check_line(ini, s, len))
		len = 0;
	/* libinih r55 cuts comments off values, but not off what continues them. */
	if (ini->continued)
		len = code_len(s, len);
	if (len >= (size_t)size) {
		/* This libinih was built with shorter lines than Debian's. */
		complain(ini, ini->line, "line of %zu bytes; this libinih reads %d", len, size - 1);
		ini->skip_value = true;
		len = 0;
	}
	memcpy(buffer, s, len);
	buffer[len] = '\0';
	return buffer;
}

/* libinih's: nonzero to go on. */
static int handler(void *ctx, const char *section, const char *key, const char *value)
{
	struct inifile *ini = ctx;

	(void)section; /* the same as ini->section: check_section() lets only such names pass */
	if (ini->continued) {
		if (ini->value.len && *value)
			text_char(&ini->value, ' ');
	} else {
		text_clear(&ini->value);
		strcpy(ini->key, key); /* check_key() measured it */
		ini->key_line = ini->line;
		ini->pending = true;
	}
	text_str(&ini->value, value);
	return 1;
}

int inifile_parse(const char *name, const char *data, size_t len, inifile_fn fn, void *ctx,
                  struct report *report)
{
	assert(name && (data || !len) && fn && report);

	if (len > INIFILE_MAX_BYTES) {
		report_at(report, REPORT_ERROR, name, 0,
		          "%zu bytes; a configuration has at most %u", len, INIFILE_MAX_BYTES);
		return -E2BIG;
	}
	struct inifile ini = {.name = name,
	                      .at = data,
	                      .end = len ? data + len : data,
	                      .fn = fn,
	                      .ctx = ctx,
	                      .report = report};
	int r = ini_parse_stream(reader, &ini, handler, &ini);
	flush(&ini);
	/* Nothing that libinih refuses should reach it; if it does, say so instead of dropping it. */
	if (r > 0 && !ini.err)
		complain(&ini, (uint32_t)r, "libinih cannot read this line");
	tdestroy(ini.seen, free);
	/* It may have been a password. */
	if (ini.value.data)
		explicit_bzero(ini.value.data, ini.value.cap);
	text_free(&ini.value);
	if (r < 0 && !ini.err)
		ini.err = -ENOMEM;
	return ini.err ? ini.err : ini.errors ? -EINVAL : 0;
}
