/* SPDX-License-Identifier: Apache-2.0 */
#include "verifierlog.h"

#include "ground.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Lines of a state, of what led to it, of the program itself, of its source. */
static bool is_state(const char *line, size_t len)
{
	static const char *const begin[] = {";",
	                                    " R",
	                                    "R0=",
	                                    "R0_w=",
	                                    "regs=",
	                                    "parent",
	                                    "last_idx",
	                                    "from ",
	                                    "cur state:",
	                                    "old state:",
	                                    "mark_precise:",
	                                    "arg#",
	                                    "verification time",
	                                    "stack depth",
	                                    "reg type unsupported"};
	size_t digits = strspn(line, "0123456789");

	if (!len || (digits && digits < len && line[digits] == ':'))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		if (!strncmp(line, begin[i], strlen(begin[i])))
			return true;
	return false;
}

const char *verifierlog_verdict(const char *log, size_t *ret_len)
{
	assert(log && ret_len);

	const char *end = NULL;

	for (const char *at = log; (at = strstr(at, "\nprocessed ")); at++)
		end = at;
	while (end && end > log) {
		const char *before = memrchr(log, '\n', (size_t)(end - log));
		const char *line = before ? before + 1 : log;

		if (!is_state(line, (size_t)(end - line))) {
			*ret_len = (size_t)(end - line);
			return line;
		}
		end = before;
	}
	return NULL;
}
