/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet CONFIG HOSTS LINES WINDOWS: plays many hosts against one receiver, with the agent's own code from lines to
 * requests. All cut their windows at the same instants, and have the offsets of sending of that many names.
 *
 * The interval, flush_jitter and the first output are those of the file. On standard output: "window NS" for each
 * boundary, "post NS STAMP LINES" for each request when it begins (wall clock, stamp of its window), and in the end one
 * line of sums. Ends when all is delivered, or gives up after a minute.
 */
#include "clock.h"
#include "config.h"
#include "http.h"
#include "identity.h"
#include "log.h"
#include "output.h"
#include "poller.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define HOSTS_MAX 4096
#define HOSTS_A_TURN 20
#define LOOK_NS 20000000ull
#define GIVE_UP_NS 60000000000ull

struct fleet {
	struct config *config;
	struct poller *poller;
	struct http *http;
	struct poller_timer *boundary, *look;
	struct output *hosts[HOSTS_MAX];
	uint64_t offsets_ns[HOSTS_MAX];
	unsigned int n_hosts, n_lines, windows_left, window;
	unsigned int next_host; /* of the present window */
	int64_t stamp_ns;       /* of the present window */
	uint64_t end_ns;        /* when to give up */
	struct text lines;
};

static struct fleet fleet;

/* The linker puts this in front of http_post(): who sends is told by the batch's first tag. */
int __real_http_post(struct http_client *client, const char *url, const char *socket,
                     const struct batch *batch, bool fresh, http_fn fn, void *ctx);
int __wrap_http_post(struct http_client *client, const char *url, const char *socket,
                     const struct batch *batch, bool fresh, http_fn fn, void *ctx);

int __wrap_http_post(struct http_client *client, const char *url, const char *socket,
                     const struct batch *batch, bool fresh, http_fn fn, void *ctx)
{
	printf("post %lld %lld %u\n", (long long)clock_now().wall_ns, (long long)batch->stamp_ns,
	       batch->points);
	return __real_http_post(client, url, socket, batch, fresh, fn, ctx);
}

static void die(const char *what, int err)
{
	fprintf(stderr, "fleet: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* As a host with some busy disks tells them. */
static void write_lines(unsigned int host, int64_t stamp_ns)
{
	text_clear(&fleet.lines);
	for (unsigned int i = 0; i < fleet.n_lines; i++)
		text_printf(
			&fleet.lines,
			"block_io_latency,dc=lab,device=sd%c,host=host%04u,layer=disk,le=%u,op=%s,"
			"phase=total count=%ui %lld\n",
			'a' + (int)(i / 30 % 26), host, 1u << (i % 15),
			i / 15 % 2 ? "write" : "read", fleet.window * 1000 + i,
			(long long)stamp_ns);
}

static void plan(void)
{
	uint64_t interval_ns = fleet.config->agent.interval_ns;

	poller_timer_set(fleet.boundary, interval_ns - (uint64_t)clock_now().wall_ns % interval_ns);
}

static void give_window(unsigned int host, int64_t stamp_ns)
{
	uint64_t since_ns = (uint64_t)(clock_now().wall_ns - stamp_ns);
	uint64_t offset_ns = fleet.offsets_ns[host];
	const struct push_times times = {
		.stamp_ns = stamp_ns,
		/* What the hosts before this one cost is no delay of its own. */
		.offset_ns = offset_ns - MIN(offset_ns, since_ns),
		.save_ns = fleet.config->agent.interval_ns / 2,
	};

	write_lines(host, stamp_ns);
	output_lines(fleet.hosts[host], fleet.lines.data, fleet.lines.len, fleet.n_lines, &times);
}

/* Some hosts a turn, those that send first before the others: a thousand are the work of a quarter of a second. */
static void on_boundary(void *ctx)
{
	int64_t now_ns = clock_now().wall_ns;
	unsigned int end = MIN(fleet.next_host + HOSTS_A_TURN, fleet.n_hosts);

	(void)ctx;
	if (!fleet.next_host) {
		fleet.stamp_ns = now_ns - now_ns % (int64_t)fleet.config->agent.interval_ns;
		printf("window %lld\n", (long long)fleet.stamp_ns);
	}
	for (; fleet.next_host < end; fleet.next_host++)
		give_window(fleet.next_host, fleet.stamp_ns);
	if (fleet.next_host < fleet.n_hosts) {
		poller_timer_set(fleet.boundary, 0);
		return;
	}
	fleet.next_host = 0;
	fleet.window++;
	if (--fleet.windows_left)
		plan();
	else
		poller_timer_set(fleet.look, LOOK_NS);
}

static void on_look(void *ctx)
{
	uint64_t queued = 0;

	(void)ctx;
	for (unsigned int i = 0; i < fleet.n_hosts; i++)
		queued += output_stats(fleet.hosts[i]).lines_queued;
	if (!fleet.end_ns)
		fleet.end_ns = poller_now_ns() + GIVE_UP_NS;
	if (!queued || poller_now_ns() > fleet.end_ns)
		poller_stop(fleet.poller);
	else
		poller_timer_set(fleet.look, LOOK_NS);
}

static void print_sums(void)
{
	struct output_stats sum = {0};
	uint64_t dropped = 0;
	struct rusage used;

	for (unsigned int i = 0; i < fleet.n_hosts; i++) {
		struct output_stats s = output_stats(fleet.hosts[i]);

		sum.lines_collected += s.lines_collected;
		sum.lines_sent += s.lines_sent;
		sum.lines_queued += s.lines_queued;
		sum.bytes_sent += s.bytes_sent;
		sum.batches_sent += s.batches_sent;
		sum.retries += s.retries;
		for (int d = 0; d < OUTPUT_DROP_MAX; d++)
			dropped += s.lines_dropped[d];
	}
	getrusage(RUSAGE_SELF, &used);
	printf("sums collected %lu sent %lu queued %lu dropped %lu bytes %lu batches %lu retries %lu cpu_ms %lu\n",
	       (unsigned long)sum.lines_collected, (unsigned long)sum.lines_sent,
	       (unsigned long)sum.lines_queued, (unsigned long)dropped,
	       (unsigned long)sum.bytes_sent, (unsigned long)sum.batches_sent,
	       (unsigned long)sum.retries,
	       (unsigned long)((used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
	                       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000));
}

static int by_time(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void open_hosts(void)
{
	const struct config_agent *agent = &fleet.config->agent;
	uint64_t bound_ns = MIN(agent->flush_jitter_ns, agent->interval_ns / 2);
	int err = 0;

	for (unsigned int i = 0; i < fleet.n_hosts; i++) {
		char name[16];
		int len = snprintf(name, sizeof(name), "host%04u", i);

		fleet.offsets_ns[i] = identity_spread(name, (size_t)len, bound_ns);
	}
	qsort(fleet.offsets_ns, fleet.n_hosts, sizeof(fleet.offsets_ns[0]), by_time);
	for (unsigned int i = 0; i < fleet.n_hosts && !err; i++) {
		err = output_new(&fleet.config->outputs[0], fleet.http, fleet.poller,
		                 &fleet.hosts[i]);
	}
	if (err)
		die("an output cannot be made", err);
}

static void load(const char *file)
{
	const struct config_sources sources = {.file = file};
	struct report report = {0};

	if (config_load(&sources, &fleet.config, &report)) {
		log_report(&report);
		exit(1);
	}
	report_free(&report);
}

int main(int argc, char **argv)
{
	struct rlimit files;
	int err;

	if (argc != 5)
		die("usage: fleet CONFIG HOSTS LINES WINDOWS", -EINVAL);
	setlinebuf(stdout);
	signal(SIGPIPE, SIG_IGN);
	/* One connection each. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	load(argv[1]);
	fleet.n_hosts = MIN((unsigned int)strtoul(argv[2], NULL, 10), HOSTS_MAX);
	fleet.n_lines = (unsigned int)strtoul(argv[3], NULL, 10);
	fleet.windows_left = (unsigned int)strtoul(argv[4], NULL, 10);
	err = poller_new(&fleet.poller);
	err = err ?: http_new(fleet.poller, &fleet.http);
	if (err)
		die("no poller", err);
	open_hosts();
	fleet.boundary = poller_timer_new(fleet.poller, on_boundary, NULL);
	fleet.look = poller_timer_new(fleet.poller, on_look, NULL);
	plan();
	err = poller_run(fleet.poller);
	print_sums();
	for (unsigned int i = 0; i < fleet.n_hosts; i++)
		output_free(fleet.hosts[i]);
	http_free(fleet.http);
	poller_free(fleet.poller);
	config_free(fleet.config);
	text_free(&fleet.lines);
	return err ? 1 : 0;
}
