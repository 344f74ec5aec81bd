/* SPDX-License-Identifier: Apache-2.0 */
#include "farewell.h"

#include "config_case.h"
#include "receiver.h"

#include <fcntl.h>
#include <signal.h>

#define MS 1000000ull
#define STAMP INT64_C(1787000000000000000)
/* A test that waits longer than this has failed. */
#define PATIENCE_NS (15000 * MS)

/* An output of a configuration, and those that take leave of it. */
struct scene {
	struct poller *poller;
	struct http *http;
	struct farewell *farewell;
	struct receiver receiver;
	struct output *output;
	struct poller_timer *impatience, *look;
	bool (*done)(struct scene *s);
	int log_pipe[2];
	struct text told;
};

#include "until.h"

static int tear_down(void **state)
{
	restore_errors(state);
	return forget(state);
}

/* One output to the receiver, as the variable config has it; nothing goes to disk. */
static struct config *write_config(const struct scene *s, const char *name, const char *more)
{
	char text[256];

	snprintf(text, sizeof(text), "[output.%s]\nurls = http://127.0.0.1:%d\nspool_dir =\n%s\n",
	         name, s->receiver.port, more);
	assert_int_equal(load(text), 0);
	return TAKE_PTR(config);
}

static void scene_make(struct scene *s)
{
	receiver_start(&s->receiver);
	assert_int_equal(pipe2(s->log_pipe, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(s->log_pipe[1], STDERR_FILENO);
	assert_int_equal(poller_new(&s->poller), 0);
	assert_int_equal(http_new(s->poller, &s->http), 0);
	assert_int_equal(farewell_new(s->poller, &s->farewell), 0);
	make_timers(s);
}

static void scene_free(struct scene *s)
{
	dup2(error_copy, STDERR_FILENO);
	close(s->log_pipe[0]);
	close(s->log_pipe[1]);
	farewell_free(s->farewell);
	output_free(s->output);
	http_free(s->http);
	poller_free(s->poller);
	receiver_free(&s->receiver);
	text_free(&s->told);
}

static const char *logged(struct scene *s)
{
	static char lines[65536];
	ssize_t n = read(s->log_pipe[0], lines, sizeof(lines) - 1);

	lines[n > 0 ? n : 0] = 0;
	return lines;
}

/* An output of that configuration with a window, taking leave. */
static struct output *leave(struct scene *s, struct config *old)
{
	static const char lines[] = "m v=1i 1787000000000000000\nm v=2i 1787000000000000000\n";
	const struct push_times times = {.stamp_ns = STAMP, .offset_ns = 3600000 * MS};
	struct output *output = NULL;

	assert_int_equal(output_new(&old->outputs[0], s->http, s->poller, &output), 0);
	output_lines(output, lines, strlen(lines), 2, &times);
	farewell_add(s->farewell, old, &output, 1);
	return output;
}

static bool nobody_is_left(struct scene *s)
{
	return !farewell_is_busy(s->farewell) && !poller_timer_is_set(s->look);
}

static bool all_sent(struct scene *s)
{
	return !output_stats(s->output).lines_queued;
}

static bool loss_is_told(struct scene *s)
{
	text_str(&s->told, logged(s));
	return strstr(text_cstr(&s->told), "output x: lost 2 lines of the last 1 windows");
}

static void what_an_output_has_is_delivered_when_it_is_removed(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	scene_make(&s);
	leave(&s, write_config(&s, "x", ""));
	assert_true(farewell_is_busy(s.farewell));
	run_until(&s, nobody_is_left);
	receiver_stop(&s.receiver);
	assert_string_equal(text_cstr(&s.receiver.stored),
	                    "m v=1i 1787000000000000000\nm v=2i 1787000000000000000\n");
	assert_string_equal(logged(&s), "");
}

static void what_the_receiver_does_not_take_is_told(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	s.receiver.n_steps = 1;
	s.receiver.steps[0] = (struct receiver_step){.status = 503};
	scene_make(&s);
	leave(&s, write_config(&s, "x", ""));
	run_until(&s, loss_is_told);
	receiver_stop(&s.receiver);
}

/* Its spool is known by its name: two of one name must not be there at once. */
static void one_that_comes_back_in_time_goes_on(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config *again;
	struct output *gone;

	s.receiver.n_steps = 1;
	s.receiver.steps[0].manner = RECEIVER_HANG;
	scene_make(&s);
	gone = leave(&s, write_config(&s, "x", "timeout = 10m"));
	again = write_config(&s, "other", "");
	assert_null(farewell_hold(s.farewell, &again->outputs[0]));
	config_free(again);
	again = write_config(&s, "x", "type = stdout");
	assert_null(farewell_hold(s.farewell, &again->outputs[0]));
	config_free(again);
	again = write_config(&s, "x", "timeout = 5s");
	assert_ptr_equal(farewell_hold(s.farewell, &again->outputs[0]), gone);
	assert_int_equal(output_prepare(gone, &again->outputs[0]), 0);
	farewell_recall(s.farewell, gone);
	s.output = gone;
	output_commit(gone);
	run_until(&s, all_sent);
	assert_int_equal(output_stats(gone).lines_sent, 2);
	assert_false(farewell_is_busy(s.farewell));
	receiver_stop(&s.receiver);
	assert_int_equal(s.receiver.n_requests, 2);
	output_free(TAKE_PTR(s.output));
	config_free(again);
}

static void one_that_is_held_is_not_freed_before_it_is_released(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config *again;
	struct output *gone;

	scene_make(&s);
	gone = leave(&s, write_config(&s, "x", ""));
	again = write_config(&s, "x", "");
	assert_ptr_equal(farewell_hold(s.farewell, &again->outputs[0]), gone);
	run_until(&s, nobody_is_left);
	/* It has delivered all, and is there. */
	assert_int_equal(output_stats(gone).lines_sent, 2);
	farewell_release(s.farewell, gone);
	farewell_end(s.farewell);
	assert_null(farewell_hold(s.farewell, &again->outputs[0]));
	config_free(again);
	receiver_stop(&s.receiver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_an_output_has_is_delivered_when_it_is_removed,
	                                  tear_down),
		cmocka_unit_test_teardown(what_the_receiver_does_not_take_is_told, tear_down),
		cmocka_unit_test_teardown(one_that_comes_back_in_time_goes_on, tear_down),
		cmocka_unit_test_teardown(one_that_is_held_is_not_freed_before_it_is_released,
	                                  tear_down),
	};

	error_copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	signal(SIGPIPE, SIG_IGN);
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("farewell", tests, NULL, NULL);
}
