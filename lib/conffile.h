/* SPDX-License-Identifier: Apache-2.0 */
/**
 * conffile.h: configuration files as bytes. Reads, never writes; does not log.
 */
#pragma once
#include "confvalue.h"

#include <stdbool.h>

/**
 * Reads a file whole, a pipe too.
 * @param max_bytes   one byte more is read at most, so that the caller can tell
 * @param out         emptied first; may hold secrets: freed with conffile_wipe()
 * @param ret_public  whether everybody may read the file
 * @return 0; -errno of open(2) or read(2); -ENOMEM
 */
int conffile_read(const char *path, size_t max_bytes, struct text *out, bool *ret_public);

/** Overwrites and frees. */
void conffile_wipe(struct text *t);

/**
 * The paths of DIR/NAME.ini, in the order of the names' bytes; names that begin with "." are left out.
 * @param ret_paths  freed with confvalue_free_list(); unchanged on failure
 * @return 0, also when there is no such folder; -errno of opening it; -ENOMEM
 */
int conffile_list(const char *dir, struct config_list *ret_paths);
