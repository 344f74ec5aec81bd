/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/** Signs that are a word each, wherever they stand. */
#define SIGNS "(),="
#define BLANKS " \t"

bool words_is_identifier(const char *s)
{
	size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return len && len <= WORDS_IDENTIFIER_MAX && !s[len] && !(*s >= '0' && *s <= '9');
}

void words_free(struct words *w)
{
	free(w->memory);
}

int words_split(const char *text, struct words *w, struct text *why)
{
	/* A text of nothing but signs doubles. */
	char *to = w->memory = malloc(2 * strlen(text) + 1);

	if (!to)
		return -ENOMEM;
	for (const char *from = text + strspn(text, BLANKS); *from; from += strspn(from, BLANKS)) {
		size_t n = strcspn(from, BLANKS SIGNS);

		if (!n)
			n = 1; /* a sign */
		if (w->n == WORDS_MAX) {
			text_printf(why, "more than %d words", WORDS_MAX);
			return -EINVAL;
		}
		w->word[w->n++] = to;
		to = mempcpy(to, from, n);
		*to++ = '\0';
		from += n;
	}
	return 0;
}

const char *words_peek(const struct words *w)
{
	return w->at < w->n ? w->word[w->at] : "";
}

const char *words_take(struct words *w)
{
	return w->at < w->n ? w->word[w->at++] : "";
}

bool words_take_if(struct words *w, const char *word)
{
	if (strcmp(words_peek(w), word) != 0)
		return false;
	w->at++;
	return true;
}

int words_fail_expected(struct text *why, const char *what, const char *found)
{
	if (*found)
		text_printf(why, "expected %s, not \"%s\"", what, found);
	else
		text_printf(why, "%s is missing", what);
	return -EINVAL;
}

int words_expect(struct words *w, const char *sign, struct text *why)
{
	char what[4] = {'"', sign[0], '"'};

	return words_take_if(w, sign) ? 0 : words_fail_expected(why, what, words_peek(w));
}

int words_expect_end(const struct words *w, struct text *why)
{
	if (w->at == w->n)
		return 0;
	text_printf(why, "nothing may follow here, but \"%s\" does", words_peek(w));
	return -EINVAL;
}

void words_suggest(struct text *why, const char *word, const char *const *candidates, size_t n)
{
	const char *guess = parse_suggest(word, candidates, n);

	if (guess)
		text_printf(why, "; did you mean \"%s\"?", guess);
}

int words_choose(struct words *w, const char *what, const char *const *names, size_t n,
                 struct text *why)
{
	const char *word = words_take(w);

	for (size_t i = 0; i < n; i++) {
		if (*word && !strcmp(word, names[i]))
			return (int)i;
	}
	words_fail_expected(why, what, word);
	const char *before = " (";

	for (size_t i = 0; i < n; i++) {
		if (!*names[i])
			continue;
		text_printf(why, "%s%s", before, names[i]);
		before = ", ";
	}
	text_char(why, ')');
	words_suggest(why, word, names, n);
	return -EINVAL;
}

int words_take_identifier(struct words *w, const char *what, char **ret, struct text *why)
{
	const char *word = words_take(w);

	if (!words_is_identifier(word))
		return words_fail_expected(why, what, word);
	char *copy = strdup(word);

	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int words_take_number(struct words *w, const char *what, uint64_t min, uint64_t max, uint64_t *ret,
                      struct text *why)
{
	const char *word = words_take(w);
	uint64_t value;

	if (!*word || parse_u64(word, &value))
		return words_fail_expected(why, what, word);
	if (value < min || value > max) {
		text_printf(why, "%s: %s is not in %llu to %llu", what, word,
		            (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

bool words_is_path(const char *word, size_t max)
{
	char part[WORDS_IDENTIFIER_MAX + 1];

	for (size_t n = 0; n < max; n++) {
		size_t len = strcspn(word, ".");

		if (len >= sizeof(part))
			return false;
		memcpy(part, word, len);
		part[len] = '\0';
		if (!words_is_identifier(part))
			return false;
		if (!word[len])
			return true;
		word += len + 1;
	}
	return false;
}

bool words_has(const char *words, const char *word, size_t len)
{
	for (; words; words = strchr(words, ' ')) {
		words += *words == ' ';
		if (!strncmp(words, word, len) && (!words[len] || words[len] == ' '))
			return true;
	}
	return false;
}

int words_find_key(const char *key, const char *const *names, size_t n, struct text *why)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(key, names[i]))
			return (int)i;
	}
	text_str(why, "no such key");
	words_suggest(why, key, names, n);
	return -EINVAL;
}
