/* SPDX-License-Identifier: Apache-2.0 */
/**
 * checktext.h: a checkup for a person: sections that begin at the margin, what is wrong with each at its end. Pure.
 */
#pragma once
#include "checkup.h"

void checktext_write(const struct checkup *checkup, struct text *out);

/** "1.2 KB", "34 MB": thousands, one decimal below ten. */
void checktext_bytes(struct text *out, double bytes);
