/* SPDX-License-Identifier: Apache-2.0 */
#include "checkup.h"

#include "credentials.h"
#include "serviceuser.h"
#include "target.h"

#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static bool has_receiver(const struct config_output *o)
{
	return o->type != OUTPUT_FILE && o->type != OUTPUT_STDOUT;
}

#define SECRET_MODE "owner root, group " SERVICEUSER_NAME ", mode 0640"

/* What root can read may be closed to the service. Credentials of systemd are not: they have no folder. */
static void check_service(struct checkup *c, const struct config_output *o, const char *about)
{
	struct credentials_file files[CREDENTIALS_MAX_FILES];

	credentials_files(o, files);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int err = *files[i].path ? serviceuser_try_read(files[i].path) : 0;

		if (err)
			checkup_find(
				c, REPORT_WARNING, about,
				"%s: %s cannot be read by the service's user, " SERVICEUSER_NAME
				": %s; it should have " SECRET_MODE
				", in a folder that this user may enter",
				files[i].key, files[i].path, strerror(-err));
	}
}

/* Whether the files of an output hold what they should. */
static void check_credentials(struct checkup *c, const struct config_output *o, const char *about)
{
	CLEANUP(credentials_free) struct credentials credentials = {0};
	CLEANUP(text_free) struct text why = {0};
	int err = credentials_read(o, &credentials, &why);

	if (err == -EACCES && geteuid())
		checkup_find(c, REPORT_WARNING, about,
		             "%s; not checked: this user cannot read it, the service's user must",
		             text_cstr(&why));
	else if (err == -ENOKEY)
		checkup_find(c, REPORT_WARNING, about, "%s; not checked: only the service has it",
		             text_cstr(&why));
	else if (err)
		checkup_find(c, REPORT_ERROR, about, "%s", text_cstr(&why));
	else if (credentials.public_key)
		checkup_find(c, REPORT_WARNING, about,
		             "%s: everybody can read the file; it should have " SECRET_MODE,
		             credentials.public_key);
	if (!err)
		check_service(c, o, about);
}

/* ---- files and folders */

static bool is_missing(const char *path)
{
	return access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR);
}

/* The path itself, or the nearest folder above it that is there. @return the caller's; NULL: out of memory */
static char *find_existing(const char *path)
{
	CLEANUP_FREE char *at = strdup(path);

	while (at && is_missing(at)) {
		CLEANUP_FREE char *copy = at;

		at = strdup(dirname(copy));
	}
	return TAKE_PTR(at);
}

/* @return 0; -errno: it cannot be written, or not made there */
static int check_writable(const char *path, char **ret_existing, bool *ret_exact)
{
	CLEANUP_FREE char *existing = find_existing(path);
	struct stat st;
	int err = 0;

	if (!existing)
		return -ENOMEM;
	*ret_exact = !strcmp(existing, path);
	if (!*ret_exact && !stat(existing, &st) && !S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	else if (access(existing, *ret_exact ? W_OK : W_OK | X_OK))
		err = errno ? -errno : -EACCES;
	*ret_existing = TAKE_PTR(existing);
	return err;
}

/* The agent makes the file, and not its folder. Without that it starts and tries again: a service's is there once it runs. */
static void check_file(struct checkup *c, const struct config_output *o, const char *about)
{
	CLEANUP_FREE char *existing = NULL, *copy = strdup(o->path);
	bool exact = false;
	int err = check_writable(o->path, &existing, &exact);
	const char *folder = copy ? dirname(copy) : NULL;

	if (!err && folder && !exact && strcmp(folder, existing) != 0)
		checkup_find(c, REPORT_WARNING, about,
		             "path: there is no folder %s; make it, or have systemd do so: "
		             "LogsDirectory= in the unit",
		             folder);
	else if (err)
		checkup_find(c, geteuid() && err == -EACCES ? REPORT_WARNING : REPORT_ERROR, about,
		             "path: %s cannot be written: %s", o->path, strerror(-err));
}

static void check_spool(struct checkup *c, struct checkup_output *output, const char *about)
{
	const struct config_output *o = output->config;
	CLEANUP_FREE char *existing = NULL;
	struct statvfs disk;
	bool exact;
	int err = check_writable(o->spool_dir, &existing, &exact);

	if (err == -EACCES && geteuid()) {
		checkup_find(c, REPORT_NOTE, about,
		             "spool_dir: %s is not this user's to write: not checked",
		             o->spool_dir);
		return;
	}
	if (err) {
		/* While it cannot be written, windows wait in memory: the agent starts all the same. */
		checkup_find(c, REPORT_WARNING, about,
		             "spool_dir: %s cannot be written: %s; what waits would be in memory",
		             o->spool_dir, strerror(-err));
		return;
	}
	if (statvfs(existing, &disk))
		return;
	output->spool_known = true;
	output->spool_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (output->spool_free_bytes < o->spool_max_bytes)
		checkup_find(
			c, REPORT_WARNING, about,
			"spool_dir: the disk of %s has %llu MB left, less than spool_max_bytes "
			"(%llu MB)",
			o->spool_dir, (unsigned long long)output->spool_free_bytes / 1000000,
			(unsigned long long)o->spool_max_bytes / 1000000);
}

/* ---- receivers */

/* Of several urls one that takes is enough to deliver. */
static void judge_reaches(struct checkup *c, const struct config_output *o, const char *about)
{
	bool any_takes = false;

	for (size_t i = 0; i < c->reaches.n; i++)
		any_takes |= c->reaches.items[i].output == o && c->reaches.items[i].taken;
	for (size_t i = 0; i < c->reaches.n; i++) {
		const struct reach *r = &c->reaches.items[i];

		if (r->output == o && !r->taken)
			checkup_find(c, any_takes ? REPORT_WARNING : REPORT_ERROR, about, "%s",
			             text_cstr(&r->answer));
	}
}

int checkup_outputs(struct checkup *c, const struct checkup_options *options)
{
	const struct config *config = c->config;
	struct lineproto_globals globals;
	int err = 0;

	lineproto_globals_init(&globals, config->global_tags, config->n_global_tags,
	                       c->host.len ? text_cstr(&c->host) : NULL);
	if (options->connect)
		err = reach_all(config, &globals, &c->reaches);
	c->connected = options->connect && !err;
	for (size_t i = 0; i < config->n_outputs && !err; i++) {
		struct checkup_output *output = &c->outputs[i];
		CLEANUP(text_free) struct text about = {0};
		const struct config_output *o = output->config = &config->outputs[i];

		text_printf(&about, "output %s", o->name);
		target_describe(&output->description, o);
		if (has_receiver(o))
			check_credentials(c, o, text_cstr(&about));
		if (o->type == OUTPUT_FILE)
			check_file(c, o, text_cstr(&about));
		if (has_receiver(o) && *o->spool_dir)
			check_spool(c, output, text_cstr(&about));
		judge_reaches(c, o, text_cstr(&about));
	}
	return err;
}
