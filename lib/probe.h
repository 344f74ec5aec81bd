/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probe.h: one probe: a description and an object, bound, configured, loaded, attached. An edge to libbpf.
 *
 *     probe_open()    reads both files, binds names to bytes, chooses programs: needs no privileges
 *     probe_attach()  loads and attaches: needs CAP_BPF and CAP_PERFMON
 *
 * After probe_attach() only descriptors are held; libbpf's object and its memory are gone.
 */
#pragma once
#include "config.h"
#include "probebind.h"
#include "probeload.h"
#include "probeprograms.h"

/** An object of a thousand programs is below this. */
#define PROBE_OBJECT_MAX_BYTES (16u << 20)

/** A run looks at a thousand entries or so, within what the verifier follows; a million entries take a few milliseconds. */
#define PROBE_RUNS_MAX 1024

/** What the kernel counts about the chosen programs, ever. */
struct probe_runs {
	uint64_t
		missed; /* runs that the kernel left out, because the program was running on that CPU (5.12) */
	uint64_t runs; /* 0 unless kernel.bpf_stats_enabled */
	uint64_t run_ns;
};

/**
 * Opens a probe and binds it.
 * @param path    of NAME.ini; the object is looked for beside it
 * @param config  the probe's section, or NULL
 * @param kernel  or NULL: then predicates do not hold
 * @param ret     owned by the caller, probe_free(); unchanged on failure
 * @param report  takes every mistake, with file and line
 * @return 0; -EINVAL when errors were reported, or another -errno of trusted_read() (reported); -ENOMEM
 */
int probe_open(const char *path, const struct config_probe *config,
               const struct feature_kernel *kernel, struct probe **ret, struct report *report);

/**
 * Reads both files of a probe and goes no further: what it would be made from now, and whether it is to run.
 * @param path, config  as probe_open()
 * @return as probe_open()
 */
int probe_look(const char *path, const struct config_probe *config, struct fingerprint *ret,
               bool *ret_enabled, struct report *report);

/** Whether it is to run: as its section says, else as its description does. @param section  or NULL */
bool probe_is_enabled(const struct probe *probe, const struct config_probe *section);

/** Warns of global tags that bear the name of a tag or field of the probe: the probe's own hides or contradicts them. */
void probe_check_tags(const struct probe *probe, const struct config *config,
                      struct report *report);

/**
 * Runs the programs with run = before-read, again and again until each returns 0: so they look at all that they keep,
 * a part in each run. The first argument of the context is the number of the run, from 0.
 * @return 0; -ELOOP: one did not come to an end in PROBE_RUNS_MAX runs; -errno of the kernel
 */
int probe_run_before_read(const struct probe *probe);

/** Reads the kernel's own counts. @return 0 or -errno; ret_runs unchanged then */
int probe_runs(const struct probe *probe, struct probe_runs *ret_runs);

/** Detaches and frees. NULL is fine. */
void probe_free(struct probe *probe);
void probe_freep(struct probe **probe);
