/* SPDX-License-Identifier: Apache-2.0 */
/**
 * target.h: from a URL of the configuration to the one that is posted to, and to the one that is printed. Pure.
 */
#pragma once
#include "config.h"
#include "text.h"

/**
 * Appends the URL to post line protocol to: its own path, or the type's when it has none; its own query, and the
 * type's behind it.
 *     http://h:8086      ->  http://h:8086/write?db=telegraf&precision=ns
 *     http://h/in?x=y    ->  http://h/in?x=y&db=telegraf&precision=ns
 */
void target_write_url(struct text *out, const char *url, const struct config_output *config);

/** Appends scheme, host and port only: no credentials, nothing long. */
void target_label(struct text *out, const char *url);

/** Percent-encodes the value of a query's parameter. */
void target_escape(struct text *out, const char *value);
