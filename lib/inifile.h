/* SPDX-License-Identifier: Apache-2.0 */
/**
 * inifile.h: an INI text to (section, key, value, line), on libinih, with its traps made errors.
 *
 * Pure. What libinih r55 would do silently is reported with file and line instead: lines over 199 bytes
 * (cut into a wrong value and a bogus next line), sections over 49 (cut), keys over 49 (their continuation
 * goes to another key), ":" as a separator, an indented line that holds "=" or starts with "[" (it would be
 * appended to the value above), text after "]", a key twice, a key before the first section, NUL bytes,
 * control characters, text that is not UTF-8. A key or section that was refused takes what belongs to it along.
 * A value may continue on indented lines, which are joined by one blank. " ;" starts a comment, as libinih has
 * it (here also on continuation lines): documented, cannot be told from a value. " #" after a value starts none
 * and is warned of. Empty sections are delivered too. A byte order mark and CR before LF are skipped.
 */
#pragma once
#include "report.h"

#include <stddef.h>
#include <stdint.h>

/** libinih as Debian builds it (INI_MAX_LINE 200, MAX_SECTION 50, MAX_NAME 50), less the NUL. */
#define INIFILE_LINE_MAX 199
#define INIFILE_SECTION_MAX 49
#define INIFILE_NAME_MAX 49
/** A whole joined value: 20 lines of URLs; beyond it is a mistake. */
#define INIFILE_VALUE_MAX 4096
/** A file beyond this is not a configuration. */
#define INIFILE_MAX_BYTES (1u << 20)

struct inifile_entry {
	const char *section;
	const char *key;   /* NULL: the section's header itself */
	const char *value; /* NULL with key */
	uint32_t line;     /* of the key (not of its continuation), from 1 */
};

/**
 * @return 0 to go on, negative errno to stop; problems of the entry go to the caller's own report
 */
typedef int (*inifile_fn)(void *ctx, const struct inifile_entry *entry);

/**
 * Parses one text and calls @p fn for each section and each complete entry, in order.
 *
 * @param name    of the file, for messages
 * @param data    len bytes, not NUL-terminated; not NULL unless len is 0
 * @param report  not NULL; takes what is wrong
 * @return        0; -EINVAL when something was reported (entries before and after were still
 *                delivered, so that all mistakes are found in one run); -E2BIG above
 *                INIFILE_MAX_BYTES (reported); what @p fn returned; -ENOMEM
 */
int inifile_parse(const char *name, const char *data, size_t len, inifile_fn fn, void *ctx,
                  struct report *report);
