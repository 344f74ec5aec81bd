/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include "ground.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* More than any answer of a receiver needs; libcurl's 16 KiB would stay allocated. */
#define HTTP_RECEIVE_BUFFER 4096
/* libcurl's smallest; its own 64 KiB would stay allocated. */
#define HTTP_SEND_BUFFER 16384
/* A header that is read, Retry-After or Date; longer than this is nobody's. */
#define HTTP_HEADER_MAX 64

struct http {
	struct poller *poller;
	struct poller_timer *timer;
	CURLM *multi;
};

struct http_client {
	struct http *http;
	CURL *easy;
	struct http_headers headers;
	struct redaction secrets; /* of these settings */
	bool running;
	bool failed;    /* the last request had no answer */
	bool on_socket; /* the request goes to a unix socket */
	const struct batch *batch;
	size_t sent; /* bytes of the batch's body that libcurl took */
	http_fn fn;
	void *ctx;
	uint64_t start_ns;
	size_t body_len;
	char body[HTTP_BODY_MAX + 1];
	char retry_after[HTTP_HEADER_MAX + 1];
	char date[HTTP_HEADER_MAX + 1];
	char error[CURL_ERROR_SIZE];
};

/* Of a unix socket libcurl says "Failed to connect to localhost port 80", which is where nobody looks. */
static const char *error_text(const struct http_client *client, CURLcode code)
{
	long why = 0;

	if (code == CURLE_COULDNT_CONNECT && client->on_socket &&
	    !curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &why) && why)
		return strerror((int)why);
	return client->error[0] ? client->error : curl_easy_strerror(code);
}

static void redact(struct http_client *client)
{
	char *const texts[] = {client->body, client->error};
	const char *url = NULL, *query;

	curl_easy_getinfo(client->easy, CURLINFO_EFFECTIVE_URL, &url);
	query = url ? strchr(url, '?') : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		redaction_apply(&client->secrets, texts[i]);
		if (query)
			redaction_strike(texts[i], query + 1);
	}
}

static void finish(struct http_client *client, CURLcode code)
{
	struct http_result result = {.transport = (int)code,
	                             .error = error_text(client, code),
	                             .retry_after =
	                                     client->retry_after[0] ? client->retry_after : NULL,
	                             .date = client->date[0] ? client->date : NULL,
	                             .body = client->body,
	                             .took_ns = poller_now_ns() - client->start_ns};

	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &result.status);
	client->failed = code;
	redact(client);
	http_cancel(client);
	client->fn(client->ctx, &result);
}

/* A callback may start or free any client, so each turn asks libcurl anew. */
static void finish_done(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct http_client *client = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&client);
		finish(client, message->data.result);
	}
}

static void on_socket(void *ctx, int fd, uint32_t events)
{
	struct http *http = ctx;
	int running, mask = 0;

	mask |= events & EPOLLIN ? CURL_CSELECT_IN : 0;
	mask |= events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	mask |= events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(http->multi, fd, mask, &running);
	finish_done(http);
}

static void on_timer(void *ctx)
{
	struct http *http = ctx;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_done(http);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http *http = ctx;
	uint32_t events = 0;

	(void)easy;
	(void)socket_ctx;
	if (what == CURL_POLL_REMOVE) {
		poller_forget(http->poller, fd);
		return 0;
	}
	events |= what & CURL_POLL_IN ? EPOLLIN : 0;
	events |= what & CURL_POLL_OUT ? EPOLLOUT : 0;
	/* Unwatched, the request ends by its timeout: late, but it ends. */
	(void)poller_watch(http->poller, fd, events, on_socket, http);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	struct http *http = ctx;

	(void)multi;
	if (timeout_ms < 0)
		poller_timer_clear(http->timer);
	else
		poller_timer_set(http->timer, (uint64_t)timeout_ms * 1000000u);
	return 0;
}

int http_new(struct poller *poller, struct http **ret_http)
{
	assert(poller && ret_http);

	CLEANUP(http_freep) struct http *http = NULL;

	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	http = calloc(1, sizeof(*http));
	if (!http) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	http->poller = poller;
	http->timer = poller_timer_new(poller, on_timer, http);
	http->multi = curl_multi_init();
	if (!http->timer || !http->multi)
		return -ENOMEM;
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	*ret_http = TAKE_PTR(http);
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	if (http->multi)
		curl_multi_cleanup(http->multi);
	poller_timer_free(http->timer);
	free(http);
	curl_global_cleanup();
}

void http_freep(struct http **http)
{
	http_free(*http);
}

static size_t give_body(char *out, size_t size, size_t n, void *ctx)
{
	struct http_client *client = ctx;
	size_t len = MIN(size * n, client->batch->len - client->sent);

	memcpy(out, client->batch->body + client->sent, len);
	client->sent += len;
	return len;
}

/* Takes all, keeps the start: stopping would make an error of an answer. */
static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_client *client = ctx;
	size_t len = MIN(size * n, HTTP_BODY_MAX - client->body_len);

	memcpy(client->body + client->body_len, data, len);
	client->body_len += len;
	client->body[client->body_len] = 0;
	return size * n;
}

/* The value of a header, if it is the one of that name. */
static void take_value(const char *header, size_t len, const char *name, char *out)
{
	size_t name_len = strlen(name);
	const char *value = header + name_len, *end = header + len;

	if (len < name_len || strncasecmp(header, name, name_len) != 0)
		return;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
		end--;
	len = MIN((size_t)(end - value), HTTP_HEADER_MAX);
	memcpy(out, value, len);
	out[len] = 0;
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
	struct http_client *client = ctx;

	take_value(data, size * n, "Retry-After:", client->retry_after);
	take_value(data, size * n, "Date:", client->date);
	return size * n;
}

static void set_transfer(struct http_client *client)
{
	CURL *easy = client->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, client);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(easy, CURLOPT_READDATA, client);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)HTTP_RECEIVE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_SEND_BUFFER);
}

int http_client_new(struct http *http, const struct http_settings *settings,
                    struct http_client **ret_client)
{
	assert(http && settings && ret_client);

	CLEANUP(http_client_freep) struct http_client *client = calloc(1, sizeof(*client));
	int err;

	if (!client)
		return -ENOMEM;
	client->http = http;
	client->easy = curl_easy_init();
	if (!client->easy)
		return -ENOMEM;
	set_transfer(client);
	err = http_client_set(client, settings);
	if (err)
		return err;
	*ret_client = TAKE_PTR(client);
	return 0;
}

int http_client_set(struct http_client *client, const struct http_settings *settings)
{
	CLEANUP(httphandle_free_headers) struct http_headers headers = {0};
	CLEANUP(redaction_free) struct redaction secrets = {0};
	struct http_headers old;
	int err;

	assert(client && settings);
	if (client->running)
		return -EBUSY;
	err = httphandle_collect_secrets(settings, &secrets);
	err = err ?: httphandle_make_headers(settings, &headers);
	err = err ?: httphandle_set(client->easy, settings);
	if (err)
		return err;
	old = client->headers;
	client->headers = headers;
	headers = old;
	redaction_free(&client->secrets);
	client->secrets = secrets;
	secrets = (struct redaction){0};
	return 0;
}

void http_client_free(struct http_client *client)
{
	if (!client)
		return;
	http_cancel(client);
	if (client->easy)
		curl_easy_cleanup(client->easy);
	httphandle_free_headers(&client->headers);
	redaction_free(&client->secrets);
	free(client);
}

void http_client_freep(struct http_client **client)
{
	http_client_free(*client);
}

/* libcurl would take "ftp://" and guess a scheme for what has none. */
static bool is_http_url(const char *url)
{
	CURLU *parsed = curl_url();
	bool good = parsed &&
	            (!strncasecmp(url, "http://", 7) || !strncasecmp(url, "https://", 8)) &&
	            !curl_url_set(parsed, CURLUPART_URL, url, 0);

	curl_url_cleanup(parsed);
	return good;
}

/*
 * libcurl 8 remembers in the handle that a body could not be sent again, and refuses every later request with it:
 * "necessary data rewind was not possible" for ever (8.14.1, not 7.88.1). A copy has the settings, and no memory.
 */
static int renew_handle(struct http_client *client)
{
	CURL *copy = curl_easy_duphandle(client->easy);

	if (!copy)
		return -ENOMEM;
	curl_easy_cleanup(client->easy);
	client->easy = copy;
	client->failed = false;
	set_transfer(client);
	return 0;
}

int http_post(struct http_client *client, const char *url, const char *socket,
              const struct batch *batch, bool fresh, http_fn fn, void *ctx)
{
	assert(client && url && socket && batch && fn);

	if (client->running)
		return -EBUSY;
	if (!is_http_url(url))
		return -EINVAL;
	if (client->failed && renew_handle(client))
		return -ENOMEM;
	CURL *easy = client->easy;

	client->batch = batch;
	client->sent = 0;
	client->on_socket = *socket;
	client->fn = fn;
	client->ctx = ctx;
	client->body_len = 0;
	client->body[0] = client->retry_after[0] = client->date[0] = client->error[0] = 0;
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers.of[batch->encoding]);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)batch->len);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)fresh);
	/* Set in any case: else libcurl asks no_proxy of the environment. */
	curl_easy_setopt(easy, CURLOPT_NOPROXY, *socket ? "*" : "");
	if (curl_easy_setopt(easy, CURLOPT_URL, url) ||
	    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, *socket ? socket : NULL))
		return -ENOMEM;
	client->start_ns = poller_now_ns();
	if (curl_multi_add_handle(client->http->multi, easy))
		return -ENOMEM;
	client->running = true;
	return 0;
}

void http_cancel(struct http_client *client)
{
	assert(client);

	if (!client->running)
		return;
	curl_multi_remove_handle(client->http->multi, client->easy);
	client->running = false;
	client->batch = NULL;
}
