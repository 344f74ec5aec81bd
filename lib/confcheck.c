/* SPDX-License-Identifier: Apache-2.0 */
#include "confcheck.h"

#include "url.h"

#include <assert.h>
#include <string.h>

#define BIT(n) (1u << (n))
#define HTTP_TYPES \
	(BIT(OUTPUT_INFLUX1) | BIT(OUTPUT_INFLUX2) | BIT(OUTPUT_INFLUX3) | BIT(OUTPUT_HTTP))

/* Who uses a key; 0: all. Keys that are not here are used by all. */
static const struct use {
	const char *key;
	unsigned int types, styles;
} uses[] = {
	{"urls", HTTP_TYPES, 0},
	{"database", BIT(OUTPUT_INFLUX1) | BIT(OUTPUT_INFLUX3), 0},
	{"retention_policy", BIT(OUTPUT_INFLUX1), 0},
	{"organization", BIT(OUTPUT_INFLUX2), 0},
	{"bucket", BIT(OUTPUT_INFLUX2), 0},
	{"username", HTTP_TYPES, 0},
	{"password", HTTP_TYPES, 0},
	{"password_file", HTTP_TYPES, 0},
	{"token", HTTP_TYPES, 0},
	{"token_file", HTTP_TYPES, 0},
	{"tls_ca", HTTP_TYPES, 0},
	{"tls_cert", HTTP_TYPES, 0},
	{"tls_key", HTTP_TYPES, 0},
	{"tls_min_version", HTTP_TYPES, 0},
	{"insecure_skip_verify", HTTP_TYPES, 0},
	{"http_proxy", HTTP_TYPES, 0},
	{"header.", HTTP_TYPES, 0},
	{"timeout", HTTP_TYPES, 0},
	{"content_encoding", HTTP_TYPES, 0},
	{"path", BIT(OUTPUT_FILE), 0},
	{"batch_max_bytes", HTTP_TYPES, 0},
	{"spool_dir", HTTP_TYPES, 0},
	{"spool_max_bytes", HTTP_TYPES, 0},
	{"quantiles", 0, ~BIT(STYLE_BCC2TELEGRAF)},
	{"le_padded", 0, ~BIT(STYLE_PROMETHEUS)},
	{"cumulative_hist", 0, BIT(STYLE_BCC2TELEGRAF)},
};

/* Keys that mean something to a https:// receiver only. */
static const char *const tls_keys[] = {"tls_ca", "tls_cert", "tls_key", "tls_min_version",
                                       "insecure_skip_verify"};

/* Where a key was set, "" when it was set to nothing; NULL: it was not. */
static const struct config_pair *find_given(const struct config_output *o, const char *key)
{
	for (size_t i = 0; i < o->n_given; i++)
		if (!strcmp(o->given[i].key, key) && *o->given[i].value)
			return &o->given[i];
	return NULL;
}

static const char *place_of(const struct config_output *o, const char *key)
{
	const struct config_pair *given = find_given(o, key);

	if (given)
		return given->place;
	return *o->place ? o->place : NULL;
}

static void error(const struct config_output *o, struct report *report, const char *key,
                  const char *problem)
{
	report_add(report, REPORT_ERROR, place_of(o, key), "[output.%s] %s: %s", o->name, key,
	           problem);
}

static const struct use *find_use(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		size_t len = strlen(uses[i].key);
		bool wildcard = uses[i].key[len - 1] == '.';

		if (wildcard ? !strncmp(key, uses[i].key, len) : !strcmp(key, uses[i].key))
			return &uses[i];
	}
	return NULL;
}

/* "a", "a or b", "a, b or c": those of the names whose bit is set. */
static void add_names(struct text *out, unsigned int bits, const char *const *names, unsigned int n)
{
	bool first = true;

	for (unsigned int i = 0; i < n; i++) {
		if (!(bits & BIT(i)))
			continue;
		bool last = !((bits & (BIT(n) - 1)) >> (i + 1));
		text_str(out, first ? "" : last ? " or " : ", ");
		text_str(out, names[i]);
		first = false;
	}
}

static void warn_unused(const struct config_output *o, const struct config_pair *given,
                        struct report *report)
{
	CLEANUP(text_free) struct text users = {0};
	const struct use *use = find_use(given->key);

	if (!use || !*given->value)
		return;
	if (use->types && !(use->types & BIT(o->type))) {
		text_str(&users, "type = ");
		add_names(&users, use->types, output_type_names, OUTPUT_TYPE_MAX);
	} else if (use->styles && !(use->styles & BIT(o->style))) {
		text_str(&users, "style = ");
		add_names(&users, use->styles, output_style_names, OUTPUT_STYLE_MAX);
	} else {
		return;
	}
	report_add(report, REPORT_WARNING, given->place, "[output.%s] %s: not used; only %s has it",
	           o->name, given->key, text_cstr(&users));
}

/* Whether any URL begins with this. */
static bool any_url(const struct config_output *o, const char *scheme)
{
	for (size_t i = 0; i < o->urls.n; i++)
		if (!strncasecmp(o->urls.items[i], scheme, strlen(scheme)))
			return true;
	return false;
}

static void check_urls(const struct config_output *o, struct report *report)
{
	if (o->type == OUTPUT_HTTP && !o->urls.n)
		error(o, report, "urls", "missing; type = http has no receiver of its own");
	for (size_t i = 0; i < o->urls.n; i++)
		if (o->type != OUTPUT_HTTP && url_has_parameter(o->urls.items[i], "precision"))
			error(o, report, "urls",
			      "holds precision=, which is always nanoseconds here; remove it");
	for (size_t i = 0; i < ARRAY_SIZE(tls_keys) && !any_url(o, "https://"); i++) {
		const struct config_pair *given = find_given(o, tls_keys[i]);

		if (given)
			report_add(report, REPORT_WARNING, given->place,
			           "[output.%s] %s: not used; no URL in urls begins with https://",
			           o->name, tls_keys[i]);
	}
	if (*o->http_proxy && url_proxy_problem(o->http_proxy))
		error(o, report, "http_proxy", url_proxy_problem(o->http_proxy));
}

static void check_login(const struct config_output *o, struct report *report)
{
	bool token = *o->token || *o->token_file, login = *o->username || token;

	if (*o->token && *o->token_file)
		error(o, report, "token_file", "there is token, too; keep one of the two");
	if (*o->password && *o->password_file)
		error(o, report, "password_file", "there is password, too; keep one of the two");
	if (token && *o->username)
		error(o, report, "username",
		      "there is a token, too, and a request proves itself in one way only; "
		      "keep one of the two");
	if (*o->password && !*o->username)
		error(o, report, "password", "without username");
	if (*o->password_file && !*o->username)
		error(o, report, "password_file", "without username");
	if (*o->tls_key && !*o->tls_cert)
		error(o, report, "tls_key", "without tls_cert");
	for (size_t i = 0; i < o->n_headers && login; i++)
		if (!strcasecmp(o->headers[i].key, "Authorization"))
			report_add(report, REPORT_ERROR, o->headers[i].place,
			           "[output.%s] header.%s: comes from username or token, too; "
			           "keep one of the two",
			           o->name, o->headers[i].key);
}

void confcheck_output(const struct config_output *o, struct report *report)
{
	assert(o && report);

	for (size_t i = 0; i < o->n_given; i++)
		warn_unused(o, &o->given[i], report);
	if (o->type == OUTPUT_FILE && !*o->path)
		error(o, report, "path", "missing; type = file needs it");
	if (o->type == OUTPUT_FILE || o->type == OUTPUT_STDOUT)
		return;
	/* The agent's own folder is another one under systemd than in a shell. */
	if (*o->spool_dir && *o->spool_dir != '/')
		error(o, report, "spool_dir", "begins with /, or is empty for none");
	if (o->batch_max_bytes > o->spool_max_bytes)
		error(o, report, "batch_max_bytes",
		      "larger than spool_max_bytes; no full batch could wait");
	check_urls(o, report);
	check_login(o, report);
}
