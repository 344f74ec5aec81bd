/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http.h: POSTs on libcurl's multi interface, driven by our poller. An edge; does not judge answers.
 *
 * Bodies go through a read function without a seek function: libcurl then cannot silently send a request
 * twice on a fresh connection (lib/transfer.c Curl_retry_request), which would count twice at some receivers.
 * The process must ignore SIGPIPE: a TLS library may write to a connection that was reset.
 */
#pragma once
#include "batch.h"
#include "httphandle.h"
#include "poller.h"

#include <stdbool.h>
#include <stdint.h>

/** Of an answer's body this much is kept: enough for every receiver's message. */
#define HTTP_BODY_MAX 2048

struct http;
struct http_client;

/** What the client proves itself with is struck out. Its texts are valid until the client's next http_post() or http_client_free(). */
struct http_result {
	int transport;           /* 0: answered; else a CURLcode */
	const char *error;       /* transport's text, for a person */
	long status;             /* 0: none came; may be there beside a transport error */
	const char *retry_after; /* or NULL */
	const char *date;        /* or NULL */
	const char *body;        /* NUL-terminated, "" when none */
	uint64_t took_ns;
};

/** Runs on the loop; from within, the client may be used for the next request or freed. */
typedef void (*http_fn)(void *ctx, const struct http_result *result);

/** One per agent; outlived by the poller. */
int http_new(struct poller *poller, struct http **ret_http);
/** After all its clients. NULL is fine. */
void http_free(struct http *http);
void http_freep(struct http **http);

/** One per output: one request at a time, its connection kept alive. Settings are copied. */
int http_client_new(struct http *http, const struct http_settings *settings,
                    struct http_client **ret_client);

/**
 * Gives the client other settings, for the next request.
 * @return 0; -EBUSY: one is running; -ENOMEM, -ENOTSUP as httphandle_set(): part of them may hold by now
 */
int http_client_set(struct http_client *client, const struct http_settings *settings);

/** Ends a running request without calling back. NULL is fine. */
void http_client_free(struct http_client *client);
void http_client_freep(struct http_client **client);

/**
 * Starts a POST of the batch's body as text/plain; charset=utf-8, with Content-Encoding as the batch says.
 * @param url    whole, copied; http:// or https://
 * @param socket path of a unix socket to connect to, instead of the URL's host and of a proxy; copied; "" = none
 * @param batch  borrowed until @p fn is called or http_cancel()
 * @param fresh  true: on a new connection (after a failure)
 * @param fn     called once, never from within http_post()
 * @return 0; -EBUSY: one is running; -EINVAL: libcurl does not take the URL; -ENOMEM
 */
int http_post(struct http_client *client, const char *url, const char *socket,
              const struct batch *batch, bool fresh, http_fn fn, void *ctx);

/** Ends a running request without calling back; none running is fine. */
void http_cancel(struct http_client *client);
