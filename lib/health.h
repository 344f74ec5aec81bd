/* SPDX-License-Identifier: Apache-2.0 */
/**
 * health.h: how the agent is, in one line for a person who asks the service manager. Pure.
 *
 *     3 probes run, 1 is not as configured; telegraf: delivering; archive: failing, 25 windows wait
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct health_output {
	const char *name;
	bool failing;
	uint64_t windows; /* that wait */
};

/**
 * Appends the line.
 * @param failed  not as the configuration asks for: they do not run, or go on as before a reload, among those that run
 */
void health_describe(struct text *out, uint64_t running, uint64_t failed,
                     const struct health_output *outputs, size_t n_outputs);
