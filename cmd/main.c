/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = {&command_run, &command_once, &command_check,
                                                 &command_spool};

static const char *environment(const char *name)
{
	return secure_getenv(name);
}

struct config *command_load(const struct command_options *options, size_t *warnings)
{
	const struct config_sources sources = {
		.file = options->config,
		.main_file = paths_config_file,
		.dir = paths_config_dir,
		.sets = options->sets,
		.n_sets = options->n_sets,
		.getenv = environment,
	};
	CLEANUP(report_free) struct report report = {0};
	struct config *config = NULL;
	int err = config_load(&sources, &config, &report);

	if (warnings)
		*warnings += report.n_warnings;
	log_report(&report);
	if (err) {
		if (err != -EINVAL)
			log_error("the configuration cannot be used: %s", strerror(-err));
		return NULL;
	}
	return config;
}

struct config *command_config(const struct command_options *options, size_t *warnings)
{
	struct config *config = command_load(options, warnings);

	if (config)
		log_set_level(config->agent.log_level);
	return config;
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

/* @return 0 to go on, else the exit code + 1 */
static int parse_options(const struct command *command, int argc, char **argv,
                         struct command_options *options)
{
	static const struct option table[] = {
		{"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
		{"defaults", no_argument, NULL, 'd'},     {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},      {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 'c') {
			options->config = optarg;
		} else if (option == 's' && options->n_sets < COMMAND_MAX_SETS) {
			options->sets[options->n_sets++] = optarg;
		} else if (option == 'd' && command->takes_defaults) {
			options->defaults = true;
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
	if (optind < argc) {
		fprintf(stderr, "thermograf %s: \"%s\" is too much; see thermograf %s --help\n",
		        command->name, argv[optind], command->name);
		return EXIT_USAGE + 1;
	}
	return 0;
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
