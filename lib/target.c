/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

void target_escape(struct text *out, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	assert(out && value);
	/* RFC 3986 section 2.3: all but the unreserved. */
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9') || strchr("-._~", c);

		if (plain) {
			text_char(out, (char)c);
			continue;
		}
		text_char(out, '%');
		text_char(out, hex[c >> 4]);
		text_char(out, hex[c & 15]);
	}
}

/* Where the path or the query begins, or the end. */
static const char *after_host(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return host + strcspn(host, "/?#");
}

static void add_parameter(struct text *out, char separator, const char *key, const char *value)
{
	text_char(out, separator);
	text_str(out, key);
	text_char(out, '=');
	target_escape(out, value);
}

void target_write_url(struct text *out, const char *url, const struct config_output *config)
{
	assert(out && url && config);

	const char *path = after_host(url);
	size_t path_len = strcspn(path, "?#");
	const char *query = path + path_len;
	size_t query_len = strcspn(query, "#");

	text_append(out, url, (size_t)(path - url));
	/* A slash alone is what browsers add; no receiver takes writes there. */
	if (path_len <= 1)
		text_str(out, "/write");
	else
		text_append(out, path, path_len);
	text_append(out, query, query_len);
	add_parameter(out, query_len ? '&' : '?', "db", config->database);
	if (config->retention_policy[0])
		add_parameter(out, '&', "rp", config->retention_policy);
	/* The only precision, with ms and s, that all receivers understand alike. */
	add_parameter(out, '&', "precision", "ns");
}

void target_label(struct text *out, const char *url)
{
	assert(out && url);

	const char *end = after_host(url);
	const char *scheme_end = strstr(url, "://");
	const char *host = scheme_end ? scheme_end + 3 : url;
	const char *at = memrchr(host, '@', (size_t)(end - host));

	text_append(out, url, (size_t)(host - url));
	host = at ? at + 1 : host;
	text_append(out, host, (size_t)(end - host));
}
