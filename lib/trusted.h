/* SPDX-License-Identifier: Apache-2.0 */
/**
 * trusted.h: reads a whole file that nobody but the administrator can have written. An edge.
 *
 * What a probe says runs in the kernel: a file that others can write would make them root.
 */
#pragma once
#include "text.h"

#include <stddef.h>
#include <stdint.h>

/**
 * Reads a file, checked and read through the same descriptor.
 *
 * Owner must be root, who runs the agent, or who owns its program (and could change that, too); group and others must
 * not be able to write. The same holds for each folder on the way to it, since who can write a folder can replace what is
 * in it; sticky folders as /tmp are fine, and so is one that leads to the program itself. The agent's user need not be
 * the owner: a service that runs as a user of its own reads what is root's.
 *
 * @param max_bytes  more are refused
 * @param ret_data   owned by the caller, free(); unchanged on failure
 * @param why        takes a clause for a person on failure: what is wrong and what would be right
 * @return 0; -EPERM: others can write it; -EINVAL: no regular file; -E2BIG; -ENOMEM; -errno
 */
int trusted_read(const char *path, size_t max_bytes, uint8_t **ret_data, size_t *ret_len,
                 struct text *why);
