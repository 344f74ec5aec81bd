/* SPDX-License-Identifier: Apache-2.0 */
/**
 * url.h: whether a text is a URL that may be pushed to. Pure.
 */
#pragma once

/** Longer is no URL that a person wrote; and it must fit a line of the configuration. */
#define URL_MAX_BYTES 1024

/**
 * Looks for what is wrong with a URL: http:// or https://, host or [IPv6], optional port, path and query.
 *
 * Credentials inside (user:password@, ?p=) are refused, because a URL is printed in messages.
 *
 * @param url  not NULL
 * @return     what is wrong, a constant text that quotes nothing of the URL; NULL when it is fine
 */
const char *url_problem(const char *url);
