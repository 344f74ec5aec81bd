/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

/* For tools that read a single file; make always says where. */
#ifndef PATHS_SYSCONFDIR
#define PATHS_SYSCONFDIR "/etc"
#endif
#ifndef PATHS_PROBESDIR
#define PATHS_PROBESDIR "/usr/lib/thermograf/probes"
#endif

const char paths_config_file[] = PATHS_SYSCONFDIR "/thermograf/thermograf.ini";
const char paths_config_dir[] = PATHS_SYSCONFDIR "/thermograf/conf.d";
const char paths_admin_probes[] = PATHS_SYSCONFDIR "/thermograf/probes.d";
const char paths_shipped_probes[] = PATHS_PROBESDIR;
