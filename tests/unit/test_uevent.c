/* SPDX-License-Identifier: Apache-2.0 */
#include "uevent.h"

#include "ground.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int open_or_skip(void)
{
	int fd = -1;

	if (uevent_open(&fd))
		skip();
	uevent_block_changed(fd); /* what happened before the test */
	return fd;
}

/* Asks the kernel to tell of one device again, as `udevadm trigger` does. @return false: may not */
static bool trigger(const char *folder)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	CLEANUP_CLOSE int fd = -1;

	while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	if (!dir || !entry)
		return false;
	snprintf(path, sizeof(path), "%s/%s/uevent", folder, entry->d_name);
	closedir(dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "change", 6) == 6;
}

static bool is_heard(int fd)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < 1000; i++) {
		if (uevent_block_changed(fd))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void a_changed_disk_is_heard(void **state)
{
	CLEANUP_CLOSE int fd = open_or_skip();

	if (!trigger("/sys/block"))
		skip();
	assert_true(is_heard(fd));
}

static void other_devices_are_no_news(void **state)
{
	CLEANUP_CLOSE int fd = open_or_skip();
	const struct timespec pause = {.tv_nsec = 50000000};
	bool news = true;

	/* Somebody else may change a disk at that moment: not five times in a row. */
	for (int i = 0; i < 5 && news; i++) {
		uevent_block_changed(fd);
		if (!trigger("/sys/class/net"))
			skip();
		nanosleep(&pause, NULL);
		news = uevent_block_changed(fd);
	}
	assert_false(news);
}

/* Whoever cannot hear must look himself. */
static void deafness_counts_as_news(void **state)
{
	assert_true(uevent_block_changed(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_disk_is_heard),
		cmocka_unit_test(other_devices_are_no_news),
		cmocka_unit_test(deafness_counts_as_news),
	};

	return cmocka_run_group_tests_name("uevent", tests, NULL, NULL);
}
