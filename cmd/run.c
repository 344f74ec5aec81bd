/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "loop.h"
#include "privileges.h"

#include <errno.h>

static struct config *load_again(const void *options)
{
	return command_load(options, NULL);
}

static int run(const struct command_options *options)
{
	const struct loop_source source = {.load = load_again, .ctx = options};
	struct config *config;
	int err;

	if (privileges_reduce())
		return EXIT_FAILED;
	config = command_config(options);
	err = config ? loop_run(config, &source) : -EINVAL;
	return err == -EINVAL ? EXIT_USAGE : err ? EXIT_FAILED : EXIT_OK;
}

const struct command command_run = {
	.name = "run",
	.about = "the agent: collects every interval and pushes, until SIGTERM",
	.usage =
		"Loads all enabled probes and pushes to all outputs. SIGTERM and SIGINT cut the running window\n"
		"early, deliver what is left and end it. SIGHUP reads the configuration and the probes again: what did not\n"
		"change goes on, the rest changes when the running window ends. Started as root it keeps CAP_BPF and CAP_PERFMON, and no way to\n"
		"files that are open to other users only.\n\n",
	.run = run,
};
