/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols.h"

#include <assert.h>
#include <stdio.h>

/** A name, a newline on each side and NUL; the kernel's are below 512 (KSYM_NAME_LEN). */
#define NEEDLE_BYTES 520

static void add_name(struct symbols *s, const char *name, size_t len)
{
	if (!len)
		return;
	if (!s->names.len)
		text_char(&s->names, '\n');
	text_append(&s->names, name, len);
	text_char(&s->names, '\n');
}

/* Bytes up to a blank or the end. */
static size_t word_len(const char *word, const char *end)
{
	const char *at = word;

	while (at < end && *at != ' ' && *at != '\t')
		at++;
	return (size_t)(at - word);
}

/* "ADDRESS TYPE NAME[\t[MODULE]]"; functions are t and T, weak ones w and W. */
static void add_kallsyms(struct symbols *s, const char *line, const char *end)
{
	const char *type = line + word_len(line, end);

	if (end - type < 4 || type[0] != ' ' || !strchr("tTwW", type[1]) || type[2] != ' ')
		return;
	add_name(s, type + 3, word_len(type + 3, end));
}

/* "kernel/drivers/md/dm-mod.ko", also ".ko.xz" */
static void add_builtin(struct symbols *s, const char *line, const char *end)
{
	const char *slash = memrchr(line, '/', (size_t)(end - line));
	const char *name = slash ? slash + 1 : line;
	const char *dot = memmem(name, (size_t)(end - name), ".ko", 3);
	size_t from = s->names.len;

	if (!dot)
		return;
	add_name(s, name, (size_t)(dot - name));
	for (; from < s->names.len; from++)
		if (s->names.data[from] == '-')
			s->names.data[from] = '_';
}

void symbols_add(struct symbols *s, enum symbols_form form, const char *line, size_t len)
{
	assert(s && line);

	const char *end = line + len;

	switch (form) {
	case SYMBOLS_TRACEABLE:
		add_name(s, line, word_len(line, end));
		break;
	case SYMBOLS_KALLSYMS:
		add_kallsyms(s, line, end);
		break;
	case SYMBOLS_BUILTIN:
		add_builtin(s, line, end);
		break;
	}
}

bool symbols_has(const struct symbols *s, const char *name)
{
	assert(s && name);

	char needle[NEEDLE_BYTES];
	int len = snprintf(needle, sizeof(needle), "\n%s\n", name);

	if (!s->names.len || len < 3 || (size_t)len >= sizeof(needle))
		return false;
	return memmem(s->names.data, s->names.len, needle, (size_t)len);
}

void symbols_free(struct symbols *s)
{
	text_free(&s->names);
}
