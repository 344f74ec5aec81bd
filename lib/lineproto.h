/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lineproto.h: a point to one line of InfluxDB line protocol, in the subset that every receiver reads alike.
 *
 * Pure. Tags sorted by bytes, each key once: the point's own win over global ones, and the first said over
 * later ones; empty tags left out; integers with `i`, floats as digits.digits, nanosecond stamp, "\n". In tag
 * values `,` `=` and blank are escaped by a backslash; control characters, backslash and bytes that are not
 * UTF-8 become `_`; values are cut at LINEPROTO_MAX_VALUE bytes (at a character's start).
 * Source: the InfluxDB line protocol reference, and reading of seven parsers (which differ on the rest: on a
 * backslash before a blank, on a value that ends in one, on invalid UTF-8, on empty and on doubled tags).
 */
#pragma once
#include "config.h"
#include "point.h"
#include "text.h"

/** Half of VictoriaMetrics' label name limit; a longer device name is no name. */
#define LINEPROTO_MAX_VALUE 128
/** Measurements and keys: two names of PARSE_NAME_MAX, joined, with what a style appends, and to spare; VictoriaMetrics takes 256. */
#define LINEPROTO_MAX_NAME 160
/**
 * VictoriaMetrics' stream mode reads lines up to 256 KiB. The longest that configuration and probes can ask for fits:
 * BUCKET_MAX_SLOTS fields of 45 bytes in style fields, and 42 tags of 323.
 */
#define LINEPROTO_MAX_LINE 65536

/** Tags on every line of an agent. Made once from configuration and host name. */
struct lineproto_globals {
	struct point_tag tags[CONFIG_MAX_TAGS + 1]; /* sorted by key, unique; borrowed */
	size_t n_tags;
};

/**
 * Sorts, drops empties. Of a key said twice the last one wins.
 * @param n_tags  at most CONFIG_MAX_TAGS
 * @param host    NULL: no tag host; a global tag "host" wins over it
 */
void lineproto_globals_init(struct lineproto_globals *globals, const struct config_pair *tags,
                            size_t n_tags, const char *host);

/**
 * Whether a measurement or key may stand in a line unescaped and unquestioned: [A-Za-z][A-Za-z0-9_-]*, up to
 * LINEPROTO_MAX_NAME bytes.
 */
bool lineproto_is_name(const char *s);

/**
 * Appends one line.
 * @return 0; -EINVAL: no field, a measurement or key that is not lineproto_is_name(), or a key "time"
 *         (reserved by every InfluxDB); -E2BIG: longer than LINEPROTO_MAX_LINE; -ENOMEM, or the error that
 *         @p out had. On failure the bytes of out are as before.
 */
int lineproto_append(struct text *out, const struct lineproto_globals *globals,
                     const struct point *point);
