/* SPDX-License-Identifier: Apache-2.0 */
#include "uevent.h"

#include "ground.h"
#include "parse.h"

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

/* The values of a message that are looked at; NULL: it does not have them. */
struct said {
	const char *action, *subsystem, *type, *name, *major, *minor;
};

static void take_item(const char *item, struct said *said)
{
	const struct {
		const char *key;
		const char **value;
	} keys[] = {
		{"ACTION=", &said->action}, {"SUBSYSTEM=", &said->subsystem},
		{"DEVTYPE=", &said->type},  {"DEVNAME=", &said->name},
		{"MAJOR=", &said->major},   {"MINOR=", &said->minor},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i].key);

		if (!strncmp(item, keys[i].key, len))
			*keys[i].value = item + len;
	}
}

static bool is_text(const char *value, const char *text)
{
	return value && !strcmp(value, text);
}

static bool take_number(const char *text, uint64_t max, uint64_t *ret)
{
	return text && !parse_u64(text, ret) && *ret <= max;
}

static struct uevent judge(const struct said *said)
{
	struct uevent event = {.kind = UEVENT_CHANGE};
	bool came = is_text(said->action, "add"), went = is_text(said->action, "remove");
	uint64_t major, minor;

	if (!is_text(said->subsystem, "block"))
		return (struct uevent){.kind = UEVENT_NONE};
	if (!is_text(said->type, "disk") || !(came || went) || !said->name || !*said->name ||
	    strlen(said->name) >= sizeof(event.name) ||
	    !take_number(said->major, DISKS_MAJOR_MAX, &major) ||
	    !take_number(said->minor, DISKS_MINOR_MAX, &minor))
		return event;
	event.kind = came ? UEVENT_ADD : UEVENT_REMOVE;
	event.dev = (uint32_t)(major << DISKS_MINOR_BITS | minor);
	strcpy(event.name, said->name);
	return event;
}

/* "change@/devices/...\0ACTION=change\0SUBSYSTEM=block\0..." */
struct uevent uevent_parse(const char *message, size_t len)
{
	char copy[UEVENT_MESSAGE_MAX + 1];
	struct said said = {0};

	len = MIN(len, (size_t)UEVENT_MESSAGE_MAX);
	memcpy(copy, message, len);
	copy[len] = '\0';
	for (size_t at = 0; at < len; at += strlen(copy + at) + 1)
		take_item(copy + at, &said);
	return judge(&said);
}

int uevent_next(int fd, struct uevent *ret)
{
	char message[UEVENT_MESSAGE_MAX];
	ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);

	if (n <= 0)
		return !n || errno == EAGAIN ? 0 : -errno;
	*ret = uevent_parse(message, (size_t)n);
	return 1;
}
