/* SPDX-License-Identifier: Apache-2.0 */
#include "trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static const struct config_output output = {.name = "telegraf",
                                            .type = OUTPUT_INFLUX1,
                                            .database = "telegraf",
                                            .bucket = "disks",
                                            .organization = "ops",
                                            .username = "",
                                            .password_file = "",
                                            .token = "",
                                            .token_file = "",
                                            .tls_cert = "",
                                            .http_proxy = ""};
static const struct trouble_case not_found = {
	.config = &output,
	.label = "http://127.0.0.1:8086",
	.reason = REASON_NOT_FOUND,
	.status = 404,
	.error = "",
	.body = "{\"error\":\"database not found: \\\"telegraf\\\"\"}\n",
};
static const struct trouble_case refused = {
	.config = &output,
	.label = "http://127.0.0.1:8086",
	.reason = REASON_TRANSPORT,
	.error = "Couldn't connect to server",
	.body = "",
};

static void a_failure_says_who_what_and_what_would_help(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble t = {0};

	(void)state;
	assert_true(trouble_failed(&t, SECOND, &not_found, 12, 30000, &out));
	assert_string_equal(
		text_cstr(&out),
		"output telegraf: http://127.0.0.1:8086 answers 404 \"database not found: "
		"telegraf\"; keeping 12 windows, next try in 30 s; create it with: CREATE "
		"DATABASE \"telegraf\"");
	text_clear(&out);
	assert_true(trouble_failed(&t, SECOND, &refused, 1, 640, &out));
	assert_string_equal(
		text_cstr(&out),
		"output telegraf: http://127.0.0.1:8086 gives no answer: Couldn't connect "
		"to server; keeping 1 window, next try in 0.6 s");
}

static void advise(const struct config_output *config, enum verdict_reason reason, long status,
                   const char *text, const char *wanted)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble_case c = {.config = config,
	                         .label = "http://h",
	                         .reason = reason,
	                         .status = status,
	                         .error = text,
	                         .body = text};
	struct trouble t = {0};

	assert_true(trouble_failed(&t, 1, &c, 1, 30000, &out));
	const char *advice = strstr(text_cstr(&out), "next try in 30 s") + 16;
	assert_string_equal(advice, wanted);
}

static void advice_fits_the_type_and_the_login(void **state)
{
	struct config_output o = output;

	(void)state;
	advise(&o, REASON_NOT_FOUND, 404, "404 page not found",
	       "; check type and the path in urls of [output.telegraf]");
	o.type = OUTPUT_INFLUX2;
	advise(&o, REASON_NOT_FOUND, 404,
	       "{\"code\":\"not found\",\"message\":\"bucket \\\"disks\\\" not found\"}",
	       "; create it with: influx bucket create --name \"disks\" --org \"ops\"");
	advise(&o, REASON_NOT_FOUND, 404, "{\"message\":\"organization name not found\"}",
	       "; check organization of [output.telegraf]");
	advise(&o, REASON_NOT_FOUND, 400, "{\"message\":\"Please provide either orgID or org\"}",
	       "; set organization in [output.telegraf]");
	o.type = OUTPUT_INFLUX3;
	advise(&o, REASON_NOT_FOUND, 404, "{\"error\":\"database not found\"}",
	       "; create it with: influxdb3 create database telegraf");
	o.type = OUTPUT_HTTP;
	advise(&o, REASON_NOT_FOUND, 404, "", "; check the path in urls of [output.telegraf]");
	advise(&o, REASON_AUTH, 401, "",
	       "; set token, or username and password, in [output.telegraf]");
	advise(&o, REASON_AUTH, 400, "<title>400 No required SSL certificate was sent</title>",
	       "; set tls_cert and tls_key in [output.telegraf]");
	o.tls_cert = "/f";
	advise(&o, REASON_AUTH, 400, "<title>400 The SSL certificate error</title>",
	       "; check tls_cert and tls_key of [output.telegraf]");
	struct config_pair header = {.key = "authorization", .value = "secret"};
	o.headers = &header;
	o.n_headers = 1;
	advise(&o, REASON_AUTH, 401, "", "; check header.authorization of [output.telegraf]");
	o.n_headers = 0;
	o.http_proxy = "http://u:secret@p";
	advise(&o, REASON_TRANSPORT, 0, "Failed to connect to p port 1080",
	       "; it goes through http_proxy of [output.telegraf]");
	o.username = "u";
	advise(&o, REASON_AUTH, 401, "", "; check username and password of [output.telegraf]");
	o.token_file = "/f";
	advise(&o, REASON_AUTH, 403, "", "; check token_file of [output.telegraf]");
	advise(&o, REASON_AUTH, 407, "", "; check http_proxy of [output.telegraf]");
	advise(&o, REASON_TRANSPORT, 0,
	       "SSL certificate problem: unable to get local issuer certificate",
	       "; [output.telegraf]: tls_ca must hold the authority that signed its certificate");
	advise(&o, REASON_TRANSPORT, 0,
	       "error setting certificate file: /etc/ssl/certs/ca-certificates.crt",
	       "; [output.telegraf]: tls_ca must hold the authority that signed its certificate, or "
	       "install ca-certificates");
}

/* What is wrong before any request; told beside a refusal, which is another trouble. */
static void a_problem_of_our_own_names_no_receiver(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble_case c = {.config = &output, .problem = "token_file: /f is empty"};
	struct trouble t = {0};

	(void)state;
	assert_true(trouble_failed(&t, 1, &c, 0, 30000, &out));
	assert_string_equal(text_cstr(&out),
	                    "output telegraf: token_file: /f is empty; next try in 30 s");
	assert_false(trouble_failed(&t, 2, &c, 0, 30000, &out));
	text_clear(&out);
	assert_true(trouble_failed(&t, 3, &not_found, 2, 30000, &out));
	assert_non_null(strstr(text_cstr(&out), "answers 404"));
}

static void the_end_and_another_url_are_said_as_they_are(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble t = {0};

	(void)state;
	assert_true(trouble_failed(&t, SECOND, &refused, 2, 0, &out));
	assert_non_null(strstr(text_cstr(&out), "; keeping 2 windows, trying the next of urls"));
	t = (struct trouble){0};
	text_clear(&out);
	assert_true(trouble_failed(&t, SECOND, &refused, 2, TROUBLE_NO_MORE, &out));
	assert_string_equal(text_cstr(&out),
	                    "output telegraf: http://127.0.0.1:8086 gives no answer: "
	                    "Couldn't connect to server");
}

static void each_kind_of_failure_is_told_once(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble t = {0};

	(void)state;
	assert_true(trouble_failed(&t, 1, &refused, 1, 1000, &out));
	for (uint64_t i = 2; i < 100; i++)
		assert_false(trouble_failed(&t, i, &refused, i, 1000, &out));
	/* Two URLs, one dead and one without the database: not a line every 30 s. */
	assert_true(trouble_failed(&t, 100, &not_found, 1, 1000, &out));
	text_clear(&out);
	assert_false(trouble_failed(&t, 101, &refused, 1, 1000, &out));
	assert_false(trouble_failed(&t, 102, &not_found, 1, 1000, &out));
	assert_int_equal(out.len, 0);
}

static void recovery_is_told_once_with_its_length(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble t = {0};

	(void)state;
	assert_false(trouble_over(&t, SECOND, "telegraf", 3, &out));
	trouble_failed(&t, 10 * SECOND, &refused, 1, 1000, &out);
	trouble_failed(&t, 200 * SECOND, &refused, 1, 1000, &out);
	text_clear(&out);
	assert_true(trouble_over(&t, 260 * SECOND, "telegraf", 25, &out));
	assert_string_equal(text_cstr(&out),
	                    "output telegraf: delivered again after 4 min 10 s; 25 windows follow");
	text_clear(&out);
	assert_false(trouble_over(&t, 261 * SECOND, "telegraf", 0, &out));
	/* And it may begin anew. */
	assert_true(trouble_failed(&t, 800 * SECOND, &refused, 1, 1000, &out));
	text_clear(&out);
	assert_true(trouble_over(&t, 801 * SECOND, "telegraf", 0, &out));
	assert_string_equal(text_cstr(&out), "output telegraf: delivered again after 1.0 s");
}

/* A receiver at its limit: it takes one, refuses one, takes one. */
static void what_comes_and_goes_is_told_every_ten_minutes(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	unsigned int failed = 0, over = 0;
	struct trouble t = {0};

	(void)state;
	for (uint64_t s = 1; s <= 3600; s += 2) {
		failed += trouble_failed(&t, s * SECOND, &refused, 1, 1000, &out);
		over += trouble_over(&t, (s + 1) * SECOND, "telegraf", 0, &out);
	}
	assert_int_equal(failed, 6);
	assert_int_equal(over, 6);
}

static void what_lasts_is_told_though_it_was_told_before(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble t = {0};

	(void)state;
	assert_true(trouble_failed(&t, SECOND, &refused, 1, 1000, &out));
	assert_true(trouble_over(&t, 2 * SECOND, "telegraf", 0, &out));
	assert_false(trouble_failed(&t, 10 * SECOND, &refused, 1, 1000, &out));
	/* Another kind of failure is another thing. */
	assert_true(trouble_failed(&t, 11 * SECOND, &not_found, 1, 1000, &out));
	assert_false(trouble_failed(&t, 39 * SECOND, &refused, 1, 1000, &out));
	assert_true(trouble_failed(&t, 40 * SECOND, &refused, 1, 1000, &out));
	assert_false(trouble_failed(&t, 99 * SECOND, &refused, 1, 1000, &out));
	text_clear(&out);
	assert_true(trouble_over(&t, 100 * SECOND, "telegraf", 0, &out));
	assert_string_equal(text_cstr(&out), "output telegraf: delivered again after 1 min 30 s");
}

static void a_single_line_that_was_given_up_is_quoted_within_bounds(void **state)
{
	CLEANUP(text_free) struct text out = {0}, line = {0};
	struct trouble t = {0};
	struct trouble_case c = not_found;

	(void)state;
	c.reason = REASON_REJECTED;
	c.status = 400;
	c.body = "incorrect influx line";
	assert_true(trouble_dropped(&t, SECOND, &c, 1, "m,a=\"b\"\x1b v=1i 17", &out));
	assert_string_equal(text_cstr(&out),
	                    "output telegraf: http://127.0.0.1:8086 answers 400 \"incorrect influx "
	                    "line\"; dropped 1 line: m,a=b  v=1i 17");
	text_clear(&out);
	assert_true(trouble_dropped(&t, 3601 * SECOND, &c, 1, "m v=1i 18", &out));
	assert_non_null(
		strstr(text_cstr(&out),
	               "dropped 1 line since the last such message, the last one: m v=1i 18"));
	for (int i = 0; i < 5000; i++)
		text_char(&line, 'x');
	text_clear(&out);
	assert_true(trouble_dropped(&t, 7202 * SECOND, &c, 1, text_cstr(&line), &out));
	assert_in_range(out.len, TROUBLE_LINE_MAX, TROUBLE_LINE_MAX + 200);
}

static void losses_are_summed_up_for_an_hour(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble t = {0};
	struct trouble_case c = not_found;

	(void)state;
	c.status = 400;
	c.reason = REASON_PARTIAL;
	c.body = "{\"error\":\"partial write: points beyond retention policy dropped=3\"}";
	assert_true(trouble_dropped(&t, SECOND, &c, 12, NULL, &out));
	assert_string_equal(text_cstr(&out),
	                    "output telegraf: http://127.0.0.1:8086 answers 400 \"partial "
	                    "write: points beyond retention policy dropped=3\"; dropped "
	                    "what it did not store of 12 lines");
	text_clear(&out);
	assert_false(trouble_dropped(&t, 2 * SECOND, &c, 30, NULL, &out));
	assert_false(trouble_dropped(&t, 3600 * SECOND, &c, 40, NULL, &out));
	c.reason = REASON_REJECTED;
	assert_true(trouble_dropped(&t, 3601 * SECOND, &c, 5, NULL, &out));
	assert_non_null(strstr(text_cstr(&out), "; dropped 75 lines since the last such message"));
}

static void quote(const char *body, const char *wanted)
{
	CLEANUP(text_free) struct text out = {0};
	struct trouble_case c = not_found;
	struct trouble t = {0};

	c.body = body;
	c.reason = REASON_SERVER;
	c.status = 500;
	trouble_failed(&t, 1, &c, 1, 1000, &out);
	const char *start = strstr(text_cstr(&out), "answers 500") + 11;
	const char *end = strstr(start, "; keeping");
	assert_int_equal(strlen(wanted), end - start);
	assert_memory_equal(start, wanted, strlen(wanted));
}

static void what_a_receiver_says_stays_one_harmless_line(void **state)
{
	char endless[4096];

	(void)state;
	quote("", "");
	quote(" \n", "");
	quote("<html><body>Bad Gateway</body></html>", "");
	quote("queue full\n", " \"queue full\"");
	quote("two\nlines\x1b[31m red", " \"two lines [31m red\"");
	quote("{\"code\":\"invalid\",\"message\": \"not\\nso \\\"good\\\"\",\"op\":1}",
	      " \"not so good\"");
	quote("{\"error\":\"unfinished \\", " \"unfinished \\\"");
	quote("{\"other\":1}", " \"{other:1}\"");
	quote("sch\xc3\xb6n", " \"sch  n\"");
	memset(endless, 'x', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = 0;
	CLEANUP(text_free) struct text out = {0};
	struct trouble_case c = not_found;
	struct trouble t = {0};
	c.body = endless;
	trouble_failed(&t, 1, &c, 1, 1000, &out);
	assert_true(out.len < TROUBLE_QUOTE_MAX + 200);
}

static void time_spans_are_for_people(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{0, "0.0 s"},           {640, "0.6 s"},         {999, "1.0 s"},
		{9949, "9.9 s"},        {9950, "10 s"},         {30000, "30 s"},
		{59499, "59 s"},        {59500, "1 min 0 s"},   {250000, "4 min 10 s"},
		{3600000, "1 h 0 min"}, {7380000, "2 h 3 min"}, {86399000, "23 h 59 min"},
		{86400000, "1 d 0 h"},  {273600000, "3 d 4 h"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(text_free) struct text out = {0};

		trouble_span(&out, rows[i].ms);
		assert_string_equal(text_cstr(&out), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_says_who_what_and_what_would_help),
		cmocka_unit_test(advice_fits_the_type_and_the_login),
		cmocka_unit_test(a_problem_of_our_own_names_no_receiver),
		cmocka_unit_test(the_end_and_another_url_are_said_as_they_are),
		cmocka_unit_test(each_kind_of_failure_is_told_once),
		cmocka_unit_test(recovery_is_told_once_with_its_length),
		cmocka_unit_test(what_comes_and_goes_is_told_every_ten_minutes),
		cmocka_unit_test(what_lasts_is_told_though_it_was_told_before),
		cmocka_unit_test(a_single_line_that_was_given_up_is_quoted_within_bounds),
		cmocka_unit_test(losses_are_summed_up_for_an_hour),
		cmocka_unit_test(what_a_receiver_says_stays_one_harmless_line),
		cmocka_unit_test(time_spans_are_for_people),
	};

	return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
