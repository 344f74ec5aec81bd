/* SPDX-License-Identifier: Apache-2.0 */
/**
 * httphandle.h: a libcurl handle's settings that stay from request to request: who we are, whom we trust, by which
 * way, with which headers. An edge.
 */
#pragma once
#include "confkeys.h"
#include "redaction.h"

#include <curl/curl.h>

/** Borrowed texts; NULL and "" mean: none. */
struct http_settings {
	const char *user_agent;
	const char *username; /* for basic authentication; "" = none, or as in the URL */
	const char *password;
	const char *authorization; /* the header's value, as "Bearer abc" */
	const struct config_pair *headers;
	size_t n_headers;
	const char *proxy; /* URL; the environment's is never used */
	/* PEM texts. Without tls_ca the system's authorities are trusted. */
	const char *tls_ca, *tls_cert, *tls_key;
	enum tls_version tls_min_version;
	bool insecure_skip_verify;
	uint64_t timeout_ns; /* of a whole request */
};

/** The headers of requests, for each encoding; freed with httphandle_free_headers(). */
struct http_headers {
	struct curl_slist *of[CONTENT_ENCODING_MAX];
};

/** @return 0 or -ENOMEM; *ret is to be freed in both cases */
int httphandle_make_headers(const struct http_settings *settings, struct http_headers *ret);

/** Overwrites them first: they may hold secrets. */
void httphandle_free_headers(struct http_headers *headers);

/** Adds all that must not be printed. @return 0 or -ENOMEM */
int httphandle_collect_secrets(const struct http_settings *settings, struct redaction *out);

/**
 * Gives the handle all settings but the headers; may be called again with others, but a tls_ca then stays needed.
 * @return 0; -ENOMEM; -ENOTSUP: this libcurl has no TLS, or takes no certificates from memory
 */
int httphandle_set(CURL *easy, const struct http_settings *settings);
