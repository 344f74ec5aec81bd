/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any line as a URL: one that is taken is one for libcurl as well, with the same host, and what is made of it is one,
 * too, and shows no credentials.
 *
 * Input: a byte that chooses the type, then a line with the URL, and the database, whatever it holds.
 */
#include "target.h"
#include "url.h"

#include "input.h"

#include <curl/curl.h>

static char *part(const char *url, CURLUPart which)
{
	CURLU *parsed = curl_url();
	char *value = NULL;

	expect(parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK);
	if (curl_url_get(parsed, which, &value, 0))
		value = NULL;
	curl_url_cleanup(parsed);
	return value;
}

static void expect_same(const char *a, const char *b, CURLUPart which)
{
	char *of_a = part(a, which), *of_b = part(b, which);

	expect(!of_a == !of_b && (!of_a || !strcmp(of_a, of_b)));
	curl_free(of_a);
	curl_free(of_b);
}

static void check(const char *url, const struct config_output *config)
{
	CLEANUP(text_free) struct text write_url = {0}, label = {0}, socket = {0}, line = {0};

	target_write_url(&write_url, url, config);
	target_label(&label, url);
	target_socket(&socket, url);
	target_describe(&line, config);
	expect(!write_url.err && !label.err && !socket.err && !line.err);
	expect(!strchr(text_cstr(&label), '?') && !strchr(text_cstr(&line), '?'));
	for (size_t i = 0; i < write_url.len; i++)
		expect(write_url.data[i] > ' ' && write_url.data[i] <= '~');
	if (socket.len) {
		expect(socket.data[0] == '/' && socket.len <= URL_SOCKET_MAX);
		expect(!strncmp(text_cstr(&write_url), "http://localhost/", 17));
		return;
	}
	char *user = part(text_cstr(&write_url), CURLUPART_USER);

	expect(!user);
	expect_same(url, text_cstr(&write_url), CURLUPART_HOST);
	expect_same(url, text_cstr(&write_url), CURLUPART_PORT);
	expect_same(url, text_cstr(&label), CURLUPART_HOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t type = input_byte(&in) % OUTPUT_FILE;
	CLEANUP_FREE char *url = input_line(&in), *database = input_line(&in);
	char *urls[] = {url};
	const struct config_output config = {.type = type == OUTPUT_STDOUT ? OUTPUT_HTTP : type,
	                                     .urls = {.items = urls, .n = 1},
	                                     .database = database,
	                                     .retention_policy = database,
	                                     .organization = database,
	                                     .bucket = database};

	if (!url_proxy_problem(url)) {
		char *host = part(url, CURLUPART_HOST);

		expect(host != NULL);
		curl_free(host);
	}
	if (url_problem(url))
		return 0;
	/* A text of the configuration has no "?" that would be one of the URL's (describe quotes it). */
	database[strcspn(database, "?")] = '\0';
	check(url, &config);
	return 0;
}
