/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lpparse.h: a strict parser of line protocol. It takes only what every receiver reads alike, and says NULL or
 * what is wrong.
 *
 *     line    = name {"," name "=" value} " " field {"," field} " " stamp "\n"
 *     name    = [A-Za-z][A-Za-z0-9_-]*, no key is "time"; tag keys grow strictly by bytes, no field twice
 *     value   = 1 to 128 bytes of UTF-8 without control characters and backslash; "," "=" " " behind a backslash
 *     field   = name "=" (["-"] digits "i" | ["-"] digits "." digits), integers within int64
 *     stamp   = ["-"] digits, within int64
 *
 * It shares no code with what it checks.
 */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LPPARSE_MAX 128

struct lpparse_line {
	char measurement[256];
	struct {
		char key[256];
		char value[256];
	} tags[LPPARSE_MAX];
	size_t n_tags;
	struct {
		char key[256];
		bool is_float;
		int64_t integer;
		double decimal;
	} fields[LPPARSE_MAX];
	size_t n_fields;
	int64_t stamp_ns;
	size_t len; /* bytes taken, with the newline */
};

/** Bytes of the UTF-8 character at @p s, 0 when it is none. @param ret_code its code point */
static inline size_t lpparse_char(const char *s, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80             ? 1
	             : (u[0] & 0xe0) == 0xc0 ? 2
	             : (u[0] & 0xf0) == 0xe0 ? 3
	             : (u[0] & 0xf8) == 0xf0 ? 4
	                                     : 0;
	if (len < 2) {
		*ret_code = u[0];
		return len;
	}
	uint32_t code = u[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (u[i] & 0x3f);
	}
	*ret_code = code;
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return len;
}

static inline bool lpparse_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static inline const char *lpparse_name(const char **s, char *ret_name, size_t size)
{
	static const char more[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	size_t len = strspn(*s, more);

	if (!len || strchr("0123456789_-", **s))
		return "a name does not begin with a letter";
	if (len >= size)
		return "a name is too long";
	memcpy(ret_name, *s, len);
	ret_name[len] = '\0';
	*s += len;
	return NULL;
}

static inline const char *lpparse_value(const char **s, char *ret_value)
{
	size_t n = 0;

	while (!strchr(", =\n", **s)) {
		uint32_t code;
		size_t len = lpparse_char(*s, &code);

		if (len == 1 && code == '\\') {
			++*s;
			if (!**s || !strchr(", =", **s))
				return "a backslash that escapes nothing";
			len = 1;
		} else if (!len) {
			return "a value is not UTF-8";
		} else if (lpparse_is_control(code)) {
			return "a control character in a value";
		}
		if (n + len > 128)
			return "a value is too long";
		memcpy(ret_value + n, *s, len);
		n += len;
		*s += len;
	}
	ret_value[n] = '\0';
	return n ? NULL : "an empty value";
}

static inline const char *lpparse_i64(const char **s, int64_t *ret_value)
{
	const char *digits = *s + (**s == '-');
	size_t n = strspn(digits, "0123456789");
	char *end;

	if (!n || (n > 1 && *digits == '0'))
		return "a number is not decimal";
	errno = 0;
	*ret_value = strtoll(*s, &end, 10);
	if (errno || end != digits + n)
		return "a number does not fit 64 bits";
	*s = end;
	return NULL;
}

static inline const char *lpparse_number(const char **s, struct lpparse_line *line)
{
	const char *digits = *s + (**s == '-');
	size_t whole = strspn(digits, "0123456789");

	if (whole && digits[whole] == '.') {
		size_t decimals = strspn(digits + whole + 1, "0123456789");
		if (!decimals)
			return "a float without decimals";
		line->fields[line->n_fields].is_float = true;
		line->fields[line->n_fields].decimal = strtod(*s, NULL);
		*s = digits + whole + 1 + decimals;
		return NULL;
	}
	const char *wrong = lpparse_i64(s, &line->fields[line->n_fields].integer);
	if (!wrong && *(*s)++ != 'i')
		wrong = "an integer without i";
	return wrong;
}

static inline const char *lpparse_tags(const char **s, struct lpparse_line *line)
{
	const char *wrong;

	for (; **s == ','; line->n_tags++) {
		if (line->n_tags == LPPARSE_MAX)
			return "too many tags";
		char *key = line->tags[line->n_tags].key;
		++*s;
		if ((wrong = lpparse_name(s, key, sizeof(line->tags[0].key))))
			return wrong;
		if (line->n_tags && strcmp(line->tags[line->n_tags - 1].key, key) >= 0)
			return "tags are not sorted, or doubled";
		if (!strcmp(key, "time"))
			return "a tag time";
		if (*(*s)++ != '=')
			return "a tag without =";
		if ((wrong = lpparse_value(s, line->tags[line->n_tags].value)))
			return wrong;
	}
	return NULL;
}

static inline const char *lpparse_fields(const char **s, struct lpparse_line *line)
{
	const char *wrong;

	do {
		if (line->n_fields == LPPARSE_MAX)
			return "too many fields";
		char *key = line->fields[line->n_fields].key;
		++*s;
		if ((wrong = lpparse_name(s, key, sizeof(line->fields[0].key))))
			return wrong;
		for (size_t i = 0; i < line->n_fields; i++)
			if (!strcmp(line->fields[i].key, key))
				return "a field twice";
		if (!strcmp(key, "time"))
			return "a field time";
		if (*(*s)++ != '=')
			return "a field without =";
		if ((wrong = lpparse_number(s, line)))
			return wrong;
		line->n_fields++;
	} while (**s == ',');
	return NULL;
}

/**
 * Parses the first line of @p text.
 * @param ret_line  overwritten; undefined when something is wrong
 * @return          NULL, or what is wrong
 */
static inline const char *lpparse(const char *text, struct lpparse_line *ret_line)
{
	const char *s = text, *wrong;

	memset(ret_line, 0, sizeof(*ret_line));
	if ((wrong = lpparse_name(&s, ret_line->measurement, sizeof(ret_line->measurement))) ||
	    (wrong = lpparse_tags(&s, ret_line)))
		return wrong;
	if (*s != ' ')
		return "no single blank before the fields";
	if ((wrong = lpparse_fields(&s, ret_line)))
		return wrong;
	if (*s++ != ' ')
		return "no single blank before the stamp";
	if ((wrong = lpparse_i64(&s, &ret_line->stamp_ns)))
		return wrong;
	if (*s++ != '\n')
		return "something behind the stamp";
	ret_line->len = (size_t)(s - text);
	return NULL;
}
