/* SPDX-License-Identifier: Apache-2.0 */
#include "spoollist.h"

#include "ground.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define LOCKS "/proc/locks"

static void add_record(struct spoollist_segment *list, const struct segment *segment,
                       const struct segment_found *found)
{
	CLEANUP_FREE struct batch *batch = NULL;
	const struct record *r = &found->record;
	const struct shelf_counts one = {
		.records = 1, .points = r->points, .bytes = r->len, .windows = r->first};
	int err = segment_read(segment, found, &batch);

	if (err && err != -EBADMSG)
		list->err = err;
	if (r->done) {
		list->settled++;
	} else if (err == -EBADMSG) {
		list->damage.places++;
		list->damage.bytes += found->end - found->offset;
		list->damaged_points += r->points;
	} else if (!err) {
		bool first = !list->waiting.records;

		list->oldest_stamp_ns =
			first ? r->stamp_ns : MIN(list->oldest_stamp_ns, r->stamp_ns);
		list->newest_stamp_ns =
			first ? r->stamp_ns : MAX(list->newest_stamp_ns, r->stamp_ns);
		shelfcounts_add(&list->waiting, &one);
	}
}

/* @return 0, also when it cannot be read; -ENOENT: it is gone */
static int read_segment(int dir_fd, const char *name, uint32_t id, struct spoollist_segment *list)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct segment_found found = {0};
	struct segment segment;
	int err;

	*list = (struct spoollist_segment){.id = id};
	if (fd < 0) {
		list->err = -errno;
		return list->err == -ENOENT ? -ENOENT : 0;
	}
	err = segment_open(&segment, fd, id);
	while (!err && !list->err && !(err = segment_find(&segment, found.end, &found)))
		add_record(list, &segment, &found);
	if (err && err != -ENODATA)
		list->err = err;
	list->size = segment.size;
	list->torn = segment.size - found.end;
	list->damage.places += segment.damage.places;
	list->damage.bytes += segment.damage.bytes;
	return 0;
}

static int is_segment(const struct dirent *entry)
{
	return spooldir_segment_of(entry->d_name) != 0;
}

static int is_name(const struct dirent *entry)
{
	return *entry->d_name != '.';
}

struct names {
	struct dirent **items;
	int n;
};

static void free_names(struct names *names)
{
	for (int i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
}

/* Sorted: names of segments are as long as each other. */
static int list(const char *folder, int (*filter)(const struct dirent *), struct names *names)
{
	names->n = scandir(folder, &names->items, filter, alphasort);
	return names->n < 0 ? -errno : 0;
}

int spoollist_read(const char *folder, spoollist_fn fn, void *ctx)
{
	assert(folder && fn);

	CLEANUP(free_names) struct names names = {0};
	CLEANUP_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? -errno : list(folder, is_segment, &names);

	for (int i = 0; i < names.n && !err; i++) {
		const char *name = names.items[i]->d_name;
		struct spoollist_segment segment;

		if (!read_segment(fd, name, spooldir_segment_of(name), &segment))
			err = fn(ctx, &segment);
	}
	return err;
}

void spoollist_add(struct spoollist_segment *to, const struct spoollist_segment *what)
{
	assert(to && what);

	if (what->waiting.records) {
		bool first = !to->waiting.records;

		to->oldest_stamp_ns = first ? what->oldest_stamp_ns
		                            : MIN(to->oldest_stamp_ns, what->oldest_stamp_ns);
		to->newest_stamp_ns = MAX(to->newest_stamp_ns, what->newest_stamp_ns);
	}
	to->size += what->size;
	shelfcounts_add(&to->waiting, &what->waiting);
	to->settled += what->settled;
	to->damaged_points += what->damaged_points;
	to->damage.places += what->damage.places;
	to->damage.bytes += what->damage.bytes;
	to->torn += what->torn;
}

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

pid_t spoollist_user(const char *folder)
{
	assert(folder);

	CLEANUP(fclosep) FILE *locks = fopen(LOCKS, "re");
	CLEANUP_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char line[256], wanted[64];
	struct stat st;

	/* Not by trying to lock it: an agent that starts just then would be kept from it. */
	if (fd < 0 || !locks || fstatat(fd, SPOOLDIR_LOCK, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	snprintf(wanted, sizeof(wanted), " %02x:%02x:%" PRIu64 " ", major(st.st_dev),
	         minor(st.st_dev), (uint64_t)st.st_ino);
	while (fgets(line, sizeof(line), locks)) {
		int pid;

		/* "1: FLOCK  ADVISORY  WRITE 812 08:01:1234 0 EOF"; who waits has "->" behind the number. */
		if (strstr(line, wanted) && sscanf(line, "%*d: FLOCK %*s WRITE %d ", &pid) == 1)
			return pid;
	}
	return 0;
}

int spoollist_folders(const char *spool_dir, int (*fn)(void *ctx, const char *name), void *ctx)
{
	assert(spool_dir && fn);

	CLEANUP(free_names) struct names names = {0};
	int err = list(spool_dir, is_name, &names);

	for (int i = 0; i < names.n && !err; i++) {
		CLEANUP(free_names) struct names segments = {0};
		char path[4096 + 256];

		snprintf(path, sizeof(path), "%s/%s", spool_dir, names.items[i]->d_name);
		if (!list(path, is_segment, &segments) && segments.n)
			err = fn(ctx, names.items[i]->d_name);
	}
	return err;
}
