/* SPDX-License-Identifier: Apache-2.0 */
#include "uevent.h"

#include "ground.h"

#include <dirent.h>
#include <errno.h>
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
	return fd;
}

/* Takes all there is. @return whether a block device was among them */
static bool hear(int fd)
{
	struct uevent event;
	bool news = false;
	int r;

	while ((r = uevent_next(fd, &event)))
		news |= r < 0 || event.kind != UEVENT_NONE;
	return news;
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
		if (hear(fd))
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
		hear(fd);
		if (!trigger("/sys/class/net"))
			skip();
		nanosleep(&pause, NULL);
		news = hear(fd);
	}
	assert_false(news);
}

static struct uevent parse(const char *message, size_t len)
{
	return uevent_parse(message, len);
}

#define PARSE(text) parse(text, sizeof(text) - 1)
#define HEAD(action) \
	action "@/devices/virtual/block/x\0ACTION=" action "\0DEVPATH=/x\0SUBSYSTEM=block\0"

static void a_disk_that_comes_or_goes_has_its_name_and_number(void **state)
{
	struct uevent event =
		PARSE(HEAD("add") "MAJOR=259\0MINOR=1048575\0DEVNAME=nvme0n1\0DEVTYPE=disk");

	(void)state;
	assert_int_equal(event.kind, UEVENT_ADD);
	assert_int_equal(event.dev, 259u << 20 | 1048575);
	assert_string_equal(event.name, "nvme0n1");
	event = PARSE(
		HEAD("remove") "DEVTYPE=disk\0DEVNAME=cciss/c0d0\0MAJOR=104\0MINOR=0\0SEQNUM=7\0");
	assert_int_equal(event.kind, UEVENT_REMOVE);
	assert_int_equal(event.dev, 104u << 20);
	assert_string_equal(event.name, "cciss/c0d0");
}

static void what_else_happens_to_block_devices_is_a_change(void **state)
{
	(void)state;
	assert_int_equal(PARSE(HEAD("change") "MAJOR=7\0MINOR=0\0DEVNAME=loop0\0DEVTYPE=disk").kind,
	                 UEVENT_CHANGE);
	assert_int_equal(
		PARSE(HEAD("add") "MAJOR=8\0MINOR=1\0DEVNAME=sda1\0DEVTYPE=partition").kind,
		UEVENT_CHANGE);
	/* What cannot be a disk's name or number. */
	assert_int_equal(PARSE(HEAD("add") "MINOR=1\0DEVNAME=sda\0DEVTYPE=disk").kind,
	                 UEVENT_CHANGE);
	assert_int_equal(PARSE(HEAD("add") "MAJOR=4096\0MINOR=1\0DEVNAME=sda\0DEVTYPE=disk").kind,
	                 UEVENT_CHANGE);
	assert_int_equal(PARSE(HEAD("add") "MAJOR=8\0MINOR=-1\0DEVNAME=sda\0DEVTYPE=disk").kind,
	                 UEVENT_CHANGE);
	assert_int_equal(PARSE(HEAD("add") "MAJOR=8\0MINOR=1\0DEVNAME=\0DEVTYPE=disk").kind,
	                 UEVENT_CHANGE);
	assert_int_equal(
		PARSE(HEAD("add") "MAJOR=8\0MINOR=1\0DEVNAME=a_name_of_more_than_thirty_one_bytes\0DEVTYPE=disk")
			.kind,
		UEVENT_CHANGE);
}

static void what_is_no_block_device_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(PARSE("add@/x\0ACTION=add\0SUBSYSTEM=net\0DEVTYPE=disk").kind,
	                 UEVENT_NONE);
	assert_int_equal(PARSE("add@/x\0ACTION=add\0XSUBSYSTEM=block").kind, UEVENT_NONE);
	assert_int_equal(PARSE("").kind, UEVENT_NONE);
	assert_int_equal(uevent_next(-1, &(struct uevent){0}), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_disk_is_heard),
		cmocka_unit_test(other_devices_are_no_news),
		cmocka_unit_test(a_disk_that_comes_or_goes_has_its_name_and_number),
		cmocka_unit_test(what_else_happens_to_block_devices_is_a_change),
		cmocka_unit_test(what_is_no_block_device_is_nothing),
	};

	return cmocka_run_group_tests_name("uevent", tests, NULL, NULL);
}
