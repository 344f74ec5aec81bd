/* SPDX-License-Identifier: Apache-2.0 */
#include "bounds.h"

#include "ground.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct bucket_scale latency = {.bits = 2, .first = 1, .last = 1 << 30};

/* All texts, a blank between two. */
static void expect(const struct bucket_scale *scale, enum spec_unit unit,
                   struct bounds_settings settings, const char *want)
{
	CLEANUP(bounds_free) struct bounds bounds = {0};
	char got[2048] = "";
	uint32_t end = 0;

	assert_int_equal(bounds_make(scale, unit, &settings, &bounds), 0);
	for (size_t i = 0; i < bounds.n; i++) {
		assert_true(bounds.at[i].end > end);
		end = bounds.at[i].end;
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
		         bounds.at[i].text);
	}
	assert_int_equal(end, bucket_slots(scale));
	assert_string_equal(got, want);
}

static void octaves_of_a_latency_in_every_form(void **state)
{
	const struct bucket_scale small = {.bits = 2, .first = 1, .last = 1024};

	(void)state;
	expect(&small, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_LE, 1, false},
	       "1 2 4 8 16 32 64 128 256 512 1024 +Inf");
	expect(&small, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_LE, 1, true},
	       "0001 0002 0004 0008 0016 0032 0064 0128 0256 0512 1024 +Inf");
	expect(&small, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_FIELD, 1, false},
	       "le_1 le_2 le_4 le_8 le_16 le_32 le_64 le_128 le_256 le_512 le_1024 le_inf");
	expect(&small, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_HI, 1, false},
	       "0 1 3 7 15 31 63 127 255 511 1023 +Inf");
	expect(&small, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_SECONDS, 1, false},
	       "0.000001 0.000002 0.000004 0.000008 0.000016 0.000032 0.000064 0.000128 0.000256 "
	       "0.000512 0.001024 +Inf");
	expect(&small, SPEC_UNIT_NS, (struct bounds_settings){BOUNDS_SECONDS, 1, false},
	       "0.000000001 0.000000002 0.000000004 0.000000008 0.000000016 0.000000032 0.000000064 "
	       "0.000000128 0.000000256 0.000000512 0.000001024 +Inf");
	expect(&small, SPEC_UNIT_NONE, (struct bounds_settings){BOUNDS_SECONDS, 1, false},
	       "1 2 4 8 16 32 64 128 256 512 1024 +Inf");
}

static void bounds_are_as_fine_as_asked_for_and_recorded(void **state)
{
	const struct bucket_scale small = {.bits = 1, .first = 1, .last = 16};

	(void)state;
	expect(&small, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_LE, 2, false},
	       "1 2 3 4 6 8 12 16 +Inf");
	expect(&small, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_LE, 64, false},
	       "1 2 3 4 6 8 12 16 +Inf");
}

/* A canonical text is one text: 1.0 and 1 would be two series. */
static void whole_seconds_have_one_decimal(void **state)
{
	const struct bucket_scale round = {.kind = BUCKET_EXP2, .first = 500000, .last = 4000000};

	(void)state;
	expect(&round, SPEC_UNIT_US, (struct bounds_settings){BOUNDS_SECONDS, 1, false},
	       "0.5 1.0 2.0 4.0 +Inf");
}

static void the_longest_texts_fit(void **state)
{
	const struct bucket_scale huge = {
		.kind = BUCKET_EXP2, .first = UINT64_MAX / 4, .last = UINT64_MAX / 4 * 2};

	(void)state;
	expect(&huge, SPEC_UNIT_NS, (struct bounds_settings){BOUNDS_FIELD, 1, true},
	       "le_4611686018427387903 le_9223372036854775806 le_inf");
	expect(&huge, SPEC_UNIT_NS, (struct bounds_settings){BOUNDS_SECONDS, 1, false},
	       "4611686018.427387903 9223372036.854775806 +Inf");
}

static void the_shipped_scale_has_32_octaves(void **state)
{
	CLEANUP(bounds_free) struct bounds bounds = {0};
	const struct bounds_settings settings = {BOUNDS_LE, 1, false};

	(void)state;
	assert_int_equal(bounds_make(&latency, SPEC_UNIT_US, &settings, &bounds), 0);
	assert_int_equal(bounds.n, 32);
	assert_string_equal(bounds.at[30].text, "1073741824");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octaves_of_a_latency_in_every_form),
		cmocka_unit_test(bounds_are_as_fine_as_asked_for_and_recorded),
		cmocka_unit_test(whole_seconds_have_one_decimal),
		cmocka_unit_test(the_longest_texts_fit),
		cmocka_unit_test(the_shipped_scale_has_32_octaves),
	};

	return cmocka_run_group_tests_name("bounds", tests, NULL, NULL);
}
