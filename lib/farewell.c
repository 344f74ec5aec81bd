/* SPDX-License-Identifier: Apache-2.0 */
#include "farewell.h"

#include "log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct guest {
	struct output *output; /* NULL: gone */
	bool held;             /* may come back */
};

/* Those that left at one reload. */
struct party {
	struct party *next;
	struct config *config;
	struct guest guests[CONFIG_MAX_OUTPUTS];
	size_t n;
	uint64_t until_ns;
};

struct farewell {
	struct party *parties;
	struct poller_timer *timer; /* set while there are any */
};

static bool is_over(const struct party *party)
{
	for (size_t i = 0; i < party->n; i++)
		if (party->guests[i].output)
			return false;
	return true;
}

static void see_off(struct output *output)
{
	output_tell_rest(output);
	output_free(output);
}

static void sweep(struct farewell *f)
{
	struct party **link = &f->parties;

	while (*link) {
		struct party *party = *link;

		if (!is_over(party)) {
			link = &party->next;
			continue;
		}
		*link = party->next;
		config_free(party->config);
		free(party);
	}
	if (f->parties)
		poller_timer_set(f->timer, FAREWELL_LOOK_NS);
	else
		poller_timer_clear(f->timer);
}

static void look_after(struct party *party)
{
	bool late = poller_now_ns() >= party->until_ns;

	for (size_t i = 0; i < party->n; i++) {
		struct guest *guest = &party->guests[i];

		if (guest->output && !guest->held && (late || !output_is_busy(guest->output)))
			see_off(TAKE_PTR(guest->output));
	}
}

static void on_look(void *ctx)
{
	struct farewell *f = ctx;

	for (struct party *party = f->parties; party; party = party->next)
		look_after(party);
	sweep(f);
}

int farewell_new(struct poller *poller, struct farewell **ret)
{
	assert(poller && ret);

	CLEANUP_FREE struct farewell *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->timer = poller_timer_new(poller, on_look, f);
	if (!f->timer)
		return -ENOMEM;
	*ret = TAKE_PTR(f);
	return 0;
}

void farewell_free(struct farewell *f)
{
	if (!f)
		return;
	for (struct party *party = f->parties; party; party = party->next)
		for (size_t i = 0; i < party->n; i++)
			output_free(TAKE_PTR(party->guests[i].output));
	sweep(f);
	poller_timer_free(f->timer);
	free(f);
}

void farewell_add(struct farewell *f, struct config *config, struct output *const *outputs,
                  size_t n)
{
	assert(f && config && n <= CONFIG_MAX_OUTPUTS);

	struct party *party = n ? calloc(1, sizeof(*party)) : NULL;

	for (size_t i = 0; i < n; i++) {
		if (!party) {
			see_off(outputs[i]);
			continue;
		}
		output_flush(outputs[i]);
		party->guests[party->n++].output = outputs[i];
	}
	if (!party) {
		config_free(config);
		return;
	}
	party->config = config;
	party->until_ns = poller_now_ns() + FAREWELL_WAIT_NS;
	party->next = f->parties;
	f->parties = party;
	poller_timer_set(f->timer, 0);
}

struct output *farewell_hold(struct farewell *f, const struct config_output *config)
{
	assert(f && config);

	for (struct party *party = f->parties; party; party = party->next)
		for (size_t i = 0; i < party->n; i++) {
			struct guest *guest = &party->guests[i];

			if (!guest->output || !output_can_become(guest->output, config))
				continue;
			guest->held = true;
			return guest->output;
		}
	return NULL;
}

static struct guest *find(struct farewell *f, const struct output *output)
{
	for (struct party *party = f->parties; party; party = party->next)
		for (size_t i = 0; i < party->n; i++)
			if (party->guests[i].output == output)
				return &party->guests[i];
	return NULL;
}

void farewell_release(struct farewell *f, struct output *output)
{
	assert(f && output && find(f, output));

	find(f, output)->held = false;
}

void farewell_recall(struct farewell *f, struct output *output)
{
	assert(f && output && find(f, output));

	find(f, output)->output = NULL;
	/* Not swept at once: its section is looked at once more. */
	poller_timer_set(f->timer, 0);
}

bool farewell_is_busy(const struct farewell *f)
{
	assert(f);

	for (const struct party *party = f->parties; party; party = party->next)
		for (size_t i = 0; i < party->n; i++)
			if (party->guests[i].output && output_is_busy(party->guests[i].output))
				return true;
	return false;
}

void farewell_end(struct farewell *f)
{
	assert(f);

	for (struct party *party = f->parties; party; party = party->next)
		for (size_t i = 0; i < party->n; i++)
			if (party->guests[i].output)
				see_off(TAKE_PTR(party->guests[i].output));
	sweep(f);
}
