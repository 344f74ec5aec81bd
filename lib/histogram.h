/* SPDX-License-Identifier: Apache-2.0 */
/**
 * histogram.h: one histogram of one series in one window, as all styles see it: count, sum, maximum, quantiles. Pure.
 *
 * Maximum: the cell of a kind max may hold an event that completed between the change of the window's number and the
 * read, and lack one where two CPUs raced on a kernel without compare-and-swap. So what is told lies in the highest
 * slot that counted: it is true to the unit, or else off by less than that slot is wide; never at odds with the buckets.
 *
 * Quantile q: the value at rank q * count, with the values of a slot taken to be spread evenly over (lower, upper]. The
 * true value (the smallest that at least q * count of the values do not exceed) lies in the same slot. So with a scale
 * log-linear(b) the error is below the slot's width: at most 1 * first up to 2^b * first, above it less than 1 / 2^b of
 * the true value; with exp2 less than the true value. In the slot +Inf, without a maximum, its lower bound is told.
 */
#pragma once
#include "layout.h"
#include "spec.h"

#include <stdbool.h>
#include <stdint.h>

struct histogram {
	const struct spec_histogram *spec;
	const uint64_t *slots; /* fine ones, of this window */
	uint32_t n_slots;
	uint32_t top;   /* the highest slot that counted; 0 when none did */
	uint64_t count; /* of all slots */
	uint64_t sum;   /* in spec->sum_unit */
	uint64_t max;   /* in spec->unit, rounded up */
	bool has_sum;
	bool has_max; /* false: none was recorded, or nothing is known of it */
};

/**
 * @param cells  of the series in this window; must outlive the histogram
 * @param index  of the histogram in the map's description
 */
void histogram_read(struct histogram *ret, const struct spec_map *map, const struct layout *layout,
                    const uint64_t *cells, size_t index);

/** Adds up the slots from *slot up to, and without, @p end; *slot is that then: one bucket after the other. */
uint64_t histogram_until(const struct histogram *h, uint32_t *slot, uint32_t end);

/** @param millionths  q; 1 to 999999 @return in spec->unit; count must be > 0 */
double histogram_quantile(const struct histogram *h, uint32_t millionths);

/** A duration in another unit: to the nearest; of units that are no time the value itself. */
uint64_t histogram_convert(uint64_t value, enum spec_unit from, enum spec_unit to);

/** A duration in seconds; of units that are no time the value itself. */
double histogram_seconds(double value, enum spec_unit unit);
