/* SPDX-License-Identifier: Apache-2.0 */
#include "outputstats.h"

#include "ground.h"

#include <assert.h>

const char *const output_drop_names[] = {"spool", "rejected", "partial", "too_large",
                                         "write", "memory",   "damaged", "end"};
static_assert(ARRAY_SIZE(output_drop_names) == OUTPUT_DROP_MAX, "a name for each drop");
