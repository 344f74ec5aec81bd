/* SPDX-License-Identifier: Apache-2.0 */
#include "trouble.h"

#include "ground.h"

#include <assert.h>
#include <string.h>

/* Of what went wrong before any request. */
#define KIND_PROBLEM VERDICT_REASON_MAX
static_assert(TROUBLE_KINDS <= 32, "told has a bit for each kind");

void trouble_span(struct text *out, uint64_t ms)
{
	uint64_t s = (ms + 500) / 1000;

	assert(out);
	if (ms < 9950)
		text_printf(out, "%lu.%lu s", (unsigned long)((ms + 50) / 1000),
		            (unsigned long)((ms + 50) % 1000 / 100));
	else if (s < 60)
		text_printf(out, "%lu s", (unsigned long)s);
	else if (s < 3600)
		text_printf(out, "%lu min %lu s", (unsigned long)(s / 60), (unsigned long)(s % 60));
	else if (s < 86400)
		text_printf(out, "%lu h %lu min", (unsigned long)(s / 3600),
		            (unsigned long)(s / 60 % 60));
	else
		text_printf(out, "%lu d %lu h", (unsigned long)(s / 86400),
		            (unsigned long)(s / 3600 % 24));
}

static void add_count(struct text *out, uint64_t n, const char *noun)
{
	text_u64(out, n);
	text_printf(out, " %s%s", noun, n == 1 ? "" : "s");
}

/* The text of {"error":"..."} or {"message":"..."}, or the whole body. */
static const char *find_message(const char *body, bool *ret_json)
{
	static const char *const keys[] = {"\"error\":", "\"message\":"};

	for (size_t i = 0; i < ARRAY_SIZE(keys) && body[0] == '{'; i++) {
		const char *value = strstr(body, keys[i]);

		if (!value)
			continue;
		value += strlen(keys[i]);
		value += strspn(value, " ");
		if (*value == '"') {
			*ret_json = true;
			return value + 1;
		}
	}
	*ret_json = false;
	return body;
}

/* Up to max_len bytes of one line, plain ASCII, without quotes of its own. */
static void add_plain(struct text *out, const char *s, size_t max_len, bool json)
{
	size_t start = out->len;

	for (; *s && out->len - start < max_len; s++) {
		if (json && *s == '"')
			break;
		bool escaped = json && *s == '\\' && s[1];

		s += escaped;
		if (*s == '"')
			continue;
		bool blank = *s < ' ' || *s > '~' || (escaped && strchr("nrt", *s));
		text_char(out, blank ? ' ' : *s);
	}
	while (out->len > start && out->data[out->len - 1] == ' ')
		text_truncate(out, out->len - 1);
}

/* In quotes. Nothing for no message, or a page of HTML. */
static void add_quote(struct text *out, const char *body)
{
	bool json;
	const char *s = find_message(body, &json);

	s += strspn(s, " \r\n\t");
	if (!*s || *s == '<')
		return;
	text_str(out, " \"");
	add_plain(out, s, TROUBLE_QUOTE_MAX, json);
	text_char(out, '"');
}

static void add_answer(struct text *out, const struct trouble_case *c)
{
	if (c->problem) {
		text_str(out, c->problem);
		return;
	}
	text_str(out, c->label);
	if (!c->status || c->reason == REASON_TRANSPORT) {
		text_printf(out, " gives no answer: %s", c->error);
		return;
	}
	text_printf(out, " answers %ld", c->status);
	add_quote(out, c->body);
}

static void add_case(struct text *out, const struct trouble_case *c)
{
	text_printf(out, "output %s: ", c->config->name);
	add_answer(out, c);
}

/* In the words of libcurl with OpenSSL 1.1 and 3; other libraries' get no advice. */
static const struct {
	const char *phrase, *advice;
} tls_advice[] = {
	{"unable to get local issuer",
         "tls_ca must hold the authority that signed its certificate"},
	{"self-signed certificate", "tls_ca must hold the authority that signed its certificate"},
	{"self signed certificate", "tls_ca must hold the authority that signed its certificate"},
	{"error setting certificate",
         "tls_ca must hold the authority that signed its certificate, or install ca-certificates"},
	{"subject name", "urls must have a name that is in its certificate"},
	{"certificate has expired", "the receiver must get a new certificate"},
	{"certificate is not yet valid", "check this host's clock"},
	{"certificate required", "set tls_cert and tls_key"},
	{"handshake failure", "does it want tls_cert and tls_key?"},
	{"alert protocol version",
         "it speaks no TLS as new as tls_min_version asks for, or only a newer one"},
	{"unsupported protocol", "it speaks no TLS as new as tls_min_version asks for"},
	{"wrong version number", "does urls need http:// instead of https://?"},
};

static void advise_transport(struct text *out, const struct trouble_case *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(tls_advice); i++)
		if (strstr(c->error, tls_advice[i].phrase)) {
			text_printf(out, "; [output.%s]: %s", c->config->name,
			            tls_advice[i].advice);
			return;
		}
	/* libcurl names the proxy's address, and does not say that it is the proxy's. */
	if (*c->config->http_proxy && strncmp(c->label, "unix:", 5) != 0)
		text_printf(out, "; it goes through http_proxy of [output.%s]", c->config->name);
}

static const char *login_header(const struct config_output *o)
{
	for (size_t i = 0; i < o->n_headers; i++)
		if (!strcasecmp(o->headers[i].key, "Authorization"))
			return o->headers[i].key;
	return NULL;
}

static void advise_login(struct text *out, const struct trouble_case *c)
{
	const struct config_output *o = c->config;

	if (c->status == 407)
		text_printf(out, "; check http_proxy of [output.%s]", o->name);
	else if (strcasestr(c->body, "SSL certificate"))
		text_printf(out, "; %s tls_cert and tls_key %s [output.%s]",
		            *o->tls_cert ? "check" : "set", *o->tls_cert ? "of" : "in", o->name);
	else if (*o->token_file || *o->token)
		text_printf(out, "; check %s of [output.%s]",
		            *o->token_file ? "token_file" : "token", o->name);
	else if (*o->username)
		text_printf(out, "; check username and %s of [output.%s]",
		            *o->password_file ? "password_file" : "password", o->name);
	else if (login_header(o))
		text_printf(out, "; check header.%s of [output.%s]", login_header(o), o->name);
	else
		text_printf(out, "; set token, or username and password, in [output.%s]", o->name);
}

static void advise_not_found(struct text *out, const struct trouble_case *c)
{
	const struct config_output *o = c->config;

	if (o->type == OUTPUT_INFLUX2 && strcasestr(c->body, "bucket"))
		text_printf(out, "; create it with: influx bucket create --name \"%s\"%s%s%s",
		            o->bucket, *o->organization ? " --org \"" : "", o->organization,
		            *o->organization ? "\"" : "");
	else if (o->type == OUTPUT_INFLUX2 && strstr(c->body, "orgID"))
		text_printf(out, "; set organization in [output.%s]", o->name);
	else if (o->type == OUTPUT_INFLUX2 && strcasestr(c->body, "organization"))
		text_printf(out, "; check organization of [output.%s]", o->name);
	else if (o->type == OUTPUT_INFLUX1 && strstr(c->body, "database not found"))
		text_printf(out, "; create it with: CREATE DATABASE \"%s\"", o->database);
	else if (o->type == OUTPUT_INFLUX3 && strcasestr(c->body, "database"))
		text_printf(out, "; create it with: influxdb3 create database %s", o->database);
	else if (o->type == OUTPUT_INFLUX3 && strstr(c->body, "db name"))
		text_printf(out, "; check database of [output.%s]", o->name);
	else if (o->type == OUTPUT_HTTP)
		text_printf(out, "; check the path in urls of [output.%s]", o->name);
	else
		text_printf(out, "; check type and the path in urls of [output.%s]", o->name);
}

/* What would help, where a person has to do something. */
static void add_advice(struct text *out, const struct trouble_case *c)
{
	switch (c->problem ? REASON_OK : c->reason) {
	case REASON_TRANSPORT:
		advise_transport(out, c);
		break;
	case REASON_AUTH:
		advise_login(out, c);
		break;
	case REASON_NOT_FOUND:
		advise_not_found(out, c);
		break;
	case REASON_UNEXPECTED:
		text_printf(out, "; check urls of [output.%s]", c->config->name);
		break;
	default:
		break;
	}
}

void trouble_explain(const struct trouble_case *c, struct text *out)
{
	assert(c && out);

	add_answer(out, c);
	add_advice(out, c);
	/* Of one line, whose form is right: who rejects that takes no line protocol. */
	if (!c->problem && c->reason == REASON_REJECTED)
		text_printf(
			out,
			"; does it take line protocol there? check type and urls of [output.%s]",
			c->config->name);
}

static bool is_worth_telling(const struct trouble *t, unsigned int kind, uint64_t now_ns)
{
	if (t->told & 1u << kind)
		return false;
	return !t->told_ns[kind] || now_ns - t->told_ns[kind] >= TROUBLE_AGAIN_NS ||
	       now_ns - t->since_ns >= TROUBLE_LONG_NS;
}

bool trouble_failed(struct trouble *t, uint64_t now_ns, const struct trouble_case *c,
                    uint64_t windows, uint64_t wait_ms, struct text *out)
{
	assert(t && now_ns && c && out);

	unsigned int kind = c->problem ? KIND_PROBLEM : c->reason;

	if (!t->since_ns)
		t->since_ns = now_ns;
	if (!is_worth_telling(t, kind, now_ns))
		return false;
	t->told |= 1u << kind;
	t->told_ns[kind] = now_ns;
	add_case(out, c);
	if (wait_ms != TROUBLE_NO_MORE) {
		if (windows) {
			text_str(out, "; keeping ");
			add_count(out, windows, "window");
		}
		text_str(out, windows ? ", " : "; ");
		text_str(out, wait_ms ? "next try in " : "trying the next of urls");
	}
	if (wait_ms && wait_ms != TROUBLE_NO_MORE)
		trouble_span(out, wait_ms);
	add_advice(out, c);
	return true;
}

bool trouble_dropped(struct trouble *t, uint64_t now_ns, const struct trouble_case *c,
                     uint64_t lines, const char *line, struct text *out)
{
	assert(t && now_ns && c && out);

	bool first = !t->drops_told_ns;

	t->drops_untold += lines;
	if (!first && now_ns - t->drops_told_ns < TROUBLE_DROPS_AGAIN_NS)
		return false;
	add_case(out, c);
	text_str(out, c->reason == REASON_PARTIAL ? "; dropped what it did not store of "
	                                          : "; dropped ");
	add_count(out, t->drops_untold, "line");
	if (!first)
		text_str(out, " since the last such message");
	if (line) {
		text_str(out, first ? ": " : ", the last one: ");
		add_plain(out, line, TROUBLE_LINE_MAX, false);
	}
	t->drops_told_ns = now_ns;
	t->drops_untold = 0;
	return true;
}

bool trouble_over(struct trouble *t, uint64_t now_ns, const char *name, uint64_t windows,
                  struct text *out)
{
	assert(t && name && out);

	uint64_t since_ns = t->since_ns;
	bool tell = t->told;

	t->since_ns = 0;
	t->told = 0;
	if (!tell)
		return false;
	text_printf(out, "output %s: delivered again after ", name);
	trouble_span(out, (now_ns - since_ns) / 1000000u);
	if (windows) {
		text_str(out, "; ");
		add_count(out, windows, "window");
		text_str(out, windows == 1 ? " follows" : " follow");
	}
	return true;
}
