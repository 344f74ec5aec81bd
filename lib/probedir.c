/* SPDX-License-Identifier: Apache-2.0 */
#include "probedir.h"

#include "parse.h"
#include "paths.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
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

static int add(struct probedir_entry **entries, size_t *n, const char *dir, const char *file,
               size_t name_len)
{
	CLEANUP(text_free) struct text path = {0};
	struct probedir_entry *e;

	if (*n == CONFIG_MAX_PROBES)
		return -E2BIG;
	e = realloc(*entries, (*n + 1) * sizeof(*e));
	if (!e)
		return -ENOMEM;
	*entries = e;
	e += (*n)++;
	text_printf(&path, "%s/%s", dir, file);
	*e = (struct probedir_entry){.name = strndup(file, name_len),
	                             .path = strdup(text_cstr(&path))};
	return path.err ?: e->name && e->path ? 0 : -ENOMEM;
}

/* More files that are hidden than can be listed matter to nobody. */
static int hide(struct probedir *probes, const char *dir, const char *file, size_t name_len)
{
	int err = add(&probes->hidden, &probes->n_hidden, dir, file, name_len);

	return err == -E2BIG ? 0 : err;
}

static int list_dir(struct probedir *probes, const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int err = 0;

	/* Taken for empty, a reload would remove all its probes. */
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (!err && (entry = readdir(d))) {
		size_t len = strlen(entry->d_name);

		if (len <= 4 || strcmp(entry->d_name + len - 4, ".ini") || entry->d_name[0] == '.')
			continue;
		if (has_name(probes, entry->d_name, len - 4))
			err = hide(probes, dir, entry->d_name, len - 4);
		else
			err = add(&probes->entries, &probes->n, dir, entry->d_name, len - 4);
	}
	closedir(d);
	return err;
}

static int list_default(struct probedir *probes)
{
	char path[PATH_MAX + sizeof("/probes")];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	struct stat st;

	int err = list_dir(probes, paths_admin_probes);

	if (err)
		return err;
	if (n > 0) {
		path[n] = '\0';
		strcpy(strrchr(path, '/'), "/probes");
		if (!stat(path, &st) && S_ISDIR(st.st_mode))
			return list_dir(probes, path);
	}
	return list_dir(probes, paths_shipped_probes);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct probedir_entry *)a)->name,
	              ((const struct probedir_entry *)b)->name);
}

int probedir_list(const struct config_list *dirs, struct probedir *ret)
{
	CLEANUP(probedir_free) struct probedir probes = {0};
	int err = dirs->n ? 0 : list_default(&probes);

	for (size_t i = 0; i < dirs->n && !err; i++)
		err = list_dir(&probes, dirs->items[i]);
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

		if (!has_name(probes, p->name, strlen(p->name)))
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
