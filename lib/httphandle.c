/* SPDX-License-Identifier: Apache-2.0 */
#include "httphandle.h"

#include "text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Idle connections older than this are not used again: Telegraf's listeners close theirs after 10 s. */
#define MAX_IDLE_S 8
/* A connection is renewed after this long, so that a moved name is found. */
#define MAX_LIFETIME_S 300

static void wipe(struct text *t)
{
	if (t->data)
		explicit_bzero(t->data, t->cap);
	text_free(t);
}

static int add_line(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
	CLEANUP(wipe) struct text line = {0};

	if (!value || !*value)
		return 0;
	text_reserve(&line, strlen(name) + strlen(value) + sizeof(": "));
	text_printf(&line, "%s: %s", name, value);
	return line.err ? -ENOMEM : add_line(list, text_cstr(&line));
}

int httphandle_make_headers(const struct http_settings *settings, struct http_headers *ret)
{
	assert(settings && ret);

	*ret = (struct http_headers){0};
	for (int i = 0; i < CONTENT_ENCODING_MAX; i++) {
		struct curl_slist **list = &ret->of[i];
		int err = add_line(list, "Content-Type: text/plain; charset=utf-8");

		if (!err && i == ENCODING_GZIP)
			err = add_line(list, "Content-Encoding: gzip");
		/* Without it libcurl waits 1 s for a "100 Continue" before bodies above 1 MiB. */
		err = err ?: add_line(list, "Expect:");
		err = err ?: add_header(list, "Authorization", settings->authorization);
		for (size_t h = 0; h < settings->n_headers && !err; h++)
			err = add_header(list, settings->headers[h].key,
			                 settings->headers[h].value);
		if (err)
			return err;
	}
	return 0;
}

void httphandle_free_headers(struct http_headers *headers)
{
	for (int i = 0; i < CONTENT_ENCODING_MAX; i++) {
		for (struct curl_slist *s = headers->of[i]; s; s = s->next)
			explicit_bzero(s->data, strlen(s->data));
		curl_slist_free_all(headers->of[i]);
		headers->of[i] = NULL;
	}
}

int httphandle_collect_secrets(const struct http_settings *settings, struct redaction *out)
{
	assert(settings && out);

	int err = redaction_add_header(out, settings->authorization);

	err = err ?: redaction_add_login(out, settings->username ?: "", settings->password);
	err = err ?: redaction_add_url(out, settings->proxy);
	for (size_t i = 0; i < settings->n_headers && !err; i++)
		err = redaction_add_header(out, settings->headers[i].value);
	return err;
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* In memory: from a file libcurl would read it for each new connection, on the loop. */
static CURLcode set_blob(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = {.flags = CURL_BLOB_COPY};

	/* A libcurl that knows no such option has none to forget. */
	if (!or_null(pem)) {
		(void)curl_easy_setopt(easy, option, NULL);
		return CURLE_OK;
	}
	blob.len = strlen(pem);
	blob.data = (void *)pem;
	return curl_easy_setopt(easy, option, &blob);
}

static CURLcode set_tls(CURL *easy, const struct http_settings *s)
{
	/* Each is the least; libcurl speaks what both sides can. */
	static const long versions[TLS_VERSION_MAX] = {
		[TLS_1_2] = CURL_SSLVERSION_TLSv1_2,
		[TLS_1_3] = CURL_SSLVERSION_TLSv1_3,
	};
	bool verify = !s->insecure_skip_verify;
	CURLcode err;

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, versions[s->tls_min_version]);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)verify);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	/* Else the system's folder of authorities is trusted beside the given one. */
	if (or_null(s->tls_ca))
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	/* OpenSSL would ask on the terminal for the passphrase of a key that has one, and wait. */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	err = set_blob(easy, CURLOPT_CAINFO_BLOB, s->tls_ca);
	err = err ?: set_blob(easy, CURLOPT_SSLCERT_BLOB, s->tls_cert);
	return err ?: set_blob(easy, CURLOPT_SSLKEY_BLOB, s->tls_key);
}

int httphandle_set(CURL *easy, const struct http_settings *s)
{
	assert(easy && s);

	long timeout_ms = (long)(s->timeout_ns / 1000000u);
	CURLcode err;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, MAX(timeout_ms, 1L));
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, MAX(timeout_ms, 1L));
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)MAX_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)MAX_LIFETIME_S);
#if LIBCURL_VERSION_NUM >= 0x075700
	/*
	 * Ending a request whose name is still being resolved joins the resolver's thread otherwise
	 * (lib/asyn-thread.c Curl_resolver_kill): a name server that is silent held the
	 * loop for 10 s past a timeout of 1 s (7.88.1).
	 */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	/* One request at a time gains nothing from HTTP/2, and every receiver speaks this. */
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	err = curl_easy_setopt(easy, CURLOPT_USERAGENT, or_null(s->user_agent));
	err = err ?: curl_easy_setopt(easy, CURLOPT_USERNAME, or_null(s->username));
	err = err
	              ?: curl_easy_setopt(easy, CURLOPT_PASSWORD,
	                                  or_null(s->username) ? s->password : NULL);
	/* Not what http_proxy of some shell says: libcurl would take it for loopback, too. */
	err = err ?: curl_easy_setopt(easy, CURLOPT_PROXY, s->proxy ?: "");
	err = err ?: set_tls(easy, s);
	if (err)
		return err == CURLE_OUT_OF_MEMORY ? -ENOMEM : -ENOTSUP;
	return 0;
}
