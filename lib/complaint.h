/* SPDX-License-Identifier: Apache-2.0 */
/**
 * complaint.h: what goes wrong with an output, told in the log. An edge: it logs what trouble.h finds worth telling.
 */
#pragma once
#include "http.h"
#include "trouble.h"

struct complaint {
	const struct config_output *config;
	struct trouble trouble;
	struct text message; /* kept, so that a log line allocates nothing */
};

/** What was answered, by whom, and what that means. */
struct complaint_answer {
	const char *label; /* of the receiver, to print */
	const struct http_result *result;
	enum verdict_reason reason;
};

void complaint_free(struct complaint *c);

/** Nothing can be sent, and nobody was asked. @param windows  that are kept @param wait_ms as of trouble_failed() */
void complaint_problem(struct complaint *c, const char *problem, uint64_t windows,
                       uint64_t wait_ms);

/** A batch was not taken, and is kept. */
void complaint_kept(struct complaint *c, const struct complaint_answer *answer, uint64_t windows,
                    uint64_t wait_ms);

/** Lines were given up. @param line  NULL, or the one that it was */
void complaint_dropped(struct complaint *c, const struct complaint_answer *answer, uint64_t lines,
                       const char *line);

/** A batch was taken. @param windows  that still wait */
void complaint_over(struct complaint *c, uint64_t windows);
