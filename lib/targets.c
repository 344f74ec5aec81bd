/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "target.h"

#include <assert.h>
#include <errno.h>

int targets_make(const struct config_output *config, struct targets *ret)
{
	assert(config && config->urls.n && ret);

	*ret = (struct targets){.items = calloc(config->urls.n, sizeof(ret->items[0]))};
	if (!ret->items)
		return -ENOMEM;
	ret->n = config->urls.n;
	for (size_t i = 0; i < ret->n; i++) {
		struct target *t = &ret->items[i];

		target_write_url(&t->url, config->urls.items[i], config);
		target_socket(&t->socket, config->urls.items[i]);
		target_label(&t->label, config->urls.items[i]);
		if (t->url.err || t->socket.err || t->label.err)
			return -ENOMEM;
	}
	return 0;
}

void targets_free(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		text_free(&t->items[i].url);
		text_free(&t->items[i].socket);
		text_free(&t->items[i].label);
	}
	free(t->items);
	*t = (struct targets){0};
}

const struct target *targets_current(const struct targets *t)
{
	assert(t && t->n);

	return &t->items[t->current];
}

void targets_look_back(struct targets *t, uint64_t now_ns)
{
	assert(t && t->n && now_ns);

	if (!t->current || t->asking || now_ns - t->away_ns < TARGETS_BACK_NS)
		return;
	t->used = t->current;
	t->current = 0;
	t->asking = true;
}

void targets_passed(struct targets *t)
{
	assert(t);

	t->failed = 0;
	t->asking = false;
	if (!t->current)
		t->away_ns = 0;
}

bool targets_failed(struct targets *t, uint64_t now_ns)
{
	assert(t && t->n && now_ns);

	if (t->n < 2)
		return false;
	if (!t->current)
		t->away_ns = now_ns;
	if (t->asking) {
		t->asking = false;
		t->current = t->used;
		return true;
	}
	t->current = (t->current + 1) % t->n;
	t->failed = (t->failed + 1) % t->n;
	return t->failed;
}
