/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BOUND_NS 5000000000ull
/* For a resolver that answers at once, on a machine that is busy. */
#define PATIENCE_MS 30000

/* ---- a resolver */

static const char *full_name; /* NULL: it knows none */
static bool hangs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t let_go = PTHREAD_COND_INITIALIZER, gone = PTHREAD_COND_INITIALIZER;
static int asked;

/* In the place of libc's, whose answers are those of whatever network there is. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai)
{
	int err;

	(void)name;
	(void)service;
	pthread_mutex_lock(&lock);
	while (hangs)
		pthread_cond_wait(&let_go, &lock);
	asked++;
	err = full_name ? 0 : EAI_AGAIN;
	if (!err) {
		*pai = calloc(1, sizeof(**pai));
		(*pai)->ai_flags = req->ai_flags;
		(*pai)->ai_canonname = strdup(full_name);
	}
	pthread_cond_signal(&gone);
	pthread_mutex_unlock(&lock);
	return err;
}

void freeaddrinfo(struct addrinfo *ai)
{
	free(ai->ai_canonname);
	free(ai);
}

static int no_resolver(void **state)
{
	(void)state;
	full_name = NULL;
	asked = 0;
	return 0;
}

static const char *kernels_name(void)
{
	static char name[256];

	assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
	return name;
}

static const char *host_of(const char *wanted, uint32_t wait_ms, bool *ret_resolved)
{
	static struct text host;

	text_free(&host);
	assert_int_equal(identity_host(wanted, wait_ms, &host, ret_resolved), 0);
	return text_cstr(&host);
}

/* ---- the name */

static void the_kernels_name_is_the_default(void **state)
{
	bool resolved = true;

	(void)state;
	assert_string_equal(host_of("", PATIENCE_MS, &resolved), kernels_name());
	assert_false(resolved);
	assert_int_equal(asked, 0);
}

static void a_wanted_name_is_taken_as_it_is(void **state)
{
	bool resolved = true;

	(void)state;
	assert_string_equal(host_of("db1.bank", PATIENCE_MS, &resolved), "db1.bank");
	assert_false(resolved);
	assert_int_equal(asked, 0);
}

static void fqdn_is_what_the_resolver_answers(void **state)
{
	bool resolved = false;

	(void)state;
	full_name = "db1.east.example.com";
	assert_string_equal(host_of("fqdn", PATIENCE_MS, &resolved), "db1.east.example.com");
	assert_true(resolved);
}

static void without_an_answer_the_kernels_name_stands_in_and_that_is_told(void **state)
{
	bool resolved = true;

	(void)state;
	assert_string_equal(host_of("fqdn", PATIENCE_MS, &resolved), kernels_name());
	assert_false(resolved);
	full_name = "";
	resolved = true;
	assert_string_equal(host_of("fqdn", PATIENCE_MS, &resolved), kernels_name());
	assert_false(resolved);
}

/* libc asks dead name servers for 40 s, and the agent's loop is what waits. What comes too late goes nowhere, and leaves nothing. */
static void a_resolver_that_hangs_is_waited_for_no_longer_than_was_said(void **state)
{
	bool resolved = true;

	(void)state;
	full_name = "db1.east.example.com";
	hangs = true;
	assert_string_equal(host_of("fqdn", 50, &resolved), kernels_name());
	assert_false(resolved);
	pthread_mutex_lock(&lock);
	assert_int_equal(asked, 0);
	hangs = false;
	pthread_cond_signal(&let_go);
	while (!asked)
		pthread_cond_wait(&gone, &lock);
	pthread_mutex_unlock(&lock);
	assert_string_equal(host_of("fqdn", PATIENCE_MS, &resolved), "db1.east.example.com");
	assert_true(resolved);
}

/* ---- the turn */

static void an_offset_stays_below_its_bound_and_repeats(void **state)
{
	(void)state;
	assert_true(identity_offset_ns(BOUND_NS) < BOUND_NS);
	assert_int_equal(identity_offset_ns(BOUND_NS), identity_offset_ns(BOUND_NS));
	assert_int_equal(identity_offset_ns(0), 0);
}

/* They may share /etc/machine-id; their names differ, or nobody could tell them apart. */
static void clones_of_one_image_do_not_send_together(void **state)
{
	uint64_t offsets[2];

	(void)state;
	if (unshare(CLONE_NEWUTS))
		skip(); /* needs root */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sethostname(i ? "clone2" : "clone1", 6), 0);
		offsets[i] = identity_offset_ns(BOUND_NS);
	}
	assert_true(offsets[0] != offsets[1]);
}

/* Names of a fleet differ in their last digits: each tenth of the bound must still get its share. */
static void a_thousand_hosts_spread_evenly(void **state)
{
	unsigned hosts[10] = {0};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char name[32];
		int len = snprintf(name, sizeof(name), "db%04d", i);

		hosts[identity_spread(name, (size_t)len, BOUND_NS) * 10 / BOUND_NS]++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(hosts[i], 60, 140);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_kernels_name_is_the_default, no_resolver),
		cmocka_unit_test_setup(a_wanted_name_is_taken_as_it_is, no_resolver),
		cmocka_unit_test_setup(fqdn_is_what_the_resolver_answers, no_resolver),
		cmocka_unit_test_setup(
			without_an_answer_the_kernels_name_stands_in_and_that_is_told, no_resolver),
		cmocka_unit_test_setup(a_resolver_that_hangs_is_waited_for_no_longer_than_was_said,
	                               no_resolver),
		cmocka_unit_test(an_offset_stays_below_its_bound_and_repeats),
		cmocka_unit_test(clones_of_one_image_do_not_send_together),
		cmocka_unit_test(a_thousand_hosts_spread_evenly),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
