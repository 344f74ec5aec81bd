/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probeconst.h: the constants of a probe's object, from its description, its own enums and this kernel; and which
 * predicates hold. An edge to libbpf; needs no privileges.
 */
#pragma once
#include "feature.h"
#include "report.h"
#include "spec.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;

/**
 * Sets every constant of the description.
 * @param kernel  or NULL: predicates do not hold
 * @return 0; -EINVAL when errors were reported; -ENOMEM
 */
int probeconst_set_all(const struct spec *spec, struct bpf_object *object,
                       const struct feature_kernel *kernel, struct report *report);

/**
 * Sets one by its name.
 * @param place  "file:line" for messages
 * @return 0; -EINVAL (reported)
 */
int probeconst_set(const struct spec *spec, struct bpf_object *object, const char *name,
                   uint64_t value, const char *place, struct report *report);

/**
 * Whether those of the predicates hold that ask for the description's own constants: what they do not want is not
 * missed.
 * @param why  takes a clause for a person about the first that does not
 */
bool probeconst_wants(const struct spec *spec, const struct spec_predicate *predicates, size_t n,
                      struct text *why);

/**
 * Whether all the predicates hold: on this kernel, and with the description's constants.
 * @param why  takes a clause for a person about the first that does not
 */
bool probeconst_holds(const struct spec *spec, const struct feature_kernel *kernel,
                      const struct spec_predicate *predicates, size_t n, struct text *why);
