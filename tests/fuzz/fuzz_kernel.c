/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what the kernel and libbpf say: lists of functions and modules, a verifier's log, complaints. What was
 * found lies within what was said; a name that was added is there; every refusal has a reason and a remedy.
 *
 * Input: a byte for the form and the way, two bytes for errno, then lines: the section, libbpf's complaint, and a log or list.
 */
#include "facts.h"
#include "refusal.h"
#include "symbols.h"
#include "verifierlog.h"

#include "input.h"

#define FORMS 3

static void read_list(enum symbols_form form, const char *text)
{
	CLEANUP(symbols_free) struct symbols symbols = {0};
	static const char *const known[FORMS] = {"known_function [mod]",
	                                         "0000000000000000 t known_function\t[mod]",
	                                         "kernel/known-function.ko"};

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		symbols_add(&symbols, form, line, len);
		line += len + (line[len] == '\n');
	}
	symbols_add(&symbols, form, known[form], strlen(known[form]));
	expect(symbols_has(&symbols, "known_function"));
	expect(!symbols_has(&symbols, ""));
	(void)symbols_has(&symbols, text);
}

static void read_log(const char *log)
{
	size_t len = 77;
	const char *verdict = verifierlog_verdict(log, &len);

	expect(verdict || len == 77);
	if (verdict) {
		expect(verdict >= log && verdict + len < log + strlen(log));
		expect(!memchr(verdict, '\n', len) && len);
	}
}

static void explain(const struct input *in, unsigned int way, int err, char *text)
{
	CLEANUP(text_free) struct text reason = {0}, remedy = {0};
	char *section = strsep(&text, "\n"), *complaint = strsep(&text, "\n");
	const struct facts facts = {.capabilities_known = way & 1,
	                            .capabilities = in->size,
	                            .memlock_matters = way & 2,
	                            .memlock_bytes = in->size,
	                            .lockdown = (enum facts_lockdown)(way >> 2 & 3),
	                            .has_kprobes = way & 16,
	                            .perf_paranoid = (int)(way >> 6)};
	const struct refusal refusal = {.attaching = way & 32,
	                                .err = -err,
	                                .section = section,
	                                .complaint = complaint ?: "",
	                                .verdict = text ?: "",
	                                .facts = &facts};

	refusal_explain(&refusal, &reason, &remedy);
	expect(reason.len && remedy.len);
	(void)refusal_is_own(&refusal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(text_free) struct text text = {0};
	struct input in = {data, size};
	unsigned int way = input_byte(&in);
	int err = 1 + (input_byte(&in) | input_byte(&in) << 8) % REFUSAL_ENOTSUPP;

	text_append(&text, in.data, in.size);
	text_str(&text, "");
	if (!text.data)
		return 0;
	read_list((enum symbols_form)(way % FORMS), text.data);
	read_log(text.data);
	(void)facts_parse_lockdown(text.data);
	explain(&in, way, err, text.data);
	return 0;
}
