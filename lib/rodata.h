/* SPDX-License-Identifier: Apache-2.0 */
/**
 * rodata.h: sets `const volatile` variables of an opened, not yet loaded object, by name. An edge to libbpf.
 */
#pragma once
#include <stdint.h>

struct bpf_object;

/**
 * Writes an integer constant.
 * @param name   of a variable in .rodata: an integer, bool or enum of 1, 2, 4 or 8 bytes
 * @return 0; -ENOENT: the object has no such constant; -EINVAL: it is no integer; -ERANGE: too large for it;
 *         -ENOMEM
 */
int rodata_set(struct bpf_object *object, const char *name, uint64_t value);
