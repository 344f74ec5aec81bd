/* SPDX-License-Identifier: Apache-2.0 */
#include "inifile.h"
#include "text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Entries and complaints as one text: "LINE [SECTION] KEY=VALUE\n", then "SEVERITY TEXT\n". */
static struct text seen;
static int seen_result;
static int stop_with;

static int collect(void *ctx, const struct inifile_entry *entry)
{
	struct text *t = ctx;

	text_printf(t, "%u [%s]", entry->line, entry->section);
	if (entry->key)
		text_printf(t, " %s=%s", entry->key, entry->value);
	text_char(t, '\n');
	return stop_with;
}

static const char *parse_bytes_of(const char *data, size_t len)
{
	struct report report = {0};

	text_clear(&seen);
	seen_result = inifile_parse("f.ini", data, len, collect, &seen, &report);
	for (size_t i = 0; i < report.n_items; i++)
		text_printf(&seen, "%s %s\n",
		            report.items[i].severity == REPORT_ERROR ? "error" : "warning",
		            report.items[i].text);
	report_free(&report);
	return text_cstr(&seen);
}

static const char *parse(const char *data)
{
	return parse_bytes_of(data, strlen(data));
}

#define assert_good(data, want)                         \
	do {                                            \
		assert_string_equal(parse(data), want); \
		assert_int_equal(seen_result, 0);       \
	} while (0)

#define assert_bad(data, want)                          \
	do {                                            \
		assert_string_equal(parse(data), want); \
		assert_int_equal(seen_result, -EINVAL); \
	} while (0)

static void keys_come_with_section_and_line(void **state)
{
	assert_good(
		"; comment\n\n[agent]\ninterval = 10s\n# comment\nhostname=a\n[output.x]\nurls = b",
		"3 [agent]\n4 [agent] interval=10s\n6 [agent] hostname=a\n"
		"7 [output.x]\n8 [output.x] urls=b\n");
	assert_good("", "");
	assert_string_equal(parse_bytes_of(NULL, 0), "");
}

static void windows_line_ends_and_byte_order_mark_do_no_harm(void **state)
{
	assert_good("\xef\xbb\xbf[a]\r\nk = v\r\n\r\n", "1 [a]\n2 [a] k=v\n");
}

/* libinih tells the handler of keys only. */
static void empty_sections_are_delivered(void **state)
{
	assert_good("[a]\n[b] ; with a comment\n[map x]\n", "1 [a]\n2 [b]\n3 [map x]\n");
}

static void an_empty_value_is_a_value(void **state)
{
	assert_good("[a]\nk =\nj = ; comment\n", "1 [a]\n2 [a] k=\n3 [a] j=\n");
}

/* libinih hands "k" to the handler once a line, which looks like the key set again. */
static void a_value_continues_on_indented_lines(void **state)
{
	assert_good("[a]\nurls = http://a ; first\n  http://b\n\n; comment\n\t  http://c \nk = v\n",
	            "1 [a]\n2 [a] urls=http://a http://b http://c\n7 [a] k=v\n");
	/* libinih cuts no comment off a continuation. */
	assert_good("[a]\nurls =\n  http://a\n ; no = value\n  http://b ; x = y\n",
	            "1 [a]\n2 [a] urls=http://a http://b\n");
}

/* libinih would make "interval = 10s" part of the value of "urls". */
static void an_indented_key_is_an_error(void **state)
{
	assert_bad(
		"[a]\nurls = u\n  interval = 10s\n  more\nk = v\n",
		"1 [a]\n2 [a] urls=u\n5 [a] k=v\n"
		"error f.ini:3: indented line that holds \"=\" or starts with \"[\"; begin it at "
		"the start of the line\n");
	/* Directly below a header libinih would take the first as a key and the second not. */
	assert_bad(
		"[a]\n k = v\n",
		"1 [a]\nerror f.ini:2: indented line that holds \"=\" or starts with \"[\"; begin "
		"it at the start of the line\n");
}

/* libinih would make "[b]" part of the value of "k", and put "j" into section a. */
static void an_indented_section_is_an_error(void **state)
{
	assert_bad("[a]\nk = v\n [b]\n",
	           "1 [a]\n2 [a] k=v\nerror f.ini:3: indented line that holds \"=\" or starts with "
	           "\"[\"; begin it at the start of the line\n");
}

static void an_indented_line_needs_a_value_to_continue(void **state)
{
	assert_bad("[a]\n http://x\n",
	           "1 [a]\nerror f.ini:2: indented line that continues no value\n");
}

static void the_longest_line_arrives_whole(void **state)
{
	char data[256] = "[a]\nk = ";
	char want[512];

	memset(data + 8, 'x', INIFILE_LINE_MAX - 4);
	snprintf(want, sizeof(want), "1 [a]\n2 [a] k=%s\n", data + 8);
	assert_good(data, want);
	strcat(data, "  \r\n"); /* blanks at its end cost nothing */
	assert_good(data, want);
}

/* libinih: "k" becomes the first 195 of the x, "tail" a key of its own, and lines are counted wrong. */
static void a_longer_line_is_an_error_and_not_cut(void **state)
{
	char data[512] = "[a]\nk = ";

	memset(data + 8, 'x', INIFILE_LINE_MAX - 4);
	strcat(data, "tail = 1\n more\nj = 2\nno key\n");
	assert_bad(data,
	           "1 [a]\n4 [a] j=2\nerror f.ini:2: line of 207 bytes; at most 199 are read; "
	           "continue a long value on indented lines\n"
	           "error f.ini:5: neither [section] nor key = value\n");
}

/* What continues a line that was refused must not go to the key before it. */
static void a_refused_line_takes_its_continuation_with_it(void **state)
{
	assert_bad("[a]\nk = v\nj: w\n more\n",
	           "1 [a]\n2 [a] k=v\nerror f.ini:3: \":\" before \"=\"; write key = value\n");
}

static void a_long_comment_is_no_error(void **state)
{
	char data[512] = "[a]\n; ";

	memset(data + 6, 'x', 400);
	assert_good(data, "1 [a]\n");
}

/* libinih would cut it and so merge two outputs with long names. */
static void a_section_name_over_49_bytes_is_an_error(void **state)
{
	char data[128] = "[";

	memset(data + 1, 's', INIFILE_SECTION_MAX);
	strcat(data, "]\n");
	parse(data);
	assert_int_equal(seen_result, 0);
	strcpy(data + 1 + INIFILE_SECTION_MAX, "s]\nk = v\n");
	assert_bad(data, "error f.ini:1: section name of 50 bytes; at most 49 are read\n");
}

/* libinih gives the key whole, but its continuation to a key cut at 49. */
static void a_key_over_49_bytes_is_an_error(void **state)
{
	char data[128] = "[a]\n";

	memset(data + 4, 'k', INIFILE_NAME_MAX);
	strcat(data, " = v\n more");
	parse(data);
	assert_int_equal(seen_result, 0);
	assert_non_null(strstr(text_cstr(&seen), "kk=v more\n"));
	strcpy(data + 4 + INIFILE_NAME_MAX, "k = v\n more");
	assert_bad(data, "1 [a]\nerror f.ini:2: key of 50 bytes; at most 49 are read\n");
}

/* libinih takes ":" for "=": "url:port = x" would be the key "url". */
static void a_colon_is_no_equals_sign(void **state)
{
	assert_bad("[a]\nk: v\nurl:port = x\n",
	           "1 [a]\nerror f.ini:2: \":\" before \"=\"; write key = value\n"
	           "error f.ini:3: \":\" before \"=\"; write key = value\n");
	assert_good("[a]\nurls = http://h:8086\n", "1 [a]\n2 [a] urls=http://h:8086\n");
}

static void a_key_twice_in_one_file_is_an_error(void **state)
{
	assert_bad("[a]\nk = 1\n[b]\nk = 1\n[a]\nk = 2\n",
	           "1 [a]\n2 [a] k=1\n3 [b]\n4 [b] k=1\n5 [a]\n"
	           "error f.ini:6: [a] k: already set in line 2; keep one of the two\n");
}

static void a_key_before_the_first_section_is_an_error(void **state)
{
	assert_bad("k = 1\nj = 2\n[a]\nk = 3\n",
	           "3 [a]\n4 [a] k=3\nerror f.ini:1: k: key before the first [section]\n");
}

static void a_line_that_is_nothing_is_an_error(void **state)
{
	assert_bad("[a]\nverbose\n= 1\nk ; = 1\n",
	           "1 [a]\nerror f.ini:2: neither [section] nor key = value\n"
	           "error f.ini:3: \"=\" without a key before it\n"
	           "error f.ini:4: neither [section] nor key = value\n");
}

/* libinih would put the keys below into the section above. */
static void a_bad_header_takes_its_keys_with_it(void **state)
{
	assert_bad("[a]\n[b\nk = v\n[c]\nj = w\n",
	           "1 [a]\n4 [c]\n5 [c] j=w\nerror f.ini:2: section without \"]\"\n");
	assert_bad("[a] k = v\nj = w\n",
	           "error f.ini:1: text after \"]\"; begin a new line there\n");
	assert_bad("[]\nk = v\n", "error f.ini:1: section without a name\n");
	assert_bad(
		"[ a ]\nk = v\n",
		"error f.ini:1: section name that begins or ends with a blank, or holds \"[\"\n");
	assert_bad("[a ;]\nk = v\n", "error f.ini:1: section without \"]\"\n");
}

/* As libinih has it; documented, because it cannot be told from a value. */
static void a_semicolon_after_a_blank_starts_a_comment(void **state)
{
	assert_good("[a]\nk = a ;b\nj = a;b\ni =;b\n",
	            "1 [a]\n2 [a] k=a\n3 [a] j=a;b\n4 [a] i=;b\n");
}

static void a_hash_after_a_value_is_kept_and_warned_of(void **state)
{
	assert_good(
		"[a]\nk = v # c\nj = v#c\ni = v ; # c\n",
		"1 [a]\n2 [a] k=v # c\n3 [a] j=v#c\n4 [a] i=v\n"
		"warning f.ini:2: \"#\" after a value starts no comment and belongs to the value; "
		"\" ;\" does\n");
}

/* libinih would cut the value there. */
static void a_nul_byte_is_an_error(void **state)
{
	static const char data[] = "[a]\nk = v\0w\nj = 1\n";

	assert_string_equal(parse_bytes_of(data, sizeof(data) - 1),
	                    "1 [a]\n3 [a] j=1\nerror f.ini:2: NUL byte in the line\n");
	assert_int_equal(seen_result, -EINVAL);
}

static void control_characters_and_broken_utf8_are_errors(void **state)
{
	assert_bad("[a]\nk = \x1b[31m\nj = \xff\n",
	           "1 [a]\nerror f.ini:2: control character in the line\n"
	           "error f.ini:3: not UTF-8\n");
	assert_good("[a]\nk = caf\xc3\xa9\n", "1 [a]\n2 [a] k=caf\xc3\xa9\n");
}

static void a_value_beyond_the_bound_is_an_error(void **state)
{
	struct text data = {0};

	text_str(&data, "[a]\nk =\n");
	for (int i = 0; i <= INIFILE_VALUE_MAX / 100; i++)
		text_printf(&data, " %0100d\n", 0);
	text_str(&data, "j = 1\n");
	assert_bad(
		text_cstr(&data),
		"1 [a]\n44 [a] j=1\nerror f.ini:2: [a] k: value of 4140 bytes; at most 4096 are read\n");
	text_free(&data);
}

static void a_file_beyond_the_bound_is_refused(void **state)
{
	static char data[INIFILE_MAX_BYTES + 1];

	memset(data, '\n', sizeof(data));
	parse_bytes_of(data, sizeof(data) - 1);
	assert_int_equal(seen_result, 0);
	assert_string_equal(parse_bytes_of(data, sizeof(data)),
	                    "error f.ini: 1048577 bytes; a configuration has at most 1048576\n");
	assert_int_equal(seen_result, -E2BIG);
}

/* Finding a key twice must not take the square of the keys: 1 MiB holds 150,000. */
static void many_keys_are_no_burden(void **state)
{
	struct text data = {0};

	text_str(&data, "[a]\n");
	for (int i = 0; data.len < INIFILE_MAX_BYTES - 16; i++)
		text_printf(&data, "%x=\n", i);
	parse_bytes_of(data.data, data.len);
	assert_int_equal(seen_result, 0);
	text_free(&data);
}

static void the_callee_can_stop_it(void **state)
{
	stop_with = -ENOSPC;
	assert_string_equal(parse("[a]\nk = v\n[b]\n"), "1 [a]\n");
	assert_int_equal(seen_result, -ENOSPC);
	stop_with = 0;
}

static int free_seen(void **state)
{
	text_free(&seen);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_come_with_section_and_line),
		cmocka_unit_test(windows_line_ends_and_byte_order_mark_do_no_harm),
		cmocka_unit_test(empty_sections_are_delivered),
		cmocka_unit_test(an_empty_value_is_a_value),
		cmocka_unit_test(a_value_continues_on_indented_lines),
		cmocka_unit_test(an_indented_key_is_an_error),
		cmocka_unit_test(an_indented_section_is_an_error),
		cmocka_unit_test(an_indented_line_needs_a_value_to_continue),
		cmocka_unit_test(the_longest_line_arrives_whole),
		cmocka_unit_test(a_longer_line_is_an_error_and_not_cut),
		cmocka_unit_test(a_refused_line_takes_its_continuation_with_it),
		cmocka_unit_test(a_long_comment_is_no_error),
		cmocka_unit_test(a_section_name_over_49_bytes_is_an_error),
		cmocka_unit_test(a_key_over_49_bytes_is_an_error),
		cmocka_unit_test(a_colon_is_no_equals_sign),
		cmocka_unit_test(a_key_twice_in_one_file_is_an_error),
		cmocka_unit_test(a_key_before_the_first_section_is_an_error),
		cmocka_unit_test(a_line_that_is_nothing_is_an_error),
		cmocka_unit_test(a_bad_header_takes_its_keys_with_it),
		cmocka_unit_test(a_semicolon_after_a_blank_starts_a_comment),
		cmocka_unit_test(a_hash_after_a_value_is_kept_and_warned_of),
		cmocka_unit_test(a_nul_byte_is_an_error),
		cmocka_unit_test(control_characters_and_broken_utf8_are_errors),
		cmocka_unit_test(a_value_beyond_the_bound_is_an_error),
		cmocka_unit_test(a_file_beyond_the_bound_is_refused),
		cmocka_unit_test(many_keys_are_no_burden),
		cmocka_unit_test(the_callee_can_stop_it),
	};

	return cmocka_run_group_tests_name("inifile", tests, NULL, free_seen);
}
