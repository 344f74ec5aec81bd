/* SPDX-License-Identifier: Apache-2.0 */
#include "poller.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

/* Events taken at once; more wait for the next turn. */
#define POLLER_EVENTS 16
/* The table of watches grows by so many: signals, the window's timer, and a connection for each of a few outputs. */
#define POLLER_WATCHES 8
/* Marks the timerfd among the events; watches count up from 1. */
#define POLLER_TIMER_ID 0

struct poller_watch {
	int fd;
	uint32_t id; /* tells an event of a closed fd from one of the new fd with its number */
	poller_fd_fn fn;
	void *ctx;
};

struct poller_timer {
	struct poller *poller;
	struct poller_timer *next;
	poller_timer_fn fn;
	void *ctx;
	uint64_t deadline_ns; /* 0 = not set */
};

struct poller {
	int epoll_fd;
	int timer_fd; /* not epoll's own timeout: that counts in milliseconds, and a window's end should not wait for one */
	bool stopped;
	uint32_t last_id;
	uint64_t armed_ns; /* deadline of the timerfd; 0 = none */
	struct poller_watch *watches;
	size_t n_watches, cap_watches;
	struct poller_timer *timers;
};

uint64_t poller_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int poller_new(struct poller **ret_poller)
{
	assert(ret_poller);

	CLEANUP(poller_freep) struct poller *poller = calloc(1, sizeof(*poller));
	/* By its edge: it need not be read, and setting it anew forgets what it counted (timerfd_settime(2)). */
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = POLLER_TIMER_ID};

	if (!poller)
		return -ENOMEM;
	poller->timer_fd = -1;
	poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (poller->epoll_fd < 0)
		return -errno;
	poller->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (poller->timer_fd < 0)
		return -errno;
	if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, poller->timer_fd, &event))
		return -errno;
	*ret_poller = TAKE_PTR(poller);
	return 0;
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;
	while (poller->timers)
		poller_timer_free(poller->timers);
	if (poller->timer_fd >= 0)
		close(poller->timer_fd);
	if (poller->epoll_fd >= 0)
		close(poller->epoll_fd);
	free(poller->watches);
	free(poller);
}

void poller_freep(struct poller **poller)
{
	poller_free(*poller);
}

static struct poller_watch *find_watch(struct poller *poller, int fd)
{
	for (size_t i = 0; i < poller->n_watches; i++)
		if (poller->watches[i].fd == fd)
			return &poller->watches[i];
	return NULL;
}

static struct poller_watch *add_watch(struct poller *poller, int fd)
{
	/* Room is kept: a connection's descriptor comes and goes with each request. */
	if (poller->n_watches == poller->cap_watches) {
		size_t cap = poller->cap_watches + POLLER_WATCHES;
		struct poller_watch *watches =
			reallocarray(poller->watches, cap, sizeof(poller->watches[0]));

		if (!watches)
			return NULL;
		poller->watches = watches;
		poller->cap_watches = cap;
	}
	poller->watches[poller->n_watches] = (struct poller_watch){.fd = fd};
	return &poller->watches[poller->n_watches++];
}

static int control(struct poller *poller, bool known, int fd, struct epoll_event *event)
{
	int op = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (!epoll_ctl(poller->epoll_fd, op, fd, event))
		return 0;
	/* Closed without poller_forget(), and its number given to a new file since. */
	if (known && errno == ENOENT && !epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, event))
		return 0;
	return -errno;
}

int poller_watch(struct poller *poller, int fd, uint32_t events, poller_fd_fn fn, void *ctx)
{
	assert(poller && fd >= 0 && fn);

	struct poller_watch *watch = find_watch(poller, fd);
	bool known = watch;
	int err;

	if (!known)
		watch = add_watch(poller, fd);
	if (!watch)
		return -ENOMEM;
	if (!known) {
		poller->last_id += poller->last_id + 1 == POLLER_TIMER_ID ? 2 : 1;
		watch->id = poller->last_id;
	}
	watch->fn = fn;
	watch->ctx = ctx;
	err = control(poller, known, fd,
	              &(struct epoll_event){.events = events,
	                                    .data.u64 = (uint64_t)watch->id << 32 | (uint32_t)fd});
	if (err && !known)
		poller->n_watches--;
	return err;
}

void poller_forget(struct poller *poller, int fd)
{
	assert(poller);

	struct poller_watch *watch = find_watch(poller, fd);

	if (!watch)
		return;
	/* Fails when the fd was closed before: then epoll has forgotten it already. */
	(void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	*watch = poller->watches[--poller->n_watches];
}

struct poller_timer *poller_timer_new(struct poller *poller, poller_timer_fn fn, void *ctx)
{
	assert(poller && fn);

	struct poller_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return NULL;
	*timer = (struct poller_timer){
		.poller = poller, .next = poller->timers, .fn = fn, .ctx = ctx};
	poller->timers = timer;
	return timer;
}

void poller_timer_free(struct poller_timer *timer)
{
	if (!timer)
		return;
	struct poller_timer **link = &timer->poller->timers;

	while (*link != timer)
		link = &(*link)->next;
	*link = timer->next;
	free(timer);
}

void poller_timer_set(struct poller_timer *timer, uint64_t delay_ns)
{
	assert(timer);

	uint64_t now_ns = poller_now_ns();

	timer->deadline_ns = delay_ns < UINT64_MAX - now_ns ? now_ns + delay_ns : UINT64_MAX;
}

void poller_timer_clear(struct poller_timer *timer)
{
	assert(timer);

	timer->deadline_ns = 0;
}

bool poller_timer_is_set(const struct poller_timer *timer)
{
	assert(timer);

	return timer->deadline_ns;
}

static struct poller_timer *earliest(struct poller *poller)
{
	struct poller_timer *found = NULL;

	for (struct poller_timer *timer = poller->timers; timer; timer = timer->next)
		if (timer->deadline_ns && (!found || timer->deadline_ns < found->deadline_ns))
			found = timer;
	return found;
}

/* Those due when this turn began: one that sets itself anew at once does not keep descriptors waiting. */
static void fire_timers(struct poller *poller)
{
	uint64_t now_ns = poller_now_ns();
	struct poller_timer *timer = earliest(poller);

	while (timer && timer->deadline_ns < now_ns && !poller->stopped) {
		timer->deadline_ns = 0;
		timer->fn(timer->ctx);
		timer = earliest(poller);
	}
}

/*
 * A deadline that has passed is not given to the timerfd: that would be two system calls more, to be told what is known.
 * @return 0, 1: one has passed; -errno
 */
static int arm(struct poller *poller)
{
	struct poller_timer *timer = earliest(poller);
	uint64_t deadline_ns = timer ? timer->deadline_ns : 0;
	struct itimerspec spec = {
		.it_value.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.it_value.tv_nsec = (long)(deadline_ns % 1000000000u),
	};

	if (deadline_ns == poller->armed_ns)
		return 0;
	if (timer && deadline_ns < poller_now_ns())
		return 1;
	if (timerfd_settime(poller->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL))
		return -errno;
	poller->armed_ns = deadline_ns;
	return 0;
}

static void handle_event(struct poller *poller, const struct epoll_event *event)
{
	if (event->data.u64 == POLLER_TIMER_ID) {
		poller->armed_ns = 0;
		return;
	}
	struct poller_watch *watch = find_watch(poller, (int)(uint32_t)event->data.u64);

	if (watch && watch->id == event->data.u64 >> 32)
		watch->fn(watch->ctx, watch->fd, event->events);
}

int poller_run(struct poller *poller)
{
	assert(poller);

	struct epoll_event events[POLLER_EVENTS];

	poller->stopped = false;
	while (!poller->stopped) {
		int due = arm(poller);
		if (due < 0)
			return due;
		int n = epoll_wait(poller->epoll_fd, events, POLLER_EVENTS, due ? 0 : -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n && !poller->stopped; i++)
			handle_event(poller, &events[i]);
		if (!poller->stopped)
			fire_timers(poller);
	}
	return 0;
}

void poller_stop(struct poller *poller)
{
	assert(poller);

	poller->stopped = true;
}
