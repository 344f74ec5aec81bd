/* SPDX-License-Identifier: Apache-2.0 */
#include "outlet.h"

#include "log.h"
#include "sink.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* A pipe's reader that pauses, as Telegraf does while its outputs are slow; below what the agent's end waits (5 s). */
#define READER_WAIT_MS 4000
/* For a write that was on its way at the end; who waits longer has waited in vain before (loop.c). */
#define FREE_WAIT_MS 1000

/* Lines of one or more windows. */
struct bundle {
	struct text lines;
	uint64_t points;
	int64_t oldest_stamp_ns;
};

struct outlet {
	const struct config_output *config;
	struct {
		const struct config_output *config; /* NULL: nothing is prepared */
		char *path;                         /* NULL: standard output */
	} next;
	char *path;      /* of the sink; NULL: standard output */
	char *next_path; /* for when the present write is done; NULL: the same */
	struct worker *worker;
	struct sink sink;      /* the thread's while the worker is busy; so the next two */
	struct bundle writing; /* empty: nothing is on its way */
	struct sink_result result;
	struct bundle waiting;
	uint64_t start_ns; /* of the write */
	uint64_t torn;     /* 1: the sink holds a line that was begun */
	bool given_up;     /* what is on its way is counted as lost already */
	struct output_stats stats;
	uint64_t failing_since_ns; /* 0: it is not */
	uint64_t dropped_before;   /* lines, when it began to fail */
};

/* The thread's own, as it may hang with it longer than the configuration lives. */
static int copy_path(const struct config_output *config, char **ret_path)
{
	char *path = config->type == OUTPUT_FILE ? strdup(config->path) : NULL;

	if (!path && config->type == OUTPUT_FILE)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

static void outlet_freep(struct outlet **o)
{
	outlet_free(*o);
}

int outlet_new(const struct config_output *config, struct poller *poller,
               struct outlet **ret_outlet)
{
	assert(config && poller && ret_outlet);

	CLEANUP(outlet_freep) struct outlet *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->config = config;
	o->sink = (struct sink){.fd = -1, .wait_ms = READER_WAIT_MS};
	err = copy_path(config, &o->path);
	o->sink.path = o->path;
	if (!o->path)
		o->sink.fd = STDOUT_FILENO;
	err = err ?: worker_new(poller, &o->worker);
	if (err)
		return err;
	*ret_outlet = TAKE_PTR(o);
	return 0;
}

int outlet_prepare(struct outlet *o, const struct config_output *config)
{
	assert(o && config);

	o->next.config = NULL;
	free(TAKE_PTR(o->next.path));
	int err = copy_path(config, &o->next.path);

	if (!err)
		o->next.config = config;
	return err;
}

static void take_path(struct outlet *o)
{
	if (!o->next_path)
		return;
	free(o->path);
	o->path = TAKE_PTR(o->next_path);
	o->sink.path = o->path;
}

void outlet_commit(struct outlet *o)
{
	assert(o && o->next.config);

	o->config = o->next.config;
	o->next.config = NULL;
	free(o->next_path);
	o->next_path = TAKE_PTR(o->next.path);
	if (!worker_is_busy(o->worker))
		take_path(o);
}

void outlet_free(struct outlet *o)
{
	/* A thread that hangs keeps all of it. */
	if (!o || !worker_free(o->worker, FREE_WAIT_MS))
		return;
	free(o->path);
	free(o->next_path);
	free(o->next.path);
	sink_free(&o->sink);
	text_free(&o->writing.lines);
	text_free(&o->waiting.lines);
	free(o);
}

/* One line when it begins to fail, one when it works again. */
static void tell(struct outlet *o, int err)
{
	const char *where = o->sink.path ? o->sink.path : "standard output";
	uint64_t dropped = o->stats.lines_dropped[OUTPUT_DROP_WRITE];
	const char *why = strerror(-err);

	if (err == -EAGAIN)
		why = "nobody reads";
	else if (err == -EBUSY)
		why = "a write does not end";
	if (err && !o->failing_since_ns) {
		o->failing_since_ns = poller_now_ns();
		log_error("output %s: %s: %s; dropping lines until it takes them", o->config->name,
		          where, why);
	} else if (!err && o->failing_since_ns) {
		o->failing_since_ns = 0;
		log_info("output %s: %s takes lines again; %lu were dropped", o->config->name,
		         where, (unsigned long)(dropped - o->dropped_before));
	}
	if (!err)
		o->dropped_before = dropped;
	o->stats.failing = o->failing_since_ns;
}

/* On the thread. */
static void write_bundle(void *ctx)
{
	struct outlet *o = ctx;

	o->result = sink_write(&o->sink, o->writing.lines.data, o->writing.lines.len);
}

static void start(struct outlet *o);

static void on_written(void *ctx)
{
	struct outlet *o = ctx;
	const struct sink_result *r = &o->result;

	o->stats.push_ns = poller_now_ns() - o->start_ns;
	o->stats.push_max_ns = MAX(o->stats.push_max_ns, o->stats.push_ns);
	o->stats.status = r->err;
	o->stats.verdicts[r->err ? VERDICT_DROP : VERDICT_SENT]++;
	o->stats.bytes_sent += r->bytes;
	if (!o->given_up) {
		o->stats.lines_sent += r->sent;
		o->stats.lines_dropped[OUTPUT_DROP_WRITE] += r->dropped;
		o->torn = o->sink.rest.len ? 1 : 0;
	}
	o->writing.points = 0;
	tell(o, r->err);
	if (o->waiting.points)
		start(o);
}

/* Writes what waits; nothing may wait: then the rest of a line that was begun. */
static void start(struct outlet *o)
{
	struct bundle written = o->writing;
	int err;

	o->writing = o->waiting;
	o->waiting = written;
	text_clear(&o->waiting.lines);
	o->waiting.points = 0;
	o->start_ns = poller_now_ns();
	take_path(o);
	err = worker_start(o->worker, write_bundle, on_written, o);
	if (!err)
		return;
	/* No thread is to be had: as if the file did not take them. */
	o->result = (struct sink_result){.dropped = o->writing.points, .err = err};
	on_written(o);
}

static void drop(struct outlet *o, enum output_drop reason, uint64_t points)
{
	o->stats.lines_dropped[reason] += points;
}

void outlet_lines(struct outlet *o, const char *lines, size_t len, uint64_t points,
                  int64_t stamp_ns)
{
	assert(o);

	struct text *waiting = &o->waiting.lines;

	if (!worker_is_busy(o->worker))
		o->stats.push_max_ns = 0;
	o->stats.lines_collected += points;
	o->stats.bytes_collected += len;
	if (worker_is_busy(o->worker) && waiting->len + len > OUTLET_MAX_BYTES) {
		drop(o, OUTPUT_DROP_WRITE, points);
		tell(o, -EBUSY);
		return;
	}
	if (text_reserve(waiting, len)) {
		/* What was in it before is whole. */
		waiting->err = 0;
		drop(o, OUTPUT_DROP_MEMORY, points);
		return;
	}
	text_append(waiting, lines, len);
	if (!o->waiting.points)
		o->waiting.oldest_stamp_ns = stamp_ns;
	o->waiting.points += points;
	if (!worker_is_busy(o->worker))
		start(o);
}

void outlet_flush(struct outlet *o)
{
	assert(o);

	if (!worker_is_busy(o->worker) && o->torn)
		start(o);
}

bool outlet_is_busy(const struct outlet *o)
{
	assert(o);

	return worker_is_busy(o->worker);
}

static uint64_t queued(const struct outlet *o)
{
	/* The line that was begun is told by the thread, once it is done. */
	return o->waiting.points + (o->given_up ? 0 : o->writing.points + o->torn);
}

void outlet_tell_rest(struct outlet *o)
{
	assert(o);

	uint64_t lost = queued(o);

	if (!lost)
		return;
	drop(o, OUTPUT_DROP_END, lost);
	o->waiting.points = 0;
	o->given_up = true;
	log_warning("output %s: lost %lu lines: %s did not take them before the end",
	            o->config->name, (unsigned long)lost,
	            o->sink.path ? o->sink.path : "standard output");
}

bool outlet_is_closed(const struct outlet *o)
{
	assert(o);

	return o->config->type == OUTPUT_STDOUT && o->stats.status == -EPIPE;
}

struct output_stats outlet_stats(const struct outlet *o)
{
	assert(o);

	struct output_stats stats = o->stats;

	stats.lines_queued = stats.lines_unsaved = queued(o);
	if (!stats.lines_queued)
		return stats;
	stats.bytes_queued = o->waiting.lines.len + (o->writing.points ? o->writing.lines.len : 0);
	stats.oldest_stamp_ns = o->writing.points || o->torn ? o->writing.oldest_stamp_ns
	                                                     : o->waiting.oldest_stamp_ns;
	return stats;
}
