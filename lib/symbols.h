/* SPDX-License-Identifier: Apache-2.0 */
/**
 * symbols.h: names out of the kernel's long text files, kept as one text, and whether one is there. Pure.
 *
 *     available_filter_functions   "tcp_ack\n", "nfs_file_read [nfs]\n": what can be traced
 *     kallsyms                     "0000000000000000 T tcp_ack\n", "... t nfs_file_read\t[nfs]\n": all there is
 *     modules.builtin              "kernel/drivers/md/dm-mod.ko\n": modules that are part of the kernel, here dm_mod
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

enum symbols_form { SYMBOLS_TRACEABLE, SYMBOLS_KALLSYMS, SYMBOLS_BUILTIN };

/** Zero-initialised is empty. */
struct symbols {
	struct text names; /* "\nNAME\nNAME\n" */
};

/**
 * Adds the name of one line, without its newline; of kallsyms only functions. A line of another form adds nothing.
 * Memory that is missing shows in names.err.
 */
void symbols_add(struct symbols *symbols, enum symbols_form form, const char *line, size_t len);

/** Whether exactly that name was added: foo is not foo.isra.0. */
bool symbols_has(const struct symbols *symbols, const char *name);

/** Frees the memory; empty afterwards. */
void symbols_free(struct symbols *symbols);
