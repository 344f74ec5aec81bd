/* SPDX-License-Identifier: Apache-2.0 */
/**
 * confkeys.h: every section and key of the configuration, in one table, and the structs that hold them.
 *
 * Parsing, `check --defaults` and the manual are made from the table, so they cannot disagree.
 */
#pragma once
#include "confvalue.h"
#include "log.h"
#include "report.h"

#include <stdbool.h>

/** Bounds of a configuration: more is a mistake, and each costs memory for good. */
#define CONFIG_MAX_OUTPUTS 8
#define CONFIG_MAX_PROBES 64
/** VictoriaMetrics drops series with more than 40 labels; 8 are for probes. */
#define CONFIG_MAX_TAGS 32
#define CONFIG_MAX_CONSTS 64
#define CONFIG_MAX_HEADERS 16
#define CONFIG_MAX_FILES 256

enum output_type {
	OUTPUT_INFLUX1,
	OUTPUT_INFLUX2,
	OUTPUT_INFLUX3,
	OUTPUT_HTTP, /* the URLs as they are */
	OUTPUT_STDOUT,
	OUTPUT_FILE,
	OUTPUT_TYPE_MAX
};

enum output_style {
	STYLE_INFLUX,
	STYLE_FIELDS,
	STYLE_PROMETHEUS,
	STYLE_BCC2TELEGRAF,
	OUTPUT_STYLE_MAX
};

enum content_encoding { ENCODING_GZIP, ENCODING_IDENTITY, CONTENT_ENCODING_MAX };

enum tls_version { TLS_1_2, TLS_1_3, TLS_VERSION_MAX };

extern const char *const output_type_names[OUTPUT_TYPE_MAX];
extern const char *const output_style_names[OUTPUT_STYLE_MAX];
extern const char *const content_encoding_names[CONTENT_ENCODING_MAX];
extern const char *const tls_version_names[TLS_VERSION_MAX];

struct config_pair {
	char *key;
	char *value;
	char *place; /* "file:line" of where it was set, for later messages */
};

struct config_agent {
	uint64_t interval_ns;
	char *hostname; /* "" = the kernel's, "fqdn", or the text itself */
	bool omit_hostname;
	uint64_t
		flush_jitter_ns; /* bound of the per-host offset of sending; half an interval bounds it, too */
	uint64_t series_ttl_ns;
	enum log_level log_level;
	struct config_list
		probe_dirs; /* searched in order, the first file of a name wins; empty: built in */
	char *btf_path;     /* of the kernel's BTF when it has none itself; "" = none */
};

struct config_output {
	char *name;
	char *place; /* of the section; "" for the built-in output */
	/* The keys that files and --set gave, each once, with their place; the value is "" when it was empty. */
	struct config_pair *given;
	size_t n_given;
	enum output_type type;
	struct config_list urls; /* at least one */
	char *database;
	char *retention_policy; /* "" = none */
	char *organization;     /* "" = none */
	char *bucket;
	char *username;      /* "" = none */
	char *password;      /* never printed */
	char *password_file; /* "" = none; so the next */
	char *token;         /* never printed */
	char *token_file;
	char *tls_ca;   /* PEM files; "" = the system's */
	char *tls_cert; /* "" = none; so the next */
	char *tls_key;
	enum tls_version tls_min_version;
	bool insecure_skip_verify;
	char *http_proxy; /* "" = none, whatever the environment says */
	struct config_pair
		*headers; /* key without "header."; values are never printed; "" = do not send */
	size_t n_headers;
	uint64_t timeout_ns;
	enum content_encoding content_encoding;
	enum output_style style;
	uint64_t
		buckets_per_octave; /* 1, 2, 4, ...: how fine histograms leave; never finer than recorded */
	struct config_quantiles quantiles;
	bool le_padded;       /* zeros before the bounds of buckets: text order is numeric order */
	bool cumulative_hist; /* style = bcc2telegraf: cumulative over hi */
	char *path;           /* type = file, never empty then */
	uint64_t batch_max_bytes; /* of a body before compression */
	char *spool_dir;          /* "" = what waits is in memory */
	uint64_t spool_max_bytes; /* of all that waits while the receiver takes nothing */
};

struct config_probe {
	char *name;
	int enabled; /* 1, 0, or -1: as the probe's own file says */
	bool required;
	uint64_t max_series;        /* per map */
	char *alias;                /* style = bcc2telegraf: the tag metric; "" = the measurement */
	struct config_pair *consts; /* key without "const." */
	size_t n_consts;
	char *place; /* of the section, for "no such probe" */
};

struct config {
	struct config_agent agent;
	struct config_pair *global_tags; /* sorted by key, none empty */
	size_t n_global_tags;
	struct config_output *outputs; /* at least one */
	size_t n_outputs;
	struct config_probe *probes; /* those with a section */
	size_t n_probes;
};

/** All keys, the keys of a section one after the other. */
extern const struct config_key config_keys[];
extern const size_t config_keys_n;

/** "agent" for "agent", "output.*" for "output.NAME"; NULL when there is no such section. */
const char *confkeys_section(const char *section);

/**
 * The row of a key.
 * @param section  as confkeys_section() gives it
 * @return         NULL when there is no such key
 */
const struct config_key *confkeys_find(const char *section, const char *key);

/** Reports a section or key that is not in the table, with what was probably meant. */
void confkeys_report_section(struct report *report, const char *place, const char *section);
void confkeys_report_key(struct report *report, const char *place, const char *section,
                         const char *key);

/** Sets all members of a section's struct (zeroed before) to the defaults. @return 0 or -ENOMEM */
int confkeys_set_defaults(const char *section, void *base);

/** Frees what confvalue_set() put into a section's struct. */
void confkeys_clear(const char *section, void *base);

/** Appends the commented file of all defaults. */
void confkeys_print(struct text *out);
