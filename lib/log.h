/* SPDX-License-Identifier: Apache-2.0 */
/**
 * log.h: one line to standard error for a person. Only the edges call it.
 *
 * Where standard error is the journal's (JOURNAL_STREAM of systemd.exec(5)) each line starts with its sd-daemon(3)
 * priority "<N>".
 */
#pragma once
#include "report.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_MAX
};

extern const char *const log_level_names[LOG_LEVEL_MAX];

/** Lines above @p level are not printed. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/** Whether a line of that level would be printed. */
int log_wants(enum log_level level);

/** Prints one line; the newline is added. errno is preserved. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Prints all items of a report, says how many it had no room for, and empties it. */
void log_report(struct report *report);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
