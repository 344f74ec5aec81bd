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

enum run { RUN_ATTACHED, RUN_BEFORE_READ, RUN_MAX };

static const char *const run_names[] = {
	[RUN_ATTACHED] = "attached",
	[RUN_BEFORE_READ] = "before-read",
};
static_assert(ARRAY_SIZE(run_names) == RUN_MAX, "a name per way");

static int set_run(struct spec_program *program, const char *value, struct text *why)
{
	CLEANUP(words_free) struct words w = {0};
	int err = words_split(value, &w, why);
	int run = err ?: words_choose(&w, "a way to run", run_names, RUN_MAX, why);

	if (run < 0)
		return run;
	err = words_expect_end(&w, why);
	if (!err)
		program->before_read = run == RUN_BEFORE_READ;
	return err;
}

enum key { KEY_WHEN, KEY_GROUP, KEY_RUN, KEY_MAX };

int specprogram_set(struct spec_program *program, const char *key, const char *value, uint32_t line,
                    struct text *why)
{
	assert(program && key && value && why);

	static const char *const keys[] = {"when", "group", "run"};
	static_assert(ARRAY_SIZE(keys) == KEY_MAX, "a name per key");

	switch (words_find_key(key, keys, ARRAY_SIZE(keys), why)) {
	case KEY_WHEN:
		return set_when(program, value, line, why);
	case KEY_GROUP:
		return set_group(program, value, why);
	case KEY_RUN:
		return set_run(program, value, why);
	default:
		return -EINVAL;
	}
}

void specprogram_free(struct spec_program *program)
{
	for (size_t i = 0; i < program->n_when; i++)
		specpredicate_free(&program->when[i]);
	free(program->name);
	free(program->one_of);
	*program = (struct spec_program){0};
}
