/* SPDX-License-Identifier: Apache-2.0 */
/**
 * agentprobes.h: the probes that a configuration asks for, and how one set of them follows another. An edge.
 *
 *     agentprobes_make()    the next set, made beside the one in use; may fail, and may be dropped again
 *     agentprobes_begin()   at the cut, right after the set in use was read: the new ones begin
 *     agentprobes_take()    after that window was told: the next set takes the place of the one in use
 *
 * A probe whose files and constants did not change (fingerprint.h) goes on as it is and loses no count. One that changed is loaded
 * and attached again while the former still counts, so between the last read of one and the first of the other there
 * is only the time of reading maps. What a probe cannot be made from leaves the former running.
 */
#pragma once
#include "collect.h"

/** One probe of a configuration, running or not. */
struct agentprobe {
	char *name;
	struct collector
		*collector; /* NULL: it does not run; of a set not yet taken: those that are new */
	bool failed; /* what the configuration asks for could not be had: it does not run, or as before */
	/* Of a set that is not yet taken. */
	const struct agentprobe *former; /* of the set in use, and of the same name; NULL: none */
	bool stays;                      /* the former's collector goes on */
	const char *change;              /* why it is made again, for a person; NULL: no reason */
	uint64_t gap_ns;                 /* between the former's last read and its own first */
};

/** Zero-initialised is empty. */
struct agentprobes {
	struct agentprobe items[CONFIG_MAX_PROBES];
	size_t n;
	size_t n_unlisted; /* probedir.h */
};

/**
 * Makes the next set: lists the probes, loads and attaches those that are enabled and not the same as before. One that
 * fails is logged; the others are made.
 * @param now       in use; must stay as it is until the next set was taken or dropped
 * @param settings  of the outputs; ttl_ns, max_series and alias are filled in for each probe
 * @return 0; -EINVAL: one with required = yes cannot be had as it is asked for, or not all are listed while some run
 *         (logged); -errno. Nothing is made then
 */
int agentprobes_make(const struct agentprobes *now, const struct config *config,
                     const struct mapstreet_settings *settings, struct agentprobes *ret);

/** Forgets a set that was not taken. */
void agentprobes_drop(struct agentprobes *next);

/** What the new ones of a set counted until here is not told. */
void agentprobes_begin(struct agentprobes *next);

/** The next set, empty afterwards, takes the place of the one in use: what is not in it is detached. */
void agentprobes_take(struct agentprobes *now, struct agentprobes *next);

/** The first boundary: what was counted until here is not told. As agentprobes_begin(), of a set in use. */
void agentprobes_baseline(struct agentprobes *now);

/** As collector_gather(), of all. */
void agentprobes_gather(struct agentprobes *now, const struct decode_env *env);

/** Reads all as the end of a window. */
void agentprobes_cut(struct agentprobes *now, const struct decode_env *env);

/** How many run, and how many are not as the configuration asks for. */
void agentprobes_count(const struct agentprobes *now, uint64_t *ret_running, uint64_t *ret_failed);

/** Detaches and frees all of a set in use. */
void agentprobes_free(struct agentprobes *now);
