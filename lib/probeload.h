/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probeload.h: from a probe's files in memory to programs that are attached; and what is done when the kernel does not
 * take one. An edge to libbpf. Others use probe.h.
 */
#pragma once
#include "probebind.h"

/** Of the verifier's log so much is kept: a program that is refused has 20 KiB of it, an endless one 100 MiB. */
#define PROBELOAD_LOG_BYTES (1u << 20)

/**
 * Opens the object in probe->image, sets its constants, sizes its maps and chooses its programs.
 * @return 0; -EINVAL when errors were reported; -ENOMEM; the probe is to be freed then
 */
int probe_build(struct probe *probe, const struct feature_kernel *kernel, struct report *report);

/**
 * Loads and attaches all chosen programs, then lets go of libbpf's object. Of what the kernel does not take, an optional
 * program is left out, and instead of one of a group the next is chosen: that is reported as a warning or a note.
 * @param kernel  as in probe_open()
 * @return 0; negative errno, reported with its reason, and with what would help as a note; nothing is attached then
 */
int probe_attach(struct probe *probe, const struct feature_kernel *kernel, struct report *report);

/**
 * Writes the number of the next window, 1 after probe_attach(), where the programs look it up (TG_WINDOW): what they
 * count from here on has it. Without TG_WINDOW in the object nothing happens.
 * @return 0 or -errno; the number is unchanged then
 */
int probe_next_window(struct probe *probe);

/** Detaches and closes: links and descriptors are gone then. */
void probe_detach(struct probe *probe);

/** Frees all that probe_build() made. */
void probe_discard(struct probe *probe);
