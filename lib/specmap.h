/* SPDX-License-Identifier: Apache-2.0 */
/**
 * specmap.h: the section [map NAME] of a probe's description: what a map's members are called outside.
 *
 * Pure. The grammar is thermograf-probe(5).
 */
#pragma once
#include "specpredicate.h"
#include "specreference.h"
#include "specwords.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bounds of one map: generous for all known probes; they keep a hostile file small. */
#define SPEC_MAX_TAGS 8 /* per map; with CONFIG_MAX_TAGS at most 40 labels */
#define SPEC_MAX_FIELDS 32
#define SPEC_MAX_HISTOGRAMS 16
/** The most keys one may ask for. */
#define SPEC_MAX_KEYS_LIMIT (1u << 20)

/** The map of this name holds counts of what could not be counted. */
#define SPEC_DROPS_MAP "drops"

/** A member name that stands for a key or value that is a plain number, not a struct. */
#define SPEC_WHOLE_KEY "key"
#define SPEC_WHOLE_VALUE "value"

struct spec_map {
	char *name;        /* of the map in the object */
	char *measurement; /* NULL only for the drops map and maps of the programs alone */
	struct spec_tag tags[SPEC_MAX_TAGS];
	size_t n_tags;
	struct spec_field fields[SPEC_MAX_FIELDS];
	size_t n_fields;
	struct spec_histogram histograms[SPEC_MAX_HISTOGRAMS];
	size_t n_histograms;
	struct spec_predicate
		when[SPEC_MAX_PREDICATES]; /* all must hold, else it is neither sized nor read */
	size_t n_when;
	uint32_t when_line;
	char *counted; /* of the drops map: reasons of events that are no loss, and not in the sum of drops; a blank
			between two; NULL: none */
	uint32_t counted_line;
	struct spec_reference reference; /* what the kernel counts of the same thing */
	uint32_t max_keys;               /* 0 = as the object says */
	char *index; /* name of the hash that gives each key its row in this map, an array of row * shards
			 values; NULL: this map has its keys itself */
	char *shards; /* with index: name of the u32 constant that says how many values a row has, one per
			 CPU while they last; set by the engine; NULL: one */
	char *rows; /* with index: name of the u32 constant that says max_keys; set by the engine; or NULL */
	uint32_t line;
};

/**
 * Takes one key of the section. No key comes twice (inifile.h).
 * @return 0; -EINVAL with a clause in `why`; -ENOMEM; the map is unchanged on failure
 */
int specmap_set(struct spec_map *map, const char *key, const char *value, uint32_t line,
                struct text *why);

/**
 * Whether the map is the programs' own: nothing of it is read. Its section has a `when`, without which it is as small as
 * can be, and nothing else but max_keys.
 */
bool specmap_is_private(const struct spec_map *map);

/** Frees what the struct owns. */
void specmap_free(struct spec_map *map);
