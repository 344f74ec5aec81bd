/* SPDX-License-Identifier: Apache-2.0 */
#include "redaction.h"

#include "text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char mark[] = "***";
static_assert(sizeof(mark) - 1 <= REDACTION_MIN_BYTES, "what is redacted does not become longer");

static void wipe(struct text *t)
{
	if (t->data)
		explicit_bzero(t->data, t->cap);
	text_free(t);
}

void redaction_free(struct redaction *r)
{
	assert(r);

	for (size_t i = 0; i < r->n; i++) {
		explicit_bzero(r->secrets[i], strlen(r->secrets[i]));
		free(r->secrets[i]);
	}
	*r = (struct redaction){0};
}

int redaction_add(struct redaction *r, const char *secret)
{
	assert(r);

	size_t at = r->n;
	char *copy;

	if (!secret || strlen(secret) < REDACTION_MIN_BYTES)
		return 0;
	if (r->n == REDACTION_MAX)
		return -ENOMEM;
	copy = strdup(secret);
	if (!copy)
		return -ENOMEM;
	for (; at && strlen(r->secrets[at - 1]) < strlen(copy); at--)
		r->secrets[at] = r->secrets[at - 1];
	r->secrets[at] = copy;
	r->n++;
	return 0;
}

int redaction_add_header(struct redaction *r, const char *value)
{
	const char *word = value ? strchr(value, ' ') : NULL;

	return redaction_add(r, word ? word + 1 : value);
}

/* RFC 4648 section 4. */
static void add_base64(struct text *out, const char *data, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		size_t n = MIN(len - i, 3);
		uint32_t bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < n ? (unsigned char)data[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			text_char(out, k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
	}
}

int redaction_add_login(struct redaction *r, const char *username, const char *password)
{
	CLEANUP(wipe) struct text login = {0}, encoded = {0};
	int err;

	if (!password || !*password)
		return 0;
	/* At once: a growing buffer would leave copies of secrets behind. */
	err = text_reserve(&login, strlen(username) + strlen(password) + sizeof(":"));
	err = err ?: text_reserve(&encoded, 2 * login.cap);
	if (err)
		return err;
	text_printf(&login, "%s:%s", username, password);
	add_base64(&encoded, login.data, login.len);
	return redaction_add(r, password) ?: redaction_add(r, text_cstr(&encoded));
}

int redaction_add_url(struct redaction *r, const char *url)
{
	CLEANUP(wipe) struct text login = {0};
	const char *host = url ? strstr(url, "://") : NULL, *at;
	char *colon;
	int err;

	host = host ? host + 3 : url;
	at = host ? memrchr(host, '@', strcspn(host, "/?#")) : NULL;
	if (!at)
		return 0;
	err = text_reserve(&login, (size_t)(at - host) + 1);
	if (err)
		return err;
	text_append(&login, host, (size_t)(at - host));
	colon = strchr(text_cstr(&login), ':') ? strchr(login.data, ':') : NULL;
	if (!colon)
		return 0;
	*colon = '\0';
	return redaction_add_login(r, login.data, colon + 1);
}

void redaction_strike(char *text, const char *secret)
{
	assert(text && secret);

	size_t len = strlen(secret), mark_len = sizeof(mark) - 1;

	if (len < REDACTION_MIN_BYTES)
		return;
	while ((text = strstr(text, secret))) {
		memcpy(text, mark, mark_len);
		memmove(text + mark_len, text + len, strlen(text + len) + 1);
		text += mark_len;
	}
}

void redaction_apply(const struct redaction *r, char *text)
{
	assert(r);

	for (size_t i = 0; i < r->n; i++)
		redaction_strike(text, r->secrets[i]);
}
