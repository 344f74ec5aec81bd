/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bounds.h: the buckets in which a histogram leaves: fine slots put together, and the text of each bound. Pure.
 *
 * Bounds depend on nothing but scale and settings, so they are made once.
 */
#pragma once
#include "bucket.h"
#include "specwords.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** "0.000000001" to "18446744073.709551615", "le_18446744073709551615", and NUL. */
#define BOUNDS_TEXT_BYTES 24

enum bounds_form {
	BOUNDS_LE,      /* 512, +Inf */
	BOUNDS_FIELD,   /* le_512, le_inf */
	BOUNDS_HI,      /* 511, +Inf: the greatest whole number below */
	BOUNDS_SECONDS, /* 0.000512, +Inf: of scales in ns or us; of others as BOUNDS_LE */
};

struct bound {
	uint32_t end; /* number of the first fine slot that is not in the bucket */
	char text[BOUNDS_TEXT_BYTES];
};

struct bounds {
	struct bound *at;
	size_t n; /* the last one is +Inf */
};

struct bounds_settings {
	enum bounds_form form;
	uint64_t
		per_octave; /* power of two: buckets for each doubling; never finer than the scale */
	bool padded;        /* zeros before, to the width of the last finite bound */
};

/**
 * @param unit        of the scale
 * @param ret_bounds  freed with bounds_free(); unchanged on failure
 * @return 0 or -ENOMEM
 */
int bounds_make(const struct bucket_scale *scale, enum spec_unit unit,
                const struct bounds_settings *settings, struct bounds *ret_bounds);

void bounds_free(struct bounds *bounds);
