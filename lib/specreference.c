/* SPDX-License-Identifier: Apache-2.0 */
#include "specreference.h"

#include "words.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

const char *const specreference_parts[SPEC_REFERENCE_PARTS] = {
	[DISK_READS] = "reads",
	[DISK_WRITES] = "writes",
	[DISK_DISCARDS] = "discards",
	[DISK_FLUSHES] = "flushes",
	[SPEC_REFERENCE_UNSURE] = "unsure",
};

static int set_source(struct spec_reference *r, const char *value, uint32_t line, struct text *why)
{
	static const char *const sources[] = {"diskstats"};
	CLEANUP(words_free) struct words w = {0};
	CLEANUP_FREE char *device = NULL, *op = NULL, *field = NULL;
	int err = words_split(value, &w, why);
	int source = err ?: words_choose(&w, "a reference", sources, ARRAY_SIZE(sources), why);

	if (source < 0)
		return source;
	err = words_take_identifier(&w, "the tag that is the disk", &device, why);
	err = err ?: words_take_identifier(&w, "the tag that is the operation", &op, why);
	err = err ?: words_take_identifier(&w, "the field that is compared", &field, why);
	err = err ?: words_expect_end(&w, why);
	if (err)
		return err;
	r->device = TAKE_PTR(device);
	r->op = TAKE_PTR(op);
	r->field = TAKE_PTR(field);
	r->line = line;
	return 0;
}

static int set_ops(struct spec_reference *r, const char *name, const char *value, uint32_t line,
                   struct text *why)
{
	CLEANUP(words_free) struct words w = {0};
	CLEANUP(text_free) struct text list = {0};
	int part = words_find_key(name, specreference_parts, SPEC_REFERENCE_PARTS, why);
	int err = part < 0 ? part : words_split(value, &w, why);

	while (!err && (!list.len || *words_peek(&w))) {
		CLEANUP_FREE char *word = NULL;

		err = words_take_identifier(&w, "a value of that tag", &word, why);
		if (!err)
			text_printf(&list, "%s%s", list.len ? " " : "", word);
	}
	if (err || list.err)
		return err ?: list.err;
	r->ops[part] = strdup(text_cstr(&list));
	r->line = r->line ?: line;
	return r->ops[part] ? 0 : -ENOMEM;
}

int specreference_set(struct spec_reference *reference, const char *name, const char *value,
                      uint32_t line, struct text *why)
{
	assert(reference && name && value && why);

	return *name ? set_ops(reference, name, value, line, why)
	             : set_source(reference, value, line, why);
}

size_t specreference_part(const struct spec_reference *reference, const char *op)
{
	assert(reference && op);

	size_t len = strlen(op), part = 0;

	while (part < SPEC_REFERENCE_PARTS && !words_has(reference->ops[part], op, len))
		part++;
	return part;
}

void specreference_free(struct spec_reference *reference)
{
	free(reference->device);
	free(reference->op);
	free(reference->field);
	for (size_t part = 0; part < SPEC_REFERENCE_PARTS; part++)
		free(reference->ops[part]);
	*reference = (struct spec_reference){0};
}
