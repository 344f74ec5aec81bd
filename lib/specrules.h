/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specrules.h: what must hold between the keys of a section [map NAME], between two of them, and with [const]. Pure.
 *
 * The rules keep points apart that would overwrite each other, and names that receivers take for themselves.
 */
#pragma once
#include "report.h"
#include "specconst.h"
#include "specmap.h"
#include "specprogram.h"

/** Reports what is wrong between the keys of a complete section. */
void specrules_check(const struct spec_map *map, const char *file, struct report *report);

/** Reports what is wrong between two of them. */
void specrules_check_pair(const struct spec_map *map, const struct spec_map *earlier,
                          const char *file, struct report *report);

/** Reports constants of the engine that stand in [const], and predicates on what is no enum() or flags() there. */
void specrules_check_map_consts(const struct spec_map *map, const struct spec_const *consts,
                                size_t n, const char *file, struct report *report);

/** Reports the same predicates of a program. */
void specrules_check_program_consts(const struct spec_program *program,
                                    const struct spec_const *consts, size_t n, const char *file,
                                    struct report *report);
