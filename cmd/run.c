/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "loop.h"

#include <errno.h>

static int run(const struct command_options *options)
{
	CLEANUP(config_freep) struct config *config = command_config(options, NULL);
	int err = config ? loop_run(config) : -EINVAL;

	return err == -EINVAL ? EXIT_USAGE : err ? EXIT_FAILED : EXIT_OK;
}

const struct command command_run = {
	.name = "run",
	.about = "the agent: collects every interval and pushes, until SIGTERM",
	.usage =
		"Loads all enabled probes and pushes to all outputs. SIGTERM and SIGINT cut the running window\n"
		"early, deliver what is left and end it.\n\n",
	.run = run,
};
