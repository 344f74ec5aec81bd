/* SPDX-License-Identifier: Apache-2.0 */
/**
 * catalogue.h: the probes that there are: where from, whether they run, what each measures and costs. Pure.
 *
 * Names are those of style influx.
 */
#pragma once
#include "checkup.h"

/** For a person. @param checkup  at least its probes */
void catalogue_write_text(const struct checkup *checkup, struct text *out);

/** For programs: an array. Members are added, and never change their meaning; thermograf(8) lists them. */
void catalogue_write_json(const struct checkup *checkup, struct text *out);
