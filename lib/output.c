/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include "log.h"
#include "push.h"
#include "sink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct output {
	const struct config_output *config;
	struct push *push; /* NULL: stdout or file, and what follows */
	struct sink sink;
	struct output_stats stats;
	uint64_t failing_since_ns; /* 0: it is not */
	uint64_t dropped_before;   /* lines, when it began to fail */
};

int output_new(const struct config_output *config, struct http *http, struct poller *poller,
               struct output **ret_output)
{
	assert(config && poller && ret_output);

	CLEANUP(output_freep) struct output *o = calloc(1, sizeof(*o));
	int err = 0;

	if (!o)
		return -ENOMEM;
	o->config = config;
	o->sink = (struct sink){.fd = -1};
	if (config->type == OUTPUT_STDOUT)
		o->sink.fd = STDOUT_FILENO;
	else if (config->type == OUTPUT_FILE)
		o->sink.path = config->path;
	else
		err = push_new(config, http, poller, &o->push);
	if (err)
		return err;
	*ret_output = TAKE_PTR(o);
	return 0;
}

void output_free(struct output *o)
{
	if (!o)
		return;
	push_free(o->push);
	sink_free(&o->sink);
	free(o);
}

void output_freep(struct output **o)
{
	output_free(*o);
}

const char *output_name(const struct output *o)
{
	assert(o);

	return o->config->name;
}

/* One line when it begins to fail, one when it works again. */
static void tell_sink(struct output *o, int err)
{
	const char *where = o->sink.path ? o->sink.path : "standard output";
	uint64_t dropped = o->stats.lines_dropped[OUTPUT_DROP_WRITE];

	if (err && !o->failing_since_ns) {
		o->failing_since_ns = poller_now_ns();
		log_error("output %s: %s: %s; dropping lines until it takes them", o->config->name,
		          where, err == -EAGAIN ? "nobody reads" : strerror(-err));
	} else if (!err && o->failing_since_ns) {
		o->failing_since_ns = 0;
		log_info("output %s: %s takes lines again; %lu were dropped", o->config->name,
		         where, (unsigned long)(dropped - o->dropped_before));
	}
	if (!err)
		o->dropped_before = dropped;
}

static void lines_to_sink(struct output *o, const char *lines, size_t len)
{
	uint64_t begun = o->sink.rest.len ? 1 : 0;
	uint64_t start_ns = poller_now_ns();
	struct sink_result result = sink_write(&o->sink, lines, len);

	o->stats.push_ns = poller_now_ns() - start_ns;
	o->stats.push_max_ns = o->stats.push_ns;
	o->stats.status = result.err;
	o->stats.verdicts[result.err ? VERDICT_DROP : VERDICT_SENT]++;
	o->stats.bytes_collected += len;
	o->stats.bytes_sent += result.bytes;
	o->stats.lines_sent += result.sent;
	o->stats.lines_dropped[OUTPUT_DROP_WRITE] += result.dropped;
	o->stats.lines_queued = o->sink.rest.len ? 1 : 0;
	o->stats.lines_collected += result.sent + result.dropped + o->stats.lines_queued - begun;
	tell_sink(o, result.err);
	o->stats.failing = o->failing_since_ns;
}

void output_lines(struct output *o, const char *lines, size_t len, uint64_t points,
                  int64_t stamp_ns, uint64_t offset_ns)
{
	assert(o);

	if (o->push)
		push_lines(o->push, lines, len, points, stamp_ns, offset_ns);
	else
		lines_to_sink(o, lines, len);
}

void output_flush(struct output *o)
{
	assert(o);

	if (o->push)
		push_flush(o->push);
	else if (o->sink.rest.len)
		lines_to_sink(o, "", 0);
}

bool output_is_busy(const struct output *o)
{
	assert(o);

	return o->push && push_is_busy(o->push);
}

void output_tell_rest(struct output *o)
{
	assert(o);

	if (o->push)
		push_tell_rest(o->push);
}

bool output_is_closed(const struct output *o)
{
	assert(o);

	return o->config->type == OUTPUT_STDOUT && o->stats.status == -EPIPE;
}

struct output_stats output_stats(const struct output *o)
{
	assert(o);

	return o->push ? push_stats(o->push) : o->stats;
}
