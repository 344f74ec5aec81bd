/* SPDX-License-Identifier: Apache-2.0 */
#include "url.h"

#include "ground.h"
#include "parse.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
/* "_" is in no DNS name, but in names of containers. */
#define HOST_CHARS LETTERS DIGITS ".-_"
#define ADDRESS_CHARS LETTERS DIGITS ":."

/* Where the host begins, or NULL. */
static const char *skip_scheme(const char *url)
{
	if (!strncasecmp(url, "http://", 7))
		return url + 7;
	if (!strncasecmp(url, "https://", 8))
		return url + 8;
	return NULL;
}

/* Where the IPv6 address that begins at @s ends, "]" included, or NULL. */
static const char *skip_ipv6(const char *s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t len = strspn(s, ADDRESS_CHARS);

	if (len >= sizeof(text))
		return NULL;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &address) != 1)
		return NULL;
	s += len;
	if (*s == '%') {
		/* A zone: an interface, behind "%25" (RFC 6874); libcurl takes "%", too. */
		s += strncmp(s, "%25", 3) ? 1 : 3;
		len = strspn(s, HOST_CHARS);
		if (!len || len >= IF_NAMESIZE)
			return NULL;
		s += len;
	}
	return *s == ']' ? s + 1 : NULL;
}

/* Where the host ends, or NULL when there is none. */
static const char *skip_host(const char *s)
{
	if (*s == '[')
		return skip_ipv6(s + 1);
	size_t len = strspn(s, HOST_CHARS);
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

bool url_has_parameter(const char *url, const char *name)
{
	assert(url && name);

	size_t len = strlen(name);
	for (const char *s = strchr(url, '?'); s; s = strchr(s, '&')) {
		s++;
		if (!strncmp(s, name, len) && s[len] == '=')
			return true;
	}
	return false;
}

const char *url_socket(const char *url, size_t *ret_len, const char **ret_rest)
{
	static const char scheme[] = "unix://";

	assert(url && ret_len && ret_rest);
	if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	const char *path = url + sizeof(scheme) - 1;
	*ret_len = strcspn(path, ":");
	*ret_rest = path + *ret_len + (path[*ret_len] == ':');
	return path;
}

static const char *char_problem(const char *url)
{
	if (strlen(url) > URL_MAX_BYTES)
		return "longer than 1024 bytes";
	for (const char *s = url; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"<>\\^`{|}", *s))
			return "holds a character that must be percent-encoded";
	return NULL;
}

static const char *socket_problem(const char *path, size_t len, const char *rest)
{
	if (len < 2 || *path != '/')
		return "has no socket; write unix:///run/telegraf.sock";
	if (len > URL_SOCKET_MAX)
		return "has a socket whose path is longer than 107 bytes, the most that the kernel takes";
	if (memchr(path, '?', len) || (path[len] && *rest != '/'))
		return "has something behind the socket that is no path; write "
		       "unix:///run/telegraf.sock:/write";
	/* As InfluxDB 1.x takes the password. */
	if (url_has_parameter(rest, "p"))
		return "holds credentials, which would be printed; set username and password "
		       "instead";
	return strchr(rest, '#') ? "holds \"#\", which no server gets to see" : NULL;
}

/* @host: what stands between the scheme or "@", and the path. */
static const char *host_problem(const char *host, size_t len)
{
	const char *end = skip_host(host);

	if (!end || end > host + len || (end != host + len && *end != ':'))
		return "has no valid host";
	if (*end == ':' && !is_port(end + 1, (size_t)(host + len - end - 1)))
		return "has no valid port (1 to 65535)";
	return NULL;
}

const char *url_problem(const char *url)
{
	const char *rest;
	size_t len;

	assert(url);
	const char *problem = char_problem(url);
	if (problem)
		return problem;
	const char *path = url_socket(url, &len, &rest);
	if (path)
		return socket_problem(path, len, rest);
	const char *host = skip_scheme(url);
	if (!host)
		return "does not begin with http://, https:// or unix://";
	size_t authority = strcspn(host, "/?#");
	if (memchr(host, '@', authority) || url_has_parameter(host, "p"))
		return "holds credentials, which would be printed; set username and password "
		       "instead";
	problem = host_problem(host, authority);
	if (!problem && strchr(host, '#'))
		problem = "holds \"#\", which no server gets to see";
	return problem;
}

const char *url_proxy_problem(const char *url)
{
	assert(url);

	const char *problem = char_problem(url);
	if (problem)
		return problem;
	const char *host = skip_scheme(url);
	if (!host)
		return "does not begin with http:// or https://";
	size_t login = strcspn(host, "@/?#");
	if (host[login] == '@')
		host += login + 1;
	size_t authority = strcspn(host, "/?#");
	/* libcurl takes what is behind the first one for the host, and refuses it. */
	if (memchr(host, '@', authority))
		return "holds a character that must be percent-encoded";
	if (strcmp(host + authority, "") != 0 && strcmp(host + authority, "/") != 0)
		return "has something behind the host; a proxy has no path";
	return host_problem(host, authority);
}
