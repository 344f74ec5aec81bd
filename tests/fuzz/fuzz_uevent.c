/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a message of the kernel: a block device is heard of just where it has the text SUBSYSTEM=block between NULs and
 * no other SUBSYSTEM behind it, and what is said of a disk has a name and a number.
 */
#include "uevent.h"

#include "ground.h"
#include "input.h"

#include <string.h>

/* The last one counts. */
static int says_block(const char *message, size_t len)
{
	static const char key[] = "SUBSYSTEM=";
	const size_t n = sizeof(key) - 1;
	int says = 0;

	for (size_t at = 0; at < len;) {
		size_t item = strnlen(message + at, len - at);

		if (item >= n && !memcmp(message + at, key, n))
			says = item == n + 5 && !memcmp(message + at + n, "block", 5);
		at += item + 1;
	}
	return says;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *message = (const char *)data;
	struct uevent event = uevent_parse(message, size);

	expect((event.kind != UEVENT_NONE) ==
	       says_block(message, MIN(size, (size_t)UEVENT_MESSAGE_MAX)));
	if (event.kind == UEVENT_ADD || event.kind == UEVENT_REMOVE)
		expect(*event.name && strlen(event.name) < DISKS_NAME_MAX);
	else
		expect(!*event.name && !event.dev);
	return 0;
}
