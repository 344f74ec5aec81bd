/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that knows a probe; a comment about block_io may stay. */
#include <string.h>

int loop_is_special(const char *name)
{
	return strcmp(name, "block_io") == 0; /* CAUGHT */
}

int loop_block_ios; /* another word */
