/* SPDX-License-Identifier: Apache-2.0 */
#include "fingerprint.h"

#include "rows.h"

#include <assert.h>
#include <string.h>

/* A step that depends on the order. */
static uint64_t join(uint64_t hash, uint64_t more)
{
	const uint64_t both[] = {hash, more};

	return rows_hash(both, sizeof(both));
}

uint64_t fingerprint_file(const void *bytes, size_t len)
{
	assert(bytes || !len);

	return join(rows_hash(bytes, len), len);
}

uint64_t fingerprint_pairs(const struct config_pair *pairs, size_t n)
{
	uint64_t hash = n;

	for (size_t i = 0; i < n; i++) {
		hash = join(hash, fingerprint_file(pairs[i].key, strlen(pairs[i].key)));
		hash = join(hash, fingerprint_file(pairs[i].value, strlen(pairs[i].value)));
	}
	return hash;
}

bool fingerprint_is_equal(const struct fingerprint *a, const struct fingerprint *b)
{
	return !fingerprint_difference(a, b);
}

const char *fingerprint_difference(const struct fingerprint *a, const struct fingerprint *b)
{
	assert(a && b);

	return a->description != b->description ? "its description"
	       : a->object != b->object         ? "its object"
	       : a->constants != b->constants   ? "its constants"
	                                        : NULL;
}
