/* SPDX-License-Identifier: Apache-2.0 */
#include "specprogram.h"

#include "words.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum group { GROUP_REQUIRED, GROUP_OPTIONAL, GROUP_ONE_OF, GROUP_MAX };

static const char *const group_names[] = {
	[GROUP_REQUIRED] = "required",
	[GROUP_OPTIONAL] = "optional",
	[GROUP_ONE_OF] = "one-of",
};
static_assert(ARRAY_SIZE(group_names) == GROUP_MAX, "a name per group");

static int set_when(struct spec_program *program, const char *value, uint32_t line,
                    struct text *why)
{
	int err = specpredicate_read(value, program->when, &program->n_when, why);

	if (!err)
		program->when_line = line;
	return err;
}

static int set_group(struct spec_program *program, const char *value, struct text *why)
{
	CLEANUP(words_free) struct words w = {0};
	CLEANUP_FREE char *one_of = NULL;
	int err = words_split(value, &w, why);
	int group = err ?: words_choose(&w, "a group", group_names, GROUP_MAX, why);

	if (group < 0)
		return group;
	if (group == GROUP_ONE_OF)
		err = words_take_identifier(&w, "the group's name", &one_of, why);
	err = err ?: words_expect_end(&w, why);
	if (err)
		return err;
	program->optional = group == GROUP_OPTIONAL;
	program->one_of = TAKE_PTR(one_of);
	return 0;
}

int specprogram_set(struct spec_program *program, const char *key, const char *value, uint32_t line,
                    struct text *why)
{
	assert(program && key && value && why);

	static const char *const keys[] = {"when", "group"};
	int i = words_find_key(key, keys, ARRAY_SIZE(keys), why);

	if (i < 0)
		return i;
	return i ? set_group(program, value, why) : set_when(program, value, line, why);
}

void specprogram_free(struct spec_program *program)
{
	for (size_t i = 0; i < program->n_when; i++)
		specpredicate_free(&program->when[i]);
	free(program->name);
	free(program->one_of);
	*program = (struct spec_program){0};
}
