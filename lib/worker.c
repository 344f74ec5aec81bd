/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct worker {
	struct poller *poller;
	pthread_t thread;
	bool has_thread;
	bool busy;    /* from worker_start() until done() is called; the loop's */
	int event_fd; /* the thread tells the loop that it is done */
	worker_fn work, done;
	void *ctx;
	/* Both sides', under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t given;
	bool has_job, ending, left;
};

/* Cannot fail: the counter is far from its end, and the loop closes it after us. */
static void tell_loop(const struct worker *w)
{
	const uint64_t one = 1;

	(void)!write(w->event_fd, &one, sizeof(one));
}

static void *run(void *arg)
{
	struct worker *w = arg;

	/* For who looks what waits in state D. */
	(void)pthread_setname_np(pthread_self(), "thermograf-disk");
	pthread_mutex_lock(&w->lock);
	while (w->has_job || !w->ending) {
		if (!w->has_job) {
			pthread_cond_wait(&w->given, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		w->work(w->ctx);
		pthread_mutex_lock(&w->lock);
		w->has_job = false;
		tell_loop(w);
	}
	w->left = true;
	tell_loop(w);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void on_done(void *ctx, int fd, uint32_t events)
{
	struct worker *w = ctx;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) != sizeof(count) || !w->busy)
		return;
	w->busy = false;
	w->done(w->ctx);
}

static void close_worker(struct worker *w)
{
	if (w->event_fd >= 0) {
		poller_forget(w->poller, w->event_fd);
		close(w->event_fd);
	}
	pthread_cond_destroy(&w->given);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int worker_new(struct poller *poller, struct worker **ret_worker)
{
	assert(poller && ret_worker);

	struct worker *w = calloc(1, sizeof(*w));
	int err = 0;

	if (!w)
		return -ENOMEM;
	*w = (struct worker){.poller = poller,
	                     .lock = PTHREAD_MUTEX_INITIALIZER,
	                     .given = PTHREAD_COND_INITIALIZER};
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->event_fd < 0)
		err = -errno;
	err = err ?: poller_watch(poller, w->event_fd, EPOLLIN, on_done, w);
	if (err) {
		close_worker(w);
		return err;
	}
	*ret_worker = w;
	return 0;
}

/* With all signals blocked: they are the loop's, whoever blocks them later. */
static int make_thread(struct worker *w)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->has_thread = !err;
	return -err;
}

int worker_start(struct worker *w, worker_fn work, worker_fn done, void *ctx)
{
	assert(w && work && done);

	int err;

	if (w->busy)
		return -EBUSY;
	err = w->has_thread ? 0 : make_thread(w);
	if (err)
		return err;
	pthread_mutex_lock(&w->lock);
	w->work = work;
	w->done = done;
	w->ctx = ctx;
	w->busy = true;
	w->has_job = true;
	pthread_cond_signal(&w->given);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

bool worker_is_busy(const struct worker *w)
{
	assert(w);

	return w->busy;
}

/* Not pthread_clockjoin_np(): ThreadSanitizer knows it since clang 16 only. */
static bool thread_left(struct worker *w, uint32_t wait_ms)
{
	uint64_t until_ns = poller_now_ns() + wait_ms * 1000000ull, now_ns;
	struct pollfd told = {.fd = w->event_fd, .events = POLLIN};
	uint64_t count;
	bool left;

	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->given);
	left = w->left;
	pthread_mutex_unlock(&w->lock);
	while (!left && (now_ns = poller_now_ns()) < until_ns) {
		/* Rounded up, so that the last wait is not many short ones. */
		poll(&told, 1, (int)((until_ns - now_ns) / 1000000) + 1);
		(void)!read(w->event_fd, &count, sizeof(count));
		pthread_mutex_lock(&w->lock);
		left = w->left;
		pthread_mutex_unlock(&w->lock);
	}
	return left;
}

bool worker_free(struct worker *w, uint32_t wait_ms)
{
	if (!w)
		return true;
	if (w->has_thread && !thread_left(w, wait_ms)) {
		pthread_detach(w->thread);
		poller_forget(w->poller, w->event_fd);
		return false;
	}
	if (w->has_thread)
		pthread_join(w->thread, NULL);
	close_worker(w);
	return true;
}
