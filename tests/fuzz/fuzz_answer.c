/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a receiver's answer: there is a verdict that keeps what verdict.h promises, and what a person is told is
 * one short line that quotes no control character.
 *
 * Input: u64 of status, a bit for a transport error, one for a body that is the header Date and the line that was
 * dropped, and the time; a line with Retry-After; the body.
 */
#include "retryafter.h"
#include "trouble.h"

#include "input.h"

static const struct config_output outputs[] = {
	{.name = "o", .type = OUTPUT_INFLUX1, .database = "d"},
	{.name = "o", .type = OUTPUT_INFLUX2, .bucket = "b", .organization = "g"},
	{.name = "o", .type = OUTPUT_INFLUX3, .database = "d"},
	{.name = "o", .type = OUTPUT_HTTP},
};

/* All that is quoted, and 1 KiB for what we say ourselves. */
#define LINE_MOST (TROUBLE_QUOTE_MAX + TROUBLE_LINE_MAX + 1024)

static void check_line(const struct text *line)
{
	expect(line->len > 0 && line->len < LINE_MOST && !line->err);
	for (size_t i = 0; i < line->len; i++)
		expect(line->data[i] >= ' ' && line->data[i] <= '~');
}

static void tell(const struct config_output *output, const struct verdict *verdict, long status,
                 const char *body)
{
	struct config_output config = *output;
	char empty[] = "";
	CLEANUP(text_free) struct text line = {0};
	struct trouble trouble = {0};
	const struct trouble_case c = {.config = &config,
	                               .label = "http://h:1",
	                               .reason = verdict->reason,
	                               .status = status,
	                               .error = "",
	                               .body = body};

	config.username = config.password_file = config.token = config.token_file = empty;
	config.http_proxy = config.tls_cert = empty;
	if (!config.organization)
		config.organization = empty;
	expect(trouble_failed(&trouble, 1, &c, 3, verdict->retry_after_ms, &line));
	check_line(&line);
	text_clear(&line);
	expect(trouble_dropped(&trouble, 1, &c, 7, status % 2 ? body : NULL, &line));
	check_line(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint64_t head = input_u64(&in);
	CLEANUP_FREE char *retry_after = input_line(&in);
	CLEANUP_FREE char *body = strndup((const char *)in.data, in.size);
	const struct verdict_answer answer = {.transport = head >> 16 & 1,
	                                      .status = (long)(head & 0xffff) % 1000,
	                                      .retry_after = *retry_after ? retry_after : NULL,
	                                      .date = head >> 17 & 1 ? body : NULL,
	                                      .now_s = (int64_t)(head >> 32),
	                                      .body = body};
	struct verdict verdict = verdict_of(&answer);

	expect(verdict.action < VERDICT_ACTION_MAX && verdict.reason < VERDICT_REASON_MAX);
	expect(verdict.retry_after_ms <= RETRYAFTER_MAX_MS);
	expect(!verdict.retry_after_ms || (verdict.action == VERDICT_RETRY && *retry_after));
	/* InfluxDB Enterprise says with a 500 that it is stored. */
	expect((verdict.action == VERDICT_SENT) == (answer.status >= 200 && answer.status < 300) ||
	       (verdict.action == VERDICT_SENT && answer.status / 100 == 5));
	expect(!verdict.lost_lines || verdict.reason == REASON_PARTIAL);
	expect((verdict.action == VERDICT_SENT) == (verdict.reason == REASON_OK));
	if (verdict.action != VERDICT_SENT)
		tell(&outputs[head >> 24 & 3], &verdict, answer.status, body);
	return 0;
}
