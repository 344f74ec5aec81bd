/* SPDX-License-Identifier: Apache-2.0 */
/**
 * farewell.h: outputs that are no longer configured, until they have delivered what they had. An edge.
 *
 * Each is flushed at once and freed when nothing is left, when its receiver does not take it, or after FAREWELL_WAIT_NS: then what
 * it could not deliver is told. The configuration that they were made from lives as long as they do.
 */
#pragma once
#include "output.h"

/** systemd kills 90 s after SIGTERM; a reachable receiver takes a window in far less than this. */
#define FAREWELL_WAIT_NS 5000000000ull
/** How often is looked whether everything is sent. */
#define FAREWELL_LOOK_NS 20000000ull

struct farewell;

int farewell_new(struct poller *poller, struct farewell **ret);
/** What is still there is lost: see farewell_end(). NULL is fine. */
void farewell_free(struct farewell *farewell);

/**
 * Takes leave of outputs.
 * @param config   that they were made from; the farewell's from here on
 * @param outputs  at most CONFIG_MAX_OUTPUTS; the farewell's from here on; 0: the configuration is freed
 */
void farewell_add(struct farewell *farewell, struct config *config, struct output *const *outputs,
                  size_t n);

/**
 * Holds back one that is leaving and that may take that section (output_can_become()): it is not freed before it is released
 * or recalled.
 * @return borrowed; NULL: there is none
 */
struct output *farewell_hold(struct farewell *farewell, const struct config_output *config);
void farewell_release(struct farewell *farewell, struct output *output);

/** It stays: what was held is the caller's again. Its former section is valid until the loop runs on. */
void farewell_recall(struct farewell *farewell, struct output *output);

/** Whether any of them still has something to send. */
bool farewell_is_busy(const struct farewell *farewell);

/** Ends all now, and logs what each could not deliver. */
void farewell_end(struct farewell *farewell);
