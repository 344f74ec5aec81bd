/* SPDX-License-Identifier: Apache-2.0 */
/**
 * report.h: what is wrong with an input, collected by parsers that do not log.
 *
 * One item is one line for a person: place, object, what is wrong, what would be right:
 *     thermograf.ini:14: [output.telegraf] time_out: no such key; did you mean "timeout"?
 */
#pragma once
#include "ground.h"

#include <stdbool.h>
#include <stdint.h>

/** More than this many problems help nobody; the rest is counted. */
#define REPORT_MAX_ITEMS 50

enum report_severity {
	REPORT_NOTE, /* nothing is wrong, or it was said in the item before and this is what would help */
	REPORT_WARNING,
	REPORT_ERROR,
};

struct report_item {
	enum report_severity severity;
	char *text;
};

struct report {
	struct report_item items[REPORT_MAX_ITEMS];
	size_t n_items;
	size_t n_errors;   /* also those that found no room */
	size_t n_warnings; /* the same */
	size_t n_omitted;  /* that found no room (or no memory) */
};

/**
 * Adds one item.
 * @param place  "file:line" or NULL when there is none; put before the text with ": "
 */
void report_add(struct report *r, enum report_severity severity, const char *place, const char *fmt,
                ...) PRINTF_LIKE(4, 5);

/** As report_add(), with the place as file and line; line 0 leaves the line out. */
void report_at(struct report *r, enum report_severity severity, const char *file, uint32_t line,
               const char *fmt, ...) PRINTF_LIKE(5, 6);

/** Frees the texts; the report is empty afterwards. NULL is fine. */
void report_free(struct report *r);
