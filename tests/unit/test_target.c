/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check(const char *url, const char *database, const char *rp, const char *wanted)
{
	CLEANUP(text_free) struct text out = {0};
	struct config_output config = {.database = (char *)database,
	                               .retention_policy = (char *)rp};

	target_write_url(&out, url, &config);
	assert_string_equal(text_cstr(&out), wanted);
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
		cmocka_unit_test(a_url_without_a_path_gets_the_types_own),
		cmocka_unit_test(a_path_is_used_as_it_is),
		cmocka_unit_test(names_are_percent_encoded),
		cmocka_unit_test(escaping_leaves_only_unreserved),
		cmocka_unit_test(a_label_has_no_credentials_and_no_path),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
