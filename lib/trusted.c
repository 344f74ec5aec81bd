/* SPDX-License-Identifier: Apache-2.0 */
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static bool is_trusted(uid_t owner)
{
	struct stat program;

	return owner == 0 || owner == geteuid() ||
	       (!stat("/proc/self/exe", &program) && owner == program.st_uid);
}

static int check(const struct stat *st, size_t max_bytes, struct text *why)
{
	if (!S_ISREG(st->st_mode)) {
		text_str(why, "is no regular file");
		return -EINVAL;
	}
	if (!is_trusted(st->st_uid)) {
		text_printf(why, "belongs to user %u, who could change it; chown root",
		            (unsigned)st->st_uid);
		return -EPERM;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		text_printf(why, "can be written by others (mode %04o); chmod go-w",
		            (unsigned)st->st_mode & 07777);
		return -EPERM;
	}
	if ((uint64_t)st->st_size > max_bytes) {
		text_printf(why, "has more than %zu bytes", max_bytes);
		return -E2BIG;
	}
	return 0;
}

/* Whoever can replace a folder on the way to the program can replace the program as well: nothing is lost to them. */
static bool leads_to_program(const char *folder, size_t len)
{
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program));

	return n > 0 && (size_t)n > len && !memcmp(program, folder, len) &&
	       (program[len] == '/' || folder[len - 1] == '/');
}

/*
 * In a folder that others can write they can put another file in the place of this one, unless it is sticky as /tmp is:
 * then only an owner can take away what is his.
 */
static int check_folder(const char *folder, size_t len, struct text *why)
{
	struct stat st;

	if (stat(folder, &st)) {
		int err = -errno;

		text_printf(why, "is in %s, which cannot be read: %s", folder, strerror(-err));
		return err;
	}
	if (leads_to_program(folder, len))
		return 0;
	if (!is_trusted(st.st_uid)) {
		text_printf(why,
		            "is in %s, which belongs to user %u, who could replace it; chown root",
		            folder, (unsigned)st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH) && !(st.st_mode & S_ISVTX)) {
		text_printf(why, "is in %s, where others can replace it (mode %04o); chmod go-w",
		            folder, (unsigned)st.st_mode & 07777);
		return -EPERM;
	}
	return 0;
}

/* All folders on the way to a file; @path is without links, and is as before afterwards. */
static int check_folders(char *path, struct text *why)
{
	int err = check_folder("/", 1, why);

	for (char *slash = strchr(path + 1, '/'); slash && !err; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		err = check_folder(path, (size_t)(slash - path), why);
		*slash = '/';
	}
	return err;
}

static int fail(int err, struct text *why)
{
	text_printf(why, "cannot be read: %s", strerror(-err));
	return err;
}

static int read_whole(int fd, uint8_t *data, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(fd, data + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO; /* it shrank meanwhile */
		got += (size_t)n;
	}
	return 0;
}

int trusted_read(const char *path, size_t max_bytes, uint8_t **ret_data, size_t *ret_len,
                 struct text *why)
{
	/* Where links end: the folders that lead there are those that count, not those that a link stands in. */
	CLEANUP_FREE char *real = realpath(path, NULL);
	/* Not blocking: a FIFO of that name must not hold the agent. */
	CLEANUP_CLOSE int fd = real ? open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	CLEANUP_FREE uint8_t *data = NULL;
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return fail(-errno, why);
	err = check(&st, max_bytes, why) ?: check_folders(real, why);
	if (err)
		return err;
	data = malloc((size_t)st.st_size + 1);
	err = data ? read_whole(fd, data, (size_t)st.st_size) : -ENOMEM;
	if (err)
		return fail(err, why);
	*ret_len = (size_t)st.st_size;
	*ret_data = TAKE_PTR(data);
	return 0;
}
