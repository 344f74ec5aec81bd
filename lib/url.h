/* SPDX-License-Identifier: Apache-2.0 */
/**
 * url.h: whether a text is a URL that may be pushed to. Pure.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** Longer is no URL that a person wrote; and it must fit a line of the configuration. */
#define URL_MAX_BYTES 1024

/** Of the path of a unix socket: sun_path of unix(7) with its NUL has 108. */
#define URL_SOCKET_MAX 107

/**
 * Looks for what is wrong with a URL: http:// or https://, host or [IPv6], optional port, path and query; or
 * unix:///SOCKET, with :/PATH?QUERY behind it where the receiver's path is not the type's.
 *
 * Credentials inside (user:password@, ?p=) are refused, because a URL is printed in messages.
 *
 * @param url  not NULL
 * @return     what is wrong, a constant text that quotes nothing of the URL; NULL when it is fine
 */
const char *url_problem(const char *url);

/**
 * The same for the URL of a proxy: http:// or https://, host, optional port, and nothing behind. It may hold
 * user:password@, since it is never printed.
 */
const char *url_proxy_problem(const char *url);

/**
 * The path of the socket in a unix:// URL, which begins with "/".
 * @param ret_len   its length
 * @param ret_rest  the receiver's path and query, "" when the URL has none
 * @return          within @p url; NULL: it is not a unix:// URL
 */
const char *url_socket(const char *url, size_t *ret_len, const char **ret_rest);

/** Whether the URL's query has a parameter of that name. */
bool url_has_parameter(const char *url, const char *name);
