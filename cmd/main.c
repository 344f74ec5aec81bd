/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {&command_run, &command_once, &command_check,
                                                 &command_probes, &command_spool};

static const char *environment(const char *name)
{
	return secure_getenv(name);
}

struct config *command_load(const struct command_options *options, struct report *report)
{
	const struct config_sources sources = {
		.file = options->config,
		.main_file = paths_config_file,
		.dir = paths_config_dir,
		.sets = options->sets,
		.n_sets = options->n_sets,
		.getenv = environment,
	};
	CLEANUP(report_free) struct report own = {0};
	struct config *config = NULL;
	int err = config_load(&sources, &config, report ?: &own);

	log_report(&own);
	if (err) {
		if (err != -EINVAL)
			log_error("the configuration cannot be used: %s", strerror(-err));
		return NULL;
	}
	return config;
}

struct config *command_config(const struct command_options *options)
{
	struct config *config = command_load(options, NULL);

	if (config)
		log_set_level(config->agent.log_level);
	return config;
}

int command_print(const struct text *out)
{
	if (out->err) {
		log_error("out of memory");
		return EXIT_FAILED;
	}
	if (fputs(text_cstr(out), stdout) == EOF || fflush(stdout)) {
		log_error("standard output: %s", strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static void print_help(FILE *out)
{
	fprintf(out,
	        "thermograf %s: block I/O and more, as latency heatmaps, pushed.\n\n"
	        "usage: thermograf [COMMAND] [--config FILE] [--set SECTION/KEY=VALUE]...\n\n",
	        THERMOGRAF_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s%s\n", commands[i]->name, commands[i]->about,
		        i ? "" : " (the default)");
	fprintf(out,
	        "\n  thermograf COMMAND --help tells more; --version the version.\n"
	        "exit status: 0 done, 1 it could not do its work, 2 wrong usage, configuration or probe\n");
}

static int print_command_help(const struct command *command)
{
	printf("thermograf %s: %s\n\n%s", command->name, command->about, command->usage);
	printf("  --config FILE            instead of %s and %s/*.ini\n"
	       "  --set SECTION/KEY=VALUE  over all files, e.g. --set agent/interval=1s; may be repeated\n"
	       "\nexit status: 0 done, 1 it could not do its work, 2 wrong usage, configuration or probe\n",
	       paths_config_file, paths_config_dir);
	return EXIT_OK;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static const struct option options_known[] = {
	{"config", required_argument, NULL, 'c'},
	{"set", required_argument, NULL, 's'},
	{"defaults", no_argument, NULL, 0},
	{"json", no_argument, NULL, 0},
	{"connect", no_argument, NULL, 0},
	{"load", no_argument, NULL, 0},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static unsigned int flag_named(const char *name)
{
	static const struct {
		const char *name;
		unsigned int flag;
	} flags[] = {{"defaults", COMMAND_DEFAULTS},
	             {"json", COMMAND_JSON},
	             {"connect", COMMAND_CONNECT},
	             {"load", COMMAND_LOAD}};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (!strcmp(flags[i].name, name))
			return flags[i].flag;
	return 0;
}

static int fail_usage(const struct command *command, const char *what, const char *word)
{
	fprintf(stderr, "thermograf %s: \"%s\" %s; see thermograf %s --help\n", command->name, word,
	        what, command->name);
	return EXIT_USAGE + 1;
}

/* @return 0 to go on, else the exit code + 1 */
static int parse_options(const struct command *command, int argc, char **argv,
                         struct command_options *options)
{
	int option, which = 0;

	while ((option = getopt_long(argc, argv, "", options_known, &which)) != -1) {
		const char *name = options_known[which].name;

		if (option == 'c') {
			options->config = optarg;
		} else if (option == 's' && options->n_sets < COMMAND_MAX_SETS) {
			options->sets[options->n_sets++] = optarg;
		} else if (option == 's') {
			fprintf(stderr, "thermograf %s: --set may be given %d times\n",
			        command->name, COMMAND_MAX_SETS);
			return EXIT_USAGE + 1;
		} else if (option == 0 && command->takes & flag_named(name)) {
			options->flags |= flag_named(name);
		} else if (option == 0) {
			return fail_usage(command, "is no option of it", name);
		} else if (option == 'h') {
			return print_command_help(command) + 1;
		} else if (option == 'V') {
			puts("thermograf " THERMOGRAF_VERSION);
			return EXIT_OK + 1;
		} else {
			fprintf(stderr, "see thermograf %s --help\n", command->name);
			return EXIT_USAGE + 1;
		}
	}
	return optind < argc ? fail_usage(command, "is too much", argv[optind]) : 0;
}

/* A descriptor that was closed at the start would be the next file's: log lines would go into it. */
static void occupy_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const struct command *command = commands[0];
	struct command_options options = {0};
	int done;

	occupy_standard_descriptors();
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (argc > 1 && argv[1][0] != '-') {
		command = find_command(argv[1]);
		if (!command) {
			fprintf(stderr, "thermograf: no command \"%s\"\n\n", argv[1]);
			print_help(stderr);
			return EXIT_USAGE;
		}
		argv++;
		argc--;
	}
	done = parse_options(command, argc, argv, &options);
	return done ? done - 1 : command->run(&options);
}
