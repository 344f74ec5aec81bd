// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * hooks: a program of each kind that libbpf attaches by its section, and programs that kernels do not take. Each
 * counts its own runs, so that it shows which are attached and fire.
 */
#include "thermograf.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

enum hook {
	HOOK_EXEC_TP_BTF,
	HOOK_EXEC_RAW_TP,
	HOOK_EXEC_CORE,
	HOOK_EXEC_TRACEPOINT,
	HOOK_DIR_KPROBE,
	HOOK_DIR_KRETPROBE,
	HOOK_DIR_FENTRY,
	HOOK_DIR_FEXIT,
	HOOK_CUT_UPROBE,
	HOOK_CUT_URETPROBE,
	HOOK_WAY_FENTRY,
	HOOK_WAY_KPROBE,
	HOOK_WAY_RAW_TP,
	HOOK_REFUSED,
	HOOK_MAX,
};
TG_KEEP_ENUM(hook);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOOK_MAX);
	__type(key, __u32);
	__type(value, __u64);
} hooks SEC(".maps");

TG_INLINE int count(__u32 hook)
{
	__u64 *runs = bpf_map_lookup_elem(&hooks, &hook);

	if (runs)
		TG_ATOMIC_ADD(*runs, 1);
	return 0;
}

#define PROGRAM(section, name, hook) \
	SEC("?" section)             \
	int name(void *ctx)          \
	{                            \
		(void)ctx;           \
		return count(hook);  \
	}

/* A program is run: once each, whoever does it. */
PROGRAM("tp_btf/sched_process_exec", exec_tp_btf, HOOK_EXEC_TP_BTF)
PROGRAM("raw_tp/sched_process_exec", exec_raw_tp, HOOK_EXEC_RAW_TP)
PROGRAM("tracepoint/sched/sched_process_exec", exec_tracepoint, HOOK_EXEC_TRACEPOINT)

struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

struct no_such_type {
	int member;
} __attribute__((preserve_access_index));

/*
 * Where the member is, only the kernel's BTF tells, or that of a file. A type that it does not have may be asked for,
 * also by who may not list the BTF of modules.
 */
SEC("?raw_tp/sched_process_exec")
int exec_core(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];

	if (bpf_core_type_exists(struct no_such_type))
		return 0;
	if (BPF_CORE_READ(task, tgid) == (int)(bpf_get_current_pid_tgid() >> 32))
		count(HOOK_EXEC_CORE);
	return 0;
}

/* A folder is read. */
PROGRAM("kprobe/iterate_dir", dir_kprobe, HOOK_DIR_KPROBE)
PROGRAM("kretprobe/iterate_dir", dir_kretprobe, HOOK_DIR_KRETPROBE)
PROGRAM("fentry/iterate_dir", dir_fentry, HOOK_DIR_FENTRY)
PROGRAM("fexit/iterate_dir", dir_fexit, HOOK_DIR_FEXIT)

/* The agent that has attached it reads this probe. */
PROGRAM("uprobe//proc/self/exe:collector_cut", cut_uprobe, HOOK_CUT_UPROBE)
PROGRAM("uretprobe//proc/self/exe:collector_cut", cut_uretprobe, HOOK_CUT_URETPROBE)

/* Three ways to count one thing. Kernel 6.1's trampolines have no room for the first one's seven arguments. */
PROGRAM("fentry/tcp_v4_syn_recv_sock", way_fentry, HOOK_WAY_FENTRY)
PROGRAM("kprobe/no_such_function", way_kprobe, HOOK_WAY_KPROBE)
PROGRAM("raw_tp/sched_process_exec", way_raw_tp, HOOK_WAY_RAW_TP)

/* No kernel has this helper; no kernel has this tracepoint. */
static int (*const no_such_helper)(void) = (void *)9999;

SEC("?raw_tp/sched_process_exec")
int refused_by_verifier(void *ctx)
{
	(void)ctx;
	no_such_helper();
	return count(HOOK_REFUSED);
}

PROGRAM("raw_tp/no_such_tracepoint", refused_at_attach, HOOK_REFUSED)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
