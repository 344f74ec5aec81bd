/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "poller.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/epoll.h>

#include <cmocka.h>

#define MS 1000000u

struct scene {
	struct poller *poller;
	struct poller_timer *timers[3];
	int pipe[2], other[2], third[2];
	int calls[3];
	int order[16];
	int n_order;
	int left;
};

static void scene_free(struct scene *s)
{
	poller_free(s->poller);
	for (int i = 0; i < 2; i++) {
		ground_closep(&s->pipe[i]);
		ground_closep(&s->other[i]);
		ground_closep(&s->third[i]);
	}
}

static void scene_make(struct scene *s)
{
	*s = (struct scene){.pipe = {-1, -1}, .other = {-1, -1}, .third = {-1, -1}};
	assert_int_equal(poller_new(&s->poller), 0);
	assert_int_equal(pipe2(s->pipe, O_CLOEXEC), 0);
	assert_int_equal(pipe2(s->other, O_CLOEXEC), 0);
}

static void stop(void *ctx)
{
	struct scene *s = ctx;

	poller_stop(s->poller);
}

static void note(struct scene *s, int what)
{
	assert_in_range(s->n_order, 0, 15);
	s->order[s->n_order++] = what;
}

static void first_timer(void *ctx)
{
	note(ctx, 1);
}

static void second_timer(void *ctx)
{
	note(ctx, 2);
}

static void timers_fire_once_in_the_order_of_their_deadlines(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint64_t start_ns, took_ns;

	(void)state;
	scene_make(&s);
	struct poller_timer *end = poller_timer_new(s.poller, stop, &s);
	struct poller_timer *first = poller_timer_new(s.poller, first_timer, &s);
	struct poller_timer *second = poller_timer_new(s.poller, second_timer, &s);

	start_ns = poller_now_ns();
	poller_timer_set(end, 30 * MS);
	poller_timer_set(second, 20 * MS);
	poller_timer_set(first, 10 * MS);
	assert_true(poller_timer_is_set(first));
	assert_int_equal(poller_run(s.poller), 0);
	took_ns = poller_now_ns() - start_ns;
	assert_int_equal(s.n_order, 2);
	assert_int_equal(s.order[0], 1);
	assert_int_equal(s.order[1], 2);
	assert_false(poller_timer_is_set(first));
	assert_true(took_ns >= 30 * MS);
}

static void a_cleared_or_freed_timer_does_not_fire(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	struct poller_timer *first = poller_timer_new(s.poller, first_timer, &s);
	struct poller_timer *second = poller_timer_new(s.poller, second_timer, &s);
	struct poller_timer *end = poller_timer_new(s.poller, stop, &s);

	poller_timer_set(first, MS);
	poller_timer_set(second, MS);
	poller_timer_set(end, 5 * MS);
	poller_timer_clear(first);
	poller_timer_free(second);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.n_order, 0);
}

static void setting_again_replaces(void **state)
{
	CLEANUP(scene_free) struct scene s;
	uint64_t start_ns = poller_now_ns();

	(void)state;
	scene_make(&s);
	struct poller_timer *end = poller_timer_new(s.poller, stop, &s);

	poller_timer_set(end, UINT64_MAX);
	poller_timer_set(end, 3600000ull * MS);
	poller_timer_set(end, 2 * MS);
	assert_int_equal(poller_run(s.poller), 0);
	assert_true(poller_now_ns() - start_ns < 1000 * MS);
}

static void free_itself(void *ctx)
{
	struct scene *s = ctx;

	poller_timer_free(TAKE_PTR(s->timers[0]));
	poller_timer_free(TAKE_PTR(s->timers[1]));
	poller_timer_set(s->timers[2], 0);
}

static void a_timer_may_free_itself_and_others(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	s.timers[0] = poller_timer_new(s.poller, free_itself, &s);
	s.timers[1] = poller_timer_new(s.poller, first_timer, &s);
	s.timers[2] = poller_timer_new(s.poller, stop, &s);
	poller_timer_set(s.timers[0], 0);
	poller_timer_set(s.timers[1], MS);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.n_order, 0);
}

static void again_at_once(void *ctx)
{
	struct scene *s = ctx;

	s->left++;
	poller_timer_set(s->timers[0], 0);
}

static void read_and_stop(void *ctx, int fd, uint32_t events)
{
	struct scene *s = ctx;
	char c;

	assert_int_equal(events & EPOLLIN, EPOLLIN);
	assert_int_equal(read(fd, &c, 1), 1);
	s->calls[0]++;
	poller_stop(s->poller);
}

static void a_restless_timer_does_not_starve_descriptors(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	s.timers[0] = poller_timer_new(s.poller, again_at_once, &s);
	poller_timer_set(s.timers[0], 0);
	assert_int_equal(poller_watch(s.poller, s.pipe[0], EPOLLIN, read_and_stop, &s), 0);
	assert_int_equal(write(s.pipe[1], "x", 1), 1);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.calls[0], 1);
}

static void it_runs_again_after_a_stop(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	assert_int_equal(poller_watch(s.poller, s.pipe[0], EPOLLIN, read_and_stop, &s), 0);
	assert_int_equal(write(s.pipe[1], "xy", 2), 2);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.calls[0], 2);
}

/* Forgets the other descriptor, whose event came in the same turn, and gives its number to a silent pipe. */
static void steal_the_number(void *ctx, int fd, uint32_t events)
{
	struct scene *s = ctx;
	int victim = fd == s->pipe[0] ? s->other[0] : s->pipe[0];

	(void)events;
	s->calls[0]++;
	poller_forget(s->poller, fd);
	poller_forget(s->poller, victim);
	assert_int_equal(pipe2(s->third, O_CLOEXEC), 0);
	assert_int_equal(dup2(s->third[0], victim), victim);
	assert_int_equal(poller_watch(s->poller, victim, EPOLLIN, steal_the_number, s), 0);
	poller_timer_set(s->timers[0], 0);
}

static void an_event_of_a_forgotten_descriptor_is_not_delivered(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	s.timers[0] = poller_timer_new(s.poller, stop, &s);
	assert_int_equal(poller_watch(s.poller, s.pipe[0], EPOLLIN, steal_the_number, &s), 0);
	assert_int_equal(poller_watch(s.poller, s.other[0], EPOLLIN, steal_the_number, &s), 0);
	assert_int_equal(write(s.pipe[1], "x", 1), 1);
	assert_int_equal(write(s.other[1], "x", 1), 1);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.calls[0], 1);
}

/* libcurl closes sockets on its own; the number comes back as another file. */
static void a_descriptor_closed_unsaid_can_be_watched_anew(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	assert_int_equal(poller_watch(s.poller, s.pipe[0], EPOLLIN, read_and_stop, &s), 0);
	assert_int_equal(dup2(s.other[0], s.pipe[0]), s.pipe[0]);
	assert_int_equal(poller_watch(s.poller, s.pipe[0], EPOLLIN, read_and_stop, &s), 0);
	assert_int_equal(write(s.other[1], "x", 1), 1);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.calls[0], 1);
}

static void a_regular_file_is_refused(void **state)
{
	CLEANUP(scene_free) struct scene s;
	CLEANUP_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	scene_make(&s);
	assert_int_equal(poller_watch(s.poller, fd, EPOLLIN, read_and_stop, &s), -EPERM);
	poller_forget(s.poller, fd);
	poller_forget(s.poller, 12345);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_once_in_the_order_of_their_deadlines),
		cmocka_unit_test(a_cleared_or_freed_timer_does_not_fire),
		cmocka_unit_test(setting_again_replaces),
		cmocka_unit_test(a_timer_may_free_itself_and_others),
		cmocka_unit_test(a_restless_timer_does_not_starve_descriptors),
		cmocka_unit_test(it_runs_again_after_a_stop),
		cmocka_unit_test(an_event_of_a_forgotten_descriptor_is_not_delivered),
		cmocka_unit_test(a_descriptor_closed_unsaid_can_be_watched_anew),
		cmocka_unit_test(a_regular_file_is_refused),
	};

	return cmocka_run_group_tests_name("poller", tests, NULL, NULL);
}
