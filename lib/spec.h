/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spec.h: a probe's description, NAME.ini, as data. What is measured and under which names.
 *
 * The grammar is thermograf-probe(5). Pure: knows no BTF and no kernel; layout.h binds it to an object.
 */
#pragma once
#include "report.h"
#include "specwords.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The only version of the grammar. */
#define SPEC_VERSION 1
/** Bounds of one description: generous for all known probes; they keep a hostile file small. */
#define SPEC_MAX_MAPS 16
#define SPEC_MAX_TAGS 8 /* per map; with CONFIG_MAX_TAGS and host at most 40 labels */
#define SPEC_MAX_FIELDS 32
#define SPEC_MAX_HISTOGRAMS 16
#define SPEC_MAX_CONSTS 32
#define SPEC_MAX_PROGRAMS 64
/** Keys of a map when neither INI nor object says more; and the most one may ask for. */
#define SPEC_MAX_KEYS_LIMIT (1u << 20)

/** The map of this name holds counts of what could not be counted (DESIGN section 3). */
#define SPEC_DROPS_MAP "drops"

/** A member name that stands for a key or value that is a plain number, not a struct. */
#define SPEC_WHOLE_KEY "key"
#define SPEC_WHOLE_VALUE "value"

struct spec_program {
	char *name;					 /* of the function in the object */
	struct spec_predicate when[SPEC_MAX_PREDICATES]; /* all must hold */
	size_t n_when;
	bool optional; /* group = optional: the probe runs without it */
	char *one_of;  /* group = one-of NAME: the first that can run does; else NULL */
	uint32_t line;
};

struct spec_map {
	char *name;	   /* of the map in the object */
	char *measurement; /* NULL only for the drops map */
	struct spec_tag tags[SPEC_MAX_TAGS];
	size_t n_tags;
	struct spec_field fields[SPEC_MAX_FIELDS];
	size_t n_fields;
	struct spec_histogram histograms[SPEC_MAX_HISTOGRAMS];
	size_t n_histograms;
	uint32_t max_keys; /* 0 = as the object says */
	char *shards; /* name of the u32 constant that says how many copies of the value stand in a row
	                      of the map, set by the engine; NULL = one */
	uint32_t line;
};

struct spec {
	char *name; /* of the probe: the file's, without .ini */
	char *file; /* for messages */
	char *object;
	char *about;
	bool enabled; /* unless the configuration says otherwise */
	struct spec_const consts[SPEC_MAX_CONSTS];
	size_t n_consts;
	struct spec_program programs[SPEC_MAX_PROGRAMS];
	size_t n_programs;
	struct spec_map *maps;
	size_t n_maps;
};

/**
 * Parses a description.
 * @param name      of the probe
 * @param file      for messages
 * @param ret_spec  owned by the caller, spec_free(); unchanged on failure
 * @return 0; -EINVAL when errors were reported; -ENOMEM
 */
int spec_parse(const char *name, const char *file, const char *data, size_t len,
	       struct spec **ret_spec, struct report *report);

/**
 * Sets a constant from the configuration ([probe.NAME] const.KEY), in the same words as the INI.
 * @param place  "file:line" for messages
 * @return 0; -EINVAL (reported): the probe has no such constant, or the words do not fit; spec unchanged
 */
int spec_set_const(struct spec *spec, const char *key, const char *value, const char *place,
		   struct report *report);

/** NULL is fine. */
void spec_free(struct spec *spec);
void spec_freep(struct spec **spec);
