/* SPDX-License-Identifier: Apache-2.0 */
/**
 * redaction.h: keeps what an output proves itself with out of what a receiver says and we print. Pure.
 *
 * A receiver or a proxy may quote a request back: its headers, its URL, the login in base64.
 */
#pragma once
#include "confkeys.h"

/** Shorter secrets are left: they would tear holes into every message, and show themselves by them. */
#define REDACTION_MIN_BYTES 4
/** The headers of an output, and what else there is: password, token, login, proxy, query. */
#define REDACTION_MAX (CONFIG_MAX_HEADERS + 8)

/** All zero: none. */
struct redaction {
	char *secrets[REDACTION_MAX]; /* the longest first: one may be part of another */
	size_t n;
};

/** Overwrites and frees; empty afterwards. */
void redaction_free(struct redaction *r);

/** Adds a copy of a secret; NULL and short ones are fine. @return 0 or -ENOMEM */
int redaction_add(struct redaction *r, const char *secret);

/** The second word of "Bearer abc", or the whole value of a header. */
int redaction_add_header(struct redaction *r, const char *value);

/** The password, and both as a header has them: base64 of "user:password". */
int redaction_add_login(struct redaction *r, const char *username, const char *password);

/** Of user:password@ in a URL the password, and the login as above. */
int redaction_add_url(struct redaction *r, const char *url);

/** Puts *** in the place of a secret, unless that is a short one; the text never becomes longer. */
void redaction_strike(char *text, const char *secret);

/** The same for each of them. */
void redaction_apply(const struct redaction *r, char *text);
