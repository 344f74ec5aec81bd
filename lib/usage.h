/* SPDX-License-Identifier: Apache-2.0 */
/**
 * usage.h: what this process uses of the machine. An edge.
 */
#pragma once
#include <stdint.h>

struct usage {
	int statm_fd;    /* -1: not to be had */
	uint64_t cpu_us; /* ever, at the last usage_read() */
};

void usage_open(struct usage *ret);
void usage_close(struct usage *usage);

/**
 * @param ret_cpu_us     user and system, since the last call or the start
 * @param ret_rss_bytes  resident memory; 0: not to be had
 */
void usage_read(struct usage *usage, uint64_t *ret_cpu_us, uint64_t *ret_rss_bytes);
