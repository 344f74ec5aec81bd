/* SPDX-License-Identifier: Apache-2.0 */
/** test_keeper.c: an output with a spool on disk, from its lines to a receiver, through the end of agents. */
#include "output.h"
#include "receiver.h"
#include "spoolfolder.h"

#include <errno.h>
#include <signal.h>

#define MS 1000000ull
#define PATIENCE_NS (20000 * MS)
#define STAMP 1787000000000000000
#define INTERVAL 10000000000
#define LINES 20

struct scene {
	struct folder folder;
	struct receiver receiver;
	char url[64], *urls[1];
	struct config_output config;
	struct poller *poller;
	struct http *http;
	struct output *output;
	struct poller_timer *impatience, *look;
	bool (*done)(struct scene *s);
	unsigned windows, wanted;
	struct text collected;
	int log_pipe[2];
};

#include "until.h"

/* O_RDWR: the first segment cannot be counted; O_RDONLY: it cannot be read; else -1 */
static _Atomic int refused = -1;

int __real_openat(int dir_fd, const char *path, int flags, ...);
int __wrap_openat(int dir_fd, const char *path, int flags, mode_t mode);

/* For the library. */
int __wrap_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
	if ((flags & O_ACCMODE) == refused && !strcmp(path, "0000000000000001.spool")) {
		errno = EACCES;
		return -1;
	}
	return __real_openat(dir_fd, path, flags, mode);
}

static void start_agent(struct scene *s)
{
	assert_int_equal(poller_new(&s->poller), 0);
	assert_int_equal(http_new(s->poller, &s->http), 0);
	assert_int_equal(output_new(&s->config, s->http, s->poller, &s->output), 0);
	make_timers(s);
}

/* What is in memory is gone. */
static void kill_agent(struct scene *s)
{
	output_free(s->output);
	http_free(s->http);
	poller_free(s->poller);
	s->output = NULL;
	s->http = NULL;
	s->poller = NULL;
}

static void start_receiver(struct scene *s)
{
	receiver_start(&s->receiver);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d", s->receiver.port);
}

static void scene_make(struct scene *s)
{
	folder_make(&s->folder);
	s->urls[0] = s->url;
	s->config = (struct config_output){
		.name = FOLDER_NAME,
		.type = OUTPUT_INFLUX1,
		.urls = {.items = s->urls, .n = 1},
		.database = "telegraf",
		.retention_policy = "",
		.organization = "",
		.bucket = "",
		.path = "",
		.username = "",
		.password = "",
		.password_file = "",
		.token = "",
		.token_file = "",
		.tls_ca = "",
		.tls_cert = "",
		.tls_key = "",
		.http_proxy = "",
		.timeout_ns = 5000 * MS,
		.content_encoding = ENCODING_GZIP,
		.batch_max_bytes = 1 << 20,
		.spool_dir = s->config.spool_dir ?: s->folder.path,
		.spool_max_bytes = s->config.spool_max_bytes ?: 1 << 20,
	};
	start_receiver(s);
	assert_int_equal(pipe2(s->log_pipe, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(s->log_pipe[1], STDERR_FILENO);
	start_agent(s);
}

static void scene_free(struct scene *s)
{
	restore_errors(NULL);
	close(s->log_pipe[0]);
	close(s->log_pipe[1]);
	if (s->poller)
		kill_agent(s);
	receiver_free(&s->receiver);
	folder_free(&s->folder);
	text_free(&s->collected);
}

static struct output_stats check_sums(struct scene *s)
{
	struct output_stats stats = output_stats(s->output);
	uint64_t dropped = 0;

	for (int i = 0; i < OUTPUT_DROP_MAX; i++)
		dropped += stats.lines_dropped[i];
	assert_int_equal(stats.lines_collected, stats.lines_sent + stats.lines_queued + dropped);
	assert_int_equal(stats.lines_queued == 0, stats.oldest_stamp_ns == 0);
	return stats;
}

/* @param save_ns  until it goes to disk when pushes do not fail */
static void add_window(struct scene *s, uint64_t save_ns)
{
	size_t before = s->collected.len;
	int64_t stamp_ns = STAMP + (int64_t)s->windows * INTERVAL;

	for (unsigned i = 0; i < LINES; i++)
		text_printf(&s->collected, "cpu,core=%u ticks=%ui %lld\n", i, s->windows,
		            (long long)stamp_ns);
	s->windows++;
	output_lines(s->output, s->collected.data + before, s->collected.len - before, LINES,
	             &(struct push_times){stamp_ns, 0, save_ns});
	check_sums(s);
}

static bool nothing_queued(struct scene *s)
{
	return !check_sums(s).lines_queued;
}

static bool idle(struct scene *s)
{
	check_sums(s);
	return !output_is_busy(s->output);
}

static bool failing(struct scene *s)
{
	return check_sums(s).failing;
}

static bool spool_fails(struct scene *s)
{
	return check_sums(s).spool_failing;
}

static bool on_disk(struct scene *s)
{
	return check_sums(s).spool_bytes;
}

static bool all_on_disk(struct scene *s)
{
	return !check_sums(s).lines_unsaved;
}

static bool all_recovered(struct scene *s)
{
	return check_sums(s).lines_recovered == s->windows * LINES;
}

/* Windows that stay: nothing of them is only in memory. */
static void save_windows(struct scene *s, int n)
{
	for (int i = 0; i < n; i++)
		add_window(s, 60000 * MS);
	run_until(s, all_on_disk);
}

/* Another agent, once it has counted what the first one left. */
static void restart_agent(struct scene *s)
{
	kill_agent(s);
	start_agent(s);
	run_until(s, all_recovered);
}

static bool one_recovered(struct scene *s)
{
	return check_sums(s).lines_recovered == LINES;
}

static bool no_files(struct scene *s)
{
	return nothing_queued(s) && !check_sums(s).spool_bytes;
}

static size_t segments(const struct scene *s)
{
	return folder_each(&s->folder, NULL, NULL);
}

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

/* Each line once: the first of each window, and as many as there are. */
static void stored_is_collected(struct scene *s)
{
	receiver_stop(&s->receiver);
	assert_int_equal(s->receiver.stored.len, s->collected.len);
	for (unsigned i = 0; i < s->windows; i++) {
		char line[80];

		snprintf(line, sizeof(line), "cpu,core=0 ticks=%ui ", i);
		assert_int_equal(count(s->receiver.stored.data, line), 1);
	}
}

static void refuse(struct scene *s, size_t times, const char *retry_after)
{
	for (size_t i = 0; i < times; i++)
		s->receiver.steps[i] =
			(struct receiver_step){.status = 503, .headers = retry_after};
	s->receiver.n_steps = times;
}

static void a_healthy_output_writes_nothing(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s);
	for (int i = 0; i < 5; i++) {
		add_window(&s, 60000 * MS);
		run_until(&s, nothing_queued);
		assert_int_equal(segments(&s), 0);
	}
	assert_string_equal(logged(&s), "");
	stored_is_collected(&s);
}

static void a_slow_receiver_has_the_window_on_disk_until_it_answers(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receiver.n_steps = 1;
	s.receiver.steps[0] = (struct receiver_step){.manner = RECEIVER_HANG};
	scene_make(&s);
	add_window(&s, 20 * MS);
	run_until(&s, on_disk);
	assert_false(check_sums(&s).failing);
	assert_int_equal(segments(&s), 1);
	/* It does not, and the agent is killed; the next one delivers. */
	restart_agent(&s);
	add_window(&s, 60000 * MS);
	run_until(&s, no_files);
	assert_int_equal(segments(&s), 0);
	stored_is_collected(&s);
}

static void a_kill_during_an_outage_loses_nothing_that_was_saved(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s);
	receiver_stop(&s.receiver);
	for (int kill = 0; kill < 3; kill++) {
		add_window(&s, 60000 * MS);
		run_until(&s, failing);
		save_windows(&s, 3);
		restart_agent(&s);
	}
	const char *log = logged(&s);
	assert_int_equal(count(log, "output out: 80 lines of 4 windows from before wait in "), 1);
	assert_int_equal(count(log, "output out: 240 lines of 12 windows from before wait in "), 1);
	start_receiver(&s);
	restart_agent(&s);
	/* The next window, and ten old ones. */
	add_window(&s, 60000 * MS);
	run_until(&s, idle);
	assert_int_equal(check_sums(&s).windows_queued, 2);
	add_window(&s, 60000 * MS);
	run_until(&s, no_files);
	stored_is_collected(&s);
}

static void the_end_keeps_what_is_not_delivered(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	refuse(&s, 3, "Retry-After: 60\r\n");
	scene_make(&s);
	for (int i = 0; i < 4; i++)
		add_window(&s, 60000 * MS);
	output_flush(s.output);
	run_until(&s, idle);
	output_tell_rest(s.output);
	struct output_stats stats = check_sums(&s);
	assert_int_equal(stats.lines_dropped[OUTPUT_DROP_END], 0);
	assert_int_equal(stats.lines_queued, 4 * LINES);
	assert_int_equal(count(logged(&s), "output out: 80 lines of 4 windows wait in "), 1);
	kill_agent(&s);
	s.receiver.n_steps = 0;
	start_agent(&s);
	run_until(&s, all_recovered);
	add_window(&s, 60000 * MS);
	run_until(&s, no_files);
	stored_is_collected(&s);
}

/* Nobody knows whether it arrived: it is kept, and sent again. */
static void the_end_keeps_what_a_silent_receiver_has(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	s.receiver.n_steps = 1;
	s.receiver.steps[0] = (struct receiver_step){.manner = RECEIVER_HANG};
	scene_make(&s);
	add_window(&s, 60000 * MS);
	output_flush(s.output);
	run_until(&s, on_disk);
	assert_true(output_is_busy(s.output));
	output_tell_rest(s.output);
	assert_int_equal(check_sums(&s).lines_dropped[OUTPUT_DROP_END], 0);
	assert_int_equal(check_sums(&s).lines_queued, LINES);
}

/* A fleet that is started anew must not send all its backlogs at once. */
static void the_end_sends_old_windows_within_their_limit(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	refuse(&s, 1, "Retry-After: 60\r\n");
	scene_make(&s);
	save_windows(&s, 30);
	output_flush(s.output);
	run_until(&s, idle);
	assert_int_equal(check_sums(&s).windows_queued, 30 - PUSH_OLD_PER_INTERVAL);
	output_tell_rest(s.output);
	assert_int_equal(check_sums(&s).lines_dropped[OUTPUT_DROP_END], 0);
}

static void without_a_folder_memory_has_to_do_and_that_is_told(void **state)
{
	CLEANUP(scene_free) struct scene s = {.config.spool_dir = (char *)"/proc/no/such"};

	(void)state;
	refuse(&s, 1, "Retry-After: 0.3\r\n");
	scene_make(&s);
	add_window(&s, 60000 * MS);
	run_until(&s, spool_fails);
	assert_int_equal(count(logged(&s),
	                       "output out: spool /proc/no/such/out: No such file or "
	                       "directory; windows wait in memory only, up to 1024 KiB\n"),
	                 1);
	run_until(&s, nothing_queued);
	stored_is_collected(&s);
	/* At the end it is lost, and told. */
	add_window(&s, 60000 * MS);
	output_flush(s.output);
	run_until(&s, idle);
	output_tell_rest(s.output);
	assert_int_equal(check_sums(&s).lines_dropped[OUTPUT_DROP_END], LINES);
	assert_int_equal(count(logged(&s), "output out: lost 20 lines of the last 1 windows"), 1);
}

static void a_second_agent_on_one_spool_keeps_to_memory_and_says_so(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct output *first;

	(void)state;
	refuse(&s, 2, "Retry-After: 60\r\n");
	s.receiver.steps[1].headers = "Retry-After: 0.3\r\n";
	scene_make(&s);
	add_window(&s, 0);
	run_until(&s, on_disk);
	first = s.output;
	assert_int_equal(output_new(&s.config, s.http, s.poller, &s.output), 0);
	run_until(&s, spool_fails);
	assert_int_equal(count(logged(&s), ": another agent uses it; windows wait in memory only"),
	                 1);
	add_window(&s, 0);
	run_until(&s, nothing_queued);
	/* Once the first one has ended, what it left is the second's. */
	output_free(first);
	add_window(&s, 0);
	run_until(&s, one_recovered);
	add_window(&s, 60000 * MS);
	run_until(&s, no_files);
	assert_int_equal(
		count(logged(&s), "output out: 20 lines of 1 windows from before wait in "), 1);
	assert_false(check_sums(&s).spool_failing);
	stored_is_collected(&s);
}

/* Bytes of each segment, but not of the first record's header. */
static void damage_bodies(const char *path, void *ctx)
{
	static const char junk[] = "junk";
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)ctx;
	assert_int_equal(pwrite(fd, junk, 4, RECORD_HEADER_BYTES + 10), 4);
}

static void what_a_damaged_record_held_is_counted(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	refuse(&s, 1, "Retry-After: 60\r\n");
	scene_make(&s);
	save_windows(&s, 5);
	kill_agent(&s);
	folder_each(&s.folder, damage_bodies, NULL);
	start_agent(&s);
	run_until(&s, all_recovered);
	add_window(&s, 60000 * MS);
	run_until(&s, no_files);
	struct output_stats stats = check_sums(&s);
	assert_int_equal(stats.lines_dropped[OUTPUT_DROP_DAMAGED], LINES);
	assert_int_equal(stats.lines_sent, 5 * LINES);
	assert_int_equal(count(logged(&s), "places that hold no whole record"), 1);
}

/* More than one segment holds. */
#define OUTAGE_WINDOWS 25

static bool outage_recovered(struct scene *s)
{
	return check_sums(s).lines_recovered == OUTAGE_WINDOWS * LINES;
}

/* As one that is root's. The other is delivered, and it is told once however often it is tried. */
static void a_file_that_cannot_be_read_is_told_once_and_holds_up_no_other(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	scene_make(&s);
	kill_agent(&s);
	s.config.content_encoding = ENCODING_IDENTITY;
	refuse(&s, 1, "Retry-After: 60\r\n");
	start_agent(&s);
	save_windows(&s, OUTAGE_WINDOWS);
	assert_int_equal(segments(&s), 2);
	kill_agent(&s);
	refused = O_RDWR;
	start_agent(&s);
	add_window(&s, 60000 * MS);
	run_until(&s, nothing_queued);
	assert_in_range(check_sums(&s).lines_recovered, LINES, 10 * LINES);
	for (int i = 0; i < 3; i++) {
		/* To disk at once, and so all is tried there. */
		add_window(&s, 0);
		run_until(&s, idle);
	}
	const char *log = logged(&s);
	assert_int_equal(count(log, "/out: 0000000000000001.spool cannot be read: Permission denied"
	                            "; what waits there waits longer\n"),
	                 1);
	assert_int_equal(count(log, "works again"), 0);
	assert_int_equal(count(log, "can be read whole"), 0);
	assert_false(check_sums(&s).spool_failing);
	refused = -1;
	add_window(&s, 0);
	run_until(&s, outage_recovered);
	while (!nothing_queued(&s)) {
		add_window(&s, 60000 * MS);
		run_until(&s, idle);
	}
	run_until(&s, no_files);
	assert_int_equal(count(logged(&s), "/out can be read whole after "), 1);
	stored_is_collected(&s);
}

/* Windows are written all the while, which mends nothing. */
static void what_cannot_be_read_is_told_once_and_once_when_it_can(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};

	(void)state;
	refuse(&s, 1, "Retry-After: 60\r\n");
	scene_make(&s);
	save_windows(&s, 3);
	restart_agent(&s);
	refused = O_RDONLY;
	for (int i = 0; i < 4; i++) {
		add_window(&s, 0);
		run_until(&s, all_on_disk);
		run_until(&s, idle);
	}
	assert_int_equal(count(logged(&s), "/out cannot be read: Permission denied"), 1);
	refused = -1;
	while (!nothing_queued(&s)) {
		add_window(&s, 0);
		run_until(&s, idle);
	}
	run_until(&s, no_files);
	assert_int_equal(count(logged(&s), "/out works again after "), 1);
	stored_is_collected(&s);
}

/* The folder is where windows wait already; bounds are not. */
static void another_section_changes_bounds_now_and_the_folder_later(void **state)
{
	CLEANUP(scene_free) struct scene s = {0};
	struct config_output other;

	(void)state;
	refuse(&s, 1, "Retry-After: 60\r\n");
	scene_make(&s);
	save_windows(&s, 40);
	uint64_t bytes = check_sums(&s).spool_bytes;
	other = s.config;
	other.spool_dir = (char *)"/nonexistent";
	other.spool_max_bytes = bytes / 2;
	assert_int_equal(output_prepare(s.output, &other), 0);
	output_commit(s.output);
	assert_int_equal(count(logged(&s),
	                       "spool_dir is taken into use by the next start; until then "
	                       "windows wait in /"),
	                 1);
	while (check_sums(&s).spool_bytes > bytes / 2)
		run_until(&s, idle);
	add_window(&s, 0);
	run_until(&s, all_on_disk);
	assert_in_range(check_sums(&s).spool_bytes, 100, bytes / 2);
	assert_true(check_sums(&s).lines_dropped[OUTPUT_DROP_SPOOL] > 0);
	assert_false(check_sums(&s).spool_failing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_healthy_output_writes_nothing, restore_errors),
		cmocka_unit_test_teardown(a_slow_receiver_has_the_window_on_disk_until_it_answers,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_kill_during_an_outage_loses_nothing_that_was_saved,
	                                  restore_errors),
		cmocka_unit_test_teardown(the_end_keeps_what_is_not_delivered, restore_errors),
		cmocka_unit_test_teardown(the_end_keeps_what_a_silent_receiver_has, restore_errors),
		cmocka_unit_test_teardown(the_end_sends_old_windows_within_their_limit,
	                                  restore_errors),
		cmocka_unit_test_teardown(without_a_folder_memory_has_to_do_and_that_is_told,
	                                  restore_errors),
		cmocka_unit_test_teardown(a_second_agent_on_one_spool_keeps_to_memory_and_says_so,
	                                  restore_errors),
		cmocka_unit_test_teardown(what_a_damaged_record_held_is_counted, restore_errors),
		cmocka_unit_test_teardown(
			a_file_that_cannot_be_read_is_told_once_and_holds_up_no_other,
			restore_errors),
		cmocka_unit_test_teardown(what_cannot_be_read_is_told_once_and_once_when_it_can,
	                                  restore_errors),
		cmocka_unit_test_teardown(another_section_changes_bounds_now_and_the_folder_later,
	                                  restore_errors),
	};

	error_copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	signal(SIGPIPE, SIG_IGN);
	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
