/* SPDX-License-Identifier: Apache-2.0 */
/**
 * poller.h: one thread's wait for descriptors and deadlines (epoll). An edge; not thread-safe.
 *
 * Deadlines are on CLOCK_MONOTONIC, a few per agent, so a plain list is enough. Within a callback everything
 * here may be called, also to forget the fd or free the timer that called.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct poller;

/** @param events  EPOLLIN, EPOLLOUT, EPOLLERR ... that came */
typedef void (*poller_fd_fn)(void *ctx, int fd, uint32_t events);
typedef void (*poller_timer_fn)(void *ctx);

struct poller_timer;

int poller_new(struct poller **ret_poller);
/** Frees its timers, too. */
void poller_free(struct poller *poller);
void poller_freep(struct poller **poller);

/**
 * Watches @p fd; called again for the same fd it changes events and callback.
 * @return 0 or -errno; -EPERM: epoll does not take this kind of file, as a regular one
 */
int poller_watch(struct poller *poller, int fd, uint32_t events, poller_fd_fn fn, void *ctx);
/** No longer watches; unknown fds are fine. To be called before the fd is closed. */
void poller_forget(struct poller *poller, int fd);

/** Makes a timer that is not set. Owned by the poller. @return NULL when out of memory */
struct poller_timer *poller_timer_new(struct poller *poller, poller_timer_fn fn, void *ctx);
/** Frees it before the poller does. NULL is fine. */
void poller_timer_free(struct poller_timer *timer);
/** Fires once, after @p delay_ns from now; replaces an earlier setting. */
void poller_timer_set(struct poller_timer *timer, uint64_t delay_ns);
void poller_timer_clear(struct poller_timer *timer);
bool poller_timer_is_set(const struct poller_timer *timer);

/** Waits for events and runs callbacks until poller_stop(). May be run again. @return 0 or -errno of epoll */
int poller_run(struct poller *poller);
/** Ends poller_run() after the present callback; before poller_run() it has no effect. */
void poller_stop(struct poller *poller);

/** CLOCK_MONOTONIC now. */
uint64_t poller_now_ns(void);
