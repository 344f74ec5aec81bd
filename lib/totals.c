/* SPDX-License-Identifier: Apache-2.0 */
#include "totals.h"

#include <assert.h>
#include <errno.h>

static int reserve(struct totals *t, size_t n)
{
	if (n <= t->cap)
		return 0;

	/* With room to spare, so that one more series is not one more allocation. */
	bool *grown = reallocarray(t->is_new, 2 * n, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	t->is_new = grown;
	t->cap = 2 * n;
	return 0;
}

static int add_set(struct totals *t, struct tagsets *next, const struct tagsets *window, size_t i)
{
	const char *tags = tagsets_tags(window, i);
	const uint64_t *increments = tagsets_cells(window, i), *known;
	size_t len = window->sets[i].len, at;
	int err = tagsets_take(next, tags, len, &at);

	if (err)
		return err;
	assert(at == i);
	known = tagsets_find(&t->now, tags, len);
	t->is_new[i] = !known;
	for (uint32_t c = 0; c < window->n_cells; c++)
		tagsets_cells(next, i)[c] = increments[c] + (known ? known[c] : 0);
	return 0;
}

int totals_advance(struct totals *totals, const struct tagsets *window)
{
	assert(totals && window && totals->now.n_cells == window->n_cells);

	struct tagsets next = totals->before;
	int err = reserve(totals, window->n);

	tagsets_clear(&next);
	for (size_t i = 0; i < window->n && !err; i++)
		err = add_set(totals, &next, window, i);
	/* What grew stays with the half that is not in use. */
	totals->before = next;
	if (err)
		return err;
	totals->before = totals->now;
	totals->now = next;
	return 0;
}

size_t totals_memory(const struct totals *totals)
{
	return tagsets_memory(&totals->now) + tagsets_memory(&totals->before) + totals->cap;
}

void totals_free(struct totals *totals)
{
	tagsets_free(&totals->now);
	tagsets_free(&totals->before);
	free(totals->is_new);
	*totals = (struct totals){.now.n_cells = totals->now.n_cells,
	                          .before.n_cells = totals->before.n_cells};
}
