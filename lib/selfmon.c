/* SPDX-License-Identifier: Apache-2.0 */
#include "selfmon.h"

#include "text.h"

#include <stdio.h>
#include <string.h>

static const char *const drop_fields[OUTPUT_DROP_MAX] = {
	[OUTPUT_DROP_SPOOL] = "lines_dropped_spool_total",
	[OUTPUT_DROP_REJECTED] = "lines_dropped_rejected_total",
	[OUTPUT_DROP_PARTIAL] = "lines_dropped_partial_total",
	[OUTPUT_DROP_TOO_LARGE] = "lines_dropped_too_large_total",
	[OUTPUT_DROP_WRITE] = "lines_dropped_write_total",
	[OUTPUT_DROP_MEMORY] = "lines_dropped_memory_total",
	[OUTPUT_DROP_DAMAGED] = "lines_dropped_damaged_total",
	[OUTPUT_DROP_END] = "lines_dropped_end_total",
};

static const char *const verdict_fields[VERDICT_ACTION_MAX] = {
	[VERDICT_SENT] = "verdict_sent_total",   [VERDICT_RETRY] = "verdict_retry_total",
	[VERDICT_SPLIT] = "verdict_split_total", [VERDICT_BISECT] = "verdict_bisect_total",
	[VERDICT_DROP] = "verdict_drop_total",   [VERDICT_HOLD] = "verdict_hold_total",
};

static void add_tag(struct point *p, const char *key, const char *value)
{
	p->tags[p->n_tags++] = (struct point_tag){.key = key, .value = value};
}

static void add(struct point *p, const char *key, uint64_t value)
{
	if (p->n_fields < POINT_MAX_FIELDS)
		p->fields[p->n_fields++] =
			(struct point_field){.key = key, .type = POINT_INTEGER, .integer = value};
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct point_field *)a)->key, ((const struct point_field *)b)->key);
}

static int tell(struct point *p, point_fn fn, void *ctx)
{
	qsort(p->fields, p->n_fields, sizeof(p->fields[0]), by_key);
	return fn(ctx, p);
}

int selfmon_agent(const struct selfmon_agent *agent, const struct window *window, point_fn fn,
                  void *ctx)
{
	struct point p = {.measurement = "thermograf", .stamp_ns = window->stamp_ns};

	add(&p, "clock_steps_total", agent->clock_steps);
	add(&p, "cpu_us", agent->cpu_us);
	add(&p, "late_us", window->late_ns / 1000);
	add(&p, "lines_unwritable_total", agent->lines_unwritable);
	add(&p, "missed_boundaries", window->missed);
	add(&p, "probes", agent->probes);
	add(&p, "probes_failed", agent->probes_failed);
	add(&p, "reloads_refused_total", agent->reloads_refused);
	add(&p, "reloads_total", agent->reloads);
	add(&p, "rss_bytes", agent->rss_bytes);
	add(&p, "window_us", window->length_ns / 1000);
	add(&p, "windows_total", agent->windows);
	return tell(&p, fn, ctx);
}

int selfmon_output(const char *name, const struct output_stats *stats, int64_t stamp_ns,
                   point_fn fn, void *ctx)
{
	struct point p = {.measurement = "thermograf", .stamp_ns = stamp_ns};
	uint64_t dropped = 0;

	add_tag(&p, "output", name);
	for (size_t i = 0; i < OUTPUT_DROP_MAX; i++) {
		add(&p, drop_fields[i], stats->lines_dropped[i]);
		dropped += stats->lines_dropped[i];
	}
	for (size_t i = 0; i < VERDICT_ACTION_MAX; i++)
		add(&p, verdict_fields[i], stats->verdicts[i]);
	add(&p, "batches_queued", stats->batches_queued);
	add(&p, "bytes_collected_total", stats->bytes_collected);
	add(&p, "bytes_queued", stats->bytes_queued);
	add(&p, "bytes_sent_total", stats->bytes_sent);
	add(&p, "failing", stats->failing);
	add(&p, "last_status", (uint64_t)MAX(stats->status, 0));
	add(&p, "lines_collected_total", stats->lines_collected);
	add(&p, "lines_dropped_total", dropped);
	add(&p, "lines_queued", stats->lines_queued);
	add(&p, "lines_recovered_total", stats->lines_recovered);
	add(&p, "lines_retried_total", stats->lines_retried);
	add(&p, "lines_sent_total", stats->lines_sent);
	add(&p, "lines_unsaved", stats->lines_unsaved);
	add(&p, "oldest_ms",
	    stats->oldest_stamp_ns ? (uint64_t)MAX(stamp_ns - stats->oldest_stamp_ns, 0) / 1000000
	                           : 0);
	add(&p, "push_max_us", stats->push_max_ns / 1000);
	add(&p, "push_us", stats->push_ns / 1000);
	add(&p, "spool_bytes", stats->spool_bytes);
	add(&p, "spool_failing", stats->spool_failing);
	add(&p, "url_index", stats->url_index);
	return tell(&p, fn, ctx);
}

/* Reasons become fields; their names must outlive the point. */
struct reasons {
	struct point *point;
	size_t n;
	char names[MAPREADER_MAX_DROP_REASONS][SELFMON_REASON_BYTES];
};

static void add_reason(void *ctx, const char *reason, uint64_t events)
{
	struct reasons *r = ctx;

	if (r->n == MAPREADER_MAX_DROP_REASONS)
		return;
	snprintf(r->names[r->n], sizeof(r->names[0]), "drops_%s", reason);
	add(r->point, r->names[r->n++], events);
}

static void add_stats(struct point *p, const struct collect_stats *s)
{
	add(p, "drops", s->drops);
	add(p, "events", s->counts.events);
	add(p, "failed_merges_total", s->failed_merges);
	add(p, "failed_reads_total", s->failed_reads);
	add(p, "gap_us", (s->gap_ns + 999) / 1000);
	add(p, "keys", s->counts.keys);
	add(p, "missed", s->missed);
	add(p, "overflow", s->counts.overflow);
	add(p, "read_us", s->read_ns / 1000);
	add(p, "series", s->counts.series);
	if (s->runs) {
		add(p, "run_ns", s->run_ns);
		add(p, "runs", s->runs);
	}
}

int selfmon_probe(const char *name, const struct collector *collector, int64_t stamp_ns,
                  point_fn fn, void *ctx)
{
	struct point p = {.measurement = "thermograf_probe", .stamp_ns = stamp_ns};
	struct reasons reasons = {.point = &p};

	add_tag(&p, "probe", name);
	add(&p, "running", collector != NULL);
	if (collector) {
		add_stats(&p, collector_stats(collector));
		collector_each_drop(collector, add_reason, &reasons);
	}
	return tell(&p, fn, ctx);
}

int selfmon_counts(const char *name, const struct collect_stats *stats, int64_t stamp_ns,
                   point_fn fn, void *ctx)
{
	struct point p = {.measurement = "thermograf_probe", .stamp_ns = stamp_ns};

	add_tag(&p, "probe", name);
	add(&p, "running", 1);
	add_stats(&p, stats);
	return tell(&p, fn, ctx);
}

int selfmon_coverage(const struct coverage_row *row, int64_t stamp_ns, point_fn fn, void *ctx)
{
	struct point p = {.measurement = "thermograf_coverage", .stamp_ns = stamp_ns};

	add_tag(&p, "device", row->device);
	add_tag(&p, "measurement", row->measurement);
	add(&p, "counted", row->counted);
	if (row->reference)
		p.fields[p.n_fields++] = (struct point_field){
			.key = "coverage_pct",
			.type = POINT_FLOAT,
			.decimal = 100.0 * (double)row->counted / (double)row->reference,
		};
	add(&p, "reference", row->reference);
	return tell(&p, fn, ctx);
}
