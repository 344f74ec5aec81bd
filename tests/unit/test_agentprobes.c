/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a start is decided before a probe is opened: no kernel and no privileges are needed. */
#include "agentprobes.h"

#include "config_case.h"

#include <unistd.h>

static struct agentprobes now, next;

static int start(const char *ini)
{
	static const struct mapstreet_settings settings = {0};

	assert_int_equal(load(ini), 0);
	return agentprobes_make(&now, config, &settings, &next);
}

/* It is restarted for ever where it does not start, and would tell of nothing. */
static void an_agent_starts_with_the_probes_that_can_be_listed_and_counts_the_rest(void **state)
{
	char loop[] = "/tmp/test_agentprobes.XXXXXX", ini[128];
	uint64_t running, failed;

	assert_non_null(mkdtemp(loop));
	assert_int_equal(rmdir(loop), 0);
	assert_int_equal(symlink(loop, loop), 0);
	snprintf(ini, sizeof(ini), "[agent]\nprobe_dirs = %s\n", loop);
	assert_int_equal(start(ini), 0);
	agentprobes_take(&now, &next);
	agentprobes_count(&now, &running, &failed);
	assert_int_equal(running, 0);
	assert_int_equal(failed, 1);
	agentprobes_free(&now);
	assert_int_equal(unlink(loop), 0);
}

static void a_required_probe_that_is_not_there_prevents_the_start(void **state)
{
	assert_int_equal(start("[agent]\nprobe_dirs = /nonexistent\n[probe.x]\n"), 0);
	assert_int_equal(start("[agent]\nprobe_dirs = /nonexistent\n[probe.x]\nrequired = yes\n"),
	                 -EINVAL);
	assert_int_equal(start("[agent]\nprobe_dirs = /nonexistent\n[probe.x]\nrequired = yes\n"
	                       "enabled = no\n"),
	                 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			an_agent_starts_with_the_probes_that_can_be_listed_and_counts_the_rest,
			forget),
		cmocka_unit_test_teardown(a_required_probe_that_is_not_there_prevents_the_start,
	                                  forget),
	};

	return cmocka_run_group_tests_name("agentprobes", tests, NULL, NULL);
}
