/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels and libbpf 1.1 really said, word for word, when they were given programs that they could not take. */
#include "refusal.h"

#include "ground.h"

#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct facts root = {.capabilities_known = true,
                                  .capabilities = ~0ull,
                                  .memlock_bytes = UINT64_MAX,
                                  .has_kprobes = true,
                                  .has_uprobes = true,
                                  .lockdown = FACTS_LOCKDOWN_NONE,
                                  .perf_paranoid = 2};
static const struct facts locked = {.capabilities_known = true,
                                    .capabilities = ~0ull,
                                    .memlock_bytes = UINT64_MAX,
                                    .has_kprobes = true,
                                    .has_uprobes = true,
                                    .lockdown = FACTS_LOCKDOWN_CONFIDENTIALITY};
static const struct facts nobody = {.capabilities_known = true, .memlock_bytes = 65536};
static const struct facts bpf_only = {
	.capabilities_known = true, .capabilities = FACTS_CAP(CAP_BPF), .memlock_bytes = 8 << 20};
/* As under the unit, on Debian's 5.10 and on its 6.12, which set kernel.perf_event_paranoid to 3. */
static const struct facts service_old = {.capabilities_known = true,
                                         .capabilities =
                                                 FACTS_CAP(CAP_BPF) | FACTS_CAP(CAP_PERFMON),
                                         .memlock_matters = true,
                                         .memlock_bytes = 65536,
                                         .has_kprobes = true,
                                         .perf_paranoid = 3};
static const struct facts service = {.capabilities_known = true,
                                     .capabilities = FACTS_CAP(CAP_BPF) | FACTS_CAP(CAP_PERFMON),
                                     .memlock_bytes = 8 << 20,
                                     .has_kprobes = true,
                                     .has_uprobes = true,
                                     .perf_paranoid = 3};
static const struct facts service_mainline = {.capabilities_known = true,
                                              .capabilities =
                                                      FACTS_CAP(CAP_BPF) | FACTS_CAP(CAP_PERFMON),
                                              .has_uprobes = true,
                                              .perf_paranoid = 2};
static const struct facts no_kprobes = {
	.capabilities_known = true, .capabilities = ~0ull, .memlock_bytes = 8 << 20};

#define WHEN "; a `when` in its section leaves it out here"

static const struct {
	struct refusal said;
	const char *reason, *remedy;
	enum { OWN, ALL } whose; /* would another program fare better? */
} cases[] = {
	/* ---- privileges and memory */
	{{false, -EPERM, "",
          "Error in bpf_object__probe_loading():Operation not permitted(1). Couldn't load trivial BPF "
          "program. Make sure your kernel supports BPF (CONFIG_BPF_SYSCALL=y) and/or that RLIMIT_MEMLOCK "
          "is set to big enough value.",
          "", &nobody},
         "this needs root, or CAP_BPF and CAP_PERFMON",
         "this process lacks CAP_BPF and CAP_PERFMON; a systemd unit gives both with AmbientCapabilities=",
         ALL},
	{{false, -EPERM, "raw_tp/sched_process_exec",
          "prog 'endless': BPF program load failed: Operation not permitted", "", &bpf_only},
         "this needs root, or CAP_BPF and CAP_PERFMON",
         "this process lacks CAP_PERFMON; a systemd unit gives both with AmbientCapabilities=",
         ALL},
	{{false, -EPERM, "",
          "Failed to bump RLIMIT_MEMLOCK (err = -1), you might need to do it explicitly!", "",
          &service_old},
         "RLIMIT_MEMLOCK (64 KiB) is too small for its maps",
         "this kernel counts maps as locked memory: LimitMEMLOCK=infinity in a systemd unit, or ulimit -l "
         "unlimited",
         ALL},
	{{false, -EPERM, "",
          "Error in bpf_create_map_xattr(big):Operation not permitted(-1). Retrying without BTF.",
          "", &service_old},
         "RLIMIT_MEMLOCK (64 KiB) is too small for its maps",
         "this kernel counts maps as locked memory: LimitMEMLOCK=infinity in a systemd unit, or ulimit -l "
         "unlimited",
         ALL},
	{{false, -ENOMEM, "", "map 'big': failed to create: Cannot allocate memory(-12)", "",
          &root},
         "its maps cannot be made: Cannot allocate memory; map 'big': failed to create: Cannot allocate "
         "memory(-12)",
         "max_keys in its sections [map NAME] makes them smaller",
         ALL},
	{{false, -EINVAL, "", "map 'm': failed to create: Invalid argument(-22)", "", &root},
         "its maps cannot be made: Invalid argument; map 'm': failed to create: Invalid argument(-22)",
         "does this kernel have maps of that type?",
         ALL},

	/* ---- the verifier */
	{{false, -EACCES, "tp_btf/block_rq_issue",
          "prog 'verifier_null': BPF program load failed: Permission denied",
          "R0 invalid mem access 'map_value_or_null'", &service},
         "the verifier refuses it: R0 invalid mem access 'map_value_or_null'",
         "a pointer out of a map must be compared with NULL before it is used",
         OWN},
	{{false, -EINVAL, "tp_btf/block_rq_issue", "",
          "math between map_value pointer and register with unbounded min value is not allowed",
          &root},
         "the verifier refuses it: math between map_value pointer and register with unbounded min value is "
         "not allowed",
         "its author needs the verifier's log: --set agent/log_level=debug" WHEN,
         OWN},
	{{false, -EINVAL, "kprobe/iterate_dir", "", "invalid func unknown#174", &root},
         "the verifier refuses it: invalid func unknown#174",
         "it calls bpf_get_attach_cookie, which this kernel does not have, or not for programs of its "
         "kind" WHEN,
         OWN},
	{{false, -EINVAL, "tp_btf/block_rq_issue", "", "invalid func unknown#9999", &root},
         "the verifier refuses it: invalid func unknown#9999",
         "it calls a helper, which this kernel does not have, or not for programs of its kind" WHEN,
         OWN},
	{{false, -EINVAL, "raw_tp/sched_process_exec", "", "unknown func bpf_probe_read#4",
          &locked},
         "the verifier refuses it: unknown func bpf_probe_read#4",
         "lockdown=confidentiality keeps BPF from reading the kernel's memory; boot with "
         "lockdown=integrity, or without",
         OWN},
	{{false, -EINVAL, "raw_tp/sched_process_exec", "",
          "program of this type cannot use helper bpf_probe_read#4", &locked},
         "the verifier refuses it: program of this type cannot use helper bpf_probe_read#4",
         "lockdown=confidentiality keeps BPF from reading the kernel's memory; boot with "
         "lockdown=integrity, or without",
         OWN},
	{{false, -EINVAL, "tp_btf/block_rq_issue", "",
          "failed to resolve CO-RE relocation <byte_off> [29] struct request___gone.no_such_member (0:0 @ "
          "offset 0)",
          &root},
         "the verifier refuses it: failed to resolve CO-RE relocation <byte_off> [29] struct "
         "request___gone.no_such_member (0:0 @ offset 0)",
         "it reads struct request___gone.no_such_member, which this kernel does not have" WHEN,
         OWN},
	{{false, -EACCES, "tp_btf/block_rq_issue", "", "invalid bpf_context access off=40 size=8",
          &root},
         "the verifier refuses it: invalid bpf_context access off=40 size=8",
         "it reads an argument that what it is attached to does not have here; when = tracepoint NAME args "
         "N asks for their number",
         OWN},
	{{false, -E2BIG, "tp_btf/block_rq_issue", "",
          "BPF program is too large. Processed 1000001 insn", &root},
         "the verifier refuses it: BPF program is too large. Processed 1000001 insn",
         "loops with fewer rounds or branches make less to verify",
         OWN},
	{{false, -EINVAL, "raw_tp/sched_process_exec", "", "infinite loop detected at insn 2",
          &root},
         "the verifier refuses it: infinite loop detected at insn 2",
         "a loop must have an end that the verifier sees",
         OWN},
	{{false, -EINVAL, "raw_tp/sched_process_exec", "",
          "cannot call GPL-restricted function from non-GPL compatible program", &root},
         "the verifier refuses it: cannot call GPL-restricted function from non-GPL compatible program",
         "write: char LICENSE[] SEC(\"license\") = \"GPL\", or \"Dual BSD/GPL\"",
         OWN},

	/* ---- loading, without a log */
	{{false, -ESRCH, "fentry/no_such_function",
          "prog 'load_fentry': failed to find kernel BTF type ID of 'no_such_function': -3", "",
          &root},
         "this kernel has no function no_such_function in its BTF",
         "if it is a module's, load that first" WHEN,
         OWN},
	{{false, -ESRCH, "tp_btf/no_such_tracepoint",
          "prog 'load_tp_btf': failed to find kernel BTF type ID of 'no_such_tracepoint': -3", "",
          &root},
         "this kernel has no tracepoint or hook no_such_tracepoint in its BTF",
         "if it is a module's, load that first" WHEN,
         OWN},
	{{false, -EPERM, "fentry/iterate_dir",
          "prog 'attach_fentry': BPF program load failed: Operation not permitted", "",
          &no_kprobes},
         "the kernel forbids it: Operation not permitted",
         "is the tracing of functions off (kernel.ftrace_enabled), or does a security module forbid "
         "it?" WHEN,
         OWN},
	{{false, -ESRCH, "", "failed to find valid kernel BTF", "", &root},
         "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)",
         "[agent] btf_path can name a file with it; what is attached by tp_btf, fentry or fexit cannot run "
         "here",
         ALL},

	{{false, -ESRCH, "",
          "kernel BTF is missing at '/sys/kernel/btf/vmlinux', was CONFIG_DEBUG_INFO_BTF enabled?",
          "", &root},
         "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)",
         "[agent] btf_path can name a file with it; what is attached by tp_btf, fentry or fexit cannot run "
         "here",
         ALL},

	{{false, -EPERM, "fentry/nfs_file_read", "failed to iterate BTF objects: -1", "", &service},
         "this kernel has no function or tracepoint nfs_file_read in its BTF, and that of modules is for "
         "CAP_SYS_ADMIN",
         "if it is a module's, a kprobe or raw_tp needs no BTF" WHEN,
         OWN},

	/* ---- attaching */
	{{true, -EACCES, "kprobe/iterate_dir",
          "prog 'kp': failed to create kprobe 'iterate_dir+0x0' perf event: Permission denied", "",
          &service},
         "kernel.perf_event_paranoid = 3 keeps perf events from this process",
         "sysctl kernel.perf_event_paranoid=2 opens them; tp_btf, raw_tp and fentry need none",
         OWN},
	{{true, -EACCES, "tracepoint/sched/sched_process_exec",
          "tracepoint 'sched/sched_process_exec' perf_event_open() failed: Permission denied", "",
          &service},
         "kernel.perf_event_paranoid = 3 keeps perf events from this process",
         "sysctl kernel.perf_event_paranoid=2 opens them; tp_btf, raw_tp and fentry need none",
         OWN},
	{{true, -EACCES, "uprobe//proc/self/exe:main",
          "prog 'up': failed to create uprobe '/proc/self/exe:0x1895' perf event: Permission denied",
          "", &service},
         "kernel.perf_event_paranoid = 3 keeps perf events from this process",
         "sysctl kernel.perf_event_paranoid=2 opens them; tp_btf, raw_tp and fentry need none",
         OWN},
	{{true, -ENOENT, "kprobe/no_such_function",
          "prog 'attach_kprobe': failed to create kprobe 'no_such_function+0x0' perf event: No such file "
          "or directory",
          "", &root},
         "this kernel has no function no_such_function",
         "when = kprobe NAME asks for one that can be traced",
         OWN},
	{{true, -EINVAL, "kprobe/do_int3",
          "prog 'attach_kprobe_blacklist': failed to create kprobe 'do_int3+0x0' perf event: Invalid "
          "argument",
          "", &root},
         "this kernel does not let trace do_int3",
         "when = kprobe NAME asks for one that can be traced",
         OWN},
	{{true, -ENOENT, "kretprobe/iterate_dir+0x10",
          "failed to add legacy kprobe event for 'iterate_dir+0x0': No such file or directory", "",
          &no_kprobes},
         "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)",
         "a tracepoint may do instead" WHEN,
         OWN},
	{{true, -EPERM, "kprobe/iterate_dir",
          "prog 'kp': failed to create kprobe 'iterate_dir+0x0' perf event: Operation not permitted",
          "", &locked},
         "lockdown=confidentiality forbids kprobes",
         "boot with lockdown=integrity, or without; fentry may do instead",
         OWN},
	{{true, -ENOENT, "tracepoint/sched/sched_process_exec",
          "failed to determine tracepoint 'sched/sched_process_exec' perf event ID: No such file or "
          "directory",
          "", &locked},
         "lockdown=confidentiality hides tracefs",
         "boot with lockdown=integrity, or without; raw_tp or tp_btf may do instead",
         OWN},
	{{true, -ENOENT, "tracepoint/sched/no_such_tracepoint",
          "failed to determine tracepoint 'sched/no_such_tracepoint' perf event ID: No such file or "
          "directory",
          "", &root},
         "this kernel has no tracepoint sched/no_such_tracepoint",
         "or tracefs is not mounted on /sys/kernel/tracing, or this process may not read it; raw_tp and "
         "tp_btf need it not",
         OWN},
	{{true, -ENOENT, "raw_tp/no_such_tracepoint",
          "prog 'attach_raw_tp': failed to attach to raw tracepoint 'no_such_tracepoint': No such file or "
          "directory",
          "", &root},
         "this kernel has no tracepoint no_such_tracepoint",
         "if it is a module's, load that first" WHEN,
         OWN},
	{{true, -REFUSAL_ENOTSUPP, "fentry/tcp_v4_syn_recv_sock",
          "prog 'attach_fentry_args': failed to attach: ERROR: strerror_r(-524)=22", "", &root},
         "this kernel cannot trace that way tcp_v4_syn_recv_sock: not supported (ENOTSUPP)",
         "it has more arguments than fit, or this architecture has no trampolines; a kprobe may do instead",
         OWN},
	{{true, -EBUSY, "fentry/__bpf_prog_enter",
          "prog 'attach_fentry_notrace': failed to attach: Device or resource busy", "", &root},
         "this kernel does not let trace __bpf_prog_enter: Device or resource busy",
         "a kprobe or a tracepoint may do instead",
         OWN},
	{{true, -EOPNOTSUPP, "kprobe.multi/iterate_dir",
          "prog 'attach_multi_one': failed to attach: Operation not supported", "", &root},
         "this kernel refuses to trace iterate_dir: Operation not supported",
         "a kprobe or a tracepoint may do instead",
         OWN},
	{{true, -ENOENT, "uprobe//no/such/file:main",
          "failed to open /no/such/file: No such file or directory", "", &root},
         "No such file or directory; failed to open /no/such/file: No such file or directory",
         "is the program or library there, under the path in the section, and not stripped?",
         OWN},
	{{true, -EACCES, "uretprobe//proc/self/exe:f",
          "prog 'p': failed to create uretprobe '/proc/self/exe:0x2c860' perf event: Permission denied",
          "", &service_mainline},
         "this kernel attaches uprobes for CAP_SYS_ADMIN only",
         "a drop-in of the unit can add it to AmbientCapabilities=",
         OWN},
	{{true, -EOPNOTSUPP, "perf_event", "", "", &root},
         "its section \"perf_event\" does not say where it is to be attached",
         "attached are kprobe, fentry, fexit, tracepoint, raw_tp, tp_btf, uprobe, usdt and the like, with "
         "their target behind a slash",
         OWN},
};

static void every_refusal_has_its_reason_and_its_remedy(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text reason = {0}, remedy = {0};

		refusal_explain(&cases[i].said, &reason, &remedy);
		assert_string_equal(text_cstr(&reason), cases[i].reason);
		assert_string_equal(text_cstr(&remedy), cases[i].remedy);
		if (refusal_is_own(&cases[i].said) != (cases[i].whose == OWN))
			fail_msg("%s: is it the program's own?", cases[i].reason);
		text_free(&reason);
		text_free(&remedy);
	}
}

/* Whatever errno comes from whatever program: there is something to say. */
static void no_errno_is_without_words(void **state)
{
	static const char *const sections[] = {
		"",       "kprobe/f",   "kprobe.multi/f*", "fentry/f", "lsm/f",    "raw_tp/f",
		"tp/a/b", "uprobe/f:g", "usdt/f:g",        "xdp",      "iter/task"};

	for (int err = 1; err <= REFUSAL_ENOTSUPP; err++)
		for (size_t s = 0; s < 2 * ARRAY_SIZE(sections); s++) {
			const struct refusal r = {.attaching = s % 2,
			                          .err = -err,
			                          .section = sections[s / 2],
			                          .complaint = err % 3 ? "" : "libbpf said so",
			                          .verdict = "",
			                          .facts = err % 2 ? &root : &service};
			struct text reason = {0}, remedy = {0};

			refusal_explain(&r, &reason, &remedy);
			assert_true(reason.len && remedy.len);
			text_free(&reason);
			text_free(&remedy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_reason_and_its_remedy),
		cmocka_unit_test(no_errno_is_without_words),
	};

	return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
