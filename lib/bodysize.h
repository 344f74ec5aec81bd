/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bodysize.h: how large a receiver lets bodies be: learnt from its 413s, and forgotten slowly. Pure.
 *
 * What is too large is halved until it passes, and no later body is made larger than that. Once in
 * BODYSIZE_AGAIN_NS twice the size is tried, because limits are raised and receivers replaced: a request in vain an hour.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Not smaller than this, whatever a receiver says: some ten lines. */
#define BODYSIZE_MIN 4096
#define BODYSIZE_AGAIN_NS 3600000000000ull

/** Bytes before encoding. */
struct bodysize {
	size_t max;         /* as configured */
	size_t now;         /* as learnt; = max at first */
	size_t told;        /* the smallest that a person was told; 0: none */
	uint64_t learnt_ns; /* when now was last changed */
};

/** @return how large the next body may be */
size_t bodysize_next(struct bodysize *size, uint64_t now_ns);

/**
 * A body was too large.
 * @param len  its bytes
 * @return whether it is worth telling: bodies are smaller than they ever were
 */
bool bodysize_refused(struct bodysize *size, size_t len, uint64_t now_ns);
