/* SPDX-License-Identifier: Apache-2.0 */
#include "complaint.h"

#include "log.h"

void complaint_free(struct complaint *c)
{
	text_free(&c->message);
}

static struct trouble_case case_of(const struct complaint *c, const struct complaint_answer *answer)
{
	return (struct trouble_case){
		.config = c->config,
		.label = answer->label,
		.reason = answer->reason,
		.status = answer->result->status,
		.error = answer->result->error,
		.body = answer->result->body,
	};
}

static void failed(struct complaint *c, const struct trouble_case *what, uint64_t windows,
                   uint64_t wait_ms)
{
	text_clear(&c->message);
	if (trouble_failed(&c->trouble, poller_now_ns(), what, windows, wait_ms, &c->message))
		log_warning("%s", text_cstr(&c->message));
}

void complaint_problem(struct complaint *c, const char *problem, uint64_t windows, uint64_t wait_ms)
{
	const struct trouble_case what = {.config = c->config, .problem = problem};

	failed(c, &what, windows, wait_ms);
}

void complaint_kept(struct complaint *c, const struct complaint_answer *answer, uint64_t windows,
                    uint64_t wait_ms)
{
	const struct trouble_case what = case_of(c, answer);

	failed(c, &what, windows, wait_ms);
}

void complaint_dropped(struct complaint *c, const struct complaint_answer *answer, uint64_t lines,
                       const char *line)
{
	const struct trouble_case what = case_of(c, answer);

	text_clear(&c->message);
	if (trouble_dropped(&c->trouble, poller_now_ns(), &what, lines, line, &c->message))
		log_warning("%s", text_cstr(&c->message));
}

void complaint_over(struct complaint *c, uint64_t windows)
{
	text_clear(&c->message);
	if (trouble_over(&c->trouble, poller_now_ns(), c->config->name, windows, &c->message))
		log_info("%s", text_cstr(&c->message));
}
