/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"

#include "ground.h"

#include <assert.h>

static void add_probes(struct text *out, uint64_t running, uint64_t failed)
{
	if (running)
		text_u64(out, running);
	text_str(out, !running ? "no probe runs" : running == 1 ? " probe runs" : " probes run");
	if (!failed)
		return;
	text_str(out, ", ");
	text_u64(out, failed);
	text_str(out, failed == 1 ? " is not as configured" : " are not as configured");
}

static void add_output(struct text *out, const struct health_output *o)
{
	text_printf(out, "; %s: %s", o->name, o->failing ? "failing" : "delivering");
	if (!o->failing || !o->windows)
		return;
	text_str(out, ", ");
	text_u64(out, o->windows);
	text_str(out, o->windows == 1 ? " window waits" : " windows wait");
}

void health_describe(struct text *out, uint64_t running, uint64_t failed,
                     const struct health_output *outputs, size_t n_outputs)
{
	assert(out && (outputs || !n_outputs));

	add_probes(out, running, failed);
	for (size_t i = 0; i < n_outputs; i++)
		add_output(out, &outputs[i]);
}
