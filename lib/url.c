/* SPDX-License-Identifier: Apache-2.0 */
#include "url.h"

#include "ground.h"
#include "parse.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
/* "_" is in no DNS name, but in names of containers. */
#define HOST_CHARS LETTERS DIGITS ".-_"
/* "%" begins a zone (RFC 6874). */
#define IPV6_CHARS LETTERS DIGITS ":.%-_"

/* Where the host begins, or NULL. */
static const char *skip_scheme(const char *url)
{
	if (!strncasecmp(url, "http://", 7))
		return url + 7;
	if (!strncasecmp(url, "https://", 8))
		return url + 8;
	return NULL;
}

/* Where the host ends, or NULL when there is none. */
static const char *skip_host(const char *s)
{
	size_t len;

	if (*s == '[') {
		len = strspn(s + 1, IPV6_CHARS);
		return len >= 2 && s[1 + len] == ']' ? s + len + 2 : NULL;
	}
	len = strspn(s, HOST_CHARS);
	return len ? s + len : NULL;
}

static bool is_port(const char *s, size_t len)
{
	char digits[6] = "";
	uint64_t port;

	if (len >= sizeof(digits))
		return false;
	memcpy(digits, s, len);
	return strspn(digits, DIGITS) == len && !parse_u64(digits, &port) && port >= 1 &&
	       port <= UINT16_MAX;
}

/* InfluxDB 1.x takes user and password as u= and p=. */
static bool has_secret(const char *query)
{
	for (; query; query = strchr(query, '&')) {
		query++;
		if (!strncmp(query, "p=", 2))
			return true;
	}
	return false;
}

const char *url_problem(const char *url)
{
	assert(url);

	if (strlen(url) > URL_MAX_BYTES)
		return "longer than 1024 bytes";
	for (const char *s = url; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"<>\\^`{|}", *s))
			return "holds a character that must be percent-encoded";
	const char *host = skip_scheme(url);
	if (!host)
		return "does not begin with http:// or https://";
	size_t authority = strcspn(host, "/?#");
	if (memchr(host, '@', authority) || has_secret(strchr(host, '?')))
		return "holds credentials, which would be printed; set username and password "
		       "instead";
	const char *end = skip_host(host);
	if (!end || (end != host + authority && *end != ':'))
		return "has no valid host";
	if (*end == ':' && !is_port(end + 1, (size_t)(host + authority - end - 1)))
		return "has no valid port (1 to 65535)";
	if (strchr(host, '#'))
		return "holds \"#\", which no server gets to see";
	return NULL;
}
