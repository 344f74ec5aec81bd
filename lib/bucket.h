/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bucket.h: which slot of a histogram a value falls into, and which values a slot holds.
 *
 * Scale log-linear(b): values are whole units > 0 (BPF rounds up). Slots are exact up to 2^b * first,
 * then each octave (2^k, 2^(k+1)] is cut into 2^b equal slots. With first = 1, b = 2 the upper bounds are
 * 1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 ... last, and one slot more for everything above (+Inf).
 * A slot holds lower < value <= upper. bpf/thermograf.bpf.h has the same formula; a test compares both.
 * Coarse bounds are a subset of fine ones, so merging is exact.
 *
 * Scale exp2: upper bounds first, 2 * first, 4 * first ... last, and +Inf: log-linear(0), but first may be any number.
 */
#pragma once
#include <stdint.h>

enum bucket_kind { BUCKET_LOG_LINEAR, BUCKET_EXP2, BUCKET_KIND_MAX };

/** 64 buckets an octave are bounds 1.1 % apart: finer says nothing about latencies. */
#define BUCKET_MAX_BITS 6
/** More slots than this in one histogram are a mistake in the description (a page of u32). */
#define BUCKET_MAX_SLOTS 1024

struct bucket_scale {
	enum bucket_kind kind;
	uint8_t bits;   /* log-linear: 0 to BUCKET_MAX_BITS; exp2: 0 */
	uint64_t first; /* upper bound of slot 0; log-linear: power of two; exp2: > 0 */
	uint64_t
		last; /* upper bound of the last finite slot; log-linear: power of two, > first; exp2: first * 2^k, k > 0 */
};

/** @return 0, or -EINVAL when the scale breaks a rule above, -E2BIG above BUCKET_MAX_SLOTS */
int bucket_check(const struct bucket_scale *scale);

/** Slots including the one for +Inf (the last). @param scale passed bucket_check() */
uint32_t bucket_slots(const struct bucket_scale *scale);

/** The slot of @p value; 0 belongs to slot 0. */
uint32_t bucket_slot(const struct bucket_scale *scale, uint64_t value);

/** The greatest value that slot @p slot holds; UINT64_MAX for the last slot. */
uint64_t bucket_upper(const struct bucket_scale *scale, uint32_t slot);

/** The greatest value below those that slot @p slot holds; 0 for slot 0. */
static inline uint64_t bucket_lower(const struct bucket_scale *scale, uint32_t slot)
{
	return slot ? bucket_upper(scale, slot - 1) : 0;
}

/**
 * The upper bound of the coarse bucket that holds slot @p slot.
 * @param per_octave  power of two, buckets per octave to leave; more than the scale has means as it is
 * @return            a bound of the scale; UINT64_MAX for the last slot
 */
uint64_t bucket_coarse_upper(const struct bucket_scale *scale, uint32_t slot, uint64_t per_octave);
