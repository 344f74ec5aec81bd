/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bisection.h: how far a rejected batch is halved to find the lines that are at fault. Pure.
 *
 * A receiver that takes all of a batch or nothing is asked about halves, halves of the half that it rejects, and so
 * on: one bad line among n costs 2 * log2(n) requests, and itself. Who rejects whatever comes is not asked
 * for ever: when one line is found bad, then its neighbour, and then what stands beside both, the rest of the batch is
 * given up, and so are those that follow, until BISECTION_AGAIN_NS has passed or anything was taken.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/** Rejections of one batch and its parts, after which what is rejected is given up: about six bad lines of 5000. */
#define BISECTION_MAX 64
/** After one that found nothing good: so often is looked whether that has changed. */
#define BISECTION_AGAIN_NS 600000000000ull

/** Zero-initialised: nothing was rejected yet. */
struct bisection {
	unsigned int rejections; /* of the present batch and its parts */
	unsigned int
		patience; /* rejections without anything taken after which the rest is given up */
	bool taken;       /* something, since the present batch was first rejected */
	uint64_t vain_until_ns; /* 0: the last one was not in vain */
};

/**
 * A batch was rejected.
 * @param part    it is a half of another one
 * @param points  lines in it
 * @return whether it is worth to halve it; false: give it up
 */
bool bisection_rejected(struct bisection *b, bool part, uint32_t points, uint64_t now_ns);

/** A batch, or a part of one, was taken. */
void bisection_taken(struct bisection *b);
