/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BOUND_NS 5000000000ull

static void the_kernels_name_is_the_default(void **state)
{
	CLEANUP(text_free) struct text host = {0};
	char kernels[256] = "";

	(void)state;
	assert_int_equal(gethostname(kernels, sizeof(kernels) - 1), 0);
	assert_int_equal(identity_host("", &host), 0);
	assert_string_equal(text_cstr(&host), kernels);
}

static void a_wanted_name_is_taken_as_it_is(void **state)
{
	CLEANUP(text_free) struct text host = {0};

	(void)state;
	assert_int_equal(identity_host("db1.bank", &host), 0);
	assert_string_equal(text_cstr(&host), "db1.bank");
}

static void fqdn_never_gives_nothing(void **state)
{
	CLEANUP(text_free) struct text host = {0};

	(void)state;
	assert_int_equal(identity_host("fqdn", &host), 0);
	assert_true(host.len > 0);
}

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
		cmocka_unit_test(the_kernels_name_is_the_default),
		cmocka_unit_test(a_wanted_name_is_taken_as_it_is),
		cmocka_unit_test(fqdn_never_gives_nothing),
		cmocka_unit_test(an_offset_stays_below_its_bound_and_repeats),
		cmocka_unit_test(clones_of_one_image_do_not_send_together),
		cmocka_unit_test(a_thousand_hosts_spread_evenly),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
