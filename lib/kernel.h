/* SPDX-License-Identifier: Apache-2.0 */
/**
 * kernel.h: the running kernel: its BTF, the functions and modules that it says it has, its CPUs. An edge.
 */
#pragma once
#include "feature.h"
#include "ground.h"

#include <stdint.h>

/** Of vmlinux it has 5 MB; a file of all a distribution's modules would be below this. */
#define KERNEL_BTF_MAX_BYTES (64u << 20)
/** Different modules in predicates of all probes; of more nothing is known. */
#define KERNEL_MAX_MODULES 32
#define KERNEL_CPUS_UNKNOWN UINT32_MAX

struct kernel;

/**
 * Loads the kernel's BTF: about 5 MB, and lists of names when a predicate asks for them. So hold it only while probes
 * are opened and attached.
 * @param btf_path  of a file with raw BTF of this very kernel, for one that has none itself; "" = none
 * @param why       takes a sentence for a person when there is no BTF: what that means and what would help
 * @return 0, also without BTF; -ENOMEM
 */
int kernel_open(const char *btf_path, struct kernel **ret, struct text *why);

/** What predicates are asked of; lives as long as the kernel. @param kernel  NULL gives NULL */
const struct feature_kernel *kernel_features(const struct kernel *kernel);

/** NULL is fine. */
void kernel_close(struct kernel *kernel);
void kernel_closep(struct kernel **kernel);

/**
 * One more than the highest number a CPU can ever have here. Not the count: masks may have holes.
 * @return > 0; KERNEL_CPUS_UNKNOWN when sysfs does not say: to be taken for more than anyone can count
 */
uint32_t kernel_possible_cpus(void);
