/* SPDX-License-Identifier: Apache-2.0 */
/**
 * notify.h: tells the service manager how the agent is, as in sd_notify(3) and sd_watchdog_enabled(3). An edge; does
 * not log.
 *
 * The protocol is one datagram of NAME=value lines to the socket in NOTIFY_SOCKET: nothing that a library were needed
 * for. Never waits: a manager that does not read misses a message, and a state that it missed is
 * told again with the next one. Without NOTIFY_SOCKET nothing happens.
 */
#pragma once
#include "ground.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/** Of one message; systemd reads 4096 bytes. */
#define NOTIFY_MAX_BYTES 2048

enum notify_state {
	NOTIFY_STARTING, /* what the manager takes us for until we say otherwise */
	NOTIFY_READY,
	NOTIFY_RELOADING,
	NOTIFY_STOPPING,
};

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t to_len;
	enum notify_state state;
	bool owed; /* the state has not been told yet */
	uint64_t
		watchdog_ns; /* 0: none; else the manager ends an agent that it has not heard of for so long */
};

/** Nobody to tell. */
#define NOTIFY_NONE      \
	(struct notify)  \
	{                \
		.fd = -1 \
	}

/**
 * Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment.
 * @return 0, also when the first is not set; -EINVAL: it is neither a path nor an abstract socket; -errno
 */
int notify_open(struct notify *ret);
void notify_close(struct notify *n);

/** The state is another one. NOTIFY_READY ends a reload as well. */
void notify_tell(struct notify *n, enum notify_state state);

/**
 * A sign of life for the watchdog, with one line for a person.
 * @param status  for STATUS=: control characters become blanks, what is too long is cut
 */
void notify_alive(struct notify *n, const char *status);
