/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include "ground.h"
#include "privileges.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Files of one line. */
#define FILE_MAX 256

#define PERF_DEVICES "/sys/bus/event_source/devices/"

/* @return whether it could be read; "" ends it */
static bool read_text(const char *path, char text[FILE_MAX])
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, FILE_MAX - 1);

	if (len < 0)
		return false;
	text[len] = '\0';
	return true;
}

static int read_number(const char *path)
{
	char text[FILE_MAX], *end;

	if (!read_text(path, text))
		return FACTS_UNKNOWN;

	long number = strtol(text, &end, 10);

	return end == text ? FACTS_UNKNOWN : (int)number;
}

/* Up to 5.10 each map was charged to its maker; the function went with that (bpf: Eliminate rlimit-based memory
 * accounting, 80ee81e0403c). */
static bool memlock_matters(const struct feature_kernel *kernel)
{
	const struct spec_predicate charge = {
		.kind = SPEC_FUNCTION, .name = (char *)"bpf_map_charge_init", .args = -1};

	return feature_holds(kernel, &charge, NULL);
}

void host_read_facts(const struct feature_kernel *kernel, struct facts *ret)
{
	assert(ret);

	struct privileges privileges;
	struct rlimit memlock;
	char text[FILE_MAX];

	*ret = (struct facts){
		.memlock_matters = memlock_matters(kernel),
		.memlock_bytes = UINT64_MAX,
		.has_kprobes = !access(PERF_DEVICES "kprobe", F_OK),
		.has_uprobes = !access(PERF_DEVICES "uprobe", F_OK),
		.jit_enable = read_number("/proc/sys/net/core/bpf_jit_enable"),
		.unprivileged_disabled = read_number("/proc/sys/kernel/unprivileged_bpf_disabled"),
		.stats_enabled = read_number("/proc/sys/kernel/bpf_stats_enabled"),
		.perf_paranoid = read_number("/proc/sys/kernel/perf_event_paranoid"),
	};
	if (!getrlimit(RLIMIT_MEMLOCK, &memlock) && memlock.rlim_cur != RLIM_INFINITY)
		ret->memlock_bytes = memlock.rlim_cur;
	if (read_text("/sys/kernel/security/lockdown", text))
		ret->lockdown = facts_parse_lockdown(text);
	if (!privileges_read(&privileges)) {
		ret->capabilities_known = true;
		/* Of root's, what the agent keeps: a check tells what runs, not what could. */
		ret->capabilities = privileges.effective & privileges_keep(&privileges);
	}
}
