/* SPDX-License-Identifier: Apache-2.0 */
#include "bounds.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const infinite[] = {
	[BOUNDS_LE] = "+Inf",
	[BOUNDS_FIELD] = "le_inf",
	[BOUNDS_HI] = "+Inf",
	[BOUNDS_SECONDS] = "+Inf",
};

/* Digits of a second's fraction in the unit; 0: it is no unit of time. */
static int second_digits(enum spec_unit unit)
{
	return unit == SPEC_UNIT_NS ? 9 : unit == SPEC_UNIT_US ? 6 : 0;
}

static void print_seconds(char text[BOUNDS_TEXT_BYTES], uint64_t value, int digits)
{
	uint64_t unit = 1;

	for (int i = 0; i < digits; i++)
		unit *= 10;
	int len = snprintf(text, BOUNDS_TEXT_BYTES, "%" PRIu64 ".%0*" PRIu64, value / unit, digits,
	                   value % unit);
	while (text[len - 1] == '0' && text[len - 2] != '.')
		text[--len] = '\0';
}

static void print_bound(char text[BOUNDS_TEXT_BYTES], const struct bounds_settings *settings,
                        enum spec_unit unit, uint64_t upper, int width)
{
	int digits = second_digits(unit);

	if (settings->form == BOUNDS_SECONDS && digits) {
		print_seconds(text, upper, digits);
		return;
	}
	snprintf(text, BOUNDS_TEXT_BYTES, "%s%0*" PRIu64,
	         settings->form == BOUNDS_FIELD ? "le_" : "", width,
	         settings->form == BOUNDS_HI ? upper - 1 : upper);
}

int bounds_make(const struct bucket_scale *scale, enum spec_unit unit,
                const struct bounds_settings *settings, struct bounds *ret_bounds)
{
	assert(scale && settings && ret_bounds);

	uint32_t slots = bucket_slots(scale);
	struct bounds bounds = {.at = calloc(slots, sizeof(*bounds.at))};
	int width = settings->padded ? snprintf(NULL, 0, "%" PRIu64, scale->last) : 1;

	if (!bounds.at)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < slots; slot++) {
		uint64_t upper = bucket_coarse_upper(scale, slot, settings->per_octave);

		if (slot + 1 < slots &&
		    bucket_coarse_upper(scale, slot + 1, settings->per_octave) == upper)
			continue;
		struct bound *bound = &bounds.at[bounds.n++];

		bound->end = slot + 1;
		if (slot + 1 == slots)
			strcpy(bound->text, infinite[settings->form]);
		else
			print_bound(bound->text, settings, unit, upper, width);
	}
	*ret_bounds = bounds;
	return 0;
}

void bounds_free(struct bounds *bounds)
{
	free(bounds->at);
	*bounds = (struct bounds){0};
}
