/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#include "log.h"
#include "spooldir.h"
#include "spooldisk.h"
#include "trouble.h"
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
	/* Told. */
	uint64_t failing_since_ns; /* 0: it is not */
	enum spool_task_kind failing_kind;
	int failing_err;
	uint64_t skipping_since_ns; /* 0: all could be counted */
	uint64_t hung_since_ns;
	uint64_t damage_told_ns;
	struct segment_damage damage_told;
	bool counted_told;
	uint64_t full_told_ns;
	uint64_t dropped; /* lines, as last seen */
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

/* ---- telling */

/* What there is without the disk. */
static unsigned long memory_kib(const struct keeper *k)
{
	return memory_bytes(k->max_bytes, k->dir) >> 10;
}

static const char *why_text(int err)
{
	if (err == -EWOULDBLOCK)
		return "another agent uses it";
	if (err == -ELOOP)
		return "a symbolic link stands there";
	return strerror(-err);
}

/* One line for each kind of failure, one when it is over. */
static void tell_failure(struct keeper *k, int err)
{
	const struct spool_disk disk = spool_disk(k->spool);
	bool news = !k->failing_since_ns || k->failing_err != err;

	k->failing_since_ns = k->failing_since_ns ?: poller_now_ns();
	k->failing_kind = k->task.kind;
	k->failing_err = err;
	if (!news)
		return;
	if (disk.blind)
		log_warning("output %s: spool %s cannot be read: %s; what waits there waits longer",
		            k->name, spooldir_path(k->dir), why_text(err));
	else
		log_warning("output %s: spool %s: %s; windows wait in memory only, up to %lu KiB",
		            k->name, spooldir_path(k->dir), why_text(err), memory_kib(k));
}

/* What failed has worked, or a window was written, or none is to be. To read is another matter than to write. */
static void tell_mended(struct keeper *k)
{
	CLEANUP(text_free) struct text span = {0};
	const struct spool_totals totals = spool_totals(k->spool);
	bool reading = k->failing_kind == SPOOL_TASK_READ;
	bool mended = k->task.kind == k->failing_kind ||
	              (k->task.kind == SPOOL_TASK_WRITE && !reading) ||
	              (k->task.kind == SPOOL_TASK_OPEN && !totals.unsaved_points) ||
	              (reading && !totals.file_bytes);

	if (!k->failing_since_ns || !mended)
		return;
	trouble_span(&span, (poller_now_ns() - k->failing_since_ns) / 1000000);
	k->failing_since_ns = 0;
	log_info("output %s: spool %s works again after %s", k->name, spooldir_path(k->dir),
	         text_cstr(&span));
}

/* One that cannot be counted is tried again and again: one line when that begins, one when it is over. */
static void tell_skipped(struct keeper *k, int err)
{
	const struct spool_disk disk = spool_disk(k->spool);
	CLEANUP(text_free) struct text span = {0};

	if (err && !k->skipping_since_ns) {
		k->skipping_since_ns = poller_now_ns();
		log_warning("output %s: spool %s: " SPOOLDIR_SEGMENT
		            " cannot be read: %s; what waits there waits longer",
		            k->name, spooldir_path(k->dir), k->task.place.segment, why_text(err));
	}
	if (!k->skipping_since_ns || disk.skips || !disk.counted)
		return;
	trouble_span(&span, (poller_now_ns() - k->skipping_since_ns) / 1000000);
	k->skipping_since_ns = 0;
	log_info("output %s: spool %s can be read whole after %s", k->name, spooldir_path(k->dir),
	         text_cstr(&span));
}

static void tell_counted(struct keeper *k)
{
	const struct spool_totals totals = spool_totals(k->spool);

	if (k->counted_told || !spool_disk(k->spool).counted)
		return;
	k->counted_told = true;
	if (totals.recovered_points)
		log_info("output %s: %lu lines of %lu windows from before wait in %s; they follow, "
		         "the newest windows first",
		         k->name, (unsigned long)totals.recovered_points,
		         (unsigned long)totals.windows, spooldir_path(k->dir));
}

/* At once, and then as seldom as other losses. */
static void tell_damage(struct keeper *k)
{
	uint64_t now_ns = poller_now_ns();

	if (k->damage.places == k->damage_told.places ||
	    (k->damage_told_ns && now_ns - k->damage_told_ns < TROUBLE_DROPS_AGAIN_NS))
		return;
	log_warning(
		"output %s: spool %s: skipped %lu bytes in %lu places that hold no whole record",
		k->name, spooldir_path(k->dir),
		(unsigned long)(k->damage.bytes - k->damage_told.bytes),
		(unsigned long)(k->damage.places - k->damage_told.places));
	k->damage_told = k->damage;
	k->damage_told_ns = now_ns;
}

static void tell_hung(struct keeper *k)
{
	CLEANUP(text_free) struct text span = {0};
	uint64_t now_ns = poller_now_ns();

	if (k->hung_since_ns) {
		trouble_span(&span, (now_ns - k->hung_since_ns) / 1000000);
		k->hung_since_ns = 0;
		log_info("output %s: spool %s answers again after %s", k->name,
		         spooldir_path(k->dir), text_cstr(&span));
		return;
	}
	k->hung_since_ns = now_ns - KEEPER_HUNG_NS;
	trouble_span(&span, KEEPER_HUNG_NS / 1000000);
	log_warning(
		"output %s: spool %s gives no answer for %s; windows wait in memory only, up to "
		"%lu KiB",
		k->name, spooldir_path(k->dir), text_cstr(&span), memory_kib(k));
}

void keeper_tell_full(struct keeper *k)
{
	assert(k);

	const struct spool_totals totals = spool_totals(k->spool);
	uint64_t now_ns = poller_now_ns();

	if (totals.dropped_points == k->dropped)
		return;
	k->dropped = totals.dropped_points;
	if (k->full_told_ns && now_ns - k->full_told_ns < TROUBLE_DROPS_AGAIN_NS)
		return;
	k->full_told_ns = now_ns;
	bool failing = keeper_is_failing(k);
	log_warning("output %s: %s (%lu) holds no more than the last %lu windows; dropping the "
	            "oldest, %lu lines so far",
	            k->name, failing ? "memory without the spool" : "spool_max_bytes",
	            (unsigned long)(failing ? memory_bytes(k->max_bytes, k->dir) : k->max_bytes),
	            (unsigned long)totals.windows, (unsigned long)totals.dropped_points);
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

static void on_done(void *ctx)
{
	struct keeper *k = ctx;
	int failure = is_failure(k) ? k->outcome.err : 0;
	bool again = spool_task_done(k->spool, &k->outcome);

	poller_timer_clear(k->timer);
	if (k->hung_since_ns) {
		tell_hung(k);
		again |= spool_set_hung(k->spool, false);
	}
	bool counts = k->task.kind == SPOOL_TASK_COUNT;
	tell_skipped(k, counts ? failure : 0);
	if (failure && !counts)
		tell_failure(k, failure);
	else if (!failure)
		tell_mended(k);
	tell_damage(k);
	tell_counted(k);
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
		tell_hung(k);
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
	spool_set_bounds(k->spool, memory_bytes(k->max_bytes, k->dir), k->dir ? k->max_bytes : 0);
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

	return !k->hung_since_ns && (state == SPOOL_DISK_OPENING || state == SPOOL_DISK_OPEN);
}

bool keeper_is_failing(const struct keeper *k)
{
	assert(k);

	return k->failing_since_ns || k->hung_since_ns;
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
