/* SPDX-License-Identifier: Apache-2.0 */
#include "config_case.h"

#include "parse.h"

/* ---- What is said when nothing is wrong. */

static void nothing_said_gives_the_defaults(void **state)
{
	assert_int_equal(load(""), 0);
	assert_int_equal(config->agent.interval_ns, 10000000000);
	assert_string_equal(config->agent.hostname, "");
	assert_false(config->agent.omit_hostname);
	assert_int_equal(config->agent.flush_jitter_ns, 5000000000);
	assert_int_equal(config->agent.series_ttl_ns, 86400000000000);
	assert_int_equal(config->agent.log_level, LOG_LEVEL_INFO);
	assert_int_equal(config->agent.probe_dirs.n, 0);
	assert_int_equal(config->n_global_tags, 0);
	assert_int_equal(config->n_probes, 0);
	assert_int_equal(config->n_outputs, 1);

	const struct config_output *o = &config->outputs[0];
	assert_string_equal(o->name, "telegraf");
	assert_int_equal(o->type, OUTPUT_INFLUX1);
	assert_int_equal(o->urls.n, 1);
	assert_string_equal(o->urls.items[0], "http://127.0.0.1:8086");
	assert_string_equal(o->database, "telegraf");
	assert_string_equal(o->retention_policy, "");
	assert_string_equal(o->username, "");
	assert_string_equal(o->password, "");
	assert_int_equal(o->timeout_ns, 5000000000);
	assert_int_equal(o->content_encoding, ENCODING_GZIP);
	assert_int_equal(o->style, STYLE_INFLUX);
	assert_int_equal(o->buckets_per_octave, 1);
	assert_int_equal(o->batch_max_bytes, 1 << 20);
	assert_string_equal(o->spool_dir, "/var/lib/thermograf/spool");
	assert_int_equal(o->spool_max_bytes, 64 << 20);
}

static void every_key_reaches_its_member(void **state)
{
	assert_int_equal(load("[agent]\n"
	                      "interval = 1m30s\nhostname = fqdn\nomit_hostname = yes\n"
	                      "flush_jitter = 0\nseries_ttl = 1h\nlog_level = debug\n"
	                      "probe_dirs = /a /b\n"
	                      "[output.o]\n"
	                      "type = file\nurls = http://a\n  https://b:1/x ; comment\n"
	                      "database = d\nretention_policy = r\nusername = u\npassword = p\n"
	                      "timeout = 500ms\ncontent_encoding = identity\nstyle = influx\n"
	                      "buckets_per_octave = 4\npath = /f\nbatch_max_bytes = 64KiB\n"
	                      "spool_max_bytes = 1GiB\norganization = g\nbucket = k\n"
	                      "tls_ca = /ca\ntls_cert = /cert\ntls_key = /key\n"
	                      "insecure_skip_verify = yes\nhttp_proxy = http://u:p@x:1\n"
	                      "header.X-A = 1\nheader.x-b = 2 3\nspool_dir = /s\n"
	                      "[probe.p]\n"
	                      "enabled = no\nrequired = yes\nmax_series = 2^10\n"
	                      "const.phases = total queue\nconst.a = 0x10\n"),
	                 0);
	assert_int_equal(config->agent.interval_ns, 90000000000);
	assert_string_equal(config->agent.hostname, "fqdn");
	assert_true(config->agent.omit_hostname);
	assert_int_equal(config->agent.flush_jitter_ns, 0);
	assert_int_equal(config->agent.series_ttl_ns, 3600000000000);
	assert_int_equal(config->agent.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(config->agent.probe_dirs.n, 2);
	assert_string_equal(config->agent.probe_dirs.items[1], "/b");

	assert_int_equal(config->n_outputs, 1);
	const struct config_output *o = &config->outputs[0];
	assert_string_equal(o->name, "o");
	assert_string_equal(o->place, FILE_NAME ":9");
	assert_int_equal(o->type, OUTPUT_FILE);
	assert_int_equal(o->urls.n, 2);
	assert_string_equal(o->urls.items[1], "https://b:1/x");
	assert_string_equal(o->database, "d");
	assert_string_equal(o->retention_policy, "r");
	assert_string_equal(o->username, "u");
	assert_string_equal(o->password, "p");
	assert_int_equal(o->timeout_ns, 500000000);
	assert_int_equal(o->content_encoding, ENCODING_IDENTITY);
	assert_int_equal(o->buckets_per_octave, 4);
	assert_string_equal(o->path, "/f");
	assert_int_equal(o->batch_max_bytes, 65536);
	assert_int_equal(o->spool_max_bytes, 1 << 30);
	assert_string_equal(o->spool_dir, "/s");

	const struct config_probe *p = config_find_probe(config, "p");
	assert_non_null(p);
	assert_null(config_find_probe(config, "q"));
	assert_int_equal(p->enabled, 0);
	assert_true(p->required);
	assert_int_equal(p->max_series, 1024);
	assert_string_equal(p->place, FILE_NAME ":34");
	assert_int_equal(p->n_consts, 2);
	assert_string_equal(p->consts[0].key, "a");
	assert_string_equal(p->consts[0].value, "0x10");
	assert_string_equal(p->consts[1].key, "phases");
	assert_string_equal(p->consts[1].value, "total queue");
	assert_string_equal(p->consts[1].place, FILE_NAME ":38");
	assert_string_equal(o->tls_ca, "/ca");
	assert_string_equal(o->tls_cert, "/cert");
	assert_string_equal(o->tls_key, "/key");
	assert_true(o->insecure_skip_verify);
	assert_string_equal(o->http_proxy, "http://u:p@x:1");
	assert_string_equal(o->organization, "g");
	assert_string_equal(o->bucket, "k");
	assert_int_equal(o->n_headers, 2);
	assert_string_equal(o->headers[0].key, "X-A");
	assert_string_equal(o->headers[1].value, "2 3");
}

static void a_probe_is_enabled_as_its_own_file_says(void **state)
{
	assert_int_equal(load("[probe.p]\n"), 0);
	assert_int_equal(config->probes[0].enabled, -1);
	assert_int_equal(load("[probe.p]\nenabled = auto\n"), 0);
	assert_int_equal(config->probes[0].enabled, -1);
	assert_int_equal(load("[probe.p]\nenabled = yes\n"), 0);
	assert_int_equal(config->probes[0].enabled, 1);
}

static void the_built_in_output_gives_way_to_any_other(void **state)
{
	assert_int_equal(load("[output.stdout]\ntype = stdout\n"), 0);
	assert_int_equal(config->n_outputs, 1);
	assert_string_equal(config->outputs[0].name, "stdout");
	assert_int_equal(load("[output.a]\n[output.b]\n"), 0);
	assert_int_equal(config->n_outputs, 2);
	assert_int_equal(load("[agent]\ninterval = 1s\n"), 0);
	assert_string_equal(config->outputs[0].name, "telegraf");
}

/* ---- Precedence. */

static void set_wins_over_files(void **state)
{
	assert_int_equal(load_with("[agent]\ninterval = 5s\n", "agent/interval=1s"), 0);
	assert_int_equal(config->agent.interval_ns, 1000000000);
	assert_int_equal(load_with("", "output.telegraf/database=a=b"), 0);
	assert_int_equal(config->n_outputs, 1);
	assert_string_equal(config->outputs[0].database, "a=b");
	assert_int_equal(load_with("", "probe.p/const.phases=total device"), 0);
	assert_string_equal(config->probes[0].consts[0].value, "total device");
	assert_int_equal(load_with("[global_tags]\ndc = a\n", "global_tags/dc=b"), 0);
	assert_string_equal(tag("dc"), "b");
}

static void an_output_may_have_the_longest_name_in_a_file_and_by_set(void **state)
{
	char name[PARSE_NAME_MAX + 1] = "", set[PARSE_NAME_MAX + 32], file[PARSE_NAME_MAX + 32];

	memset(name, 'a', PARSE_NAME_MAX);
	snprintf(set, sizeof(set), "output.%s/type=influx1", name);
	snprintf(file, sizeof(file), "[output.%s]\nstyle=fields\n", name);
	assert_int_equal(load_with(file, set), 0);
	assert_int_equal(config->n_outputs, 1);
	assert_string_equal(config->outputs[0].name, name);
	assert_int_equal(config->outputs[0].urls.n, 1);
	assert_string_equal(config->outputs[0].urls.items[0], "http://127.0.0.1:8086");
}

static void files_win_over_the_environment(void **state)
{
	static const char *const env[] = {"TELEGRAF_URL", "http://e:1/w", "LOCAL_DATACENTER", "env",
	                                  NULL};
	variables = env;

	assert_int_equal(load(""), 0);
	assert_string_equal(config->outputs[0].urls.items[0], "http://e:1/w");
	assert_string_equal(tag("dc"), "env");
	assert_int_equal(
		load("[output.a]\nurls = http://f\n[output.b]\n[global_tags]\ndc = file\n"), 0);
	assert_string_equal(config->outputs[0].urls.items[0], "http://f");
	assert_string_equal(config->outputs[1].urls.items[0], "http://e:1/w");
	assert_string_equal(tag("dc"), "file");
}

static void telegrafs_url_is_for_what_telegraf_listens_to(void **state)
{
	static const char *const env[] = {"TELEGRAF_URL", "http://e:1", NULL};
	variables = env;

	assert_int_equal(load("[output.a]\ntype = influx1\n[output.b]\ntype = influx2\n"
	                      "[output.c]\ntype = influx3\n[output.d]\ntype = stdout\n"),
	                 0);
	assert_string_equal(config->outputs[0].urls.items[0], "http://e:1");
	assert_string_equal(config->outputs[1].urls.items[0], "http://e:1");
	assert_string_equal(config->outputs[2].urls.items[0], "http://127.0.0.1:8181");
	assert_string_equal(errors("[output.d]\ntype = http\n"), FILE_NAME
	                    ":1: [output.d] urls: missing; type = http has no receiver of "
	                    "its own\n");
}

static void an_empty_tag_keeps_the_environment_out(void **state)
{
	static const char *const env[] = {"LOCAL_DATACENTER", "env", NULL};
	variables = env;

	assert_int_equal(load("[global_tags]\nb = 2\ndc =\na = 1\n"), 0);
	assert_int_equal(config->n_global_tags, 2);
	assert_string_equal(config->global_tags[0].key, "a");
	assert_string_equal(config->global_tags[1].key, "b");
}

static void an_empty_variable_is_as_good_as_none(void **state)
{
	static const char *const env[] = {"TELEGRAF_URL", "", "LOCAL_DATACENTER", "", NULL};
	variables = env;

	assert_int_equal(load(""), 0);
	assert_string_equal(config->outputs[0].urls.items[0], "http://127.0.0.1:8086");
	assert_int_equal(config->n_global_tags, 0);
}

static void the_environment_is_checked_as_files_are(void **state)
{
	static const char *const bad_url[] = {"TELEGRAF_URL", "http://u:hunter2@h", NULL};
	static const char *const bad_dc[] = {"LOCAL_DATACENTER", "a\nb", NULL};

	variables = bad_url;
	assert_string_equal(
		errors(""),
		"TELEGRAF_URL: [output.telegraf] urls: holds credentials, which would be "
		"printed; set username and password instead\n");
	variables = bad_dc;
	assert_string_equal(errors(""),
	                    "LOCAL_DATACENTER: [global_tags] dc: holds a control character\n");
}

/* ---- ${VAR} */

static void variables_are_put_in_once(void **state)
{
	static const char *const env[] = {"A", "${B}", "B", "b", "_C1", "", NULL};
	variables = env;

	assert_int_equal(load("[global_tags]\nx = <${A}${_C1}|${B}>\ny = $B $$ {B} $\n"), 0);
	assert_string_equal(tag("x"), "<${B}|b>");
	assert_string_equal(tag("y"), "$B $$ {B} $");
}

static void a_variable_may_hold_a_list(void **state)
{
	static const char *const env[] = {"URLS", "http://a http://b", NULL};
	variables = env;

	assert_int_equal(load("[output.o]\nurls = ${URLS} http://c\n"), 0);
	assert_int_equal(config->outputs[0].urls.n, 3);
}

static void an_undefined_variable_is_an_error(void **state)
{
	assert_string_equal(errors("[agent]\nhostname = ${NAME}\n"), FILE_NAME
	                    ":2: [agent] hostname: ${NAME} is not set in the environment; "
	                    "set it there, or write the value here\n");
	assert_string_equal(errors("[agent]\nhostname = ${NAME\n"),
	                    FILE_NAME ":2: [agent] hostname: \"${\" without a variable's name and "
	                              "\"}\"\n");
	assert_int_equal(load("[agent]\nhostname = ${}\n"), -EINVAL);
	assert_int_equal(load("[agent]\nhostname = ${1}\n"), -EINVAL);
	assert_int_equal(load("[agent]\nhostname = ${A-b}\n"), -EINVAL);
}

/* ---- Mistakes. */

static void an_unknown_key_gets_place_and_suggestion(void **state)
{
	assert_string_equal(
		errors("[output.telegraf]\n\ntime_out = 5s\n"), FILE_NAME
		":3: [output.telegraf] time_out: no such key; did you mean \"timeout\"?\n");
	assert_string_equal(errors("[probe.p]\nfrobnicate = 1\n"),
	                    FILE_NAME ":2: [probe.p] frobnicate: no such key; \"thermograf check "
	                              "--defaults\" lists all\n");
	assert_string_equal(errors("[agent]\nurls = http://h\n"), FILE_NAME
	                    ":2: [agent] urls: no such key here; it belongs to [output.NAME]\n");
	assert_string_equal(errors("[output.o]\ninterval = 1s\n"),
	                    FILE_NAME ":2: [output.o] interval: no such key here; it belongs to "
	                              "[agent]\n");
	assert_int_equal(load("[probe.p]\nconst. = 1\n"), -EINVAL);
}

static void an_unknown_section_gets_place_and_suggestion(void **state)
{
	assert_string_equal(errors("[outputs.influx]\nurls = x\n"),
	                    FILE_NAME ":1: [outputs.influx]: no such section; did you mean "
	                              "[output.influx]?\n");
	assert_string_equal(errors("[output]\n"), FILE_NAME
	                    ":1: [output]: no such section; did you mean [output.NAME]?\n");
	assert_string_equal(errors("[probe.]\n"), FILE_NAME
	                    ":1: [probe.]: no such section; did you mean [probe.NAME]?\n");
	assert_string_equal(errors("[global-tags]\n"),
	                    FILE_NAME ":1: [global-tags]: no such section; did you mean "
	                              "[global_tags]?\n");
	assert_string_equal(errors("[inputs.cpu]\n"),
	                    FILE_NAME ":1: [inputs.cpu]: no such section; there are [agent], "
	                              "[global_tags], [output.NAME] and [probe.NAME]\n");
	assert_string_equal(errors("[output.a.b]\nurls = x\n"), FILE_NAME
	                    ":1: [output.a.b]: a name is a letter, then letters, digits, _ and -, "
	                    "at most 42\n");
}

static void the_same_key_twice_in_one_file_is_an_error(void **state)
{
	assert_string_equal(errors("[agent]\ninterval = 1s\ninterval = 2s\n"), FILE_NAME
	                    ":3: [agent] interval: already set in line 2; keep one of the "
	                    "two\n");
}

static void what_telegraf_has_and_we_have_not_names_ours(void **state)
{
	static const struct {
		const char *key, *ours;
	} rows[] = {
		{"collection_jitter", "flush_jitter"},
		{"collection_offset", "flush_jitter"},
		{"round_interval", "always aligned"},
		{"metric_batch_size", "batch_max_bytes"},
		{"metric_buffer_limit", "spool_max_bytes"},
		{"flush_interval", "interval"},
		{"precision", "nanoseconds"},
		{"debug", "log_level"},
		{"quiet", "log_level"},
		{"skip_database_creation", "never created"},
		{"user_agent", "header.User-Agent"},
		{"http_headers", "header.NAME"},
		{"influx_uint_support", "end in i"},
		{"tls_server_name", "urls"},
		{"url", "urls"},
		{"ssl_ca", "tls_ca"},
	};
	char data[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(data, sizeof(data), "[agent]\n%s = 1\n", rows[i].key);
		const char *text = errors(data);
		assert_non_null(strstr(text, FILE_NAME ":2: [agent] "));
		assert_non_null(strstr(text, "not taken over from Telegraf"));
		assert_non_null(strstr(text, rows[i].ours));
	}
}

static void a_wrong_value_gets_the_form_that_is_right(void **state)
{
	static const struct {
		const char *section, *line, *want;
	} rows[] = {
		{"agent", "interval = 10", "interval: \"10\": expected: duration"},
		{"agent", "interval = 99ms", "interval: \"99ms\": expected: 100ms to 1h"},
		{"agent", "interval = 61m", "interval: \"61m\": expected: 100ms to 1h"},
		{"agent", "interval = ", "interval: \"\": expected: duration"},
		{"agent", "omit_hostname = maybe", "omit_hostname: \"maybe\": expected: yes or no"},
		{"agent", "log_level = loud", "expected: one of error, warning, info, debug"},
		{"output.o", "type = influx4",
	         "expected: one of influx1, influx2, influx3, http, stdout, file"},
		{"output.o", "urls =", "urls: expected: list of URLs"},
		{"output.o", "urls = http://a b", "urls: URL 2 does not begin with http://"},
		{"output.o", "batch_max_bytes = 1M",
	         "expected: bytes, as 512KiB or 64MiB; 16KiB to"},
		{"output.o", "batch_max_bytes = 17MiB", "expected: 16KiB to 16MiB"},
		{"output.o", "buckets_per_octave = 3", "expected: power of two; 1 to 64"},
		{"output.o", "buckets_per_octave = 0", "expected: 1 to 64"},
		{"probe.p", "max_series = 0", "expected: 1 to 1048576"},
		{"probe.p", "max_series = -1", "expected: number"},
		{"probe.p", "enabled = perhaps", "expected: yes, no or auto"},
	};
	char data[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(data, sizeof(data), "[%s]\n%s\n", rows[i].section, rows[i].line);
		if (!strstr(errors(data), rows[i].want))
			fail_msg("%s gives %s", rows[i].line, text_cstr(&said));
	}
}

static void the_bounds_of_the_interval_are_in(void **state)
{
	assert_int_equal(load("[agent]\ninterval = 100ms\n"), 0);
	assert_int_equal(load("[agent]\ninterval = 1h\n"), 0);
	assert_int_equal(load("[agent]\ninterval = 7s\n"), 0);
}

static void keys_that_need_each_other_are_checked(void **state)
{
	assert_string_equal(errors("[output.o]\ntype = file\n"),
	                    FILE_NAME ":1: [output.o] path: missing; type = file needs it\n");
	assert_int_equal(load("[output.o]\npath = /f\n"), 0);
	assert_string_equal(text_cstr(&said),
	                    FILE_NAME ":2: [output.o] path: not used; only type = file has it\n");
	assert_string_equal(errors("[output.o]\nspool_dir = spool\n"),
	                    FILE_NAME ":2: [output.o] spool_dir: begins with /, or is empty for "
	                              "none\n");
	assert_string_equal(
		errors("[output.o]\nbatch_max_bytes = 1MiB\nspool_max_bytes = 512KiB\n"),
		FILE_NAME ":2: [output.o] batch_max_bytes: larger than spool_max_bytes; no "
			  "full batch could wait\n");
	assert_string_equal(errors("[output.o]\npassword = p\n"),
	                    FILE_NAME ":2: [output.o] password: without username\n");
}

/* What is said of a single output with these lines; what is no error must parse. */
static void says(const char *lines, const char *wanted, int err)
{
	char data[512];

	snprintf(data, sizeof(data), "[output.o]\n%s", lines);
	assert_int_equal(load(data), err);
	if (*wanted ? !strstr(text_cstr(&said), wanted) : said.len)
		fail_msg("%s gives %s", lines, text_cstr(&said));
}

static void a_request_proves_itself_in_one_way(void **state)
{
	says("token = a\ntoken_file = /f\n",
	     ":3: [output.o] token_file: there is token, too; keep one of the two", -EINVAL);
	says("username = u\npassword = a\npassword_file = /f\n",
	     ":4: [output.o] password_file: there is password, too; keep one of the two", -EINVAL);
	says("username = u\ntoken = a\n", ":2: [output.o] username: there is a token, too",
	     -EINVAL);
	says("username = u\ntoken_file = /f\n", "there is a token, too", -EINVAL);
	says("password_file = /f\n", ":2: [output.o] password_file: without username", -EINVAL);
	says("tls_key = /f\n", ":2: [output.o] tls_key: without tls_cert", -EINVAL);
	says("token = a\nheader.AUTHORIZATION = x\n",
	     ":3: [output.o] header.AUTHORIZATION: comes from username or token, too", -EINVAL);
	says("header.Authorization = x\n", "", 0);
	says("username = u\n", "", 0);
	says("username = u\npassword_file = /f\n", "", 0);
	says("urls = https://h\ntls_cert = /f\n", "", 0);
}

static void a_file_without_a_folder_is_a_credential_of_systemd(void **state)
{
	static const char *const env[] = {"CREDENTIALS_DIRECTORY", "/run/credentials/thermograf",
	                                  NULL};
	static const char text[] =
		"[output.o]\nurls = https://h\ntoken_file = token\ntls_ca = ./ca\n"
		"tls_cert = pair.pem\n[output.p]\nusername = u\npassword_file = p\n";

	(void)state;
	assert_int_equal(load(text), 0);
	assert_string_equal(config->outputs[0].token_file, "token");
	variables = env;
	assert_int_equal(load(text), 0);
	assert_string_equal(config->outputs[0].token_file, "/run/credentials/thermograf/token");
	assert_string_equal(config->outputs[0].tls_ca, "./ca");
	assert_string_equal(config->outputs[0].tls_cert, "/run/credentials/thermograf/pair.pem");
	assert_string_equal(config->outputs[0].tls_key, "");
	assert_string_equal(config->outputs[1].password_file, "/run/credentials/thermograf/p");
}

static void the_oldest_tls_has_telegrafs_names(void **state)
{
	(void)state;
	says("urls = https://h\ntls_min_version = TLS13\n", "", 0);
	assert_int_equal(config->outputs[0].tls_min_version, TLS_1_3);
	says("urls = https://h\n", "", 0);
	assert_int_equal(config->outputs[0].tls_min_version, TLS_1_2);
	says("urls = https://h\ntls_min_version = TLS11\n", "tls_min_version: ", -EINVAL);
	assert_non_null(strstr(text_cstr(&said), "TLS12"));
	says("urls = http://h\ntls_min_version = TLS13\n",
	     "tls_min_version: not used; no URL in urls begins with https://", 0);
}

static void keys_that_do_nothing_are_told(void **state)
{
	static const struct {
		const char *lines, *want;
	} rows[] = {
		{"token = \"abc\"\n",
	         ":2: [output.o] token: its quotes are taken for a part of it; values stand without"},
		{"bucket = b\n", ":2: [output.o] bucket: not used; only type = influx2 has it"},
		{"type = influx2\ndatabase = telegraf\n",
	         ":3: [output.o] database: not used; only type = influx1 or influx3 has it"},
		{"type = influx3\nretention_policy = r\n", "only type = influx1 has it"},
		{"type = http\nurls = http://h/x\norganization = o\n",
	         "only type = influx2 has it"},
		{"type = stdout\nurls = http://h\n",
	         ":3: [output.o] urls: not used; only type = influx1, influx2, influx3 or http "
	         "has it"},
		{"type = stdout\nheader.X-A = 1\n", ":3: [output.o] header.X-A: not used; only"},
		{"type = file\npath = /f\nspool_max_bytes = 1GiB\n", "spool_max_bytes: not used"},
		{"type = file\npath = /f\nspool_dir = /s\n", "spool_dir: not used"},
		{"style = bcc2telegraf\nquantiles = 0.5\n",
	         "quantiles: not used; only style = influx, fields or prometheus has it"},
		{"cumulative_hist = yes\n",
	         "cumulative_hist: not used; only style = bcc2telegraf has it"},
		{"style = prometheus\nle_padded = yes\n",
	         "le_padded: not used; only style = influx, fields or bcc2telegraf has it"},
		{"tls_ca = /f\n",
	         ":2: [output.o] tls_ca: not used; no URL in urls begins with https://"},
		{"insecure_skip_verify = yes\nurls = unix:///s http://h\n",
	         "insecure_skip_verify: not used"},
		/* Nothing to tell. */
		{"tls_ca = /f\nurls = http://a https://b\n", ""},
		{"type = influx2\nbucket = b\n", ""},
		{"bucket =\n", ""},
		{"type = stdout\n", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		says(rows[i].lines, rows[i].want, 0);
}

static void each_type_has_its_receivers(void **state)
{
	says("type = http\n",
	     ":1: [output.o] urls: missing; type = http has no receiver of its own", -EINVAL);
	says("type = http\nurls = http://h/x?precision=ns\n", "", 0);
	says("urls = http://h/write?precision=s\n",
	     ":2: [output.o] urls: holds precision=", -EINVAL);
	says("http_proxy = socks5://h\n", ":2: [output.o] http_proxy: does not begin with",
	     -EINVAL);
	says("type = influx3\n", "", 0);
	assert_string_equal(config->outputs[0].urls.items[0], "http://127.0.0.1:8181");
	says("type = influx2\n", "", 0);
	assert_string_equal(config->outputs[0].urls.items[0], "http://127.0.0.1:8086");
}

static void headers_are_checked_by_name(void **state)
{
	says("header.Content-Type = x\n",
	     ":2: [output.o] header.Content-Type: says how the body is "
	     "sent, which is ours to know; remove it",
	     -EINVAL);
	says("header.content-encoding = x\n", "says how the body is sent", -EINVAL);
	says("header.Content-Length = 1\n", "says how the body is sent", -EINVAL);
	says("header.Transfer-Encoding = chunked\n", "says how the body is sent", -EINVAL);
	says("header.HOST = x\n", "header.HOST: comes from urls; write the host there", -EINVAL);
	says("header.X A = x\n", "a header's name holds letters, digits and", -EINVAL);
	says("header.X(A) = x\n", "a header's name holds letters, digits and", -EINVAL);
	says("header. = x\n", "header.: no such key", -EINVAL);
	says("header.X-A = \"a\"\nheader.x!#$%&'*+-.^_`|~ = b\n", "", 0);
	assert_int_equal(config->outputs[0].n_headers, 2);
	assert_string_equal(config->outputs[0].headers[1].value, "\"a\"");
}

/* As HTTP has it: a later file overrides whatever the case of the letters. */
static void a_header_has_one_name_in_any_case(void **state)
{
	assert_int_equal(
		load_with("[output.o]\nheader.X-A = 1\nheader.b = 2\n", "output.o/header.x-a=3"),
		0);
	assert_int_equal(config->outputs[0].n_headers, 2);
	assert_string_equal(config->outputs[0].headers[0].key, "b");
	assert_string_equal(config->outputs[0].headers[1].key, "x-a");
	assert_string_equal(config->outputs[0].headers[1].value, "3");
}

/* A tag that our own lines bear would be there on some lines and hidden on others. */
static void names_of_global_tags_are_checked(void **state)
{
	static const char *const refused[] = {"le",     "phase", "time", "probe",
	                                      "output", "1st",   "a.b",  "_field"};
	char data[128];

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		snprintf(data, sizeof(data), "[global_tags]\n%s = x\n", refused[i]);
		assert_int_equal(load(data), -EINVAL);
	}
	assert_int_equal(load("[global_tags]\nhost = x\nphase_of_moon = y\n"), 0);
	assert_string_equal(tag("host"), "x");
}

static void too_many_are_refused(void **state)
{
	static const struct {
		const char *head, *before, *behind;
		int max;
		const char *want;
	} rows[] = {
		{"[global_tags]\n", "t", " = x\n", CONFIG_MAX_TAGS, "more than 32 tags"},
		{"", "[output.o", "]\n", CONFIG_MAX_OUTPUTS, "8 outputs at most"},
		{"", "[probe.p", "]\n", CONFIG_MAX_PROBES, "64 probes at most"},
		{"[probe.p]\n", "const.c", " = 1\n", CONFIG_MAX_CONSTS, "more than 64 constants"},
		{"[output.o]\n", "header.h", " = 1\n", CONFIG_MAX_HEADERS, "more than 16 headers"},
	};
	struct text data = {0};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		text_clear(&data);
		text_str(&data, rows[i].head);
		for (int n = 0; n < rows[i].max; n++)
			text_printf(&data, "%s%d%s", rows[i].before, n, rows[i].behind);
		assert_int_equal(load(text_cstr(&data)), 0);
		text_printf(&data, "%sx%s", rows[i].before, rows[i].behind);
		assert_non_null(strstr(errors(text_cstr(&data)), rows[i].want));
	}
	text_free(&data);
}

static void mistakes_of_set_say_so(void **state)
{
	assert_int_equal(load_with("", "agent/intervall=1s"), -EINVAL);
	assert_string_equal(text_cstr(&said),
	                    "--set: [agent] intervall: no such key; did you mean \"interval\"?\n");
	assert_int_equal(load_with("", "nowhere/interval=1s"), -EINVAL);
	assert_int_equal(load_with("", "interval=1s"), -EINVAL);
	assert_string_equal(
		text_cstr(&said),
		"--set: \"interval...\": write section/key=value, as agent/interval=1s\n");
	assert_int_equal(load_with("", "agent/=1s"), -EINVAL);
	assert_int_equal(load_with("", "/interval=1s"), -EINVAL);
	assert_int_equal(load_with("", "agent/hostname=a\nb"), -EINVAL);
	assert_int_equal(load_with("", "agent/hostname=\xff"), -EINVAL);
}

static void all_mistakes_are_found_in_one_run(void **state)
{
	assert_string_equal(errors("[agent]\nintervall = 1s\nlog_level = x\n[nowhere]\n"), FILE_NAME
	                    ":2: [agent] intervall: no such key; did you mean "
	                    "\"interval\"?\n" FILE_NAME
	                    ":3: [agent] log_level: \"x\": expected: one of error, warning, "
	                    "info, debug\n" FILE_NAME
	                    ":4: [nowhere]: no such section; there are [agent], "
	                    "[global_tags], [output.NAME] and [probe.NAME]\n");
}

/* "hunter2" stands wherever a password could be written, rightly or not. */
static void no_message_holds_a_secret(void **state)
{
	static const char *const env[] = {"SECRET", "hunter2\x01", "WORD", "hunter2", NULL};
	static const char *const data[] = {
		"[output.o]\npassword = hunter2\n",
		"[output.o]\npassword = hunter2\npassword = hunter2\n",
		"[output.o]\npasswort = hunter2\n",
		"[agent]\npassword = hunter2\n",
		"password = hunter2\n",
		"[nowhere]\npassword = hunter2\n",
		"[output.o]\npassword: hunter2\n",
		"[output.o]\npassword hunter2\n",
		"[output.o]\n  password = hunter2\n",
		"[output.o]\npassword = hunter2${\n",
		"[output.o]\npassword = hunter2 ${NOPE}\n",
		"[output.o]\npassword = hunter2\x01\n",
		"[output.o]\npassword = ${SECRET}\n",
		"[output.o]\nurls = http://u:hunter2@h\n",
		"[output.o]\nurls = http://h/?p=hunter2\n",
		"[output.o]\nurls = hunter2\n",
		"[output.o]\ntoken = hunter2\ntoken_file = /f\n",
		"[output.o]\nurls = https://h/?precision=s&key=hunter2\n",
		"[output.o]\nhttp_proxy = http://u:hunter2@h:99999\n",
		"[output.o]\nhttp_proxy = hunter2\n",
		"[output.o]\nheader.Host = hunter2\n",
		"[output.o]\nheader.X = hunter2\x01\n",
		"[output.o]\nheader.X Y = hunter2\n",
		"[output.o]\nheader.Authorization = hunter2\ntoken = hunter2\n",
		"[agent]\ninterval = ${WORD}\n",
		"[agent]\nlog_level = ${WORD}\n",
	};
	static const char *const sets[] = {"output.o/password=hunter2", "output.o/passwort=hunter2",
	                                   "output.o/password:hunter2", "output.o/password hunter2",
	                                   "output.o=hunter2",          "password=hunter2"};
	variables = env;

	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		if (strstr(errors(data[i]), "hunter2"))
			fail_msg("%s gives %s", data[i], text_cstr(&said));
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		assert_int_equal(load_with("", sets[i]), -EINVAL);
		assert_null(strstr(text_cstr(&said), "hunter2"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_said_gives_the_defaults),
		cmocka_unit_test(every_key_reaches_its_member),
		cmocka_unit_test(a_probe_is_enabled_as_its_own_file_says),
		cmocka_unit_test(the_built_in_output_gives_way_to_any_other),
		cmocka_unit_test(set_wins_over_files),
		cmocka_unit_test_teardown(an_output_may_have_the_longest_name_in_a_file_and_by_set,
	                                  forget),
		cmocka_unit_test_teardown(files_win_over_the_environment, forget),
		cmocka_unit_test_teardown(telegrafs_url_is_for_what_telegraf_listens_to, forget),
		cmocka_unit_test_teardown(an_empty_tag_keeps_the_environment_out, forget),
		cmocka_unit_test_teardown(an_empty_variable_is_as_good_as_none, forget),
		cmocka_unit_test_teardown(the_environment_is_checked_as_files_are, forget),
		cmocka_unit_test_teardown(variables_are_put_in_once, forget),
		cmocka_unit_test_teardown(a_variable_may_hold_a_list, forget),
		cmocka_unit_test(an_undefined_variable_is_an_error),
		cmocka_unit_test(an_unknown_key_gets_place_and_suggestion),
		cmocka_unit_test(an_unknown_section_gets_place_and_suggestion),
		cmocka_unit_test(the_same_key_twice_in_one_file_is_an_error),
		cmocka_unit_test(what_telegraf_has_and_we_have_not_names_ours),
		cmocka_unit_test(a_wrong_value_gets_the_form_that_is_right),
		cmocka_unit_test(the_bounds_of_the_interval_are_in),
		cmocka_unit_test(keys_that_need_each_other_are_checked),
		cmocka_unit_test(a_request_proves_itself_in_one_way),
		cmocka_unit_test(a_file_without_a_folder_is_a_credential_of_systemd),
		cmocka_unit_test(the_oldest_tls_has_telegrafs_names),
		cmocka_unit_test(keys_that_do_nothing_are_told),
		cmocka_unit_test(each_type_has_its_receivers),
		cmocka_unit_test(headers_are_checked_by_name),
		cmocka_unit_test(a_header_has_one_name_in_any_case),
		cmocka_unit_test(names_of_global_tags_are_checked),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(mistakes_of_set_say_so),
		cmocka_unit_test(all_mistakes_are_found_in_one_run),
		cmocka_unit_test_teardown(no_message_holds_a_secret, forget),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, forget);
}
