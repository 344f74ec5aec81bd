/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <string.h>

static int append_fqdn(const char *host, struct text *out)
{
	struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *found = NULL;

	if (getaddrinfo(host, NULL, &hints, &found) || !found)
		return -ENOENT;
	if (found->ai_canonname)
		text_str(out, found->ai_canonname);
	freeaddrinfo(found);
	return out->len ? 0 : -ENOENT;
}

int identity_host(const char *wanted, struct text *out)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (gethostname(host, sizeof(host) - 1))
		return -errno;
	if (*wanted && strcmp(wanted, "fqdn"))
		text_str(out, wanted);
	else if (!*wanted || append_fqdn(host, out))
		text_str(out, host);
	return out->err;
}

uint64_t identity_spread(const void *bytes, size_t len, uint64_t bound_ns)
{
	const uint8_t *b = bytes;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ b[i]) * 0x100000001b3;
	/* FNV's high bits, which the scaling uses, hardly see the last bytes. */
	hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
	return (uint64_t)(((__uint128_t)hash * bound_ns) >> 64);
}

uint64_t identity_offset_ns(uint64_t bound_ns)
{
	char id[256 + HOST_NAME_MAX + 1] = "";
	CLEANUP_CLOSE int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, id, 256);
	size_t len = n > 0 ? strcspn(id, "\n") : 0;

	if (gethostname(id + len, HOST_NAME_MAX))
		id[len] = '\0';
	return identity_spread(id, strlen(id), bound_ns);
}
