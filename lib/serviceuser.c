/* SPDX-License-Identifier: Apache-2.0 */
#include "serviceuser.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

/* More is no user of a service. Groups beyond them are not asked with. */
#define MAX_GROUPS 64
/* No errno: the process could not become that user. */
#define UNKNOWN 255

struct user {
	uid_t uid;
	gid_t gid, groups[MAX_GROUPS];
	int n_groups;
};

static int find_user(struct user *ret)
{
	const struct passwd *entry = getpwnam(SERVICEUSER_NAME);
	struct user u = {.n_groups = MAX_GROUPS};

	if (!entry)
		return -ENOENT;
	u.uid = entry->pw_uid;
	u.gid = entry->pw_gid;
	if (getgrouplist(SERVICEUSER_NAME, u.gid, u.groups, &u.n_groups) < 0)
		u.n_groups = MAX_GROUPS;
	*ret = u;
	return 0;
}

/* There may be more threads: between fork(2) and _exit(2) stand system calls only. */
static _Noreturn void open_as(const struct user *u, const char *path)
{
	if (setgroups((size_t)u->n_groups, u->groups) || setresgid(u->gid, u->gid, u->gid) ||
	    setresuid(u->uid, u->uid, u->uid))
		_exit(UNKNOWN);
	_exit(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) < 0 ? errno : 0);
}

int serviceuser_try_read(const char *path)
{
	struct user u;
	int status;

	assert(path);
	if (geteuid() || find_user(&u))
		return 0;
	pid_t child = fork();
	if (child < 0)
		return 0;
	if (!child)
		open_as(&u, path);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) != UNKNOWN ? -WEXITSTATUS(status) : 0;
}
