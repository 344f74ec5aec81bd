/* SPDX-License-Identifier: Apache-2.0 */
/**
 * privileges.h: what the agent may do beyond the rights of its user (capabilities(7)), and how much of what a process
 * may have (setrlimit(2)). An edge.
 *
 * It needs CAP_BPF and CAP_PERFMON: to load and attach, also at a reload, and on 5.10 to read its maps
 * (kernel.unprivileged_bpf_disabled closes bpf(2) as a whole there). Everything else is given up before anything of the
 * configuration is read, so that what works at the start works at a reload, too.
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/** Sets of capabilities: bit N stands for the one with number N in linux/capability.h. */
struct privileges {
	uint64_t effective, permitted, inheritable, ambient, bounding;
};

/** Of this thread. @return 0 or -errno */
int privileges_read(struct privileges *ret);

/**
 * What is kept: CAP_BPF and CAP_PERFMON; what was handed over as ambient, which somebody chose for this program; and
 * CAP_SYS_ADMIN where it has to stand in for one of the two.
 */
uint64_t privileges_keep(const struct privileges *p);

/** Which of the two are missing: 0 when CAP_SYS_ADMIN stands in. */
uint64_t privileges_missing(const struct privileges *p);

/** Appends names: "CAP_BPF and CAP_PERFMON"; "none". */
void privileges_name(struct text *out, uint64_t set);

/**
 * Raises limits as far as may be, then gives up for good what privileges_keep() does not name, and the way to get it
 * back: bounding, ambient and inheritable sets, and no_new_privs. To be called before there is a second thread: it
 * would keep its own.
 * @return 0; -errno (logged): nothing is certain then
 */
int privileges_reduce(void);

/**
 * Keeps in memory whatever page of the agent was ever used (MCL_ONFAULT): with its root disk hung, code that was thrown
 * out under want of memory would have to come from there. To be called when all threads run and start-up is over.
 * @return 0 or -errno: pages may leave
 */
int privileges_keep_pages(void);

/** Logs once what is left, and what is missing. */
void privileges_tell(void);
