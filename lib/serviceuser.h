/* SPDX-License-Identifier: Apache-2.0 */
/**
 * serviceuser.h: what the user may read that the unit runs the agent as. An edge.
 *
 * Root can read everything, so that what root has checked may still be closed to the service.
 */
#pragma once

/** As packaging/systemd has it. */
#define SERVICEUSER_NAME "thermograf"

/**
 * Opens a file as that user, in a process that becomes it: modes, folders above, groups and ACLs are all the kernel's to judge.
 * @return 0: it can be read; or this process is not root's, or there is no such user here: nobody knows; -errno of opening it
 */
int serviceuser_try_read(const char *path);
