/* SPDX-License-Identifier: Apache-2.0 */
#include "specnames.h"

#include "parse.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RATE_SUFFIX "_per_s"
#define TOTAL_SUFFIX "_total"
#define SECONDS "_seconds"

#define COMPLAIN(map, file, report, line, fmt, ...) \
	report_at(report, REPORT_ERROR, file, line, "[map %s] " fmt, (map)->name, ##__VA_ARGS__)

bool specnames_is_joined(const char *name, const char *base, const char *suffix)
{
	size_t len = strlen(base);

	return !strncmp(name, base, len) && !strcmp(name + len, suffix);
}

bool specnames_same_tags(const struct spec_map *a, const struct spec_map *b)
{
	if (a->n_tags != b->n_tags)
		return false;
	for (size_t i = 0; i < a->n_tags; i++) {
		if (strcmp(a->tags[i].name, b->tags[i].name) != 0)
			return false;
	}
	return true;
}

/* What follows the prefix, or NULL. */
static const char *after(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) ? NULL : name + len;
}

static bool is_digits(const char *s, size_t len)
{
	return len && strspn(s, "0123456789") >= len;
}

/* ---- Fields of a histogram */

/* Whether it is "WORD_UNIT". */
static bool is_in_unit(const char *name, const char *word, enum spec_unit unit)
{
	const char *rest = after(name, word);

	return rest && *rest == '_' && !strcmp(rest + 1, spec_unit_names[unit]);
}

static bool is_in_summary(const struct spec_histogram *h, const char *name)
{
	const char *rest = strchr(name, '_');

	if (*name == 'p' && rest && is_digits(name + 1, (size_t)(rest - name) - 1))
		return !strcmp(rest + 1, spec_unit_names[h->unit]);
	return !strcmp(name, "count") || (h->sum_member && is_in_unit(name, "sum", h->unit)) ||
	       (h->max_member && is_in_unit(name, "max", h->unit));
}

static bool is_bucket(const char *name)
{
	const char *le = after(name, "le_");

	return le && (!strcmp(le, "inf") || is_digits(le, strlen(le)));
}

static bool is_in_seconds(const struct spec_histogram *h, const char *name)
{
	return !strcmp(name, "bucket") || !strcmp(name, "count") ||
	       (h->sum_member && !strcmp(name, "sum")) || (h->max_member && !strcmp(name, "max")) ||
	       (*name == 'p' && is_digits(name + 1, strlen(name + 1)));
}

/* Whether measurement and field, joined, are what measurement and histogram are. */
static bool is_like_histogram(const struct spec_field *field, const struct spec_histogram *h)
{
	const char *rest = after(field->name, h->name), *name;

	if (!rest)
		return false;
	if ((name = after(rest, SPECNAMES_SUMMARY "_")))
		return is_in_summary(h, name);
	if ((name = after(rest, SECONDS "_")))
		return field->kind != SPEC_COUNTER && is_in_seconds(h, name);
	return *rest == '_' && (is_in_summary(h, rest + 1) || is_bucket(rest + 1));
}

/* A histogram with a phase has one tag more than the field, so the two are no one series. */
static void check_like_histograms(const struct spec_map *fields, const struct spec_map *histograms,
                                  const char *file, struct report *report)
{
	for (size_t i = 0; i < fields->n_fields; i++) {
		const struct spec_field *field = &fields->fields[i];

		for (size_t j = 0; j < histograms->n_histograms; j++) {
			const struct spec_histogram *h = &histograms->histograms[j];

			if (h->member && !h->phase && is_like_histogram(field, h))
				COMPLAIN(fields, file, report, field->line,
				         "field.%s: histogram.%s has that name, where measurement "
				         "and field are joined",
				         field->name, h->name);
		}
	}
}

/* ---- Tags and fields of a map */

static void check_tag_of_histogram(const struct spec_map *map, size_t i, const char *file,
                                   struct report *report)
{
	static const char *const of_bcc2telegraf[] = {"metric", "hi", "tag1", "value"};
	const struct spec_tag *tag = &map->tags[i];

	/* The first tag is tag1 there, whatever its name. */
	for (size_t j = 0; i && map->n_histograms && j < ARRAY_SIZE(of_bcc2telegraf); j++) {
		if (!strcmp(tag->name, of_bcc2telegraf[j]))
			COMPLAIN(map, file, report, tag->line,
			         "tag.%s: the name is taken by style bcc2telegraf", tag->name);
	}
	for (size_t j = 0; j < map->n_histograms; j++) {
		const struct spec_histogram *h = &map->histograms[j];

		if (!h->member || !(is_in_summary(h, tag->name) || is_bucket(tag->name) ||
		                    is_in_seconds(h, tag->name)))
			continue;
		COMPLAIN(map, file, report, tag->line,
		         "tag.%s: the name is taken by a field of histogram.%s", tag->name,
		         h->name);
		return;
	}
}

/* What a field leaves as besides its name, against another name of the map. */
static void check_other_names(const struct spec_map *map, const struct spec_field *field,
                              const char *noun, const char *name, uint32_t line, const char *file,
                              struct report *report)
{
	if (field->rate && specnames_is_joined(name, field->name, RATE_SUFFIX))
		COMPLAIN(map, file, report, line,
		         "%s.%s: the rate of field.%s has that name already", noun, name,
		         field->name);
	if (field->kind == SPEC_COUNTER && specnames_is_joined(name, field->name, TOTAL_SUFFIX))
		COMPLAIN(map, file, report, line, "%s.%s: style prometheus calls field.%s that",
		         noun, name, field->name);
}

static void check_field(const struct spec_map *map, const struct spec_field *field,
                        const char *file, struct report *report)
{
	const char *end =
		field->name + strlen(field->name) - MIN(strlen(field->name), strlen(TOTAL_SUFFIX));

	if (field->kind == SPEC_COUNTER && !strcmp(end, TOTAL_SUFFIX)) {
		COMPLAIN(map, file, report, field->line,
		         "field.%s: a counter cannot end in " TOTAL_SUFFIX
		         ", which style prometheus appends; leave it out",
		         field->name);
		return;
	}
	for (size_t i = 0; i < map->n_fields; i++)
		check_other_names(map, &map->fields[i], "field", field->name, field->line, file,
		                  report);
}

static void check_tag(const struct spec_map *map, size_t i, const char *file, struct report *report)
{
	const struct spec_tag *tag = &map->tags[i];

	for (size_t j = 0; j < map->n_fields; j++) {
		const struct spec_field *field = &map->fields[j];

		if (!strcmp(field->name, tag->name))
			COMPLAIN(map, file, report, field->line,
			         "field.%s: a tag has that name already", field->name);
		check_other_names(map, field, "tag", tag->name, tag->line, file, report);
	}
	check_tag_of_histogram(map, i, file, report);
}

void specnames_check(const struct spec_map *map, const char *file, struct report *report)
{
	assert(map && file && report);

	for (size_t i = 0; i < map->n_tags; i++)
		check_tag(map, i, file, report);
	for (size_t i = 0; i < map->n_fields; i++)
		check_field(map, &map->fields[i], file, report);
	check_like_histograms(map, map, file, report);
}

/* ---- Two maps */

/** Two names (PARSE_NAME_MAX), "_" and a suffix. */
#define NAME_BYTES (2 * PARSE_NAME_MAX + 32)

struct names {
	char name[1 + 2 * SPEC_MAX_HISTOGRAMS][NAME_BYTES];
	size_t n;
};

static void add_name(struct names *names, const char *a, const char *b, const char *suffix)
{
	snprintf(names->name[names->n++], NAME_BYTES, "%s%s%s%s", a, *b ? "_" : "", b, suffix);
}

/* The measurements of a map in style influx (those of fields are among them), or in style prometheus. */
static void list_measurements(const struct spec_map *map, bool prometheus, struct names *names)
{
	names->n = 0;
	if (map->n_fields)
		add_name(names, map->measurement, "", "");
	for (size_t i = 0; i < map->n_histograms; i++) {
		const char *name = map->histograms[i].name;

		add_name(names, map->measurement, name, prometheus ? SECONDS : "");
		if (!prometheus)
			add_name(names, map->measurement, name, SPECNAMES_SUMMARY);
	}
}

static void list_fields(const struct spec_map *map, struct names *names)
{
	static_assert(SPEC_MAX_FIELDS <= 1 + 2 * SPEC_MAX_HISTOGRAMS, "they fit");
	names->n = 0;
	for (size_t i = 0; i < map->n_fields; i++)
		add_name(names, map->measurement, map->fields[i].name, "");
}

/* The first name that stands in both, or NULL. */
static const char *find_shared(const struct names *a, const struct names *b)
{
	for (size_t i = 0; i < a->n; i++) {
		for (size_t j = 0; j < b->n; j++) {
			if (!strcmp(a->name[i], b->name[j]))
				return a->name[i];
		}
	}
	return NULL;
}

static void check_measurements(const struct spec_map *map, const struct spec_map *earlier,
                               const char *file, struct report *report)
{
	struct names a, b;
	const char *shared = NULL;

	for (int prometheus = 0; prometheus <= 1 && !shared; prometheus++) {
		list_measurements(map, prometheus, &a);
		list_measurements(earlier, prometheus, &b);
		shared = find_shared(&a, &b);
	}
	if (shared)
		COMPLAIN(map, file, report, map->line,
		         "makes points of measurement %s, as [map %s] does; one of them needs "
		         "another name",
		         shared, earlier->name);
}

static void check_joined_fields(const struct spec_map *map, const struct spec_map *earlier,
                                const char *file, struct report *report)
{
	struct names a, b;

	if (!specnames_same_tags(map, earlier))
		return;
	list_fields(map, &a);
	list_fields(earlier, &b);
	const char *shared = find_shared(&a, &b);

	if (shared)
		COMPLAIN(map, file, report, map->line,
		         "has %s, as [map %s] has, where measurement and field are joined", shared,
		         earlier->name);
}

void specnames_check_pair(const struct spec_map *map, const struct spec_map *earlier,
                          const char *file, struct report *report)
{
	assert(map && earlier && file && report);

	if (!map->measurement || !earlier->measurement)
		return;
	if (!strcmp(map->measurement, earlier->measurement)) {
		check_like_histograms(map, earlier, file, report);
		check_like_histograms(earlier, map, file, report);
		return;
	}
	check_measurements(map, earlier, file, report);
	check_joined_fields(map, earlier, file, report);
}
