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

/** Options without a value; each command says which it takes. */
enum command_flag {
	COMMAND_DEFAULTS = 1 << 0,
	COMMAND_JSON = 1 << 1,
	COMMAND_CONNECT = 1 << 2,
	COMMAND_LOAD = 1 << 3,
};

struct command_options {
	const char *config; /* --config FILE, or NULL */
	const char *sets[COMMAND_MAX_SETS];
	size_t n_sets;
	unsigned int flags; /* enum command_flag */
};

struct command {
	const char *name;
	const char *about;  /* one line */
	const char *usage;  /* the options that it takes */
	unsigned int takes; /* enum command_flag */
	int (*run)(const struct command_options *options);
};

extern const struct command command_run;
extern const struct command command_once;
extern const struct command command_check;
extern const struct command command_probes;
extern const struct command command_spool;

/**
 * Reads the configuration that the options name.
 * @param report  takes what is wrong with it; NULL: it is logged
 * @return the configuration, or NULL after errors
 */
struct config *command_load(const struct command_options *options, struct report *report);

/** The same, logged, and its log_level holds from here on. */
struct config *command_config(const struct command_options *options);

/** Prints what was made. @return EXIT_OK; EXIT_FAILED: there was no memory for it, or nobody takes it */
int command_print(const struct text *out);
