/* SPDX-License-Identifier: Apache-2.0 */
#include "diskstats.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Counting from 1, as the kernel's page does, behind the name. */
static const unsigned int field_of[SPEC_DISK_KIND_MAX] = {
	[DISK_READS] = 1, [DISK_WRITES] = 5, [DISK_DISCARDS] = 12, [DISK_FLUSHES] = 16};

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static const char *skip_number(const char *p)
{
	return skip_blanks(p + strspn(p, "0123456789"));
}

static enum spec_disk_kind kind_of(unsigned int field)
{
	for (int kind = 0; kind < SPEC_DISK_KIND_MAX; kind++)
		if (field_of[kind] == field)
			return (enum spec_disk_kind)kind;
	return SPEC_DISK_KIND_MAX;
}

/* @return whether the line is one of a disk */
static bool parse_line(const char *p, struct diskstats_disk *ret)
{
	struct diskstats_disk disk = {0};
	unsigned int field = 0;
	size_t len;

	p = skip_blanks(p);
	disk.dev = (uint32_t)strtoul(p, NULL, 10) << 20;
	p = skip_number(p);
	disk.dev |= (uint32_t)strtoul(p, NULL, 10);
	p = skip_number(p);
	len = strcspn(p, " \t\n");
	if (!len || len >= sizeof(disk.name))
		return false;
	memcpy(disk.name, p, len);
	for (p = skip_blanks(p + len); *p >= '0' && *p <= '9'; p = skip_number(p)) {
		enum spec_disk_kind kind = kind_of(++field);

		if (kind < SPEC_DISK_KIND_MAX)
			disk.ios[kind] = strtoull(p, NULL, 10);
	}
	*ret = disk;
	return field >= field_of[DISK_WRITES];
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct diskstats_disk *)a)->name,
	              ((const struct diskstats_disk *)b)->name);
}

static int reserve(struct diskstats *stats, size_t n)
{
	struct diskstats_disk *disks;

	if (n <= stats->cap)
		return 0;
	disks = reallocarray(stats->disks, n, sizeof(*disks));
	if (!disks)
		return -ENOMEM;
	stats->disks = disks;
	stats->cap = n;
	return 0;
}

int diskstats_parse(struct diskstats *stats, const char *data)
{
	assert(stats && data);

	size_t lines = 1, n = 0;
	int err;

	for (const char *p = data; (p = strchr(p, '\n')); p++)
		lines++;
	err = reserve(stats, lines);
	if (err)
		return err;
	for (const char *p = data; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		n += parse_line(p, &stats->disks[n]);
	}
	stats->n = n;
	qsort(stats->disks, n, sizeof(stats->disks[0]), by_name);
	return 0;
}

const struct diskstats_disk *diskstats_find(const struct diskstats *stats, const char *name)
{
	assert(stats && name);

	struct diskstats_disk key = {0};

	if (!stats->n || strlen(name) >= sizeof(key.name))
		return NULL;
	strcpy(key.name, name);
	return bsearch(&key, stats->disks, stats->n, sizeof(key), by_name);
}

void diskstats_free(struct diskstats *stats)
{
	free(stats->disks);
	*stats = (struct diskstats){0};
}
