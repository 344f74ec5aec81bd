/* SPDX-License-Identifier: Apache-2.0 */
/**
 * confcheck.h: what one key of an output alone does not show: keys that need or exclude each other, keys that do
 * nothing for the output's type or style. Pure; touches no file.
 */
#pragma once
#include "confkeys.h"

/**
 * Looks at an output after the last of its keys was set.
 * @param report  takes errors and warnings with the place of the key or of the section; quotes no value
 */
void confcheck_output(const struct config_output *output, struct report *report);
