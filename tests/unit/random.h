/* SPDX-License-Identifier: Apache-2.0 */
/** random.h: the same random numbers in every run, so that a failure can be repeated. */
#pragma once
#include <stdint.h>

/** splitmix64 (Steele, Lea, Flood 2014). @param state any value */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/** Uniform enough in [0, n). */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	return random_next(state) % n;
}

/** True once in @p n. */
static inline int random_once_in(uint64_t *state, uint64_t n)
{
	return random_below(state, n) == 0;
}
