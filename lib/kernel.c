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

static char last_message[KERNEL_MESSAGE_MAX];

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
		return 1;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	digits = line + strlen(line);
	while (digits > line && digits[-1] != '-' && digits[-1] != ',')
		digits--;
	return parse_u64(digits, &highest) || highest > UINT16_MAX ? 1 : (uint32_t)highest + 1;
}

/*
 * A verifier log comes as one message of up to megabytes: nothing of it may be copied into a fixed
 * buffer without a bound (style study, section 7).
 */
static int catch_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char message[KERNEL_MESSAGE_MAX];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(message, sizeof(message), fmt, args);
	message[strcspn(message, "\n")] = '\0';
	if (level == LIBBPF_WARN && message[0])
		memcpy(last_message, message, sizeof(message));
	log_debug("%s", message);
	return 0;
}

void kernel_catch_messages(void)
{
	libbpf_set_print(catch_message);
}

const char *kernel_last_message(void)
{
	return last_message;
}

void kernel_forget_message(void)
{
	last_message[0] = '\0';
}
