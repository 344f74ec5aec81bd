/* SPDX-License-Identifier: Apache-2.0 */
#include "usage.h"

#include "ground.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

void usage_open(struct usage *ret)
{
	/* Kept open: finding it in /proc every window costs several times as much as reading it. */
	*ret = (struct usage){.statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
}

void usage_close(struct usage *u)
{
	ground_closep(&u->statm_fd);
	u->statm_fd = -1;
}

static uint64_t resident_bytes(int statm_fd)
{
	char line[128];
	ssize_t n = statm_fd < 0 ? -1 : pread(statm_fd, line, sizeof(line) - 1, 0);
	const char *resident;

	if (n <= 0)
		return 0;
	line[n] = '\0';
	resident = strchr(line, ' ');
	return resident ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

void usage_read(struct usage *u, uint64_t *ret_cpu_us, uint64_t *ret_rss_bytes)
{
	struct rusage usage;
	uint64_t cpu_us = u->cpu_us;

	if (!getrusage(RUSAGE_SELF, &usage))
		cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
		         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	*ret_cpu_us = cpu_us - u->cpu_us;
	*ret_rss_bytes = resident_bytes(u->statm_fd);
	u->cpu_us = cpu_us;
}
