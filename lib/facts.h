/* SPDX-License-Identifier: Apache-2.0 */
/**
 * facts.h: what a host and this process allow BPF programs, as plain data, and the texts of the kernel that say so. Pure.
 *
 * host.h fills it in. Features only, never the kernel's version.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** Of a number that could not be read. */
#define FACTS_UNKNOWN (-1)
/** Bit of a capability in facts.capabilities; CAP_BPF and others are in linux/capability.h. */
#define FACTS_CAP(cap) (1ull << (cap))

enum facts_lockdown {
	FACTS_LOCKDOWN_UNKNOWN, /* the file cannot be read, or this kernel has no lockdown */
	FACTS_LOCKDOWN_NONE,
	FACTS_LOCKDOWN_INTEGRITY,
	FACTS_LOCKDOWN_CONFIDENTIALITY,
	FACTS_LOCKDOWN_MAX
};

extern const char *const facts_lockdown_names[FACTS_LOCKDOWN_MAX];

struct facts {
	bool capabilities_known;
	uint64_t capabilities; /* effective ones of this process that an agent keeps */
	bool memlock_matters; /* this kernel charges maps to RLIMIT_MEMLOCK, later ones to the memory cgroup */
	uint64_t memlock_bytes; /* this process' RLIMIT_MEMLOCK; UINT64_MAX: unlimited */
	enum facts_lockdown lockdown;
	bool has_kprobes, has_uprobes; /* as perf events, which BPF programs are attached to */
	/* sysctls, or FACTS_UNKNOWN */
	int jit_enable;            /* net.core.bpf_jit_enable: 0 programs are interpreted */
	int unprivileged_disabled; /* kernel.unprivileged_bpf_disabled */
	int stats_enabled;         /* kernel.bpf_stats_enabled: run_ns is kept */
	int perf_paranoid;         /* kernel.perf_event_paranoid */
};

/** Whether the process may load and attach: all capabilities that it takes, or root's. Unknown ones count as there. */
bool facts_may_load(const struct facts *facts);

/** Whether it has a capability. Unknown ones count as there. */
bool facts_has_cap(const struct facts *facts, int cap);

/**
 * Whether perf events, to which kprobes, uprobes and tracepoints of tracefs are attached, are kept from this process.
 * Debian's kernels know a level above 2 that wants CAP_SYS_ADMIN, and CAP_PERFMON is not enough.
 */
bool facts_perf_is_closed(const struct facts *facts);

/** From "[none] integrity confidentiality\n". */
enum facts_lockdown facts_parse_lockdown(const char *text);
