/* SPDX-License-Identifier: Apache-2.0 */
#include "disks.h"

#include "ground.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/** Bytes of "MAJOR:MINOR\n": two numbers of 12 and 20 bits. */
#define DEV_TEXT_MAX 24
/** The table grows by this many at a time: most hosts never grow it twice. */
#define GROW_BY 64

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Hidden disks have no number, and so no such file: see path_of_nvme(). */
static int read_dev(int folder, uint32_t *ret_dev)
{
	char text[DEV_TEXT_MAX + 1];
	unsigned int major, minor;
	CLEANUP_CLOSE int fd = openat(folder, "dev", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	ssize_t len = read(fd, text, DEV_TEXT_MAX);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	if (sscanf(text, "%u:%u", &major, &minor) != 2 || major > DISKS_MAJOR_MAX ||
	    minor > DISKS_MINOR_MAX)
		return -EINVAL;
	*ret_dev = major << DISKS_MINOR_BITS | minor;
	return 0;
}

static bool has_slaves(int folder)
{
	CLEANUP_CLOSE int fd = openat(folder, "slaves", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_dirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir)
		return false;
	fd = -1; /* the folder's stream owns it */
	while ((entry = readdir(dir))) {
		if (!is_dot(entry->d_name))
			return true;
	}
	return false;
}

static struct disk *add_disk(struct disks *disks)
{
	if (disks->n == disks->cap) {
		size_t cap = disks->cap + GROW_BY;
		struct disk *grown = reallocarray(disks->disks, cap, sizeof(*grown));

		if (!grown)
			return NULL;
		disks->disks = grown;
		disks->cap = cap;
	}
	return &disks->disks[disks->n++];
}

/*
 * A path of an NVMe disk that has several: nvme0c1n2 for nvme0n2, which people know, and which has a number of its own that
 * its requests do not carry. Probes give those the number DISKS_NVME_PATHS | first << 20 | last (bpf/block.bpf.h).
 */
static bool path_of_nvme(const char *name, struct disk *ret_disk)
{
	unsigned int instance, controller, space;
	int len = 0;

	if (sscanf(name, "nvme%uc%un%u%n", &instance, &controller, &space, &len) != 3 || name[len])
		return false;
	if (instance > DISKS_NVME_PATHS_MAX || space > DISKS_MINOR_MAX)
		return false;
	*ret_disk = (struct disk){.dev = DISKS_NVME_PATHS | instance << DISKS_MINOR_BITS | space};
	snprintf(ret_disk->name, sizeof(ret_disk->name), "nvme%un%u", instance, space);
	return true;
}

static bool is_known(const struct disks *disks, uint32_t dev)
{
	for (size_t i = 0; i < disks->n; i++) {
		if (disks->disks[i].dev == dev)
			return true;
	}
	return false;
}

/* @return whether this is a disk, and one that is not in the table yet: of several paths one counts */
static bool describe(const struct disks *disks, int folder, const char *name, struct disk *ret_disk)
{
	struct disk disk = {0};

	if (!read_dev(folder, &disk.dev)) {
		disk.stack = has_slaves(folder);
		strcpy(disk.name, name);
	} else if (!path_of_nvme(name, &disk) || is_known(disks, disk.dev)) {
		return false;
	}
	/* sysfs cannot have a "/" in a name: cciss!c0d0 is what /proc/diskstats calls cciss/c0d0. */
	for (char *c = disk.name; *c; c++)
		*c = *c == '!' ? '/' : *c;
	*ret_disk = disk;
	return true;
}

/* @return 0 also for what is no disk, or went away meanwhile; -ENOMEM */
static int scan_disk(struct disks *disks, int parent, const char *name)
{
	CLEANUP_CLOSE int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct disk found;

	if (folder < 0 || strlen(name) >= DISKS_NAME_MAX || !describe(disks, folder, name, &found))
		return 0;
	if (disks->n == DISKS_MAX) {
		disks->omitted++;
		return 0;
	}
	struct disk *disk = add_disk(disks);

	if (!disk)
		return -ENOMEM;
	*disk = found;
	return 0;
}

static int by_dev(const void *a, const void *b)
{
	uint32_t x = ((const struct disk *)a)->dev, y = ((const struct disk *)b)->dev;

	return (x > y) - (x < y);
}

const struct disk *disks_find(const struct disks *disks, uint32_t dev)
{
	assert(disks);

	struct disk key = {.dev = dev};

	return disks->n ? bsearch(&key, disks->disks, disks->n, sizeof(key), by_dev) : NULL;
}

/*
 * Of devices that come and go as loop and dm do, numbers are used again: those that are gone stay few. And dm gives its
 * table back, slaves and all, before it deletes the disk (__dm_destroy()): what was a stack is one to its end.
 */
static int keep(struct disks *new, const struct disks *old)
{
	size_t n = new->n;

	for (size_t i = 0; i < old->n && new->n < DISKS_MAX; i++) {
		const struct disk *was = &old->disks[i];
		struct disk *disk = n ? bsearch(was, new->disks, n, sizeof(*was), by_dev) : NULL;

		if (disk) {
			disk->stack |= was->stack && !was->gone && !strcmp(was->name, disk->name);
			continue;
		}
		disk = add_disk(new);
		if (!disk)
			return -ENOMEM;
		*disk = *was;
		disk->gone = true;
	}
	return 0;
}

static void sort(struct disks *disks)
{
	if (disks->n)
		qsort(disks->disks, disks->n, sizeof(*disks->disks), by_dev);
}

int disks_scan(const struct disks *before, const char *sys_block, struct disks *ret)
{
	assert(before && sys_block && ret);

	CLEANUP(close_dirp) DIR *dir = opendir(sys_block);
	CLEANUP(disks_free) struct disks new = {0};
	const struct dirent *entry;

	if (!dir)
		return -errno;
	while (errno = 0, entry = readdir(dir)) {
		int err = is_dot(entry->d_name) ? 0 : scan_disk(&new, dirfd(dir), entry->d_name);

		if (err)
			return err;
	}
	if (errno)
		return -errno;
	sort(&new);
	int err = keep(&new, before);

	if (err)
		return err;
	sort(&new);
	*ret = new;
	new = (struct disks){0};
	return 0;
}

int disks_add_gone(struct disks *disks, uint32_t dev, const char *name)
{
	assert(disks && name && strlen(name) < DISKS_NAME_MAX);

	struct disk key = {.dev = dev};
	struct disk *disk =
		disks->n ? bsearch(&key, disks->disks, disks->n, sizeof(key), by_dev) : NULL;

	if (disk && (!disk->gone || !strcmp(disk->name, name)))
		return 0;
	if (!disk)
		disk = add_disk(disks);
	if (!disk)
		return -ENOMEM;
	*disk = (struct disk){.dev = dev, .gone = true};
	strcpy(disk->name, name);
	sort(disks);
	return 1;
}

bool disks_ends(const struct disks *before, const struct disks *after, uint32_t dev)
{
	const struct disk *was = disks_find(before, dev), *is = disks_find(after, dev);

	return was && (!is || strcmp(was->name, is->name) != 0 || (!was->gone && is->gone));
}

bool disks_any_ends(const struct disks *before, const struct disks *after)
{
	assert(before && after);

	for (size_t i = 0; i < before->n; i++)
		if (disks_ends(before, after, before->disks[i].dev))
			return true;
	return false;
}

void disks_free(struct disks *disks)
{
	free(disks->disks);
	*disks = (struct disks){0};
}
