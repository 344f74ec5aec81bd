/* SPDX-License-Identifier: Apache-2.0 */
#include "conffile.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX ".ini"

void conffile_wipe(struct text *t)
{
	if (t->data)
		explicit_bzero(t->data, t->cap);
	text_free(t);
}

int conffile_read(const char *path, size_t max_bytes, struct text *out, bool *ret_public)
{
	struct stat st;

	assert(path && out && ret_public);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;

	text_clear(out);
	/* At once, so that a growing buffer leaves no copies of secrets behind. */
	int r = text_reserve(out, max_bytes + 1);
	if (r < 0)
		return r;
	while (out->len <= max_bytes) {
		ssize_t n = read(fd, out->data + out->len, max_bytes + 1 - out->len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		out->len += n > 0 ? (size_t)n : 0;
	}
	*ret_public = st.st_mode & S_IROTH;
	return 0;
}

static int is_ini(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > strlen(SUFFIX) &&
	       !strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX);
}

/* alphasort(3) follows the locale; hosts must agree on the order. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Frees the entries, too. */
static int join_paths(const char *dir, struct dirent **entries, size_t n, struct config_list *paths)
{
	int r = 0;

	paths->items = calloc(n + 1, sizeof(*paths->items));
	if (!paths->items)
		r = -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!r && asprintf(&paths->items[paths->n], "%s/%s", dir, entries[i]->d_name) < 0)
			r = -ENOMEM;
		else if (!r)
			paths->n++;
		free(entries[i]);
	}
	free(entries);
	return r;
}

int conffile_list(const char *dir, struct config_list *ret_paths)
{
	CLEANUP(confvalue_free_list) struct config_list paths = {0};
	struct dirent **entries = NULL;

	assert(dir && ret_paths);
	int n = scandir(dir, &entries, is_ini, by_bytes);
	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	int r = join_paths(dir, entries, (size_t)n, &paths);
	if (r < 0)
		return r;
	*ret_paths = paths;
	paths = (struct config_list){0};
	return 0;
}
