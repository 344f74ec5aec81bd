/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probedir.h: which probes there are: NAME.ini in a list of folders, the first of a name wins. An edge.
 */
#pragma once
#include "config.h"

#include <stdbool.h>
#include <stddef.h>

struct probedir_entry {
	char *name; /* of the probe */
	char *path; /* of its INI */
};

/** Zero-initialised is empty. */
struct probedir {
	struct probedir_entry *entries; /* sorted by name */
	size_t n;
	struct probedir_entry
		*hidden; /* a file before it in the list of folders has its name; in that order */
	size_t n_hidden;
	/* Folders that are there and cannot be read, and probes above CONFIG_MAX_PROBES: what the list misses. */
	size_t n_unlisted;
};

/**
 * Lists the probes.
 * @param dirs    searched in order; a folder that is not there has none. Empty: paths_admin_probes, whose files override;
 *                then the folder `probes` beside the program if there is one (the source tree), else paths_shipped_probes
 * @param report  takes an error for each folder of which something is unlisted
 * @return 0, also then; -ENOMEM; *ret unchanged then
 */
int probedir_list(const struct config_list *dirs, struct probedir *ret, struct report *report);

/** Whether one of that name is listed. */
bool probedir_has(const struct probedir *probes, const char *name);

/** Reports each [probe.NAME] of the configuration that names none of these, with the nearest name. */
void probedir_report_unknown(const struct probedir *probes, const struct config *config,
                             enum report_severity severity, struct report *report);

void probedir_free(struct probedir *probes);
