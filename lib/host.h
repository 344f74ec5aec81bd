/* SPDX-License-Identifier: Apache-2.0 */
/**
 * host.h: reads what this host and this process allow BPF programs. An edge; does not log.
 */
#pragma once
#include "facts.h"
#include "feature.h"

/**
 * Reads everything anew; what cannot be read is unknown.
 * @param kernel  or NULL
 */
void host_read_facts(const struct feature_kernel *kernel, struct facts *ret);
