/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kernel.h: the running kernel: its BTF, its CPUs, and what libbpf has to say. An edge.
 */
#pragma once
#include "ground.h"

#include <stdint.h>

struct btf;

/** The longest libbpf message kept for ours; the rest of a verifier log goes to the debug log only. */
#define KERNEL_MESSAGE_MAX 256
#define KERNEL_CPUS_UNKNOWN UINT32_MAX

/**
 * Loads the kernel's own BTF: about 5 MB, so hold it only while probes are opened.
 * @param ret_btf  freed with kernel_btf_freep(); unchanged on failure
 * @return 0; -ENOENT: the kernel has none (CONFIG_DEBUG_INFO_BTF); other -errno
 */
int kernel_btf_load(struct btf **ret_btf);
void kernel_btf_freep(struct btf **btf);

/**
 * One more than the highest number a CPU can ever have here. Not the count: masks may have holes.
 * @return > 0; KERNEL_CPUS_UNKNOWN when sysfs does not say: to be taken for more than anyone can count
 */
uint32_t kernel_possible_cpus(void);

/**
 * From now on libbpf's own messages go to the debug log, and the telling one is remembered.
 */
void kernel_catch_messages(void);

/**
 * What libbpf complained of first since kernel_forget_message(), or the verifier's own sentence; one line without
 * newline, "" when there was none.
 */
const char *kernel_message(void);
void kernel_forget_message(void);
