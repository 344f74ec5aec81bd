/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

/* Answers as receivers give them; where they come from is said in front of each group. */
static const struct row {
	long status;
	const char *body;
	enum verdict_action action;
	enum verdict_reason reason;
} answers[] = {
	/* All receivers; influxdb 3's /ping and empty writes give 200. */
	{204, "", VERDICT_SENT, REASON_OK},
	{200, "{\"results\":[]}", VERDICT_SENT, REASON_OK},
	{202, NULL, VERDICT_SENT, REASON_OK},
	{206, "", VERDICT_SENT, REASON_OK},
	/* A success stays one whatever it says. */
	{204, "partial write", VERDICT_SENT, REASON_OK},

	/* InfluxDB 1 */
	{400, "{\"error\":\"partial write: points beyond retention policy dropped=3\"}\n",
         VERDICT_DROP, REASON_PARTIAL},
	{400,
         "{\"error\":\"partial write: field type conflict: input field \\\"count\\\" on measurement "
         "\\\"block_io\\\" is type float, already exists as type integer dropped=1\"}\n",
         VERDICT_DROP, REASON_PARTIAL},
	{400,
         "{\"error\":\"partial write: max-series-per-database limit exceeded: (1000000) dropped=7\"}",
         VERDICT_DROP, REASON_PARTIAL},
	{400,
         "{\"error\":\"partial write: unable to parse 'm,h= v=1i': missing tag value dropped=0\"}",
         VERDICT_DROP, REASON_PARTIAL},
	{400, "{\"error\":\"unable to parse 'garbage': missing fields\"}\n", VERDICT_DROP,
         REASON_REJECTED},
	{400, "{\"error\":\"database is required\"}\n", VERDICT_HOLD, REASON_NOT_FOUND},
	{401, "{\"error\":\"authorization failed\"}\n", VERDICT_HOLD, REASON_AUTH},
	{403,
         "{\"error\":\"\\\"u\\\" user is not authorized to write to database \\\"telegraf\\\"\"}",
         VERDICT_HOLD, REASON_AUTH},
	{404, "{\"error\":\"database not found: \\\"telegraf\\\"\"}\n", VERDICT_HOLD,
         REASON_NOT_FOUND},
	{405, "Method Not Allowed\n", VERDICT_HOLD, REASON_UNEXPECTED},
	{413, "{\"error\":\"Request Entity Too Large\"}", VERDICT_SPLIT, REASON_TOO_LARGE},
	{500, "{\"error\":\"timeout\"}\n", VERDICT_RETRY, REASON_SERVER},
	{500, "{\"error\":\"engine: cache-max-memory-size exceeded: (1074789120/1073741824)\"}",
         VERDICT_RETRY, REASON_SERVER},
	{500, "{\"error\":\"partial write: field type conflict dropped=1\"}", VERDICT_DROP,
         REASON_PARTIAL},
	{500, "{\"error\":\"field type conflict: input field \\\"v\\\" is type float\"}",
         VERDICT_DROP, REASON_PARTIAL},
	{500, "{\"error\":\"write failed: points beyond retention policy\"}", VERDICT_DROP,
         REASON_PARTIAL},
	{500, "{\"error\":\"unable to parse 'x'\"}", VERDICT_BISECT, REASON_REJECTED},
	/* It is stored. */
	{500, "{\"error\":\"write failed: hinted handoff queue not empty\"}", VERDICT_SENT,
         REASON_OK},
	{503, "request throttled, queue full\n", VERDICT_RETRY, REASON_OVERLOADED},

	/* InfluxDB 2 */
	{400, "{\"code\":\"invalid\",\"message\":\"unable to parse 'm v=': missing field value\"}",
         VERDICT_BISECT, REASON_REJECTED},
	{401, "{\"code\":\"unauthorized\",\"message\":\"unauthorized access\"}", VERDICT_HOLD,
         REASON_AUTH},
	{403, "{\"code\":\"forbidden\",\"message\":\"insufficient permissions for write\"}",
         VERDICT_HOLD, REASON_AUTH},
	{404, "{\"code\":\"not found\",\"message\":\"bucket \\\"x\\\" not found\"}", VERDICT_HOLD,
         REASON_NOT_FOUND},
	{413, "{\"code\":\"request too large\",\"message\":\"points batch is too large\"}",
         VERDICT_SPLIT, REASON_TOO_LARGE},
	{422,
         "{\"code\":\"unprocessable entity\",\"message\":\"failure writing points to database: "
         "partial write: field type conflict: input field \\\"v\\\" dropped=1\"}",
         VERDICT_DROP, REASON_PARTIAL},
	{422, "{\"message\":\"partial write: max-values-per-tag limit exceeded dropped=2\"}",
         VERDICT_DROP, REASON_PARTIAL},
	{500, "{\"code\":\"internal error\",\"message\":\"An internal error has occurred.\"}",
         VERDICT_RETRY, REASON_SERVER},
	{429, "{\"code\":\"too many requests\"}", VERDICT_RETRY, REASON_OVERLOADED},
	{408, "", VERDICT_RETRY, REASON_SERVER},
	{499, "", VERDICT_RETRY, REASON_SERVER},

	{400,
         "{\"code\":\"invalid\",\"message\":\"invalid precision; valid precision units are ns, us, ms, and s\"}",
         VERDICT_HOLD, REASON_UNEXPECTED},
	{404, "{\"code\":\"not found\",\"message\":\"organization name \\\"x\\\" not found\"}",
         VERDICT_HOLD, REASON_NOT_FOUND},

	/* Without org=; its bad lines have the same code. */
	{400, "{\"code\":\"invalid\",\"message\":\"Please provide either orgID or org\"}",
         VERDICT_HOLD, REASON_NOT_FOUND},

	/* InfluxDB 3 */
	{400, "{\"error\":\"db name did not start with a number or letter\",\"data\":null}",
         VERDICT_HOLD, REASON_NOT_FOUND},
	{400,
         "{\"error\":\"invalid character in database name: must be ASCII, containing only letters\"}",
         VERDICT_HOLD, REASON_NOT_FOUND},
	{422, "{\"error\":\"Adding a new database would exceed limit of 5 databases\"}",
         VERDICT_HOLD, REASON_NOT_FOUND},
	{404, "{\"error\":\"the requested resource was not found: database deleted\"}",
         VERDICT_HOLD, REASON_NOT_FOUND},
	{413, "{\"error\":\"max request size (10485760 bytes) exceeded\"}", VERDICT_SPLIT,
         REASON_TOO_LARGE},
	{400,
         "{\"error\":\"partial write of line protocol occurred\",\"data\":[{\"original_line\":\"x\","
         "\"line_number\":1,\"error_message\":\"No fields were provided\"}]}",
         VERDICT_DROP, REASON_PARTIAL},
	{422,
         "{\"error\":\"partial write of line protocol occurred\",\"data\":[{\"original_line\":\"x\","
         "\"line_number\":1,\"error_message\":\"Update to schema would exceed number of columns\"}]}",
         VERDICT_DROP, REASON_PARTIAL},
	/* Its paths /write and /api/v2/write take all or nothing. */
	{400, "{\"error\":\"line protocol parsing error\",\"data\":{}}", VERDICT_BISECT,
         REASON_REJECTED},
	{400, "{\"code\":\"invalid\",\"message\":\"line protocol parse failed: No fields\"}",
         VERDICT_BISECT, REASON_REJECTED},
	{400,
         "{\"error\":\"cannot write to soft-deleted database 't' - it is marked for deletion\"}",
         VERDICT_HOLD, REASON_NOT_FOUND},
	{429, "this service is overloaded, please try again later", VERDICT_RETRY,
         REASON_OVERLOADED},
	{401, "", VERDICT_HOLD, REASON_AUTH},
	{415, "", VERDICT_HOLD, REASON_UNEXPECTED},
	{422, "Update to schema would exceed number of columns per table limit of 500 columns",
         VERDICT_BISECT, REASON_REJECTED},

	/* VictoriaMetrics and vmagent: text/plain, 400 for all without a code of its own */
	{400,
         "remoteAddr: \"127.0.0.1:1\"; too big data size exceeding "
         "-influx.maxRequestSize=67108864 bytes",
         VERDICT_SPLIT, REASON_TOO_LARGE},
	{400, "too big unpacked request; mustn't exceed 33554432 bytes", VERDICT_SPLIT,
         REASON_TOO_LARGE},
	{400,
         "cannot process influx line protocol data: too big decompressed data size exceeding "
         "-influx.maxRequestSize=67108864 bytes; see https://docs.victoriametrics.com",
         VERDICT_SPLIT, REASON_TOO_LARGE},
	{400,
         "cannot process influx line protocol data: incorrect influx line \"garbage\\nm,a=too\\\\ big "
         "v=1i\": cannot find Whitespace I in \"garbage\"",
         VERDICT_BISECT, REASON_REJECTED},
	{400, "unsupported path requested: \"/api/v3/write_lp\"", VERDICT_HOLD, REASON_NOT_FOUND},
	/* vmauth; vminsert of a cluster */
	{400,
         "remoteAddr: \"127.0.0.1:33292\"; requestURI: /write?db=t; cannot determine targetURL: "
         "missing route for \"/write?db=t\"",
         VERDICT_HOLD, REASON_NOT_FOUND},
	{400,
         "cannot parse path \"/write\": cannot find {prefix} in \"/write\"; expecting "
         "/{prefix}/{authToken}/{suffix} format",
         VERDICT_HOLD, REASON_NOT_FOUND},
	{400, "auth error: cannot parse accountID from \"influx\"", VERDICT_HOLD, REASON_NOT_FOUND},
	/* A bad line may say as much. */
	{400, "incorrect influx line \"m,a=auth\\ error garbage\": missing route for auth error",
         VERDICT_BISECT, REASON_REJECTED},
	{503, "cannot store metrics: the storage is in read-only mode", VERDICT_RETRY,
         REASON_OVERLOADED},
	{429, "remote storage systems cannot keep up with the data ingestion rate", VERDICT_RETRY,
         REASON_OVERLOADED},

	/* Telegraf's influxdb_listener, influxdb_v2_listener, http_listener_v2 */
	{400,
         "{\"error\":\"metric parse error: expected field at 1:8: \\\"garbage\\\" (and 2 other parse "
         "errors)\"}",
         VERDICT_DROP, REASON_PARTIAL},
	{400, "{\"error\":\"http: request body too large\"}", VERDICT_SPLIT, REASON_TOO_LARGE},
	{413, "{\"error\":\"http: request body too large\"}", VERDICT_SPLIT, REASON_TOO_LARGE},
	/* influxdb_v2_listener takes all or nothing. */
	{400,
         "{\"code\":\"invalid\",\"message\":\"metric parse error: expected field at 1:8: \\\"garbage\\\"\","
         "\"op\":\"\",\"err\":\"metric parse error: expected field at 1:8\"}",
         VERDICT_BISECT, REASON_REJECTED},
	{400, "{\"code\":\"internal error\",\"message\":\"unexpected EOF\"}", VERDICT_RETRY,
         REASON_SERVER},
	{400, "{\"code\":\"internal error\",\"message\":\"http: request body too large\"}",
         VERDICT_SPLIT, REASON_TOO_LARGE},
	{400, "{\"error\":\"gzip: invalid header\"}", VERDICT_BISECT, REASON_REJECTED},
	{400, "{\"error\":\"http: bad request\"}", VERDICT_BISECT, REASON_REJECTED},
	{401, "Unauthorized", VERDICT_HOLD, REASON_AUTH},
	{404, "404 page not found\n", VERDICT_HOLD, REASON_NOT_FOUND},
	{410, "", VERDICT_RETRY, REASON_SERVER},
	{413, "", VERDICT_SPLIT, REASON_TOO_LARGE},
	{413, "{\"code\":\"invalid\",\"message\":\"http: request body too large\"}", VERDICT_SPLIT,
         REASON_TOO_LARGE},
	{429, "", VERDICT_RETRY, REASON_OVERLOADED},
	{503, "", VERDICT_RETRY, REASON_OVERLOADED},

	/* What stands between: proxies and load balancers */
	{400, "Client sent an HTTP request to an HTTPS server.\n", VERDICT_HOLD, REASON_UNEXPECTED},
	{400, "<center>The plain HTTP request was sent to HTTPS port</center>", VERDICT_HOLD,
         REASON_UNEXPECTED},
	{502, "<html><h1>502 Bad Gateway</h1></html>", VERDICT_RETRY, REASON_SERVER},
	{504, "<html><h1>504 Gateway Time-out</h1></html>", VERDICT_RETRY, REASON_SERVER},
	{507, NULL, VERDICT_RETRY, REASON_SERVER},
	{407, "", VERDICT_HOLD, REASON_AUTH},
	/* nginx 1.22 with ssl_verify_client on, without our certificate, and with one that has expired */
	{400,
         "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body>\r\n"
         "<center><h1>400 Bad Request</h1></center>\r\n",
         VERDICT_HOLD, REASON_AUTH},
	{400, "<html>\r\n<head><title>400 The SSL certificate error</title></head>\r\n",
         VERDICT_HOLD, REASON_AUTH},
	{400, "<html><h1>400 Bad Request</h1></html>", VERDICT_HOLD, REASON_UNEXPECTED},
	{400, "\r\n <!DOCTYPE HTML><title>400 Bad Request</title>", VERDICT_HOLD,
         REASON_UNEXPECTED},
	{400, "no page: <html>", VERDICT_BISECT, REASON_REJECTED},
	{400, NULL, VERDICT_BISECT, REASON_REJECTED},
	{406, "", VERDICT_BISECT, REASON_REJECTED},
	{301, "", VERDICT_HOLD, REASON_UNEXPECTED},
	{308, "", VERDICT_HOLD, REASON_UNEXPECTED},
	{418, NULL, VERDICT_HOLD, REASON_UNEXPECTED},
	{100, NULL, VERDICT_HOLD, REASON_UNEXPECTED},
	{0, NULL, VERDICT_HOLD, REASON_UNEXPECTED},
	{999, NULL, VERDICT_HOLD, REASON_UNEXPECTED},
};

static void every_known_answer_has_its_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct row *a = &answers[i];
		struct verdict_answer answer = {.status = a->status, .body = a->body};
		struct verdict verdict = verdict_of(&answer);

		if (verdict.action != a->action || verdict.reason != a->reason)
			fail_msg("%ld %s: %s (%s)", a->status, a->body ? a->body : "",
			         verdict_action_names[verdict.action],
			         verdict_reason_names[verdict.reason]);
		assert_int_equal(verdict.retry_after_ms, 0);
	}
}

/* Without an answer nothing is known, and what is not known is tried again. */
static void no_answer_is_tried_again(void **state)
{
	static const long statuses[] = {0, 100, 400, 401, 404, 429, 500, 503};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct verdict_answer answer = {.transport = 56, .status = statuses[i]};
		struct verdict verdict = verdict_of(&answer);

		assert_int_equal(verdict.action, VERDICT_RETRY);
		assert_int_equal(verdict.reason, REASON_TRANSPORT);
	}
}

/* A 413 is often followed by a reset, and a 204 has nothing more to say. */
static void a_torn_answer_still_says_sent_or_too_large(void **state)
{
	struct verdict_answer sent = {.transport = 56, .status = 204};
	struct verdict_answer too_large = {.transport = 55, .status = 413};

	(void)state;
	assert_int_equal(verdict_of(&sent).action, VERDICT_SENT);
	assert_int_equal(verdict_of(&too_large).action, VERDICT_SPLIT);
}

static void retry_after_says_how_long_to_wait(void **state)
{
	struct verdict_answer seconds = {.status = 429, .retry_after = "30"};
	struct verdict_answer date = {.status = 503,
	                              .retry_after = "Wed, 21 Oct 2015 07:28:00 GMT",
	                              .date = "Wed, 21 Oct 2015 07:27:48 GMT"};

	(void)state;
	assert_int_equal(verdict_of(&seconds).retry_after_ms, 30000);
	assert_int_equal(verdict_of(&date).retry_after_ms, 12000);
	/* 07:27:55 */
	date.date = NULL;
	date.now_s = 1445412475;
	assert_int_equal(verdict_of(&date).retry_after_ms, 5000);
}

static void retry_after_means_nothing_elsewhere(void **state)
{
	struct verdict_answer sent = {.status = 204, .retry_after = "30"};
	struct verdict_answer held = {.status = 404, .retry_after = "30"};

	(void)state;
	assert_int_equal(verdict_of(&sent).retry_after_ms, 0);
	assert_int_equal(verdict_of(&held).retry_after_ms, 0);
}

/* Of what may be lost for good, every status must be on purpose: all others are kept. */
static void only_422_drops_and_only_400_and_406_bisect_without_a_phrase(void **state)
{
	(void)state;
	for (long status = 0; status < 1000; status++) {
		struct verdict_answer answer = {.status = status};
		enum verdict_action action = verdict_of(&answer).action;

		assert_int_equal(action == VERDICT_DROP, status == 422);
		assert_int_equal(action == VERDICT_BISECT, status == 400 || status == 406);
	}
}

static void a_partial_write_is_counted_where_the_receiver_says_how_many(void **state)
{
	static const struct {
		long status;
		const char *body;
		uint64_t lost;
	} rows[] = {
		{400, "{\"error\":\"partial write: points beyond retention policy dropped=3\"}\n",
	         3},
		/* InfluxDB 1.12; the measurement's name is ours to choose, and before it */
		{400,
	         "{\"error\":\"partial write: field type conflict on dropped=9 dropped=12 for database: "
	         "telegraf for retention policy: autogen\"}",
	         12},
		{400,
	         "{\"error\":\"partial write: unable to parse 'a v=': missing field value\\nunable to "
	         "parse 'b v=': missing field value dropped=0\"}\n",
	         2},
		/* Cut: nobody knows. */
		{400, "{\"error\":\"partial write: unable to parse 'a v=': missing field value", 0},
		{422,
	         "{\"code\":\"unprocessable entity\",\"message\":\"failure writing points to database: "
	         "partial write: field type conflict dropped=1\"}",
	         1},
		{400, "{\"error\":\"metric parse error: expected field at 1:8: \\\"garbage\\\"\"}",
	         1},
		{400,
	         "{\"error\":\"metric parse error: expected field at 1:8: \\\"x\\\" (and 1 other parse "
	         "error)\"}",
	         2},
		{400,
	         "{\"error\":\"metric parse error: expected field at 1:8: \\\"x\\\" (and 41 other parse "
	         "errors)\"}",
	         42},
		{400,
	         "{\"error\":\"partial write of line protocol occurred\",\"data\":[{\"original_line\":"
	         "\"a\",\"line_number\":1,\"error_message\":\"x\"},{\"original_line\":\"b\","
	         "\"line_number\":4,\"error_message\":\"y\"}]}",
	         2},
		{400,
	         "{\"error\":\"partial write of line protocol occurred\",\"data\":[{\"original_line\":"
	         "\"a\",\"line_number\":1,\"error_message\":\"x\"},{\"orig",
	         0},
		{500, "{\"error\":\"field type conflict\"}", 0},
		{422, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct verdict_answer answer = {.status = rows[i].status, .body = rows[i].body};
		struct verdict verdict = verdict_of(&answer);

		assert_int_equal(verdict.reason, REASON_PARTIAL);
		if (verdict.lost_lines != rows[i].lost)
			fail_msg("%s: %lu lost", rows[i].body ? rows[i].body : "",
			         (unsigned long)verdict.lost_lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_known_answer_has_its_meaning),
		cmocka_unit_test(no_answer_is_tried_again),
		cmocka_unit_test(a_torn_answer_still_says_sent_or_too_large),
		cmocka_unit_test(retry_after_says_how_long_to_wait),
		cmocka_unit_test(retry_after_means_nothing_elsewhere),
		cmocka_unit_test(only_422_drops_and_only_400_and_406_bisect_without_a_phrase),
		cmocka_unit_test(a_partial_write_is_counted_where_the_receiver_says_how_many),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
