/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

struct scene {
	struct poller *poller;
	struct worker *worker;
	pthread_t loop, thread;
	int gate[2];    /* a byte in it lets the work go on */
	unsigned works; /* the thread's, until done */
	unsigned dones;
	unsigned wanted;
};

static void scene_make(struct scene *s)
{
	*s = (struct scene){.loop = pthread_self()};
	assert_int_equal(pipe(s->gate), 0);
	assert_int_equal(poller_new(&s->poller), 0);
	assert_int_equal(worker_new(s->poller, &s->worker), 0);
}

static void scene_free(struct scene *s)
{
	assert_true(worker_free(s->worker, 10000));
	poller_free(s->poller);
	ground_closep(&s->gate[0]);
	ground_closep(&s->gate[1]);
}

static void work(void *ctx)
{
	struct scene *s = ctx;
	char byte;

	s->works++;
	s->thread = pthread_self();
	while (read(s->gate[0], &byte, 1) < 0)
		;
}

static void done(void *ctx)
{
	struct scene *s = ctx;

	assert_true(pthread_equal(pthread_self(), s->loop));
	assert_false(worker_is_busy(s->worker));
	if (++s->dones == s->wanted)
		poller_stop(s->poller);
	else
		assert_int_equal(worker_start(s->worker, work, done, s), 0);
}

static void open_gate(struct scene *s, size_t times)
{
	for (size_t i = 0; i < times; i++)
		assert_int_equal(write(s->gate[1], "x", 1), 1);
}

static void the_loop_goes_on_while_the_thread_works(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	assert_false(worker_is_busy(s.worker));
	s.wanted = 1;
	assert_int_equal(worker_start(s.worker, work, done, &s), 0);
	/* We are here, though the work cannot be done before the gate opens. */
	assert_true(worker_is_busy(s.worker));
	assert_int_equal(worker_start(s.worker, work, done, &s), -EBUSY);
	open_gate(&s, 1);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.works, 1);
	assert_false(pthread_equal(s.thread, s.loop));
}

static void one_job_leads_to_the_next(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	s.wanted = 1000;
	open_gate(&s, s.wanted);
	assert_int_equal(worker_start(s.worker, work, done, &s), 0);
	assert_int_equal(poller_run(s.poller), 0);
	assert_int_equal(s.works, s.wanted);
}

/* The loop reads them from a signalfd, and ends the agent in good order. */
static void signals_are_not_the_threads(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	s.wanted = 1;
	open_gate(&s, 1);
	assert_int_equal(worker_start(s.worker, work, done, &s), 0);
	assert_int_equal(poller_run(s.poller), 0);
	sigset_t set, before;
	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, &before);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	int got = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	assert_int_equal(sigwait(&set, &got), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(got, SIGTERM);
}

static void the_end_waits_for_a_job_and_forgets_what_it_did(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	assert_int_equal(worker_start(s.worker, work, done, &s), 0);
	open_gate(&s, 1);
	assert_true(worker_free(TAKE_PTR(s.worker), 10000));
	assert_int_equal(s.works, 1);
	assert_int_equal(s.dones, 0);
}

static void the_end_does_not_wait_for_a_disk_that_hangs(void **state)
{
	/* Not on the stack: the thread uses it for good. */
	static struct scene s;
	static struct worker *worker;
	uint64_t start_ns = poller_now_ns();

	(void)state;
	scene_make(&s);
	worker = s.worker;
	assert_int_equal(worker_start(s.worker, work, done, &s), 0);
	s.worker = NULL;
	assert_false(worker_free(worker, 50));
	assert_in_range(poller_now_ns() - start_ns, 50000000, 5000000000);
	poller_free(s.poller);
	/* The disk comes back. The thread must find all that it touches. */
	open_gate(&s, 1);
	usleep(20000);
}

static void a_worker_without_a_job_has_no_thread_to_end(void **state)
{
	CLEANUP(scene_free) struct scene s;

	(void)state;
	scene_make(&s);
	assert_true(worker_free(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_loop_goes_on_while_the_thread_works),
		cmocka_unit_test(one_job_leads_to_the_next),
		cmocka_unit_test(signals_are_not_the_threads),
		cmocka_unit_test(the_end_waits_for_a_job_and_forgets_what_it_did),
		cmocka_unit_test(the_end_does_not_wait_for_a_disk_that_hangs),
		cmocka_unit_test(a_worker_without_a_job_has_no_thread_to_end),
	};

	return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
