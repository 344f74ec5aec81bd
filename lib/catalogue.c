/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue.h"

#include "json.h"

#include <assert.h>
#include <string.h>

/* Why a map is not read as it is configured; NULL: it is. */
static const char *why_left(const struct probe *p, const struct spec_map *map)
{
	for (size_t i = 0; i < p->n_left; i++)
		if (p->left[i].map == map)
			return p->left[i].why;
	return NULL;
}

static bool is_told(const struct spec_map *map)
{
	return map->measurement != NULL;
}

/* ---- for a person */

static void add_state(struct text *out, const struct checkup_probe *cp)
{
	static const char *const states[] = {
		[CHECKUP_OFF] = "off",
		[CHECKUP_BROKEN] = "cannot be used",
		[CHECKUP_UNFIT] = "cannot run here",
		[CHECKUP_FIT] = "on",
		[CHECKUP_RUNS] = "on",
	};

	text_printf(out, "%s: %s%s%s\n", cp->entry->name, states[cp->state], cp->why ? ": " : "",
	            cp->why ?: "");
}

static void add_files(struct text *out, const struct checkup *c, const struct checkup_probe *cp)
{
	text_printf(out, "  file %s\n", cp->entry->path);
	for (size_t i = 0; i < c->dir.n_hidden; i++)
		if (!strcmp(c->dir.hidden[i].name, cp->entry->name))
			text_printf(out, "  stands in for %s\n", c->dir.hidden[i].path);
}

static void add_tags(struct text *out, const struct spec_map *map, const char *phase)
{
	for (size_t i = 0; i < map->n_tags; i++)
		text_printf(out, "%s%s", i ? ", " : " by ", map->tags[i].name);
	if (phase)
		text_printf(out, "%sphase %s", map->n_tags ? ", " : " by ", phase);
}

static void add_fields(struct text *out, const struct spec_map *map)
{
	if (!map->n_fields)
		return;
	text_printf(out, "  %s", map->measurement);
	add_tags(out, map, NULL);
	for (size_t i = 0; i < map->n_fields; i++)
		text_printf(out, "%s%s (%s%s)", i ? ", " : ": ", map->fields[i].name,
		            spec_kind_names[map->fields[i].kind],
		            map->fields[i].rate ? ", rate" : "");
	text_char(out, '\n');
}

static void add_histogram(struct text *out, const struct spec_map *map, size_t i)
{
	const struct spec_histogram *h = &map->histograms[i];

	text_printf(out, "  %s_%s", map->measurement, h->name);
	add_tags(out, map, h->phase);
	text_printf(out, ": histogram up to %llu%s%s%s%s\n", (unsigned long long)h->scale.last,
	            *spec_unit_names[h->unit] ? " " : "", spec_unit_names[h->unit],
	            h->sum_member ? ", sum" : "", h->max_member ? ", maximum" : "");
}

static void add_map(struct text *out, const struct probe *p, const struct spec_map *map)
{
	const char *why = why_left(p, map);

	add_fields(out, map);
	for (size_t i = 0; i < map->n_histograms; i++)
		add_histogram(out, map, i);
	if (why)
		text_printf(out, "    not as it is configured: %s\n", why);
}

void catalogue_write_text(const struct checkup *c, struct text *out)
{
	assert(c && out);

	for (size_t i = 0; i < c->dir.n; i++) {
		const struct checkup_probe *cp = &c->probes[i];
		const struct spec *spec = cp->probe ? cp->probe->spec : NULL;

		if (i)
			text_char(out, '\n');
		add_state(out, cp);
		if (spec && *spec->about)
			text_printf(out, "  %s\n", spec->about);
		add_files(out, c, cp);
		if (spec && *spec->cost)
			text_printf(out, "  costs %s\n", spec->cost);
		for (size_t k = 0; spec && k < spec->n_maps; k++)
			if (is_told(&spec->maps[k]))
				add_map(out, cp->probe, &spec->maps[k]);
	}
}

/* ---- for programs */

static void write_fields(struct json *j, const struct spec_map *map)
{
	json_array(j, "fields");
	for (size_t i = 0; i < map->n_fields; i++) {
		json_object(j, NULL);
		json_string(j, "name", map->fields[i].name);
		json_string(j, "kind", spec_kind_names[map->fields[i].kind]);
		json_bool(j, "rate", map->fields[i].rate);
		json_end(j);
	}
	json_end(j);
}

static void write_histograms(struct json *j, const struct spec_map *map)
{
	json_array(j, "histograms");
	for (size_t i = 0; i < map->n_histograms; i++) {
		const struct spec_histogram *h = &map->histograms[i];

		json_object(j, NULL);
		json_string(j, "name", h->name);
		json_string(j, "phase", h->phase);
		json_string(j, "unit", h->unit == SPEC_UNIT_NONE ? NULL : spec_unit_names[h->unit]);
		json_u64(j, "first", h->scale.first);
		json_u64(j, "last", h->scale.last);
		json_u64(j, "slots", bucket_slots(&h->scale));
		json_bool(j, "sum", h->sum_member);
		json_bool(j, "max", h->max_member);
		json_end(j);
	}
	json_end(j);
}

static void write_map(struct json *j, const struct probe *p, const struct spec_map *map)
{
	json_object(j, NULL);
	json_string(j, "measurement", map->measurement);
	json_array(j, "tags");
	for (size_t i = 0; i < map->n_tags; i++)
		json_string(j, NULL, map->tags[i].name);
	json_end(j);
	write_fields(j, map);
	write_histograms(j, map);
	json_string(j, "left_out", why_left(p, map));
	json_end(j);
}

static void write_probe(struct json *j, const struct checkup *c, const struct checkup_probe *cp)
{
	const struct spec *spec = cp->probe ? cp->probe->spec : NULL;

	json_object(j, NULL);
	json_string(j, "name", cp->entry->name);
	json_string(j, "state", checkup_state_names[cp->state]);
	json_string(j, "why", cp->why);
	json_string(j, "file", cp->entry->path);
	json_array(j, "stands_in_for");
	for (size_t i = 0; i < c->dir.n_hidden; i++)
		if (!strcmp(c->dir.hidden[i].name, cp->entry->name))
			json_string(j, NULL, c->dir.hidden[i].path);
	json_end(j);
	json_string(j, "about", spec ? spec->about : NULL);
	json_string(j, "cost", spec && *spec->cost ? spec->cost : NULL);
	json_array(j, "measures");
	for (size_t k = 0; spec && k < spec->n_maps; k++)
		if (is_told(&spec->maps[k]))
			write_map(j, cp->probe, &spec->maps[k]);
	json_end(j);
	json_end(j);
}

void catalogue_write_json(const struct checkup *c, struct text *out)
{
	assert(c && out);

	struct json j = {.out = out};

	json_array(&j, NULL);
	for (size_t i = 0; i < c->dir.n; i++)
		write_probe(&j, c, &c->probes[i]);
	json_end(&j);
}
