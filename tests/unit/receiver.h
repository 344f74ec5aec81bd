/* SPDX-License-Identifier: Apache-2.0 */
/**
 * receiver.h: a small HTTP receiver on loopback that misbehaves by a script, in a thread of the test.
 *
 * It checks nothing itself: it keeps what came, and the test looks at it after receiver_stop().
 */
#pragma once
#include "ground.h"
#include "text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <zlib.h>

#include <cmocka.h>

#define RECEIVER_CONNECTIONS 32
#define RECEIVER_STEPS 64

enum receiver_manner {
	RECEIVER_ANSWER,       /* status and body, connection kept */
	RECEIVER_ANSWER_CLOSE, /* the same, with Connection: close */
	RECEIVER_CLOSE,        /* reads the request, then closes without an answer */
	RECEIVER_CUT,          /* as ANSWER, but the connection ends within the body */
	RECEIVER_HANG,         /* never answers */
};

struct receiver_step {
	enum receiver_manner manner;
	int status;          /* 0 = 204 */
	const char *headers; /* each with \r\n; or NULL */
	const char *body;
	bool store; /* also when the status is no success; 2xx always stores */
};

struct receiver_connection {
	int fd;
	struct text in;
};

struct receiver {
	/* Set before receiver_start(). */
	struct receiver_step steps[RECEIVER_STEPS]; /* then 204 for ever */
	size_t n_steps;
	size_t max_raw;  /* larger bodies get 413; 0 = none do */
	const char *bad; /* bodies that hold this get 400, and nothing is stored; NULL: none do */
	const char *password; /* where it is not in the head: 401; NULL: none is wanted */
	char socket[108];     /* listens on this unix socket instead of a port; "" = none */
	/* Read after receiver_stop(). */
	struct text stored; /* decoded bodies, one after the other */
	struct text raw;    /* bodies as they came, of all requests */
	struct text heads;  /* of all requests */
	size_t n_requests, n_accepted, n_undecodable;
	size_t requests_of_first; /* on the first connection */
	/* Own. */
	int listener, wake[2], port;
	pthread_t thread;
	struct receiver_connection connections[RECEIVER_CONNECTIONS];
	size_t n_connections;
};

static inline void receiver_drop(struct receiver *r, size_t i)
{
	close(r->connections[i].fd);
	text_free(&r->connections[i].in);
	r->connections[i] = r->connections[--r->n_connections];
}

static inline void receiver_decode(const char *head, const char *body, size_t len, struct text *out)
{
	static __thread char raw[4 << 20];
	z_stream z = {.next_in = (z_const Bytef *)body,
	              .avail_in = (uInt)len,
	              .next_out = (Bytef *)raw,
	              .avail_out = sizeof(raw)};

	if (!strcasestr(head, "Content-Encoding: gzip")) {
		text_append(out, body, len);
		return;
	}
	inflateInit2(&z, 15 + 16);
	if (inflate(&z, Z_FINISH) == Z_STREAM_END)
		text_append(out, raw, z.total_out);
	inflateEnd(&z);
}

/* @return whether the connection lives on */
static inline bool receiver_answer(struct receiver *r, int fd, const char *head, const char *body,
                                   size_t len)
{
	CLEANUP(text_free) struct text decoded = {0}, answer = {0};
	struct receiver_step step = {.status = 204};

	if (r->n_requests < r->n_steps)
		step = r->steps[r->n_requests];
	r->n_requests++;
	text_str(&r->heads, head);
	text_append(&r->raw, body, len);
	receiver_decode(head, body, len, &decoded);
	if (!decoded.len)
		r->n_undecodable++;
	step.status = step.status ? step.status : 204;
	if (r->max_raw && decoded.len > r->max_raw)
		step = (struct receiver_step){.status = 413};
	if (r->bad && strstr(text_cstr(&decoded), r->bad))
		step = (struct receiver_step){.status = 400,
		                              .body = "incorrect influx line \"garbage\""};
	if (r->password && !strstr(head, r->password))
		step = (struct receiver_step){.status = 401, .body = "Unauthorized"};
	if (step.store || (step.status / 100 == 2 && step.manner < RECEIVER_CLOSE))
		text_append(&r->stored, decoded.data, decoded.len);
	if (step.manner == RECEIVER_CLOSE)
		return false;
	if (step.manner == RECEIVER_HANG)
		return true;
	text_printf(&answer, "HTTP/1.1 %d Some Words\r\n%s", step.status,
	            step.headers ? step.headers : "");
	if (step.manner == RECEIVER_ANSWER_CLOSE)
		text_str(&answer, "Connection: close\r\n");
	if (step.status != 204)
		text_printf(&answer, "Content-Length: %zu\r\n",
		            (step.body ? strlen(step.body) : 0) +
		                    (step.manner == RECEIVER_CUT ? 10 : 0));
	text_printf(&answer, "\r\n%s", step.body ? step.body : "");
	if (send(fd, answer.data, answer.len, MSG_NOSIGNAL) < 0)
		return false;
	return step.manner == RECEIVER_ANSWER;
}

/* @return whether the connection lives on */
static inline bool receiver_read(struct receiver *r, struct receiver_connection *c)
{
	char chunk[65536];
	ssize_t n = read(c->fd, chunk, sizeof(chunk));

	if (n <= 0)
		return false;
	text_append(&c->in, chunk, (size_t)n);
	const char *end = strstr(text_cstr(&c->in), "\r\n\r\n");
	if (!end)
		return true;
	CLEANUP_FREE char *head = strndup(c->in.data, (size_t)(end - c->in.data) + 2);
	const char *length = strcasestr(head, "Content-Length:");
	size_t body_len = length ? strtoul(length + 15, NULL, 10) : 0;
	size_t head_len = (size_t)(end - c->in.data) + 4;

	if (c->in.len < head_len + body_len)
		return true;
	r->requests_of_first += r->n_accepted == 1;
	bool lives = receiver_answer(r, c->fd, head, c->in.data + head_len, body_len);
	text_clear(&c->in);
	return lives;
}

static inline void *receiver_main(void *ctx)
{
	struct receiver *r = ctx;
	struct pollfd fds[RECEIVER_CONNECTIONS + 2];

	for (;;) {
		size_t n = r->n_connections;

		fds[0] = (struct pollfd){.fd = r->wake[0], .events = POLLIN};
		fds[1] = (struct pollfd){.fd = r->listener, .events = POLLIN};
		for (size_t i = 0; i < n; i++)
			fds[i + 2] = (struct pollfd){.fd = r->connections[i].fd, .events = POLLIN};
		if (poll(fds, n + 2, -1) < 0)
			continue;
		if (fds[0].revents)
			return NULL;
		/* Backwards: dropping one moves the last into its place. */
		for (size_t i = n; i-- > 0;)
			if (fds[i + 2].revents && !receiver_read(r, &r->connections[i]))
				receiver_drop(r, i);
		if (fds[1].revents && r->n_connections < RECEIVER_CONNECTIONS) {
			int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);

			r->n_accepted += fd >= 0;
			if (fd >= 0)
				r->connections[r->n_connections++] =
					(struct receiver_connection){.fd = fd};
		}
	}
}

static inline void receiver_listen_tcp(struct receiver *r)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(r->listener >= 0);
	assert_int_equal(bind(r->listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(r->listener, 16), 0);
	assert_int_equal(getsockname(r->listener, (struct sockaddr *)&address, &len), 0);
	r->port = ntohs(address.sin_port);
}

static inline void receiver_listen_unix(struct receiver *r)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, r->socket, sizeof(address.sun_path));
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(r->listener >= 0);
	unlink(r->socket);
	assert_int_equal(bind(r->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(r->listener, 16), 0);
}

static inline void receiver_start(struct receiver *r)
{
	if (*r->socket)
		receiver_listen_unix(r);
	else
		receiver_listen_tcp(r);
	assert_int_equal(pipe(r->wake), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, receiver_main, r), 0);
}

/** What came may be read from here on. */
static inline void receiver_stop(struct receiver *r)
{
	if (!r->listener)
		return;
	assert_int_equal(write(r->wake[1], "x", 1), 1);
	pthread_join(r->thread, NULL);
	while (r->n_connections)
		receiver_drop(r, 0);
	close(r->listener);
	if (*r->socket)
		unlink(r->socket);
	close(r->wake[0]);
	close(r->wake[1]);
	r->listener = 0;
}

static inline void receiver_free(struct receiver *r)
{
	receiver_stop(r);
	text_free(&r->stored);
	text_free(&r->raw);
	text_free(&r->heads);
}
