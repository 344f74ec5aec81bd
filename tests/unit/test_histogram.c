/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SLOTS_MAX BUCKET_MAX_SLOTS
#define SUM_CELL SLOTS_MAX
#define MAX_CELL (SLOTS_MAX + 1)
#define SAMPLES 500

/* A map of one histogram, and its cells. */
struct rig {
	struct spec_map map;
	struct layout layout;
	uint64_t cells[SLOTS_MAX + 2];
	struct histogram h;
};

static void set(struct rig *rig, struct bucket_scale scale)
{
	memset(rig, 0, sizeof(*rig));
	rig->map.n_histograms = 1;
	rig->map.histograms[0] = (struct spec_histogram){.scale = scale,
	                                                 .unit = SPEC_UNIT_US,
	                                                 .sum_unit = SPEC_UNIT_NS,
	                                                 .max_unit = SPEC_UNIT_US};
	rig->layout.sum_cell[0] = SUM_CELL;
	rig->layout.max_cell[0] = MAX_CELL;
}

static void count(struct rig *rig, uint64_t value)
{
	rig->cells[bucket_slot(&rig->map.histograms[0].scale, value)]++;
	if (value > rig->cells[MAX_CELL])
		rig->cells[MAX_CELL] = value;
}

static const struct histogram *read_rig(struct rig *rig)
{
	histogram_read(&rig->h, &rig->map, &rig->layout, rig->cells, 0);
	return &rig->h;
}

static const struct bucket_scale latency = {.bits = 2, .first = 1, .last = 1 << 30};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The bound that the header states, for samples of all sizes, with and without a maximum. */
static void expect_quantiles(struct rig *rig, const struct bucket_scale *scale, uint64_t *random)
{
	uint64_t samples[SAMPLES];
	size_t n = 1 + random_below(random, SAMPLES);

	set(rig, *scale);
	for (size_t i = 0; i < n; i++) {
		uint64_t size = UINT64_C(1) << random_below(random, 31);

		samples[i] = 1 + random_below(random, MIN(size, scale->last));
		count(rig, samples[i]);
	}
	if (random_once_in(random, 2))
		rig->layout.max_cell[0] = LAYOUT_NO_CELL;
	read_rig(rig);
	qsort(samples, n, sizeof(*samples), by_value);
	for (int i = 0; i < 20; i++) {
		uint32_t q = 1 + (uint32_t)random_below(random, 999999);
		size_t rank = (size_t)ceil((double)n * q / 1e6 - 1e-9);
		double truth = (double)samples[MAX(rank, 1) - 1];
		double got = histogram_quantile(&rig->h, q);
		uint32_t slot = bucket_slot(scale, (uint64_t)truth);
		double width = (double)(bucket_upper(scale, slot) - bucket_lower(scale, slot));

		assert_true(fabs(got - truth) <= width);
		assert_true(width <= (double)scale->first ||
		            width < truth / (1 << scale->bits) + 1e-9);
	}
}

static void a_quantile_is_off_by_less_than_its_slot_is_wide(void **state)
{
	static const struct bucket_scale scales[] = {
		{.bits = 2, .first = 1, .last = 1 << 30},
		{.bits = 0, .first = 1, .last = 1 << 30},
		{.bits = 5, .first = 1, .last = 1 << 24},
		{.kind = BUCKET_EXP2, .first = 1, .last = 1 << 27},
		{.kind = BUCKET_EXP2, .first = 50, .last = 50 << 10},
	};
	static struct rig rig;
	uint64_t random = 5;

	(void)state;
	for (int i = 0; i < 200; i++)
		for (size_t s = 0; s < sizeof(scales) / sizeof(scales[0]); s++)
			expect_quantiles(&rig, &scales[s], &random);
}

static void quantiles_rise_and_end_at_the_maximum(void **state)
{
	static struct rig rig;
	uint64_t random = 9;
	double last = 0;

	(void)state;
	set(&rig, latency);
	for (int i = 0; i < 1000; i++)
		count(&rig, 1 + random_below(&random, 100000));
	read_rig(&rig);
	for (uint32_t q = 1000; q < 1000000; q += 1000) {
		double now = histogram_quantile(&rig.h, q);

		assert_true(now >= last);
		last = now;
	}
	assert_true(last <= (double)rig.h.max);
}

static void one_value_is_between_its_slots_bounds(void **state)
{
	static struct rig rig;

	(void)state;
	set(&rig, latency);
	count(&rig, 500);
	read_rig(&rig);
	assert_int_equal(rig.h.count, 1);
	assert_int_equal(rig.h.max, 500);
	/* Half of the way from 448 to 500, the maximum. */
	assert_true(fabs(histogram_quantile(&rig.h, 500000) - 474) < 1e-9);
	rig.layout.max_cell[0] = LAYOUT_NO_CELL;
	read_rig(&rig);
	assert_false(rig.h.has_max);
	assert_true(fabs(histogram_quantile(&rig.h, 500000) - 480) < 1e-9);
}

static void above_the_scale_only_the_maximum_knows(void **state)
{
	static struct rig rig;

	(void)state;
	set(&rig, latency);
	count(&rig, UINT64_C(3) << 30);
	read_rig(&rig);
	assert_int_equal(rig.h.max, UINT64_C(3) << 30);
	assert_true(histogram_quantile(&rig.h, 500000) == (double)(UINT64_C(1) << 31));
	rig.cells[MAX_CELL] = 0;
	read_rig(&rig);
	assert_false(rig.h.has_max);
	assert_true(histogram_quantile(&rig.h, 500000) == (double)(1 << 30));
}

/* Recorded and told: of a race, of an event of the next window, of none at all. */
static void a_maximum_lies_in_the_highest_slot_that_counted(void **state)
{
	static const struct {
		uint64_t recorded, told;
	} cases[] = {{449, 449}, {512, 512}, {448, 512},       {1, 512},
	             {0, 512},   {513, 512}, {UINT32_MAX, 512}};
	static struct rig rig;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(&rig, latency);
		count(&rig, 500);
		count(&rig, 3);
		rig.cells[MAX_CELL] = cases[i].recorded;
		assert_true(read_rig(&rig)->has_max);
		assert_int_equal(rig.h.max, cases[i].told);
	}
}

/* 256.3 us lie in (256, 512], and are no 512 us. */
static void a_maximum_in_nanoseconds_is_rounded_up(void **state)
{
	static struct rig rig;

	(void)state;
	set(&rig, (struct bucket_scale){.first = 1, .last = 1 << 30});
	rig.map.histograms[0].max_unit = SPEC_UNIT_NS;
	count(&rig, 257);
	rig.cells[MAX_CELL] = 256300;
	assert_int_equal(read_rig(&rig)->max, 257);
	rig.cells[MAX_CELL] = 512000;
	assert_int_equal(read_rig(&rig)->max, 512);
}

static void nothing_counted_has_no_maximum(void **state)
{
	static struct rig rig;

	(void)state;
	set(&rig, latency);
	rig.cells[MAX_CELL] = 77;
	assert_false(read_rig(&rig)->has_max);
	assert_int_equal(rig.h.count, 0);
}

static void units_of_time_are_converted_and_others_are_not(void **state)
{
	(void)state;
	assert_int_equal(histogram_convert(1499, SPEC_UNIT_NS, SPEC_UNIT_US), 1);
	assert_int_equal(histogram_convert(1500, SPEC_UNIT_NS, SPEC_UNIT_US), 2);
	assert_int_equal(histogram_convert(7, SPEC_UNIT_US, SPEC_UNIT_NS), 7000);
	assert_int_equal(histogram_convert(UINT64_MAX, SPEC_UNIT_US, SPEC_UNIT_NS), UINT64_MAX);
	assert_int_equal(histogram_convert(7, SPEC_UNIT_NONE, SPEC_UNIT_US), 7);
	assert_true(histogram_seconds(1500, SPEC_UNIT_US) == 0.0015);
	assert_true(histogram_seconds(1500, SPEC_UNIT_NS) == 0.0000015);
	assert_true(histogram_seconds(1500, SPEC_UNIT_NONE) == 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quantile_is_off_by_less_than_its_slot_is_wide),
		cmocka_unit_test(quantiles_rise_and_end_at_the_maximum),
		cmocka_unit_test(one_value_is_between_its_slots_bounds),
		cmocka_unit_test(above_the_scale_only_the_maximum_knows),
		cmocka_unit_test(a_maximum_lies_in_the_highest_slot_that_counted),
		cmocka_unit_test(a_maximum_in_nanoseconds_is_rounded_up),
		cmocka_unit_test(nothing_counted_has_no_maximum),
		cmocka_unit_test(units_of_time_are_converted_and_others_are_not),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
