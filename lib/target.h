/* SPDX-License-Identifier: Apache-2.0 */
/**
 * target.h: from a URL of the configuration to the one that is posted to, and to the one that is printed. Pure.
 */
#pragma once
#include "config.h"
#include "text.h"

/**
 * Appends the URL to post line protocol to: its own path, or the type's when it has none; its own query, and
 * behind it what it lacks of the type's. type = http adds nothing.
 *     influx1  http://h:8086          ->  http://h:8086/write?db=telegraf&precision=ns
 *     influx1  http://h/in?x=y        ->  http://h/in?x=y&db=telegraf&precision=ns
 *     influx2  http://h:8086          ->  http://h:8086/api/v2/write?org=o&bucket=b&precision=ns
 *     influx3  http://h:8181          ->  http://h:8181/api/v3/write_lp?db=telegraf&precision=nanosecond
 *     http     unix:///run/t.sock:/in ->  http://localhost/in
 */
void target_write_url(struct text *out, const char *url, const struct config_output *config);

/** Appends the path of the socket of a unix:// URL; nothing for another. */
void target_socket(struct text *out, const char *url);

/** Appends scheme, host and port only, or the socket: no credentials, nothing long. */
void target_label(struct text *out, const char *url);

/**
 * Appends what an output is, for a person: "type influx1, style influx, to http://h:8086, database telegraf". Of a
 * URL with a path that, too; never a query, which may hold a key.
 */
void target_describe(struct text *out, const struct config_output *config);

/** Percent-encodes the value of a query's parameter. */
void target_escape(struct text *out, const char *value);
