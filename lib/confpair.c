/* SPDX-License-Identifier: Apache-2.0 */
#include "confpair.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void free_pair(struct config_pair *pair)
{
	free(pair->key);
	if (pair->value)
		explicit_bzero(pair->value, strlen(pair->value));
	free(pair->value);
	free(pair->place);
	*pair = (struct config_pair){0};
}

void confpair_free(struct config_pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_pair(&pairs[i]);
	free(pairs);
}

bool confpair_are_equal(const struct config_pair *a, size_t n_a, const struct config_pair *b,
                        size_t n_b)
{
	bool equal = n_a == n_b;

	for (size_t i = 0; equal && i < n_a; i++)
		equal = !strcmp(a[i].key, b[i].key) && !strcmp(a[i].value, b[i].value);
	return equal;
}

int confpair_set(struct config_pair **pairs, size_t *n,
                 int (*compare)(const char *a, const char *b), size_t max, const char *key,
                 const char *value, const char *place)
{
	assert(pairs && n && compare && key && value && place);

	CLEANUP(free_pair) struct config_pair fresh = {strdup(key), strdup(value), strdup(place)};
	size_t at = 0;

	if (!fresh.key || !fresh.value || !fresh.place)
		return -ENOMEM;
	while (at < *n && compare((*pairs)[at].key, key) < 0)
		at++;
	if (at < *n && !compare((*pairs)[at].key, key)) {
		struct config_pair old = (*pairs)[at];
		(*pairs)[at] = fresh;
		fresh = old;
		return 0;
	}
	if (*n >= max)
		return -ENOSPC;
	struct config_pair *grown = reallocarray(*pairs, *n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memmove(&grown[at + 1], &grown[at], (*n - at) * sizeof(*grown));
	grown[at] = fresh;
	fresh = (struct config_pair){0};
	*pairs = grown;
	(*n)++;
	return 0;
}
