/* SPDX-License-Identifier: Apache-2.0 */
#include "parse.h"

#include "ground.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Longer words are no misspelt keys, and the edit distance costs the square of it. */
#define SUGGEST_MAX_BYTES 64
/* More edits than this are another word. */
#define SUGGEST_MAX_EDITS 3

struct unit {
	const char *name;
	uint64_t factor;
};

/* isdigit() and friends depend on the locale; these do not. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Digits of that base from *s on; *s stands behind them. -EINVAL when there is none. */
static int digits(const char **s, unsigned int base, uint64_t *ret_value)
{
	const char *p = *s;
	uint64_t value = 0;
	bool overflow = false;

	for (int d; (d = hex_digit(*p)) >= 0 && d < (int)base; p++)
		overflow |= __builtin_mul_overflow(value, (uint64_t)base, &value) ||
		            __builtin_add_overflow(value, (uint64_t)d, &value);
	if (p == *s)
		return -EINVAL;
	*s = p;
	*ret_value = value;
	return overflow ? -ERANGE : 0;
}

static int power(uint64_t base, uint64_t exponent, uint64_t *ret_value)
{
	uint64_t value = 1;

	if (base < 2) {
		*ret_value = exponent ? base : 1;
		return 0;
	}
	for (; exponent; exponent--) /* at most 64 rounds: base >= 2 */
		if (__builtin_mul_overflow(value, base, &value))
			return -ERANGE;
	*ret_value = value;
	return 0;
}

int parse_u64(const char *s, uint64_t *ret_value)
{
	assert(s && ret_value);

	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	if (hex)
		s += 2;
	uint64_t value = 0;
	int r = digits(&s, hex ? 16 : 10, &value);
	if (r == -EINVAL)
		return r;
	if (*s == '^' && !hex) {
		uint64_t exponent = 0;
		s++;
		int rr = digits(&s, 10, &exponent);
		if (rr == -EINVAL || *s)
			return -EINVAL;
		if (r < 0 || rr < 0)
			return -ERANGE;
		return power(value, exponent, ret_value);
	}
	if (*s)
		return -EINVAL;
	if (r < 0)
		return r;
	*ret_value = value;
	return 0;
}

/* Adds (whole + fraction digits) * factor; the fraction is cut, not rounded, as Go does. */
static int add_scaled(uint64_t whole, const char *fraction, size_t n_fraction, uint64_t factor,
                      uint64_t *total)
{
	uint64_t value;

	if (__builtin_mul_overflow(whole, factor, &value))
		return -ERANGE;
	/* 18 digits: below a nanosecond of a day; more change nothing. */
	unsigned __int128 numerator = 0;
	uint64_t denominator = 1;
	for (size_t i = 0; i < n_fraction && i < 18; i++) {
		numerator = numerator * 10 + (unsigned int)(fraction[i] - '0');
		denominator *= 10;
	}
	uint64_t part = (uint64_t)(numerator * factor / denominator);
	if (__builtin_add_overflow(value, part, &value) ||
	    __builtin_add_overflow(*total, value, total))
		return -ERANGE;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name,
                                    size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(units[i].name) == len && !memcmp(units[i].name, name, len))
			return &units[i];
	return NULL;
}

/* One number + unit; *s stands behind it. */
static int duration_part(const char **s, uint64_t *total)
{
	/* The micro sign (U+00B5) and the Greek letter (U+03BC), both as in Go. */
	static const struct unit units[] = {
		{"ns", 1},           {"us", 1000},         {"\xc2\xb5s", 1000},
		{"\xce\xbcs", 1000}, {"ms", 1000000},      {"s", 1000000000},
		{"m", 60000000000},  {"h", 3600000000000}, {"d", 86400000000000},
	};
	uint64_t whole = 0;

	int r = digits(s, 10, &whole);
	if (r == -EINVAL && **s != '.')
		return r;
	bool has_whole = r != -EINVAL;
	const char *fraction = *s;
	size_t n_fraction = 0;
	if (**s == '.') {
		fraction = ++*s;
		while (is_digit(**s))
			++*s;
		n_fraction = (size_t)(*s - fraction);
	}
	if (!has_whole && !n_fraction)
		return -EINVAL;

	size_t len = 0;
	while ((*s)[len] && !is_digit((*s)[len]) && (*s)[len] != '.')
		len++;
	const struct unit *unit = find_unit(units, ARRAY_SIZE(units), *s, len);
	if (!unit)
		return -EINVAL;
	*s += len;
	return r == -ERANGE ? r : add_scaled(whole, fraction, n_fraction, unit->factor, total);
}

int parse_duration(const char *s, uint64_t *ret_ns)
{
	assert(s && ret_ns);

	uint64_t total = 0;
	bool out_of_range = false;
	if (!strcmp(s, "0")) {
		*ret_ns = 0;
		return 0;
	}
	do {
		int r = duration_part(&s, &total);
		if (r == -EINVAL)
			return r;
		out_of_range |= r < 0;
	} while (*s);
	/* Time stamps are signed. */
	if (out_of_range || total > INT64_MAX)
		return -ERANGE;
	*ret_ns = total;
	return 0;
}

int parse_bytes(const char *s, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{"", 1},          {"B", 1},     {"KiB", 1 << 10}, {"MiB", 1 << 20},
		{"GiB", 1 << 30}, {"kB", 1000}, {"MB", 1000000},  {"GB", 1000000000},
	};
	uint64_t number = 0;

	assert(s && ret_bytes);
	int r = digits(&s, 10, &number);
	if (r == -EINVAL)
		return r;
	const struct unit *unit = find_unit(units, ARRAY_SIZE(units), s, strlen(s));
	if (!unit)
		return -EINVAL;
	if (r < 0 || __builtin_mul_overflow(number, unit->factor, &number))
		return -ERANGE;
	*ret_bytes = number;
	return 0;
}

int parse_bool(const char *s, bool *ret_value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"yes", true}, {"no", false},  {"true", true}, {"false", false},
		{"on", true},  {"off", false}, {"1", true},    {"0", false},
	};

	assert(s && ret_value);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(s, words[i].word))
			continue;
		*ret_value = words[i].value;
		return 0;
	}
	return -EINVAL;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool parse_is_name(const char *s)
{
	assert(s);

	size_t len = 0;
	for (; s[len]; len++) {
		char c = s[len];
		if (!is_letter(c) && (len == 0 || (!is_digit(c) && c != '_' && c != '-')))
			return false;
	}
	return len >= 1 && len <= PARSE_NAME_MAX;
}

/* Bytes of the sequence that lead byte b starts, and the range of its second byte
 * (Unicode standard, table 3-7: this is what forbids overlong forms, surrogates and > U+10FFFF). */
static size_t utf8_sequence(uint8_t b, uint8_t *lo, uint8_t *hi)
{
	*lo = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
	*hi = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
	if (b < 0x80)
		return 1;
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if (b >= 0xe0 && b <= 0xef)
		return 3;
	if (b >= 0xf0 && b <= 0xf4)
		return 4;
	return 0;
}

bool parse_is_utf8(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	for (size_t i = 0, n; i < len; i += n) {
		uint8_t lo, hi;
		n = utf8_sequence(p[i], &lo, &hi);
		if (!n || n > len - i)
			return false;
		for (size_t k = 1; k < n; k++, lo = 0x80, hi = 0xbf)
			if (p[i + k] < lo || p[i + k] > hi)
				return false;
	}
	return true;
}

/* Optimal string alignment: insert, delete, change, and swap of neighbours, each 1; case counts nothing. */
static unsigned int edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int rows[3][SUGGEST_MAX_BYTES + 1];

	for (unsigned int j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (unsigned int i = 1; i <= a_len; i++) {
		unsigned int *now = rows[i % 3], *last = rows[(i + 2) % 3],
			     *before = rows[(i + 1) % 3];
		now[0] = i;
		for (unsigned int j = 1; j <= b_len; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);
			now[j] = MIN(last[j - 1] + (x != y), MIN(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				now[j] = MIN(now[j], before[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *parse_suggest(const char *word, const char *const *candidates, size_t n)
{
	assert(word && (candidates || !n));

	size_t len = strlen(word);
	if (len < 2 || len > SUGGEST_MAX_BYTES)
		return NULL;
	/* A third of the word may be wrong: "ulrs" means urls, "host" means nothing. */
	unsigned int best = (unsigned int)MIN((len + 2) / 3, (size_t)SUGGEST_MAX_EDITS) + 1;
	const char *found = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t candidate_len = strlen(candidates[i]);
		if (candidate_len > SUGGEST_MAX_BYTES)
			continue;
		unsigned int d = edits(word, len, candidates[i], candidate_len);
		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
