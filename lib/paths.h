/* SPDX-License-Identifier: Apache-2.0 */
/**
 * paths.h: where things are installed, as the directory variables of the Makefile say.
 *
 * The only object that has to be compiled anew for other places is this one's.
 */
#pragma once

/** The configuration, unless --config names another: /etc/thermograf/thermograf.ini, then conf.d. */
extern const char paths_config_file[];
extern const char paths_config_dir[];

/** Probes: the administrator's, /etc/thermograf/probes.d, and the shipped ones, /usr/lib/thermograf/probes. */
extern const char paths_admin_probes[];
extern const char paths_shipped_probes[];
