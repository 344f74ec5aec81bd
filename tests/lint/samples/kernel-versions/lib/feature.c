/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/version.h> /* CAUGHT */
#include <string.h>
#include <sys/utsname.h> /* CAUGHT */

/* A comment may say that 5.10 or KERNEL_VERSION(5, 10, 137) was different. */
int feature_guess(void)
{
	struct utsname names; /* CAUGHT */

	uname(&names);                                       /* CAUGHT */
	if (LINUX_VERSION_CODE > KERNEL_VERSION(5, 10, 137)) /* CAUGHT */
		return 1;
	return strcmp(names.release, "5.10") > 0; /* CAUGHT */
}
