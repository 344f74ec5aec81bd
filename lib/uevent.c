/* SPDX-License-Identifier: Apache-2.0 */
#include "uevent.h"

#include "ground.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel's own multicast group; 2 is udev's, which not every host has. */
#define KERNEL_GROUP 1

int uevent_open(int *ret_fd)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	                              NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* "change@/devices/...\0ACTION=change\0SUBSYSTEM=block\0..." */
static bool is_block(const char *message, size_t len)
{
	static const char subsystem[] = "SUBSYSTEM=block";
	size_t at = 0;

	while (at < len) {
		size_t item = strnlen(message + at, len - at);

		if (item == sizeof(subsystem) - 1 && !memcmp(message + at, subsystem, item))
			return true;
		at += item + 1;
	}
	return false;
}

bool uevent_block_changed(int fd)
{
	bool changed = false;

	for (int i = 0; i < UEVENT_MAX_PER_LOOK; i++) {
		char message[UEVENT_MESSAGE_MAX];
		ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return changed;
		/* ENOBUFS says that some did not fit into the socket. */
		changed |= n < 0 || is_block(message, (size_t)n);
	}
	return true;
}
