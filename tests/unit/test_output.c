/* SPDX-License-Identifier: Apache-2.0 */
#include "outlet.h"
#include "output.h"
#include "push.h"
#include "receiver.h"
#include "settle.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#define MS 1000000ull
/* A test that waits longer than this has failed: above two first backoffs and a Retry-After. */
#define PATIENCE_NS (15000 * MS)
#define STAMP 1787000000000000000
#define INTERVAL 10000000000

/* One output to up to two receivers, and all lines ever handed to it. */
struct scene {
	struct poller *poller;
	struct http *http;
	struct output *output;
	struct config_output config;
	struct receiver receivers[2];
	char urls[2][128], *url_items[2];
	struct poller_timer *impatience, *look;
	struct text collected;
	unsigned windows;
	uint64_t save_ns;
	uint64_t answers_before, looks;
	bool (*done)(struct scene *s);
	int log_pipe[2];
};

#include "until.h"

static void scene_make(struct scene *s, size_t n_urls)
{
	s->config = (struct config_output){
		.name = "telegraf",
		.type = s->config.type,
		.urls = {.items = s->url_items, .n = n_urls},
		.database = "telegraf",
		.retention_policy = "",
		.organization = "",
		.bucket = "b",
		.path = "",
		.username = "",
		.password = "",
		.password_file = s->config.password_file ?: "",
		.token = "",
		.token_file = s->config.token_file ?: "",
		.tls_ca = "",
		.tls_cert = "",
		.tls_key = "",
		.http_proxy = "",
		.timeout_ns = s->config.timeout_ns ? s->config.timeout_ns : 5000 * MS,
		.content_encoding = ENCODING_GZIP,
		.batch_max_bytes = s->config.batch_max_bytes ? s->config.batch_max_bytes : 1 << 20,
		.spool_dir = s->config.spool_dir ?: "",
		.spool_max_bytes = s->config.spool_max_bytes ? s->config.spool_max_bytes : 1 << 20,
	};
	for (size_t i = 0; i < n_urls; i++) {
		receiver_start(&s->receivers[i]);
		snprintf(s->urls[i], sizeof(s->urls[i]), "http://127.0.0.1:%d",
		         s->receivers[i].port);
		s->url_items[i] = s->urls[i];
	}
	/* What it logs goes into a pipe for the test to read. */
	assert_int_equal(pipe2(s->log_pipe, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(s->log_pipe[1], STDERR_FILENO);
	assert_int_equal(poller_new(&s->poller), 0);
	assert_int_equal(http_new(s->poller, &s->http), 0);
	assert_int_equal(output_new(&s->config, s->http, s->poller, &s->output), 0);
	make_timers(s);
}

static void scene_free(struct scene *s)
{
	restore_errors(NULL);
	close(s->log_pipe[0]);
	close(s->log_pipe[1]);
	output_free(s->output);
	http_free(s->http);
	poller_free(s->poller);
	receiver_free(&s->receivers[0]);
	receiver_free(&s->receivers[1]);
	text_free(&s->collected);
}

/* At any time, whatever happened. */
static void nothing_is_uncounted(struct scene *s)
{
	struct output_stats stats = output_stats(s->output);
	uint64_t dropped = 0;

	for (int i = 0; i < OUTPUT_DROP_MAX; i++)
		dropped += stats.lines_dropped[i];
	assert_int_equal(stats.lines_collected, stats.lines_sent + stats.lines_queued + dropped);
	assert_int_equal(stats.lines_queued == 0, stats.oldest_stamp_ns == 0);
}

static void add_window(struct scene *s, unsigned n_lines, uint64_t offset_ns)
{
	size_t before = s->collected.len;
	int64_t stamp_ns = STAMP + (int64_t)s->windows * INTERVAL;

	for (unsigned i = 0; i < n_lines; i++)
		text_printf(
			&s->collected,
			"block_io_latency,device=sd%c,layer=disk,le=%u,op=read count=%ui %lld\n",
			'a' + (int)(i % 26), 1u << (i % 20), s->windows * 100000 + i,
			(long long)stamp_ns);
	s->windows++;
	output_lines(s->output, s->collected.data + before, s->collected.len - before, n_lines,
	             &(struct push_times){stamp_ns, offset_ns, s->save_ns});
	nothing_is_uncounted(s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines, sorted, each once. @return how many; text is cut up */
static size_t line_set(struct text *text, char ***ret_lines)
{
	char **lines = calloc(text->len + 1, sizeof(char *));
	size_t n = 0, unique = 0;
	char *save = NULL;

	for (char *line = text->len ? strtok_r(text->data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		lines[n++] = line;
	qsort(lines, n, sizeof(lines[0]), by_text);
	for (size_t i = 0; i < n; i++)
		if (!unique || strcmp(lines[unique - 1], lines[i]))
			lines[unique++] = lines[i];
	*ret_lines = lines;
	return unique;
}

static void stored_is_collected(struct scene *s)
{
	CLEANUP(text_free) struct text stored = {0};
	CLEANUP_FREE char **want = NULL;
	CLEANUP_FREE char **got = NULL;

	for (int i = 0; i < 2; i++) {
		receiver_stop(&s->receivers[i]);
		text_append(&stored, s->receivers[i].stored.data, s->receivers[i].stored.len);
	}
	size_t n_got = line_set(&stored, &got), n_want = line_set(&s->collected, &want);
	assert_int_equal(n_got, n_want);
	for (size_t i = 0; i < n_want; i++)
		assert_string_equal(got[i], want[i]);
}

static bool nothing_queued(struct scene *s)
{
	nothing_is_uncounted(s);
	return !output_stats(s->output).lines_queued;
}

static uint64_t answers(struct scene *s)
{
	struct output_stats stats = output_stats(s->output);
	uint64_t n = 0;

	for (int i = 0; i < VERDICT_ACTION_MAX; i++)
		n += stats.verdicts[i];
	return n;
}

static bool one_answer(struct scene *s)
{
	nothing_is_uncounted(s);
	return answers(s);
}

static bool idle(struct scene *s)
{
	nothing_is_uncounted(s);
	return !output_is_busy(s->output);
}

static bool idle_and_failing(struct scene *s)
{
	return idle(s) && output_stats(s->output).failing;
}

/* What was logged since the last call. */
static const char *logged(struct scene *s)
{
	static char lines[65536];
	ssize_t n = read(s->log_pipe[0], lines, sizeof(lines) - 1);

	lines[n > 0 ? n : 0] = 0;
	return lines;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		n++;
		text++;
	}
	return n;
}

static void a_window_arrives_as_it_was(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, 1);
	add_window(&s, 500, 0);
	assert_true(output_is_busy(s.output));
	run_until(&s, nothing_queued);
	assert_false(output_is_busy(s.output));
	struct output_stats stats = output_stats(s.output);
	assert_int_equal(stats.lines_sent, 500);
	assert_int_equal(stats.verdicts[VERDICT_SENT], 1);
	assert_int_equal(stats.status, 204);
	assert_true(stats.push_ns > 0 && stats.push_max_ns == stats.push_ns);
	assert_false(stats.failing);
	receiver_stop(&s.receivers[0]);
	assert_non_null(strstr(s.receivers[0].heads.data,
	                       "POST /write?db=telegraf&precision=ns HTTP/1.1\r\n"));
	assert_non_null(strstr(s.receivers[0].heads.data, "User-Agent: thermograf/"));
	assert_string_equal(logged(&s), "");
	stored_is_collected(&s);
}

static void sending_waits_for_its_offset(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	uint64_t start_ns = poller_now_ns();

	(void)state;
	scene_make(&s, 1);
	add_window(&s, 10, 150 * MS);
	run_until(&s, nothing_queued);
	assert_true(poller_now_ns() - start_ns >= 150 * MS);
}

static void a_large_window_goes_in_batches(void **state)
{
	CLEANUP(scene_free) struct scene s = {.config.batch_max_bytes = 5000};

	(void)state;
	scene_make(&s, 1);
	add_window(&s, 2000, 0);
	run_until(&s, nothing_queued);
	assert_in_range(output_stats(s.output).batches_sent, 20, 50);
	receiver_stop(&s.receivers[0]);
	assert_int_equal(s.receivers[0].n_accepted, 1);
	stored_is_collected(&s);
}

static void a_receiver_that_says_503_is_given_the_time_it_asks(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	uint64_t start_ns = poller_now_ns();

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] = (struct receiver_step){
		.status = 503, .headers = "Retry-After: 1.2\r\n", .body = "queue full"};
	scene_make(&s, 1);
	add_window(&s, 100, 0);
	run_until(&s, nothing_queued);
	assert_true(poller_now_ns() - start_ns >= 1200 * MS);
	assert_int_equal(output_stats(s.output).retries, 1);
	const char *log = logged(&s);
	assert_int_equal(count(log, "answers 503 \"queue full\"; keeping 1 window, next try in 1."),
	                 1);
	assert_int_equal(count(log, "output telegraf: delivered again after 1."), 1);
	assert_int_equal(count(log, "\n"), 2);
	stored_is_collected(&s);
}

/* The request arrived or it did not: nobody knows. It is sent again, on a new connection, and nothing is lost. */
static void a_connection_that_dies_loses_nothing(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].n_steps = 4;
	s.receivers[0].steps[1] = (struct receiver_step){.manner = RECEIVER_CLOSE, .store = true};
	s.receivers[0].steps[2] = (struct receiver_step){.manner = RECEIVER_CLOSE};
	scene_make(&s, 1);
	add_window(&s, 50, 0);
	run_until(&s, nothing_queued);
	add_window(&s, 50, 0);
	run_until(&s, nothing_queued);
	receiver_stop(&s.receivers[0]);
	/* libcurl may open one more and then find that it must not repeat the body. */
	assert_int_equal(s.receivers[0].n_requests, 4);
	assert_in_range(s.receivers[0].n_accepted, 3, 4);
	assert_int_equal(output_stats(s.output).reasons[REASON_TRANSPORT], 2);
	const char *log = logged(&s);
	assert_int_equal(count(log, "gives no answer: "), 1);
	assert_int_equal(count(log, "delivered again"), 1);
	stored_is_collected(&s);
}

/* A Retry-After, because a backoff may happen to be over before the other windows are there. */
static void a_receiver_that_comes_back_gets_all_windows_newest_first(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] =
		(struct receiver_step){.status = 503, .headers = "Retry-After: 0.3\r\n"};
	scene_make(&s, 1);
	add_window(&s, 5, 0);
	run_until(&s, one_answer);
	assert_true(output_stats(s.output).failing);
	for (int i = 0; i < 8; i++)
		add_window(&s, 5, 0);
	assert_int_equal(output_stats(s.output).windows_queued, 9);
	assert_int_equal(output_stats(s.output).oldest_stamp_ns, STAMP);
	run_until(&s, nothing_queued);
	receiver_stop(&s.receivers[0]);
	/* The newest is the first that was stored, the oldest the second. */
	const char *stored = s.receivers[0].stored.data;
	assert_non_null(strstr(stored, "count=800000i"));
	assert_true(strstr(stored, "count=800000i") < strstr(stored, "count=0i"));
	assert_true(strstr(stored, "count=0i") < strstr(stored, "count=700000i"));
	assert_int_equal(count(logged(&s), "delivered again after "), 1);
	stored_is_collected(&s);
}

static void of_an_old_backlog_a_few_go_per_window(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, 1);
	/* 30 windows that were never due, as after an outage. */
	for (int i = 0; i < 30; i++)
		add_window(&s, 1, 3600000 * MS);
	add_window(&s, 1, 0);
	run_until(&s, idle);
	assert_int_equal(output_stats(s.output).batches_sent, 1 + PUSH_OLD_PER_INTERVAL);
	assert_int_equal(output_stats(s.output).windows_queued, 20);
	add_window(&s, 1, 0);
	run_until(&s, idle);
	assert_int_equal(output_stats(s.output).batches_sent, 2 * (1 + PUSH_OLD_PER_INTERVAL));
	/* At the end there is no next window: all that is left goes. */
	output_flush(s.output);
	run_until(&s, idle);
	assert_int_equal(output_stats(s.output).lines_queued, 0);
	stored_is_collected(&s);
}

/* A receiver that made batches small does not wait longer for what an outage left. */
static void old_windows_are_counted_not_their_batches(void **state)
{
	CLEANUP(scene_free) struct scene s = {.config.batch_max_bytes = 500};

	(void)state;
	scene_make(&s, 1);
	for (int i = 0; i < 15; i++)
		add_window(&s, 30, 3600000 * MS);
	add_window(&s, 1, 0);
	run_until(&s, idle);
	assert_true(output_stats(s.output).batches_sent > 1 + 3 * PUSH_OLD_PER_INTERVAL);
	assert_int_equal(output_stats(s.output).windows_queued, 5);
}

static void what_is_too_large_goes_in_halves(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].max_raw = 20000;
	scene_make(&s, 1);
	add_window(&s, 2000, 0);
	run_until(&s, nothing_queued);
	struct output_stats stats = output_stats(s.output);
	assert_int_equal(stats.lines_sent, 2000);
	assert_true(stats.splits >= 7);
	assert_int_equal(stats.splits, stats.verdicts[VERDICT_SPLIT]);
	/* Learnt: the next window is not sent in vain first. */
	add_window(&s, 2000, 0);
	run_until(&s, nothing_queued);
	assert_int_equal(output_stats(s.output).splits, stats.splits);
	stored_is_collected(&s);
}

static void a_single_line_too_large_is_dropped_and_told(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].max_raw = 10;
	scene_make(&s, 1);
	add_window(&s, 3, 0);
	run_until(&s, nothing_queued);
	assert_int_equal(output_stats(s.output).lines_dropped[OUTPUT_DROP_TOO_LARGE], 3);
	assert_int_equal(output_stats(s.output).lines_sent, 0);
	assert_int_equal(
		count(logged(&s), "answers 413; dropped 1 line: block_io_latency,device=sd"), 1);
}

static void what_is_rejected_does_not_hold_up_the_rest(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].n_steps = 2;
	s.receivers[0].steps[0] = (struct receiver_step){
		.status = 400, .body = "{\"error\":\"unable to parse 'x'\"}"};
	s.receivers[0].steps[1] = (struct receiver_step){
		.status = 400,
		.body = "{\"error\":\"partial write: field type conflict dropped=1\"}"};
	scene_make(&s, 1);
	for (int i = 0; i < 3; i++) {
		add_window(&s, 20, 0);
		run_until(&s, nothing_queued);
	}
	struct output_stats stats = output_stats(s.output);
	assert_int_equal(stats.lines_dropped[OUTPUT_DROP_REJECTED], 20);
	assert_int_equal(stats.lines_dropped[OUTPUT_DROP_PARTIAL], 1);
	assert_int_equal(stats.lines_sent, 39);
	assert_int_equal(stats.retries, 0);
	/* The second loss is within the hour of the first. */
	assert_int_equal(count(logged(&s), "; dropped"), 1);
}

/* Of a receiver that takes all or nothing. */
static void a_bad_line_costs_itself_and_is_told(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].bad = "count=700i";
	scene_make(&s, 1);
	add_window(&s, 2000, 0);
	run_until(&s, nothing_queued);
	struct output_stats stats = output_stats(s.output);
	assert_int_equal(stats.lines_dropped[OUTPUT_DROP_REJECTED], 1);
	assert_int_equal(stats.lines_sent, 1999);
	/* 2000 lines are halved 11 times. */
	assert_int_equal(stats.bisections, 11);
	assert_int_equal(stats.verdicts[VERDICT_BISECT], 12);
	assert_int_equal(stats.verdicts[VERDICT_SENT], 11);
	assert_false(stats.failing);
	/* What is rejected is not too large. */
	add_window(&s, 2000, 0);
	run_until(&s, nothing_queued);
	assert_int_equal(output_stats(s.output).batches_sent, stats.batches_sent + 1);
	const char *log = logged(&s);
	assert_int_equal(count(log,
	                       "answers 400 \"incorrect influx line garbage\"; dropped 1 line: "
	                       "block_io_latency,device=sdy,layer=disk,le=1,op=read count=700i "),
	                 1);
	assert_int_equal(count(log, "\n"), 1);
	receiver_stop(&s.receivers[0]);
	assert_null(strstr(text_cstr(&s.receivers[0].stored), "count=700i"));
	assert_int_equal(count(text_cstr(&s.receivers[0].stored), "\n"), 3999);
}

static void bad_lines_of_old_windows_cost_themselves_too(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].bad = "00007i";
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] =
		(struct receiver_step){.status = 503, .headers = "Retry-After: 0.2\r\n"};
	scene_make(&s, 1);
	for (int i = 0; i < 6; i++)
		add_window(&s, 100, 0);
	run_until(&s, nothing_queued);
	/* The first window counts from 0: "7i" is no such line. */
	assert_int_equal(output_stats(s.output).lines_dropped[OUTPUT_DROP_REJECTED], 5);
	assert_int_equal(output_stats(s.output).lines_sent, 595);
}

/* 500 for one batch, for ever: those that come after it must get through. */
static void a_poisonous_batch_does_not_hold_up_the_rest(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] = (struct receiver_step){
		.status = 500, .headers = "Retry-After: 0.3\r\n", .body = "boom"};
	scene_make(&s, 1);
	add_window(&s, 1, 0);
	run_until(&s, one_answer);
	for (int i = 0; i < 5; i++)
		add_window(&s, 1, 0);
	run_until(&s, nothing_queued);
	receiver_stop(&s.receivers[0]);
	const char *stored = s.receivers[0].stored.data;
	assert_true(strstr(stored, "count=0i") > strstr(stored, "count=400000i"));
	stored_is_collected(&s);
}

static bool first_window_left(struct scene *s)
{
	nothing_is_uncounted(s);
	return output_stats(s->output).windows_queued <= 1;
}

/* Each new window passes, then the old one is refused: that is one trouble, not a new one every window. */
static void poison_is_not_told_as_healing_and_failing_for_ever(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	s.receivers[0].n_steps = 17;
	for (int i = 0; i < 17; i += 2)
		s.receivers[0].steps[i] = (struct receiver_step){
			.status = 500, .headers = "Retry-After: 0.01\r\n", .body = "boom"};
	scene_make(&s, 1);
	add_window(&s, 1, 0);
	run_until(&s, one_answer);
	for (int i = 0; i < 8; i++) {
		add_window(&s, 1, 0);
		run_until(&s, first_window_left);
	}
	assert_in_range(count(logged(&s), "delivered again"), 0, SETTLE_POISON_REFUSALS);
	run_until(&s, nothing_queued);
	receiver_stop(&s.receivers[0]);
	stored_is_collected(&s);
}

static void a_missing_database_is_held_and_said_loudly(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] = (struct receiver_step){
		.status = 404, .body = "{\"error\":\"database not found: \\\"telegraf\\\"\"}\n"};
	scene_make(&s, 1);
	add_window(&s, 30, 0);
	run_until(&s, one_answer);
	assert_int_equal(output_stats(s.output).verdicts[VERDICT_HOLD], 1);
	assert_true(output_stats(s.output).failing);
	assert_false(output_is_busy(s.output));
	const char *log = logged(&s);
	assert_int_equal(
		count(log,
	              "answers 404 \"database not found: telegraf\"; keeping 1 window, next try "
	              "in "),
		1);
	assert_int_equal(count(log, " s; create it with: CREATE DATABASE \"telegraf\"\n"), 1);
	/* More windows do not hurry it; but the end does, and by then somebody has mended it. */
	add_window(&s, 30, 0);
	run_until(&s, idle);
	assert_int_equal(output_stats(s.output).lines_queued, 60);
	output_flush(s.output);
	run_until(&s, idle);
	assert_int_equal(count(logged(&s), "delivered again after"), 1);
	stored_is_collected(&s);
}

static void a_dead_url_fails_over_to_the_next_at_once(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	uint64_t start_ns;

	(void)state;
	scene_make(&s, 2);
	receiver_stop(&s.receivers[0]);
	start_ns = poller_now_ns();
	add_window(&s, 40, 0);
	run_until(&s, nothing_queued);
	assert_true(poller_now_ns() - start_ns < 500 * MS);
	/* And it stays there. */
	add_window(&s, 40, 0);
	run_until(&s, nothing_queued);
	assert_int_equal(output_stats(s.output).retries, 1);
	const char *log = logged(&s);
	assert_int_equal(count(log, s.urls[0]), 1);
	assert_int_equal(count(log, "trying the next of urls"), 1);
	stored_is_collected(&s);
}

static void a_full_spool_drops_the_oldest_and_says_so_once(void **state)
{
	CLEANUP(scene_free) struct scene s = {.config.spool_max_bytes = 2000};

	(void)state;
	scene_make(&s, 1);
	for (int i = 0; i < 50; i++)
		add_window(&s, 20, 3600000 * MS);
	struct output_stats stats = output_stats(s.output);
	assert_true(stats.lines_dropped[OUTPUT_DROP_SPOOL] > 500);
	assert_in_range(stats.bytes_queued, 1000, 2000);
	assert_int_equal(count(logged(&s), "spool_max_bytes (2000)"), 1);
}

static void what_the_end_cannot_deliver_is_counted_and_told(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s, 1);
	receiver_stop(&s.receivers[0]);
	for (int i = 0; i < 4; i++)
		add_window(&s, 25, 0);
	output_flush(s.output);
	assert_true(output_is_busy(s.output));
	run_until(&s, idle);
	output_tell_rest(s.output);
	nothing_is_uncounted(&s);
	assert_int_equal(output_stats(s.output).lines_dropped[OUTPUT_DROP_END], 100);
	assert_int_equal(output_stats(s.output).lines_queued, 0);
	assert_int_equal(count(logged(&s), "output telegraf: lost 100 lines of the last 4 windows"),
	                 1);
	/* A second call has nothing more to tell. */
	output_tell_rest(s.output);
	assert_string_equal(logged(&s), "");
}

static void the_end_does_not_wait_for_a_silent_receiver(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] = (struct receiver_step){.manner = RECEIVER_HANG};
	scene_make(&s, 1);
	add_window(&s, 25, 0);
	output_flush(s.output);
	assert_true(output_is_busy(s.output));
	output_tell_rest(s.output);
	assert_false(output_is_busy(s.output));
	nothing_is_uncounted(&s);
}

/* Or there is nothing to do before the next window. */
static bool three_more_answers(struct scene *s)
{
	nothing_is_uncounted(s);
	return answers(s) >= s->answers_before + 3 || ++s->looks % 20 == 0;
}

/* Everything at once, many windows: what is not counted as dropped was stored. */
static void in_all_misery_the_sums_are_right(void **state)
{
	static const struct receiver_step miseries[] = {
		{.status = 204},
		{.status = 503, .headers = "Retry-After: 0.01\r\n"},
		{.status = 413},
		{.manner = RECEIVER_ANSWER_CLOSE, .status = 204},
		{.status = 429, .headers = "Retry-After: 0.02\r\n"},
		{.status = 400, .body = "{\"error\":\"unable to parse\"}"},
		{.status = 204},
		{.status = 500,
	         .headers = "Retry-After: 0.01\r\n",
	         .body = "timeout",
	         .store = true},
	};
	CLEANUP(scene_free) struct scene s = {.config.batch_max_bytes = 9000};

	(void)state;
	for (int i = 0; i < 40; i++)
		s.receivers[0].steps[i] = miseries[(i * 5 + i / 8) % 8];
	s.receivers[0].n_steps = 40;
	scene_make(&s, 1);
	for (unsigned i = 0; answers(&s) < 40; i++) {
		add_window(&s, 60 + i % 8 * 50, 0);
		s.answers_before = answers(&s);
		run_until(&s, three_more_answers);
	}
	output_flush(s.output);
	run_until(&s, nothing_queued);
	struct output_stats stats = output_stats(s.output);
	CLEANUP(text_free) struct text stored = {0};
	CLEANUP_FREE char **lines = NULL;
	receiver_stop(&s.receivers[0]);
	text_append(&stored, s.receivers[0].stored.data, s.receivers[0].stored.len);
	size_t n = line_set(&stored, &lines);
	assert_true(stats.lines_dropped[OUTPUT_DROP_REJECTED] > 0 && stats.splits > 0 &&
	            stats.retries > 0);
	assert_int_equal(n, stats.lines_sent);
	assert_int_equal(stats.lines_collected,
	                 stats.lines_sent + stats.lines_dropped[OUTPUT_DROP_REJECTED]);
}

static void no_log_line_holds_a_secret(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receivers[0].n_steps = 2;
	s.receivers[0].steps[0] = (struct receiver_step){.status = 401, .body = "Unauthorized"};
	scene_make(&s, 1);
	output_free(s.output);
	snprintf(s.urls[0], sizeof(s.urls[0]), "http://user:s3cret@127.0.0.1:%d/write?p=s3cret",
	         s.receivers[0].port);
	s.config.username = "user";
	s.config.password = "s3cret";
	assert_int_equal(output_new(&s.config, s.http, s.poller, &s.output), 0);
	add_window(&s, 1, 0);
	run_until(&s, one_answer);
	receiver_stop(&s.receivers[0]);
	add_window(&s, 1, 0);
	output_flush(s.output);
	run_until(&s, idle);
	output_tell_rest(s.output);
	const char *log = logged(&s);
	assert_int_equal(count(log, "answers 401 \"Unauthorized\""), 1);
	assert_int_equal(count(log, "gives no answer"), 1);
	assert_int_equal(count(log, "s3cret"), 0);
}

/* InfluxDB 2 and 3 as their sources have it: method, path, query and header of the whole request. */
static void each_type_asks_as_its_receiver_expects(void **state)
{
	static const struct {
		enum output_type type;
		char *token, *username;
		const char *request, *authorization;
	} rows[] = {
		{OUTPUT_INFLUX1, "", "", "POST /write?db=telegraf&precision=ns HTTP/1.1\r\n", NULL},
		{OUTPUT_INFLUX1, "tok", "", "POST /write?db=telegraf&precision=ns HTTP/1.1\r\n",
	         "Bearer tok"},
		/* base64("u:p") */
		{OUTPUT_INFLUX1, "", "u", "POST /write?db=telegraf&precision=ns HTTP/1.1\r\n",
	         "Basic dTpw"},
		{OUTPUT_INFLUX2, "tok", "",
	         "POST /api/v2/write?org=my%20org&bucket=b&precision=ns HTTP/1.1\r\n", "Token tok"},
		{OUTPUT_INFLUX2, "", "u",
	         "POST /api/v2/write?org=my%20org&bucket=b&precision=ns HTTP/1.1\r\n",
	         "Basic dTpw"},
		{OUTPUT_INFLUX3, "tok", "",
	         "POST /api/v3/write_lp?db=telegraf&precision=nanosecond HTTP/1.1\r\n",
	         "Bearer tok"},
		{OUTPUT_HTTP, "tok", "", "POST / HTTP/1.1\r\n", "Bearer tok"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(scene_free) struct scene s = {.config.type = rows[i].type};

		scene_make(&s, 1);
		output_free(s.output);
		s.config.organization = "my org";
		s.config.token = rows[i].token;
		s.config.username = rows[i].username;
		s.config.password = "p";
		assert_int_equal(output_new(&s.config, s.http, s.poller, &s.output), 0);
		add_window(&s, 2, 0);
		run_until(&s, nothing_queued);
		receiver_stop(&s.receivers[0]);
		const char *heads = text_cstr(&s.receivers[0].heads);
		const char *found = strstr(heads, "Authorization: ");
		assert_ptr_equal(strstr(heads, rows[i].request), heads);
		assert_int_equal(count(heads, "Authorization: "), rows[i].authorization != NULL);
		if (found)
			assert_ptr_equal(strstr(found, rows[i].authorization), found + 15);
		stored_is_collected(&s);
	}
}

static const char *tell_file(const char *text)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/test_output.token.%d", getpid());
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return path;
}

/* It is noticed with the next window, or when the old one is refused. */
static void a_rotated_token_is_taken_without_restart(void **state)
{
	CLEANUP(scene_free) struct scene s = {.config.type = OUTPUT_INFLUX2};

	(void)state;
	s.config.token_file = (char *)tell_file("old\n");
	s.receivers[0].password = "Authorization: Token old\r\n";
	scene_make(&s, 1);
	add_window(&s, 3, 0);
	run_until(&s, nothing_queued);
	tell_file("new\n");
	s.receivers[0].password = "Authorization: Token new\r\n";
	uint64_t start_ns = poller_now_ns();
	add_window(&s, 3, 0);
	run_until(&s, nothing_queued);
	assert_true(poller_now_ns() - start_ns < 5000 * MS);
	assert_in_range(output_stats(s.output).reasons[REASON_AUTH], 0, 1);
	/* A change that was meant is no trouble. */
	assert_string_equal(logged(&s), "");
	/* One that was not is held, and told once, however often it is refused. */
	tell_file("wrong\n");
	s.receivers[0].password = "Authorization: Token newer\r\n";
	s.answers_before = answers(&s);
	add_window(&s, 3, 0);
	run_until(&s, idle_and_failing);
	/* The one it had, and the one that was in the file by then, which may have been the same; and that once more where
	 * the look of the window was still under way when the first was refused. */
	assert_in_range(answers(&s), s.answers_before + 2, s.answers_before + 3);
	const char *log = logged(&s);
	assert_int_equal(count(log, "answers 401 \"Unauthorized\"; keeping 1 window, next try in "),
	                 1);
	assert_int_equal(count(log, " s; check token_file of [output.telegraf]\n"), 1);
	assert_int_equal(output_stats(s.output).lines_queued, 3);
	/* Whoever brings the right one does not wait for the next try. */
	tell_file("newer\n");
	start_ns = poller_now_ns();
	add_window(&s, 3, 0);
	run_until(&s, nothing_queued);
	assert_true(poller_now_ns() - start_ns < 5000 * MS);
	assert_int_equal(count(logged(&s), "delivered again after"), 1);
	stored_is_collected(&s);
	unlink(s.config.token_file);
}

static void a_token_that_comes_late_holds_its_output_only(void **state)
{
	CLEANUP(scene_free) struct scene s = {.config.type = OUTPUT_INFLUX1};

	(void)state;
	s.config.token_file = (char *)tell_file("\n");
	s.receivers[0].password = "Authorization: Bearer late\r\n";
	scene_make(&s, 1);
	add_window(&s, 3, 0);
	run_until(&s, idle_and_failing);
	const char *log = logged(&s);
	assert_ptr_equal(strstr(log, "output telegraf: token_file: /tmp/"), log);
	assert_int_equal(count(log, " is empty; keeping 1 window, next try in 30 s\n"), 1);
	assert_int_equal(answers(&s), 0);
	tell_file("late\n");
	/* The end does not wait for the next try. */
	output_flush(s.output);
	run_until(&s, nothing_queued);
	assert_int_equal(count(logged(&s), "delivered again after"), 1);
	stored_is_collected(&s);
	unlink(s.config.token_file);
}

/* As on a disk that is gone: reading it never ends, and neither windows nor the end wait for it. */
static void a_secret_that_cannot_be_read_to_its_end_holds_up_nothing(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_output.fifo.%d", getpid());
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* Never closed: the thread hangs on until the program ends, and so does what it works on. */
	assert_true(open(path, O_RDWR | O_CLOEXEC) >= 0);
	s.config.token_file = path;
	scene_make(&s, 1);
	uint64_t start_ns = poller_now_ns();
	for (int i = 0; i < 5; i++)
		add_window(&s, 3, 0);
	assert_true(poller_now_ns() - start_ns < 1000 * MS);
	run_until(&s, idle);
	assert_int_equal(output_stats(s.output).lines_queued, 15);
	output_flush(s.output);
	start_ns = poller_now_ns();
	output_tell_rest(s.output);
	nothing_is_uncounted(&s);
	assert_int_equal(output_stats(s.output).lines_dropped[OUTPUT_DROP_END], 15);
	output_free(s.output);
	s.output = NULL;
	assert_true(poller_now_ns() - start_ns < 1000 * MS);
	unlink(path);
}

/* ---- another section: a reload */

/* The present section to be changed by the test; it must live as long as the output. */
static struct config_output section_of(const struct scene *s)
{
	return s->config;
}

static void change(struct scene *s, const struct config_output *section)
{
	assert_int_equal(output_prepare(s->output, section), 0);
	output_commit(s->output);
	nothing_is_uncounted(s);
}

static void a_section_that_did_not_change_keeps_its_connection(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config_output again, styled;

	(void)state;
	scene_make(&s, 1);
	again = styled = section_of(&s);
	styled.style = STYLE_PROMETHEUS;
	for (int i = 0; i < 3; i++) {
		add_window(&s, 20, 0);
		run_until(&s, nothing_queued);
		change(&s, i ? &styled : &again);
	}
	assert_int_equal(output_stats(s.output).lines_sent, 60);
	receiver_stop(&s.receivers[0]);
	assert_int_equal(s.receivers[0].n_accepted, 1);
	assert_string_equal(logged(&s), "");
	stored_is_collected(&s);
}

static void another_receiver_gets_what_the_former_did_not_take(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config_output other;

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] =
		(struct receiver_step){.status = 503, .headers = "Retry-After: 3600\r\n"};
	scene_make(&s, 2);
	s.config.urls.n = 1;
	other = section_of(&s);
	other.urls.items++;
	add_window(&s, 30, 0);
	run_until(&s, one_answer);
	add_window(&s, 30, 0);
	assert_int_equal(output_stats(s.output).windows_queued, 2);
	change(&s, &other);
	run_until(&s, nothing_queued);
	struct output_stats stats = output_stats(s.output);
	assert_int_equal(stats.lines_sent, 60);
	assert_int_equal(stats.lines_collected, 60);
	assert_int_equal(stats.verdicts[VERDICT_RETRY], 1);
	assert_false(stats.failing);
	receiver_stop(&s.receivers[0]);
	assert_int_equal(s.receivers[0].n_requests, 1);
	stored_is_collected(&s);
}

/* Nobody knows whether it was stored: it is sent to the new one, and the old one is not waited for. */
static void a_request_under_way_is_recalled_when_the_receiver_changes(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config_output other;

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0].manner = RECEIVER_HANG;
	s.config.timeout_ns = 600000 * MS;
	scene_make(&s, 2);
	s.config.urls.n = 1;
	other = section_of(&s);
	other.urls.items++;
	add_window(&s, 30, 0);
	assert_true(output_is_busy(s.output));
	change(&s, &other);
	run_until(&s, nothing_queued);
	assert_int_equal(output_stats(s.output).lines_sent, 30);
	stored_is_collected(&s);
}

static void bodies_and_spool_take_their_new_bounds_and_what_falls_out_is_counted(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config_output other;

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] =
		(struct receiver_step){.status = 503, .headers = "Retry-After: 3600\r\n"};
	scene_make(&s, 1);
	other = section_of(&s);
	other.content_encoding = ENCODING_IDENTITY;
	other.batch_max_bytes = 4096;
	other.spool_max_bytes = 10000;
	for (int i = 0; i < 4; i++) {
		add_window(&s, 500, 0);
		if (!i)
			run_until(&s, one_answer);
	}
	uint64_t before = output_stats(s.output).bytes_queued;
	assert_true(before > 10000);
	change(&s, &other);
	struct output_stats stats = output_stats(s.output);
	assert_in_range(stats.bytes_queued, 1, 10000);
	assert_true(stats.lines_dropped[OUTPUT_DROP_SPOOL]);
	assert_int_equal(count(logged(&s), "spool_max_bytes (10000) holds no more"), 1);
	add_window(&s, 100, 0);
	/* Its lines have some 75 bytes: two bodies. */
	assert_int_equal(output_stats(s.output).lines_queued,
	                 output_stats(s.output).lines_collected -
	                         output_stats(s.output).lines_dropped[OUTPUT_DROP_SPOOL]);
	assert_in_range(output_stats(s.output).batches_queued, 3, 5);
}

static void an_output_that_was_flushed_goes_on_with_its_next_section(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config_output again;

	(void)state;
	s.receivers[0].n_steps = 1;
	s.receivers[0].steps[0] =
		(struct receiver_step){.status = 503, .headers = "Retry-After: 3600\r\n"};
	scene_make(&s, 1);
	again = section_of(&s);
	again.timeout_ns++;
	add_window(&s, 30, 0);
	output_flush(s.output);
	run_until(&s, idle);
	assert_int_equal(output_stats(s.output).lines_queued, 30);
	change(&s, &again);
	run_until(&s, nothing_queued);
	stored_is_collected(&s);
}

static void another_file_takes_what_comes_after_the_change(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	char first[] = "/tmp/test_output.XXXXXX", second[] = "/tmp/test_output.XXXXXX";
	CLEANUP_CLOSE int before = mkstemp(first), after = mkstemp(second);
	struct config_output other;
	char got[1000] = "";

	(void)state;
	scene_make(&s, 1);
	output_free(s.output);
	s.config.type = OUTPUT_FILE;
	s.config.path = first;
	assert_int_equal(output_new(&s.config, NULL, s.poller, &s.output), 0);
	add_window(&s, 3, 0);
	run_until(&s, idle);
	size_t len = s.collected.len;
	other = section_of(&s);
	other.path = second;
	change(&s, &other);
	add_window(&s, 4, 0);
	run_until(&s, idle);
	assert_int_equal(read(before, got, sizeof(got) - 1), (ssize_t)len);
	assert_int_equal(read(after, got, sizeof(got) - 1), (ssize_t)(s.collected.len - len));
	assert_memory_equal(got, s.collected.data + len, s.collected.len - len);
	assert_int_equal(output_stats(s.output).lines_sent, 7);
	unlink(first);
	unlink(second);
}

static void a_file_takes_lines_at_once(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	char path[] = "/tmp/test_output.XXXXXX";
	char got[1000] = "";

	(void)state;
	scene_make(&s, 1);
	output_free(s.output);
	CLEANUP_CLOSE int fd = mkstemp(path);
	s.config.type = OUTPUT_FILE;
	s.config.path = path;
	assert_int_equal(output_new(&s.config, NULL, s.poller, &s.output), 0);
	add_window(&s, 3, 3600000 * MS);
	run_until(&s, idle);
	assert_int_equal(read(fd, got, sizeof(got) - 1), (ssize_t)s.collected.len);
	assert_string_equal(got, text_cstr(&s.collected));
	/* Then the disk is full for a while. */
	s.config.path = "/dev/full";
	output_free(s.output);
	assert_int_equal(output_new(&s.config, NULL, s.poller, &s.output), 0);
	for (int i = 0; i < 3; i++) {
		add_window(&s, 4, 0);
		run_until(&s, idle);
	}
	assert_int_equal(output_stats(s.output).lines_dropped[OUTPUT_DROP_WRITE], 12);
	assert_true(output_stats(s.output).failing);
	assert_int_equal(count(logged(&s), "output telegraf: /dev/full: No space left on device"),
	                 1);
	unlink(path);
}

static void read_all(int fd, struct text *to)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		text_append(to, chunk, (size_t)n);
}

static int slow_reader;
static struct text slowly_read;

static bool all_read(struct scene *s)
{
	nothing_is_uncounted(s);
	read_all(slow_reader, &slowly_read);
	return !output_is_busy(s->output);
}

/* @return its reader's end, which does not wait */
static int make_fifo(char *path, size_t size)
{
	int fd;

	snprintf(path, size, "/tmp/test_output.fifo.%d", (int)getpid());
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* A write that does not end: here of a reader that pauses, as on a disk that hangs. */
static void a_write_that_hangs_holds_up_nobody_and_what_waits_is_bounded(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	CLEANUP_FREE char **got = NULL;
	char path[64];
	uint64_t start_ns;

	(void)state;
	scene_make(&s, 1);
	output_free(s.output);
	CLEANUP_CLOSE int fd = make_fifo(path, sizeof(path));
	slow_reader = fd;
	s.config.type = OUTPUT_FILE;
	s.config.path = path;
	assert_int_equal(output_new(&s.config, NULL, s.poller, &s.output), 0);
	start_ns = poller_now_ns();
	for (int i = 0; i < 40; i++)
		add_window(&s, 1000, 0);
	assert_true(poller_now_ns() - start_ns < 1000 * MS);
	struct output_stats stats = output_stats(s.output);
	uint64_t dropped = stats.lines_dropped[OUTPUT_DROP_WRITE];
	assert_true(dropped > 0 && stats.lines_queued > 0 && stats.failing);
	assert_in_range(stats.bytes_queued, 1000000, OUTLET_MAX_BYTES + 100000);
	assert_int_equal(count(logged(&s), ": a write does not end; dropping lines"), 1);
	run_until(&s, all_read);
	read_all(fd, &slowly_read);
	stats = output_stats(s.output);
	assert_int_equal(stats.lines_dropped[OUTPUT_DROP_WRITE], dropped);
	assert_int_equal(stats.lines_sent, 40000 - dropped);
	assert_int_equal(count(logged(&s), "takes lines again; "), 1);
	assert_int_equal(line_set(&slowly_read, &got), stats.lines_sent);
	text_free(&slowly_read);
	unlink(path);
}

static void what_a_hanging_write_takes_along_at_the_end_is_counted(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	char path[64];

	(void)state;
	scene_make(&s, 1);
	output_free(s.output);
	CLEANUP_CLOSE int fd = make_fifo(path, sizeof(path));
	s.config.type = OUTPUT_FILE;
	s.config.path = path;
	assert_int_equal(output_new(&s.config, NULL, s.poller, &s.output), 0);
	add_window(&s, 2000, 0);
	add_window(&s, 10, 0);
	output_flush(s.output);
	assert_true(output_is_busy(s.output));
	output_tell_rest(s.output);
	nothing_is_uncounted(&s);
	assert_int_equal(output_stats(s.output).lines_dropped[OUTPUT_DROP_END], 2010);
	assert_int_equal(count(logged(&s), "output telegraf: lost 2010 lines: /tmp/"), 1);
	output_tell_rest(s.output);
	assert_string_equal(logged(&s), "");
	unlink(path);
}

static void standard_output_that_nobody_reads_is_noticed(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	int ends[2], copy = dup(STDOUT_FILENO);

	(void)state;
	scene_make(&s, 1);
	output_free(s.output);
	s.config.type = OUTPUT_STDOUT;
	assert_int_equal(output_new(&s.config, NULL, s.poller, &s.output), 0);
	fflush(stdout);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[1]);
	add_window(&s, 3, 0);
	run_until(&s, idle);
	bool closed_early = output_is_closed(s.output);
	close(ends[0]);
	add_window(&s, 4, 0);
	run_until(&s, idle);
	dup2(copy, STDOUT_FILENO);
	close(copy);
	assert_false(closed_early);
	assert_true(output_is_closed(s.output));
	assert_int_equal(output_stats(s.output).lines_sent, 3);
	assert_int_equal(output_stats(s.output).lines_dropped[OUTPUT_DROP_WRITE], 4);
	assert_int_equal(count(logged(&s), "output telegraf: standard output: Broken pipe"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_window_arrives_as_it_was, restore_errors),
		cmocka_unit_test_teardown(sending_waits_for_its_offset, restore_errors),
		cmocka_unit_test_teardown(a_large_window_goes_in_batches, restore_errors),
		cmocka_unit_test_teardown(a_receiver_that_says_503_is_given_the_time_it_asks,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_connection_that_dies_loses_nothing, restore_errors),
		cmocka_unit_test_teardown(a_receiver_that_comes_back_gets_all_windows_newest_first,
	                                  restore_errors),
		cmocka_unit_test_teardown(of_an_old_backlog_a_few_go_per_window, restore_errors),
		cmocka_unit_test_teardown(old_windows_are_counted_not_their_batches,
	                                  restore_errors),
		cmocka_unit_test_teardown(what_is_too_large_goes_in_halves, restore_errors),
		cmocka_unit_test_teardown(a_single_line_too_large_is_dropped_and_told,
	                                  restore_errors),
		cmocka_unit_test_teardown(what_is_rejected_does_not_hold_up_the_rest,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_bad_line_costs_itself_and_is_told, restore_errors),
		cmocka_unit_test_teardown(bad_lines_of_old_windows_cost_themselves_too,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_poisonous_batch_does_not_hold_up_the_rest,
	                                  restore_errors),
		cmocka_unit_test_teardown(poison_is_not_told_as_healing_and_failing_for_ever,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_missing_database_is_held_and_said_loudly,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_dead_url_fails_over_to_the_next_at_once,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_full_spool_drops_the_oldest_and_says_so_once,
	                                  restore_errors),
		cmocka_unit_test_teardown(what_the_end_cannot_deliver_is_counted_and_told,
	                                  restore_errors),
		cmocka_unit_test_teardown(the_end_does_not_wait_for_a_silent_receiver,
	                                  restore_errors),
		cmocka_unit_test_teardown(in_all_misery_the_sums_are_right, restore_errors),
		cmocka_unit_test_teardown(no_log_line_holds_a_secret, restore_errors),
		cmocka_unit_test_teardown(each_type_asks_as_its_receiver_expects, restore_errors),
		cmocka_unit_test_teardown(a_rotated_token_is_taken_without_restart, restore_errors),
		cmocka_unit_test_teardown(a_token_that_comes_late_holds_its_output_only,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_section_that_did_not_change_keeps_its_connection,
	                                  restore_errors),
		cmocka_unit_test_teardown(another_receiver_gets_what_the_former_did_not_take,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_request_under_way_is_recalled_when_the_receiver_changes,
	                                  restore_errors),
		cmocka_unit_test_teardown(
			bodies_and_spool_take_their_new_bounds_and_what_falls_out_is_counted,
			restore_errors),
		cmocka_unit_test_teardown(an_output_that_was_flushed_goes_on_with_its_next_section,
	                                  restore_errors),
		cmocka_unit_test_teardown(another_file_takes_what_comes_after_the_change,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_secret_that_cannot_be_read_to_its_end_holds_up_nothing,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_file_takes_lines_at_once, restore_errors),
		cmocka_unit_test_teardown(
			a_write_that_hangs_holds_up_nobody_and_what_waits_is_bounded,
			restore_errors),
		cmocka_unit_test_teardown(what_a_hanging_write_takes_along_at_the_end_is_counted,
	                                  restore_errors),
		cmocka_unit_test_teardown(standard_output_that_nobody_reads_is_noticed,
	                                  restore_errors),
	};

	error_copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	signal(SIGPIPE, SIG_IGN);
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
