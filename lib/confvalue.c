/* SPDX-License-Identifier: Apache-2.0 */
#include "confvalue.h"

#include "parse.h"
#include "url.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t"

void confvalue_free_list(struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct config_list){0};
}

int confvalue_split(const char *text, struct config_list *ret_list)
{
	CLEANUP(confvalue_free_list) struct config_list list = {0};

	for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
		size_t len = strcspn(text, BLANKS);
		char **items = realloc(list.items, (list.n + 1) * sizeof(*items));
		if (!items)
			return -ENOMEM;
		list.items = items;
		list.items[list.n] = strndup(text, len);
		if (!list.items[list.n])
			return -ENOMEM;
		list.n++;
		text += len;
	}
	*ret_list = list;
	list = (struct config_list){0};
	return 0;
}

static void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* The greatest unit that leaves a whole number: bounds are round. */
static void print_amount(struct text *out, const struct config_key *key, uint64_t value)
{
	static const struct unit {
		uint64_t size;
		const char *name;
	} durations[] =
		{{86400000000000, "d"}, {3600000000000, "h"}, {60000000000, "m"}, {1000000000, "s"},
	         {1000000, "ms"},       {1000, "us"},         {1, "ns"}},
	  bytes[] = {{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, ""}},
	  numbers[] = {{1, ""}};
	const struct unit *unit = key->type == CONFIG_DURATION ? durations
	                          : key->type == CONFIG_BYTES  ? bytes
	                                                       : numbers;

	if (!value) {
		text_char(out, '0');
		return;
	}
	while (value % unit->size)
		unit++;
	text_printf(out, "%llu%s", (unsigned long long)(value / unit->size), unit->name);
}

static void print_bounds(struct text *out, const struct config_key *key)
{
	print_amount(out, key, key->min);
	text_str(out, " to ");
	print_amount(out, key, key->max);
}

static int set_text(const struct config_key *key, void *member, const char *text, struct text *why)
{
	(void)why;
	char *copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	char **field = member;
	if (key->type == CONFIG_SECRET)
		free_secret(*field);
	else
		free(*field);
	*field = copy;
	return 0;
}

static int set_bool(const struct config_key *key, void *member, const char *text, struct text *why)
{
	(void)key;
	(void)why;
	return parse_bool(text, member);
}

static int set_tristate(const struct config_key *key, void *member, const char *text,
                        struct text *why)
{
	bool value = false;
	int automatic = !strcmp(text, "auto");

	(void)key;
	(void)why;
	if (!automatic && parse_bool(text, &value))
		return -EINVAL;
	*(int *)member = automatic ? -1 : value;
	return 0;
}

/* DURATION, BYTES, NUMBER, POWER. */
static int set_amount(const struct config_key *key, void *member, const char *text,
                      struct text *why)
{
	uint64_t value;
	int r = key->type == CONFIG_DURATION ? parse_duration(text, &value)
	        : key->type == CONFIG_BYTES  ? parse_bytes(text, &value)
	                                     : parse_u64(text, &value);

	if (r == -EINVAL)
		return r;
	if (r == -ERANGE || (key->max && (value < key->min || value > key->max))) {
		text_str(why, "expected: ");
		print_bounds(why, key);
		return -EINVAL;
	}
	if (key->type == CONFIG_POWER && (value & (value - 1)))
		return -EINVAL;
	*(uint64_t *)member = value;
	return 0;
}

static int check_urls(const struct config_list *list, struct text *why)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *problem = url_problem(list->items[i]);
		if (!problem)
			continue;
		if (list->n > 1)
			text_printf(why, "URL %zu ", i + 1);
		text_str(why, problem);
		return -EINVAL;
	}
	return list->n ? 0 : -EINVAL;
}

static int set_list(const struct config_key *key, void *member, const char *text, struct text *why)
{
	CLEANUP(confvalue_free_list) struct config_list list = {0};
	struct config_list *field = member, old = *field;

	int r = confvalue_split(text, &list);
	if (!r && key->type == CONFIG_URLS)
		r = check_urls(&list, why);
	if (r < 0)
		return r;
	*field = list;
	list = old;
	return 0;
}

/* @s: "0.5"; digits behind the point, at most six. @return millionths, or 0: not such a number */
static uint32_t read_millionths(const char *s)
{
	uint32_t value = 0, digits = 0;

	if (s[0] != '0' || s[1] != '.')
		return 0;
	for (s += 2; *s >= '0' && *s <= '9' && digits < 6; s++, digits++)
		value = value * 10 + (uint32_t)(*s - '0');
	if (*s)
		return 0;
	while (digits++ < 6)
		value *= 10;
	return value;
}

static int set_quantiles(const struct config_key *key, void *member, const char *text,
                         struct text *why)
{
	CLEANUP(confvalue_free_list) struct config_list list = {0};
	struct config_quantiles quantiles = {0};
	uint32_t last = 0;
	int r = confvalue_split(text, &list);

	(void)key;
	if (!r && list.n > CONFIG_MAX_QUANTILES) {
		text_printf(why, "at most %d", CONFIG_MAX_QUANTILES);
		return -EINVAL;
	}
	for (size_t i = 0; i < list.n && !r; i++) {
		uint32_t value = read_millionths(list.items[i]);

		if (value <= last)
			r = -EINVAL;
		quantiles.millionths[quantiles.n++] = last = value;
	}
	if (!r)
		*(struct config_quantiles *)member = quantiles;
	return r;
}

static int set_choice(const struct config_key *key, void *member, const char *text,
                      struct text *why)
{
	(void)why;
	/* All enums of choices are unsigned int to gcc and clang: none has a negative value. */
	for (unsigned int i = 0; i < key->n_choices; i++)
		if (!strcmp(text, key->choices[i])) {
			*(unsigned int *)member = i;
			return 0;
		}
	return -EINVAL;
}

static bool text_equal(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return !strcmp(*x, *y);
}

static bool list_equal(const void *a, const void *b)
{
	const struct config_list *x = a, *y = b;
	bool equal = x->n == y->n;

	for (size_t i = 0; equal && i < x->n; i++)
		equal = !strcmp(x->items[i], y->items[i]);
	return equal;
}

static bool bool_equal(const void *a, const void *b)
{
	return *(const bool *)a == *(const bool *)b;
}

/* Also an enum's: unsigned int, as in set_choice(). */
static bool int_equal(const void *a, const void *b)
{
	return *(const int *)a == *(const int *)b;
}

static bool amount_equal(const void *a, const void *b)
{
	return *(const uint64_t *)a == *(const uint64_t *)b;
}

static bool quantiles_equal(const void *a, const void *b)
{
	const struct config_quantiles *x = a, *y = b;

	return x->n == y->n &&
	       !memcmp(x->millionths, y->millionths, x->n * sizeof(x->millionths[0]));
}

static const struct {
	int (*set)(const struct config_key *key, void *member, const char *text, struct text *why);
	bool (*is_equal)(const void *a, const void *b); /* members */
	const char *form;
} types[CONFIG_TYPE_MAX] = {
	[CONFIG_TEXT] = {set_text, text_equal, "text"},
	[CONFIG_SECRET] = {set_text, text_equal,
                           "text, never printed; ${VAR} takes it from the environment"},
	[CONFIG_BOOL] = {set_bool, bool_equal, "yes or no"},
	[CONFIG_TRISTATE] = {set_tristate, int_equal, "yes, no or auto"},
	[CONFIG_DURATION] = {set_amount, amount_equal, "duration, as 500ms or 1m30s"},
	[CONFIG_BYTES] = {set_amount, amount_equal, "bytes, as 512KiB or 64MiB"},
	[CONFIG_NUMBER] = {set_amount, amount_equal, "number"},
	[CONFIG_POWER] = {set_amount, amount_equal, "power of two"},
	[CONFIG_LIST] = {set_list, list_equal, "list, separated by blanks"},
	[CONFIG_URLS] = {set_list, list_equal, "list of URLs, separated by blanks"},
	[CONFIG_CHOICE] = {set_choice, int_equal, "one of"},
	[CONFIG_QUANTILES] =
		{set_quantiles, quantiles_equal,
                 "rising numbers between 0 and 1, as 0.5 0.999, with at most six decimals"},
};

int confvalue_set(const struct config_key *key, void *base, const char *text, struct text *why)
{
	assert(key && base && text && why && key->type < CONFIG_TYPE_MAX);

	size_t before = why->len;
	int r = types[key->type].set(key, (char *)base + key->offset, text, why);
	if (r == -EINVAL && why->len == before) {
		text_str(why, "expected: ");
		confvalue_describe(key, why);
	}
	return r;
}

bool confvalue_is_equal(const struct config_key *key, const void *a, const void *b)
{
	assert(key && a && b && key->type < CONFIG_TYPE_MAX);

	return types[key->type].is_equal((const char *)a + key->offset,
	                                 (const char *)b + key->offset);
}

void confvalue_clear(const struct config_key *key, void *base)
{
	void *member = (char *)base + key->offset;

	if (key->type == CONFIG_TEXT || key->type == CONFIG_SECRET) {
		char **field = member;
		free_secret(TAKE_PTR(*field));
	} else if (key->type == CONFIG_LIST || key->type == CONFIG_URLS) {
		confvalue_free_list(member);
	}
}

void confvalue_describe(const struct config_key *key, struct text *out)
{
	text_str(out, types[key->type].form);
	for (size_t i = 0; i < key->n_choices; i++)
		text_printf(out, "%s %s", i ? "," : "", key->choices[i]);
	if (key->max) {
		text_str(out, "; ");
		print_bounds(out, key);
	}
}
