/* SPDX-License-Identifier: Apache-2.0 */
/**
 * agent.h: all probes and all outputs of a configuration, what happens at a cut, and how another configuration takes
 * the place of the one in use. No timers of windows, no signals: loop.h drives it.
 */
#pragma once
#include "config.h"
#include "poller.h"
#include "text.h"
#include "window.h"

#include <stdbool.h>

struct agent;

/**
 * Makes the outputs and the tags on every line.
 * @param config  the agent's from here on, also on failure
 * @return 0; -EINVAL: an output cannot be had (logged); -errno
 */
int agent_new(struct config *config, struct poller *poller, struct agent **ret);

/**
 * Loads and attaches every enabled probe. One that fails is logged and counted; the others run.
 * @return 0; -EINVAL: one with required = yes failed
 */
int agent_attach(struct agent *agent);

/** In use; valid until agent_commit(). */
const struct config *agent_config(const struct agent *agent);

/**
 * Makes what another configuration asks for beside what is in use: probes that are new or changed are loaded and attached
 * here, which takes tens of milliseconds each. What was prepared before is forgotten.
 * @param config  the agent's from here on, also on failure
 * @return 0; -EINVAL: an output, or a probe with required = yes, cannot be had (logged); -errno. Nothing is prepared then
 */
int agent_prepare(struct agent *agent, struct config *config);

bool agent_is_prepared(const struct agent *agent);

/**
 * Takes into use what was prepared: after an agent_cut(), before which it was prepared, or before agent_baseline(). Outputs that
 * are gone deliver what they have, in the background. Cannot fail.
 */
void agent_commit(struct agent *agent);

/** Counts a reload that came to nothing, and forgets what was prepared before it. */
void agent_refuse(struct agent *agent);

/** The first boundary: what was counted until here is not told. */
void agent_baseline(struct agent *agent);

/**
 * The end of a window: reads all probes, writes the lines of every output and hands them over.
 * @param steps     of the wall clock, ever, for the agent's own metrics
 * @param at_once   send without this host's offset (the agent ends)
 */
void agent_cut(struct agent *agent, const struct window *window, uint64_t steps, bool at_once);

/** Appends how it is, in one line for a person (health.h). */
void agent_describe(const struct agent *agent, struct text *out);

/** Whether any output still has a reader: standard output's may have gone. */
bool agent_is_read(const struct agent *agent);

/** For the end: every output sends what it has, now. What was prepared is forgotten. */
void agent_flush(struct agent *agent);

/** Whether an output still has something to send that it may yet get rid of. */
bool agent_is_busy(const struct agent *agent);

/** Whether no probe runs, or a line was lost. */
bool agent_has_failed(const struct agent *agent);

/** Logs what each output could not deliver; for the end. */
void agent_tell_rest(struct agent *agent);

void agent_free(struct agent *agent);
void agent_freep(struct agent **agent);
