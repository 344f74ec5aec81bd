/* SPDX-License-Identifier: Apache-2.0 */
#include "specrules.h"

#include "specnames.h"
#include "words.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define COMPLAIN(map, file, report, line, fmt, ...) \
	report_at(report, REPORT_ERROR, file, line, "[map %s] " fmt, (map)->name, ##__VA_ARGS__)

static void check_drops(const struct spec_map *map, const char *file, struct report *report)
{
	if (map->measurement)
		COMPLAIN(map, file, report, map->line,
		         "has a measurement; drops leave with the agent's own metrics");
	if (map->n_when)
		COMPLAIN(map, file, report, map->when_line,
		         "when: drops are always read; leave it out");
	if (map->n_tags != 1 || map->n_fields != 1 || map->n_histograms)
		COMPLAIN(map, file, report, map->line,
		         "must have one tag and one field, and nothing else");
	else if (map->fields[0].kind != SPEC_COUNTER)
		COMPLAIN(map, file, report, map->fields[0].line,
		         "field.%s: drops are counted; write: counter", map->fields[0].name);
}

static void check_tags(const struct spec_map *map, const char *file, struct report *report)
{
	bool phases = false;

	for (size_t i = 0; i < map->n_histograms; i++)
		phases |= map->histograms[i].phase != NULL;
	for (size_t i = 0; i < map->n_tags; i++) {
		const struct spec_tag *tag = &map->tags[i];

		if (phases && !strcmp(tag->name, "phase"))
			COMPLAIN(map, file, report, tag->line,
			         "tag.phase: the name is taken by a histogram with a phase");
	}
}

static bool same_scale(const struct spec_histogram *a, const struct spec_histogram *b)
{
	return a->unit == b->unit && a->scale.kind == b->scale.kind &&
	       a->scale.bits == b->scale.bits && a->scale.first == b->scale.first &&
	       a->scale.last == b->scale.last;
}

/* Two histograms of one name and one map; `b` is the later one. */
static void check_phases(const struct spec_map *map, const struct spec_histogram *a,
                         const struct spec_histogram *b, const char *file, struct report *report)
{
	if (!a->phase || !b->phase)
		COMPLAIN(map, file, report, b->line,
		         "histogram.%s has a phase on one line and none on another", b->name);
	else if (!same_scale(a, b))
		COMPLAIN(
			map, file, report, b->line,
			"histogram.%s.%s: its scale or unit is not that of phase %s, beside which it "
			"leaves",
			b->name, b->phase, a->phase);
}

/* Two histograms of one name; `a` is of an earlier map of the same measurement. */
static void check_shared_phases(const struct spec_map *map, const struct spec_map *earlier,
                                const struct spec_histogram *a, const struct spec_histogram *b,
                                const char *file, struct report *report)
{
	if (!a->phase != !b->phase)
		COMPLAIN(map, file, report, b->line,
		         "histogram.%s has %s phase here and %s in [map %s], whose measurement it "
		         "shares",
		         b->name, b->phase ? "a" : "no", a->phase ? "one" : "none", earlier->name);
	else if (!b->phase || !strcmp(a->phase, b->phase))
		COMPLAIN(map, file, report, b->line,
		         "histogram.%s%s%s: it stands in [map %s] already, whose measurement this "
		         "map shares",
		         b->name, b->phase ? "." : "", b->phase ? b->phase : "", earlier->name);
	else if (!same_scale(a, b))
		COMPLAIN(map, file, report, b->line,
		         "histogram.%s.%s: its scale or unit is not that of phase %s in [map %s], "
		         "beside which it leaves",
		         b->name, b->phase, a->phase, earlier->name);
}

/* Two histograms of one measurement; `b` is the later one. @param earlier  the map of a, when it is another one */
static void check_histogram_pair(const struct spec_map *map, const struct spec_map *earlier,
                                 const struct spec_histogram *a, const struct spec_histogram *b,
                                 const char *file, struct report *report)
{
	/* A sum or max without its histogram is told already. */
	if (!a->member || !b->member)
		return;
	if (specnames_is_joined(a->name, b->name, SPECNAMES_SUMMARY) ||
	    specnames_is_joined(b->name, a->name, SPECNAMES_SUMMARY))
		COMPLAIN(map, file, report, b->line,
		         "histogram.%s and histogram.%s: the summary of one has the other's name",
		         a->name, b->name);
	if (strcmp(a->name, b->name) != 0)
		return;
	if (earlier)
		check_shared_phases(map, earlier, a, b, file, report);
	else
		check_phases(map, a, b, file, report);
}

static void check_histograms(const struct spec_map *map, const char *file, struct report *report)
{
	for (size_t i = 0; i < map->n_histograms; i++) {
		const struct spec_histogram *h = &map->histograms[i];

		if (!h->member)
			COMPLAIN(map, file, report, h->sum_member ? h->sum_line : h->max_line,
			         "%s.%s%s%s: there is no histogram of that name",
			         h->sum_member ? "sum" : "max", h->name, h->phase ? "." : "",
			         h->phase ? h->phase : "");
		for (size_t j = 0; j < i; j++)
			check_histogram_pair(map, NULL, &map->histograms[j], h, file, report);
	}
}

static bool has_tag(const struct spec_map *map, const char *name)
{
	for (size_t i = 0; i < map->n_tags; i++)
		if (!strcmp(map->tags[i].name, name))
			return true;
	return false;
}

static bool has_counter(const struct spec_map *map, const char *name)
{
	for (size_t i = 0; i < map->n_fields; i++)
		if (!strcmp(map->fields[i].name, name))
			return map->fields[i].kind == SPEC_COUNTER;
	return false;
}

static void check_reference(const struct spec_map *map, const char *file, struct report *report)
{
	const struct spec_reference *r = &map->reference;
	size_t kinds = 0;

	if (!r->line)
		return;
	for (size_t kind = 0; kind < SPEC_DISK_KIND_MAX; kind++)
		kinds += r->ops[kind] != NULL;
	if (!r->device)
		COMPLAIN(map, file, report, r->line,
		         "reference: write as well: reference = diskstats TAG TAG FIELD");
	else if (!map->measurement)
		COMPLAIN(map, file, report, r->line, "reference: it goes with a measurement");
	else if (!kinds)
		COMPLAIN(map, file, report, r->line,
		         "reference: compares nothing; write reference.reads = VALUE of tag %s, or "
		         "writes, discards, flushes",
		         r->op);
	else if (!has_tag(map, r->device) || !has_tag(map, r->op))
		COMPLAIN(map, file, report, r->line, "reference: the map has no tag.%s",
		         has_tag(map, r->device) ? r->op : r->device);
	else if (!has_counter(map, r->field))
		COMPLAIN(map, file, report, r->line, "reference: field.%s is no counter of the map",
		         r->field);
}

void specrules_check(const struct spec_map *map, const char *file, struct report *report)
{
	assert(map && map->name && file && report);

	if (map->counted && strcmp(map->name, SPEC_DROPS_MAP) != 0)
		COMPLAIN(map, file, report, map->counted_line,
		         "counted: only the map " SPEC_DROPS_MAP " has reasons");

	if (!strcmp(map->name, SPEC_DROPS_MAP)) {
		check_drops(map, file, report);
	} else if (!specmap_is_private(map)) {
		if (!map->measurement)
			COMPLAIN(map, file, report, map->line, "has no measurement");
		if (!map->n_fields && !map->n_histograms)
			COMPLAIN(map, file, report, map->line,
			         "measures nothing: it has no field and no histogram");
	}
	if ((map->shards || map->rows) && !map->index)
		COMPLAIN(map, file, report, map->line,
		         "shards and rows go with index: name the map that gives the rows");
	check_tags(map, file, report);
	check_histograms(map, file, report);
	check_reference(map, file, report);
	specnames_check(map, file, report);
}

/* ---- Two maps */

static void tell_tags(const struct spec_map *map, struct text *out)
{
	for (size_t i = 0; i < map->n_tags; i++)
		text_printf(out, "%s%s", i ? ", " : "", map->tags[i].name);
	if (!map->n_tags)
		text_str(out, "none");
}

/* Maps of one measurement, so that a probe can keep histograms in maps that are read only when asked for. */
static void check_one_measurement(const struct spec_map *map, const struct spec_map *earlier,
                                  const char *file, struct report *report)
{
	CLEANUP(text_free) struct text tags = {0};

	if (map->n_fields && earlier->n_fields)
		COMPLAIN(map, file, report, map->line,
		         "measurement: %s is that of [map %s] already, and both have fields, whose "
		         "points would overwrite each other; one may have histograms only",
		         map->measurement, earlier->name);
	tell_tags(earlier, &tags);
	if (!specnames_same_tags(map, earlier))
		COMPLAIN(
			map, file, report, map->line,
			"measurement: %s is that of [map %s] already, which has other tags (%s); maps "
			"of one measurement have the same, in the same order",
			map->measurement, earlier->name, text_cstr(&tags));
	for (size_t i = 0; i < map->n_histograms; i++) {
		for (size_t j = 0; j < earlier->n_histograms; j++)
			check_histogram_pair(map, earlier, &earlier->histograms[j],
			                     &map->histograms[i], file, report);
	}
}

void specrules_check_pair(const struct spec_map *map, const struct spec_map *earlier,
                          const char *file, struct report *report)
{
	assert(map && earlier && file && report);

	if (map->measurement && earlier->measurement &&
	    !strcmp(map->measurement, earlier->measurement))
		check_one_measurement(map, earlier, file, report);
	specnames_check_pair(map, earlier, file, report);
}

/* ---- With [const] */

/* Where predicates stand. */
struct asker {
	const char *section, *name;
	const char *file;
	uint32_t line; /* of when */
};

static const struct spec_const *find_const(const struct spec_const *consts, size_t n,
                                           const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(consts[i].name, name))
			return &consts[i];
	}
	return NULL;
}

static void check_predicate(const struct asker *asker, const struct spec_predicate *p,
                            const struct spec_const *consts, size_t n, struct report *report)
{
	const struct spec_const *c = find_const(consts, n, p->name);
	const char *names[SPEC_MAX_CONSTS];
	CLEANUP(text_free) struct text why = {0};
	size_t n_names = 0;

	if (c && (c->kind == SPEC_CONST_ENUM || c->kind == SPEC_CONST_FLAGS))
		return;
	text_printf(&why,
	            c ? "%s has no words: it is no enum(..) or flags(..) in [const]"
	              : "[const] has no %s to ask for",
	            p->name);
	for (size_t i = 0; i < n; i++) {
		if (consts[i].words)
			names[n_names++] = consts[i].name;
	}
	words_suggest(&why, p->name, names, n_names);
	report_at(report, REPORT_ERROR, asker->file, asker->line, "[%s %s] when: %s",
	          asker->section, asker->name, text_cstr(&why));
}

static void check_when(const struct asker *asker, const struct spec_predicate *when, size_t n_when,
                       const struct spec_const *consts, size_t n, struct report *report)
{
	for (size_t i = 0; i < n_when; i++) {
		if (when[i].kind == SPEC_CONST_HOLDS)
			check_predicate(asker, &when[i], consts, n, report);
	}
}

void specrules_check_map_consts(const struct spec_map *map, const struct spec_const *consts,
                                size_t n, const char *file, struct report *report)
{
	assert(map && (consts || !n) && file && report);

	struct asker asker = {"map", map->name, file, map->when_line};
	const char *const engines[][2] = {{"shards", map->shards}, {"rows", map->rows}};

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		const char *name = engines[i][1];

		if (name && find_const(consts, n, name))
			COMPLAIN(map, file, report, map->line,
			         "%s: the engine sets %s; it cannot be in [const]", engines[i][0],
			         name);
	}
	check_when(&asker, map->when, map->n_when, consts, n, report);
}

void specrules_check_program_consts(const struct spec_program *program,
                                    const struct spec_const *consts, size_t n, const char *file,
                                    struct report *report)
{
	assert(program && (consts || !n) && file && report);

	struct asker asker = {"program", program->name, file, program->when_line};

	check_when(&asker, program->when, program->n_when, consts, n, report);
}
