/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile.h"

#include "log.h"
#include "selfmon.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROC_DISKSTATS "/proc/diskstats"
/** A line is some 150 bytes, and 256 disks with partitions make 1,000 of them. */
#define READ_BYTES (64u << 10)
#define IOSTATS_PATH_MAX 128
/** Names of disks that were told, some hundred of them. When there are more they are forgotten: told again is no harm. */
#define TOLD_MAX_BYTES 8192

struct reconcile {
	struct coverage *coverage;
	int fd; /* -errno: not to be had */
	struct text file;
	struct text told; /* names of disks, a blank between two */
	const struct coverage_row *rows;
	size_t n_rows;
	bool failing;
};

int reconcile_new(struct reconcile **ret)
{
	struct reconcile *r = calloc(1, sizeof(*r));

	if (!r || coverage_new(&r->coverage)) {
		free(r);
		return -ENOMEM;
	}
	r->fd = open(PROC_DISKSTATS, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		r->fd = -errno;
	*ret = r;
	return 0;
}

void reconcile_free(struct reconcile *r)
{
	if (!r)
		return;
	coverage_free(r->coverage);
	ground_closep(&r->fd);
	text_free(&r->file);
	text_free(&r->told);
	free(r);
}

/* @return 0 or -errno */
static int read_file(struct reconcile *r)
{
	ssize_t n = -1;

	if (r->fd < 0)
		return r->fd;
	text_clear(&r->file);
	while (!text_reserve(&r->file, READ_BYTES)) {
		n = pread(r->fd, r->file.data + r->file.len, READ_BYTES, (off_t)r->file.len);
		if (n <= 0)
			break;
		r->file.len += (size_t)n;
	}
	if (n < 0)
		return r->file.err ?: -errno;
	r->file.data[r->file.len] = '\0';
	return 0;
}

/* One line when it begins, one when it is over. */
static void note(struct reconcile *r, int err)
{
	if (err && !r->failing)
		log_warning(PROC_DISKSTATS " cannot be compared with: %s; windows without coverage",
		            strerror(-err));
	else if (!err && r->failing)
		log_info(PROC_DISKSTATS " is compared with again");
	r->failing = err;
}

void reconcile_baseline(struct reconcile *r)
{
	note(r, read_file(r) ?: coverage_baseline(r->coverage, text_cstr(&r->file)));
}

void reconcile_add(struct reconcile *r, const struct collector *collector)
{
	/* Without memory the window is not compared: reconcile_cut() says so. */
	(void)collector_add_coverage(collector, r->coverage);
}

static bool iostats_is_off(const char *device)
{
	char path[IOSTATS_PATH_MAX], answer = '1';
	CLEANUP_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "/sys/block/%s/queue/iostats", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, &answer, 1) == 1 && answer == '0';
}

/* What it counted last is in no file any more: nothing is wrong with it. */
static bool is_gone(const struct disks *disks, const char *name)
{
	bool gone = false;

	for (size_t i = 0; i < disks->n; i++) {
		if (strcmp(disks->disks[i].name, name))
			continue;
		if (!disks->disks[i].gone)
			return false;
		gone = true;
	}
	return gone;
}

static void tell_uncounted(struct reconcile *r, const struct coverage_row *row,
                           const struct disks *disks)
{
	if (row->compared || is_gone(disks, row->device) ||
	    words_has(text_cstr(&r->told), row->device, strlen(row->device)))
		return;
	if (r->told.len > TOLD_MAX_BYTES)
		text_clear(&r->told);
	text_printf(&r->told, "%s%s", r->told.len ? " " : "", row->device);
	log_info("%s: disk %s has no counts in " PROC_DISKSTATS "%s; its coverage is not known",
	         row->measurement, row->device,
	         iostats_is_off(row->device) ? " (its queue/iostats is 0)" : "");
}

void reconcile_cut(struct reconcile *r, const struct disks *disks)
{
	int err = read_file(r);

	r->n_rows = 0;
	if (err)
		coverage_skip(r->coverage);
	else
		err = coverage_cut(r->coverage, text_cstr(&r->file), disks, &r->rows, &r->n_rows);
	note(r, err);
	for (size_t i = 0; i < r->n_rows; i++)
		tell_uncounted(r, &r->rows[i], disks);
}

int reconcile_emit(const struct reconcile *r, int64_t stamp_ns, point_fn fn, void *ctx)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		int err = selfmon_coverage(&r->rows[i], stamp_ns, fn, ctx);

		if (err)
			return err;
	}
	return 0;
}
