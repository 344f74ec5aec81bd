/* SPDX-License-Identifier: Apache-2.0 */
#include "privileges.h"

#include "log.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define BIT(n) (UINT64_C(1) << (n))
#define NEEDED (BIT(CAP_BPF) | BIT(CAP_PERFMON))
/* A set has so many at most: two words of the kernel's. */
#define SETS_MAX 64
/*
 * Descriptors: 64 probes of 16 maps with an index each, 64 programs and as many links make 10304; a connection for each
 * output comes on top. The soft limit is 1024 on most hosts, for the sake of select(2), which we do not use.
 */
#define FILES_WANTED 16384

static const char *const names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};
static_assert(ARRAY_SIZE(names) == CAP_CHECKPOINT_RESTORE + 1, "a name for each capability");

static uint64_t joined(const uint32_t words[2])
{
	return words[0] | (uint64_t)words[1] << 32;
}

/* prctl(2) answers -EINVAL for numbers that this kernel does not know. */
static uint64_t collect(int option, unsigned long argument, bool with_argument)
{
	uint64_t set = 0;

	for (unsigned long n = 0; n < SETS_MAX; n++) {
		int is_in = with_argument ? prctl(option, argument, n, 0, 0)
		                          : prctl(option, n, 0, 0, 0);

		set |= is_in == 1 ? BIT(n) : 0;
	}
	return set;
}

int privileges_read(struct privileges *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	assert(ret);
	if (syscall(SYS_capget, &header, data))
		return -errno;
	*ret = (struct privileges){
		.effective = joined((uint32_t[]){data[0].effective, data[1].effective}),
		.permitted = joined((uint32_t[]){data[0].permitted, data[1].permitted}),
		.inheritable = joined((uint32_t[]){data[0].inheritable, data[1].inheritable}),
		.ambient = collect(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, true),
		.bounding = collect(PR_CAPBSET_READ, 0, false),
	};
	return 0;
}

uint64_t privileges_missing(const struct privileges *p)
{
	assert(p);

	return p->permitted & BIT(CAP_SYS_ADMIN) ? 0 : NEEDED & ~p->permitted;
}

uint64_t privileges_keep(const struct privileges *p)
{
	uint64_t keep;

	assert(p);
	keep = NEEDED | p->ambient;
	/* Container managers that are older than the two hand out what came before them. */
	if (NEEDED & ~p->permitted)
		keep |= BIT(CAP_SYS_ADMIN);
	return p->permitted & keep;
}

void privileges_name(struct text *out, uint64_t set)
{
	bool first = true;

	assert(out);
	for (unsigned int n = 0; n < SETS_MAX; n++) {
		if (!(set & BIT(n)))
			continue;
		bool last = !(set & ~(2 * BIT(n) - 1));

		text_str(out, first ? "" : last ? " and " : ", ");
		if (n < ARRAY_SIZE(names))
			text_str(out, names[n]);
		else
			text_printf(out, "capability %u", n);
		first = false;
	}
	if (first)
		text_str(out, "none");
}

/* As high as may be: root's way is above the hard limit, everybody's is up to it. */
static void raise_limit(__rlimit_resource_t which, rlim_t wanted)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) || limit.rlim_cur >= wanted)
		return;
	if (!setrlimit(which, &(struct rlimit){.rlim_cur = wanted,
	                                       .rlim_max = MAX(wanted, limit.rlim_max)}))
		return;
	limit.rlim_cur = MIN(wanted, limit.rlim_max);
	(void)setrlimit(which, &limit);
}

static void raise_limits(void)
{
	raise_limit(RLIMIT_NOFILE, FILES_WANTED);
	/* Before Linux 5.11 the memory of maps and programs counts to it; the default of 64 KiB holds no probe. */
	raise_limit(RLIMIT_MEMLOCK, RLIM_INFINITY);
}

/*
 * A program that root executes gets what is in the bounding set: nothing, then. Emptying it takes CAP_SETPCAP, so this
 * comes first; who does not have that is not root.
 */
static int close_ways_back(const struct privileges *now)
{
	uint64_t gone = now->effective & BIT(CAP_SETPCAP) ? now->bounding : 0;

	for (unsigned long n = 0; n < SETS_MAX; n++)
		if (gone & BIT(n) && prctl(PR_CAPBSET_DROP, n, 0, 0, 0))
			return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

static int reduce(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	struct privileges now = {0};
	int err = privileges_read(&now);

	if (err)
		return err;
	uint64_t keep = privileges_keep(&now);

	err = close_ways_back(&now);
	if (err)
		return err;
	for (unsigned int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (uint32_t)(keep >> 32 * i);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int privileges_reduce(void)
{
	int err;

	raise_limits();
	err = reduce();
	if (err)
		log_error("privileges cannot be given up: %s", strerror(-err));
	return err;
}

void privileges_tell(void)
{
	CLEANUP(text_free) struct text line = {0};
	struct privileges now = {0};
	int err = privileges_read(&now);

	if (err) {
		log_warning("privileges cannot be read: %s", strerror(-err));
		return;
	}
	uint64_t missing = privileges_missing(&now);

	privileges_name(&line, missing ?: now.permitted);
	if (missing)
		log_error("privileges: without %s probes cannot be loaded; start as root, or with "
		          "AmbientCapabilities=CAP_BPF CAP_PERFMON in the unit",
		          text_cstr(&line));
	else if (!geteuid() && !(now.effective & BIT(CAP_DAC_OVERRIDE)))
		log_info("privileges: root with %s only; files of other users are open to it as to "
		         "everybody",
		         text_cstr(&line));
	else
		log_info("privileges: user %u with %s", (unsigned int)geteuid(), text_cstr(&line));
}

int privileges_keep_pages(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ? -errno : 0;
}
