/* SPDX-License-Identifier: Apache-2.0 */
/**
 * probebind.h: what a probe is in memory, and how the maps of its description are tied to the opened object. An edge to
 * libbpf; nothing here needs privileges. Others use probe.h.
 */
#pragma once
#include "feature.h"
#include "fingerprint.h"
#include "layout.h"
#include "report.h"
#include "spec.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;
struct bpf_link;

/** Values in a row, one per CPU while they last: with more CPUs two share one, and locked adds cost 13 ns. */
#define PROBE_SHARDS_MAX 8
/**
 * Kernel memory and bytes per read of all maps of one probe. 256 devices x 7 operations x 8 shards x 512 bytes are
 * 7.3 MB; more would be felt on a host that serves. Rows get fewer shards to stay within.
 */
#define PROBE_MEMORY_MAX (32u << 20)
#define PROBE_READ_MAX (8u << 20)
/** What libbpf calls the map of the section in which TG_WINDOW (thermograf.bpf.h) puts the window's number. */
#define PROBE_WINDOW_MAP ".data.window"

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

/** A map that is not read: its `when` does not hold. */
struct probe_left {
	const struct spec_map *map;
	char *why; /* a clause for a person */
};

/** A map that only the programs use: its `when` holds. */
struct probe_private {
	const struct spec_map *map;
	uint32_t max_keys;
	uint64_t memory; /* bytes of kernel memory when full, estimated */
};

/** What became of a program of the object. */
struct probe_program {
	char *name;
	char *section; /* of the object: how it is attached */
	bool chosen;
	bool unwanted; /* not chosen, because of the description's constants: nobody misses it */
	char *why;     /* not chosen: a clause for a person; else NULL */
	int fd;        /* -1 until attached */
};

/** A program that the kernel did not take: it is not chosen again. */
struct probe_refused {
	char *name;
	char *why; /* a clause for a person */
};

struct probe {
	struct spec *spec;
	struct fingerprint fingerprint; /* of what it was made from */
	struct bpf_object *object;      /* NULL once attached */
	uint8_t *image;   /* the object's file, which libbpf needs as long as the object */
	size_t image_len; /* bytes */
	char *log;        /* PROBELOAD_LOG_BYTES for the verifier; NULL once attached */
	struct probe_refused refused[SPEC_MAX_PROGRAMS];
	size_t n_refused;
	struct probe_map maps[SPEC_MAX_MAPS];
	size_t n_maps;
	struct probe_left left[SPEC_MAX_MAPS];
	size_t n_left;
	struct probe_private privates[SPEC_MAX_MAPS];
	size_t n_privates;
	uint64_t
		own_memory; /* bytes of kernel memory of the maps that no section describes, full, estimated */
	int window_fd;   /* of the map that holds the window's number; -1: none, or not attached */
	uint32_t window; /* its number now */
	struct probe_program programs[SPEC_MAX_PROGRAMS];
	size_t n_programs;
	struct bpf_link *links[SPEC_MAX_PROGRAMS];
	size_t n_links;
};

/** Binds and sizes every map of the description that is to be read. @return 0; -EINVAL (reported); -ENOMEM */
int probe_bind_maps(struct probe *probe, const struct feature_kernel *kernel,
                    struct report *report);
