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
#include "layout.h"
#include "report.h"
#include "spec.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;
struct bpf_link;
struct btf;

/** Values in a row, one per CPU while they last: with more CPUs two share one, and locked adds cost 13 ns. */
#define PROBE_SHARDS_MAX 8
/**
 * Kernel memory and bytes per read of one map. 256 devices x 7 operations x 8 shards x 512 bytes are 7.3 MB;
 * more would be felt on a host that serves (DESIGN section 4).
 */
#define PROBE_MAP_MEMORY_MAX (32u << 20)
#define PROBE_MAP_READ_MAX (8u << 20)

/** A map of the object that is read. */
struct probe_map {
	const struct spec_map *spec;
	struct layout *layout;
	int fd;            /* of the values; -1 until attached */
	int index_fd;      /* of key -> row, when the map has an index; else -1 */
	uint32_t type;     /* enum bpf_map_type of the values */
	uint32_t max_keys; /* rows */
	uint32_t shards;   /* copies of the value in a row */
	uint32_t stride;   /* bytes between two */
	uint32_t row_size; /* bytes of all of them */
	uint64_t memory;   /* bytes of kernel memory when full, estimated */
};

/** What became of a program of the object. */
struct probe_program {
	char *name;
	bool chosen;
	char *why; /* not chosen: a clause for a person; else NULL */
	int fd;    /* -1 until attached */
};

struct probe {
	struct spec *spec;
	struct bpf_object *object; /* NULL once attached */
	struct probe_map maps[SPEC_MAX_MAPS];
	size_t n_maps;
	struct probe_program programs[SPEC_MAX_PROGRAMS];
	size_t n_programs;
	struct bpf_link *links[SPEC_MAX_PROGRAMS];
	size_t n_links;
};

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
 * @param kernel  BTF of the kernel, or NULL (then predicates do not hold)
 * @param ret     owned by the caller, probe_free(); unchanged on failure
 * @param report  takes every mistake, with file and line
 * @return 0; -EINVAL when errors were reported; -ENOMEM
 */
int probe_open(const char *path, const struct config_probe *config, const struct btf *kernel,
               struct probe **ret, struct report *report);

/**
 * Why the probe cannot run on this kernel.
 * @return NULL when all its required programs were chosen; else a clause for a person, owned by the probe
 */
const char *probe_unfit(const struct probe *probe);

/**
 * Loads and attaches all chosen programs, then lets go of libbpf's object.
 * @return 0; negative errno, reported with its reason; nothing is attached then
 */
int probe_attach(struct probe *probe, struct report *report);

/** Reads the kernel's own counts. @return 0 or -errno; ret_runs unchanged then */
int probe_runs(const struct probe *probe, struct probe_runs *ret_runs);

/** Detaches and frees. NULL is fine. */
void probe_free(struct probe *probe);
void probe_freep(struct probe **probe);
