/* SPDX-License-Identifier: Apache-2.0 */
/**
 * totals.h: what each series has counted since the baseline, or since it first appeared. Pure.
 *
 * For styles that are cumulative over time. A series is there as long as it is told: one that stays away a window is
 * forgotten, and begins at 0 when it comes back.
 */
#pragma once
#include "tagset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Zero-initialised but for n_cells of both is empty. */
struct totals {
	struct tagsets now;    /* set i is set i of the window */
	struct tagsets before; /* of the window before; kept for its memory */
	bool *is_new;          /* set i was not there in the window before */
	size_t cap;            /* of is_new */
};

/**
 * Adds a window.
 * @param window  its sets; n_cells as here
 * @return 0; -ENOMEM, -E2BIG (text.h): nothing changed
 */
int totals_advance(struct totals *totals, const struct tagsets *window);

/** Bytes held. */
size_t totals_memory(const struct totals *totals);

void totals_free(struct totals *totals);
