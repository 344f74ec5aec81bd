/* SPDX-License-Identifier: Apache-2.0 */
#include "spoolnews.h"

#include "log.h"
#include "poller.h"
#include "trouble.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const char *why_text(int err)
{
	if (err == -EWOULDBLOCK)
		return "another agent uses it";
	if (err == -ELOOP)
		return "a symbolic link stands there";
	return strerror(-err);
}

static void span_since(struct text *span, uint64_t since_ns)
{
	trouble_span(span, (poller_now_ns() - since_ns) / 1000000);
}

static unsigned long memory_kib(const struct spoolnews *n)
{
	return n->memory_bytes >> 10;
}

bool spoolnews_is_failing(const struct spoolnews *n)
{
	assert(n);

	return n->failing_since_ns || n->hung_since_ns;
}

void spoolnews_failure(struct spoolnews *n, enum spool_task_kind kind, int err, bool blind)
{
	assert(n && err < 0);

	bool news = !n->failing_since_ns || n->failing_err != err;

	n->failing_since_ns = n->failing_since_ns ?: poller_now_ns();
	n->failing_kind = kind;
	n->failing_err = err;
	if (!news)
		return;
	if (blind)
		log_warning("output %s: spool %s cannot be read: %s; what waits there waits longer",
		            n->output, n->path, why_text(err));
	else
		log_warning("output %s: spool %s: %s; windows wait in memory only, up to %lu KiB",
		            n->output, n->path, why_text(err), memory_kib(n));
}

/* What failed has worked, or a window was written, or none is to be. To read is another matter than to write. */
void spoolnews_success(struct spoolnews *n, enum spool_task_kind kind,
                       const struct spool_totals *totals)
{
	assert(n && totals);

	CLEANUP(text_free) struct text span = {0};
	bool reading = n->failing_kind == SPOOL_TASK_READ;
	bool mended = kind == n->failing_kind || (kind == SPOOL_TASK_WRITE && !reading) ||
	              (kind == SPOOL_TASK_OPEN && !totals->unsaved_points) ||
	              (reading && !totals->file_bytes);

	if (!n->failing_since_ns || !mended)
		return;
	span_since(&span, n->failing_since_ns);
	n->failing_since_ns = 0;
	log_info("output %s: spool %s works again after %s", n->output, n->path, text_cstr(&span));
}

void spoolnews_uncounted(struct spoolnews *n, uint32_t segment, int err)
{
	assert(n && err < 0);

	if (n->skipping_since_ns)
		return;
	n->skipping_since_ns = poller_now_ns();
	log_warning("output %s: spool %s: " SPOOLDIR_SEGMENT
	            " cannot be read: %s; what waits there waits longer",
	            n->output, n->path, segment, why_text(err));
}

static void tell_whole(struct spoolnews *n)
{
	CLEANUP(text_free) struct text span = {0};

	if (!n->skipping_since_ns)
		return;
	span_since(&span, n->skipping_since_ns);
	n->skipping_since_ns = 0;
	log_info("output %s: spool %s can be read whole after %s", n->output, n->path,
	         text_cstr(&span));
}

void spoolnews_counted(struct spoolnews *n, const struct spool_disk *disk,
                       const struct spool_totals *totals)
{
	assert(n && disk && totals);

	if (!disk->counted)
		return;
	if (!disk->skips)
		tell_whole(n);
	if (!n->counted_told && totals->recovered_points)
		log_info("output %s: %lu lines of %lu windows from before wait in %s; they follow, "
		         "the newest windows first",
		         n->output, (unsigned long)totals->recovered_points,
		         (unsigned long)totals->windows, n->path);
	n->counted_told = true;
}

void spoolnews_damage(struct spoolnews *n, const struct segment_damage *damage)
{
	assert(n && damage);

	uint64_t now_ns = poller_now_ns();

	if (damage->places == n->damage_told.places ||
	    (n->damage_told_ns && now_ns - n->damage_told_ns < TROUBLE_DROPS_AGAIN_NS))
		return;
	log_warning(
		"output %s: spool %s: skipped %lu bytes in %lu places that hold no whole record",
		n->output, n->path, (unsigned long)(damage->bytes - n->damage_told.bytes),
		(unsigned long)(damage->places - n->damage_told.places));
	n->damage_told = *damage;
	n->damage_told_ns = now_ns;
}

void spoolnews_hung(struct spoolnews *n, uint64_t for_ns)
{
	assert(n);

	CLEANUP(text_free) struct text span = {0};

	n->hung_since_ns = poller_now_ns() - for_ns;
	trouble_span(&span, for_ns / 1000000);
	log_warning(
		"output %s: spool %s gives no answer for %s; windows wait in memory only, up to "
		"%lu KiB",
		n->output, n->path, text_cstr(&span), memory_kib(n));
}

void spoolnews_answers(struct spoolnews *n)
{
	assert(n && n->hung_since_ns);

	CLEANUP(text_free) struct text span = {0};

	span_since(&span, n->hung_since_ns);
	n->hung_since_ns = 0;
	log_info("output %s: spool %s answers again after %s", n->output, n->path,
	         text_cstr(&span));
}

void spoolnews_full(struct spoolnews *n, const struct spool_totals *totals, uint64_t max_bytes)
{
	assert(n && totals);

	uint64_t now_ns = poller_now_ns();
	bool failing = spoolnews_is_failing(n);

	if (totals->dropped_points == n->dropped)
		return;
	n->dropped = totals->dropped_points;
	if (n->full_told_ns && now_ns - n->full_told_ns < TROUBLE_DROPS_AGAIN_NS)
		return;
	n->full_told_ns = now_ns;
	log_warning("output %s: %s (%lu) holds no more than the last %lu windows; dropping the "
	            "oldest, %lu lines so far",
	            n->output, failing ? "memory without the spool" : "spool_max_bytes",
	            (unsigned long)(failing ? n->memory_bytes : max_bytes),
	            (unsigned long)totals->windows, (unsigned long)totals->dropped_points);
}
