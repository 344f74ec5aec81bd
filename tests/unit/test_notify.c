/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* A service manager, and what it was told last. */
struct manager {
	char name[64]; /* as NOTIFY_SOCKET has it */
	int fd;
	char text[NOTIFY_MAX_BYTES + 1];
};

static void manager_open(struct manager *m, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = offsetof(struct sockaddr_un, sun_path) + strlen(name);

	snprintf(m->name, sizeof(m->name), "%s", name);
	strcpy(address.sun_path, name);
	if (*name == '@')
		address.sun_path[0] = '\0';
	else
		len++;
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(m->fd >= 0);
	assert_int_equal(bind(m->fd, (struct sockaddr *)&address, (socklen_t)len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static void manager_close(struct manager *m)
{
	close(m->fd);
	if (*m->name == '/')
		unlink(m->name);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* "" when nothing came. */
static const char *heard(struct manager *m)
{
	ssize_t n = recv(m->fd, m->text, sizeof(m->text) - 1, 0);

	m->text[n > 0 ? n : 0] = '\0';
	return m->text;
}

static const char *path_name(void)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/test_notify.%d", getpid());
	return path;
}

static const char *abstract_name(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "@test_notify.%d", getpid());
	return name;
}

static unsigned long long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
}

static void assert_a_whole_life(const char *name)
{
	CLEANUP(manager_close) struct manager m = {0};
	CLEANUP(notify_close) struct notify n;
	unsigned long long before, told, after;

	manager_open(&m, name);
	assert_int_equal(notify_open(&n), 0);
	assert_string_equal(heard(&m), "");
	notify_tell(&n, NOTIFY_READY);
	assert_string_equal(heard(&m), "READY=1");
	notify_alive(&n, "all is well");
	assert_string_equal(heard(&m), "WATCHDOG=1\nSTATUS=all is well");
	before = now_us();
	notify_tell(&n, NOTIFY_RELOADING);
	after = now_us();
	assert_int_equal(sscanf(heard(&m), "RELOADING=1\nMONOTONIC_USEC=%llu", &told), 1);
	assert_in_range(told, before, after);
	notify_tell(&n, NOTIFY_READY);
	assert_string_equal(heard(&m), "READY=1");
	notify_tell(&n, NOTIFY_STOPPING);
	assert_string_equal(heard(&m), "STOPPING=1");
	assert_string_equal(heard(&m), "");
}

static void a_socket_with_a_path_hears_every_state(void **state)
{
	assert_a_whole_life(path_name());
}

static void an_abstract_socket_hears_every_state(void **state)
{
	assert_a_whole_life(abstract_name());
}

static void without_a_manager_nothing_happens(void **state)
{
	struct notify n;

	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&n), 0);
	assert_int_equal(n.fd, -1);
	notify_tell(&n, NOTIFY_READY);
	notify_alive(&n, "nobody hears");
	notify_close(&n);
}

static void what_is_no_socket_is_refused(void **state)
{
	static char endless[200] = "/";
	const char *const wrong[] = {"", "@", "/", "relative", "vsock:2:1234", endless};
	struct notify n = NOTIFY_NONE;

	memset(endless + 1, 'x', sizeof(endless) - 2);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		setenv("NOTIFY_SOCKET", wrong[i], 1);
		assert_int_equal(notify_open(&n), -EINVAL);
		assert_int_equal(n.fd, -1);
	}
	unsetenv("NOTIFY_SOCKET");
}

static uint64_t watchdog_of(const char *usec, const char *pid)
{
	CLEANUP(manager_close) struct manager m = {0};
	CLEANUP(notify_close) struct notify n;

	manager_open(&m, abstract_name());
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_open(&n), 0);
	return n.watchdog_ns;
}

static void the_watchdog_is_ours_only_with_our_pid(void **state)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	assert_int_equal(watchdog_of(NULL, NULL), 0);
	assert_int_equal(watchdog_of("30000000", NULL), 30000000000);
	assert_int_equal(watchdog_of("30000000", pid), 30000000000);
	assert_int_equal(watchdog_of("30000000", "1"), 0);
	assert_int_equal(watchdog_of("nonsense", pid), 0);
	assert_int_equal(watchdog_of("18446744073709551615", pid), 0);
}

/* The queue of a manager that hangs is full; a blocking send would hang the loop with it. */
static void a_manager_that_hangs_is_told_the_state_later(void **state)
{
	CLEANUP(manager_close) struct manager m = {0};
	CLEANUP(notify_close) struct notify n;
	size_t waiting = 0;

	manager_open(&m, path_name());
	assert_int_equal(notify_open(&n), 0);
	while (sendto(n.fd, "x", 1, 0, (struct sockaddr *)&n.to, n.to_len) == 1)
		waiting++;
	assert_int_equal(errno, EAGAIN);
	notify_tell(&n, NOTIFY_READY);
	notify_alive(&n, "lost");
	for (size_t i = 0; i < waiting; i++)
		assert_string_equal(heard(&m), "x");
	assert_string_equal(heard(&m), "");
	notify_alive(&n, "again");
	assert_string_equal(heard(&m), "READY=1");
	assert_string_equal(heard(&m), "WATCHDOG=1\nSTATUS=again");
	notify_alive(&n, "told once");
	assert_string_equal(heard(&m), "WATCHDOG=1\nSTATUS=told once");
}

static void a_status_forges_no_second_line_and_has_an_end(void **state)
{
	static char endless[3 * NOTIFY_MAX_BYTES];
	CLEANUP(manager_close) struct manager m = {0};
	CLEANUP(notify_close) struct notify n;

	manager_open(&m, abstract_name());
	assert_int_equal(notify_open(&n), 0);
	notify_alive(&n, "a\nSTOPPING=1\tb");
	assert_string_equal(heard(&m), "WATCHDOG=1\nSTATUS=a STOPPING=1 b");
	memset(endless, 'x', sizeof(endless) - 1);
	notify_alive(&n, endless);
	assert_int_equal(strlen(heard(&m)), NOTIFY_MAX_BYTES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_with_a_path_hears_every_state),
		cmocka_unit_test(an_abstract_socket_hears_every_state),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(what_is_no_socket_is_refused),
		cmocka_unit_test(the_watchdog_is_ours_only_with_our_pid),
		cmocka_unit_test(a_manager_that_hangs_is_told_the_state_later),
		cmocka_unit_test(a_status_forges_no_second_line_and_has_an_end),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
