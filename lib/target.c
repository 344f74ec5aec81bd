/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include "url.h"

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

/* What a type adds to a URL. From the receivers' sources: InfluxDB services/httpd/handler.go (1.x),
 * http/write_handler.go (2.x), influxdb3_types/src/write.rs (3.x). */
static const struct type {
	const char *path; /* NULL: the URL is posted to as it is */
	struct parameter {
		const char *name;
		const char *noun; /* for a person */
		size_t offset;    /* of the text in struct config_output */
		bool always;      /* also when it is empty */
	} parameters[2];
	/* With ms and s the only precision that all receivers understand alike. */
	const char *precision;
} types[OUTPUT_TYPE_MAX] = {
	[OUTPUT_INFLUX1] = {"/write",
                            {{"db", "database", offsetof(struct config_output, database), true},
                             {"rp", "retention policy",
                              offsetof(struct config_output, retention_policy), false}},
                            "ns"},
	[OUTPUT_INFLUX2] = {"/api/v2/write",
                            {{"org", "organization", offsetof(struct config_output, organization),
                              false},
                             {"bucket", "bucket", offsetof(struct config_output, bucket), true}},
                            "ns"},
	[OUTPUT_INFLUX3] = {"/api/v3/write_lp",
                            {{"db", "database", offsetof(struct config_output, database), true}},
                            "nanosecond"},
};

static const char *value_of(const struct config_output *config, const struct parameter *p)
{
	return *(char *const *)((const char *)config + p->offset);
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

/* What the URL itself says is not said twice: InfluxDB 3 refuses that. */
static void add_parameters(struct text *out, const char *url, char separator,
                           const struct type *type, const struct config_output *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(type->parameters); i++) {
		const struct parameter *p = &type->parameters[i];

		if (!p->name || !(p->always || *value_of(config, p)) ||
		    url_has_parameter(url, p->name))
			continue;
		add_parameter(out, separator, p->name, value_of(config, p));
		separator = '&';
	}
	add_parameter(out, separator, "precision", type->precision);
}

void target_write_url(struct text *out, const char *url, const struct config_output *config)
{
	assert(out && url && config);

	const struct type *type = &types[config->type];
	size_t socket_len;
	const char *path;

	if (url_socket(url, &socket_len, &path)) {
		/* The host that the receiver is told. */
		text_str(out, "http://localhost");
	} else {
		path = after_host(url);
		text_append(out, url, (size_t)(path - url));
	}
	size_t path_len = strcspn(path, "?#");
	const char *query = path + path_len;
	size_t query_len = strcspn(query, "#");

	/* A slash alone is what browsers add; no receiver takes writes there. */
	if (type->path && path_len <= 1)
		text_str(out, type->path);
	else if (path_len)
		text_append(out, path, path_len);
	else
		text_char(out, '/');
	text_append(out, query, query_len);
	if (type->path)
		add_parameters(out, url, query_len ? '&' : '?', type, config);
}

void target_socket(struct text *out, const char *url)
{
	const char *rest;
	size_t len;

	assert(out && url);
	const char *path = url_socket(url, &len, &rest);
	if (path)
		text_append(out, path, len);
}

void target_label(struct text *out, const char *url)
{
	const char *rest;
	size_t len;

	assert(out && url);
	const char *path = url_socket(url, &len, &rest);
	if (path) {
		text_append(out, url, (size_t)(path - url) + len);
		return;
	}
	const char *end = after_host(url);
	const char *scheme_end = strstr(url, "://");
	const char *host = scheme_end ? scheme_end + 3 : url;
	const char *at = memrchr(host, '@', (size_t)(end - host));

	text_append(out, url, (size_t)(host - url));
	host = at ? at + 1 : host;
	text_append(out, host, (size_t)(end - host));
}

static void describe_url(struct text *out, const char *url)
{
	const char *rest;
	size_t len;

	target_label(out, url);
	if (url_socket(url, &len, &rest))
		text_str(out, *rest ? ":" : "");
	else
		rest = after_host(url);
	text_append(out, rest, strcspn(rest, "?#"));
}

void target_describe(struct text *out, const struct config_output *config)
{
	assert(out && config);
	text_printf(out, "type %s, style %s", output_type_names[config->type],
	            output_style_names[config->style]);
	if (config->type == OUTPUT_FILE)
		text_printf(out, ", appends to %s", config->path);
	if (config->type == OUTPUT_FILE || config->type == OUTPUT_STDOUT)
		return;
	for (size_t i = 0; i < config->urls.n; i++) {
		text_str(out, i ? ", " : ", to ");
		describe_url(out, config->urls.items[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(types[0].parameters); i++) {
		const struct parameter *p = &types[config->type].parameters[i];

		if (p->name && *value_of(config, p))
			text_printf(out, ", %s %s", p->noun, value_of(config, p));
	}
}
