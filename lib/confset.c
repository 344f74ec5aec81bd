/* SPDX-License-Identifier: Apache-2.0 */
#include "confset.h"

#include "conffile.h"
#include "confpair.h"
#include "inifile.h"
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Longer values make a message unreadable. */
#define QUOTE_MAX 60
#define NAME_FORM "a name is " PARSE_NAME_RULE
static_assert(sizeof("output.") - 1 + PARSE_NAME_MAX == INIFILE_SECTION_MAX,
              "each name can stand in a file");

/* Tags that our own lines bear: a global one would be there on some lines and hidden on others. "time" is
 * refused by InfluxDB. "host" is free: a global tag host wins, as with Telegraf. */
static const char *const reserved_tags[] = {"time", "le", "phase", "probe", "output"};

static struct config_output *find_output(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_outputs; i++)
		if (!strcmp(config->outputs[i].name, name))
			return &config->outputs[i];
	return NULL;
}

static struct config_probe *find_probe(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_probes; i++)
		if (!strcmp(config->probes[i].name, name))
			return &config->probes[i];
	return NULL;
}

static int add_output(struct config *config, const char *name, const char *place)
{
	struct config_output *grown =
		reallocarray(config->outputs, config->n_outputs + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	config->outputs = grown;
	struct config_output *output = &grown[config->n_outputs++];
	*output = (struct config_output){.name = strdup(name), .place = strdup(place)};
	if (!output->name || !output->place)
		return -ENOMEM;
	int r = confkeys_set_defaults("output.*", output);
	/* Empty until the end: then the environment stands in, else the default. */
	confvalue_free_list(&output->urls);
	return r;
}

static int add_probe(struct config *config, const char *name, const char *place)
{
	struct config_probe *grown =
		reallocarray(config->probes, config->n_probes + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	config->probes = grown;
	struct config_probe *probe = &grown[config->n_probes++];
	*probe = (struct config_probe){.name = strdup(name), .place = strdup(place)};
	if (!probe->name || !probe->place)
		return -ENOMEM;
	return confkeys_set_defaults("probe.*", probe);
}

/* The struct of a section; NULL when there is none (yet). */
static void *find_base(struct config *config, const char *pattern, const char *section)
{
	if (!strcmp(pattern, "output.*"))
		return find_output(config, strchr(section, '.') + 1);
	if (!strcmp(pattern, "probe.*"))
		return find_probe(config, strchr(section, '.') + 1);
	return config; /* agent and global_tags are always there */
}

int confset_section(const struct confset *set, const char *section, const char *place)
{
	assert(set && set->config && section && place);

	const char *pattern = confkeys_section(section);
	if (!pattern) {
		confkeys_report_section(set->report, place, section);
		return 0;
	}
	if (find_base(set->config, pattern, section))
		return 0;
	const char *name = strchr(section, '.') + 1;
	bool output = !strcmp(pattern, "output.*");
	size_t n = output ? set->config->n_outputs : set->config->n_probes;
	size_t max = output ? CONFIG_MAX_OUTPUTS : CONFIG_MAX_PROBES;
	if (!parse_is_name(name)) {
		report_add(set->report, REPORT_ERROR, place, "[%s]: " NAME_FORM, section);
		return 0;
	}
	if (n == max) {
		report_add(set->report, REPORT_ERROR, place, "[%s]: there can be %zu %s at most",
		           section, max, output ? "outputs" : "probes");
		return 0;
	}
	return output ? add_output(set->config, name, place) : add_probe(set->config, name, place);
}

/* What stands between "${" and "}", as a variable's name: at most 64 bytes. False when it is none. */
static bool variable_name(const char *s, char name[65])
{
	size_t len = 0;

	while (len < 64 && ((s[len] >= 'a' && s[len] <= 'z') || (s[len] >= 'A' && s[len] <= 'Z') ||
	                    s[len] == '_' || (len && s[len] >= '0' && s[len] <= '9')))
		len++;
	memcpy(name, s, len);
	name[len] = '\0';
	return len && s[len] == '}';
}

/* Replaces each ${VAR} once: what a variable holds is not looked at again. -EINVAL: reported. */
static int expand(const struct confset *set, const char *place, const char *section,
                  const char *key, const char *value, struct text *out)
{
	char name[65];

	for (const char *s; (s = strstr(value, "${")); value = strchr(s, '}') + 1) {
		text_append(out, value, (size_t)(s - value));
		if (!variable_name(s + 2, name)) {
			report_add(set->report, REPORT_ERROR, place,
			           "[%s] %s: \"${\" without a variable's name and \"}\"", section,
			           key);
			return -EINVAL;
		}
		const char *variable = set->getenv ? set->getenv(name) : NULL;
		if (!variable) {
			report_add(
				set->report, REPORT_ERROR, place,
				"[%s] %s: ${%s} is not set in the environment; set it there, or write "
				"the value here",
				section, key, name);
			return -EINVAL;
		}
		text_str(out, variable);
	}
	text_str(out, value);
	return out->err == -ENOMEM ? -ENOMEM : 0;
}

/* What inifile.h has checked for files holds for variables and --set, too. */
static const char *text_problem(const struct text *t)
{
	const char *s = text_cstr(t);

	if (t->err || t->len > INIFILE_VALUE_MAX)
		return "longer than 4096 bytes";
	if (!parse_is_utf8(s, t->len))
		return "not UTF-8";
	for (size_t i = 0; i < t->len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return "holds a control character";
	return NULL;
}

static int set_tag(const struct confset *set, const char *key, const char *value, const char *place)
{
	struct config *c = set->config;
	const char *problem = NULL;
	int r = 0;

	if (!parse_is_name(key))
		problem = NAME_FORM;
	for (size_t i = 0; i < ARRAY_SIZE(reserved_tags); i++)
		if (!strcmp(key, reserved_tags[i]))
			problem = "our own lines have a tag of this name; choose another";
	if (!problem)
		r = confpair_set(&c->global_tags, &c->n_global_tags, strcmp, CONFIG_MAX_TAGS, key,
		                 value, place);
	if (r == -ENOSPC)
		problem = "more than 32 tags; with those of the probes VictoriaMetrics takes 40";
	if (!problem)
		return r;
	report_add(set->report, REPORT_ERROR, place, "[global_tags] %s: %s", key, problem);
	return 0;
}

static int set_const(const struct confset *set, struct config_probe *probe, const char *key,
                     const char *value, const char *place)
{
	int r = confpair_set(&probe->consts, &probe->n_consts, strcmp, CONFIG_MAX_CONSTS, key,
	                     value, place);
	if (r != -ENOSPC)
		return r;
	report_add(set->report, REPORT_ERROR, place, "[probe.%s] const.%s: more than %d constants",
	           probe->name, key, CONFIG_MAX_CONSTS);
	return 0;
}

/* Headers that a request cannot have from others than us, and why. */
static const char *header_problem(const char *name)
{
	static const char *const ours[] = {"Content-Type", "Content-Encoding", "Content-Length",
	                                   "Transfer-Encoding", "Expect"};

	/* RFC 9110 section 5.6.2: a token. */
	if (name[strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
	                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return "a header's name holds letters, digits and !#$%&'*+-.^_`|~ only";
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strcasecmp(name, ours[i]))
			return "says how the body is sent, which is ours to know; remove it";
	return strcasecmp(name, "Host") ? NULL : "comes from urls; write the host there";
}

static int set_header(const struct confset *set, struct config_output *output, const char *name,
                      const char *value, const char *place)
{
	const char *problem = header_problem(name);
	int r = 0;

	/* A name in other letters is the same header. */
	if (!problem)
		r = confpair_set(&output->headers, &output->n_headers, strcasecmp,
		                 CONFIG_MAX_HEADERS, name, value, place);
	if (r == -ENOSPC)
		problem = "more than 16 headers";
	if (!problem)
		return r;
	report_add(set->report, REPORT_ERROR, place, "[output.%s] header.%s: %s", output->name,
	           name, problem);
	return 0;
}

/* Messages quote the text as it was written, with ${VAR} in it, and of secrets and URLs nothing. */
static int set_member(const struct confset *set, const struct config_key *row, void *base,
                      const char *section, const char *value, const char *written,
                      const char *place)
{
	CLEANUP(text_free) struct text why = {0};

	int r = confvalue_set(row, base, value, &why);
	if (r != -EINVAL)
		return r;
	bool quote = row->type != CONFIG_SECRET && row->type != CONFIG_URLS && written &&
	             strlen(written) <= QUOTE_MAX;
	report_add(set->report, REPORT_ERROR, place, "[%s] %s: %s%s%s%s", section, row->key,
	           quote ? "\"" : "", quote ? written : "", quote ? "\": " : "", text_cstr(&why));
	return 0;
}

static void warn_public(const struct confset *set, const char *section, const char *key,
                        const struct config_key *row, const char *text, const char *place)
{
	if (row->type == CONFIG_SECRET && set->file_public && *text && !strstr(text, "${"))
		report_add(set->report, REPORT_WARNING, place,
		           "[%s] %s: everybody can read this file; chmod it to 0640, or use ${VAR}",
		           section, key);
}

/* A secret may have them, so it is no error, and a header often does; who comes from telegraf.conf wonders about a 401. */
static void warn_quoted(const struct confset *set, const char *section, const char *key,
                        const struct config_key *row, const char *text, const char *place)
{
	size_t len = strlen(text);
	bool quoted = len > 1 && (*text == '"' || *text == '\'') && text[len - 1] == *text;

	if (row->type == CONFIG_SECRET && !row->example && quoted)
		report_add(set->report, REPORT_WARNING, place,
		           "[%s] %s: its quotes are taken for a part of it; values stand without",
		           section, key);
}

/* The key's row and the section's struct; false when there is none, which is reported by now. */
static bool find_key(const struct confset *set, const char *section, const char *key,
                     const char *place, const struct config_key **ret_row, void **ret_base)
{
	const char *pattern = confkeys_section(section);

	*ret_base = pattern ? find_base(set->config, pattern, section) : NULL;
	if (!*ret_base)
		return false; /* confset_section() has reported it */
	*ret_row = confkeys_find(pattern, key);
	if (!*ret_row)
		confkeys_report_key(set->report, place, section, key);
	return *ret_row;
}

/* telegraf.conf has quotes; here they would become part of a tag or of a database's name. */
static const char *quote_problem(const struct config_key *row, const char *value)
{
	size_t len = strlen(value);

	if (row->type == CONFIG_SECRET || len < 2)
		return NULL;
	if ((value[0] == '"' && value[len - 1] == '"') ||
	    (value[0] == '[' && value[len - 1] == ']'))
		return "values stand without quotes and brackets, lists are separated by blanks";
	return NULL;
}

/* Remembers where the key was set: that the output's type has no use for it shows only at the end. */
static int set_given(struct config_output *output, const char *key, const struct text *value,
                     const char *place)
{
	return confpair_set(&output->given, &output->n_given, strcmp, SIZE_MAX, key,
	                    value->len ? "set" : "", place);
}

/* @param written  what may be quoted, or NULL */
static int set_value(const struct confset *set, const char *section, const char *key,
                     const struct text *value, const char *written, const char *place)
{
	const struct config_key *row;
	void *base;

	if (!find_key(set, section, key, place, &row, &base))
		return 0;
	const char *problem = text_problem(value) ?: quote_problem(row, text_cstr(value));
	if (problem) {
		report_add(set->report, REPORT_ERROR, place, "[%s] %s: %s", section, key, problem);
		return 0;
	}
	if (!strcmp(row->section, "global_tags"))
		return set_tag(set, key, text_cstr(value), place);
	if (!strcmp(row->section, "output.*")) {
		int r = written ? set_given(base, key, value, place) : 0;
		if (r < 0)
			return r;
		if (row->example)
			return set_header(set, base, strchr(key, '.') + 1, text_cstr(value), place);
	}
	if (row->example)
		return set_const(set, base, strchr(key, '.') + 1, text_cstr(value), place);
	return set_member(set, row, base, section, text_cstr(value), written, place);
}

int confset_key(const struct confset *set, const char *section, const char *key, const char *text,
                const char *place)
{
	CLEANUP(conffile_wipe) struct text value = {0};
	const struct config_key *row;
	void *base;

	assert(set && section && key && text && place);
	if (!find_key(set, section, key, place, &row, &base))
		return 0;
	/* At once: a growing buffer would leave copies of secrets behind. */
	int r = text_reserve(&value, INIFILE_VALUE_MAX);
	if (!r)
		r = expand(set, place, section, key, text, &value);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	warn_public(set, section, key, row, text, place);
	warn_quoted(set, section, key, row, text, place);
	return set_value(set, section, key, &value, text, place);
}

int confset_key_verbatim(const struct confset *set, const char *section, const char *key,
                         const char *text, const char *place)
{
	CLEANUP(text_free) struct text value = {0};

	assert(set && section && key && text && place);
	text_str(&value, text);
	return value.err == -ENOMEM ? -ENOMEM : set_value(set, section, key, &value, NULL, place);
}
