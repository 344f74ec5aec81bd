/* SPDX-License-Identifier: Apache-2.0 */
#include "bpflog.h"
#include "catalogue.h"
#include "command.h"

#include <string.h>

static int probes(const struct command_options *options)
{
	CLEANUP(config_freep) struct config *config = command_config(options);
	CLEANUP(checkup_freep) struct checkup *checkup = NULL;
	CLEANUP(report_free) struct report report = {0};
	CLEANUP(text_free) struct text out = {0};
	const struct checkup_options what = {.probes_only = true};
	int err;

	if (!config)
		return EXIT_USAGE;
	bpflog_catch();
	err = checkup_new(config, &what, &report, &checkup);
	if (err) {
		log_error("probes cannot be listed: %s", strerror(-err));
		return EXIT_FAILED;
	}
	if (options->flags & COMMAND_JSON)
		catalogue_write_json(checkup, &out);
	else
		catalogue_write_text(checkup, &out);
	if (command_print(&out) != EXIT_OK)
		return EXIT_FAILED;
	return checkup->n_errors ? EXIT_USAGE : EXIT_OK;
}

const struct command command_probes = {
	.name = "probes",
	.about =
		"the probes that there are: where from, whether they run, what each measures and costs",
	.usage =
		"Needs no privileges. Of each probe: whether it is on, off, or cannot run on this kernel, and why; its file, and\n"
		"those that it stands in for; what it costs, as its author measured it; and what it measures: the measurement, its\n"
		"tags, and fields with their kind, or the histogram with its unit. What its constants leave out as they are\n"
		"configured is there as well, with the reason. Names are those of style = influx; thermograf-metrics(7) has all.\n\n"
		"  --json                   the same for programs: thermograf(8) lists the members\n",
	.takes = COMMAND_JSON,
	.run = probes,
};
