/* SPDX-License-Identifier: Apache-2.0 */
#include "bpflog.h"
#include "checkjson.h"
#include "checktext.h"
#include "command.h"
#include "paths.h"
#include "privileges.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a configuration can be made of: the file, and the folder beside it. */
#define SOURCES_MAX 2

struct sources {
	struct text lines[SOURCES_MAX];
	const char *names[SOURCES_MAX];
	size_t n;
};

static void add_source(struct sources *s, const char *path, const char *rest)
{
	text_printf(&s->lines[s->n], "%s%s", path, rest);
	s->names[s->n] = text_cstr(&s->lines[s->n]);
	s->n++;
}

static void name_sources(const struct command_options *options, struct sources *s)
{
	if (options->config) {
		add_source(s, options->config, "");
		return;
	}
	if (!access(paths_config_file, R_OK))
		add_source(s, paths_config_file, "");
	else
		add_source(s, paths_config_file, " is not there: built-in defaults");
	if (!access(paths_config_dir, R_OK))
		add_source(s, paths_config_dir, "/*.ini");
}

static void free_sources(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		text_free(&s->lines[i]);
}

static int print_defaults(void)
{
	CLEANUP(text_free) struct text out = {0};

	config_print_defaults(&out);
	return command_print(&out);
}

/* It cannot be used: what is wrong with it is all that there is to say. */
static int tell_broken(const struct command_options *options, const struct sources *s,
                       struct report *report)
{
	CLEANUP(text_free) struct text out = {0};

	if (options->flags & COMMAND_JSON)
		checkjson_write_broken(s->names, s->n, report, &out);
	log_report(report);
	return command_print(&out) == EXIT_OK ? EXIT_USAGE : EXIT_FAILED;
}

static int check(const struct command_options *options)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(checkup_freep) struct checkup *checkup = NULL;
	CLEANUP(free_sources) struct sources sources = {0};
	CLEANUP(report_free) struct report report = {0};
	CLEANUP(text_free) struct text out = {0};
	int err;

	if (options->flags & COMMAND_DEFAULTS)
		return print_defaults();
	/* With what the agent keeps of a root's privileges, lest more be found to work than does. */
	err = options->flags & COMMAND_LOAD ? privileges_reduce() : 0;
	if (err) {
		log_error("privileges cannot be given up: %s", strerror(-err));
		return EXIT_FAILED;
	}
	/* A receiver that goes away is an answer. */
	signal(SIGPIPE, SIG_IGN);
	bpflog_catch();
	name_sources(options, &sources);
	config = command_load(options, &report);
	if (!config)
		return tell_broken(options, &sources, &report);
	log_set_level(config->agent.log_level);

	const struct checkup_options what = {.files = sources.names,
	                                     .n_files = sources.n,
	                                     .connect = options->flags & COMMAND_CONNECT,
	                                     .load = options->flags & COMMAND_LOAD};

	err = checkup_new(config, &what, &report, &checkup);
	if (err) {
		log_error("the check cannot be made: %s", strerror(-err));
		return EXIT_FAILED;
	}
	if (options->flags & COMMAND_JSON)
		checkjson_write(checkup, &out);
	else
		checktext_write(checkup, &out);
	if (command_print(&out) != EXIT_OK)
		return EXIT_FAILED;
	return checkup->n_errors ? EXIT_USAGE : EXIT_OK;
}

const struct command command_check = {
	.name = "check",
	.about = "configuration, probes and kernel: what works here, without starting it",
	.usage =
		"Needs no privileges, changes nothing, and takes a fraction of a second: fit to validate a file before it takes\n"
		"the place of another (check --config FILE). Tells\n"
		"  - what is wrong with the configuration, the files that it names, and every probe that is found;\n"
		"  - what this kernel and this process allow: BTF, lockdown, JIT, capabilities; and whether the clock is synchronised;\n"
		"  - of every probe, which of its programs are to run here and why others are not, and where the members of its maps\n"
		"    stand: key or value, offset + bytes, member, what becomes of it;\n"
		"  - of every output, the series of this host, and lines and bytes of a window at worst (every device and operation\n"
		"    counts in every bucket, in every window) and at rest (nothing counts), before and after compression. They are\n"
		"    made by the agent's own code from made-up counts of the devices that there are now. \"Whatever comes\" is what\n"
		"    max_keys and max_series allow. A tag that may have any value counts as one;\n"
		"  - kernel memory of all maps, and bytes that a reading of all of them copies.\n"
		"Mistakes in files are told on standard error, with file and line.\n\n"
		"  --connect                write one point (thermograf_check ok=1i) to every receiver of every output, all at\n"
		"                           once, and explain the answers; one that takes nothing is an error\n"
		"  --load                   load and attach each probe for an instant, as the agent would: needs its privileges\n"
		"  --json                   the same for programs: thermograf(8) lists the members\n"
		"  --defaults               print the default configuration, documented, and end\n",
	.takes = COMMAND_CONNECT | COMMAND_LOAD | COMMAND_JSON | COMMAND_DEFAULTS,
	.run = check,
};
