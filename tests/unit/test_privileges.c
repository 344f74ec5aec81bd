/* SPDX-License-Identifier: Apache-2.0 */
#include "privileges.h"

#include "ground.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#define BIT(n) (UINT64_C(1) << (n))
#define NEEDED (BIT(CAP_BPF) | BIT(CAP_PERFMON))
#define ALL (2 * BIT(CAP_CHECKPOINT_RESTORE) - 1)

static void root_keeps_two_capabilities(void **state)
{
	const struct privileges root = {.effective = ALL, .permitted = ALL, .bounding = ALL};

	assert_int_equal(privileges_keep(&root), NEEDED);
	assert_int_equal(privileges_missing(&root), 0);
}

/* A drop-in for an older kernel, or for a probe that needs symbols, hands out more than two. */
static void what_a_unit_hands_over_is_kept(void **state)
{
	const uint64_t handed = NEEDED | BIT(CAP_SYSLOG) | BIT(CAP_SYS_ADMIN);
	const struct privileges service = {
		.effective = handed, .permitted = handed, .ambient = handed, .bounding = ALL};

	assert_int_equal(privileges_keep(&service), handed);
}

static void without_a_right_nothing_is_kept_and_both_are_missing(void **state)
{
	const struct privileges nobody = {.bounding = ALL};
	const struct privileges half = {.permitted = BIT(CAP_BPF) | BIT(CAP_CHOWN)};

	assert_int_equal(privileges_keep(&nobody), 0);
	assert_int_equal(privileges_missing(&nobody), NEEDED);
	assert_int_equal(privileges_keep(&half), BIT(CAP_BPF));
	assert_int_equal(privileges_missing(&half), BIT(CAP_PERFMON));
}

static void sys_admin_stands_in_where_one_of_the_two_is_missing(void **state)
{
	const struct privileges old = {.permitted = BIT(CAP_SYS_ADMIN) | BIT(CAP_CHOWN)};

	assert_int_equal(privileges_keep(&old), BIT(CAP_SYS_ADMIN));
	assert_int_equal(privileges_missing(&old), 0);
}

static void assert_name(uint64_t set, const char *wanted)
{
	CLEANUP(text_free) struct text out = {0};

	privileges_name(&out, set);
	assert_string_equal(text_cstr(&out), wanted);
}

static void sets_have_names(void **state)
{
	assert_name(0, "none");
	assert_name(BIT(CAP_CHOWN), "CAP_CHOWN");
	assert_name(NEEDED, "CAP_PERFMON and CAP_BPF");
	assert_name(NEEDED | BIT(CAP_SYS_ADMIN), "CAP_SYS_ADMIN, CAP_PERFMON and CAP_BPF");
	assert_name(NEEDED | BIT(63), "CAP_PERFMON, CAP_BPF and capability 63");
}

/* Bits of a line of /proc/self/status: what the kernel itself says. */
static uint64_t status_of(const char *name)
{
	char line[256];
	FILE *file = fopen("/proc/self/status", "re");
	uint64_t found = UINT64_MAX;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			found = strtoull(line + strlen(name) + 1, NULL, 16);
	fclose(file);
	return found;
}

/* In a child, because there is no way back. @return its exit code: the number of the first check that failed, or 0 */
static int in_child(int (*checks)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		_exit(checks());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int reduce_and_look(void)
{
	uint64_t had = status_of("CapPrm");

	if (privileges_reduce())
		return 1;
	if (status_of("CapPrm") != (had & NEEDED) || status_of("CapEff") != (had & NEEDED))
		return 2;
	if (status_of("CapInh") || status_of("CapAmb"))
		return 3;
	if (had & BIT(CAP_SETPCAP) && status_of("CapBnd"))
		return 4;
	if (status_of("NoNewPrivs") != 1)
		return 5;
	/* What it says of itself is what the kernel says. */
	struct privileges now;

	if (privileges_read(&now) || now.permitted != status_of("CapPrm") ||
	    now.effective != status_of("CapEff") || now.inheritable != status_of("CapInh") ||
	    now.ambient != status_of("CapAmb") || now.bounding != status_of("CapBnd"))
		return 6;
	return 0;
}

static void reducing_leaves_two_capabilities_in_every_set(void **state)
{
	assert_int_equal(in_child(reduce_and_look), 0);
}

/* uid 0 gets its bounding set by exec(2), whatever was given up before. */
static int reduce_and_execute(void)
{
	if (privileges_reduce())
		return 1;
	execl("/bin/sh", "sh", "-c", "grep -q '^CapPrm:[[:space:]]*0*$' /proc/self/status",
	      (char *)NULL);
	return 2;
}

static void no_program_that_is_executed_gets_any(void **state)
{
	assert_int_equal(in_child(reduce_and_execute), 0);
}

static int reduce_and_look_into_a_file(void)
{
	char path[] = "/tmp/test_privileges.XXXXXX";
	int fd = mkstemp(path), err;

	if (fd < 0 || fchown(fd, 65534, 65534) || privileges_reduce())
		return 1;
	close(fd);
	err = !access(path, R_OK);
	(void)unlink(path);
	return err;
}

/* Those that are not open to everybody: a token of another service, the spool of the unit's user. */
static void root_is_no_longer_let_into_files_of_others(void **state)
{
	if (geteuid())
		skip();
	assert_int_equal(in_child(reduce_and_look_into_a_file), 0);
}

static int lower_and_reduce(void)
{
	struct rlimit files, memory;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = 100;
	setrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_MEMLOCK, &memory);
	memory.rlim_cur = 0;
	setrlimit(RLIMIT_MEMLOCK, &memory);
	if (privileges_reduce() || getrlimit(RLIMIT_NOFILE, &files) ||
	    getrlimit(RLIMIT_MEMLOCK, &memory))
		return 1;
	if (files.rlim_cur < MIN(files.rlim_max, 16384))
		return 2;
	return memory.rlim_cur == memory.rlim_max ? 0 : 3;
}

static void limits_are_raised_as_far_as_may_be(void **state)
{
	assert_int_equal(in_child(lower_and_reduce), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_keeps_two_capabilities),
		cmocka_unit_test(what_a_unit_hands_over_is_kept),
		cmocka_unit_test(without_a_right_nothing_is_kept_and_both_are_missing),
		cmocka_unit_test(sys_admin_stands_in_where_one_of_the_two_is_missing),
		cmocka_unit_test(sets_have_names),
		cmocka_unit_test(reducing_leaves_two_capabilities_in_every_set),
		cmocka_unit_test(no_program_that_is_executed_gets_any),
		cmocka_unit_test(root_is_no_longer_let_into_files_of_others),
		cmocka_unit_test(limits_are_raised_as_far_as_may_be),
	};

	return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
