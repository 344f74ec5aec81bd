/* SPDX-License-Identifier: Apache-2.0 */
/**
 * command.h: what the subcommands share: exit codes, options, the configuration they name.
 */
#pragma once
#include "config.h"

#include <stdbool.h>
#include <stddef.h>

/** Exit codes, also in --help. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* it could not do its work */
	EXIT_USAGE = 2,  /* command line, configuration or probe is wrong: nothing was started */
};

/** More --set than this belong into a file. */
#define COMMAND_MAX_SETS 64

struct command_options {
	const char *config; /* --config FILE, or NULL */
	const char *sets[COMMAND_MAX_SETS];
	size_t n_sets;
	bool defaults; /* --defaults */
};

struct command {
	const char *name;
	const char *about;   /* one line */
	const char *usage;   /* the options that it takes */
	bool takes_defaults; /* --defaults */
	int (*run)(const struct command_options *options);
};

extern const struct command command_run;
extern const struct command command_once;
extern const struct command command_check;
extern const struct command command_spool;

/**
 * Reads the configuration that the options name, and prints what is wrong with it.
 * @param warnings  NULL, or grows by the number of warnings
 * @return the configuration, or NULL after errors
 */
struct config *command_load(const struct command_options *options, size_t *warnings);

/** The same, and its log_level holds from here on. */
struct config *command_config(const struct command_options *options, size_t *warnings);
