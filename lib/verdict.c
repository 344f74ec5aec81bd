/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include "ground.h"
#include "retryafter.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *const verdict_action_names[] = {"sent", "retry", "split", "bisect", "drop", "hold"};
const char *const verdict_reason_names[] = {"ok",      "transport", "overloaded", "server",
                                            "auth",    "not_found", "too_large",  "rejected",
                                            "partial", "unexpected"};
static_assert(ARRAY_SIZE(verdict_action_names) == VERDICT_ACTION_MAX, "a name for each action");
static_assert(ARRAY_SIZE(verdict_reason_names) == VERDICT_REASON_MAX, "a name for each reason");

/* The first row that matches counts. */
struct rule {
	long status_min, status_max;
	/* In the body, whatever its case; behind a ^ at its beginning, but for white space. NULL: any body */
	const char *phrase;
	enum verdict_action action;
	enum verdict_reason reason;
};

/* Names of receivers: influxdb 1, 2, 3; vm = VictoriaMetrics and vmagent; telegraf = its HTTP inputs. */
static const struct rule rules[] = {
	{200, 299, NULL, VERDICT_SENT, REASON_OK},
	{401, 401, NULL, VERDICT_HOLD, REASON_AUTH},
	{403, 403, NULL, VERDICT_HOLD, REASON_AUTH},
	{404, 404, NULL, VERDICT_HOLD, REASON_NOT_FOUND},
	{407, 407, NULL, VERDICT_HOLD, REASON_AUTH}, /* a proxy's 401 */
	/* nginx: the client was too slow or went away; telegraf's http_listener_v2: it is shutting down */
	{408, 408, NULL, VERDICT_RETRY, REASON_SERVER},
	{410, 410, NULL, VERDICT_RETRY, REASON_SERVER},
	{499, 499, NULL, VERDICT_RETRY, REASON_SERVER},
	/* Also telegraf's influxdb_v2_listener, with an empty body: more lines than max_undelivered_metrics ever
	 * allows. What is only too much for now gets 429 there. */
	{413, 413, NULL, VERDICT_SPLIT, REASON_TOO_LARGE},
	{429, 429, NULL, VERDICT_RETRY, REASON_OVERLOADED},

	/* vm since 1.105; before the next rows, because it quotes the body from the bad line on */
	{400, 400, "incorrect influx line", VERDICT_BISECT, REASON_REJECTED},
	/* vm has no 413: httpserver.Errorf's default is 400; "too big data size exceeding -influx.maxRequestSize" */
	{400, 400, "too big", VERDICT_SPLIT, REASON_TOO_LARGE},
	/* telegraf, when the limit was met within a compressed or chunked body */
	{400, 400, "body too large", VERDICT_SPLIT, REASON_TOO_LARGE},
	/* a listener for https:// that was spoken to in plain: Go's server, and nginx */
	{400, 400, "HTTP request to an HTTPS server", VERDICT_HOLD, REASON_UNEXPECTED},
	{400, 400, "HTTP request was sent to HTTPS port", VERDICT_HOLD, REASON_UNEXPECTED},
	/* influxdb 1 and 3: the other lines are stored */
	{400, 400, "partial write", VERDICT_DROP, REASON_PARTIAL},
	/* influxdb 1 without db=, influxdb 3 on a database's name or its end, vm on an unknown path, whoever changed
	 * our precision=: our settings are at fault, not the lines */
	{400, 400, "database is required", VERDICT_HOLD, REASON_NOT_FOUND},
	{400, 400, "db name", VERDICT_HOLD, REASON_NOT_FOUND},
	{400, 400, "character in database", VERDICT_HOLD, REASON_NOT_FOUND},
	{400, 400, "soft-deleted database", VERDICT_HOLD, REASON_NOT_FOUND},
	{400, 400, "unsupported path", VERDICT_HOLD, REASON_NOT_FOUND},
	{400, 400, "invalid precision", VERDICT_HOLD, REASON_UNEXPECTED},
	/* The next ones, too; a line that is quoted holds none of these phrases, because it has its spaces escaped.
	 * nginx with ssl_verify_client (ngx_http_special_response.c): our tls_cert is missing, expired or revoked */
	{400, 400, "SSL certificate", VERDICT_HOLD, REASON_AUTH},
	/* vmauth without a url_map for our path; vminsert of a cluster on a path without /insert/TENANT, or on what
	 * is no tenant */
	{400, 400, "missing route for", VERDICT_HOLD, REASON_NOT_FOUND},
	{400, 400, "cannot parse path", VERDICT_HOLD, REASON_NOT_FOUND},
	{400, 400, "auth error", VERDICT_HOLD, REASON_NOT_FOUND},
	/* influxdb 2 without org= (ErrInvalidOrgFilter); before its bad lines, which have the same code */
	{400, 400, "either orgID or org", VERDICT_HOLD, REASON_NOT_FOUND},
	/* telegraf's influxdb_v2_listener: the body did not come whole */
	{400, 400, "\"code\":\"internal error\"", VERDICT_RETRY, REASON_SERVER},
	/* influxdb 2 and telegraf's influxdb_v2_listener: one bad line, and none is taken */
	{400, 400, "\"code\":\"invalid\"", VERDICT_BISECT, REASON_REJECTED},
	/* telegraf's influxdb_listener: the other lines are taken */
	{400, 400, "metric parse error", VERDICT_DROP, REASON_PARTIAL},
	/* influxdb 1: of all lines none is one; with a single good one it says "partial write" */
	{400, 400, "{\"error\":\"unable to parse", VERDICT_DROP, REASON_REJECTED},
	/* A page, which no receiver of line protocol makes: what stands before it did not let us through. */
	{400, 400, "^<", VERDICT_HOLD, REASON_UNEXPECTED},
	/* influxdb 3 ("line protocol parsing error"), telegraf's http_listener_v2 ("http: bad request"), and who we
	 * do not know: what is stored twice for it is the same point twice */
	{400, 400, NULL, VERDICT_BISECT, REASON_REJECTED},
	{406, 406, NULL, VERDICT_BISECT, REASON_REJECTED},
	{422, 422, "partial write", VERDICT_DROP, REASON_PARTIAL},
	/* influxdb 3: somebody must choose another database or drop one */
	{422, 422, "new database would exceed", VERDICT_HOLD, REASON_NOT_FOUND},
	/* influxdb 3: a limit of columns or tables: nothing is stored, and lines of other tables would be */
	{422, 422, "limit", VERDICT_BISECT, REASON_REJECTED},
	/* influxdb 2: type conflict or beyond retention: the rest is stored */
	{422, 422, NULL, VERDICT_DROP, REASON_PARTIAL},

	/* influxdb enterprise: it is in the queue already, and sent from there */
	{500, 599, "hinted handoff queue not empty", VERDICT_SENT, REASON_OK},
	/* Old influxdb 1 and 2 say 500 to data that will never pass; a retry would block all that follows. */
	{500, 599, "partial write", VERDICT_DROP, REASON_PARTIAL},
	{500, 599, "field type conflict", VERDICT_DROP, REASON_PARTIAL},
	{500, 599, "points beyond retention", VERDICT_DROP, REASON_PARTIAL},
	{500, 599, "unable to parse", VERDICT_BISECT, REASON_REJECTED},
	{503, 503, NULL, VERDICT_RETRY, REASON_OVERLOADED},
	{500, 599, NULL, VERDICT_RETRY, REASON_SERVER},
};

static bool says(const char *body, const char *phrase)
{
	if (*phrase != '^')
		return strcasestr(body, phrase);
	body += strspn(body, " \r\n\t");
	return !strncasecmp(body, phrase + 1, strlen(phrase + 1));
}

static struct verdict by_rules(long status, const char *body)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct rule *r = &rules[i];

		if (status < r->status_min || status > r->status_max)
			continue;
		if (r->phrase && !(body && says(body, r->phrase)))
			continue;
		return (struct verdict){.action = r->action, .reason = r->reason};
	}
	return (struct verdict){.action = VERDICT_HOLD, .reason = REASON_UNEXPECTED};
}

/* Of several the last one: what stands before may be a quoted line. */
static const char *after_last(const char *body, const char *phrase)
{
	const char *found = NULL;

	for (const char *s = body; (s = strstr(s, phrase)); found = s)
		s += strlen(phrase);
	return found;
}

static uint64_t count_phrase(const char *body, const char *phrase)
{
	uint64_t n = 0;

	for (; (body = strstr(body, phrase)); body += strlen(phrase))
		n++;
	return n;
}

/* JSON that was not cut. */
static bool is_whole(const char *body)
{
	size_t len = strlen(body);

	while (len && isspace((unsigned char)body[len - 1]))
		len--;
	return len && body[len - 1] == '}';
}

/* How many lines a receiver says that it did not store; 0: it does not say. */
static uint64_t lost_lines(const char *body)
{
	/* influxdb 1 and 2 (tsdb.PartialWriteError); 0 for lines that it could not parse, which it lists */
	const char *dropped = after_last(body, "dropped=");
	const char *others = after_last(body, " (and "); /* telegraf */
	uint64_t n = dropped ? strtoull(dropped, NULL, 10) : 0;

	if (n || !is_whole(body))
		return n;
	if (dropped)
		return count_phrase(body, "unable to parse '");
	if (strstr(body, "metric parse error"))
		return 1 + (others ? strtoull(others, NULL, 10) : 0);
	return count_phrase(body, "\"line_number\":"); /* influxdb 3 */
}

struct verdict verdict_of(const struct verdict_answer *answer)
{
	assert(answer);

	struct verdict verdict = by_rules(answer->status, answer->body);

	/*
	 * A connection may break after the status came: a server that answers 413 resets it while we still send
	 * (seen with influxdb 1.6). These two statuses mean the same without the rest of the answer.
	 */
	if (answer->transport && answer->status / 100 != 2 && answer->status != 413)
		return (struct verdict){.action = VERDICT_RETRY, .reason = REASON_TRANSPORT};
	if (verdict.action == VERDICT_RETRY && answer->retry_after)
		verdict.retry_after_ms =
			retryafter_ms(answer->retry_after, answer->date, answer->now_s);
	if (verdict.reason == REASON_PARTIAL && answer->body)
		verdict.lost_lines = lost_lines(answer->body);
	return verdict;
}
