/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include "ground.h"
#include "log.h"
#include "uevent.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define SYS_BLOCK "/sys/block"

struct devices {
	struct poller *poller;
	struct poller_timer *pause; /* set: sysfs is to be read when it is over */
	devices_fn ending;
	void *ctx;
	struct disks table;
	struct uevent arrivals[DEVICES_ARRIVALS]; /* since the table was made */
	size_t n_arrivals;
	bool known;
	bool told;     /* that they are not known */
	int uevent_fd; /* -1: not to be had */
};

/* How soon the table is to be made anew. */
enum news { NO_NEWS, SOME_NEWS, URGENT_NEWS };

static void on_uevent(void *ctx, int fd, uint32_t events);
static void on_pause_over(void *ctx);

int devices_new(struct poller *poller, devices_fn ending, void *ctx, struct devices **ret)
{
	assert(poller && ending && ret);

	struct devices *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = (struct devices){.poller = poller, .ending = ending, .ctx = ctx, .uevent_fd = -1};
	d->pause = poller_timer_new(poller, on_pause_over, d);
	if (!d->pause) {
		free(d);
		return -ENOMEM;
	}
	/* Where it cannot be watched, it is heard when a window ends. */
	if (!uevent_open(&d->uevent_fd))
		(void)poller_watch(d->poller, d->uevent_fd, EPOLLIN, on_uevent, d);
	*ret = d;
	return 0;
}

void devices_free(struct devices *d)
{
	if (!d)
		return;
	if (d->uevent_fd >= 0)
		poller_forget(d->poller, d->uevent_fd);
	ground_closep(&d->uevent_fd);
	poller_timer_free(d->pause);
	disks_free(&d->table);
	free(d);
}

/* One line when it begins. */
static void tell(struct devices *d, int err)
{
	if (!d->known && !d->told)
		log_warning(SYS_BLOCK
		            " %s%s; devices have numbers instead of names, or their former ones",
		            err ? "cannot be read: " : "is empty", err ? strerror(-err) : "");
	d->told = !d->known;
	if (!err && d->table.omitted)
		log_warning("%zu block devices beyond the first %d have numbers instead of names",
		            d->table.omitted, DISKS_MAX);
}

/* Those that came are in the table, or gone again. @return whether any is */
static bool add_arrivals(struct devices *d, struct disks *next)
{
	bool any = false;

	for (size_t i = 0; i < d->n_arrivals; i++)
		any |= disks_add_gone(next, d->arrivals[i].dev, d->arrivals[i].name) > 0;
	d->n_arrivals = 0;
	return any;
}

static void scan(struct devices *d)
{
	struct disks next;
	int err = disks_scan(&d->table, SYS_BLOCK, &next);

	poller_timer_clear(d->pause);
	if (!err) {
		if (add_arrivals(d, &next) || disks_any_ends(&d->table, &next))
			d->ending(d->ctx, &d->table, &next);
		disks_free(&d->table);
		d->table = next;
	}
	d->known = !err && d->table.n;
	tell(d, err);
}

static enum news hear(struct devices *d)
{
	enum news news = NO_NEWS;
	struct uevent event;

	for (int i = 0; i < DEVICES_MESSAGES; i++) {
		int r = uevent_next(d->uevent_fd, &event);

		if (!r)
			break;
		if (r < 0)
			return URGENT_NEWS;
		if (event.kind == UEVENT_ADD && d->n_arrivals < DEVICES_ARRIVALS)
			d->arrivals[d->n_arrivals++] = event;
		if (event.kind == UEVENT_ADD || event.kind == UEVENT_REMOVE)
			news = URGENT_NEWS;
		else if (event.kind == UEVENT_CHANGE)
			news = MAX(news, SOME_NEWS);
	}
	return news;
}

static void on_uevent(void *ctx, int fd, uint32_t events)
{
	struct devices *d = ctx;
	enum news news = hear(d);

	(void)fd, (void)events;
	if (news == URGENT_NEWS)
		scan(d);
	else if (news == SOME_NEWS && !poller_timer_is_set(d->pause))
		poller_timer_set(d->pause, DEVICES_PAUSE_NS);
}

static void on_pause_over(void *ctx)
{
	scan(ctx);
}

void devices_look(struct devices *d)
{
	assert(d);

	if (d->uevent_fd < 0 || hear(d) || poller_timer_is_set(d->pause) || !d->known)
		scan(d);
}

const struct disks *devices_table(const struct devices *d)
{
	assert(d);

	return &d->table;
}
