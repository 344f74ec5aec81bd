/* SPDX-License-Identifier: Apache-2.0 */
#include "trusted.h"

#include <errno.h>
#include <fcntl.h>
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
	/* Not blocking: a FIFO of that name must not hold the agent. */
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP_FREE uint8_t *data = NULL;
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return fail(-errno, why);
	err = check(&st, max_bytes, why);
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
