/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* Takes over text, which may be NULL when there was no memory for it. */
static void add(struct report *r, enum report_severity severity, char *text)
{
	r->n_errors += severity == REPORT_ERROR;
	r->n_warnings += severity == REPORT_WARNING;
	if (!text || r->n_items == REPORT_MAX_ITEMS) {
		r->n_omitted++;
		free(text);
		return;
	}
	r->items[r->n_items++] = (struct report_item){.severity = severity, .text = text};
}

PRINTF_LIKE(2, 0)
static char *join(const char *place, const char *fmt, va_list args)
{
	CLEANUP_FREE char *message = NULL;
	char *text = NULL;

	/* On failure vasprintf() leaves the pointer undefined. */
	if (vasprintf(&message, fmt, args) < 0) {
		message = NULL;
		return NULL;
	}
	if (!place)
		return TAKE_PTR(message);
	if (asprintf(&text, "%s: %s", place, message) < 0)
		return NULL;
	return text;
}

void report_add(struct report *r, enum report_severity severity, const char *place, const char *fmt,
                ...)
{
	va_list args;

	assert(r && fmt);
	va_start(args, fmt);
	add(r, severity, join(place, fmt, args));
	va_end(args);
}

void report_at(struct report *r, enum report_severity severity, const char *file, uint32_t line,
               const char *fmt, ...)
{
	CLEANUP_FREE char *place = NULL;
	va_list args;

	assert(r && fmt && file);
	if (line && asprintf(&place, "%s:%u", file, line) < 0)
		place = NULL;
	va_start(args, fmt);
	add(r, severity, join(place ? place : file, fmt, args));
	va_end(args);
}

void report_free(struct report *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_items; i++)
		free(r->items[i].text);
	*r = (struct report){0};
}
