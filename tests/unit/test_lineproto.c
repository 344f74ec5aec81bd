/* SPDX-License-Identifier: Apache-2.0 */
#include "lineproto.h"

#include "lpparse.h"
#include "random.h"
#include "specmap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define STAMP INT64_C(1767225600000000000)

static const struct lineproto_globals no_globals;

/* A point with the one field n=1i. */
static struct point small_point(void)
{
	return (struct point){.measurement = "m",
	                      .fields = {{.key = "n", .integer = 1}},
	                      .n_fields = 1,
	                      .stamp_ns = STAMP};
}

static void expect_line(const struct lineproto_globals *globals, const struct point *point,
                        const char *line)
{
	CLEANUP(text_free) struct text out = {};

	assert_int_equal(lineproto_append(&out, globals, point), 0);
	assert_string_equal(text_cstr(&out), line);
}

/* How the value of the tag t leaves. */
static void expect_escaped(const char *value, const char *escaped)
{
	struct point point = small_point();
	char line[1024];

	point.tags[0] = (struct point_tag){.key = "t", .value = value};
	point.n_tags = 1;
	snprintf(line, sizeof(line), "m,t=%s n=1i 1767225600000000000\n", escaped);
	expect_line(&no_globals, &point, line);
}

static void tags_leave_sorted_and_fields_as_they_stand(void **state)
{
	struct point point = {
		.measurement = "block_io",
		.tags = {{"op", "read"}, {"device", "sda"}, {"layer", "disk"}, {"Zone", "a"}},
		.n_tags = 4,
		.fields = {{.key = "ios", .integer = 4},
	                   {.key = "bytes_per_s", .type = POINT_FLOAT, .decimal = 204.8},
	                   {.key = "bytes", .integer = 2048}},
		.n_fields = 3,
		.stamp_ns = STAMP,
	};

	(void)state;
	expect_line(&no_globals, &point,
	            "block_io,Zone=a,device=sda,layer=disk,op=read "
	            "ios=4i,bytes_per_s=204.8,bytes=2048i 1767225600000000000\n");
}

static void lines_follow_one_another(void **state)
{
	CLEANUP(text_free) struct text out = {};
	struct point point = small_point();

	(void)state;
	assert_int_equal(lineproto_append(&out, &no_globals, &point), 0);
	point.stamp_ns = -1;
	assert_int_equal(lineproto_append(&out, &no_globals, &point), 0);
	assert_string_equal(text_cstr(&out), "m n=1i 1767225600000000000\nm n=1i -1\n");
}

static void the_point_s_own_tags_win_over_global_ones(void **state)
{
	struct config_pair tags[] = {{.key = "dc", .value = "east-1"},
	                             {.key = "device", .value = "global"}};
	struct lineproto_globals globals;
	struct point point = small_point();

	(void)state;
	lineproto_globals_init(&globals, tags, ARRAY_SIZE(tags), "web1");
	point.tags[0] = (struct point_tag){.key = "device", .value = "sda"};
	point.n_tags = 1;
	expect_line(&globals, &point,
	            "m,dc=east-1,device=sda,host=web1 n=1i 1767225600000000000\n");

	/* Known to be nothing is not the same as not said. */
	point.tags[0].value = "";
	expect_line(&globals, &point, "m,dc=east-1,host=web1 n=1i 1767225600000000000\n");
}

static void of_a_tag_said_twice_one_leaves(void **state)
{
	struct point point = small_point();

	(void)state;
	point.tags[0] = (struct point_tag){.key = "t", .value = "first"};
	point.tags[1] = (struct point_tag){.key = "t", .value = "second"};
	point.n_tags = 2;
	expect_line(&no_globals, &point, "m,t=first n=1i 1767225600000000000\n");
}

static void global_tags_are_sorted_and_empty_ones_dropped(void **state)
{
	struct config_pair tags[] = {{.key = "rack", .value = "r7"},
	                             {.key = "empty", .value = ""},
	                             {.key = "dc", .value = "west"},
	                             {.key = "dc", .value = "east"}};
	struct lineproto_globals globals;

	(void)state;
	lineproto_globals_init(&globals, tags, ARRAY_SIZE(tags), "web1");
	assert_int_equal(globals.n_tags, 3);
	assert_string_equal(globals.tags[0].key, "dc");
	assert_string_equal(globals.tags[0].value, "east");
	assert_string_equal(globals.tags[1].key, "host");
	assert_string_equal(globals.tags[2].key, "rack");
}

static void a_global_tag_host_wins_over_the_host_s_name(void **state)
{
	struct config_pair tags[] = {{.key = "host", .value = "alias"}};
	struct lineproto_globals globals;

	(void)state;
	lineproto_globals_init(&globals, tags, 1, "web1");
	assert_int_equal(globals.n_tags, 1);
	assert_string_equal(globals.tags[0].value, "alias");

	lineproto_globals_init(&globals, NULL, 0, NULL);
	assert_int_equal(globals.n_tags, 0);
	lineproto_globals_init(&globals, NULL, 0, "");
	assert_int_equal(globals.n_tags, 0);
}

static void blank_comma_and_equals_are_escaped(void **state)
{
	(void)state;
	expect_escaped("a b,c=d", "a\\ b\\,c\\=d");
	expect_escaped(" ", "\\ ");
	expect_escaped("_other", "_other");
	expect_escaped("8:0", "8:0");
	expect_escaped("+Inf", "+Inf");
	expect_escaped("say \"hi\"", "say\\ \"hi\"");
}

static void what_receivers_misread_becomes_an_underscore(void **state)
{
	(void)state;
	expect_escaped("a\\ b\\", "a_\\ b_");
	expect_escaped("a\nb\r\tc\x7f", "a_b__c_");
	/* C1 controls are two bytes, one character. */
	expect_escaped("a\xc2\x85"
	               "b",
	               "a_b");
	/* Overlong, surrogate, beyond Unicode, lone, cut: each byte for itself. */
	expect_escaped("\xc0\x80", "__");
	expect_escaped("\xed\xa0\x80", "___");
	expect_escaped("\xf4\x90\x80\x80", "____");
	expect_escaped("\xff", "_");
	expect_escaped("a\xe2\x82", "a__");
	expect_escaped("\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbe",
	               "\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xbe");
}

static void values_are_cut_at_a_character_s_start(void **state)
{
	char value[400], escaped[400];

	(void)state;
	memset(value, 'x', sizeof(value));
	value[300] = '\0';
	memcpy(escaped, value, 128);
	escaped[128] = '\0';
	expect_escaped(value, escaped);

	/* Two bytes would end at 129. */
	memcpy(value + 127, "\xc3\xa9", 2);
	escaped[127] = '\0';
	expect_escaped(value, escaped);

	/* What is escaped counts as one byte. */
	memset(value, ',', 200);
	value[200] = '\0';
	for (int i = 0; i < 128; i++)
		memcpy(escaped + 2 * i, "\\,", 2);
	escaped[256] = '\0';
	expect_escaped(value, escaped);
}

static void integers_stop_at_what_receivers_can_hold(void **state)
{
	struct point point = small_point();

	(void)state;
	point.fields[0].integer = INT64_MAX;
	expect_line(&no_globals, &point, "m n=9223372036854775807i 1767225600000000000\n");
	point.fields[0].integer = UINT64_MAX;
	expect_line(&no_globals, &point, "m n=9223372036854775807i 1767225600000000000\n");
}

static void floats_always_have_decimals(void **state)
{
	struct point point = small_point();

	(void)state;
	point.fields[0] = (struct point_field){.key = "f", .type = POINT_FLOAT, .decimal = 5};
	expect_line(&no_globals, &point, "m f=5.0 1767225600000000000\n");
	point.fields[0].decimal = 1e300;
	expect_line(&no_globals, &point, "m f=1000000000000000000.0 1767225600000000000\n");
	point.fields[0].decimal = __builtin_nan("");
	expect_line(&no_globals, &point, "m f=0.0 1767225600000000000\n");
}

static void expect_refused(const struct lineproto_globals *globals, const struct point *point,
                           int error)
{
	CLEANUP(text_free) struct text out = {};

	text_str(&out, "before\n");
	assert_int_equal(lineproto_append(&out, globals, point), error);
	assert_string_equal(text_cstr(&out), "before\n");
}

static void names_that_need_escaping_are_refused(void **state)
{
	static const char *const names[] = {"",    "_m",  "1m",       "a b", "a,b", "a=b",
	                                    "a\\", "a\n", "\xc3\xa9", "a.b", "#a",  "-a"};
	struct config_pair tag = {.key = "bad key", .value = "v"};
	struct lineproto_globals globals;
	char longest[LINEPROTO_MAX_NAME + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct point point = small_point();
		point.measurement = names[i];
		expect_refused(&no_globals, &point, -EINVAL);
		point = small_point();
		point.fields[0].key = names[i];
		expect_refused(&no_globals, &point, -EINVAL);
		point = small_point();
		point.tags[0] = (struct point_tag){.key = names[i], .value = "v"};
		point.n_tags = 1;
		expect_refused(&no_globals, &point, -EINVAL);
	}

	struct point point = small_point();
	lineproto_globals_init(&globals, &tag, 1, NULL);
	expect_refused(&globals, &point, -EINVAL);

	memset(longest, 'x', sizeof(longest));
	longest[LINEPROTO_MAX_NAME + 1] = '\0';
	assert_false(lineproto_is_name(longest));
	longest[LINEPROTO_MAX_NAME] = '\0';
	assert_true(lineproto_is_name(longest));
	assert_true(lineproto_is_name("le_512"));
}

static void a_key_time_is_refused(void **state)
{
	struct point point = small_point();

	(void)state;
	point.fields[0].key = "time";
	expect_refused(&no_globals, &point, -EINVAL);
	point = small_point();
	point.tags[0] = (struct point_tag){.key = "time", .value = "v"};
	point.n_tags = 1;
	expect_refused(&no_globals, &point, -EINVAL);
	point = small_point();
	point.measurement = "time";
	expect_line(&no_globals, &point, "time n=1i 1767225600000000000\n");
}

static void a_point_without_a_field_is_refused(void **state)
{
	struct point point = small_point();

	(void)state;
	point.n_fields = 0;
	expect_refused(&no_globals, &point, -EINVAL);
}

/* Names of 64 bytes, which is more than may be, values of which every byte is escaped, as many of each as probe and configuration can have. */
static void the_longest_line_that_can_be_asked_for_fits(void **state)
{
	static char keys[16 + CONFIG_MAX_TAGS][65], fields[POINT_MAX_FIELDS][24], value[200];
	static struct point point;
	struct config_pair tags[CONFIG_MAX_TAGS];
	struct lineproto_globals globals;
	CLEANUP(text_free) struct text out = {};
	size_t n_own = SPEC_MAX_TAGS + 1;

	(void)state;
	memset(value, '=', sizeof(value) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		snprintf(keys[i], sizeof(keys[i]), "k%063zu", i);
	for (size_t i = 0; i < CONFIG_MAX_TAGS; i++)
		tags[i] = (struct config_pair){.key = keys[n_own + i], .value = value};
	lineproto_globals_init(&globals, tags, CONFIG_MAX_TAGS, value);
	point = small_point();
	for (point.n_tags = 0; point.n_tags < n_own; point.n_tags++)
		point.tags[point.n_tags] =
			(struct point_tag){.key = keys[point.n_tags], .value = value};
	for (size_t i = 0; i < BUCKET_MAX_SLOTS; i++) {
		snprintf(fields[i], sizeof(fields[i]), "le_%020zu", i);
		point.fields[i] = (struct point_field){.key = fields[i], .integer = UINT64_MAX};
	}
	point.n_fields = BUCKET_MAX_SLOTS;
	assert_int_equal(lineproto_append(&out, &globals, &point), 0);
	/* With room for the rest: measurement, count, maximum, quantiles, sum. */
	assert_true(out.len + 2048 < LINEPROTO_MAX_LINE);

	for (size_t i = 0; i < POINT_MAX_FIELDS; i++)
		point.fields[i] = (struct point_field){.key = keys[0], .integer = UINT64_MAX};
	point.n_fields = POINT_MAX_FIELDS;
	expect_refused(&globals, &point, -E2BIG);
}

static void a_text_that_failed_stays_as_it_was(void **state)
{
	CLEANUP(text_free) struct text out = {};
	struct point point = small_point();

	(void)state;
	text_str(&out, "before\n");
	out.err = -ENOMEM;
	assert_int_equal(lineproto_append(&out, &no_globals, &point), -ENOMEM);
	assert_string_equal(text_cstr(&out), "before\n");
}

/* Bytes that hurt are frequent; the rest is anything but NUL. */
static void random_value(uint64_t *random, char *ret_value, size_t max)
{
	static const char hurts[] = ", =\\\"\n\r\t#_\x7f\x80\xbf\xc2\xc3\xe2\xed\xf0\xf4\xff";
	static const char *const chars[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x92\xbe",
	                                    "\xc2\x9f", "\xed\x9f\xbf"};
	size_t want = random_below(random, max - 4), n = 0;

	while (n < want) {
		uint64_t kind = random_below(random, 4);
		if (kind == 0)
			ret_value[n++] = hurts[random_below(random, sizeof(hurts) - 1)];
		else if (kind == 1)
			ret_value[n++] = (char)(1 + random_below(random, 255));
		else if (kind == 2)
			ret_value[n++] = (char)('a' + random_below(random, 26));
		else
			n += (size_t)sprintf(ret_value + n, "%s",
			                     chars[random_below(random, ARRAY_SIZE(chars))]);
	}
	ret_value[n] = '\0';
}

/* What the header says of a value, on paper. */
static void documented_value(const char *value, char *ret_value)
{
	size_t n = 0;

	while (*value) {
		uint32_t code;
		size_t len = lpparse_char(value, &code);
		bool replace = !len || code == '\\' || lpparse_is_control(code);

		if (n + (replace ? 1 : len) > LINEPROTO_MAX_VALUE)
			break;
		if (replace)
			ret_value[n++] = '_';
		else
			n = (size_t)((char *)mempcpy(ret_value + n, value, len) - ret_value);
		value += len ? len : 1;
	}
	ret_value[n] = '\0';
}

static const char *tag_value(const struct lpparse_line *line, const char *key)
{
	for (size_t i = 0; i < line->n_tags; i++)
		if (!strcmp(line->tags[i].key, key))
			return line->tags[i].value;
	return "";
}

static void hostile_values_round_trip_through_a_strict_parser(void **state)
{
	static struct lpparse_line line;
	static char keys[POINT_MAX_TAGS][8], values[POINT_MAX_TAGS][400];
	CLEANUP(text_free) struct text out = {};
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct point point = small_point();
		char want[400];

		point.stamp_ns = (int64_t)random_next(&random);
		point.n_tags = random_below(&random, POINT_MAX_TAGS + 1);
		for (size_t t = 0; t < point.n_tags; t++) {
			snprintf(keys[t], sizeof(keys[t]), "k%zu", (t * 7 + (size_t)i) % 16);
			random_value(&random, values[t], random_once_in(&random, 4) ? 380 : 20);
			point.tags[t] = (struct point_tag){.key = keys[t], .value = values[t]};
		}
		point.n_fields = 2;
		point.fields[0].integer = random_next(&random) >> random_below(&random, 64);
		point.fields[1] =
			(struct point_field){.key = "f",
		                             .type = POINT_FLOAT,
		                             .decimal = (double)random_next(&random) /
		                                        (double)(random_next(&random) | 1)};

		text_clear(&out);
		assert_int_equal(lineproto_append(&out, &no_globals, &point), 0);
		const char *wrong = lpparse(text_cstr(&out), &line);
		if (wrong)
			fail_msg("%s: %s", wrong, text_cstr(&out));
		assert_int_equal(line.len, out.len);
		assert_int_equal(line.stamp_ns, point.stamp_ns);
		assert_int_equal(line.fields[0].integer,
		                 MIN(point.fields[0].integer, (uint64_t)INT64_MAX));
		assert_true(line.fields[1].is_float);
		double off = line.fields[1].decimal - MIN(point.fields[1].decimal, 1e18);
		assert_true(off * off <=
		            1e-12 + 1e-30 * point.fields[1].decimal * point.fields[1].decimal);

		size_t n_tags = 0;
		for (size_t t = 0; t < point.n_tags; t++) {
			documented_value(values[t], want);
			n_tags += *want != '\0';
			assert_string_equal(tag_value(&line, keys[t]), want);
		}
		assert_int_equal(line.n_tags, n_tags);
	}
}

static void hostile_names_leave_whole_or_not_at_all(void **state)
{
	static struct lpparse_line line;
	CLEANUP(text_free) struct text out = {};
	uint64_t random = 2;
	int taken = 0;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		char name[8];
		struct point point = small_point();

		random_value(&random, name, sizeof(name));
		point.measurement = name;
		point.fields[0].key = name;
		point.tags[0] = (struct point_tag){.key = name, .value = "v"};
		point.n_tags = 1;
		text_clear(&out);
		if (lineproto_append(&out, &no_globals, &point)) {
			assert_int_equal(out.len, 0);
			continue;
		}
		taken++;
		assert_null(lpparse(text_cstr(&out), &line));
		assert_string_equal(line.measurement, name);
		assert_string_equal(line.tags[0].key, name);
		assert_string_equal(line.fields[0].key, name);
	}
	assert_in_range(taken, 100, 49900);
}

/* The parser is a judge here, so it is judged first. */
static void the_strict_parser_refuses_what_receivers_disagree_on(void **state)
{
	static struct lpparse_line line;
	static const char *const wrong[] = {
		"m,t= n=1i 1\n",
		"m,t=a,t=b n=1i 1\n",
		"m,u=a,t=b n=1i 1\n",
		"m n=1i 1\r\n",
		"m n=.5 1\n",
		"m n=5. 1\n",
		"m n=5 1\n",
		"m n=1u 1\n",
		"m n=1e5 1\n",
		"m n=\"s\" 1\n",
		"m n=true 1\n",
		"m,t=a\\ n=1i 1\n",
		"m,t=a\\\\b n=1i 1\n",
		"m,t=a=b n=1i 1\n",
		"m,t=\xff n=1i 1\n",
		"m  n=1i 1\n",
		"m n=1i  1\n",
		"m n=1i\n",
		"m n=1i 1",
		"m,time=a n=1i 1\n",
		"m time=1i 1\n",
		"_m n=1i 1\n",
		"#m n=1i 1\n",
		"m n=1i,n=2i 1\n",
		"m 1\n",
		"m n=99999999999999999999i 1\n",
		"m,t=a\tb n=1i 1\n",
		"m n=01i 1\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (!lpparse(wrong[i], &line))
			fail_msg("taken: %s", wrong[i]);
	assert_null(lpparse("m,a=x\\ y,b=z n=-1i,f=-0.5 -1\n", &line));
	assert_string_equal(line.tags[0].value, "x y");
	assert_true(line.fields[1].decimal == -0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_strict_parser_refuses_what_receivers_disagree_on),
		cmocka_unit_test(tags_leave_sorted_and_fields_as_they_stand),
		cmocka_unit_test(lines_follow_one_another),
		cmocka_unit_test(the_point_s_own_tags_win_over_global_ones),
		cmocka_unit_test(of_a_tag_said_twice_one_leaves),
		cmocka_unit_test(global_tags_are_sorted_and_empty_ones_dropped),
		cmocka_unit_test(a_global_tag_host_wins_over_the_host_s_name),
		cmocka_unit_test(blank_comma_and_equals_are_escaped),
		cmocka_unit_test(what_receivers_misread_becomes_an_underscore),
		cmocka_unit_test(values_are_cut_at_a_character_s_start),
		cmocka_unit_test(integers_stop_at_what_receivers_can_hold),
		cmocka_unit_test(floats_always_have_decimals),
		cmocka_unit_test(names_that_need_escaping_are_refused),
		cmocka_unit_test(a_key_time_is_refused),
		cmocka_unit_test(a_point_without_a_field_is_refused),
		cmocka_unit_test(the_longest_line_that_can_be_asked_for_fits),
		cmocka_unit_test(a_text_that_failed_stays_as_it_was),
		cmocka_unit_test(hostile_values_round_trip_through_a_strict_parser),
		cmocka_unit_test(hostile_names_leave_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("lineproto", tests, NULL, NULL);
}
