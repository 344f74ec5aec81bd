/* SPDX-License-Identifier: Apache-2.0 */
/**
 * verdict.h: what an answer of a receiver means for the batch. A pure function with a table test.
 *
 * The rows come from reading the receivers' sources. What no row knows is kept: lines are dropped only where the
 * receiver says that it will never take them.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum verdict_action {
	VERDICT_SENT,  /* stored; done with it */
	VERDICT_RETRY, /* the same bytes again, after retry_after_ms or the caller's backoff */
	VERDICT_SPLIT, /* too large: halve it; a single line is dropped */
	VERDICT_BISECT, /* nothing is stored, for the sake of one line or more: halve it to find them */
	VERDICT_DROP, /* will never pass, or the rest was stored: do not send again; count it */
	VERDICT_HOLD, /* somebody must act (credentials, database): keep, try slowly, say it loudly */
	VERDICT_ACTION_MAX
};

/** Why; each is a counter of the agent's own metrics, too. */
enum verdict_reason {
	REASON_OK,
	REASON_TRANSPORT,  /* no answer */
	REASON_OVERLOADED, /* 429, 503 */
	REASON_SERVER,     /* other 5xx, 408 */
	REASON_AUTH,       /* 401, 403 */
	REASON_NOT_FOUND,  /* 404: database, bucket or path */
	REASON_TOO_LARGE,  /* 413 */
	REASON_REJECTED,   /* 400, 422 and 5xx that say the data is at fault: nothing stored */
	REASON_PARTIAL,    /* part stored, the rest never will be */
	REASON_UNEXPECTED, /* 3xx and the rest of 4xx */
	VERDICT_REASON_MAX
};

extern const char *const verdict_action_names[VERDICT_ACTION_MAX];
extern const char *const verdict_reason_names[VERDICT_REASON_MAX];

struct verdict_answer {
	int transport;           /* 0 = a whole HTTP answer came; else the request failed before */
	long status;             /* HTTP status; 0 = none came */
	const char *retry_after; /* header's text or NULL */
	const char *date;        /* header's text or NULL */
	int64_t now_s; /* wall clock, for a Retry-After in an answer without Date; 0: not known */
	const char *body; /* NUL-terminated, may be cut; or NULL */
};

struct verdict {
	enum verdict_action action;
	enum verdict_reason reason;
	uint64_t retry_after_ms; /* 0 = the receiver did not say */
	uint64_t lost_lines;     /* of REASON_PARTIAL: not stored; 0 = the receiver did not say */
};

struct verdict verdict_of(const struct verdict_answer *answer);
