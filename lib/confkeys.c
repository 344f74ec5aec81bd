/* SPDX-License-Identifier: Apache-2.0 */
#include "confkeys.h"

#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define MS 1000000ULL
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

const char *const output_type_names[OUTPUT_TYPE_MAX] = {
	[OUTPUT_INFLUX1] = "influx1", [OUTPUT_INFLUX2] = "influx2", [OUTPUT_INFLUX3] = "influx3",
	[OUTPUT_HTTP] = "http",       [OUTPUT_STDOUT] = "stdout",   [OUTPUT_FILE] = "file",
};

const char *const output_style_names[OUTPUT_STYLE_MAX] = {
	[STYLE_INFLUX] = "influx",
	[STYLE_FIELDS] = "fields",
	[STYLE_PROMETHEUS] = "prometheus",
	[STYLE_BCC2TELEGRAF] = "bcc2telegraf",
};

const char *const content_encoding_names[CONTENT_ENCODING_MAX] = {
	[ENCODING_GZIP] = "gzip",
	[ENCODING_IDENTITY] = "identity",
};

const char *const tls_version_names[TLS_VERSION_MAX] = {
	[TLS_1_2] = "TLS12",
	[TLS_1_3] = "TLS13",
};

#define AGENT(k, member, t, value)                                               \
	.section = "agent", .key = k, .type = CONFIG_##t, .default_text = value, \
	.offset = offsetof(struct config_agent, member)
#define OUTPUT(k, member, t, value)                                                 \
	.section = "output.*", .key = k, .type = CONFIG_##t, .default_text = value, \
	.offset = offsetof(struct config_output, member)
#define PROBE(k, member, t, value)                                                 \
	.section = "probe.*", .key = k, .type = CONFIG_##t, .default_text = value, \
	.offset = offsetof(struct config_probe, member)
#define CHOICES(names) .choices = names, .n_choices = ARRAY_SIZE(names)
#define BOUNDS(least, most) .min = least, .max = most

const struct config_key config_keys[] = {
	/* Below 100 ms the agent would measure itself; above 1 h a u32 slot could wrap unseen
	 * (2^32 counts in an hour are 1.2 million I/Os a second in one bucket). */
	{AGENT("interval", interval_ns, DURATION, "10s"), BOUNDS(100 * MS, HOUR),
         .doc = "Length of a window. Windows end at multiples of it since 1970, at the same instant on all "
                "hosts."},
	{AGENT("hostname", hostname, TEXT, ""),
         .doc = "The tag host: empty for the kernel's host name, fqdn for the name with its domain, or a "
                "text."},
	{AGENT("omit_hostname", omit_hostname, BOOL, "no"), .doc = "Send no tag host."},
	{AGENT("flush_jitter", flush_jitter_ns, DURATION, "5s"), BOUNDS(0, HOUR),
         .doc = "Each host sends with an offset of its own below this, and below half an interval."},
	{AGENT("series_ttl", series_ttl_ns, DURATION, "24h"), BOUNDS(MINUTE, 366ULL * 24 * HOUR),
         .doc = "A series that did not count for so long is no longer sent."},
	{AGENT("log_level", log_level, CHOICE, "info"), CHOICES(log_level_names),
         .doc = "What is written to standard error."},
	{AGENT("probe_dirs", probe_dirs, LIST, ""),
         .doc = "Instead of the administrator's folder probes.d and the shipped probes; the first file of a name wins."},
	{AGENT("btf_path", btf_path, TEXT, ""),
         .doc = "Only for a kernel that has no BTF itself: a file with it, raw, of that very kernel."},

	{OUTPUT("type", type, CHOICE, "influx1"), CHOICES(output_type_names),
         .doc = "influx1, 2, 3: InfluxDB 1, 2, 3 and who speaks like it (Telegraf, VictoriaMetrics); http: any "
                "URL as it is."},
	{OUTPUT("urls", urls, URLS, "http://127.0.0.1:8086"),
         .doc = "Tried in turn until one answers; unix:///SOCKET[:/PATH], too. Default: TELEGRAF_URL; port 8181 "
                "for influx3; http: none."},
	{OUTPUT("database", database, TEXT, "telegraf"),
         .doc = "Only for type = influx1 and influx3: the database to write to."},
	{OUTPUT("retention_policy", retention_policy, TEXT, ""),
         .doc = "Only for type = influx1: the retention policy. Empty: the database's default."},
	{OUTPUT("organization", organization, TEXT, ""),
         .doc = "Only for type = influx2: the organization. VictoriaMetrics and Telegraf need none."},
	{OUTPUT("bucket", bucket, TEXT, "telegraf"),
         .doc = "Only for type = influx2: the bucket to write to."},
	{OUTPUT("username", username, TEXT, ""),
         .doc = "For HTTP basic authentication. Empty: none."},
	{OUTPUT("password", password, SECRET, ""), .doc = "For HTTP basic authentication."},
	{OUTPUT("password_file", password_file, TEXT, ""),
         .doc = "The file that holds the password, instead of password. Without a / a systemd credential."},
	{OUTPUT("token", token, SECRET, ""),
         .doc = "For token authentication, with the scheme of the type: Token for influx2, else Bearer."},
	{OUTPUT("token_file", token_file, TEXT, ""),
         .doc = "The file that holds the token, instead of token. Without a / a systemd credential."},
	{OUTPUT("tls_ca", tls_ca, TEXT, ""),
         .doc = "PEM file of the authorities that a https receiver must be signed by. Empty: the system's."},
	{OUTPUT("tls_cert", tls_cert, TEXT, ""),
         .doc = "PEM file of the certificate by which this host proves itself. Empty: none."},
	{OUTPUT("tls_key", tls_key, TEXT, ""),
         .doc = "PEM file of its key. Empty: the key is in tls_cert, too."},
	/* What is older is broken (RFC 8996), and Debian's OpenSSL refuses it. */
	{OUTPUT("tls_min_version", tls_min_version, CHOICE, "TLS12"), CHOICES(tls_version_names),
         .doc = "The oldest TLS that is spoken with a https receiver."},
	{OUTPUT("insecure_skip_verify", insecure_skip_verify, BOOL, "no"),
         .doc = "Take any certificate of a https receiver."},
	{OUTPUT("http_proxy", http_proxy, TEXT, ""),
         .doc = "URL of a proxy, which may hold user:password@. Empty: none, whatever the environment says."},
	{.section = "output.*",
         .key = "header.*",
         .type = CONFIG_SECRET,
         .default_text = "",
         .doc = "A header on every request. Empty: not sent.",
         .example = "header.X-Scope-OrgID = team-1"},
	{OUTPUT("timeout", timeout_ns, DURATION, "5s"), BOUNDS(100 * MS, 10 * MINUTE),
         .doc = "Of one request, from connecting to the end of the answer."},
	{OUTPUT("content_encoding", content_encoding, CHOICE, "gzip"),
         CHOICES(content_encoding_names), .doc = "How bodies are compressed."},
	{OUTPUT("style", style, CHOICE, "influx"), CHOICES(output_style_names),
         .doc = "How histograms are written."},
	/* log-linear(6) is the finest scale: 64 slots an octave. */
	{OUTPUT("buckets_per_octave", buckets_per_octave, POWER, "1"), BOUNDS(1, 64),
         .doc = "How fine histograms are sent: buckets for each doubling. Never finer than recorded."},
	{OUTPUT("quantiles", quantiles, QUANTILES, "0.5 0.9 0.99 0.999"),
         .doc = "Quantiles beside each histogram, as p50_us. Empty: none."},
	{OUTPUT("le_padded", le_padded, BOOL, "no"),
         .doc = "Zeros before the bounds of buckets, so that they sort as text. Not for style = prometheus."},
	{OUTPUT("cumulative_hist", cumulative_hist, BOOL, "no"),
         .doc = "Only for style = bcc2telegraf: buckets count all that is below, too."},
	{OUTPUT("path", path, TEXT, ""),
         .doc = "Only for type = file, and needed there: the file to append to."},
	/* InfluxDB 1.x refuses bodies above 25 MB; the smallest holds a few of our longest lines. */
	{OUTPUT("batch_max_bytes", batch_max_bytes, BYTES, "1MiB"), BOUNDS(16 * KIB, 16 * MIB),
         .doc = "Size of one body before compression."},
	{OUTPUT("spool_dir", spool_dir, TEXT, "/var/lib/thermograf/spool"),
         .doc = "Where windows wait that the receiver does not take, in a folder of the output's name. Empty: in "
                "memory."},
	{OUTPUT("spool_max_bytes", spool_max_bytes, BYTES, "64MiB"), BOUNDS(64 * KIB, 64 * GIB),
         .doc = "What is kept there while the receiver takes nothing; the oldest leaves first."},

	{PROBE("enabled", enabled, TRISTATE, "auto"),
         .doc = "Whether the probe is loaded; auto: as its own file says."},
	{PROBE("required", required, BOOL, "no"),
         .doc = "Whether the agent must not start without it."},
	/* 2^20: as many keys as a probe's map may have at all. */
	{PROBE("max_series", max_series, NUMBER, "10000"), BOUNDS(1, 1 << 20),
         .doc = "Series kept apart for each map; what comes later is summed up under the tag value _other."},
	{PROBE("alias", alias, TEXT, ""),
         .doc = "Only for style = bcc2telegraf: the tag metric. Empty: the measurement."},
	{.section = "probe.*",
         .key = "const.*",
         .type = CONFIG_TEXT,
         .default_text = "",
         .doc = "A constant of the probe, in the words of its own file.",
         .example = "const.phases = total"},

	{.section = "global_tags",
         .key = "*",
         .type = CONFIG_TEXT,
         .default_text = "",
         .doc = "A tag on every line. For dc the variable LOCAL_DATACENTER stands in.",
         .example = "dc = east-1"},
};

const size_t config_keys_n = ARRAY_SIZE(config_keys);

/* What a person coming from Telegraf writes and we have no key for. */
static const struct {
	const char *key, *instead;
} not_taken[] = {
	{"collection_jitter",
         "all hosts cut windows at the same instant; flush_jitter in [agent] spreads the sending"},
	{"collection_offset",
         "all hosts cut windows at the same instant; flush_jitter in [agent] spreads the sending"},
	{"round_interval", "windows are always aligned to the interval; remove it"},
	{"metric_batch_size",
         "bodies are bounded in bytes, not lines; use batch_max_bytes in [output.NAME]"},
	{"metric_buffer_limit",
         "what waits is bounded in bytes, not lines; use spool_max_bytes in [output.NAME]"},
	{"flush_interval", "each window is sent when it ends; use interval in [agent]"},
	{"precision", "time stamps are always nanoseconds; remove it"},
	{"skip_database_creation", "databases are never created; remove it"},
	{"database_tag", "all lines of an output go to one database; use database"},
	{"exclude_database_tag", "all lines of an output go to one database; use database"},
	{"bucket_tag", "all lines of an output go to one bucket; use bucket"},
	{"exclude_bucket_tag", "all lines of an output go to one bucket; use bucket"},
	{"retention_policy_tag", "all lines go to one retention policy; use retention_policy"},
	{"write_consistency", "put it into the URL, as urls = http://h:8086/write?consistency=any"},
	{"url", "use urls"},
	{"method", "requests are always POST; remove it"},
	{"data_format", "lines are always line protocol; use style for their form"},
	{"user_agent", "use header.User-Agent"},
	{"http_headers", "use one header.NAME = value for each"},
	{"headers", "use one header.NAME = value for each"},
	{"http_proxy_url", "use http_proxy"},
	{"use_system_proxy", "a proxy is never taken from the environment; use http_proxy"},
	{"influx_uint_support", "integers always end in i; remove it"},
	{"influx_sort_fields", "fields are always sorted; remove it"},
	{"udp_payload", "lines go over HTTP only; remove it"},
	{"local_address", "the kernel's routes choose it; remove it"},
	{"tls_enable", "https:// in urls is enough; remove it"},
	{"tls_server_name", "the name in urls is the one that is checked; remove it"},
	{"tls_cipher_suites", "the TLS library's own are used; remove it"},
	{"tls_key_pwd",
         "store the key without a passphrase, in a file that only root and the agent can read"},
	{"ssl_ca", "use tls_ca"},
	{"ssl_cert", "use tls_cert"},
	{"ssl_key", "use tls_key"},
	{"debug", "use log_level = debug in [agent]"},
	{"quiet", "use log_level = error in [agent]"},
};

const char *confkeys_section(const char *section)
{
	assert(section);

	for (size_t i = 0; i < config_keys_n; i++) {
		const char *pattern = config_keys[i].section;
		size_t len = strcspn(pattern, "*");
		if (pattern[len] ? !strncmp(section, pattern, len) && section[len]
		                 : !strcmp(section, pattern))
			return pattern;
	}
	return NULL;
}

static bool key_matches(const char *pattern, const char *key)
{
	size_t len = strcspn(pattern, "*");

	return pattern[len] ? !strncmp(key, pattern, len) && key[len] : !strcmp(key, pattern);
}

const struct config_key *confkeys_find(const char *section, const char *key)
{
	assert(section && key);

	for (size_t i = 0; i < config_keys_n; i++)
		if (!strcmp(config_keys[i].section, section) &&
		    key_matches(config_keys[i].key, key))
			return &config_keys[i];
	return NULL;
}

void confkeys_report_section(struct report *report, const char *place, const char *section)
{
	static const char *const names[] = {"agent", "global_tags", "output", "probe"};
	char head[64];
	size_t len = strcspn(section, ".");

	if (len >= sizeof(head))
		len = sizeof(head) - 1;
	memcpy(head, section, len);
	head[len] = '\0';
	const char *near = parse_suggest(head, names, ARRAY_SIZE(names));
	if (!near)
		report_add(
			report, REPORT_ERROR, place,
			"[%s]: no such section; there are [agent], [global_tags], [output.NAME] and "
			"[probe.NAME]",
			section);
	else if (near == names[0] || near == names[1])
		report_add(report, REPORT_ERROR, place, "[%s]: no such section; did you mean [%s]?",
		           section, near);
	else
		report_add(report, REPORT_ERROR, place,
		           "[%s]: no such section; did you mean [%s.%s]?", section, near,
		           section[len] && section[len + 1] ? section + len + 1 : "NAME");
}

/* A key of another section, exactly as it stands in the table; wildcards fit anything and say nothing. */
static const struct config_key *find_elsewhere(const char *key)
{
	for (size_t i = 0; i < config_keys_n; i++)
		if (!strcmp(config_keys[i].key, key))
			return &config_keys[i];
	return NULL;
}

static const char *suggest_key(const char *pattern, const char *key)
{
	const char *names[ARRAY_SIZE(config_keys)];
	size_t n = 0;

	for (size_t i = 0; i < config_keys_n; i++)
		if (!strcmp(config_keys[i].section, pattern) && !strchr(config_keys[i].key, '*'))
			names[n++] = config_keys[i].key;
	return parse_suggest(key, names, n);
}

void confkeys_report_key(struct report *report, const char *place, const char *section,
                         const char *key)
{
	const char *pattern = confkeys_section(section);
	assert(pattern);

	for (size_t i = 0; i < ARRAY_SIZE(not_taken); i++)
		if (!strcmp(key, not_taken[i].key)) {
			report_add(report, REPORT_ERROR, place,
			           "[%s] %s: not taken over from Telegraf: %s", section, key,
			           not_taken[i].instead);
			return;
		}
	const struct config_key *elsewhere = find_elsewhere(key);
	const char *near = suggest_key(pattern, key);
	if (elsewhere)
		report_add(report, REPORT_ERROR, place,
		           "[%s] %s: no such key here; it belongs to [%.*s%s]", section, key,
		           (int)strcspn(elsewhere->section, "*"), elsewhere->section,
		           strchr(elsewhere->section, '*') ? "NAME" : "");
	else if (near)
		report_add(report, REPORT_ERROR, place,
		           "[%s] %s: no such key; did you mean \"%s\"?", section, key, near);
	else
		report_add(report, REPORT_ERROR, place,
		           "[%s] %s: no such key; \"thermograf check --defaults\" lists all",
		           section, key);
}

int confkeys_set_defaults(const char *section, void *base)
{
	CLEANUP(text_free) struct text why = {0};

	assert(section && base);
	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *key = &config_keys[i];
		if (strcmp(key->section, section) || key->example)
			continue;
		int r = confvalue_set(key, base, key->default_text, &why);
		if (r < 0)
			return r;
	}
	return 0;
}

void confkeys_clear(const char *section, void *base)
{
	for (size_t i = 0; i < config_keys_n; i++)
		if (!strcmp(config_keys[i].section, section) && !config_keys[i].example)
			confvalue_clear(&config_keys[i], base);
}

/* Headers of sections with a name stay comments: [output.NAME] would take the place of the built-in output
 * for good, also after conf.d brought another. A key uncommented without its header is then an error in
 * [agent]; [global_tags] takes any key and therefore comes last. */
static void print_section(struct text *out, const char *section)
{
	if (!strcmp(section, "agent"))
		text_str(out, "[agent]\n");
	else if (!strcmp(section, "global_tags"))
		text_str(out, "[global_tags]\n");
	else if (!strcmp(section, "output.*"))
		text_str(
			out,
			"; Any number of outputs, each with a name. Without any there is this one.\n"
			";[output.telegraf]\n");
	else
		text_str(
			out,
			"; Settings of one probe; NAME is its file's name without .ini.\n;[probe.NAME]\n");
}

void confkeys_print(struct text *out)
{
	const char *section = "";

	assert(out);
	text_str(
		out,
		"; thermograf.ini: every key with its default. Uncomment the section's header, too.\n"
		"; \" ;\" starts a comment. ${VAR} takes a value from the environment. A long value goes on in\n"
		"; indented lines. A later file (conf.d/*.ini) overrides key by key.\n");
	for (size_t i = 0; i < config_keys_n; i++) {
		const struct config_key *key = &config_keys[i];
		if (strcmp(section, key->section)) {
			section = key->section;
			text_char(out, '\n');
			print_section(out, section);
		}
		text_printf(out, "\n; %s\n; ", key->doc);
		confvalue_describe(key, out);
		if (key->example)
			text_printf(out, "\n;%s\n", key->example);
		else
			text_printf(out, "\n;%s =%s%s\n", key->key, *key->default_text ? " " : "",
			            key->default_text);
	}
}
