/* SPDX-License-Identifier: Apache-2.0 */
/**
 * mapreader.h: one map of an attached probe: its reads, and what they give to the map's street (mapstreet.h). An edge: it
 * logs what fails, once when it begins and once when it is over.
 *
 *     baseline    what was before the first window
 *     gather      between two windows' ends, because a disk ends: what was counted until then is told under its name
 *     cut         the end of a window
 */
#pragma once
#include "mapstreet.h"
#include "snapshot.h"

/** Reasons of a drops map that are kept apart, whatever max_series says. */
#define MAPREADER_MAX_DROP_REASONS 32

struct mapreader {
	const struct probe *probe;
	const struct probe_map *map;
	struct mapstreet *street;
	struct snapshot snapshot;
	struct rows rows;
	uint64_t taken_ns; /* CLOCK_BOOTTIME of the last read; 0: no baseline yet */
	uint64_t began_ns; /* of the one that the running window began with */
	uint32_t since;    /* number of the window that began with the last read */
	bool is_read;      /* in this round */
	bool is_told;      /* the window cut last has something to tell, and so the next two */
	uint64_t length_ns;
	struct series_counts counts;
	uint64_t failed_reads; /* ever; the next window is longer */
	uint64_t
		failed_merges; /* ever; the window is lost, or what was gathered for it (no memory) */
	bool is_failing;
};

/**
 * @param reader  zero-initialised
 * @param i       number of the map; the probe must outlive the reader
 * @return 0 or -ENOMEM
 */
int mapreader_open(struct mapreader *reader, const struct probe *probe, size_t i,
                   const struct mapstreet_settings *settings);
void mapreader_close(struct mapreader *reader);

/** As mapstreet_prepare(). */
int mapreader_prepare(struct mapreader *reader, const struct mapstreet_settings *settings);

/** Whether it is the map of events that could not be counted. */
bool mapreader_is_drops(const struct mapreader *reader);

/** A reader before @p i, read in this round, with the same index: its keys are the same. NULL: none */
const struct mapreader *mapreader_twin(const struct mapreader *readers, size_t i);

/**
 * Reads the map of reader @p i, once its probe has another window (probe_next_window()).
 * @param readers  of all maps of the probe; those before i were asked already
 */
void mapreader_baseline(struct mapreader *readers, size_t i);
void mapreader_cut(struct mapreader *readers, size_t i, const struct decode_env *env);

/** As well, and ends the series of disks that end from @p env's disks to its later ones. */
void mapreader_gather(struct mapreader *readers, size_t i, const struct decode_env *env);
