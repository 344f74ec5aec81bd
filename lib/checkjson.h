/* SPDX-License-Identifier: Apache-2.0 */
/**
 * checkjson.h: a checkup for programs. Members are added, and never change their meaning; thermograf(8) lists them. Pure.
 */
#pragma once
#include "checkup.h"

void checkjson_write(const struct checkup *checkup, struct text *out);

/** Of a configuration that cannot be used at all: its findings. */
void checkjson_write_broken(const char *const *files, size_t n_files, const struct report *report,
                            struct text *out);
