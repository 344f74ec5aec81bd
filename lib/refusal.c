/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <string.h>

/* "bpf_ktime_get_ns" and so on, by the number in the verifier's "unknown#5"; those that this was built with. */
#define HELPER_NAME(name) "bpf_" #name
static const char *const helpers[] = {__BPF_FUNC_MAPPER(HELPER_NAME)};

#define WHEN "; a `when` in its section leaves it out here"

static bool has(const char *text, const char *phrase)
{
	return strstr(text, phrase) != NULL;
}

static bool is_forbidden(const struct refusal *r)
{
	return r->err == -EPERM || r->err == -EACCES;
}

static bool is_section(const struct refusal *r, const char *prefix)
{
	return !strncmp(r->section, prefix, strlen(prefix));
}

/* What stands behind the first slash of "kprobe/tcp_ack", without "+0x10"; the kind where there is none. */
static void add_target(struct text *out, const struct refusal *r)
{
	const char *slash = strchr(r->section, '/');
	const char *target = slash ? slash + 1 : r->section;

	text_append(out, target, strcspn(target, "+"));
}

static const char *errno_text(int err)
{
	return err == -REFUSAL_ENOTSUPP ? "not supported (ENOTSUPP)" : strerror(-err);
}

static bool says_maps(const struct refusal *r)
{
	return has(r->complaint, "failed to create: ") || has(r->complaint, "creating map") ||
	       has(r->complaint, "create_map") || has(r->complaint, "RLIMIT_MEMLOCK");
}

/* ---- what would befall every program */

static bool lacks_privileges(const struct refusal *r)
{
	return is_forbidden(r) && !*r->verdict && !facts_may_load(r->facts);
}

/* The first complaint of a process whose maps find no memory says that libbpf could not raise the limit. */
static bool lacks_memlock(const struct refusal *r)
{
	return is_forbidden(r) && !r->attaching && !*r->verdict && says_maps(r) &&
	       r->facts->memlock_matters && r->facts->memlock_bytes != UINT64_MAX;
}

static void explain_privileges(const struct refusal *r, struct text *reason, struct text *remedy)
{
	static const struct {
		int cap;
		const char *name;
	} wanted[] = {{CAP_BPF, "CAP_BPF"}, {CAP_PERFMON, "CAP_PERFMON"}};
	const char *and = "";

	text_str(reason, "this needs root, or CAP_BPF and CAP_PERFMON");
	text_str(remedy, "this process lacks ");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (facts_has_cap(r->facts, wanted[i].cap))
			continue;
		text_printf(remedy, "%s%s", and, wanted[i].name);
		and = " and ";
	}
	text_str(remedy, "; a systemd unit gives both with AmbientCapabilities=");
}

static void explain_memlock(const struct refusal *r, struct text *reason, struct text *remedy)
{
	text_printf(reason, "RLIMIT_MEMLOCK (%llu KiB) is too small for its maps",
	            (unsigned long long)r->facts->memlock_bytes >> 10);
	text_str(
		remedy,
		"this kernel counts maps as locked memory: LimitMEMLOCK=infinity in a systemd unit, "
		"or ulimit -l unlimited");
}

static void explain_maps(const struct refusal *r, struct text *reason, struct text *remedy)
{
	text_printf(reason, "its maps cannot be made: %s; %s", errno_text(r->err), r->complaint);
	text_str(remedy, r->err == -ENOMEM
	                         ? "max_keys in its sections [map NAME] makes them smaller"
	                         : "does this kernel have maps of that type?");
}

/* ---- what the verifier said */

/* "unknown func bpf_x#9", "invalid func unknown#9", "program of this type cannot use helper bpf_x#9" */
static bool remedy_helper(const struct refusal *r, struct text *remedy)
{
	const char *hash = strrchr(r->verdict, '#');
	size_t number = hash ? strtoul(hash + 1, NULL, 10) : 0;
	bool is_read = hash && (number == BPF_FUNC_probe_read || has(r->verdict, "probe_read"));

	if (!hash || !(has(r->verdict, " func ") || has(r->verdict, "cannot use helper ")))
		return false;
	if (is_read && r->facts->lockdown == FACTS_LOCKDOWN_CONFIDENTIALITY) {
		text_str(remedy,
		         "lockdown=confidentiality keeps BPF from reading the kernel's memory; "
		         "boot with lockdown=integrity, or without");
		return true;
	}
	text_printf(
		remedy,
		"it calls %s, which this kernel does not have, or not for programs of its kind" WHEN,
		number < ARRAY_SIZE(helpers) ? helpers[number] : "a helper");
	return true;
}

/* "failed to resolve CO-RE relocation <byte_off> [29] struct request.rq_disk (0:0 @ offset 0)" */
static bool remedy_relocation(const struct refusal *r, struct text *remedy)
{
	const char *type = strstr(r->verdict, "CO-RE relocation <");
	const char *end = type ? strstr(type, " (") : NULL;

	type = type ? strstr(type, "] ") : NULL;
	if (!type || !end || type + 2 >= end)
		return false;
	text_printf(remedy, "it reads %.*s, which this kernel does not have" WHEN,
	            (int)(end - type - 2), type + 2);
	return true;
}

static void add_verdicts_remedy(const struct refusal *r, struct text *remedy)
{
	static const struct {
		const char *phrase, *remedy;
	} known[] = {
		{"invalid bpf_context access",
	         "it reads an argument that what it is attached to does not have here; "
	         "when = tracepoint NAME args N asks for their number"},
		{"program is too large", "loops with fewer rounds or branches make less to verify"},
		{"infinite loop detected", "a loop must have an end that the verifier sees"},
		{"back-edge", "a loop must have an end that the verifier sees"},
		{"GPL-restricted function",
	         "write: char LICENSE[] SEC(\"license\") = \"GPL\", or \"Dual BSD/GPL\""},
		{"combined stack size",
	         "512 bytes are for a program and all functions that it calls"},
		{"_or_null'",
	         "a pointer out of a map must be compared with NULL before it is used"},
	};

	if (remedy_helper(r, remedy) || remedy_relocation(r, remedy))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (has(r->verdict, known[i].phrase)) {
			text_str(remedy, known[i].remedy);
			return;
		}
	text_str(remedy, "its author needs the verifier's log: --set agent/log_level=debug" WHEN);
}

/* ---- what libbpf said while loading */

static void explain_load(const struct refusal *r, struct text *reason, struct text *remedy)
{
	bool traced =
		is_section(r, "fentry") || is_section(r, "fexit") || is_section(r, "fmod_ret");

	if (has(r->complaint, "failed to find kernel BTF type ID")) {
		text_printf(reason, "this kernel has no %s ",
		            traced ? "function" : "tracepoint or hook");
		add_target(reason, r);
		text_str(reason, " in its BTF");
		text_str(remedy, "if it is a module's, load that first" WHEN);
	} else if (has(r->complaint, "failed to iterate BTF objects")) {
		/* libbpf looks there for what the kernel's own BTF does not have. */
		text_printf(reason, "this kernel has no function or tracepoint ");
		add_target(reason, r);
		text_str(reason, " in its BTF, and that of modules is for CAP_SYS_ADMIN");
		text_str(remedy, "if it is a module's, a kprobe or raw_tp needs no BTF" WHEN);
	} else if (has(r->complaint, "failed to find valid kernel BTF") ||
	           has(r->complaint, "kernel BTF is missing") || /* libbpf 1.5 */
	           has(r->complaint, "vmlinux BTF is not found")) {
		text_str(reason, "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
		text_str(remedy,
		         "[agent] btf_path can name a file with it; what is attached by tp_btf, "
		         "fentry or fexit cannot run here");
	} else if (r->err == -ENOSPC) {
		text_str(reason, "the verifier refuses it, with more to say than is kept");
		text_str(remedy,
		         "its author needs the verifier's log: --set agent/log_level=debug");
	} else if (is_forbidden(r)) {
		text_printf(reason, "the kernel forbids it: %s", errno_text(r->err));
		text_str(remedy,
		         traced ? "is the tracing of functions off (kernel.ftrace_enabled), or "
		                  "does a security module forbid it?" WHEN
		                : "does a security module or seccomp forbid it?");
	} else {
		text_printf(reason, "%s%s%s", errno_text(r->err), *r->complaint ? "; " : "",
		            r->complaint);
		text_str(remedy, "--set agent/log_level=debug tells more" WHEN);
	}
}

/* ---- what libbpf said while attaching */

static void explain_paranoid(const struct refusal *r, struct text *reason, struct text *remedy)
{
	text_printf(reason, "kernel.perf_event_paranoid = %d keeps perf events from this process",
	            r->facts->perf_paranoid);
	text_str(
		remedy,
		"sysctl kernel.perf_event_paranoid=2 opens them; tp_btf, raw_tp and fentry need none");
}

static void explain_kprobe(const struct refusal *r, struct text *reason, struct text *remedy)
{
	if (!r->facts->has_kprobes) {
		text_str(reason, "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)");
		text_str(remedy, "a tracepoint may do instead" WHEN);
	} else if (is_forbidden(r) && r->facts->lockdown == FACTS_LOCKDOWN_CONFIDENTIALITY) {
		text_str(reason, "lockdown=confidentiality forbids kprobes");
		text_str(remedy, "boot with lockdown=integrity, or without; fentry may do instead");
	} else if (r->err == -ENOENT || r->err == -EINVAL || r->err == -EADDRNOTAVAIL) {
		text_str(reason, r->err == -EADDRNOTAVAIL ? "this kernel has several functions "
		                 : r->err == -EINVAL      ? "this kernel does not let trace "
		                                          : "this kernel has no function ");
		add_target(reason, r);
		text_str(remedy, "when = kprobe NAME asks for one that can be traced");
	} else {
		text_printf(reason, "%s; %s", errno_text(r->err), r->complaint);
		text_str(remedy, "--set agent/log_level=debug tells more" WHEN);
	}
}

static void explain_tracepoint(const struct refusal *r, struct text *reason, struct text *remedy)
{
	bool in_tracefs = has(r->complaint, "perf event ID");

	if (in_tracefs && r->facts->lockdown == FACTS_LOCKDOWN_CONFIDENTIALITY) {
		text_str(reason, "lockdown=confidentiality hides tracefs");
		text_str(
			remedy,
			"boot with lockdown=integrity, or without; raw_tp or tp_btf may do instead");
	} else {
		text_str(reason, "this kernel has no tracepoint ");
		add_target(reason, r);
		text_str(remedy,
		         in_tracefs ? "or tracefs is not mounted on /sys/kernel/tracing, or this "
		                      "process may not read it; raw_tp and tp_btf need it not"
		                    : "if it is a module's, load that first" WHEN);
	}
}

static void explain_traced(const struct refusal *r, struct text *reason, struct text *remedy)
{
	text_str(reason, r->err == -REFUSAL_ENOTSUPP ? "this kernel cannot trace that way "
	                 : r->err == -EBUSY          ? "this kernel does not let trace "
	                                             : "this kernel refuses to trace ");
	add_target(reason, r);
	text_printf(reason, ": %s", errno_text(r->err));
	text_str(remedy, r->err == -REFUSAL_ENOTSUPP
	                         ? "it has more arguments than fit, or this architecture has no "
	                           "trampolines; a kprobe may do instead"
	                         : "a kprobe or a tracepoint may do instead");
}

static void explain_uprobe(const struct refusal *r, struct text *reason, struct text *remedy)
{
	if (!r->facts->has_uprobes) {
		text_str(reason, "this kernel has no uprobes (CONFIG_UPROBE_EVENTS)");
		text_str(remedy, "group = optional lets the probe run without it");
	} else if (is_forbidden(r) && !facts_has_cap(r->facts, CAP_SYS_ADMIN)) {
		/* perf: Revert to requiring CAP_SYS_ADMIN for uprobes, ba677dbe77af, and back-ported. */
		text_str(reason, "this kernel attaches uprobes for CAP_SYS_ADMIN only");
		text_str(remedy, "a drop-in of the unit can add it to AmbientCapabilities=");
	} else {
		text_printf(reason, "%s; %s", errno_text(r->err), r->complaint);
		text_str(remedy,
		         "is the program or library there, under the path in the section, and "
		         "not stripped?");
	}
}

static const struct {
	const char *prefix;
	void (*explain)(const struct refusal *r, struct text *reason, struct text *remedy);
	bool perf; /* attached to a perf event */
} attached[] = {
	{"kprobe.multi", explain_traced, false},  {"kretprobe.multi", explain_traced, false},
	{"kprobe", explain_kprobe, true},         {"kretprobe", explain_kprobe, true},
	{"ksyscall", explain_kprobe, true},       {"kretsyscall", explain_kprobe, true},
	{"tracepoint", explain_tracepoint, true}, {"tp/", explain_tracepoint, true},
	{"raw_tp", explain_tracepoint, false},    {"raw_tracepoint", explain_tracepoint, false},
	{"uprobe", explain_uprobe, true},         {"uretprobe", explain_uprobe, true},
	{"usdt", explain_uprobe, true},
};

static void explain_attach(const struct refusal *r, struct text *reason, struct text *remedy)
{
	if (r->err == -EOPNOTSUPP && !*r->complaint) {
		text_printf(reason, "its section \"%s\" does not say where it is to be attached",
		            r->section);
		text_str(remedy,
		         "attached are kprobe, fentry, fexit, tracepoint, raw_tp, tp_btf, uprobe, "
		         "usdt and the like, with their target behind a slash");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(attached); i++) {
		if (!is_section(r, attached[i].prefix))
			continue;
		if (attached[i].perf && is_forbidden(r) && facts_perf_is_closed(r->facts))
			explain_paranoid(r, reason, remedy);
		else
			attached[i].explain(r, reason, remedy);
		return;
	}
	explain_traced(r, reason, remedy);
}

/* ---- all */

bool refusal_is_own(const struct refusal *r)
{
	assert(r && r->facts);

	return *r->section && !lacks_privileges(r) && !lacks_memlock(r);
}

void refusal_explain(const struct refusal *r, struct text *reason, struct text *remedy)
{
	assert(r && r->err < 0 && r->section && r->complaint && r->verdict && r->facts && reason &&
	       remedy);

	if (lacks_privileges(r)) {
		explain_privileges(r, reason, remedy);
	} else if (lacks_memlock(r)) {
		explain_memlock(r, reason, remedy);
	} else if (*r->verdict) {
		text_printf(reason, "the verifier refuses it: %s", r->verdict);
		add_verdicts_remedy(r, remedy);
	} else if (r->attaching) {
		explain_attach(r, reason, remedy);
	} else if (!*r->section && says_maps(r)) {
		explain_maps(r, reason, remedy);
	} else {
		explain_load(r, reason, remedy);
	}
}
