/* SPDX-License-Identifier: Apache-2.0 */
/**
 * emitter.h: what the styles have in common: the names of a map's points, worked out once, and a point being filled.
 *
 * For style.c and the files of the single styles.
 */
#pragma once
#include "bounds.h"
#include "confkeys.h"
#include "histogram.h"
#include "point.h"
#include "series.h"
#include "window.h"

/** "p999999_us" and NUL. */
#define STYLE_QUANTILE_BYTES 16

struct style_settings {
	enum output_style style;
	uint64_t buckets_per_octave; /* power of two */
	struct config_quantiles quantiles;
	bool le_padded;       /* zeros before le, hi and in le_N; not in prometheus */
	bool cumulative_hist; /* bcc2telegraf */
};

/** One field of the line of a series; they stand sorted by key. */
struct style_field {
	char *key;
	uint32_t cell;
	enum spec_kind kind;
	bool rate; /* per second of the window */
};

struct style_histogram {
	char *measurement; /* of the buckets */
	char *summary;     /* of count, sum and so on: may be the same text */
	char *metric;      /* bcc2telegraf */
	char *sum, *max;   /* keys */
	char quantiles[CONFIG_MAX_QUANTILES][STYLE_QUANTILE_BYTES];
	struct bounds bounds;
};

struct style {
	const struct spec_map *map;
	const struct layout *layout;
	struct style_settings settings;
	struct style_field fields[2 * SPEC_MAX_FIELDS];
	size_t n_fields;
	struct style_histogram histograms[SPEC_MAX_HISTOGRAMS];
	bool begun;             /* prometheus: it told a window before */
	struct tagsets reduced; /* bcc2telegraf: series without the tags that it leaves out */
	struct text row;        /* tags of one of these */
};

/** What one style_emit() works with. */
struct emitter {
	struct style *style;
	const struct series *series;
	const struct window *window;
	double length_s;
	point_fn fn;
	void *ctx;
	struct point point;
};

/** Starts the points of a series: its tags. @param texts  one for each of the map's tags, each ended by NUL */
void emitter_begin(struct emitter *e, const char *texts);

/** Adds a tag; key and value must live until the next emitter_tell(). */
void emitter_tag(struct emitter *e, const char *key, const char *value);

/** Adds a field; the key must live until the next emitter_tell(). */
void emitter_integer(struct emitter *e, const char *key, uint64_t value);
void emitter_decimal(struct emitter *e, const char *key, enum point_type type, double value);

/** Gives the point away and forgets its fields. @return 0 or what who takes points returned */
int emitter_tell(struct emitter *e, const char *measurement);

/** The line of M: counters of this window, rates, gauges, maxima. */
int emitter_fields(struct emitter *e, const uint64_t *cells);

/**
 * Reads a histogram of a series in this window and starts its points: the series' tags and the phase.
 * @return false: it has no counts, and no points
 */
bool emitter_histogram(struct emitter *e, size_t set, size_t index, struct histogram *ret);

/** Adds max_U, pNN_U and sum_U of a histogram with counts. */
void emitter_summary(struct emitter *e, const struct style_histogram *plan,
                     const struct histogram *h);

/** The histogram of every style: index is that of the map's description, set that of the series. */
typedef int (*emitter_histogram_fn)(struct emitter *e, size_t set, size_t index);

/** Every series' line of M. */
int emitter_all_fields(struct emitter *e);

/** Every histogram of so many series, one histogram after the other. */
int emitter_all_histograms(struct emitter *e, size_t n_sets, emitter_histogram_fn histogram);

/** Every series' line of M, then every series' histograms. A person reads the lines as two tables. */
int emitter_all(struct emitter *e, emitter_histogram_fn histogram);

/* The styles. */
int styleinflux_emit(struct emitter *e);
int stylefields_emit(struct emitter *e);
int styleprometheus_emit(struct emitter *e);
int stylebcc_emit(struct emitter *e);
