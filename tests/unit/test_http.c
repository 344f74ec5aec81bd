/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"
#include "receiver.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>

#define MS 1000000u
/* A test that waits longer than this has failed. */
#define PATIENCE_NS (10000ull * MS)

struct scene {
	struct poller *poller;
	struct http *http;
	struct http_client *client;
	struct receiver receiver;
	struct poller_timer *impatience;
	struct batch *batch;
	char url[128], socket[128];
	/* what came */
	int n_results;
	int transport;
	long status;
	uint64_t took_ns;
	char body[HTTP_BODY_MAX + 1], retry_after[128], error[256];
	int posts_left;
};

static void give_up(void *ctx)
{
	(void)ctx;
	fail_msg("no answer in time");
}

static struct batch *batch_of(enum content_encoding encoding, const char *lines)
{
	struct batch *batch = calloc(1, sizeof(*batch) + strlen(lines));

	batch->encoding = encoding;
	batch->len = batch->raw_len = (uint32_t)strlen(lines);
	memcpy(batch->body, lines, batch->len);
	return batch;
}

static void scene_make(struct scene *s, const struct http_settings *settings)
{
	static const struct http_settings plain = {
		.user_agent = "thermograf/test", .username = "", .timeout_ns = 5000ull * MS};

	s->batch = batch_of(ENCODING_IDENTITY, "block_io ios=1i 1\n");
	assert_int_equal(poller_new(&s->poller), 0);
	assert_int_equal(http_new(s->poller, &s->http), 0);
	assert_int_equal(http_client_new(s->http, settings ? settings : &plain, &s->client), 0);
	receiver_start(&s->receiver);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d/write?db=t", s->receiver.port);
	s->impatience = poller_timer_new(s->poller, give_up, s);
	poller_timer_set(s->impatience, PATIENCE_NS);
}

static void scene_free(struct scene *s)
{
	http_client_free(s->client);
	http_free(s->http);
	poller_free(s->poller);
	receiver_free(&s->receiver);
	free(s->batch);
}

static void take(struct scene *s, const struct http_result *result)
{
	s->n_results++;
	s->transport = result->transport;
	s->status = result->status;
	s->took_ns = result->took_ns;
	snprintf(s->body, sizeof(s->body), "%s", result->body);
	snprintf(s->retry_after, sizeof(s->retry_after), "%s",
	         result->retry_after ? result->retry_after : "(none)");
	snprintf(s->error, sizeof(s->error), "%s", result->error);
}

static void got(void *ctx, const struct http_result *result)
{
	struct scene *s = ctx;

	take(s, result);
	poller_stop(s->poller);
}

static void post(struct scene *s, bool fresh)
{
	assert_int_equal(http_post(s->client, s->url, s->socket, s->batch, fresh, got, s), 0);
	assert_int_equal(poller_run(s->poller), 0);
}

static void the_body_arrives_with_its_headers(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, NULL);
	post(&s, false);
	receiver_stop(&s.receiver);
	assert_int_equal(s.transport, 0);
	assert_int_equal(s.status, 204);
	assert_string_equal(s.body, "");
	assert_string_equal(s.retry_after, "(none)");
	assert_true(s.took_ns > 0);
	assert_string_equal(text_cstr(&s.receiver.raw), "block_io ios=1i 1\n");
	const char *heads = text_cstr(&s.receiver.heads);
	assert_ptr_equal(strstr(heads, "POST /write?db=t HTTP/1.1\r\n"), heads);
	assert_non_null(strstr(heads, "Content-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(heads, "User-Agent: thermograf/test\r\n"));
	assert_non_null(strstr(heads, "Content-Length: 18\r\n"));
	assert_null(strcasestr(heads, "Content-Encoding"));
	assert_null(strcasestr(heads, "Authorization"));
	assert_null(strcasestr(heads, "Transfer-Encoding"));
}

/* Above 1 MiB libcurl would ask first, and wait. */
static void a_large_gzip_body_is_sent_unasked(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, NULL);
	free(s.batch);
	s.batch = calloc(1, sizeof(*s.batch) + (3 << 20));
	s.batch->len = 3 << 20;
	for (uint32_t i = 0; i < s.batch->len; i++)
		s.batch->body[i] = (uint8_t)(i * 2654435761u >> 24);
	post(&s, false);
	receiver_stop(&s.receiver);
	assert_int_equal(s.status, 204);
	assert_true(s.took_ns < 900 * MS);
	assert_null(strcasestr(text_cstr(&s.receiver.heads), "Expect"));
	assert_non_null(strstr(text_cstr(&s.receiver.heads), "Content-Encoding: gzip\r\n"));
	assert_int_equal(s.receiver.raw.len, s.batch->len);
	assert_memory_equal(s.receiver.raw.data, s.batch->body, s.batch->len);
}

static void credentials_go_as_basic_auth(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct http_settings settings = {
		.user_agent = "x", .username = "u", .password = "p:w", .timeout_ns = 5000ull * MS};

	(void)state;
	scene_make(&s, &settings);
	post(&s, false);
	receiver_stop(&s.receiver);
	/* base64("u:p:w") */
	assert_non_null(strstr(text_cstr(&s.receiver.heads), "Authorization: Basic dTpwOnc=\r\n"));
}

static void credentials_in_the_url_go_as_basic_auth(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, NULL);
	snprintf(s.url, sizeof(s.url), "http://u:p%%3Aw@127.0.0.1:%d/write", s.receiver.port);
	post(&s, false);
	receiver_stop(&s.receiver);
	assert_non_null(strstr(text_cstr(&s.receiver.heads), "Authorization: Basic dTpwOnc=\r\n"));
}

static void tokens_and_headers_go_with_every_request(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config_pair headers[] = {{.key = "X-Scope-OrgID", .value = "team 1"},
	                                {.key = "X-Empty", .value = ""},
	                                {.key = "user-agent", .value = "mine/1"}};
	struct http_settings settings = {.user_agent = "x",
	                                 .authorization = "Token s3cret",
	                                 .headers = headers,
	                                 .n_headers = ARRAY_SIZE(headers),
	                                 .timeout_ns = 5000ull * MS};

	(void)state;
	scene_make(&s, &settings);
	post(&s, false);
	s.batch->encoding = ENCODING_GZIP;
	post(&s, true);
	receiver_stop(&s.receiver);
	const char *heads = text_cstr(&s.receiver.heads);
	const char *second = strstr(heads + 1, "POST ");
	assert_non_null(second);
	for (const char *head = heads; head; head = head == heads ? second : NULL) {
		assert_non_null(strstr(head, "Authorization: Token s3cret\r\n"));
		assert_non_null(strstr(head, "X-Scope-OrgID: team 1\r\n"));
		assert_non_null(strstr(head, "user-agent: mine/1\r\n"));
	}
	assert_null(strstr(heads, "X-Empty"));
	assert_null(strstr(heads, "User-Agent: x\r\n"));
}

static void new_settings_hold_from_the_next_request_on(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct http_settings settings = {.authorization = "Bearer old", .timeout_ns = 5000ull * MS};

	(void)state;
	scene_make(&s, &settings);
	post(&s, false);
	settings.authorization = "Bearer new";
	assert_int_equal(http_client_set(s.client, &settings), 0);
	post(&s, false);
	receiver_stop(&s.receiver);
	const char *heads = text_cstr(&s.receiver.heads);
	const char *second = strstr(heads + 1, "POST ");
	assert_non_null(second);
	assert_non_null(strstr(second, "Authorization: Bearer new\r\n"));
	assert_null(strstr(second, "old"));
	/* The same connection: it was no other receiver. */
	assert_int_equal(s.receiver.n_accepted, 1);
}

/* The fake is the proxy: the host behind it does not exist, and the environment must have no say. */
static void a_proxy_gets_the_whole_url(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	char proxy[64];
	struct http_settings settings = {.proxy = proxy, .timeout_ns = 5000ull * MS};

	(void)state;
	scene_make(&s, NULL);
	snprintf(proxy, sizeof(proxy), "http://pu:pw@127.0.0.1:%d", s.receiver.port);
	assert_int_equal(http_client_set(s.client, &settings), 0);
	setenv("no_proxy", "*", 1);
	snprintf(s.url, sizeof(s.url), "http://receiver.invalid:8086/write?db=t");
	post(&s, false);
	unsetenv("no_proxy");
	receiver_stop(&s.receiver);
	assert_int_equal(s.transport, 0);
	const char *heads = text_cstr(&s.receiver.heads);
	assert_ptr_equal(strstr(heads, "POST http://receiver.invalid:8086/write?db=t HTTP/1.1\r\n"),
	                 heads);
	/* base64("pu:pw") */
	assert_non_null(strstr(heads, "Proxy-Authorization: Basic cHU6cHc=\r\n"));
}

static void without_a_proxy_the_environment_has_no_say(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	scene_make(&s, NULL);
	post(&s, false);
	unsetenv("http_proxy");
	assert_int_equal(s.transport, 0);
	assert_int_equal(s.status, 204);
}

/* Also where a proxy is set: a socket is on this host. */
static void a_unix_socket_stands_in_for_host_and_proxy(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct http_settings settings = {.proxy = "http://127.0.0.1:1", .timeout_ns = 5000ull * MS};

	(void)state;
	snprintf(s.receiver.socket, sizeof(s.receiver.socket), "/tmp/test_http.%d", getpid());
	scene_make(&s, &settings);
	snprintf(s.socket, sizeof(s.socket), "%s", s.receiver.socket);
	snprintf(s.url, sizeof(s.url), "http://localhost/write?db=t");
	post(&s, false);
	post(&s, false);
	receiver_stop(&s.receiver);
	assert_int_equal(s.transport, 0);
	assert_int_equal(s.status, 204);
	const char *heads = text_cstr(&s.receiver.heads);
	assert_ptr_equal(strstr(heads, "POST /write?db=t HTTP/1.1\r\n"), heads);
	assert_non_null(strstr(heads, "Host: localhost\r\n"));
	assert_int_equal(s.receiver.n_accepted, 1);
	/* And nobody there is told as with a port, but by the socket's own error. */
	post(&s, true);
	assert_int_equal(s.transport, CURLE_COULDNT_CONNECT);
	assert_string_equal(s.error, strerror(access(s.socket, F_OK) ? ENOENT : ECONNREFUSED));
}

static void the_answers_words_are_handed_on(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receiver.n_steps = 1;
	s.receiver.steps[0] = (struct receiver_step){
		.status = 503, .headers = "retry-after:  17 \r\n", .body = "queue full"};
	scene_make(&s, NULL);
	post(&s, false);
	assert_int_equal(s.status, 503);
	assert_string_equal(s.body, "queue full");
	assert_string_equal(s.retry_after, "17");
	/* Nothing of it stays for the next. */
	post(&s, false);
	assert_int_equal(s.status, 204);
	assert_string_equal(s.body, "");
	assert_string_equal(s.retry_after, "(none)");
}

static void of_a_long_answer_the_start_is_kept(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	CLEANUP_FREE char *body = malloc(100001);
	char header[256];

	(void)state;
	memset(body, 'x', 100000);
	body[100000] = 0;
	memset(header, '7', sizeof(header));
	memcpy(header, "Retry-After: ", 13);
	memcpy(header + 200, "\r\n", 3);
	s.receiver.n_steps = 1;
	s.receiver.steps[0] =
		(struct receiver_step){.status = 400, .headers = header, .body = body};
	scene_make(&s, NULL);
	post(&s, false);
	assert_int_equal(s.transport, 0);
	assert_int_equal(s.status, 400);
	assert_int_equal(strlen(s.body), HTTP_BODY_MAX);
	assert_int_equal(strlen(s.retry_after), 64);
}

static void the_connection_is_kept_unless_fresh_is_asked(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, NULL);
	post(&s, false);
	post(&s, false);
	post(&s, false);
	post(&s, true);
	receiver_stop(&s.receiver);
	assert_int_equal(s.receiver.n_requests, 4);
	assert_int_equal(s.receiver.n_accepted, 2);
}

static void nobody_there_is_a_transport_error(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, NULL);
	post(&s, false);
	receiver_stop(&s.receiver);
	post(&s, true);
	assert_int_equal(s.transport, CURLE_COULDNT_CONNECT);
	assert_int_equal(s.status, 0);
	assert_true(strlen(s.error) > 10);
}

/* The body went out: libcurl must not send it a second time by itself. */
static void a_request_without_answer_is_not_repeated(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receiver.n_steps = 2;
	s.receiver.steps[1] = (struct receiver_step){.manner = RECEIVER_CLOSE};
	scene_make(&s, NULL);
	post(&s, false);
	post(&s, false);
	receiver_stop(&s.receiver);
	assert_true(s.transport != 0);
	assert_int_equal(s.receiver.n_requests, 2);
}

static void a_torn_answer_leaves_its_status(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receiver.n_steps = 1;
	s.receiver.steps[0] =
		(struct receiver_step){.manner = RECEIVER_CUT, .status = 500, .body = "abc"};
	scene_make(&s, NULL);
	post(&s, false);
	assert_true(s.transport != 0);
	assert_int_equal(s.status, 500);
}

static void silence_ends_by_the_timeout(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct http_settings settings = {.user_agent = "x", .timeout_ns = 100 * MS};

	(void)state;
	s.receiver.n_steps = 1;
	s.receiver.steps[0] = (struct receiver_step){.manner = RECEIVER_HANG};
	scene_make(&s, &settings);
	post(&s, false);
	assert_int_equal(s.transport, CURLE_OPERATION_TIMEDOUT);
	assert_in_range(s.took_ns, 90 * MS, 2000 * MS);
}

static void an_unusable_url_is_told_at_once(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	static const char *const urls[] = {"",        "127.0.0.1:8086",  "ftp://h/",
	                                   "http://", "http://h:99999/", "http://a b/"};

	(void)state;
	scene_make(&s, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		assert_int_equal(http_post(s.client, urls[i], "", s.batch, false, got, &s),
		                 -EINVAL);
	post(&s, false);
	assert_int_equal(s.status, 204);
}

static void never_called(void *ctx, const struct http_result *result)
{
	(void)ctx;
	fail_msg("called back: %ld", result->status);
}

static void a_cancelled_request_does_not_call_back(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, NULL);
	assert_int_equal(http_post(s.client, s.url, "", s.batch, false, never_called, &s), 0);
	assert_int_equal(http_post(s.client, s.url, "", s.batch, false, never_called, &s), -EBUSY);
	http_cancel(s.client);
	post(&s, false);
	assert_int_equal(s.n_results, 1);
}

static void post_again(void *ctx, const struct http_result *result)
{
	struct scene *s = ctx;

	take(s, result);
	if (!s->posts_left--) {
		http_client_free(TAKE_PTR(s->client));
		poller_stop(s->poller);
		return;
	}
	assert_int_equal(http_post(s->client, s->url, s->socket, s->batch, false, post_again, s),
	                 0);
}

static void the_callback_may_post_again_and_free(void **state)
{
	CLEANUP(scene_free) struct scene s = {.posts_left = 20};

	(void)state;
	scene_make(&s, NULL);
	assert_int_equal(http_post(s.client, s.url, "", s.batch, false, post_again, &s), 0);
	assert_int_equal(poller_run(s.poller), 0);
	receiver_stop(&s.receiver);
	assert_int_equal(s.receiver.n_requests, 21);
	assert_int_equal(s.receiver.n_accepted, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_arrives_with_its_headers),
		cmocka_unit_test(a_large_gzip_body_is_sent_unasked),
		cmocka_unit_test(credentials_go_as_basic_auth),
		cmocka_unit_test(credentials_in_the_url_go_as_basic_auth),
		cmocka_unit_test(tokens_and_headers_go_with_every_request),
		cmocka_unit_test(new_settings_hold_from_the_next_request_on),
		cmocka_unit_test(a_proxy_gets_the_whole_url),
		cmocka_unit_test(without_a_proxy_the_environment_has_no_say),
		cmocka_unit_test(a_unix_socket_stands_in_for_host_and_proxy),
		cmocka_unit_test(the_answers_words_are_handed_on),
		cmocka_unit_test(of_a_long_answer_the_start_is_kept),
		cmocka_unit_test(the_connection_is_kept_unless_fresh_is_asked),
		cmocka_unit_test(nobody_there_is_a_transport_error),
		cmocka_unit_test(a_request_without_answer_is_not_repeated),
		cmocka_unit_test(a_torn_answer_leaves_its_status),
		cmocka_unit_test(silence_ends_by_the_timeout),
		cmocka_unit_test(an_unusable_url_is_told_at_once),
		cmocka_unit_test(a_cancelled_request_does_not_call_back),
		cmocka_unit_test(the_callback_may_post_again_and_free),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
