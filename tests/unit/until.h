/* SPDX-License-Identifier: Apache-2.0 */
/**
 * until.h: a test's scene runs its poller until something holds, and fails when that takes too long; and standard
 * error as it was, for tests that read what is logged.
 *
 * Included after `struct scene`, which has these members:
 *     struct poller *poller; struct poller_timer *impatience, *look; bool (*done)(struct scene *s);
 * and after PATIENCE_NS, how long a test waits at most.
 */
#pragma once
#define UNTIL_LOOK_NS 2000000ull

static int error_copy;

/* As teardown, too: a failed test must be able to say why. */
static int restore_errors(void **state)
{
	(void)state;
	return dup2(error_copy, STDERR_FILENO) < 0;
}

static void give_up(void *ctx)
{
	(void)ctx;
	fail_msg("not done in time");
}

static void look(void *ctx)
{
	struct scene *s = ctx;

	if (s->done(s))
		poller_stop(s->poller);
	else
		poller_timer_set(s->look, UNTIL_LOOK_NS);
}

static void make_timers(struct scene *s)
{
	s->impatience = poller_timer_new(s->poller, give_up, s);
	s->look = poller_timer_new(s->poller, look, s);
}

static void run_until(struct scene *s, bool (*done)(struct scene *s))
{
	s->done = done;
	poller_timer_set(s->impatience, PATIENCE_NS);
	poller_timer_set(s->look, 0);
	assert_int_equal(poller_run(s->poller), 0);
	poller_timer_clear(s->impatience);
}
