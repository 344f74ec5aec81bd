/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#include "log.h"
#include "parse.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char message[KERNEL_MESSAGE_MAX];

int kernel_btf_load(struct btf **ret_btf)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return errno == ESRCH ? -ENOENT : -errno;
	*ret_btf = btf;
	return 0;
}

void kernel_btf_freep(struct btf **btf)
{
	btf__free(*btf);
	*btf = NULL;
}

/* The mask is ranges in rising order, "0-3" or "0,2-5": its last number is the highest. */
uint32_t kernel_possible_cpus(void)
{
	char line[1024];
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	const char *digits;
	uint64_t highest = 0;

	if (!f)
		return KERNEL_CPUS_UNKNOWN;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	digits = line + strlen(line);
	while (digits > line && digits[-1] != '-' && digits[-1] != ',')
		digits--;
	if (parse_u64(digits, &highest) || highest > UINT16_MAX)
		return KERNEL_CPUS_UNKNOWN;
	return (uint32_t)highest + 1;
}

static void keep(const char *text, size_t len)
{
	len = MIN(len, sizeof(message) - 1);
	memcpy(message, text, len);
	message[len] = '\0';
}

/* In a verifier log the last line before "processed N insns" says why: "R4 unbounded memory access". */
static bool keep_verifiers_sentence(const char *log)
{
	const char *end = strstr(log, "\nprocessed "), *begin = end;

	if (!end || !strstr(log, "BEGIN PROG LOAD LOG"))
		return false;
	while (begin > log && begin[-1] != '\n')
		begin--;
	keep(begin, (size_t)(end - begin));
	return true;
}

/* A verifier log comes as one message of up to megabytes; it is rare, so it is formatted whole and let go. */
static int catch_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	CLEANUP_FREE char *text = NULL;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		return 0;
	}
	if (level == LIBBPF_WARN && !keep_verifiers_sentence(text) && !message[0])
		keep(text, strcspn(text, "\n"));
	log_debug("%s", text);
	return 0;
}

void kernel_catch_messages(void)
{
	libbpf_set_print(catch_message);
}

const char *kernel_message(void)
{
	return message;
}

void kernel_forget_message(void)
{
	message[0] = '\0';
}
