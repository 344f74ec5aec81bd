/* SPDX-License-Identifier: Apache-2.0 */
/**
 * confvalue.h: the types of configuration values: from text into a member of a struct, and what may be said.
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_list {
	char **items;
	size_t n;
};

/** At most so many: each is a field of every summary. */
#define CONFIG_MAX_QUANTILES 8

struct config_quantiles {
	uint32_t millionths
		[CONFIG_MAX_QUANTILES]; /* 500000 is the median; rising, none twice, 1 to 999999 */
	size_t n;
};

enum config_type {
	CONFIG_TEXT,     /* char * */
	CONFIG_SECRET,   /* char *, never printed */
	CONFIG_BOOL,     /* bool */
	CONFIG_TRISTATE, /* int: 1, 0, or -1 for "auto" */
	CONFIG_DURATION, /* uint64_t, nanoseconds */
	CONFIG_BYTES,    /* uint64_t */
	CONFIG_NUMBER,   /* uint64_t */
	CONFIG_POWER,    /* uint64_t, a power of two */
	CONFIG_LIST,     /* struct config_list, separated by blanks */
	CONFIG_URLS,     /* the same; each one passes url_problem(), and there is one at least */
	CONFIG_CHOICE,   /* an enum; the text is choices[value] */
	CONFIG_QUANTILES, /* struct config_quantiles, from numbers like 0.5 and 0.999, separated by blanks; "" = none */
	CONFIG_TYPE_MAX
};

/** One row of the table of all keys. */
struct config_key {
	const char *section; /* "agent", "global_tags", "output.*", "probe.*" */
	const char *key;     /* "*" = any name; "const.*" = that prefix and any name */
	enum config_type type;
	const char *default_text;
	const char *doc;            /* one or more sentences, one line */
	const char *example;        /* of keys with "*": a whole line; else NULL */
	uint64_t min, max;          /* of durations in ns, bytes and numbers; max 0 = no bounds */
	const char *const *choices; /* CONFIG_CHOICE */
	size_t n_choices;
	size_t offset; /* into the section's struct */
};

/**
 * Sets the member that @p key stands for.
 * @param base  the section's struct; what the member held is freed
 * @param why   gets what would be right, when the text is wrong; never quotes the text
 * @return 0; -EINVAL (the member is unchanged); -ENOMEM
 */
int confvalue_set(const struct config_key *key, void *base, const char *text, struct text *why);

/** Whether the member is the same in two structs of a section. */
bool confvalue_is_equal(const struct config_key *key, const void *a, const void *b);

/** Frees what the member holds and zeroes it; secrets are overwritten first. */
void confvalue_clear(const struct config_key *key, void *base);

/** Appends the form of the value: "duration, as 500ms or 1m30s; 100ms to 1h". */
void confvalue_describe(const struct config_key *key, struct text *out);

/** Splits at blanks. @return 0 or -ENOMEM; *ret_list is unchanged then, and not freed before. */
int confvalue_split(const char *text, struct config_list *ret_list);

/** Frees the items; the list is empty afterwards. */
void confvalue_free_list(struct config_list *list);
