/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <assert.h>
#include <linux/capability.h>
#include <string.h>

/* The highest level of kernel.perf_event_paranoid that mainline knows. */
#define PERF_PARANOID_MAINLINE 2

const char *const facts_lockdown_names[FACTS_LOCKDOWN_MAX] = {
	[FACTS_LOCKDOWN_UNKNOWN] = "unknown",
	[FACTS_LOCKDOWN_NONE] = "none",
	[FACTS_LOCKDOWN_INTEGRITY] = "integrity",
	[FACTS_LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
};

bool facts_has_cap(const struct facts *facts, int cap)
{
	assert(facts);

	return !facts->capabilities_known || facts->capabilities & FACTS_CAP(cap);
}

bool facts_may_load(const struct facts *facts)
{
	return facts_has_cap(facts, CAP_SYS_ADMIN) ||
	       (facts_has_cap(facts, CAP_BPF) && facts_has_cap(facts, CAP_PERFMON));
}

bool facts_perf_is_closed(const struct facts *facts)
{
	return facts->perf_paranoid > PERF_PARANOID_MAINLINE &&
	       !facts_has_cap(facts, CAP_SYS_ADMIN);
}

enum facts_lockdown facts_parse_lockdown(const char *text)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	for (int i = FACTS_LOCKDOWN_NONE; close && i < FACTS_LOCKDOWN_MAX; i++) {
		size_t len = strlen(facts_lockdown_names[i]);

		if (len == (size_t)(close - open) - 1 &&
		    !strncmp(open + 1, facts_lockdown_names[i], len))
			return (enum facts_lockdown)i;
	}
	return FACTS_LOCKDOWN_UNKNOWN;
}
