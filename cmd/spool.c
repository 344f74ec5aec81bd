/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "parse.h"
#include "spoollist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* What was found in one folder, for its last line and the exit code. */
struct found {
	struct spoollist_segment sum;
	size_t segments;
	bool bad;
};

/* UTC, to the second: windows are at least 100 ms long, and a person looks. */
static const char *time_text(int64_t stamp_ns, char text[32])
{
	time_t seconds = (time_t)(stamp_ns / 1000000000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, 32, "%" PRId64 " ns", stamp_ns);
	return text;
}

static void print_number(uint64_t n, const char *one, const char *many)
{
	printf("%" PRIu64 " %s", n, n == 1 ? one : many);
}

static void print_counts(const struct spoollist_segment *s)
{
	char from[32], to[32];

	printf("%.1f KiB; ", (double)s->size / 1024);
	print_number(s->waiting.records, "batch, ", "batches, ");
	print_number(s->waiting.points, "line, ", "lines, ");
	print_number(s->waiting.windows, "window waits", "windows wait");
	if (s->waiting.records)
		printf(", %s to %s UTC", time_text(s->oldest_stamp_ns, from),
		       time_text(s->newest_stamp_ns, to));
	if (s->settled)
		printf("; %" PRIu64 " sent", s->settled);
}

/* @return whether something is wrong */
static bool print_damage(const struct spoollist_segment *s)
{
	if (s->damage.places)
		printf("; damaged: %" PRIu64 " bytes in %" PRIu64 " places, %" PRIu64
		       " lines or more",
		       s->damage.bytes, s->damage.places, s->damaged_points);
	if (s->torn)
		printf("; %" PRIu64 " bytes at its end are no whole record", s->torn);
	if (s->err)
		printf("; cannot be read: %s", strerror(-s->err));
	return s->damage.places || s->err;
}

static int print_segment(void *ctx, const struct spoollist_segment *segment)
{
	struct found *found = ctx;

	printf("  segment %" PRIu32 ": ", segment->id);
	print_counts(segment);
	found->bad |= print_damage(segment);
	printf("\n");
	spoollist_add(&found->sum, segment);
	found->segments++;
	return 0;
}

/* @return whether all is well */
static bool print_folder(const char *spool_dir, const char *name)
{
	CLEANUP(text_free) struct text folder = {0};
	struct found found = {0};
	pid_t user;
	int err;

	text_printf(&folder, "%s/%s", spool_dir, name);
	user = spoollist_user(text_cstr(&folder));
	printf("  %s", text_cstr(&folder));
	if (user)
		printf(", used by process %d", (int)user);
	printf("\n");
	err = spoollist_read(text_cstr(&folder), print_segment, &found);
	if (err && err != -ENOENT) {
		printf("  cannot be read: %s\n", strerror(-err));
		return false;
	}
	if (!found.segments) {
		printf("  nothing waits\n");
		return true;
	}
	printf("  sum: ");
	print_number(found.segments, "segment, ", "segments, ");
	print_counts(&found.sum);
	printf("\n");
	return !found.bad;
}

struct strangers {
	const struct config *config;
	const char *spool_dir;
	bool well;
};

static bool is_output_of(const struct config *config, const char *spool_dir, const char *name)
{
	for (size_t i = 0; i < config->n_outputs; i++)
		if (!strcmp(config->outputs[i].name, name) &&
		    !strcmp(config->outputs[i].spool_dir, spool_dir))
			return true;
	return false;
}

static int print_stranger(void *ctx, const char *name)
{
	struct strangers *s = ctx;

	if (!parse_is_name(name) || is_output_of(s->config, s->spool_dir, name))
		return 0;
	printf("no output is called %s: nobody sends what waits there, until one is\n", name);
	s->well &= print_folder(s->spool_dir, name);
	return 0;
}

/* Each spool_dir once. */
static bool print_strangers(const struct config *config)
{
	struct strangers strangers = {.config = config, .well = true};

	for (size_t i = 0; i < config->n_outputs; i++) {
		bool seen = !*config->outputs[i].spool_dir;

		for (size_t j = 0; j < i; j++)
			seen |= !strcmp(config->outputs[j].spool_dir, config->outputs[i].spool_dir);
		if (seen)
			continue;
		strangers.spool_dir = config->outputs[i].spool_dir;
		(void)spoollist_folders(strangers.spool_dir, print_stranger, &strangers);
	}
	return strangers.well;
}

static int spool(const struct command_options *options)
{
	CLEANUP(config_freep) struct config *config = command_config(options);
	bool well = true;

	if (!config)
		return EXIT_USAGE;
	for (size_t i = 0; i < config->n_outputs; i++) {
		const struct config_output *o = &config->outputs[i];

		if (o->type == OUTPUT_FILE || o->type == OUTPUT_STDOUT)
			continue;
		printf("output %s\n", o->name);
		if (*o->spool_dir)
			well &= print_folder(o->spool_dir, o->name);
		else
			printf("  in memory: spool_dir is empty\n");
	}
	well &= print_strangers(config);
	return well ? EXIT_OK : EXIT_FAILED;
}

const struct command command_spool = {
	.name = "spool",
	.about = "what waits on disk for receivers, read and checked record by record",
	.usage =
		"Works beside a running agent, which is not disturbed, and without privileges where the files may be\n"
		"read. Exit status 1: something is damaged or cannot be read.\n\n",
	.run = spool,
};
