/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

/* Longer is no thread that reads a file on a busy machine. */
#define WAIT_NS 10000000000ull

struct ring {
	char path[40];
	struct config_output config;
	struct poller *poller;
	struct keyring *keyring;
	int calls, changes;
};

static void write_token(struct ring *r, const char *token)
{
	FILE *file = fopen(r->path, "we");

	assert_non_null(file);
	fputs(token, file);
	fclose(file);
}

static void on_look(void *ctx, bool changed)
{
	struct ring *r = ctx;

	r->calls++;
	r->changes += changed;
	poller_stop(r->poller);
}

static void on_timeout(void *ctx)
{
	struct ring *r = ctx;

	poller_stop(r->poller);
}

/* Until the keyring has called so often. */
static void run_until(struct ring *r, int calls)
{
	struct poller_timer *timeout = poller_timer_new(r->poller, on_timeout, r);
	uint64_t end_ns = poller_now_ns() + WAIT_NS;

	poller_timer_set(timeout, WAIT_NS);
	while (r->calls < calls && poller_now_ns() < end_ns)
		assert_int_equal(poller_run(r->poller), 0);
	poller_timer_free(timeout);
	assert_int_equal(r->calls, calls);
}

static void ring_open(struct ring *r)
{
	*r = (struct ring){.path = "/tmp/test_keyring.XXXXXX"};
	r->config = (struct config_output){.password = "",
	                                   .password_file = "",
	                                   .token = "",
	                                   .token_file = r->path,
	                                   .tls_ca = "",
	                                   .tls_cert = "",
	                                   .tls_key = ""};
	int fd = mkstemp(r->path);

	assert_true(fd >= 0);
	close(fd);
	write_token(r, "first\n");
	assert_int_equal(poller_new(&r->poller), 0);
	assert_int_equal(keyring_new(&r->config, r->poller, on_look, r, &r->keyring), 0);
	run_until(r, 1);
	assert_string_equal(text_cstr(&keyring_get(r->keyring)->authorization), "Bearer first");
}

static void ring_close(struct ring *r)
{
	keyring_free(r->keyring);
	poller_free(r->poller);
	unlink(r->path);
}

/* As at the end of the agent, where a window's look comes right before the last try. */
static void a_look_by_force_is_answered_though_another_goes_on(void **state)
{
	CLEANUP(ring_close) struct ring r;

	ring_open(&r);
	assert_true(keyring_look(r.keyring, false));
	assert_true(keyring_look(r.keyring, true));
	run_until(&r, 2);
	assert_int_equal(keyring_looking_ns(r.keyring), 0);
}

/* What the one that went on had passed already is seen by it. */
static void it_reads_what_changed_after_it_was_asked_for(void **state)
{
	CLEANUP(ring_close) struct ring r;

	ring_open(&r);
	assert_true(keyring_look(r.keyring, true));
	assert_true(keyring_look(r.keyring, true));
	write_token(&r, "second\n");
	run_until(&r, 2);
	assert_string_equal(text_cstr(&keyring_get(r.keyring)->authorization), "Bearer second");
}

/* The first look finds it, the second one does not any more: it was told once all the same. */
static void what_the_look_before_it_found_is_told(void **state)
{
	CLEANUP(ring_close) struct ring r;

	ring_open(&r);
	write_token(&r, "second, of another length\n");
	assert_true(keyring_look(r.keyring, false));
	assert_true(keyring_look(r.keyring, true));
	run_until(&r, 2);
	assert_int_equal(r.changes, 2); /* with that of the start */
}

/* A look, to its end. */
static void look(struct ring *r)
{
	struct poller_timer *soon = poller_timer_new(r->poller, on_timeout, r);

	assert_true(keyring_look(r->keyring, false));
	while (keyring_looking_ns(r->keyring)) {
		poller_timer_set(soon, 1000000);
		assert_int_equal(poller_run(r->poller), 0);
	}
	poller_timer_free(soon);
}

static void a_look_that_finds_nothing_new_calls_nobody(void **state)
{
	CLEANUP(ring_close) struct ring r;

	ring_open(&r);
	look(&r);
	assert_int_equal(r.calls, 1);
}

/* Nothing about the file tells that the agent had no descriptor left when it was new. */
static void what_could_not_be_read_is_read_by_the_next_look(void **state)
{
	CLEANUP(ring_close) struct ring r;
	struct rlimit limit, none;

	ring_open(&r);
	write_token(&r, "second, of another length\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	look(&r);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_non_null(strstr(keyring_problem(r.keyring), "Too many open files"));
	assert_string_equal(text_cstr(&keyring_get(r.keyring)->authorization), "Bearer first");
	look(&r);
	assert_string_equal(keyring_problem(r.keyring), "");
	assert_string_equal(text_cstr(&keyring_get(r.keyring)->authorization),
	                    "Bearer second, of another length");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_look_by_force_is_answered_though_another_goes_on),
		cmocka_unit_test(it_reads_what_changed_after_it_was_asked_for),
		cmocka_unit_test(what_the_look_before_it_found_is_told),
		cmocka_unit_test(a_look_that_finds_nothing_new_calls_nobody),
		cmocka_unit_test(what_could_not_be_read_is_read_by_the_next_look),
	};

	return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
