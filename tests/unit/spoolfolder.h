/* SPDX-License-Identifier: Apache-2.0 */
/** spoolfolder.h: a folder for a spool's files, and batches that are known again. For one source. */
#pragma once
#include "ground.h"
#include "spooldir.h"
#include "spooldisk.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define FOLDER_NAME "out"

struct folder {
	char path[64];
	char spool[80]; /* below it, of the output FOLDER_NAME */
};

static inline void folder_make(struct folder *f)
{
	/* In memory where there is such a place: fdatasync() on a disk would be most of the test. */
	snprintf(f->path, sizeof(f->path), "%s/test_spool.XXXXXX",
	         access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(f->path));
	snprintf(f->spool, sizeof(f->spool), "%s/" FOLDER_NAME, f->path);
}

/** Calls fn for each segment's path. @return how many there are */
static inline size_t folder_each(const struct folder *f, void (*fn)(const char *path, void *ctx),
                                 void *ctx)
{
	DIR *dir = opendir(f->spool);
	struct dirent *entry;
	char path[400];
	size_t n = 0;

	while (dir && (entry = readdir(dir))) {
		if (!spooldir_segment_of(entry->d_name))
			continue;
		n++;
		snprintf(path, sizeof(path), "%s/%s", f->spool, entry->d_name);
		if (fn)
			fn(path, ctx);
	}
	if (dir)
		closedir(dir);
	return n;
}

static inline void folder_unlink(const char *path, void *ctx)
{
	(void)ctx;
	unlink(path);
}

static inline void folder_free(struct folder *f)
{
	char path[100];

	folder_each(f, folder_unlink, NULL);
	snprintf(path, sizeof(path), "%s/" SPOOLDIR_LOCK, f->spool);
	unlink(path);
	rmdir(f->spool);
	rmdir(f->path);
}

/** A batch whose every byte tells its number. @param len  at least 4 */
static inline struct batch *folder_batch(uint32_t id, int64_t stamp_ns, uint32_t len)
{
	struct batch *batch = calloc(1, sizeof(*batch) + len);

	assert_non_null(batch);
	batch->encoding = id % 2 ? ENCODING_GZIP : ENCODING_IDENTITY;
	batch->stamp_ns = stamp_ns;
	batch->points = id % 7 + 1;
	batch->raw_len = len * 3;
	batch->len = len;
	memset(batch->body, (int)(id * 31 % 251), len);
	memcpy(batch->body, &id, sizeof(id));
	return batch;
}

/** The number of a batch that is still as it was made. */
static inline uint32_t folder_id(const struct batch *batch)
{
	uint32_t id;

	assert_non_null(batch);
	memcpy(&id, batch->body, sizeof(id));
	assert_int_equal(batch->encoding, id % 2 ? ENCODING_GZIP : ENCODING_IDENTITY);
	assert_int_equal(batch->points, id % 7 + 1);
	assert_int_equal(batch->raw_len, batch->len * 3);
	for (uint32_t i = sizeof(id); i < batch->len; i++)
		assert_int_equal(batch->body[i], id * 31 % 251);
	return id;
}
