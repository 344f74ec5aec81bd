/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void values_stand_in_objects_and_arrays(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct json j = {.out = &out};

	json_object(&j, NULL);
	json_string(&j, "name", "sda");
	json_array(&j, "sizes");
	json_u64(&j, NULL, UINT64_MAX);
	json_i64(&j, NULL, INT64_MIN);
	json_end(&j);
	json_array(&j, "none");
	json_end(&j);
	json_object(&j, "empty");
	json_end(&j);
	json_bool(&j, "on", true);
	json_bool(&j, "off", false);
	json_null(&j, "nobody knows");
	json_string(&j, "no text", NULL);
	json_end(&j);
	assert_string_equal(text_cstr(&out),
	                    "{\n  \"name\": \"sda\",\n  \"sizes\": [\n    18446744073709551615,\n"
	                    "    -9223372036854775808\n  ],\n  \"none\": [],\n  \"empty\": {},\n"
	                    "  \"on\": true,\n  \"off\": false,\n  \"nobody knows\": null,\n"
	                    "  \"no text\": null\n}\n");
}

static void assert_written(const char *value, const char *expected)
{
	CLEANUP(text_free) struct text out = {0};
	struct json j = {.out = &out};

	json_string(&j, NULL, value);
	assert_string_equal(text_cstr(&out), expected);
}

static void strings_are_escaped_as_the_standard_wants(void **state)
{
	assert_written("", "\"\"");
	assert_written("a \"b\" c\\d", "\"a \\\"b\\\" c\\\\d\"");
	assert_written("tab\tnewline\nbell\x07 end\x7f",
	               "\"tab\\u0009newline\\u000abell\\u0007 end\\u007f\"");
	assert_written("/ \xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80",
	               "\"/ \xc2\xb5s \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

/* Overlong forms, surrogates, what is cut off, what is beyond Unicode. */
static void what_is_no_utf8_is_replaced_byte_by_byte(void **state)
{
	assert_written("\xff", "\"\\ufffd\"");
	assert_written("a\xc2", "\"a\\ufffd\"");
	assert_written("\xc0\x80x", "\"\\ufffd\\ufffdx\"");
	assert_written("\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_written("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_written("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	assert_written("\xe2\x82", "\"\\ufffd\\ufffd\"");
	assert_written("\x80\x41", "\"\\ufffdA\"");
}

static void keys_are_escaped_too(void **state)
{
	CLEANUP(text_free) struct text out = {0};
	struct json j = {.out = &out};

	json_object(&j, NULL);
	json_u64(&j, "a\"b", 1);
	json_end(&j);
	assert_string_equal(text_cstr(&out), "{\n  \"a\\\"b\": 1\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_in_objects_and_arrays),
		cmocka_unit_test(strings_are_escaped_as_the_standard_wants),
		cmocka_unit_test(what_is_no_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(keys_are_escaped_too),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
