/* SPDX-License-Identifier: Apache-2.0 */
/**
 * output.h: one configured output: lines -> batches -> spool -> push -> verdict. An edge.
 *
 * type = influx1:  the newest window goes first, then a few old ones; what fails is kept and tried again (push.h).
 * stdout, file:    written at once, by a thread; what cannot be written is dropped and counted. There is no spool (outlet.h).
 */
#pragma once
#include "config.h"
#include "http.h"
#include "outputstats.h"
#include "poller.h"
#include "push.h"

#include <stdbool.h>
#include <stdint.h>

struct output;

/**
 * @param config  borrowed until output_free() or output_commit()
 * @param http    may be NULL for stdout and file
 * @return 0; -ENOMEM or another -errno
 */
int output_new(const struct config_output *config, struct http *http, struct poller *poller,
               struct output **ret_output);

/** What that section changes of the present one, as confdiff_output(). */
unsigned int output_diff(const struct output *output, const struct config_output *config);

/** Whether that section may take the place of the present one: same name, same kind (CONFDIFF_KIND). */
bool output_can_become(const struct output *output, const struct config_output *config);

/**
 * Makes what another section of the same name needs, beside what is in use; what was prepared before is forgotten.
 * @param config  as output_can_become(); borrowed from output_commit() on, instead of the present one
 * @return 0 or -ENOMEM: nothing is prepared
 */
int output_prepare(struct output *output, const struct config_output *config);

/**
 * Takes into use what was prepared. What is queued and counted stays, and so does the connection unless the receiver is
 * another one: then a request that is running is given up, and its batch goes to the new one. Also of an output that
 * was flushed: it goes on.
 */
void output_commit(struct output *output);

/** Ends a running request. What is queued is lost: see output_tell_rest(). NULL is fine. */
void output_free(struct output *output);
void output_freep(struct output **output);

const char *output_name(const struct output *output);

/**
 * Takes a window's lines. Never waits for the network or a disk.
 * @param points  number of lines, for the case that they find no memory
 */
void output_lines(struct output *output, const char *lines, size_t len, uint64_t points,
                  const struct push_times *times);

/**
 * For the end, after the last output_lines(): sends what is queued now, without offset and waits, until the first failure that
 * no other URL makes good. What is not delivered by then, or in a second, is written to the spool's disk. Old windows
 * that are there already stay within their limit.
 */
void output_flush(struct output *output);

/** Whether something is on its way to the receiver, or at the end to disk, or about to be without waiting for the next window or a retry. */
bool output_is_busy(const struct output *output);

/** For the end: what is on disk waits for the next start, the rest counts as OUTPUT_DROP_END. Logs how much it was. */
void output_tell_rest(struct output *output);

/** Whether nobody will ever read standard output again (EPIPE): an agent with no other output may end. */
bool output_is_closed(const struct output *output);

struct output_stats output_stats(const struct output *output);
