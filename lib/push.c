/* SPDX-License-Identifier: Apache-2.0 */
#include "push.h"

#include "batch.h"
#include "confdiff.h"
#include "keeper.h"
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
	struct poller_timer *save;  /* set: what is not settled by then goes to disk */
	struct batcher *batcher;
	struct keeper *keeper;
	struct spool *spool; /* the keeper's */
	struct uplink *uplink;
	unsigned int old_left;    /* windows, in this interval */
	int64_t old_stamp_ns;     /* of the last of them, which may have more batches */
	const struct batch *lent; /* on its way; NULL: none */
	bool ails;                /* the last push did not succeed, and is tried again later */
	bool idle;                /* there was nothing that may be sent now */
	bool held;                /* a person has to do something */
	bool flushing;
	bool gave_up;      /* flushing, and the receiver does not take it */
	uint64_t lines_in; /* of the present push_lines() that reached the spool */
};

static void pump(struct push *p);

static void on_timer(void *ctx)
{
	pump(ctx);
}

static void on_save(void *ctx)
{
	struct push *p = ctx;

	keeper_save(p->keeper);
}

/* Until the next request. At the end there is no waiting. */
static void wait(struct push *p, uint64_t wait_ms)
{
	p->gave_up = p->flushing && wait_ms;
	if (wait_ms && !p->flushing)
		poller_timer_set(p->retry, wait_ms * 1000000u);
	if (wait_ms) {
		p->ails = true;
		spool_save(p->spool);
	}
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
	p->save = poller_timer_new(poller, on_save, p);
	err = p->start && p->retry && p->save
	              ? uplink_new(config, http, poller, on_credentials, p, &p->uplink)
	              : -ENOMEM;
	err = err ?: batcher_new(config->content_encoding, &p->batcher);
	err = err ?: keeper_new(config, poller, &p->keeper);
	if (err)
		return err;
	p->spool = keeper_spool(p->keeper);
	keeper_set_user(p->keeper, on_timer, p);
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
	keeper_free(p->keeper);
	batcher_free(p->batcher);
	poller_timer_free(p->start);
	poller_timer_free(p->retry);
	poller_timer_free(p->save);
	settle_free(&p->settle);
	free(p);
}

void push_freep(struct push **p)
{
	push_free(*p);
}

static void settle(struct push *p, const struct http_result *result)
{
	struct settled settled = settle_answer(&p->settle, p->lent, result, p->flushing);

	p->lent = NULL;
	p->held = settled.action == VERDICT_HOLD;
	/* Whoever answers for the lines is there. */
	p->ails &= settled.action == VERDICT_RETRY || settled.action == VERDICT_HOLD;
	wait(p, settled.wait_ms);
	if (!spool_totals(p->spool).unsaved_points)
		poller_timer_clear(p->save);
}

static void on_answer(void *ctx, const struct http_result *result)
{
	struct push *p = ctx;

	settle(p, result);
	pump(p);
}

/*
 * At the end there is no next interval for those that would be lost. What is on disk can wait: a fleet that is started anew must
 * not send its backlogs at once.
 */
static bool may_send_old(const struct push *p)
{
	return p->old_left || (p->flushing && !keeper_has_disk(p->keeper));
}

static const struct batch *lend_old(struct push *p)
{
	const struct batch *batch = spool_lend(p->spool, SPOOL_OLD);

	/* Windows are counted, not batches: a receiver that made batches small waits no longer. */
	if (!batch || batch->stamp_ns == p->old_stamp_ns)
		return batch;
	if (!may_send_old(p)) {
		spool_return(p->spool, false);
		return NULL;
	}
	p->old_left -= p->old_left > 0;
	p->old_stamp_ns = batch->stamp_ns;
	return batch;
}

/* What is due, one batch at a time. */
static void send_next(struct push *p)
{
	if (p->lent || p->gave_up || poller_timer_is_set(p->start) || poller_timer_is_set(p->retry))
		return;
	if (!is_ready(p))
		return;
	p->lent = spool_lend(p->spool, SPOOL_FRESH) ?: lend_old(p);
	p->idle = !p->lent && !spool_is_reading(p->spool);
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

/* Every event that may make a batch due, or give the disk something to do, ends here. */
static void pump(struct push *p)
{
	send_next(p);
	keeper_look(p->keeper);
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
	keeper_set_config(p->keeper, p->config);
	keeper_tell_full(p->keeper);
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

/* An earlier agent left windows: the receiver was away, and may still be. */
static bool may_ail(const struct push *p)
{
	return p->ails || (!p->stats.batches_sent && spool_totals(p->spool).recovered_points);
}

void push_lines(struct push *p, const char *lines, size_t len, uint64_t points,
                const struct push_times *times)
{
	assert(p);

	int err;

	p->lines_in = 0;
	p->stats.push_max_ns = 0;
	batcher_reuse(p->batcher, spool_take_spare(p->spool));
	err = batcher_cut(p->batcher, lines, len, bodysize_next(&p->settle.size, poller_now_ns()),
	                  times->stamp_ns, into_spool, p);
	p->stats.bytes_collected += len;
	p->stats.lines_collected += p->lines_in;
	if (err && points > p->lines_in) {
		uint64_t lost = points - p->lines_in;

		p->stats.lines_collected += lost;
		p->stats.lines_dropped[OUTPUT_DROP_MEMORY] += lost;
		log_error("output %s: no memory for %lu lines; dropped", p->config->name,
		          (unsigned long)lost);
	}
	keeper_tell_full(p->keeper);
	uplink_look(p->uplink);
	p->old_left = PUSH_OLD_PER_INTERVAL;
	poller_timer_set(p->start, times->offset_ns);
	poller_timer_set(p->save, may_ail(p) ? 0 : times->save_ns);
}

/* ---- the end */

void push_flush(struct push *p)
{
	assert(p);

	p->flushing = true;
	p->gave_up = false;
	p->idle = false;
	poller_timer_clear(p->start);
	poller_timer_clear(p->retry);
	poller_timer_set(p->save, p->ails ? 0 : PUSH_FLUSH_SAVE_NS);
	if (p->held)
		uplink_recheck(p->uplink);
	pump(p);
}

bool push_is_busy(const struct push *p)
{
	assert(p);

	if (p->lent || poller_timer_is_set(p->start) || spool_is_reading(p->spool))
		return true;
	return p->flushing && ((!p->gave_up && !p->idle) || keeper_is_saving(p->keeper));
}

void push_tell_rest(struct push *p)
{
	assert(p);

	struct spool_totals before, kept;
	uint64_t lost;

	recall(p);
	poller_timer_clear(p->start);
	poller_timer_clear(p->save);
	p->gave_up = true;
	before = spool_totals(p->spool);
	lost = spool_drop_unsaved(p->spool);
	kept = spool_totals(p->spool);
	p->stats.lines_dropped[OUTPUT_DROP_END] += lost;
	if (kept.points)
		log_info("output %s: %lu lines of %lu windows wait in %s for the next start",
		         p->config->name, (unsigned long)kept.points, (unsigned long)kept.windows,
		         keeper_path(p->keeper));
	if (lost)
		log_warning(
			"output %s: lost %lu lines of the last %lu windows: %s did not take them "
			"before the end",
			p->config->name, (unsigned long)lost,
			(unsigned long)(before.windows - kept.windows), uplink_label(p->uplink));
}

struct output_stats push_stats(const struct push *p)
{
	assert(p);

	struct output_stats stats = p->stats;

	stats.url_index = uplink_index(p->uplink);
	stats.failing = p->settle.complaint.trouble.since_ns;
	keeper_add_stats(p->keeper, &stats);
	return stats;
}
