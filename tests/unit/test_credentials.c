/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"

static char folder[] = "/tmp/test_credentials.XXXXXX";
static char path[sizeof(folder) + 8];

static const struct config_output nothing = {.name = "o",
                                             .password = "",
                                             .password_file = "",
                                             .token = "",
                                             .token_file = "",
                                             .tls_ca = "",
                                             .tls_cert = "",
                                             .tls_key = ""};

static void put(const char *data, size_t len, mode_t mode)
{
	unlink(path);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
}

static void put_text(const char *text)
{
	put(text, strlen(text), 0600);
}

/* @wanted: in the message; "" for none */
static void check(const struct config_output *config, struct credentials *c, int err,
                  const char *wanted)
{
	CLEANUP(text_free) struct text why = {0};

	assert_int_equal(credentials_read(config, c, &why), err);
	if (*wanted ? !strstr(text_cstr(&why), wanted) : why.len)
		fail_msg("said: %s", text_cstr(&why));
}

static void a_name_without_a_folder_is_a_credential_that_may_not_be_there(void **state)
{
	CLEANUP(credentials_free) struct credentials c = {0};
	struct config_output config = nothing;

	(void)state;
	config.token_file = "token";
	check(&config, &c, -ENOKEY,
	      "token_file: token has no / and is a credential of systemd, and there are none "
	      "(CREDENTIALS_DIRECTORY): the unit needs LoadCredential=token:FILE");
}

static void a_file_that_was_rewritten_or_replaced_has_another_mark(void **state)
{
	struct credentials_mark before, after;
	struct config_output config = nothing;

	(void)state;
	config.token_file = path;
	unlink(path);
	credentials_mark(&config, &before);
	assert_int_equal(before.files[1].err, ENOENT);
	put_text("abc");
	credentials_mark(&config, &after);
	assert_memory_not_equal(&before, &after, sizeof(after));
	credentials_mark(&config, &before);
	assert_memory_equal(&before, &after, sizeof(after));
	/* Another file of the same size and age. */
	put_text("abd");
	credentials_mark(&config, &after);
	assert_memory_not_equal(&before, &after, sizeof(after));
	/* The same file, longer. */
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	credentials_mark(&config, &before);
	assert_memory_not_equal(&before, &after, sizeof(after));
	unlink(path);
}

static void a_token_goes_in_the_scheme_of_its_type(void **state)
{
	CLEANUP(credentials_free) struct credentials c = {0};
	static const char *const wanted[] = {"Bearer abc", "Token abc", "Bearer abc", "Bearer abc"};
	struct config_output config = nothing;

	config.token = "abc";
	for (unsigned int type = OUTPUT_INFLUX1; type <= OUTPUT_HTTP; type++) {
		config.type = (enum output_type)type;
		check(&config, &c, 0, "");
		assert_string_equal(text_cstr(&c.authorization), wanted[type]);
	}
	config.token = "";
	check(&config, &c, 0, "");
	assert_string_equal(text_cstr(&c.authorization), "");
}

static void of_a_file_one_newline_is_left_out(void **state)
{
	CLEANUP(credentials_free) struct credentials c = {0};
	struct config_output config = nothing;

	config.password_file = path;
	put_text("pass word \n");
	check(&config, &c, 0, "");
	assert_string_equal(text_cstr(&c.password), "pass word ");
	put_text("no newline");
	check(&config, &c, 0, "");
	assert_string_equal(text_cstr(&c.password), "no newline");
	put_text("two\n\n");
	check(&config, &c, -EINVAL, "password_file: /tmp/");
	assert_string_equal(text_cstr(&c.password), "no newline");
}

static void what_is_wrong_with_a_file_is_said_without_its_content(void **state)
{
	CLEANUP(credentials_free) struct credentials c = {0};
	CLEANUP_FREE char *large = malloc(CREDENTIALS_MAX_SECRET + 1);
	struct config_output config = nothing;

	memset(large, 'x', CREDENTIALS_MAX_SECRET + 1);
	config.token_file = path;
	unlink(path);
	check(&config, &c, -ENOENT, "cannot be read: No such file or directory");
	put_text("");
	check(&config, &c, -EINVAL, " is empty");
	put_text("\n");
	check(&config, &c, -EINVAL, " is empty");
	put_text("a\r\n");
	check(&config, &c, -EINVAL, " holds more than one line");
	put("a\0b", 3, 0600);
	check(&config, &c, -EINVAL, " holds more than one line");
	put(large, CREDENTIALS_MAX_SECRET, 0600);
	check(&config, &c, 0, "");
	put(large, CREDENTIALS_MAX_SECRET + 1, 0600);
	check(&config, &c, -EINVAL, " is larger than 4096 bytes");
	config.token_file = "/";
	check(&config, &c, -EISDIR, "token_file: / cannot be read: Is a directory");
}

static void certificates_and_keys_are_told_apart(void **state)
{
	CLEANUP(credentials_free) struct credentials c = {0};
	struct config_output config = nothing;

	config.tls_ca = path;
	put_text(KEY);
	check(&config, &c, -EINVAL, "tls_ca: ");
	put_text(CERTIFICATE);
	check(&config, &c, 0, "");
	assert_string_equal(text_cstr(&c.tls_ca), CERTIFICATE);
	/* Without tls_key both are in one file. */
	config.tls_ca = "";
	config.tls_cert = path;
	check(&config, &c, -EINVAL, "holds no private key in PEM");
	put_text(CERTIFICATE KEY);
	check(&config, &c, 0, "");
	assert_string_equal(text_cstr(&c.tls_key), CERTIFICATE KEY);
	config.tls_key = path;
	put_text(CERTIFICATE "-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
	check(&config, &c, -EINVAL, "tls_key: ");
	check(&config, &c, -EINVAL, "passphrase");
}

static void a_secret_that_everybody_can_read_is_noticed(void **state)
{
	CLEANUP(credentials_free) struct credentials c = {0};
	struct config_output config = nothing;

	config.token_file = path;
	put("abc", 3, 0604);
	check(&config, &c, 0, "");
	assert_string_equal(c.public_key, "token_file");
	put("abc", 3, 0640);
	check(&config, &c, 0, "");
	assert_null(c.public_key);
	/* What is no secret may be read. */
	config.token_file = "";
	config.tls_ca = path;
	put(CERTIFICATE, strlen(CERTIFICATE), 0644);
	check(&config, &c, 0, "");
	assert_null(c.public_key);
}

static void any_difference_makes_them_others(void **state)
{
	CLEANUP(credentials_free) struct credentials a = {0};
	CLEANUP(credentials_free) struct credentials b = {0};
	struct config_output config = nothing;

	assert_false(credentials_are_in_files(&config));
	check(&config, &a, 0, "");
	assert_true(credentials_are_equal(&a, &b));
	config.token_file = path;
	assert_true(credentials_are_in_files(&config));
	put_text("abc");
	check(&config, &a, 0, "");
	assert_false(credentials_are_equal(&a, &b));
	check(&config, &b, 0, "");
	assert_true(credentials_are_equal(&a, &b));
	put_text("abd");
	check(&config, &b, 0, "");
	assert_false(credentials_are_equal(&a, &b));
}

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int remove_folder(void **state)
{
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_without_a_folder_is_a_credential_that_may_not_be_there),
		cmocka_unit_test(a_file_that_was_rewritten_or_replaced_has_another_mark),
		cmocka_unit_test(a_token_goes_in_the_scheme_of_its_type),
		cmocka_unit_test(of_a_file_one_newline_is_left_out),
		cmocka_unit_test(what_is_wrong_with_a_file_is_said_without_its_content),
		cmocka_unit_test(certificates_and_keys_are_told_apart),
		cmocka_unit_test(a_secret_that_everybody_can_read_is_noticed),
		cmocka_unit_test(any_difference_makes_them_others),
	};

	return cmocka_run_group_tests_name("credentials", tests, make_folder, remove_folder);
}
