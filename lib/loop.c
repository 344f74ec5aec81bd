/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include "agent.h"
#include "bpflog.h"
#include "clock.h"
#include "farewell.h"
#include "log.h"
#include "notify.h"
#include "poller.h"
#include "privileges.h"
#include "window.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

/** After SIGTERM, as for an output that was removed. */
#define END_WAIT_NS FAREWELL_WAIT_NS
/** A second signal within this is an echo of the first. */
#define END_DEAF_NS 1000000000ull
/** How often the end looks whether everything is sent. */
#define END_LOOK_NS 20000000ull
/** How often the service manager hears of us while it has no watchdog: for the status line. */
#define ALIVE_NS 10000000000ull
/** Blocks from here on are the kernel's again once they are freed: bodies of a host of many disks, most of all those that waited
 * in memory for a disk. In the heap they left holes that stayed, 1.5 MiB of them. */
#define LARGE_BYTES (64 << 10)

struct loop {
	struct poller *poller;
	struct agent *agent;
	const struct loop_source *source; /* NULL: SIGHUP ends it */
	struct window_state windows;
	struct poller_timer *end_timer;
	struct notify notify;
	struct poller_timer *alive_timer;
	int timer_fd;
	int signal_fd;
	uint64_t end_ns; /* poller_now_ns() when the end gives up; 0: not ending */
	bool once;       /* the first window is the last */
};

static void close_loop(struct loop *loop)
{
	agent_free(loop->agent);
	poller_free(loop->poller);
	notify_close(&loop->notify);
	ground_closep(&loop->timer_fd);
	ground_closep(&loop->signal_fd);
}

/* ---- the service manager */

/* From the loop itself, so that one that hangs is missed. sd_watchdog_enabled(3): at half of the time. */
static void on_alive(void *ctx)
{
	CLEANUP(text_free) struct text status = {0};
	struct loop *loop = ctx;

	agent_describe(loop->agent, &status);
	notify_alive(&loop->notify, text_cstr(&status));
	poller_timer_set(loop->alive_timer, loop->notify.watchdog_ns / 2 ?: ALIVE_NS);
}

static int open_notify(struct loop *loop)
{
	int err = notify_open(&loop->notify);

	if (err)
		log_warning("the service manager hears nothing of this agent: NOTIFY_SOCKET: %s",
		            strerror(-err));
	loop->alive_timer = poller_timer_new(loop->poller, on_alive, loop);
	return loop->alive_timer ? 0 : -ENOMEM;
}

static void tell_ready(struct loop *loop)
{
	if (loop->notify.fd < 0)
		return;
	notify_tell(&loop->notify, NOTIFY_READY);
	on_alive(loop);
}

/* ---- windows */

/*
 * On the wall clock, so that a boundary is met however the clock is slewed, and with CANCEL_ON_SET, so that a
 * step wakes us: the wait is then planned anew.
 */
static void plan(struct loop *loop)
{
	int err;

	do {
		struct window_now now = clock_now();
		uint64_t at_ns =
			(uint64_t)now.wall_ns + MAX(window_wait_ns(&loop->windows, now), 1);
		struct itimerspec when = {
			.it_value = {.tv_sec = (time_t)(at_ns / 1000000000),
		                     .tv_nsec = (long)(at_ns % 1000000000)},
		};

		/* ECANCELED: the clock was set before we asked, and this is the only notice of it. */
		err = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
		                      &when, NULL);
	} while (err && errno == ECANCELED);
	if (err)
		log_error("the window timer cannot be set: %s", strerror(errno));
}

static void on_end_look(void *ctx)
{
	struct loop *loop = ctx;

	if (agent_is_busy(loop->agent) && poller_now_ns() < loop->end_ns) {
		poller_timer_set(loop->end_timer, END_LOOK_NS);
		return;
	}
	agent_tell_rest(loop->agent);
	poller_stop(loop->poller);
}

/* Delivers what there is, for a while, and stops. */
static void begin_end(struct loop *loop)
{
	notify_tell(&loop->notify, NOTIFY_STOPPING);
	poller_forget(loop->poller, loop->timer_fd);
	loop->end_ns = poller_now_ns() + END_WAIT_NS;
	agent_flush(loop->agent);
	on_end_look(loop);
}

/* ---- another configuration */

static void end_reload(struct loop *loop, bool done)
{
	if (done) {
		log_info("the configuration was reloaded");
	} else {
		agent_refuse(loop->agent);
		log_error("the configuration was not reloaded: all stays as it was");
	}
	notify_tell(&loop->notify, NOTIFY_READY);
	/* What reading and loading needed is not needed any more. */
	malloc_trim(0);
}

static void commit(struct loop *loop)
{
	const struct config_agent *config;

	agent_commit(loop->agent);
	config = &agent_config(loop->agent)->agent;
	window_set_interval(&loop->windows, config->interval_ns);
	log_set_level(config->log_level);
	end_reload(loop, true);
}

static void cut(struct loop *loop, const struct window *window)
{
	agent_cut(loop->agent, window, loop->windows.steps, loop->once);
	if (agent_is_prepared(loop->agent))
		commit(loop);
}

/* What is prepared takes effect when the running window ends; sooner, where that is far away. */
static void commit_soon(struct loop *loop, uint64_t interval_ns)
{
	struct window_now now = clock_now();
	uint64_t wait_ns = window_wait_ns(&loop->windows, now);
	struct window window;

	if (!loop->windows.started)
		commit(loop);
	else if (wait_ns > LOOP_RELOAD_WAIT_NS &&
	         window_break(&loop->windows, interval_ns, now, &window))
		cut(loop, &window);
	else
		log_info("the configuration takes effect in %.1f s, when the running window ends",
		         (double)wait_ns / 1e9);
	plan(loop);
}

static void begin_reload(struct loop *loop)
{
	struct config *config;
	uint64_t interval_ns;

	notify_tell(&loop->notify, NOTIFY_RELOADING);
	log_info("SIGHUP: reading the configuration again");
	config = loop->source->load(loop->source->ctx);
	interval_ns = config ? config->agent.interval_ns : 0;
	if (!config || agent_prepare(loop->agent, config))
		end_reload(loop, false);
	else
		commit_soon(loop, interval_ns);
}

/* ---- windows and signals */

static void keep_pages(void)
{
	int err = privileges_keep_pages();

	if (err)
		log_info(
			"the agent's pages cannot be kept in memory: %s; with the root disk hung it may "
			"wait, too; raise its limit of locked memory (LimitMEMLOCK)",
			strerror(-err));
}

static void on_timer(void *ctx, int fd, uint32_t events)
{
	struct loop *loop = ctx;
	struct window window;
	uint64_t fired;

	(void)events;
	/* ECANCELED says that the clock was set; either way the window's state decides. */
	if (read(fd, &fired, sizeof(fired)) < 0 && errno == EAGAIN)
		return;
	switch (window_look(&loop->windows, clock_now(), &window)) {
	case WINDOW_BASELINE:
		agent_baseline(loop->agent);
		/* What start-up needed is not needed any more. */
		malloc_trim(0);
		keep_pages();
		break;
	case WINDOW_CUT:
		cut(loop, &window);
		if (loop->once) {
			begin_end(loop);
			return;
		}
		if (!agent_is_read(loop->agent)) {
			log_info("nobody reads standard output any more: ending");
			poller_stop(loop->poller);
		}
		break;
	case WINDOW_WAIT:
		break;
	}
	plan(loop);
}

/* Whoever started it in a terminal that is closed now is not asking for a reload. */
static bool is_hung_up(void)
{
	struct pollfd terminal = {.fd = STDERR_FILENO};
	struct stat st;

	return !fstat(STDERR_FILENO, &st) && S_ISCHR(st.st_mode) && poll(&terminal, 1, 0) == 1 &&
	       terminal.revents & POLLHUP;
}

static void on_signal(void *ctx, int fd, uint32_t events)
{
	struct loop *loop = ctx;
	struct signalfd_siginfo info;
	struct window window;

	(void)events;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP && loop->source && !is_hung_up()) {
		if (!loop->end_ns)
			begin_reload(loop);
		return;
	}
	if (loop->end_ns) {
		/* timeout(1) and sudo(8) send the first one twice. */
		if (poller_now_ns() < loop->end_ns - END_WAIT_NS + END_DEAF_NS)
			return;
		log_info("a second signal: ending now");
		agent_tell_rest(loop->agent);
		poller_stop(loop->poller);
		return;
	}
	log_info("%s: cutting the running window and delivering it",
	         strsignal((int)info.ssi_signo));
	if (window_close(&loop->windows, clock_now(), &window))
		agent_cut(loop->agent, &window, loop->windows.steps, true);
	begin_end(loop);
}

static int open_signals(struct loop *loop)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	/* A receiver or a pipe that went away is an answer of write(2), not a reason to die. */
	signal(SIGPIPE, SIG_IGN);
	loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return loop->signal_fd < 0
	               ? -errno
	               : poller_watch(loop->poller, loop->signal_fd, EPOLLIN, on_signal, loop);
}

/* @param config  the agent's from here on */
static int open_loop(struct loop *loop, struct config *config)
{
	int err = poller_new(&loop->poller);

	/* Threads wait for disks and for name servers. Each would else get a heap of its own, which stays. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	bpflog_catch();
	if (err) {
		config_free(config);
		return err;
	}
	/* Before signals are blocked: the host's name may wait for a name server, and ^C must end that. */
	err = agent_new(config, loop->poller, &loop->agent);
	err = err ?: open_signals(loop);
	err = err ?: agent_attach(loop->agent);
	if (err)
		return err;
	loop->end_timer = poller_timer_new(loop->poller, on_end_look, loop);
	return loop->end_timer ? 0 : -ENOMEM;
}

static int run_windows(struct loop *loop)
{
	int err;

	loop->timer_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0)
		return -errno;
	err = poller_watch(loop->poller, loop->timer_fd, EPOLLIN, on_timer, loop);
	if (err)
		return err;
	window_init(&loop->windows, agent_config(loop->agent)->agent.interval_ns, clock_now());
	plan(loop);
	tell_ready(loop);
	return poller_run(loop->poller);
}

int loop_run(struct config *config, const struct loop_source *source)
{
	CLEANUP(close_loop)
	struct loop loop = {
		.timer_fd = -1, .signal_fd = -1, .notify = NOTIFY_NONE, .source = source};

	privileges_tell();
	return open_loop(&loop, config) ?: open_notify(&loop) ?: run_windows(&loop);
}

int loop_once(struct config *config)
{
	CLEANUP(close_loop)
	struct loop loop = {.timer_fd = -1, .signal_fd = -1, .notify = NOTIFY_NONE, .once = true};
	int err;

	config_keep_outputs(config, 1);
	config->outputs[0].type = OUTPUT_STDOUT;
	err = open_loop(&loop, config);
	if (!err && agent_has_failed(loop.agent)) {
		log_error("once ends here: there is nothing to count");
		err = -EIO;
	}
	if (err)
		return err;
	log_info("counting one interval of %llu ms, from its next boundary on",
	         (unsigned long long)agent_config(loop.agent)->agent.interval_ns / 1000000);
	err = run_windows(&loop);
	return err ?: agent_has_failed(loop.agent) ? -EIO : 0;
}
