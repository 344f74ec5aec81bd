/* SPDX-License-Identifier: Apache-2.0 */
#include "specmap.h"

#include "parse.h"
#include "words.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* One key being set. */
struct setting {
	struct spec_map *map;
	const char *name; /* what follows "tag.", "" for other keys */
	const char *value;
	uint32_t line;
	struct text *why;
};

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

/* A name that leaves the host: it must need no escaping anywhere. */
static int check_name(const char *what, const char *name, struct text *why)
{
	if (parse_is_name(name))
		return 0;
	text_printf(why, "\"%s\" is no name of a %s: %s", name, what, PARSE_NAME_RULE);
	return -EINVAL;
}

static int fail_full(const char *what, int max, struct text *why)
{
	text_printf(why, "more than %d %s in one map", max, what);
	return -EINVAL;
}

static int set_measurement(const struct setting *s)
{
	int err = check_name("measurement", s->value, s->why);

	if (err)
		return err;
	s->map->measurement = strdup(s->value);
	return s->map->measurement ? 0 : -ENOMEM;
}

static int set_max_keys(const struct setting *s)
{
	uint64_t keys;

	if (parse_u64(s->value, &keys) || !keys || keys > SPEC_MAX_KEYS_LIMIT) {
		text_printf(s->why, "\"%s\" is no number from 1 to %u", s->value,
		            SPEC_MAX_KEYS_LIMIT);
		return -EINVAL;
	}
	s->map->max_keys = (uint32_t)keys;
	return 0;
}

static int set_identifier(const struct setting *s, const char *what, char **place)
{
	if (!words_is_identifier(s->value))
		return words_fail_expected(s->why, what, s->value);
	*place = strdup(s->value);
	return *place ? 0 : -ENOMEM;
}

static int set_index(const struct setting *s)
{
	return set_identifier(s, "a map's name", &s->map->index);
}

static int set_shards(const struct setting *s)
{
	return set_identifier(s, "a constant's name", &s->map->shards);
}

static int set_rows(const struct setting *s)
{
	return set_identifier(s, "a constant's name", &s->map->rows);
}

static int set_when(const struct setting *s)
{
	int err = specpredicate_read(s->value, s->map->when, &s->map->n_when, s->why);

	if (!err)
		s->map->when_line = s->line;
	return err;
}

static int set_tag(const struct setting *s)
{
	/* host is the agent's, le the histogram's; InfluxDB refuses or renames time. */
	static const char *const reserved[] = {"host", "le", "time"};
	struct spec_tag *tag = &s->map->tags[s->map->n_tags];
	int err = check_name("tag", s->name, s->why);

	if (err)
		return err;
	if (is_one_of(s->name, reserved, ARRAY_SIZE(reserved))) {
		text_printf(s->why, "a tag cannot be called %s: the name is taken", s->name);
		return -EINVAL;
	}
	if (s->map->n_tags == SPEC_MAX_TAGS)
		return fail_full("tags", SPEC_MAX_TAGS, s->why);
	CLEANUP_FREE char *name = strdup(s->name);

	err = name ? specwords_tag(s->value, tag, s->why) : -ENOMEM;
	if (err)
		return err;
	tag->name = TAKE_PTR(name);
	tag->line = s->line;
	s->map->n_tags++;
	return 0;
}

static int set_field(const struct setting *s)
{
	static const char *const reserved[] = {"time"};
	struct spec_field *field = &s->map->fields[s->map->n_fields];
	int err = check_name("field", s->name, s->why);

	if (err)
		return err;
	if (is_one_of(s->name, reserved, ARRAY_SIZE(reserved))) {
		text_printf(s->why, "a field cannot be called %s: the name is taken", s->name);
		return -EINVAL;
	}
	if (s->map->n_fields == SPEC_MAX_FIELDS)
		return fail_full("fields", SPEC_MAX_FIELDS, s->why);
	CLEANUP_FREE char *name = strdup(s->name);

	err = name ? specwords_field(s->value, field, s->why) : -ENOMEM;
	if (err)
		return err;
	field->name = TAKE_PTR(name);
	field->line = s->line;
	s->map->n_fields++;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/*
 * The histogram of "NAME" or "NAME.PHASE", made if there is none yet: its sum or max may come first.
 * @return 0; -EINVAL with why; -ENOMEM
 */
static int open_histogram(const struct setting *s, struct spec_histogram **ret)
{
	struct spec_map *map = s->map;
	size_t len = strcspn(s->name, ".");
	CLEANUP_FREE char *name = strndup(s->name, len);
	CLEANUP_FREE char *phase = s->name[len] ? strdup(s->name + len + 1) : NULL;

	if (!name || (s->name[len] && !phase))
		return -ENOMEM;
	int err = check_name("histogram", name, s->why)
	                  ?: (phase ? check_name("phase", phase, s->why) : 0);

	if (err)
		return err;
	for (size_t i = 0; i < map->n_histograms; i++) {
		*ret = &map->histograms[i];
		if (same_text((*ret)->name, name) && same_text((*ret)->phase, phase))
			return 0;
	}
	if (map->n_histograms == SPEC_MAX_HISTOGRAMS)
		return fail_full("histograms", SPEC_MAX_HISTOGRAMS, s->why);
	*ret = &map->histograms[map->n_histograms++];
	(*ret)->name = TAKE_PTR(name);
	(*ret)->phase = TAKE_PTR(phase);
	return 0;
}

static int set_histogram(const struct setting *s)
{
	struct spec_histogram *histogram, new = {0};
	int err = specwords_histogram(s->value, &new, s->why) ?: open_histogram(s, &histogram);

	if (err) {
		free(new.member);
		return err;
	}
	histogram->member = new.member;
	histogram->scale = new.scale;
	histogram->unit = new.unit;
	histogram->line = s->line;
	return 0;
}

static int set_sum(const struct setting *s)
{
	struct spec_histogram *histogram, new = {0};
	int err = specwords_sum(s->value, &new, s->why) ?: open_histogram(s, &histogram);

	if (err) {
		free(new.sum_member);
		return err;
	}
	histogram->sum_member = new.sum_member;
	histogram->sum_unit = new.sum_unit;
	histogram->sum_line = s->line;
	return 0;
}

static int set_max(const struct setting *s)
{
	struct spec_histogram *histogram, new = {0};
	int err = specwords_max(s->value, &new, s->why) ?: open_histogram(s, &histogram);

	if (err) {
		free(new.max_member);
		return err;
	}
	histogram->max_member = new.max_member;
	histogram->max_unit = new.max_unit;
	histogram->max_line = s->line;
	return 0;
}

static int set_counted(const struct setting *s)
{
	CLEANUP(words_free) struct words w = {0};
	CLEANUP(text_free) struct text list = {0};
	int err = words_split(s->value, &w, s->why);

	while (!err && (!list.len || *words_peek(&w))) {
		CLEANUP_FREE char *word = NULL;

		err = words_take_identifier(&w, "a reason", &word, s->why);
		if (!err)
			text_printf(&list, "%s%s", list.len ? " " : "", word);
	}
	if (err || list.err)
		return err ?: list.err;
	s->map->counted = strdup(text_cstr(&list));
	s->map->counted_line = s->line;
	return s->map->counted ? 0 : -ENOMEM;
}

static int set_reference(const struct setting *s)
{
	return specreference_set(&s->map->reference, s->name, s->value, s->line, s->why);
}

static const struct {
	const char *key; /* one that ends in "." takes a name */
	int (*set)(const struct setting *s);
} keys[] = {
	{"measurement", set_measurement},
	{"when", set_when},
	{"counted", set_counted},
	{"max_keys", set_max_keys},
	{"index", set_index},
	{"shards", set_shards},
	{"rows", set_rows},
	{"reference", set_reference},
	{"reference.", set_reference},
	{"tag.", set_tag},
	{"field.", set_field},
	{"histogram.", set_histogram},
	{"sum.", set_sum},
	{"max.", set_max},
};

int specmap_set(struct spec_map *map, const char *key, const char *value, uint32_t line,
                struct text *why)
{
	assert(map && key && value && why);

	const char *names[ARRAY_SIZE(keys)], *dot = strchr(key, '.');
	size_t head = dot ? (size_t)(dot - key) + 1 : strlen(key);
	CLEANUP_FREE char *word = strndup(key, head);
	struct setting s = {
		.map = map, .name = key + head, .value = value, .line = line, .why = why};

	if (!word)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(word, keys[i].key))
			return keys[i].set(&s);
		names[i] = keys[i].key;
	}
	const char *guess = parse_suggest(word, names, ARRAY_SIZE(names));

	text_str(why, "no such key");
	if (guess)
		text_printf(why, "; did you mean \"%s%s\"?", guess, key + head);
	return -EINVAL;
}

bool specmap_is_private(const struct spec_map *map)
{
	assert(map);

	return map->n_when && !map->measurement && !map->n_tags && !map->n_fields &&
	       !map->n_histograms && !map->index && !map->shards && !map->rows &&
	       !map->reference.line && strcmp(map->name, SPEC_DROPS_MAP) != 0;
}

void specmap_free(struct spec_map *map)
{
	for (size_t i = 0; i < map->n_when; i++)
		specpredicate_free(&map->when[i]);
	for (size_t i = 0; i < map->n_tags; i++) {
		free(map->tags[i].name);
		free(map->tags[i].member);
		free(map->tags[i].decoder);
		free(map->tags[i].arg);
	}
	for (size_t i = 0; i < map->n_fields; i++) {
		free(map->fields[i].name);
		free(map->fields[i].member);
	}
	for (size_t i = 0; i < map->n_histograms; i++) {
		free(map->histograms[i].name);
		free(map->histograms[i].phase);
		free(map->histograms[i].member);
		free(map->histograms[i].sum_member);
		free(map->histograms[i].max_member);
	}
	specreference_free(&map->reference);
	free(map->name);
	free(map->measurement);
	free(map->counted);
	free(map->index);
	free(map->shards);
	free(map->rows);
	*map = (struct spec_map){0};
}
