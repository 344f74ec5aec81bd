/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct config_output plain = {
	.database = "t", .retention_policy = "", .organization = "", .bucket = "b"};

static void check_type(enum output_type type, const char *url, const char *wanted)
{
	CLEANUP(text_free) struct text out = {0};
	struct config_output config = plain;

	config.type = type;
	target_write_url(&out, url, &config);
	assert_string_equal(text_cstr(&out), wanted);
}

static void check(const char *url, const char *database, const char *rp, const char *wanted)
{
	CLEANUP(text_free) struct text out = {0};
	struct config_output config = {.database = (char *)database,
	                               .retention_policy = (char *)rp};

	target_write_url(&out, url, &config);
	assert_string_equal(text_cstr(&out), wanted);
}

static void each_type_has_its_own_path_and_parameters(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct config_output config = plain;

	(void)state;
	check_type(OUTPUT_INFLUX2, "http://h:8086",
	           "http://h:8086/api/v2/write?bucket=b&precision=ns");
	check_type(OUTPUT_INFLUX2, "http://h/in?x=y", "http://h/in?x=y&bucket=b&precision=ns");
	check_type(OUTPUT_INFLUX3, "http://h:8181/",
	           "http://h:8181/api/v3/write_lp?db=t&precision=nanosecond");
	check_type(OUTPUT_HTTP, "http://h:8080/telegraf?x=y", "http://h:8080/telegraf?x=y");
	check_type(OUTPUT_HTTP, "http://h:8080", "http://h:8080/");
	config.type = OUTPUT_INFLUX2;
	config.organization = "my org";
	config.bucket = "db/rp";
	target_write_url(&out, "http://h", &config);
	assert_string_equal(text_cstr(&out),
	                    "http://h/api/v2/write?org=my%20org&bucket=db%2Frp&precision=ns");
}

static void a_socket_has_the_types_path_or_its_own(void **state)
{
	CLEANUP(text_free) struct text out = {0};

	(void)state;
	check_type(OUTPUT_INFLUX1, "unix:///run/t.sock",
	           "http://localhost/write?db=t&precision=ns");
	check_type(OUTPUT_INFLUX1, "unix:///run/t.sock:/in?x=y",
	           "http://localhost/in?x=y&db=t&precision=ns");
	check_type(OUTPUT_HTTP, "unix:///run/t.sock:/telegraf", "http://localhost/telegraf");
	target_socket(&out, "unix:///run/t.sock:/telegraf");
	assert_string_equal(text_cstr(&out), "/run/t.sock");
	text_clear(&out);
	target_socket(&out, "http://h/x");
	assert_string_equal(text_cstr(&out), "");
}

/* InfluxDB 3 refuses a parameter that comes twice. */
static void what_the_url_says_itself_is_not_said_twice(void **state)
{
	(void)state;
	check_type(OUTPUT_INFLUX1, "http://h/write?db=own", "http://h/write?db=own&precision=ns");
	check_type(OUTPUT_INFLUX2, "http://h?org=o&bucket=own",
	           "http://h/api/v2/write?org=o&bucket=own&precision=ns");
}

static void a_description_has_no_query(void **state)
{
	static char *urls[] = {"http://h/in?key=s3cret", "unix:///s:/x?key=s3cret"};
	CLEANUP(text_free) struct text out = {0};
	struct config_output config = plain;

	(void)state;
	config.type = OUTPUT_INFLUX2;
	config.style = STYLE_FIELDS;
	config.organization = "o";
	config.token = "s3cret";
	config.urls = (struct config_list){.items = urls, .n = 2};
	target_describe(&out, &config);
	assert_string_equal(text_cstr(&out), "type influx2, style fields, to http://h/in, "
	                                     "unix:///s:/x, organization o, bucket b");
	text_clear(&out);
	config.type = OUTPUT_FILE;
	config.path = "/f";
	target_describe(&out, &config);
	assert_string_equal(text_cstr(&out), "type file, style fields, appends to /f");
}

static void a_url_without_a_path_gets_the_types_own(void **state)
{
	(void)state;
	check("http://127.0.0.1:8086", "telegraf", "",
	      "http://127.0.0.1:8086/write?db=telegraf&precision=ns");
	check("http://127.0.0.1:8086/", "telegraf", "",
	      "http://127.0.0.1:8086/write?db=telegraf&precision=ns");
	check("https://[::1]:8086?x=1", "t", "", "https://[::1]:8086/write?x=1&db=t&precision=ns");
}

static void a_path_is_used_as_it_is(void **state)
{
	(void)state;
	check("http://h/insert/0/influx/write", "t", "",
	      "http://h/insert/0/influx/write?db=t&precision=ns");
	check("http://h/in?extra_label=a=b#frag", "t", "",
	      "http://h/in?extra_label=a=b&db=t&precision=ns");
}

static void names_are_percent_encoded(void **state)
{
	(void)state;
	check("http://h", "a b&c", "one/week",
	      "http://h/write?db=a%20b%26c&rp=one%2Fweek&precision=ns");
}

static void a_label_has_no_credentials_and_no_path(void **state)
{
	static const char *const rows[][2] = {
		{"http://127.0.0.1:8086", "http://127.0.0.1:8086"},
		{"http://user:secret@h:8086/write?p=secret", "http://h:8086"},
		{"https://a@b:secret@[::1]:1/x@y", "https://[::1]:1"},
		{"http://h?u=x@y", "http://h"},
		{"unix:///run/t.sock:/x?y", "unix:///run/t.sock"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(text_free) struct text out = {0};

		target_label(&out, rows[i][0]);
		assert_string_equal(text_cstr(&out), rows[i][1]);
	}
}

static void escaping_leaves_only_unreserved(void **state)
{
	CLEANUP(text_free) struct text out = {0};

	(void)state;
	target_escape(&out, "Az09-._~");
	assert_string_equal(text_cstr(&out), "Az09-._~");
	text_clear(&out);
	target_escape(&out, "a b&c=d/e%f+\"\xc3\xa4");
	assert_string_equal(text_cstr(&out), "a%20b%26c%3Dd%2Fe%25f%2B%22%C3%A4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_has_its_own_path_and_parameters),
		cmocka_unit_test(a_socket_has_the_types_path_or_its_own),
		cmocka_unit_test(what_the_url_says_itself_is_not_said_twice),
		cmocka_unit_test(a_description_has_no_query),
		cmocka_unit_test(a_url_without_a_path_gets_the_types_own),
		cmocka_unit_test(a_path_is_used_as_it_is),
		cmocka_unit_test(names_are_percent_encoded),
		cmocka_unit_test(escaping_leaves_only_unreserved),
		cmocka_unit_test(a_label_has_no_credentials_and_no_path),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
