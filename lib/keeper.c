/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include "log.h"
#include "spooldir.h"
#include "spooldisk.h"
#include "spoolnews.h"
#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define FREE_WAIT_MS 1000

struct keeper {
	char *name; /* of the output */
	uint64_t max_bytes;
	struct spool *spool;
	struct spooldir *dir; /* NULL: there is no disk, and so the next two */
	struct worker *worker;
	struct poller_timer
		*timer; /* a task runs: when it counts as hung; else: when to try again */
	keeper_fn fn;
	void *ctx;
	/* The thread's while the worker is busy. */
	struct spool_task task;
	struct spool_outcome outcome;
	struct segment_damage damage; /* ever */
	struct spoolnews news;
};

static void on_timer(void *ctx);

static uint64_t memory_bytes(uint64_t max_bytes, bool disk)
{
	return disk ? MIN(max_bytes, KEEPER_MEMORY_BYTES) : max_bytes;
}

int keeper_new(const struct config_output *config, struct poller *poller,
               struct keeper **ret_keeper)
{
	assert(config && poller && ret_keeper);

	CLEANUP(keeper_freep) struct keeper *k = calloc(1, sizeof(*k));
	uint64_t max = config->spool_max_bytes;
	bool disk = *config->spool_dir;
	int err;

	if (!k)
		return -ENOMEM;
	k->name = strdup(config->name);
	err = k->name ? 0 : -ENOMEM;
	k->max_bytes = max;
	err = err ?: spool_new(memory_bytes(max, disk), disk ? max : 0, &k->spool);
	if (!err && disk) {
		err = spooldir_new(config->spool_dir, config->name, &k->dir);
		err = err ?: worker_new(poller, &k->worker);
		k->timer = poller_timer_new(poller, on_timer, k);
		err = err ?: k->timer ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	k->news = (struct spoolnews){
		.output = k->name, .path = keeper_path(k), .memory_bytes = memory_bytes(max, disk)};
	/* Not from here: the loop may yet give up privileges. */
	if (disk)
		poller_timer_set(k->timer, 0);
	*ret_keeper = TAKE_PTR(k);
	return 0;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	poller_timer_free(k->timer);
	/* A thread that hangs keeps all of it. */
	if (!worker_free(k->worker, FREE_WAIT_MS))
		return;
	free(k->outcome.listed);
	free(k->outcome.batch);
	spooldir_free(k->dir);
	spool_free(k->spool);
	free(k->name);
	free(k);
}

void keeper_freep(struct keeper **k)
{
	keeper_free(*k);
}

void keeper_set_user(struct keeper *k, keeper_fn fn, void *ctx)
{
	assert(k);

	k->fn = fn;
	k->ctx = ctx;
}

struct spool *keeper_spool(struct keeper *k)
{
	assert(k);

	return k->spool;
}

/* ---- tasks */

static void use_again(struct keeper *k)
{
	if (k->fn)
		k->fn(k->ctx);
}

/* On the thread. */
static void do_task(void *ctx)
{
	struct keeper *k = ctx;

	spooldir_do(k->dir, &k->task, &k->outcome, &k->damage);
}

/* Not every error is a failure of the disk. */
static bool is_failure(const struct keeper *k)
{
	int err = k->outcome.err;

	if (k->task.kind == SPOOL_TASK_OPEN || k->task.kind == SPOOL_TASK_WRITE)
		return err;
	return err && err != -ENOENT && err != -ENODATA && err != -EBADMSG && err != -ENOMEM;
}

static void tell(struct keeper *k, int failure)
{
	const struct spool_disk disk = spool_disk(k->spool);
	const struct spool_totals totals = spool_totals(k->spool);

	if (!failure)
		spoolnews_success(&k->news, k->task.kind, &totals);
	else if (k->task.kind == SPOOL_TASK_COUNT)
		spoolnews_uncounted(&k->news, k->task.place.segment, failure);
	else
		spoolnews_failure(&k->news, k->task.kind, failure, disk.blind);
	spoolnews_damage(&k->news, &k->damage);
	spoolnews_counted(&k->news, &disk, &totals);
}

static void on_done(void *ctx)
{
	struct keeper *k = ctx;
	int failure = is_failure(k) ? k->outcome.err : 0;
	bool again = spool_task_done(k->spool, &k->outcome);

	poller_timer_clear(k->timer);
	if (k->news.hung_since_ns) {
		spoolnews_answers(&k->news);
		again |= spool_set_hung(k->spool, false);
	}
	tell(k, failure);
	keeper_look(k);
	if (again)
		use_again(k);
}

void keeper_look(struct keeper *k)
{
	assert(k);

	const struct spool_disk disk = spool_disk(k->spool);
	int err;

	if (!k->dir || worker_is_busy(k->worker))
		return;
	if (spool_next_task(k->spool, &k->task)) {
		k->outcome = (struct spool_outcome){0};
		poller_timer_set(k->timer, KEEPER_HUNG_NS);
		err = worker_start(k->worker, do_task, on_done, k);
		if (err) {
			k->outcome.err = err;
			on_done(k);
		}
	} else if ((disk.state == SPOOL_DISK_FAILED || disk.blind || disk.skips) &&
	           !poller_timer_is_set(k->timer)) {
		poller_timer_set(k->timer, KEEPER_RETRY_NS);
	}
}

static void on_timer(void *ctx)
{
	struct keeper *k = ctx;

	if (worker_is_busy(k->worker)) {
		spoolnews_hung(&k->news, KEEPER_HUNG_NS);
		if (spool_set_hung(k->spool, true))
			use_again(k);
		return;
	}
	spool_retry(k->spool);
	keeper_look(k);
	/* It can be read again, perhaps. */
	use_again(k);
}

/* ---- what the user asks for */

void keeper_save(struct keeper *k)
{
	assert(k);

	spool_save(k->spool);
	spool_retry(k->spool);
	keeper_look(k);
}

bool keeper_is_saving(const struct keeper *k)
{
	assert(k);

	return k->dir && (worker_is_busy(k->worker) || !spool_disk(k->spool).settled);
}

void keeper_set_config(struct keeper *k, const struct config_output *config)
{
	assert(k && config && !strcmp(config->name, k->name));

	CLEANUP(text_free) struct text path = {0};

	k->max_bytes = config->spool_max_bytes;
	k->news.memory_bytes = memory_bytes(k->max_bytes, k->dir);
	spool_set_bounds(k->spool, k->news.memory_bytes, k->dir ? k->max_bytes : 0);
	if (*config->spool_dir)
		text_printf(&path, "%s/%s", config->spool_dir, k->name);
	if (strcmp(text_cstr(&path), keeper_path(k)))
		log_warning("output %s: spool_dir is taken into use by the next start; until then "
		            "windows wait in %s",
		            k->name, k->dir ? keeper_path(k) : "memory");
	keeper_look(k);
}

bool keeper_has_disk(const struct keeper *k)
{
	assert(k);

	enum spool_disk_state state = spool_disk(k->spool).state;

	return !k->news.hung_since_ns && (state == SPOOL_DISK_OPENING || state == SPOOL_DISK_OPEN);
}

void keeper_tell_full(struct keeper *k)
{
	assert(k);

	const struct spool_totals totals = spool_totals(k->spool);

	spoolnews_full(&k->news, &totals, k->max_bytes);
}

bool keeper_is_failing(const struct keeper *k)
{
	assert(k);

	return spoolnews_is_failing(&k->news);
}

void keeper_add_stats(const struct keeper *k, struct output_stats *stats)
{
	assert(k && stats);

	const struct spool_totals totals = spool_totals(k->spool);

	stats->lines_collected += totals.recovered_points;
	stats->lines_recovered = totals.recovered_points;
	stats->lines_dropped[OUTPUT_DROP_SPOOL] = totals.dropped_points;
	stats->lines_dropped[OUTPUT_DROP_DAMAGED] = totals.damaged_points;
	stats->lines_queued = totals.points;
	stats->lines_unsaved = totals.unsaved_points;
	stats->batches_queued = totals.batches;
	stats->bytes_queued = totals.bytes;
	stats->windows_queued = totals.windows;
	stats->oldest_stamp_ns = totals.oldest_stamp_ns;
	stats->spool_bytes = totals.file_bytes;
	stats->spool_failing = keeper_is_failing(k);
}

const char *keeper_path(const struct keeper *k)
{
	assert(k);

	return k->dir ? spooldir_path(k->dir) : "";
}
