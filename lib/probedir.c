/* SPDX-License-Identifier: Apache-2.0 */
#include "probedir.h"

#include "conffile.h"
#include "parse.h"
#include "paths.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static bool has_name(const struct probedir *probes, const char *name, size_t len)
{
	for (size_t i = 0; i < probes->n; i++)
		if (strlen(probes->entries[i].name) == len &&
		    !strncmp(probes->entries[i].name, name, len))
			return true;
	return false;
}

bool probedir_has(const struct probedir *probes, const char *name)
{
	return has_name(probes, name, strlen(name));
}

static int add(struct probedir_entry **entries, size_t *n, const char *path, size_t name_len)
{
	struct probedir_entry *e;

	if (*n == CONFIG_MAX_PROBES)
		return -E2BIG;
	e = realloc(*entries, (*n + 1) * sizeof(*e));
	if (!e)
		return -ENOMEM;
	*entries = e;
	e += (*n)++;
	*e = (struct probedir_entry){.name = strndup(strrchr(path, '/') + 1, name_len),
	                             .path = strdup(path)};
	return e->name && e->path ? 0 : -ENOMEM;
}

/* @return 1: there is no room for it */
static int add_file(struct probedir *probes, const char *path)
{
	const char *file = strrchr(path, '/') + 1;
	size_t name_len = strlen(file) - strlen(".ini");
	bool hidden = has_name(probes, file, name_len);
	int err = hidden ? add(&probes->hidden, &probes->n_hidden, path, name_len)
	                 : add(&probes->entries, &probes->n, path, name_len);

	/* More files that are hidden than can be listed matter to nobody. */
	return err == -E2BIG ? !hidden : err;
}

static int list_dir(struct probedir *probes, const char *dir, struct report *report)
{
	CLEANUP(confvalue_free_list) struct config_list paths = {0};
	int err = conffile_list(dir, &paths);
	size_t left_out = 0;

	if (err == -ENOTDIR)
		return 0;
	if (err && err != -ENOMEM) {
		report_add(report, REPORT_ERROR, dir,
		           "cannot be read: %s; its probes are not known", strerror(-err));
		probes->n_unlisted++;
		return 0;
	}
	for (size_t i = 0; i < paths.n && err >= 0; i++) {
		err = add_file(probes, paths.items[i]);
		left_out += err == 1;
	}
	if (left_out)
		report_add(
			report, REPORT_ERROR, dir,
			"%zu probes of it are left out, the last by name: there can be %d in all",
			left_out, CONFIG_MAX_PROBES);
	probes->n_unlisted += left_out;
	return MIN(err, 0);
}

static int list_default(struct probedir *probes, struct report *report)
{
	char path[PATH_MAX + sizeof("/probes")];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	struct stat st;

	int err = list_dir(probes, paths_admin_probes, report);

	if (err)
		return err;
	if (n > 0) {
		path[n] = '\0';
		strcpy(strrchr(path, '/'), "/probes");
		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			return list_dir(probes, path, report);
	}
	return list_dir(probes, paths_shipped_probes, report);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct probedir_entry *)a)->name,
	              ((const struct probedir_entry *)b)->name);
}

int probedir_list(const struct config_list *dirs, struct probedir *ret, struct report *report)
{
	CLEANUP(probedir_free) struct probedir probes = {0};
	int err = dirs->n ? 0 : list_default(&probes, report);

	for (size_t i = 0; i < dirs->n && !err; i++)
		err = list_dir(&probes, dirs->items[i], report);
	if (err)
		return err;
	if (probes.n)
		qsort(probes.entries, probes.n, sizeof(*probes.entries), by_name);
	*ret = probes;
	probes = (struct probedir){0};
	return 0;
}

void probedir_report_unknown(const struct probedir *probes, const struct config *config,
                             enum report_severity severity, struct report *report)
{
	const char *names[CONFIG_MAX_PROBES];

	for (size_t i = 0; i < probes->n; i++)
		names[i] = probes->entries[i].name;
	for (size_t i = 0; i < config->n_probes; i++) {
		const struct config_probe *p = &config->probes[i];
		const char *meant = parse_suggest(p->name, names, probes->n);

		if (!probedir_has(probes, p->name))
			report_add(report, severity, p->place,
			           "[probe.%s]: there is no such probe%s%s%s", p->name,
			           meant ? "; did you mean \"" : "", meant ?: "",
			           meant ? "\"?" : "");
	}
}

static void free_entries(struct probedir_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(entries[i].name);
		free(entries[i].path);
	}
	free(entries);
}

void probedir_free(struct probedir *probes)
{
	free_entries(probes->entries, probes->n);
	free_entries(probes->hidden, probes->n_hidden);
	*probes = (struct probedir){0};
}
