/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* "/path", or "@name" of the abstract namespace, where the @ stands for a NUL and the length ends the name. */
static int set_address(struct notify *n, const char *socket_name)
{
	size_t len = strlen(socket_name);

	if ((*socket_name != '/' && *socket_name != '@') || len < 2 ||
	    len >= sizeof(n->to.sun_path))
		return -EINVAL;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, socket_name, len + 1);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (*socket_name == '@')
		n->to.sun_path[0] = '\0';
	else
		n->to_len++;
	return 0;
}

/* WATCHDOG_PID: the variables are inherited, and meant for one process. */
static uint64_t watchdog_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long long us = usec ? strtoull(usec, NULL, 10) : 0;

	if ((pid && strtoull(pid, NULL, 10) != (unsigned long long)getpid()) ||
	    us > UINT64_MAX / 1000)
		return 0;
	return us * 1000;
}

int notify_open(struct notify *ret)
{
	assert(ret);

	const char *socket_name = getenv("NOTIFY_SOCKET");
	struct notify n = NOTIFY_NONE;
	int err;

	if (!socket_name) {
		*ret = n;
		return 0;
	}
	err = set_address(&n, socket_name);
	if (err)
		return err;
	n.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n.fd < 0)
		return -errno;
	n.watchdog_ns = watchdog_ns();
	*ret = n;
	return 0;
}

void notify_close(struct notify *n)
{
	assert(n);

	ground_closep(&n->fd);
	*n = NOTIFY_NONE;
}

static bool send_text(struct notify *n, const char *text, size_t len)
{
	/* Not connected: a manager that executes itself anew keeps its socket, another one brings its own. */
	return sendto(n->fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_len) ==
	       (ssize_t)len;
}

/* Type=notify-reload takes only a RELOADING=1 from after its signal, and knows it by this clock. */
static uint64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void send_state(struct notify *n)
{
	char text[128] = "";

	if (n->state == NOTIFY_READY)
		strcpy(text, "READY=1");
	else if (n->state == NOTIFY_RELOADING)
		snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		         (unsigned long long)monotonic_us());
	else if (n->state == NOTIFY_STOPPING)
		strcpy(text, "STOPPING=1");
	n->owed = *text && !send_text(n, text, strlen(text));
}

void notify_tell(struct notify *n, enum notify_state state)
{
	assert(n);

	if (n->fd < 0)
		return;
	n->state = state;
	send_state(n);
}

void notify_alive(struct notify *n, const char *status)
{
	assert(n && status);

	char text[NOTIFY_MAX_BYTES];
	size_t head;

	if (n->fd < 0)
		return;
	if (n->owed)
		send_state(n);
	head = (size_t)snprintf(text, sizeof(text), "WATCHDOG=1\nSTATUS=");
	snprintf(text + head, sizeof(text) - head, "%s", status);
	for (char *c = text + head; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	/* Lost: the next one comes well before the watchdog's patience ends. */
	(void)send_text(n, text, strlen(text));
}
