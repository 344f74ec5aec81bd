/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as messages of the kernel, one a line: a block device is heard of just where one of them has the text
 * SUBSYSTEM=block between NULs, and afterwards no message is left.
 */
#include "uevent.h"

#include "ground.h"
#include "input.h"

#include <sys/socket.h>

static int says_block(const char *message, size_t len)
{
	static const char wanted[] = "SUBSYSTEM=block";
	const size_t n = sizeof(wanted) - 1;

	for (size_t i = 0; i + n <= len; i++)
		if (!memcmp(message + i, wanted, n) && (!i || !message[i - 1]) &&
		    (i + n == len || !message[i + n]))
			return 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	int ends[2], wanted = 0, sent = 0;

	expect(!socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
	CLEANUP_CLOSE int kernel = ends[0], ours = ends[1];

	/* A unix socket holds net.unix.max_dgram_qlen messages, 10 at least. */
	while (in.size && sent < 10) {
		const uint8_t *start = in.data;
		CLEANUP_FREE char *line = input_line(&in);
		size_t len = (size_t)(in.data - start);

		len = MIN(len, UEVENT_MESSAGE_MAX);
		expect(send(kernel, start, len, MSG_DONTWAIT) == (ssize_t)len);
		wanted |= says_block((const char *)start, len);
		sent++;
	}
	expect(uevent_block_changed(ours) == wanted);
	expect(!uevent_block_changed(ours));
	return 0;
}
