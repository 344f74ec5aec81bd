/* SPDX-License-Identifier: Apache-2.0 */
#include "bucket.h"
#include "ground.h"
#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#define LOG_LINEAR(b, f, l) \
	((struct bucket_scale){.kind = BUCKET_LOG_LINEAR, .bits = (b), .first = (f), .last = (l)})

#define EXP2(f, l) ((struct bucket_scale){.kind = BUCKET_EXP2, .first = (f), .last = (l)})

static uint64_t lower_of(const struct bucket_scale *scale, uint32_t slot)
{
	return slot ? bucket_upper(scale, slot - 1) : 0;
}

/* Exactly one slot holds the value, found without the code under test: by walking all bounds. */
static void assert_in_its_slot(const struct bucket_scale *scale, uint64_t value)
{
	uint32_t holders = 0, slots = bucket_slots(scale);

	for (uint32_t i = 0; i < slots; i++) {
		bool above = value > lower_of(scale, i) || (i == 0 && value == 0);

		if (!above || value > bucket_upper(scale, i))
			continue;
		holders++;
		assert_int_equal(bucket_slot(scale, value), i);
	}
	assert_int_equal(holders, 1);
}

static const struct bucket_scale scales[] = {
	LOG_LINEAR(0, 1, 1ull << 30),
	LOG_LINEAR(1, 1, 1ull << 30),
	LOG_LINEAR(2, 1, 1ull << 30),
	LOG_LINEAR(3, 1, 1ull << 30),
	LOG_LINEAR(4, 1, 1ull << 30),
	LOG_LINEAR(5, 1, 1ull << 30),
	LOG_LINEAR(6, 1, 1ull << 15),
	LOG_LINEAR(2, 1024, 1ull << 40),
	LOG_LINEAR(0, 1ull << 62, 1ull << 63),
	LOG_LINEAR(3, 1, 1ull << 63),
	LOG_LINEAR(6, 1, 4),
	LOG_LINEAR(2, 16, 32),
	EXP2(1, 1ull << 30),
	EXP2(1, 1ull << 63),
	EXP2(4, 1ull << 20),
	EXP2(3, 3ull << 20),
	EXP2(1000, 1000ull << 24),
	EXP2(7, 14),
	EXP2(UINT64_MAX / 2, UINT64_MAX - 1),
};

static void every_boundary_value_lands_in_exactly_one_slot(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		const struct bucket_scale *s = &scales[i];

		assert_int_equal(bucket_check(s), 0);
		for (uint32_t slot = 0; slot + 1 < bucket_slots(s); slot++) {
			uint64_t upper = bucket_upper(s, slot);

			assert_int_equal(bucket_slot(s, upper), slot);
			assert_int_equal(bucket_slot(s, upper + 1), slot + 1);
			assert_in_its_slot(s, upper - 1);
		}
		assert_in_its_slot(s, 0);
		assert_in_its_slot(s, UINT64_MAX);
	}
}

static void every_random_value_lands_in_exactly_one_slot(void **state)
{
	uint64_t seed = 1;

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		for (int n = 0; n < 2000; n++) {
			uint64_t value = random_next(&seed) >> (random_next(&seed) & 63);

			assert_in_its_slot(&scales[i], value);
		}
	}
}

static void bounds_grow_and_end_at_last(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		const struct bucket_scale *s = &scales[i];
		uint32_t slots = bucket_slots(s);

		assert_int_equal(bucket_upper(s, 0), s->first);
		assert_int_equal(bucket_upper(s, slots - 2), s->last);
		assert_int_equal(bucket_upper(s, slots - 1), UINT64_MAX);
		for (uint32_t slot = 1; slot < slots; slot++)
			assert_true(bucket_upper(s, slot) > bucket_upper(s, slot - 1));
	}
}

static void two_bits_give_the_documented_bounds(void **state)
{
	static const uint64_t bounds[] = {1,  2,  3,  4,  5,  6,  7,  8,  10, 12, 14,
	                                  16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96};
	struct bucket_scale s = LOG_LINEAR(2, 1, 1ull << 30);

	for (uint32_t i = 0; i < ARRAY_SIZE(bounds); i++)
		assert_int_equal(bucket_upper(&s, i), bounds[i]);
	/* 4 exact slots, 28 octaves of 4, and what is above. */
	assert_int_equal(bucket_slots(&s), 117);
}

static void no_bits_give_powers_of_two(void **state)
{
	struct bucket_scale s = LOG_LINEAR(0, 1, 1ull << 30);

	for (uint32_t i = 0; i <= 30; i++)
		assert_int_equal(bucket_upper(&s, i), 1ull << i);
	assert_int_equal(bucket_slots(&s), 32);
}

static void exp2_doubles_any_first(void **state)
{
	struct bucket_scale s = EXP2(1000, 1000ull << 3);
	static const uint64_t bounds[] = {1000, 2000, 4000, 8000};

	assert_int_equal(bucket_check(&s), 0);
	assert_int_equal(bucket_slots(&s), ARRAY_SIZE(bounds) + 1);
	for (uint32_t i = 0; i < ARRAY_SIZE(bounds); i++)
		assert_int_equal(bucket_upper(&s, i), bounds[i]);
	assert_int_equal(bucket_slot(&s, 2000), 1);
	assert_int_equal(bucket_slot(&s, 2001), 2);
	assert_int_equal(bucket_slot(&s, 8001), 4);
}

static void exp2_from_a_power_of_two_is_log_linear_without_bits(void **state)
{
	struct bucket_scale a = EXP2(16, 1ull << 40), b = LOG_LINEAR(0, 16, 1ull << 40);
	uint64_t seed = 3;

	assert_int_equal(bucket_slots(&a), bucket_slots(&b));
	for (uint32_t slot = 0; slot < bucket_slots(&a); slot++)
		assert_int_equal(bucket_upper(&a, slot), bucket_upper(&b, slot));
	for (int n = 0; n < 3000; n++) {
		uint64_t value = random_next(&seed) >> (random_next(&seed) & 63);

		assert_int_equal(bucket_slot(&a, value), bucket_slot(&b, value));
	}
}

/* What a program computes that has only log-linear: it counts in units of first, rounded up. */
static void exp2_is_log_linear_in_units_of_first(void **state)
{
	struct bucket_scale exp2 = EXP2(1000, 1000ull << 24), units = LOG_LINEAR(0, 1, 1ull << 24);
	uint64_t seed = 4;

	for (int n = 0; n < 3000; n++) {
		uint64_t value = random_next(&seed) >> (32 + (random_next(&seed) & 31));

		assert_int_equal(bucket_slot(&exp2, value),
		                 bucket_slot(&units, (value + 999) / 1000));
	}
}

static void exp2_is_as_coarse_as_it_can_be(void **state)
{
	struct bucket_scale s = EXP2(3, 3ull << 20);

	for (uint32_t slot = 0; slot < bucket_slots(&s); slot++) {
		assert_int_equal(bucket_coarse_upper(&s, slot, 1), bucket_upper(&s, slot));
		assert_int_equal(bucket_coarse_upper(&s, slot, 64), bucket_upper(&s, slot));
	}
}

static void bounds_are_multiples_of_first(void **state)
{
	struct bucket_scale s = LOG_LINEAR(2, 16, 256);
	static const uint64_t bounds[] = {16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256};

	assert_int_equal(bucket_slots(&s), ARRAY_SIZE(bounds) + 1);
	for (uint32_t i = 0; i < ARRAY_SIZE(bounds); i++)
		assert_int_equal(bucket_upper(&s, i), bounds[i]);
}

/* A latency is rounded up to whole microseconds first; so le=512 holds 256 us < t <= 512 us exactly. */
static uint64_t octave_of_ns(uint64_t ns)
{
	struct bucket_scale s = LOG_LINEAR(2, 1, 1ull << 30);

	return bucket_coarse_upper(&s, bucket_slot(&s, (ns + 999) / 1000), 1);
}

static void exactly_512_us_is_in_512_and_a_nanosecond_more_is_not(void **state)
{
	assert_int_equal(octave_of_ns(256000), 256);
	assert_int_equal(octave_of_ns(256001), 512);
	assert_int_equal(octave_of_ns(512000), 512);
	assert_int_equal(octave_of_ns(512001), 1024);
	assert_int_equal(octave_of_ns((1ull << 30) * 1000), 1ull << 30);
	assert_int_equal(octave_of_ns((1ull << 30) * 1000 + 1), UINT64_MAX);
}

/* Counting fine and merging gives the same bucket as counting coarse, for every value. */
static void merging_fine_to_coarse_is_exact(void **state)
{
	uint64_t seed = 2;

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		const struct bucket_scale *fine = &scales[i];

		for (uint8_t bits = 0; bits <= fine->bits; bits++) {
			struct bucket_scale coarse = *fine;

			coarse.bits = bits;
			for (int n = 0; n < 3000; n++) {
				uint64_t value = random_next(&seed) >> (random_next(&seed) & 63);
				uint64_t merged = bucket_coarse_upper(
					fine, bucket_slot(fine, value), 1ull << bits);

				assert_int_equal(
					merged, bucket_upper(&coarse, bucket_slot(&coarse, value)));
			}
		}
	}
}

static void coarse_bounds_are_bounds_of_the_fine_scale(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		const struct bucket_scale *s = &scales[i];

		for (uint32_t slot = 0; slot + 1 < bucket_slots(s); slot++) {
			uint64_t coarse = bucket_coarse_upper(s, slot, 1);

			assert_true(coarse >= bucket_upper(s, slot));
			assert_int_equal(bucket_upper(s, bucket_slot(s, coarse)), coarse);
		}
	}
}

static void finer_than_recorded_means_as_recorded(void **state)
{
	struct bucket_scale s = LOG_LINEAR(2, 1, 1ull << 30);

	for (uint32_t slot = 0; slot < bucket_slots(&s); slot++)
		assert_int_equal(bucket_coarse_upper(&s, slot, 1ull << 63), bucket_upper(&s, slot));
}

static void scales_that_break_a_rule_are_refused(void **state)
{
	assert_int_equal(bucket_check(&LOG_LINEAR(7, 1, 1024)), -EINVAL);
	assert_int_equal(bucket_check(&LOG_LINEAR(2, 0, 1024)), -EINVAL);
	assert_int_equal(bucket_check(&LOG_LINEAR(2, 3, 1024)), -EINVAL);
	assert_int_equal(bucket_check(&LOG_LINEAR(2, 1, 1000)), -EINVAL);
	assert_int_equal(bucket_check(&LOG_LINEAR(2, 1, 0)), -EINVAL);
	assert_int_equal(bucket_check(&LOG_LINEAR(2, 1024, 1024)), -EINVAL);
	assert_int_equal(bucket_check(&LOG_LINEAR(2, 2048, 1024)), -EINVAL);
	assert_int_equal(bucket_check(&EXP2(0, 1024)), -EINVAL);
	assert_int_equal(bucket_check(&EXP2(3, 1024)), -EINVAL);
	assert_int_equal(bucket_check(&EXP2(3, 9)), -EINVAL);
	assert_int_equal(bucket_check(&EXP2(3, 3)), -EINVAL);
	assert_int_equal(bucket_check(&EXP2(6, 3)), -EINVAL);
	assert_int_equal(bucket_check(&EXP2(3, 0)), -EINVAL);
	assert_int_equal(bucket_check(&(struct bucket_scale){
				 .kind = BUCKET_EXP2, .bits = 1, .first = 1, .last = 2}),
	                 -EINVAL);
	assert_int_equal(bucket_check(&(struct bucket_scale){
				 .kind = BUCKET_KIND_MAX, .first = 1, .last = 2}),
	                 -EINVAL);
}

/* 6 bits: 64 exact slots, then 15 octaves of 64, and +Inf: 1025. */
static void too_many_slots_are_refused(void **state)
{
	assert_int_equal(bucket_check(&LOG_LINEAR(6, 1, 1ull << 20)), 0);
	assert_int_equal(bucket_slots(&LOG_LINEAR(6, 1, 1ull << 20)), 961);
	assert_int_equal(bucket_check(&LOG_LINEAR(6, 1, 1ull << 21)), -E2BIG);
	assert_int_equal(bucket_check(&LOG_LINEAR(6, 1, 1ull << 63)), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_boundary_value_lands_in_exactly_one_slot),
		cmocka_unit_test(every_random_value_lands_in_exactly_one_slot),
		cmocka_unit_test(bounds_grow_and_end_at_last),
		cmocka_unit_test(two_bits_give_the_documented_bounds),
		cmocka_unit_test(no_bits_give_powers_of_two),
		cmocka_unit_test(exp2_doubles_any_first),
		cmocka_unit_test(exp2_from_a_power_of_two_is_log_linear_without_bits),
		cmocka_unit_test(exp2_is_log_linear_in_units_of_first),
		cmocka_unit_test(exp2_is_as_coarse_as_it_can_be),
		cmocka_unit_test(bounds_are_multiples_of_first),
		cmocka_unit_test(exactly_512_us_is_in_512_and_a_nanosecond_more_is_not),
		cmocka_unit_test(merging_fine_to_coarse_is_exact),
		cmocka_unit_test(coarse_bounds_are_bounds_of_the_fine_scale),
		cmocka_unit_test(finer_than_recorded_means_as_recorded),
		cmocka_unit_test(scales_that_break_a_rule_are_refused),
		cmocka_unit_test(too_many_slots_are_refused),
	};

	return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
