/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probeprograms.h: which of an object's programs are to run here, by its description. An edge to libbpf; needs no
 * privileges. Others use probe.h.
 */
#pragma once
#include "probebind.h"

/** Decides which programs this kernel can run, before loading. @return 0; -EINVAL, -E2BIG (reported); -ENOMEM */
int probe_choose_programs(struct probe *probe, const struct feature_kernel *kernel,
                          struct report *report);

/** The description's section of that program, or NULL. */
const struct spec_program *probe_program_spec(const struct spec *spec, const char *name);

/** Whether a program of that one-of group was chosen. */
bool probe_group_is_served(const struct probe *probe, const char *group);

/**
 * Why the probe cannot run on this kernel.
 * @return NULL when all its required programs were chosen; else a clause for a person, owned by the probe
 */
const char *probe_unfit(const struct probe *probe);

/** Remembers that the kernel did not take a program, for the next probe_choose_programs(). @return 0 or -ENOMEM */
int probe_refuse(struct probe *probe, const char *program, const char *why);
