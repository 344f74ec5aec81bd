/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"
#include "url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void urls_of_receivers_are_fine(void **state)
{
	static const char *const good[] = {
		"http://127.0.0.1:8086",
		"http://127.0.0.1:8086/",
		"https://influx.example.com",
		"HTTP://h",
		"http://h/write?db=x&rp=y",
		"http://h?db=x",
		"http://h:1/api/v2/write",
		"http://h:65535",
		"http://[::1]:8086/write",
		"http://[fe80::1%25eth0]",
		"http://[fe80::1%eth0]:1",
		"http://telegraf_1:8086",
		"http://h/a@b",
		"http://h/?xp=1",
		"unix:///run/telegraf.sock",
		"unix:///run/telegraf.sock:/telegraf",
		"UNIX:///s:/write?db=x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (url_problem(good[i]))
			fail_msg("%s: %s", good[i], url_problem(good[i]));
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *url, *want;
	} rows[] = {
		{"", "http://"},
		{"127.0.0.1:8086", "http://"},
		{"udp://h:8089", "http://"},
		{"http:/h", "http://"},
		{"http://", "host"},
		{"http:///write", "host"},
		{"http://:8086", "host"},
		{"http://[::1", "host"},
		{"http://[]", "host"},
		{"http://[fe80]", "host"},
		{"http://[fe80::1%25]", "host"},
		{"http://[fe80::1%an-interface-no-kernel-has]", "host"},
		{"http://[::1]x", "host"},
		{"http://h,i", "host"},
		{"http://h:", "port"},
		{"http://h:0", "port"},
		{"http://h:65536", "port"},
		{"http://h:999999", "port"},
		{"http://h:80x", "port"},
		{"http://h:0x50", "port"},
		{"http://h:8^2", "percent"},
		{"http://h/a b", "percent"},
		{"http://h/\xc3\xa9", "percent"},
		{"http://h/\"", "percent"},
		{"http://h/#a", "#"},
		{"unix://", "socket"},
		{"unix:///", "socket"},
		{"unix://run/s", "socket"},
		{"unix:///s:", "path"},
		{"unix:///s:8086", "path"},
		{"unix:///s?db=x", "path"},
		{"unix:///s:/w#a", "#"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = url_problem(rows[i].url);
		if (!got || !strstr(got, rows[i].want))
			fail_msg("%s: %s", rows[i].url, got ? got : "fine");
	}
}

/* A URL is printed whenever its receiver is down. */
static void credentials_in_a_url_are_refused(void **state)
{
	static const char *const bad[] = {
		"http://u:p@h",       "http://u@h/write", "http://h/write?p=x",  "http://h?u=x&p=y",
		"http://h/?db=x&p=y", "http://u:p@[::1]", "unix:///s:/write?p=y"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *got = url_problem(bad[i]);
		assert_non_null(got);
		assert_non_null(strstr(got, "credentials"));
	}
}

static void an_endless_url_is_refused(void **state)
{
	char url[URL_MAX_BYTES + 2];

	memset(url, 'a', sizeof(url));
	memcpy(url, "http://", 7);
	url[URL_MAX_BYTES] = '\0';
	assert_null(url_problem(url));
	memcpy(url + URL_MAX_BYTES, "a", 2);
	assert_non_null(url_problem(url));
}

/* What the kernel has room for, and no more: a longer one would be cut and lead elsewhere. */
static void the_length_of_a_socket_is_the_kernels(void **state)
{
	char url[7 + URL_SOCKET_MAX + 20];

	memset(url, 'a', sizeof(url));
	memcpy(url, "unix:///", 8);
	strcpy(url + 7 + URL_SOCKET_MAX, ":/telegraf");
	assert_null(url_problem(url));
	url[7 + URL_SOCKET_MAX] = 'a';
	strcpy(url + 7 + URL_SOCKET_MAX + 1, ":/telegraf");
	assert_non_null(strstr(url_problem(url), "107 bytes"));
}

static void a_socket_ends_where_its_path_begins(void **state)
{
	const char *rest;
	size_t len;

	const char *path = url_socket("unix:///run/t.sock:/a:b", &len, &rest);
	assert_string_equal(rest, "/a:b");
	assert_int_equal(len, strlen("/run/t.sock"));
	assert_memory_equal(path, "/run/t.sock", len);
	assert_non_null(url_socket("unix:///s", &len, &rest));
	assert_string_equal(rest, "");
	assert_null(url_socket("http://h", &len, &rest));
}

static void a_proxy_is_a_host_and_may_have_a_password(void **state)
{
	static const char *const good[] = {"http://p:3128", "https://p", "http://u:p@p:3128",
	                                   "http://p/", "http://u:a%40b@p:1"};
	static const char *const bad[] = {
		"",           "p:3128",     "socks5://p",    "http://",   "http://p/x",
		"http://p?x", "http://p:0", "http://u:p@:1", "unix:///s", "http://u:a@b@p:1"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_null(url_proxy_problem(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!url_proxy_problem(bad[i]))
			fail_msg("%s is fine", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_length_of_a_socket_is_the_kernels),
		cmocka_unit_test(a_socket_ends_where_its_path_begins),
		cmocka_unit_test(a_proxy_is_a_host_and_may_have_a_password),
		cmocka_unit_test(urls_of_receivers_are_fine),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(credentials_in_a_url_are_refused),
		cmocka_unit_test(an_endless_url_is_refused),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
