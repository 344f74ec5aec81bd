/* SPDX-License-Identifier: Apache-2.0 */
#include "redaction.h"

#include "ground.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_redacted(const struct redaction *r, const char *said, const char *wanted)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", said);
	redaction_apply(r, text);
	assert_string_equal(text, wanted);
}

static void a_secret_is_struck_out_wherever_it_stands(void **state)
{
	CLEANUP(redaction_free) struct redaction r = {0};

	assert_int_equal(redaction_add(&r, "s3cret"), 0);
	assert_redacted(&r, "s3cret", "***");
	assert_redacted(&r, "bad token s3cret, not s3crets3cret.", "bad token ***, not ******.");
	assert_redacted(&r, "s3cre t", "s3cre t");
	assert_redacted(&r, "", "");
}

/* Struck out first, the shorter one would leave the end of the longer one behind. */
static void a_secret_within_a_longer_one_leaves_nothing_of_it(void **state)
{
	CLEANUP(redaction_free) struct redaction r = {0};

	assert_int_equal(redaction_add(&r, "word"), 0);
	assert_int_equal(redaction_add(&r, "pass-word-2"), 0);
	assert_int_equal(redaction_add(&r, "word-2"), 0);
	assert_redacted(&r, "word, word-2, pass-word-2", "***, ***, ***");
}

static void what_is_short_or_absent_strikes_out_nothing(void **state)
{
	CLEANUP(redaction_free) struct redaction r = {0};

	assert_int_equal(redaction_add(&r, NULL), 0);
	assert_int_equal(redaction_add(&r, ""), 0);
	assert_int_equal(redaction_add(&r, "abc"), 0);
	assert_int_equal(redaction_add_header(&r, NULL), 0);
	assert_int_equal(redaction_add_login(&r, "", ""), 0);
	assert_int_equal(redaction_add_url(&r, NULL), 0);
	assert_redacted(&r, "abcdef", "abcdef");
}

static void of_a_header_the_scheme_stays(void **state)
{
	CLEANUP(redaction_free) struct redaction r = {0};

	assert_int_equal(redaction_add_header(&r, "Bearer abcdef"), 0);
	assert_int_equal(redaction_add_header(&r, "team-1"), 0);
	assert_redacted(&r, "Bearer abcdef of team-1", "Bearer *** of ***");
}

/* As Python's base64.b64encode() has it, for each length of the rest. */
static void a_login_is_known_in_base64_too(void **state)
{
	static const struct {
		const char *user, *password, *encoded;
	} rows[] = {
		{"user", "pass", "dXNlcjpwYXNz"},
		{"user", "passw", "dXNlcjpwYXNzdw=="},
		{"user", "passwo", "dXNlcjpwYXNzd28="},
		{"u", "\xc3\xbc\xff~~", "dTrDvP9+fg=="},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(redaction_free) struct redaction r = {0};
		char said[128], wanted[128];

		assert_int_equal(redaction_add_login(&r, rows[i].user, rows[i].password), 0);
		snprintf(said, sizeof(said), "Basic %s, %s:%s", rows[i].encoded, rows[i].user,
		         rows[i].password);
		snprintf(wanted, sizeof(wanted), "Basic ***, %s:***", rows[i].user);
		assert_redacted(&r, said, wanted);
	}
}

static void a_proxy_s_login_is_known(void **state)
{
	CLEANUP(redaction_free) struct redaction r = {0};

	assert_int_equal(redaction_add_url(&r, "http://proxy:3128"), 0);
	assert_int_equal(redaction_add_url(&r, "http://user@proxy:3128/"), 0);
	assert_int_equal(r.n, 0);
	assert_int_equal(redaction_add_url(&r, "http://user:p@ss@proxy:3128/?q=a:b@c"), 0);
	assert_redacted(&r, "user:p@ss@proxy dXNlcjpwQHNz", "user:***@proxy ***");
}

static void more_than_an_output_has_are_refused(void **state)
{
	CLEANUP(redaction_free) struct redaction r = {0};
	char secret[32];

	for (int i = 0; i < REDACTION_MAX; i++) {
		snprintf(secret, sizeof(secret), "secret%d", i);
		assert_int_equal(redaction_add(&r, secret), 0);
	}
	assert_int_equal(redaction_add(&r, "one more"), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_struck_out_wherever_it_stands),
		cmocka_unit_test(a_secret_within_a_longer_one_leaves_nothing_of_it),
		cmocka_unit_test(what_is_short_or_absent_strikes_out_nothing),
		cmocka_unit_test(of_a_header_the_scheme_stays),
		cmocka_unit_test(a_login_is_known_in_base64_too),
		cmocka_unit_test(a_proxy_s_login_is_known),
		cmocka_unit_test(more_than_an_output_has_are_refused),
	};

	return cmocka_run_group_tests_name("redaction", tests, NULL, NULL);
}
