/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probebind.h: the part of opening a probe that ties its description to the opened object: constants, maps,
 * programs. Only probe.h's implementation uses it. Nothing here needs privileges.
 */
#pragma once
#include "probe.h"

/** Sets every constant of the description. @return 0; -EINVAL (reported) */
int probe_set_consts(struct probe *probe, const struct btf *kernel, struct report *report);

/** Binds and sizes every map of the description. @return 0; -EINVAL (reported); -ENOMEM */
int probe_bind_maps(struct probe *probe, struct report *report);

/** Decides which programs this kernel can run, before loading. @return 0; -EINVAL, -E2BIG (reported); -ENOMEM */
int probe_choose_programs(struct probe *probe, const struct btf *kernel, struct report *report);

/** The description's section of that program, or NULL. */
const struct spec_program *probe_program_spec(const struct spec *spec, const char *name);

/** Whether a program of that one-of group was chosen. */
bool probe_group_is_served(const struct probe *probe, const char *group);
