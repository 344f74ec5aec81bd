/* SPDX-License-Identifier: Apache-2.0 */
#include "push.h"

#include "batch.h"
#include "confdiff.h"
#include "log.h"
#include "patience.h"
#include "settle.h"
#include "spool.h"
#include "uplink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What another section needs, made beside what is in use; NULL: that stays. */
struct push_next {
	const struct config_output *config; /* NULL: nothing is prepared */
	struct uplink *uplink;
	struct batcher *batcher;
};

struct push {
	const struct config_output *config;
	struct push_next next;
	struct http *http;
	struct poller *poller;
	struct output_stats stats; /* what the spool counts is added when asked for */
	struct settle settle;
	struct poller_timer *start; /* set: the newest window's time has not come */
	struct poller_timer *retry; /* set: nothing is sent before */
	struct batcher *batcher;
	struct spool *spool;
	struct uplink *uplink;
	unsigned int old_left;    /* in this interval */
	const struct batch *lent; /* on its way; NULL: none */
	bool lent_old;
	bool held; /* a person has to do something */
	bool flushing;
	bool gave_up;           /* flushing, and the receiver does not take it */
	uint64_t full_told_ns;  /* when a full spool was logged last */
	uint64_t spool_dropped; /* lines, as last seen */
	uint64_t lines_in;      /* of the present push_lines() that reached the spool */
};

static void pump(struct push *p);

static void on_timer(void *ctx)
{
	pump(ctx);
}

/* Until the next request. At the end there is no waiting. */
static void wait(struct push *p, uint64_t wait_ms)
{
	p->gave_up = p->flushing && wait_ms;
	if (wait_ms && !p->flushing)
		poller_timer_set(p->retry, wait_ms * 1000000u);
}

/* Somebody may have done what the output was held for. */
static void on_credentials(void *ctx)
{
	struct push *p = ctx;

	if (p->held)
		poller_timer_clear(p->retry);
	pump(p);
}

/*
 * Before a request. A file that is missing or empty holds this output only: whoever brings it may come later than
 * the agent, and the other outputs are not at fault.
 */
static bool is_ready(struct push *p)
{
	CLEANUP(text_free) struct text why = {0};
	enum uplink_state state = uplink_state(p->uplink, &why);

	if (state != UPLINK_CANNOT)
		return state == UPLINK_READY;
	p->held = true;
	complaint_problem(&p->settle.complaint, text_cstr(&why), spool_totals(p->spool).windows,
	                  p->flushing ? TROUBLE_NO_MORE : PATIENCE_HOLD_MS);
	wait(p, PATIENCE_HOLD_MS);
	return false;
}

int push_new(const struct config_output *config, struct http *http, struct poller *poller,
             struct push **ret_push)
{
	assert(config && config->urls.n && http && poller && ret_push);

	CLEANUP(push_freep) struct push *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->config = config;
	p->http = http;
	p->poller = poller;
	p->start = poller_timer_new(poller, on_timer, p);
	p->retry = poller_timer_new(poller, on_timer, p);
	err = p->start && p->retry ? uplink_new(config, http, poller, on_credentials, p, &p->uplink)
	                           : -ENOMEM;
	err = err ?: batcher_new(config->content_encoding, &p->batcher);
	err = err ?: spool_new(config->spool_max_bytes, 0, &p->spool);
	if (err)
		return err;
	settle_init(&p->settle, config, &p->stats, p->batcher, p->spool, p->uplink);
	*ret_push = TAKE_PTR(p);
	return 0;
}

static void forget_next(struct push *p)
{
	uplink_free(p->next.uplink);
	batcher_free(p->next.batcher);
	p->next = (struct push_next){0};
}

void push_free(struct push *p)
{
	if (!p)
		return;
	forget_next(p);
	uplink_free(p->uplink);
	spool_free(p->spool);
	batcher_free(p->batcher);
	poller_timer_free(p->start);
	poller_timer_free(p->retry);
	settle_free(&p->settle);
	free(p);
}

void push_freep(struct push **p)
{
	push_free(*p);
}

static void settle(struct push *p, const struct http_result *result)
{
	/* Parts are of the batch that was counted when it was rejected, halves are counted when they are sent. */
	bool part = p->lent->part;
	struct settled settled = settle_answer(&p->settle, p->lent, result, p->flushing);

	if (p->lent_old && p->old_left && !part && settled.action != VERDICT_SPLIT)
		p->old_left--;
	p->lent = NULL;
	p->held = settled.action == VERDICT_HOLD;
	wait(p, settled.wait_ms);
}

static void on_answer(void *ctx, const struct http_result *result)
{
	struct push *p = ctx;

	settle(p, result);
	pump(p);
}

/* Sends what is due, one batch at a time; every event that may make one due ends here. */
static void pump(struct push *p)
{
	if (p->lent || p->gave_up || poller_timer_is_set(p->start) || poller_timer_is_set(p->retry))
		return;
	if (!is_ready(p))
		return;
	p->lent_old = false;
	p->lent = spool_lend(p->spool, SPOOL_FRESH);
	if (!p->lent && (p->old_left || p->flushing)) {
		p->lent_old = true;
		p->lent = spool_lend(p->spool, SPOOL_OLD);
	}
	if (!p->lent)
		return;
	int err = uplink_post(p->uplink, p->lent, on_answer, p);
	if (err) {
		struct http_result none = {.transport = -1, .error = strerror(-err), .body = ""};

		settle(p, &none);
		/* Not from here: each of `urls` may be like this one. */
		if (!p->gave_up && !poller_timer_is_set(p->retry))
			poller_timer_set(p->retry, 0);
	}
}

/* At once, and then as seldom as other losses. */
static void tell_full_spool(struct push *p)
{
	struct spool_totals totals = spool_totals(p->spool);
	uint64_t now_ns = poller_now_ns();

	if (totals.dropped_points == p->spool_dropped)
		return;
	p->spool_dropped = totals.dropped_points;
	if (p->full_told_ns && now_ns - p->full_told_ns < TROUBLE_DROPS_AGAIN_NS)
		return;
	p->full_told_ns = now_ns;
	log_warning("output %s: spool_max_bytes (%lu) holds no more than the last %lu windows; "
	            "dropping the oldest, %lu lines so far",
	            p->config->name, (unsigned long)p->config->spool_max_bytes,
	            (unsigned long)totals.windows, (unsigned long)totals.dropped_points);
}

/* ---- another section */

int push_prepare(struct push *p, const struct config_output *config)
{
	assert(p && config && config->urls.n);

	unsigned int diff = confdiff_output(p->config, config);
	int err = 0;

	forget_next(p);
	if (diff & CONFDIFF_RECEIVER)
		err = uplink_new(config, p->http, p->poller, on_credentials, p, &p->next.uplink);
	if (diff & CONFDIFF_BODY && !err)
		err = batcher_new(config->content_encoding, &p->next.batcher);
	if (err)
		forget_next(p);
	else
		p->next.config = config;
	return err;
}

/* A request to the former receiver: whether it took the batch is not waited for, the new one gets it. */
static void recall(struct push *p)
{
	uplink_cancel(p->uplink);
	if (p->lent)
		spool_return(p->spool, false);
	p->lent = NULL;
	poller_timer_clear(p->retry);
}

void push_commit(struct push *p)
{
	assert(p && p->next.config);

	struct push_next next = p->next, old = {0};

	p->next = (struct push_next){0};
	p->config = next.config;
	if (next.uplink) {
		recall(p);
		old.uplink = p->uplink;
		p->uplink = next.uplink;
	}
	if (next.batcher) {
		old.batcher = p->batcher;
		p->batcher = next.batcher;
	}
	settle_change(&p->settle, p->config, p->batcher, p->uplink);
	uplink_set_config(p->uplink, p->config);
	uplink_free(old.uplink);
	batcher_free(old.batcher);
	spool_set_bounds(p->spool, p->config->spool_max_bytes, 0);
	tell_full_spool(p);
	/* It may have been on its way out. */
	p->flushing = p->gave_up = false;
	pump(p);
}

/* ---- lines */

static int into_spool(void *ctx, struct batch *batch)
{
	struct push *p = ctx;

	p->lines_in += batch->points;
	/* What finds no room is counted there. */
	(void)spool_put(p->spool, batch);
	return 0;
}

void push_lines(struct push *p, const char *lines, size_t len, uint64_t points, int64_t stamp_ns,
                uint64_t offset_ns)
{
	assert(p);

	int err;

	p->lines_in = 0;
	p->stats.push_max_ns = 0;
	batcher_reuse(p->batcher, spool_take_spare(p->spool));
	err = batcher_cut(p->batcher, lines, len, bodysize_next(&p->settle.size, poller_now_ns()),
	                  stamp_ns, into_spool, p);
	p->stats.bytes_collected += len;
	p->stats.lines_collected += p->lines_in;
	if (err && points > p->lines_in) {
		uint64_t lost = points - p->lines_in;

		p->stats.lines_collected += lost;
		p->stats.lines_dropped[OUTPUT_DROP_MEMORY] += lost;
		log_error("output %s: no memory for %lu lines; dropped", p->config->name,
		          (unsigned long)lost);
	}
	tell_full_spool(p);
	uplink_look(p->uplink);
	p->old_left = PUSH_OLD_PER_INTERVAL;
	poller_timer_set(p->start, offset_ns);
}

/* ---- the end */

void push_flush(struct push *p)
{
	assert(p);

	p->flushing = true;
	p->gave_up = false;
	poller_timer_clear(p->start);
	poller_timer_clear(p->retry);
	if (p->held)
		uplink_recheck(p->uplink);
	pump(p);
}

bool push_is_busy(const struct push *p)
{
	assert(p);

	if (p->lent || poller_timer_is_set(p->start))
		return true;
	return p->flushing && !p->gave_up && spool_totals(p->spool).batches;
}

void push_tell_rest(struct push *p)
{
	assert(p);

	struct spool_totals totals = spool_totals(p->spool);

	uplink_cancel(p->uplink);
	poller_timer_clear(p->start);
	poller_timer_clear(p->retry);
	if (p->lent)
		spool_return(p->spool, false);
	p->lent = NULL;
	while (spool_lend(p->spool, SPOOL_OLD))
		spool_done(p->spool);
	if (!totals.points)
		return;
	p->stats.lines_dropped[OUTPUT_DROP_END] += totals.points;
	log_warning(
		"output %s: lost %lu lines of the last %lu windows: %s did not take them before the end",
		p->config->name, (unsigned long)totals.points, (unsigned long)totals.windows,
		uplink_label(p->uplink));
}

struct output_stats push_stats(const struct push *p)
{
	assert(p);

	struct spool_totals totals = spool_totals(p->spool);
	struct output_stats stats = p->stats;

	stats.url_index = uplink_index(p->uplink);
	stats.failing = p->settle.complaint.trouble.since_ns;
	stats.lines_dropped[OUTPUT_DROP_SPOOL] = totals.dropped_points;
	stats.lines_queued = totals.points;
	stats.batches_queued = totals.batches;
	stats.bytes_queued = totals.bytes;
	stats.windows_queued = totals.windows;
	stats.oldest_stamp_ns = totals.oldest_stamp_ns;
	return stats;
}
