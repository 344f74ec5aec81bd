/* SPDX-License-Identifier: Apache-2.0 */
/**
 * config.h: what the administrator wants, from files, --set, environment and built-in defaults.
 *
 * The keys and the structs of the sections are in confkeys.h.
 * Precedence: --set section/key=value, files (a later one overrides key by key), environment
 * (TELEGRAF_URL for influx1 and influx2, LOCAL_DATACENTER), built-in. Files of secrets and certificates without a folder are in
 * CREDENTIALS_DIRECTORY, where systemd sets it. The built-in output "telegraf" (influx1 to
 * http://127.0.0.1:8086) is there only while no [output.X] is.
 */
#pragma once
#include "confkeys.h"

/** Where the pieces come from; NULL members are left out. */
struct config_sources {
	const char *file;      /* --config: stands in for the two below */
	const char *main_file; /* /etc/thermograf/thermograf.ini; may be missing */
	const char *
		dir; /* /etc/thermograf/conf.d: *.ini in the order of their bytes; may be missing */
	const char *const *sets; /* "section/key=value" */
	size_t n_sets;
	/* For TELEGRAF_URL, LOCAL_DATACENTER, CREDENTIALS_DIRECTORY and ${VAR}; NULL: nothing is set. */
	const char *(*getenv)(const char *name);
};

/**
 * Reads all sources and gives the whole configuration. Touches only the files named. What it reports
 * quotes no secret, no URL and no value that came out of a variable.
 * @param ret_config  owned by the caller, freed with config_free(); unchanged on failure
 * @param report      takes all errors and warnings with their place
 * @return 0; -EINVAL when errors were reported; -ENOMEM
 */
int config_load(const struct config_sources *sources, struct config **ret_config,
                struct report *report);

/**
 * The same from one text in memory in place of all files: for tests, the fuzzer, and what needs no file system.
 * @param name     of the text, for messages
 * @param sources  only sets and getenv are used; NULL: neither
 */
int config_parse(const char *name, const char *data, size_t len,
                 const struct config_sources *sources, struct config **ret_config,
                 struct report *report);

/** Frees everything, secrets overwritten first. NULL is fine. */
void config_free(struct config *config);
void config_freep(struct config **config);

/** Keeps the first @p n outputs, at least one, and frees the others. */
void config_keep_outputs(struct config *config, size_t n);

/** The section of that probe, or NULL. */
const struct config_probe *config_find_probe(const struct config *config, const char *name);

/** Appends the commented default file, made from config_keys; it parses to the defaults. */
void config_print_defaults(struct text *out);
