/* SPDX-License-Identifier: Apache-2.0 */
#include "bucket.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

static uint32_t log2_floor(uint64_t value)
{
	return 63 - (uint32_t)__builtin_clzll(value);
}

/* Whole units of `first` below the value: (lower, upper] becomes [lower, upper). */
static uint64_t units_below(const struct bucket_scale *scale, uint64_t value)
{
	if (scale->kind == BUCKET_EXP2)
		return (value - 1) / scale->first;
	return (value - 1) >> log2_floor(scale->first);
}

/* The slot on a scale without an end. */
static uint32_t endless_slot(const struct bucket_scale *scale, uint64_t value)
{
	uint32_t bits = scale->bits;

	if (!value)
		return 0;
	uint64_t below = units_below(scale, value);

	if (!(below >> bits))
		return (uint32_t)below;
	uint32_t octave = log2_floor(below) - bits;
	uint64_t place = (below >> octave) - (1u << bits);

	return ((octave + 1) << bits) + (uint32_t)place;
}

static bool is_log_linear(const struct bucket_scale *scale)
{
	return scale->kind == BUCKET_LOG_LINEAR && scale->bits <= BUCKET_MAX_BITS &&
	       is_power_of_two(scale->first) && is_power_of_two(scale->last);
}

static bool is_exp2(const struct bucket_scale *scale)
{
	return scale->kind == BUCKET_EXP2 && !scale->bits && scale->first &&
	       scale->last % scale->first == 0 && is_power_of_two(scale->last / scale->first);
}

int bucket_check(const struct bucket_scale *scale)
{
	assert(scale);

	if (!is_log_linear(scale) && !is_exp2(scale))
		return -EINVAL;
	if (scale->last <= scale->first)
		return -EINVAL;
	return bucket_slots(scale) > BUCKET_MAX_SLOTS ? -E2BIG : 0;
}

uint32_t bucket_slots(const struct bucket_scale *scale)
{
	return endless_slot(scale, scale->last) + 2;
}

uint32_t bucket_slot(const struct bucket_scale *scale, uint64_t value)
{
	if (value > scale->last)
		return bucket_slots(scale) - 1;
	return endless_slot(scale, value);
}

uint64_t bucket_upper(const struct bucket_scale *scale, uint32_t slot)
{
	uint32_t bits = scale->bits;

	if (slot + 1 >= bucket_slots(scale))
		return UINT64_MAX;
	if (!(slot >> bits))
		return (uint64_t)(slot + 1) * scale->first;
	uint32_t octave = (slot >> bits) - 1, place = slot & ((1u << bits) - 1);
	uint64_t units = (uint64_t)((1u << bits) + place + 1) << octave;

	return units * scale->first;
}

uint64_t bucket_coarse_upper(const struct bucket_scale *scale, uint32_t slot, uint64_t per_octave)
{
	assert(is_power_of_two(per_octave));

	uint32_t bits = log2_floor(per_octave);
	uint64_t upper = bucket_upper(scale, slot);

	if (bits >= scale->bits || upper == UINT64_MAX)
		return upper;
	struct bucket_scale coarse = *scale;

	coarse.bits = (uint8_t)bits;
	return bucket_upper(&coarse, bucket_slot(&coarse, upper));
}
