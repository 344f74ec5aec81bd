/* SPDX-License-Identifier: Apache-2.0 */
#include "reach.h"

#include "batch.h"
#include "clock.h"
#include "http.h"
#include "poller.h"
#include "trouble.h"
#include "uplink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Beside its timeout: reading files of secrets counts as hung after less than this. */
#define GRACE_NS 6000000000ull

/* All that are asked. */
struct round {
	struct poller *poller;
	struct http *http;
	struct try *tries;
	size_t n, n_open; /* of them without an answer */
};

/* One receiver. */
struct
try {
	struct round *round;
	struct reach *reach;
	struct config_output config; /* the output's, with this URL alone */
	struct uplink *uplink;
	struct batch *batch;
	struct poller_timer *deadline;
	bool asked, done;
};

static void settle(struct try *t)
{
	poller_timer_clear(t->deadline);
	if (t->done)
		return;
	t->done = true;
	if (!--t->round->n_open)
		poller_stop(t->round->poller);
}

static void on_answer(void *ctx, const struct http_result *result)
{
	struct try *t = ctx;
	const struct verdict_answer answer = {.transport = result->transport,
	                                      .status = result->status,
	                                      .retry_after = result->retry_after,
	                                      .body = result->body};
	const struct verdict verdict = verdict_of(&answer);
	const struct trouble_case c = {.config = t->reach->output,
	                               .label = text_cstr(&t->reach->label),
	                               .reason = verdict.reason,
	                               .status = result->status,
	                               .error = result->error,
	                               .body = result->body};

	t->reach->status = result->status;
	t->reach->took_ns = result->took_ns;
	t->reach->taken = verdict.action == VERDICT_SENT;
	if (t->reach->taken)
		text_printf(
			&t->reach->answer, "%s takes what is sent: it answers %ld after %.1f ms",
			text_cstr(&t->reach->label), result->status, (double)result->took_ns / 1e6);
	else
		trouble_explain(&c, &t->reach->answer);
	settle(t);
}

static void fail(struct try *t, const char *problem)
{
	const struct trouble_case c = {.config = t->reach->output, .problem = problem};

	trouble_explain(&c, &t->reach->answer);
	settle(t);
}

static void ask(void *ctx)
{
	CLEANUP(text_free) struct text why = {0};
	struct try *t = ctx;
	enum uplink_state state =
		t->asked || t->done ? UPLINK_READS : uplink_state(t->uplink, &why);
	int err;

	if (state == UPLINK_CANNOT)
		fail(t, text_cstr(&why));
	if (state != UPLINK_READY)
		return;
	t->asked = true;
	err = uplink_post(t->uplink, t->batch, on_answer, t);
	if (err)
		fail(t, err == -EINVAL ? "libcurl does not take its URL" : strerror(-err));
}

static void on_deadline(void *ctx)
{
	struct try *t = ctx;

	uplink_cancel(t->uplink);
	fail(t,
	     t->asked ? "gives no answer in time" : "its files of secrets cannot be read in time");
}

static int keep_batch(void *ctx, struct batch *batch)
{
	struct try *t = ctx;

	t->batch = batch;
	return 0;
}

/* One point, through the writer of lines and the compressor of the output. */
static int make_batch(struct try *t, const struct lineproto_globals *globals)
{
	CLEANUP(text_free) struct text line = {0};
	CLEANUP(batcher_freep) struct batcher *batcher = NULL;
	const int64_t now_ns = clock_now().wall_ns;
	const struct point point = {.measurement = REACH_MEASUREMENT,
	                            .fields = {{.key = "ok", .integer = 1}},
	                            .n_fields = 1,
	                            .stamp_ns = now_ns};
	int err = lineproto_append(&line, globals, &point);

	err = err ?: batcher_new(t->config.content_encoding, &batcher);
	return err
	               ?: batcher_cut(batcher, line.data, line.len, t->config.batch_max_bytes,
	                              now_ns, keep_batch, t);
}

static int begin(struct try *t, const struct lineproto_globals *globals)
{
	struct round *round = t->round;
	int err = make_batch(t, globals);

	t->deadline = poller_timer_new(round->poller, on_deadline, t);
	err = err ?: t->deadline ? 0 : -ENOMEM;
	err = err ?: uplink_new(&t->config, round->http, round->poller, ask, t, &t->uplink);
	if (err)
		return err;
	text_str(&t->reach->label, uplink_label(t->uplink));
	poller_timer_set(t->deadline, t->config.timeout_ns + GRACE_NS);
	round->n_open++;
	ask(t);
	return 0;
}

static void end(struct round *round)
{
	for (size_t i = 0; i < round->n; i++) {
		uplink_free(round->tries[i].uplink);
		free(round->tries[i].batch);
	}
	free(round->tries);
	http_free(round->http);
	poller_free(round->poller);
}

static bool has_receiver(const struct config_output *o)
{
	return o->type != OUTPUT_FILE && o->type != OUTPUT_STDOUT;
}

static size_t count(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_outputs; i++)
		n += has_receiver(&config->outputs[i]) ? config->outputs[i].urls.n : 0;
	return n;
}

static void add(struct round *round, const struct config_output *o, struct reaches *ret)
{
	for (size_t i = 0; i < o->urls.n; i++) {
		struct try *t = &round->tries[round->n++];
		struct reach *reach = &ret->items[ret->n++];

		*reach = (struct reach){.output = o};
		*t = (struct try){.round = round, .reach = reach, .config = *o};
		t->config.urls = (struct config_list){.items = &o->urls.items[i], .n = 1};
	}
}

int reach_all(const struct config *config, const struct lineproto_globals *globals,
              struct reaches *ret)
{
	assert(config && globals && ret);

	CLEANUP(end) struct round round = {0};
	size_t n = count(config);
	int err;

	*ret = (struct reaches){.items = calloc(MAX(n, 1), sizeof(*ret->items))};
	round.tries = calloc(MAX(n, 1), sizeof(*round.tries));
	err = ret->items && round.tries ? poller_new(&round.poller) : -ENOMEM;
	err = err ?: http_new(round.poller, &round.http);
	for (size_t i = 0; i < config->n_outputs && !err; i++)
		if (has_receiver(&config->outputs[i]))
			add(&round, &config->outputs[i], ret);
	/* One that is settled at once must not end the round before the others began. */
	round.n_open = 1;
	for (size_t i = 0; i < round.n && !err; i++)
		err = begin(&round.tries[i], globals);
	round.n_open--;
	return err ?: round.n_open ? poller_run(round.poller) : 0;
}

void reach_free(struct reaches *reaches)
{
	for (size_t i = 0; i < reaches->n; i++) {
		text_free(&reaches->items[i].label);
		text_free(&reaches->items[i].answer);
	}
	free(reaches->items);
	*reaches = (struct reaches){0};
}
