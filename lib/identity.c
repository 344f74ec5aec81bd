/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

/* ---- the resolver, on a thread: it gives up when it wants to, and nothing ends it before */

struct question {
	char host[HOST_NAME_MAX + 1];
	int answer_fd; /* takes the full name */
};

static void *ask(void *arg)
{
	struct question *q = arg;
	struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *found = NULL;

	if (!getaddrinfo(q->host, NULL, &hints, &found) && found) {
		/* Whole: it is far shorter than PIPE_BUF. EPIPE: nobody waits any more. */
		if (found->ai_canonname)
			(void)!write(q->answer_fd, found->ai_canonname,
			             strlen(found->ai_canonname));
		freeaddrinfo(found);
	}
	close(q->answer_fd);
	free(q);
	return NULL;
}

/* With all signals blocked: they are the loop's, and SIGPIPE nobody's. */
static int start_asking(struct question *q)
{
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, ask, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_detach(thread);
	return -err;
}

/* @return whether there was an answer in time */
static bool append_fqdn(const char *host, uint32_t wait_ms, struct text *out)
{
	CLEANUP_FREE struct question *q = calloc(1, sizeof(*q));
	char name[NI_MAXHOST];
	int pipe_fds[2];
	ssize_t n = 0;

	if (!q || pipe2(pipe_fds, O_CLOEXEC))
		return false;
	CLEANUP_CLOSE int fd = pipe_fds[0];
	CLEANUP_CLOSE int answer_fd = q->answer_fd = pipe_fds[1];
	strcpy(q->host, host);
	if (start_asking(q))
		return false;
	/* The thread's from here on. */
	TAKE_PTR(q);
	TAKE_FD(answer_fd);
	if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, (int)wait_ms) == 1)
		n = read(fd, name, sizeof(name));
	if (n > 0)
		text_append(out, name, (size_t)n);
	return n > 0;
}

int identity_host(const char *wanted, uint32_t wait_ms, struct text *out, bool *ret_resolved)
{
	char host[HOST_NAME_MAX + 1] = "";
	bool resolved = false;

	if (gethostname(host, sizeof(host) - 1))
		return -errno;
	if (!strcmp(wanted, "fqdn"))
		resolved = append_fqdn(host, wait_ms, out);
	if (!resolved)
		text_str(out, *wanted && strcmp(wanted, "fqdn") ? wanted : host);
	*ret_resolved = resolved;
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
