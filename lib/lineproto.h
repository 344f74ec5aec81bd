/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lineproto.h: a point to one line of InfluxDB line protocol, in the subset that every receiver reads alike.
 *
 * Pure. Tags sorted by bytes, the point's own win over global ones of the same key; empty tags left out;
 * integers with `i`, floats as digits.digits, nanosecond stamp, "\n". In tag values `,` `=` and blank are
 * escaped by a backslash; control characters, backslash and bytes that are not UTF-8 become `_`; values are
 * cut at LINEPROTO_MAX_VALUE bytes (at a character's start).
 * Source: the InfluxDB line protocol reference, and reading of seven parsers (which differ on the rest).
 */
#pragma once
#include "config.h"
#include "point.h"
#include "text.h"

/** Half of VictoriaMetrics' label name limit; a longer device name is no name. */
#define LINEPROTO_MAX_VALUE 128
/** VictoriaMetrics' stream mode reads lines up to 256 KiB; ours are under 8 KiB by construction. */
#define LINEPROTO_MAX_LINE 65536

/** Tags on every line of an agent. Made once from configuration and host name. */
struct lineproto_globals {
	struct point_tag tags[CONFIG_MAX_TAGS + 1]; /* sorted by key, unique; borrowed */
	size_t n_tags;
};

/**
 * Sorts, drops empties. @param host  NULL: no tag host; a global tag "host" wins over it
 */
void lineproto_globals_init(struct lineproto_globals *globals, const struct config_pair *tags,
			    size_t n_tags, const char *host);

/**
 * Appends one line.
 * @return 0; -EINVAL: no field, or a measurement/key that is not parse_is_name() (le_ fields and `_other`
 *         values are fine); -E2BIG: longer than LINEPROTO_MAX_LINE; -ENOMEM. On failure out is as before.
 */
int lineproto_append(struct text *out, const struct lineproto_globals *globals,
		     const struct point *point);
