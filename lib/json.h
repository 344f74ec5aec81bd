/* SPDX-License-Identifier: Apache-2.0 */
/**
 * json.h: writes JSON (RFC 8259), value by value. Pure.
 *
 *     struct json j = {.out = &text};
 *
 *     json_object(&j, NULL);
 *     json_string(&j, "name", "sda");
 *     json_array(&j, "sizes");
 *     json_u64(&j, NULL, 512);
 *     json_end(&j);
 *     json_end(&j);
 *
 * gives { "name": "sda", "sizes": [512] }, indented. Out of memory shows in out->err.
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/** Objects and arrays in each other. */
#define JSON_MAX_DEPTH 16

struct json {
	struct text *out;
	size_t depth;
	bool is_array[JSON_MAX_DEPTH];
	bool has_members[JSON_MAX_DEPTH];
};

/**
 * Begins an object or an array, up to json_end().
 * @param key  of an object's member; NULL in an array, and for the outermost value
 */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end(struct json *json);

/** Bytes that are not UTF-8 become U+FFFD. @param value  NULL: null */
void json_string(struct json *json, const char *key, const char *value);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
