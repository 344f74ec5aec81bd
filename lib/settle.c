/* SPDX-License-Identifier: Apache-2.0 */
#include "settle.h"

#include "clock.h"
#include "log.h"

#include <assert.h>
#include <errno.h>

/* One answer on its way to its consequences. */
struct answer {
	struct settle *s;
	const struct batch *lent;
	const struct http_result *result;
	const struct verdict *verdict;
	bool last;
};

void settle_init(struct settle *s, const struct config_output *config, struct output_stats *stats,
                 struct batcher *batcher, struct spool *spool, struct uplink *uplink)
{
	assert(s && config && stats && batcher && spool && uplink);

	*s = (struct settle){
		.config = config,
		.stats = stats,
		.batcher = batcher,
		.spool = spool,
		.uplink = uplink,
		.complaint.config = config,
		.size = {.max = config->batch_max_bytes, .now = config->batch_max_bytes},
		.backoff = {.base_ms = PATIENCE_BACKOFF_BASE_MS, .cap_ms = PATIENCE_BACKOFF_CAP_MS},
	};
}

void settle_free(struct settle *s)
{
	complaint_free(&s->complaint);
}

void settle_change(struct settle *s, const struct config_output *config, struct batcher *batcher,
                   struct uplink *uplink)
{
	assert(s && config && batcher && uplink);

	if (s->uplink != uplink) {
		settle_free(s);
		settle_init(s, config, s->stats, batcher, s->spool, uplink);
		return;
	}
	s->config = s->complaint.config = config;
	s->batcher = batcher;
	if (s->size.max != config->batch_max_bytes)
		s->size = (struct bodysize){.max = config->batch_max_bytes,
		                            .now = config->batch_max_bytes};
}

static struct complaint_answer complaint_of(const struct answer *a, enum verdict_reason reason)
{
	return (struct complaint_answer){uplink_label(a->s->uplink), a->result, reason};
}

/* The receiver is there: no reason to wait with the others. */
static void receiver_is_there(struct settle *s)
{
	backoff_succeeded(&s->backoff);
	uplink_passed(s->uplink);
}

static void sent(const struct answer *a)
{
	struct settle *s = a->s;

	s->stats->lines_sent += a->lent->points;
	s->stats->bytes_sent += a->lent->len;
	s->stats->batches_sent++;
	bisection_taken(&s->bisection);
	spool_done(s->spool);
	receiver_is_there(s);
	if (!spool_has_refused(s->spool, SETTLE_POISON_REFUSALS))
		complaint_over(&s->complaint, spool_totals(s->spool).windows);
}

/* @param lost  of its lines; the others were stored */
static void dropped(const struct answer *a, enum verdict_reason reason, uint64_t lost)
{
	/* "what it did not store of 20 lines" is said where the receiver does not say how many. */
	const struct complaint_answer complaint =
		complaint_of(a, lost < a->lent->points ? REASON_REJECTED : reason);
	CLEANUP(text_free) struct text line = {0};
	struct settle *s = a->s;
	enum output_drop drop = OUTPUT_DROP_REJECTED;
	bool single = a->lent->points == 1 && !batcher_first_line(a->lent, &line);

	if (reason == REASON_PARTIAL)
		drop = OUTPUT_DROP_PARTIAL;
	else if (reason == REASON_TOO_LARGE)
		drop = OUTPUT_DROP_TOO_LARGE;
	s->stats->lines_dropped[drop] += lost;
	s->stats->lines_sent += a->lent->points - lost;
	complaint_dropped(&s->complaint, &complaint, lost, single ? text_cstr(&line) : NULL);
	spool_done(s->spool);
	receiver_is_there(s);
}

/* Those that are stored are sent, where the receiver says how many it did not take. */
static void dropped_in_part(const struct answer *a)
{
	uint64_t points = a->lent->points, lost = a->verdict->lost_lines;

	dropped(a, a->verdict->reason, lost ? MIN(lost, points) : points);
}

/* @return 0; -ENOMEM: it stays as it is; -errno: it cannot be halved, and is still lent */
static int halve(const struct answer *a, bool part)
{
	struct batch *first, *second;
	int err = batcher_halve(a->s->batcher, a->lent, &first, &second);

	if (!err) {
		first->part = second->part = part;
		spool_split(a->s->spool, first, second);
	} else if (err == -ENOMEM) {
		spool_return(a->s->spool, true);
	}
	return err;
}

static uint64_t too_large(const struct answer *a)
{
	struct settle *s = a->s;
	size_t len = a->lent->raw_len;
	int err = halve(a, a->lent->part);

	if (err == -ENOMEM)
		return PATIENCE_BACKOFF_CAP_MS;
	if (err) {
		dropped(a, REASON_TOO_LARGE, a->lent->points);
		return 0;
	}
	s->stats->splits++;
	if (bodysize_refused(&s->size, len, poller_now_ns()))
		log_info(
			"output %s: %s takes no body that large; batches of at most %zu bytes from now "
			"on, instead of batch_max_bytes (%zu)",
			s->config->name, uplink_label(s->uplink), s->size.now, s->size.max);
	return 0;
}

static uint64_t rejected(const struct answer *a)
{
	struct settle *s = a->s;
	int err = -ENOENT;

	if (bisection_rejected(&s->bisection, a->lent->part, a->lent->points, poller_now_ns()))
		err = halve(a, true);
	if (err == -ENOMEM)
		return PATIENCE_BACKOFF_CAP_MS;
	if (err) {
		dropped(a, a->verdict->reason, a->lent->points);
		return 0;
	}
	s->stats->bisections++;
	receiver_is_there(s);
	return 0;
}

static uint64_t kept(const struct answer *a)
{
	const struct complaint_answer complaint = complaint_of(a, a->verdict->reason);
	struct settle *s = a->s;

	s->stats->retries++;
	s->stats->lines_retried += a->lent->points;
	/* A 500 may be about this very batch; anything else that is kept is about all. */
	spool_return(s->spool, a->verdict->reason == REASON_SERVER);
	/*
	 * Another URL may do where this one is at fault; not when it says how long to wait. A 503 without that is
	 * also what a proxy answers whose backend is dead.
	 */
	struct uplink_turn turn =
		uplink_failed(s->uplink, a->verdict->reason, a->verdict->retry_after_ms);
	uint64_t wait_ms = turn.at_once ? 0 : patience_ms(&s->backoff, a->verdict);

	if (!turn.expected)
		complaint_kept(&s->complaint, &complaint, spool_totals(s->spool).windows,
		               a->last && wait_ms ? TROUBLE_NO_MORE : wait_ms);
	return wait_ms;
}

static struct verdict judge(const struct http_result *result)
{
	const struct verdict_answer answer = {.transport = result->transport,
	                                      .status = result->status,
	                                      .retry_after = result->retry_after,
	                                      .date = result->date,
	                                      .now_s = clock_now().wall_ns / 1000000000,
	                                      .body = result->body};

	return verdict_of(&answer);
}

struct settled settle_answer(struct settle *s, const struct batch *lent,
                             const struct http_result *result, bool last)
{
	assert(s && lent && result);

	const struct verdict verdict = judge(result);
	const struct answer a = {s, lent, result, &verdict, last};
	struct settled settled = {.action = verdict.action};

	s->stats->verdicts[verdict.action]++;
	s->stats->reasons[verdict.reason]++;
	s->stats->status = result->status;
	s->stats->push_ns = result->took_ns;
	s->stats->push_max_ns = MAX(s->stats->push_max_ns, result->took_ns);
	switch (verdict.action) {
	case VERDICT_SENT:
		sent(&a);
		break;
	case VERDICT_DROP:
		dropped_in_part(&a);
		break;
	case VERDICT_SPLIT:
		settled.wait_ms = too_large(&a);
		break;
	case VERDICT_BISECT:
		settled.wait_ms = rejected(&a);
		break;
	default:
		settled.wait_ms = kept(&a);
	}
	return settled;
}
