/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "loop.h"
#include "privileges.h"

#include <errno.h>

static int once(const struct command_options *options)
{
	struct config *config;
	int err;

	if (privileges_reduce())
		return EXIT_FAILED;
	config = command_config(options);
	err = config ? loop_once(config) : -EINVAL;
	return err == -EINVAL ? EXIT_USAGE : err ? EXIT_FAILED : EXIT_OK;
}

const struct command command_once = {
	.name = "once",
	.about = "one interval, as line protocol on standard output",
	.usage =
		"Loads its own copy of every enabled probe, also beside a running agent, waits for the next boundary of\n"
		"the interval, counts one interval and prints what the first output would be sent. With the privileges that run would keep.\n\n",
	.run = once,
};
