/* SPDX-License-Identifier: Apache-2.0 */
#include "bpflog.h"

#include "ground.h"
#include "log.h"
#include "verifierlog.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct bpflog said;

static void keep(char to[BPFLOG_MAX], const char *text, size_t len)
{
	len = MIN(len, BPFLOG_MAX - 1u);
	memcpy(to, text, len);
	to[len] = '\0';
}

/* "libbpf: prog 'NAME': ..." */
static void keep_program(const char *text)
{
	const char *name = strstr(text, "prog '"), *end;

	if (said.program[0] || !name)
		return;
	name += strlen("prog '");
	end = strchr(name, '\'');
	if (end)
		keep(said.program, name, (size_t)(end - name));
}

static void keep_complaint(const char *text)
{
	static const char prefix[] = "libbpf: ";

	if (!strncmp(text, prefix, strlen(prefix)))
		text += strlen(prefix);
	keep(said.complaint, text, strcspn(text, "\n"));
}

/* Line by line: a log line is of bounded length, and a newline in one would look forged. */
static void log_all(char *text)
{
	char *line;

	while (log_wants(LOG_LEVEL_DEBUG) && (line = strsep(&text, "\n")))
		if (*line)
			log_debug("%s", line);
}

static int catch_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	CLEANUP_FREE char *text = NULL;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		return 0;
	}
	if (level == LIBBPF_WARN) {
		keep_program(text);
		if (!said.complaint[0])
			keep_complaint(text);
	}
	log_all(text);
	return 0;
}

void bpflog_read(char *log)
{
	size_t len;
	const char *verdict = verifierlog_verdict(log, &len);

	if (verdict)
		keep(said.verdict, verdict, len);
	log_all(log);
}

void bpflog_catch(void)
{
	libbpf_set_print(catch_message);
}

const struct bpflog *bpflog_said(void)
{
	return &said;
}

void bpflog_forget(void)
{
	said = (struct bpflog){0};
}
