/* SPDX-License-Identifier: Apache-2.0 */
#include "spooldir.h"

#include "ground.h"
#include "text.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* What everybody may read, `thermograf spool` does without root; the umask may take it away. */
#define FOLDER_MODE 0755
#define FILE_MODE 0644
#define SEGMENT_NAME_BYTES sizeof("0123456789abcdef.spool")
/* A folder with more files than this is no spool of ours. */
#define LISTED_MAX 65536

struct spooldir {
	struct text path;
	int fd; /* of the folder; -1: not open */
	int lock_fd;
};

int spooldir_new(const char *dir, const char *name, struct spooldir **ret_spooldir)
{
	assert(dir && *dir && name && *name && ret_spooldir);

	CLEANUP(spooldir_freep) struct spooldir *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->fd = d->lock_fd = -1;
	text_printf(&d->path, "%s/%s", dir, name);
	if (d->path.err)
		return -ENOMEM;
	*ret_spooldir = TAKE_PTR(d);
	return 0;
}

static void close_folder(struct spooldir *d)
{
	ground_closep(&d->lock_fd);
	ground_closep(&d->fd);
	d->lock_fd = d->fd = -1;
}

void spooldir_free(struct spooldir *d)
{
	if (!d)
		return;
	close_folder(d);
	text_free(&d->path);
	free(d);
}

void spooldir_freep(struct spooldir **d)
{
	spooldir_free(*d);
}

const char *spooldir_path(const struct spooldir *d)
{
	assert(d);

	return text_cstr(&d->path);
}

uint32_t spooldir_segment_of(const char *file_name)
{
	char expected[SEGMENT_NAME_BYTES];
	uint32_t id = 0;

	assert(file_name);
	/* Written again and compared: no other spelling is taken. */
	if (sscanf(file_name, "%16" SCNx32, &id) != 1)
		return 0;
	snprintf(expected, sizeof(expected), SPOOLDIR_SEGMENT, id);
	return strcmp(file_name, expected) ? 0 : id;
}

static int open_segment(const struct spooldir *d, uint32_t id, int flags)
{
	char name[SEGMENT_NAME_BYTES];
	int fd;

	snprintf(name, sizeof(name), SPOOLDIR_SEGMENT, id);
	fd = openat(d->fd, name, flags | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	return fd < 0 ? -errno : fd;
}

/* ---- opening */

/* @return 0, also when it is there */
static int make_folder(const char *path)
{
	if (mkdir(path, FOLDER_MODE))
		return errno == EEXIST ? 0 : -errno;
	/* Its name is in the folder above. */
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int above =
		fd < 0 ? -1 : openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return above < 0 || fsync(above) ? -errno : 0;
}

/* And what is missing above it. */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int err = make_folder(path);
		*slash = '/';
		/* EROFS and EACCES may be of a folder above that is there: what counts is the last one. */
		if (err && err != -EROFS && err != -EACCES)
			return err;
	}
	return make_folder(path);
}

static int try_lock(struct spooldir *d, int access)
{
	ground_closep(&d->lock_fd);
	d->lock_fd =
		openat(d->fd, SPOOLDIR_LOCK, access | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (d->lock_fd < 0)
		return -errno;
	return flock(d->lock_fd, LOCK_EX | LOCK_NB) ? -errno : 0;
}

/* For reading: a file that is open for writing keeps its file system from being made read-only. NFS wants it so (flock(2)). */
static int lock(struct spooldir *d)
{
	int err = try_lock(d, O_RDONLY);

	return err == -EBADF ? try_lock(d, O_RDWR) : err;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int add_listed(struct spool_outcome *outcome, uint32_t id, uint64_t size)
{
	struct spool_listed *listed =
		reallocarray(outcome->listed, outcome->n_listed + 1, sizeof(*listed));

	if (!listed)
		return -ENOMEM;
	outcome->listed = listed;
	listed[outcome->n_listed++] = (struct spool_listed){id, size};
	return 0;
}

/* @return 0, also when it is gone, or no file; -errno: what is not known must not be taken for gone */
static int add_file(const struct spooldir *d, const char *name, struct spool_outcome *outcome)
{
	uint32_t id = spooldir_segment_of(name);
	struct stat st;

	if (!id)
		return 0;
	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	return S_ISREG(st.st_mode) ? add_listed(outcome, id, (uint64_t)st.st_size) : 0;
}

static int list(const struct spooldir *d, struct spool_outcome *outcome)
{
	CLEANUP(closedirp) DIR *dir = NULL;
	CLEANUP_CLOSE int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	int err = 0;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)TAKE_FD(fd);
	errno = 0;
	while (!err && outcome->n_listed < LISTED_MAX && (entry = readdir(dir))) {
		err = add_file(d, entry->d_name, outcome);
		errno = 0;
	}
	return err ?: -errno;
}

static int do_open(struct spooldir *d, struct spool_outcome *outcome)
{
	int err;

	close_folder(d);
	err = make_folders(d->path.data);
	if (err)
		return err;
	d->fd = open(d->path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (d->fd < 0)
		return -errno;
	err = lock(d);
	return err ?: list(d, outcome);
}

/* ---- segments */

int spooldir_count(struct segment *segment, struct spool_outcome *outcome)
{
	struct segment_found found = {0};
	int err;

	assert(segment && outcome);
	while (!(err = segment_find(segment, found.end, &found))) {
		const struct record *r = &found.record;
		const struct shelf_counts one = {
			.records = 1, .points = r->points, .bytes = r->len, .windows = r->first};

		if (r->done)
			continue;
		outcome->oldest_stamp_ns = outcome->counts.records
		                                   ? MIN(outcome->oldest_stamp_ns, r->stamp_ns)
		                                   : r->stamp_ns;
		shelfcounts_add(&outcome->counts, &one);
	}
	outcome->end = found.end;
	return err == -ENODATA ? 0 : err;
}

/* What an agent that was killed did not write whole is cut off: the next record goes there. */
static int cut(int fd, const struct segment *segment, uint64_t end, struct segment_damage *damage)
{
	if (end == segment->size)
		return 0;
	damage->places++;
	damage->bytes += segment->size - end;
	return ftruncate(fd, (off_t)end) ? -errno : 0;
}

static int do_count(const struct spooldir *d, uint32_t id, struct spool_outcome *outcome,
                    struct segment_damage *damage)
{
	CLEANUP_CLOSE int fd = open_segment(d, id, O_RDWR);
	struct segment segment;
	int err;

	if (fd < 0)
		return fd;
	err = segment_open(&segment, fd, id);
	err = err ?: spooldir_count(&segment, outcome);
	if (err)
		return err;
	damage->places += segment.damage.places;
	damage->bytes += segment.damage.bytes;
	return cut(fd, &segment, outcome->end, damage);
}

/* Nothing of a record that was not written whole stays behind: it would be taken for damage. */
static void undo_write(const struct spooldir *d, int fd, struct record_place place)
{
	char name[SEGMENT_NAME_BYTES];

	snprintf(name, sizeof(name), SPOOLDIR_SEGMENT, place.segment);
	if (place.offset)
		(void)!ftruncate(fd, (off_t)place.offset);
	else
		(void)!unlinkat(d->fd, name, 0);
}

static int do_write(const struct spooldir *d, const struct spool_task *task)
{
	/* O_EXCL: a file that is there and was not listed is somebody's; opening anew finds out whose. */
	int make = task->place.offset ? 0 : O_CREAT | O_EXCL;
	CLEANUP_CLOSE int fd = open_segment(d, task->place.segment, O_WRONLY | make);
	int err;

	if (fd < 0)
		return fd;
	err = segment_write(fd, task->place, task->batch, task->first);
	if (!err && make && fsync(d->fd))
		err = -errno;
	if (err)
		undo_write(d, fd, task->place);
	return err;
}

static int do_sync(const struct spooldir *d, uint32_t id)
{
	CLEANUP_CLOSE int fd = open_segment(d, id, O_WRONLY);

	if (fd < 0)
		return fd;
	return fdatasync(fd) ? -errno : 0;
}

static int do_mark(const struct spooldir *d, struct record_place place)
{
	CLEANUP_CLOSE int fd = open_segment(d, place.segment, O_WRONLY);

	return fd < 0 ? fd : segment_mark(fd, place.offset);
}

static int do_read(const struct spooldir *d, struct record_place place,
                   struct spool_outcome *outcome, struct segment_damage *damage)
{
	CLEANUP_CLOSE int fd = open_segment(d, place.segment, O_RDONLY);
	struct segment_found found = {.end = place.offset};
	struct segment segment;
	int err;

	if (fd < 0)
		return fd;
	err = segment_open(&segment, fd, place.segment);
	do
		err = err ?: segment_find(&segment, found.end, &found);
	while (!err && found.record.done);
	damage->places += segment.damage.places;
	damage->bytes += segment.damage.bytes;
	if (err)
		return err;
	outcome->record = found.record;
	outcome->offset = found.offset;
	outcome->end = found.end;
	err = segment_read(&segment, &found, &outcome->batch);
	if (err == -EBADMSG) {
		damage->places++;
		damage->bytes += found.end - found.offset;
	}
	return err;
}

static int do_delete(const struct spooldir *d, uint32_t id)
{
	char name[SEGMENT_NAME_BYTES];

	snprintf(name, sizeof(name), SPOOLDIR_SEGMENT, id);
	return unlinkat(d->fd, name, 0) ? -errno : 0;
}

void spooldir_do(struct spooldir *d, const struct spool_task *task, struct spool_outcome *outcome,
                 struct segment_damage *damage)
{
	assert(d && task && outcome && damage);

	uint32_t id = task->place.segment;

	switch (task->kind) {
	case SPOOL_TASK_OPEN:
		outcome->err = do_open(d, outcome);
		break;
	case SPOOL_TASK_COUNT:
		outcome->err = do_count(d, id, outcome, damage);
		break;
	case SPOOL_TASK_WRITE:
		outcome->err = do_write(d, task);
		break;
	case SPOOL_TASK_SYNC:
		outcome->err = do_sync(d, id);
		break;
	case SPOOL_TASK_MARK:
		outcome->err = do_mark(d, task->place);
		break;
	case SPOOL_TASK_READ:
		outcome->err = do_read(d, task->place, outcome, damage);
		break;
	case SPOOL_TASK_DELETE:
		outcome->err = do_delete(d, id);
	}
}
