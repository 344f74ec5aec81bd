/* SPDX-License-Identifier: Apache-2.0 */
/**
 * outlet.h: an output's lines to standard output or a file. An edge.
 *
 * There is no spool: what cannot be written is dropped and counted. A thread writes (worker.h), because a disk or a reader may
 * take its time; the lines of later windows wait meanwhile, up to OUTLET_MAX_BYTES.
 */
#pragma once
#include "config.h"
#include "outputstats.h"
#include "poller.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What waits while a write hangs: a few minutes of a usual host's windows of 10 s. */
#define OUTLET_MAX_BYTES (1u << 20)

struct outlet;

/** @param config  borrowed until outlet_free() or outlet_commit(); type = stdout or file */
int outlet_new(const struct config_output *config, struct poller *poller,
               struct outlet **ret_outlet);
/** What still waits is lost: see outlet_tell_rest(). NULL is fine. */
void outlet_free(struct outlet *outlet);

/** As the functions of output.h. Another file is written to once the present write is done, with what waits by then. */
int outlet_prepare(struct outlet *outlet, const struct config_output *config);
void outlet_commit(struct outlet *outlet);
void outlet_lines(struct outlet *outlet, const char *lines, size_t len, uint64_t points,
                  int64_t stamp_ns);
void outlet_flush(struct outlet *outlet);
bool outlet_is_busy(const struct outlet *outlet);
void outlet_tell_rest(struct outlet *outlet);
bool outlet_is_closed(const struct outlet *outlet);
struct output_stats outlet_stats(const struct outlet *outlet);
