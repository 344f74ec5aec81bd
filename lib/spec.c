/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

#include "inifile.h"
#include "parse.h"
#include "specrules.h"
#include "words.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OBJECT_SUFFIX ".bpf.o"
#define OBJECT_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

enum section { SECTION_PROBE, SECTION_CONST, SECTION_PROGRAM, SECTION_MAP, SECTION_MAX };

/* A description being read. */
struct reader {
	struct spec *spec;
	struct report *report;
	enum section section; /* SECTION_MAX: one that was refused, its keys are skipped */
	bool seen[SECTION_MAX];
	bool has_version;
	bool probe_refused; /* a key of [probe] was refused: what it lacks is not told */
	bool const_refused; /* the same for constants, and who asks for one */
	bool map_refused[SPEC_MAX_MAPS]; /* the same for maps */
	struct text why;
};

typedef int (*set_fn)(struct reader *r, const struct inifile_entry *e);

#define COMPLAIN(r, at_line, ...) \
	report_at((r)->report, REPORT_ERROR, (r)->spec->file, at_line, __VA_ARGS__)

/* ---- [probe] */

static int set_version(struct reader *r, const struct inifile_entry *e)
{
	uint64_t version;

	if (parse_u64(e->value, &version) || version != SPEC_VERSION) {
		text_printf(&r->why, "\"%s\" is not known here; this agent reads version %d",
		            e->value, SPEC_VERSION);
		return -EINVAL;
	}
	r->has_version = true;
	return 0;
}

/* The object lies beside its description: a path could lead to files that others can write. */
static int set_object(struct reader *r, const struct inifile_entry *e)
{
	size_t len = strlen(e->value), suffix = strlen(OBJECT_SUFFIX);

	if (len <= suffix || strcmp(e->value + len - suffix, OBJECT_SUFFIX) != 0 ||
	    e->value[strspn(e->value, OBJECT_CHARS)] || e->value[0] == '.') {
		text_printf(&r->why,
		            "\"%s\" is no name of an object: FILE%s, beside the description",
		            e->value, OBJECT_SUFFIX);
		return -EINVAL;
	}
	r->spec->object = strdup(e->value);
	return r->spec->object ? 0 : -ENOMEM;
}

/* @param place  holds the default */
static int set_text(char **place, const char *value)
{
	free(*place);
	*place = strdup(value);
	return *place ? 0 : -ENOMEM;
}

static int set_about(struct reader *r, const struct inifile_entry *e)
{
	return set_text(&r->spec->about, e->value);
}

static int set_cost(struct reader *r, const struct inifile_entry *e)
{
	return set_text(&r->spec->cost, e->value);
}

static int set_enabled(struct reader *r, const struct inifile_entry *e)
{
	if (!parse_bool(e->value, &r->spec->enabled))
		return 0;
	return words_fail_expected(&r->why, "yes or no", e->value);
}

static int set_in_probe(struct reader *r, const struct inifile_entry *e)
{
	static const char *const keys[] = {"version", "object", "about", "cost", "enabled"};
	static const set_fn set[] = {set_version, set_object, set_about, set_cost, set_enabled};
	int i = words_find_key(e->key, keys, ARRAY_SIZE(keys), &r->why);

	static_assert(ARRAY_SIZE(keys) == ARRAY_SIZE(set), "a row per key");
	return i < 0 ? i : set[i](r, e);
}

/* ---- [const], [program NAME], [map NAME] */

static int fail_full(struct reader *r, const char *what, int max)
{
	text_printf(&r->why, "more than %d %s in one probe", max, what);
	return -EINVAL;
}

static int set_const(struct reader *r, const struct inifile_entry *e)
{
	struct spec *spec = r->spec;
	CLEANUP(specconst_free) struct spec_const c = {0};

	if (!words_is_identifier(e->key))
		return words_fail_expected(&r->why, "a variable's name", e->key);
	if (spec->n_consts == SPEC_MAX_CONSTS)
		return fail_full(r, "constants", SPEC_MAX_CONSTS);
	c.name = strdup(e->key);
	if (!c.name || asprintf(&c.place, "%s:%u", spec->file, e->line) < 0) {
		c.place = NULL;
		return -ENOMEM;
	}
	int err = specconst_read(e->value, &c, &r->why);

	if (err)
		return err;
	spec->consts[spec->n_consts++] = c;
	c = (struct spec_const){0};
	return 0;
}

static int set_in_program(struct reader *r, const struct inifile_entry *e)
{
	struct spec_program *program = &r->spec->programs[r->spec->n_programs - 1];

	return specprogram_set(program, e->key, e->value, e->line, &r->why);
}

static int set_in_map(struct reader *r, const struct inifile_entry *e)
{
	struct spec_map *map = &r->spec->maps[r->spec->n_maps - 1];

	return specmap_set(map, e->key, e->value, e->line, &r->why);
}

/* ---- Sections */

static int fail_second(struct reader *r)
{
	text_str(&r->why, "a second section of that name");
	return -EINVAL;
}

static int open_program(struct reader *r, const char *name, uint32_t line)
{
	struct spec *spec = r->spec;

	for (size_t i = 0; i < spec->n_programs; i++) {
		if (!strcmp(spec->programs[i].name, name))
			return fail_second(r);
	}
	if (spec->n_programs == SPEC_MAX_PROGRAMS)
		return fail_full(r, "programs", SPEC_MAX_PROGRAMS);
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	spec->programs[spec->n_programs++] = (struct spec_program){.name = copy, .line = line};
	return 0;
}

static int open_map(struct reader *r, const char *name, uint32_t line)
{
	struct spec *spec = r->spec;

	for (size_t i = 0; i < spec->n_maps; i++) {
		if (!strcmp(spec->maps[i].name, name))
			return fail_second(r);
	}
	if (spec->n_maps == SPEC_MAX_MAPS)
		return fail_full(r, "maps", SPEC_MAX_MAPS);
	struct spec_map *grown = reallocarray(spec->maps, spec->n_maps + 1, sizeof(*grown));
	char *copy = strdup(name);

	spec->maps = grown ?: spec->maps;
	if (!grown || !copy) {
		free(copy);
		return -ENOMEM;
	}
	spec->maps[spec->n_maps++] = (struct spec_map){.name = copy, .line = line};
	return 0;
}

static const struct {
	const char *word;
	set_fn set;
	/* Starts a section with a name of its own; NULL: it has none and is there once. */
	int (*open)(struct reader *r, const char *name, uint32_t line);
} sections[] = {
	[SECTION_PROBE] = {"probe", set_in_probe, NULL},
	[SECTION_CONST] = {"const", set_const, NULL},
	[SECTION_PROGRAM] = {"program", set_in_program, open_program},
	[SECTION_MAP] = {"map", set_in_map, open_map},
};
static_assert(ARRAY_SIZE(sections) == SECTION_MAX, "a row per section");

static int open_section(struct reader *r, const struct inifile_entry *e)
{
	const char *names[SECTION_MAX];
	CLEANUP(words_free) struct words w = {0};
	CLEANUP_FREE char *name = NULL;
	int err = words_split(e->section, &w, &r->why);

	for (size_t i = 0; i < SECTION_MAX; i++)
		names[i] = sections[i].word;
	int i = err ?: words_choose(&w, "a section", names, SECTION_MAX, &r->why);

	if (i < 0)
		return i;
	if (sections[i].open)
		err = words_take_identifier(&w, "the section's own name", &name, &r->why);
	err = err ?: words_expect_end(&w, &r->why);
	if (!err)
		err = name ? sections[i].open(r, name, e->line) : r->seen[i] ? fail_second(r) : 0;
	if (err)
		return err;
	r->seen[i] = true;
	r->section = (enum section)i;
	return 0;
}

static int read_entry(void *ctx, const struct inifile_entry *e)
{
	struct reader *r = ctx;
	int err;

	text_clear(&r->why);
	if (!e->key) {
		r->section = SECTION_MAX;
		err = open_section(r, e);
		if (err == -EINVAL)
			COMPLAIN(r, e->line, "[%s]: %s", e->section, text_cstr(&r->why));
		return err == -EINVAL ? 0 : err;
	}
	if (r->section == SECTION_MAX)
		return 0;
	if (*e->value)
		err = sections[r->section].set(r, e);
	else
		err = words_fail_expected(&r->why, "a value", e->value);
	if (err != -EINVAL)
		return err;
	COMPLAIN(r, e->line, "[%s] %s: %s", e->section, e->key, text_cstr(&r->why));
	if (r->section == SECTION_MAP)
		r->map_refused[r->spec->n_maps - 1] = true;
	r->probe_refused |= r->section == SECTION_PROBE;
	r->const_refused |= r->section == SECTION_CONST;
	return 0;
}

/* ---- Rules between sections */

static void check_consts(const struct reader *r)
{
	const struct spec *spec = r->spec;

	for (size_t i = 0; i < spec->n_maps; i++)
		specrules_check_map_consts(&spec->maps[i], spec->consts, spec->n_consts, spec->file,
		                           r->report);
	for (size_t i = 0; i < spec->n_programs; i++)
		specrules_check_program_consts(&spec->programs[i], spec->consts, spec->n_consts,
		                               spec->file, r->report);
}

static void check_maps(const struct reader *r)
{
	const struct spec *spec = r->spec;
	bool measures = false;

	for (size_t i = 0; i < spec->n_maps; i++) {
		const struct spec_map *map = &spec->maps[i];

		measures |= strcmp(map->name, SPEC_DROPS_MAP) != 0 && !specmap_is_private(map);
		if (r->map_refused[i])
			continue;
		specrules_check(map, spec->file, r->report);
		for (size_t j = 0; j < i; j++) {
			if (!r->map_refused[j])
				specrules_check_pair(map, &spec->maps[j], spec->file, r->report);
		}
	}
	if (!measures)
		COMPLAIN(r, 0, "describes no map to measure; it needs a section [map NAME]");
}

static void check_probe(const struct reader *r)
{
	if (!parse_is_name(r->spec->name))
		COMPLAIN(r, 0, "a probe cannot be called \"%s\": " PARSE_NAME_RULE, r->spec->name);
	if (!r->seen[SECTION_PROBE])
		COMPLAIN(r, 0, "has no section [probe]");
	else if (!r->probe_refused && !r->has_version)
		COMPLAIN(r, 0, "[probe] has no version; write: version = %d", SPEC_VERSION);
	else if (!r->probe_refused && !r->spec->object)
		COMPLAIN(r, 0, "[probe] has no object; write: object = %s" OBJECT_SUFFIX,
		         r->spec->name);
}

static int new_spec(const char *name, const char *file, struct spec **ret)
{
	CLEANUP(spec_freep) struct spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return -ENOMEM;
	spec->enabled = true;
	spec->name = strdup(name);
	spec->file = strdup(file);
	spec->about = strdup("");
	spec->cost = strdup("");
	if (!spec->name || !spec->file || !spec->about || !spec->cost)
		return -ENOMEM;
	*ret = TAKE_PTR(spec);
	return 0;
}

int spec_parse(const char *name, const char *file, const char *data, size_t len,
               struct spec **ret_spec, struct report *report)
{
	assert(name && file && (data || !len) && ret_spec && report);

	CLEANUP(spec_freep) struct spec *spec = NULL;
	size_t errors = report->n_errors;
	int err = new_spec(name, file, &spec);

	if (err)
		return err;
	struct reader r = {.spec = spec, .report = report, .section = SECTION_MAX};

	err = inifile_parse(file, data, len, read_entry, &r, report);
	text_free(&r.why);
	if (err == -ENOMEM)
		return err;
	check_probe(&r);
	check_maps(&r);
	if (!r.const_refused)
		check_consts(&r);
	if (err || report->n_errors != errors)
		return -EINVAL;
	*ret_spec = TAKE_PTR(spec);
	return 0;
}

int spec_set_const(struct spec *spec, const char *key, const char *value, const char *place,
                   struct report *report)
{
	assert(spec && key && value && place && report);

	CLEANUP(text_free) struct text why = {0};
	const char *names[SPEC_MAX_CONSTS];
	struct spec_const *c = NULL;
	CLEANUP_FREE char *copy = strdup(place);
	int err = copy ? 0 : -ENOMEM;

	for (size_t i = 0; i < spec->n_consts; i++) {
		names[i] = spec->consts[i].name;
		if (!strcmp(names[i], key))
			c = &spec->consts[i];
	}
	if (!c) {
		text_str(&why, "the probe has no such constant");
		words_suggest(&why, key, names, spec->n_consts);
		err = -EINVAL;
	}
	err = err ?: specconst_read(value, c, &why);
	if (err == -EINVAL)
		report_add(report, REPORT_ERROR, place, "[probe.%s] const.%s: %s", spec->name, key,
		           text_cstr(&why));
	if (err)
		return err;
	free(c->place);
	c->place = TAKE_PTR(copy);
	return 0;
}

void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	for (size_t i = 0; i < spec->n_consts; i++)
		specconst_free(&spec->consts[i]);
	for (size_t i = 0; i < spec->n_programs; i++)
		specprogram_free(&spec->programs[i]);
	for (size_t i = 0; i < spec->n_maps; i++)
		specmap_free(&spec->maps[i]);
	free(spec->maps);
	free(spec->name);
	free(spec->file);
	free(spec->object);
	free(spec->about);
	free(spec->cost);
	free(spec);
}

void spec_freep(struct spec **spec)
{
	spec_free(*spec);
}
