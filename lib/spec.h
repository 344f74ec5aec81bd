/* SPDX-License-Identifier: Apache-2.0 */
/**
 * spec.h: a probe's description, NAME.ini, as data. What is measured and under which names.
 *
 * The grammar is thermograf-probe(5). Pure: knows no BTF and no kernel; layout.h binds it to an object.
 */
#pragma once
#include "report.h"
#include "specconst.h"
#include "specmap.h"
#include "specprogram.h"
#include "specwords.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The only version of the grammar. */
#define SPEC_VERSION 1
/** Bounds of one description: generous for all known probes; they keep a hostile file small. */
#define SPEC_MAX_MAPS 16
#define SPEC_MAX_PROGRAMS 64

struct spec {
	char *name; /* of the probe: the file's, without .ini */
	char *file; /* for messages */
	char *object;
	char *about;  /* "" = nothing was said; so the next */
	char *cost;   /* for a person: what an event costs */
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
 * Sets a constant from the configuration ([probe.NAME] const.KEY), in the same words as the INI; one that is an enum
 * or flags there takes its words alone (specconst.h).
 * @param place  "file:line" for messages
 * @return 0; -EINVAL (reported): the probe has no such constant, or the words do not fit; spec unchanged
 */
int spec_set_const(struct spec *spec, const char *key, const char *value, const char *place,
                   struct report *report);

/** NULL is fine. */
void spec_free(struct spec *spec);
void spec_freep(struct spec **spec);
