/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specrules.h: what must hold between the keys of a section [map NAME], and between two of them. Pure.
 *
 * The rules keep points apart that would overwrite each other, and names that receivers take for themselves.
 */
#pragma once
#include "report.h"
#include "specmap.h"

/** Reports what is wrong between the keys of a complete section. */
void specrules_check(const struct spec_map *map, const char *file, struct report *report);

/** Reports what is wrong between two of them. */
void specrules_check_pair(const struct spec_map *map, const struct spec_map *earlier,
                          const char *file, struct report *report);
