/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "confcheck.h"
#include "conffile.h"
#include "confpair.h"
#include "confset.h"
#include "inifile.h"
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_OUTPUT "telegraf"
/* Its own port; the default in the table is that of 1.x and 2.x. */
#define INFLUX3_URL "http://127.0.0.1:8181"

struct loader {
	struct confset set;
	const struct config_sources *sources;
	const char *file; /* the one read now, for messages */
};

static void free_outputs(struct config *config, size_t from)
{
	for (size_t i = from; i < config->n_outputs; i++) {
		confkeys_clear("output.*", &config->outputs[i]);
		confpair_free(config->outputs[i].headers, config->outputs[i].n_headers);
		confpair_free(config->outputs[i].given, config->outputs[i].n_given);
		free(config->outputs[i].name);
		free(config->outputs[i].place);
	}
	config->n_outputs = from;
}

void config_keep_outputs(struct config *config, size_t n)
{
	assert(config && n && n <= config->n_outputs);

	free_outputs(config, n);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	confkeys_clear("agent", &config->agent);
	free_outputs(config, 0);
	for (size_t i = 0; i < config->n_probes; i++) {
		confkeys_clear("probe.*", &config->probes[i]);
		confpair_free(config->probes[i].consts, config->probes[i].n_consts);
		free(config->probes[i].name);
		free(config->probes[i].place);
	}
	confpair_free(config->global_tags, config->n_global_tags);
	free(config->outputs);
	free(config->probes);
	free(config);
}

void config_freep(struct config **config)
{
	config_free(TAKE_PTR(*config));
}

const struct config_probe *config_find_probe(const struct config *config, const char *name)
{
	assert(config && name);

	for (size_t i = 0; i < config->n_probes; i++)
		if (!strcmp(config->probes[i].name, name))
			return &config->probes[i];
	return NULL;
}

void config_print_defaults(struct text *out)
{
	confkeys_print(out);
}

/* ---- The sources, weakest first: files, --set; the environment fills what is left. */

static int on_entry(void *ctx, const struct inifile_entry *entry)
{
	const struct loader *l = ctx;
	CLEANUP_FREE char *place = NULL;

	if (asprintf(&place, "%s:%u", l->file, entry->line) < 0) {
		place = NULL;
		return -ENOMEM;
	}
	if (!entry->key)
		return confset_section(&l->set, entry->section, place);
	return confset_key(&l->set, entry->section, entry->key, entry->value, place);
}

/* What was reported shows in the report. */
static int load_text(struct loader *l, const char *name, const char *data, size_t len)
{
	l->file = name;
	int r = inifile_parse(name, data, len, on_entry, l, l->set.report);
	return r == -ENOMEM ? r : 0;
}

static int load_file(struct loader *l, const char *path, bool may_miss)
{
	CLEANUP(conffile_wipe) struct text data = {0};

	int r = conffile_read(path, INIFILE_MAX_BYTES, &data, &l->set.file_public);
	if (r == -ENOMEM || (r == -ENOENT && may_miss))
		return r == -ENOMEM ? r : 0;
	if (r < 0) {
		report_add(l->set.report, REPORT_ERROR, path, "cannot be read: %s", strerror(-r));
		return 0;
	}
	r = load_text(l, path, data.data, data.len);
	l->set.file_public = false;
	return r;
}

static int load_dir(struct loader *l, const char *dir)
{
	CLEANUP(confvalue_free_list) struct config_list paths = {0};

	int r = conffile_list(dir, &paths);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		report_add(l->set.report, REPORT_ERROR, dir, "cannot be read: %s", strerror(-r));
	else if (paths.n > CONFIG_MAX_FILES)
		report_add(l->set.report, REPORT_ERROR, dir, "%zu files; at most %d are read",
		           paths.n, CONFIG_MAX_FILES);
	else
		for (size_t i = 0; i < paths.n && !r; i++)
			r = load_file(l, paths.items[i], false);
	return r == -ENOMEM ? r : 0;
}

static int load_files(struct loader *l)
{
	const struct config_sources *s = l->sources;

	if (s->file)
		return load_file(l, s->file, false);
	int r = s->main_file ? load_file(l, s->main_file, true) : 0;
	return !r && s->dir ? load_dir(l, s->dir) : r;
}

/* section/key=value. Of a malformed one only the start is quoted: the rest may be secret. */
static int load_set(struct loader *l, const char *text)
{
	CLEANUP_FREE char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	char *equals = strchr(copy, '=');
	if (equals)
		*equals = '\0';
	char *slash = strchr(copy, '/');
	if (!equals || !slash || slash == copy || !slash[1]) {
		report_add(l->set.report, REPORT_ERROR, "--set",
		           "\"%.*s...\": write section/key=value, as agent/interval=1s",
		           (int)strcspn(copy, " :/"), copy);
		return 0;
	}
	*slash = '\0';
	int r = confset_section(&l->set, copy, "--set");
	if (!r)
		r = confset_key(&l->set, copy, slash + 1, equals + 1, "--set");
	explicit_bzero(equals + 1, strlen(equals + 1));
	return r;
}

static const char *variable(const struct loader *l, const char *name)
{
	const char *value = l->set.getenv ? l->set.getenv(name) : NULL;

	return value && *value ? value : NULL;
}

/*
 * Of an output whose urls nobody set. Telegraf listens for what influx1 and influx2 send, and for nothing of influx3.
 * type = http has none of its own: confcheck.h says so.
 */
static const char *default_url(const struct loader *l, enum output_type type)
{
	if (type == OUTPUT_INFLUX3)
		return INFLUX3_URL;
	return variable(l, "TELEGRAF_URL") ?: confkeys_find("output.*", "urls")->default_text;
}

static int fill_urls(struct loader *l)
{
	struct config *c = l->set.config;
	int r = c->n_outputs ? 0 : confset_section(&l->set, "output." DEFAULT_OUTPUT, "");

	for (size_t i = 0; i < c->n_outputs && !r; i++) {
		const struct config_output *o = &c->outputs[i];
		char section[sizeof("output.") + PARSE_NAME_MAX];

		if (o->urls.n || o->type == OUTPUT_HTTP)
			continue;
		snprintf(section, sizeof(section), "output.%s", o->name);
		r = confset_key_verbatim(&l->set, section, "urls", default_url(l, o->type),
		                         "TELEGRAF_URL");
	}
	return r;
}

/* A file's name without a folder is that of a credential that systemd hands to its service. */
static int find_credential(const char *dir, char **name)
{
	char *path;

	if (!**name || strchr(*name, '/'))
		return 0;
	if (asprintf(&path, "%s/%s", dir, *name) < 0)
		return -ENOMEM;
	free(*name);
	*name = path;
	return 0;
}

/* Without the variable the names stay, and who reads them says what is missing: `check` runs outside of the service. */
static int fill_credentials(struct loader *l)
{
	struct config *c = l->set.config;
	const char *dir = variable(l, "CREDENTIALS_DIRECTORY");
	int r = 0;

	for (size_t i = 0; i < c->n_outputs && dir && !r; i++) {
		struct config_output *o = &c->outputs[i];

		r = find_credential(dir, &o->password_file);
		r = r ?: find_credential(dir, &o->token_file);
		r = r ?: find_credential(dir, &o->tls_ca);
		r = r ?: find_credential(dir, &o->tls_cert);
		r = r ?: find_credential(dir, &o->tls_key);
	}
	return r;
}

/* An empty tag says: none, also not the environment's. */
static int fill_tags(struct loader *l)
{
	struct config *c = l->set.config;
	const char *dc = variable(l, "LOCAL_DATACENTER");
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < c->n_global_tags; i++)
		if (!strcmp(c->global_tags[i].key, "dc"))
			dc = NULL;
	if (dc)
		r = confset_key_verbatim(&l->set, "global_tags", "dc", dc, "LOCAL_DATACENTER");
	for (size_t i = 0; i < c->n_global_tags; i++) {
		struct config_pair pair = c->global_tags[i];
		c->global_tags[i] = (struct config_pair){0};
		if (*pair.value) {
			c->global_tags[n++] = pair;
			continue;
		}
		free(pair.key);
		free(pair.value);
		free(pair.place);
	}
	c->n_global_tags = n;
	return r;
}

/* @param name  of a text that stands in for the files, or NULL */
static int load(const struct config_sources *sources, const char *name, const char *data,
                size_t len, struct config **ret_config, struct report *report)
{
	CLEANUP(config_freep) struct config *config = calloc(1, sizeof(*config));
	struct loader l = {.set = {.config = config, .getenv = sources->getenv, .report = report},
	                   .sources = sources};
	size_t errors = report->n_errors;

	int r = config ? confkeys_set_defaults("agent", &config->agent) : -ENOMEM;
	if (!r)
		r = name ? load_text(&l, name, data, len) : load_files(&l);
	for (size_t i = 0; i < sources->n_sets && !r; i++)
		r = load_set(&l, sources->sets[i]);
	if (!r)
		r = fill_urls(&l);
	if (!r)
		r = fill_credentials(&l);
	if (!r)
		r = fill_tags(&l);
	if (r < 0)
		return r;
	for (size_t i = 0; i < config->n_outputs; i++)
		confcheck_output(&config->outputs[i], report);
	if (report->n_errors > errors)
		return -EINVAL;
	*ret_config = TAKE_PTR(config);
	return 0;
}

int config_load(const struct config_sources *sources, struct config **ret_config,
                struct report *report)
{
	assert(sources && ret_config && report);

	return load(sources, NULL, NULL, 0, ret_config, report);
}

int config_parse(const char *name, const char *data, size_t len,
                 const struct config_sources *sources, struct config **ret_config,
                 struct report *report)
{
	static const struct config_sources none = {0};

	assert(name && (data || !len) && ret_config && report);
	return load(sources ?: &none, name, data, len, ret_config, report);
}
