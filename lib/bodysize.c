/* SPDX-License-Identifier: Apache-2.0 */
#include "bodysize.h"

#include "ground.h"

#include <assert.h>

size_t bodysize_next(struct bodysize *size, uint64_t now_ns)
{
	assert(size && size->now && size->now <= size->max);

	if (size->now < size->max && now_ns - size->learnt_ns >= BODYSIZE_AGAIN_NS) {
		size->now = MIN(size->max, size->now * 2);
		size->learnt_ns = now_ns;
	}
	return size->now;
}

bool bodysize_refused(struct bodysize *size, size_t len, uint64_t now_ns)
{
	assert(size);

	size_t half = MAX(len / 2, BODYSIZE_MIN);

	if (half >= size->now)
		return false;
	size->now = half;
	size->learnt_ns = now_ns;
	if (size->told && half >= size->told)
		return false;
	size->told = half;
	return true;
}
