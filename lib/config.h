/* SPDX-License-Identifier: Apache-2.0 */
/**
 * config.h: what the administrator wants, from files, --set, environment and built-in defaults.
 *
 * One table (config_keys) holds every key with its type, default, unit and one line of
 * documentation; parsing, `check --defaults` and the manual are made from it.
 * Precedence: --set section/key=value, files (a later one overrides key by key), environment
 * (TELEGRAF_URL, LOCAL_DATACENTER), built-in. The built-in output "telegraf" (influx1 to
 * http://127.0.0.1:8086) is there only while no [output.X] is.
 */
#pragma once
#include "log.h"
#include "report.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bounds of a configuration: more is a mistake, and each costs memory for good. */
#define CONFIG_MAX_OUTPUTS 8
#define CONFIG_MAX_PROBES 64
#define CONFIG_MAX_TAGS \
	32 /* VictoriaMetrics drops series with more than 40 labels; 8 are for probes */
#define CONFIG_MAX_FILES 256

enum output_type { OUTPUT_INFLUX1, OUTPUT_STDOUT, OUTPUT_FILE, OUTPUT_TYPE_MAX };

enum output_style { STYLE_INFLUX, OUTPUT_STYLE_MAX };

enum content_encoding { ENCODING_GZIP, ENCODING_IDENTITY, CONTENT_ENCODING_MAX };

extern const char *const output_type_names[OUTPUT_TYPE_MAX];
extern const char *const output_style_names[OUTPUT_STYLE_MAX];
extern const char *const content_encoding_names[CONTENT_ENCODING_MAX];

struct config_list {
	char **items;
	size_t n;
};

struct config_pair {
	char *key;
	char *value;
	char *place; /* "file:line" of where it was set, for later messages */
};

struct config_agent {
	uint64_t interval_ns;
	char *hostname; /* "" = the kernel's, "fqdn", or the text itself */
	bool omit_hostname;
	uint64_t flush_jitter_ns; /* bound of the per-host offset of sending */
	uint64_t series_ttl_ns;
	enum log_level log_level;
	struct config_list
		probe_dirs; /* searched in order, the first file of a name wins; empty: built in */
};

struct config_output {
	char *name;
	enum output_type type;
	struct config_list urls;
	char *database;
	char *retention_policy; /* "" = none */
	char *username;		/* "" = none */
	char *password;		/* never printed */
	uint64_t timeout_ns;
	enum content_encoding content_encoding;
	enum output_style style;
	uint64_t
		buckets_per_octave; /* 1, 2, 4, ...: how fine histograms leave; never finer than recorded */
	char *path;		    /* type = file */
	uint64_t batch_max_bytes; /* of a body before compression */
	uint64_t spool_max_bytes; /* of all bodies kept while the receiver takes none */
};

struct config_probe {
	char *name;
	int enabled; /* 1, 0, or -1: as the probe's own file says */
	bool required;
	uint64_t max_series;	    /* per map */
	struct config_pair *consts; /* key without "const." */
	size_t n_consts;
	char *place; /* of the section, for "no such probe" */
};

struct config {
	struct config_agent agent;
	struct config_pair *global_tags; /* sorted by key */
	size_t n_global_tags;
	struct config_output *outputs;
	size_t n_outputs;
	struct config_probe *probes; /* those with a section */
	size_t n_probes;
};

enum config_type {
	CONFIG_TEXT,
	CONFIG_SECRET,
	CONFIG_BOOL,
	CONFIG_TRISTATE,
	CONFIG_DURATION,
	CONFIG_BYTES,
	CONFIG_NUMBER,
	CONFIG_LIST,
	CONFIG_CHOICE
};

struct config_key {
	const char *section; /* "agent", "global_tags", "output.*", "probe.*" */
	const char *key;     /* "*" = any name; "const.*" = that prefix and any name */
	enum config_type type;
	const char *default_text;
	const char *unit;	    /* "" when the type says it */
	const char *doc;	    /* one line */
	uint64_t min, max;	    /* of durations in ns, bytes and numbers; max 0 = no bounds */
	const char *const *choices; /* CONFIG_CHOICE */
	size_t n_choices;
	size_t offset; /* into the section's struct */
};

extern const struct config_key config_keys[];
extern const size_t config_keys_n;

/** Where the pieces come from; NULL members are left out. */
struct config_sources {
	const char *file;      /* --config: stands in for the two below */
	const char *main_file; /* /etc/thermograf/thermograf.ini; may be missing */
	const char *
		dir; /* /etc/thermograf/conf.d: *.ini in the order of their names; may be missing */
	const char *const *sets; /* "section/key=value" */
	size_t n_sets;
	const char *(*getenv)(
		const char *name); /* for the environment and ${VAR}; NULL: nothing is set */
};

/**
 * Reads all sources and gives the whole configuration. Touches only the files named.
 * @param ret_config  owned by the caller, freed with config_free(); unchanged on failure
 * @param report      takes all errors and warnings with their place
 * @return 0; -EINVAL when errors were reported; -ENOMEM
 */
int config_load(const struct config_sources *sources, struct config **ret_config,
		struct report *report);

/**
 * The same from one text in memory: for tests, the fuzzer, and what needs no file system.
 */
int config_parse(const char *name, const char *data, size_t len,
		 const struct config_sources *sources, struct config **ret_config,
		 struct report *report);

/** Frees everything, secrets overwritten first. NULL is fine. */
void config_free(struct config *config);
void config_freep(struct config **config);

/** The section of that probe, or NULL. */
const struct config_probe *config_find_probe(const struct config *config, const char *name);

/** Appends the commented default file, made from config_keys; it parses to the defaults. */
void config_print_defaults(struct text *out);
