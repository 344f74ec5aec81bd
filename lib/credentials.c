/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include "conffile.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void credentials_free(struct credentials *c)
{
	conffile_wipe(&c->password);
	conffile_wipe(&c->authorization);
	conffile_wipe(&c->tls_ca);
	conffile_wipe(&c->tls_cert);
	conffile_wipe(&c->tls_key);
	c->public_key = NULL;
}

void credentials_files(const struct config_output *config, struct credentials_file *ret)
{
	assert(config && ret);

	const struct credentials_file files[CREDENTIALS_MAX_FILES] = {
		{"password_file", config->password_file},
		{"token_file", config->token_file},
		{"tls_ca", config->tls_ca},
		{"tls_cert", config->tls_cert},
		{"tls_key", config->tls_key},
	};

	memcpy(ret, files, sizeof(files));
}

void credentials_mark(const struct config_output *config, struct credentials_mark *ret)
{
	assert(config && ret);

	struct credentials_file files[CREDENTIALS_MAX_FILES];

	credentials_files(config, files);
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < CREDENTIALS_MAX_FILES; i++) {
		struct stat st;

		if (!*files[i].path)
			continue;
		if (stat(files[i].path, &st)) {
			ret->files[i].err = errno;
			continue;
		}
		ret->files[i].dev = (int64_t)st.st_dev;
		ret->files[i].ino = (int64_t)st.st_ino;
		ret->files[i].size = st.st_size;
		ret->files[i].mtime_s = st.st_mtim.tv_sec;
		ret->files[i].mtime_ns = st.st_mtim.tv_nsec;
		ret->files[i].ctime_s = st.st_ctim.tv_sec;
		ret->files[i].ctime_ns = st.st_ctim.tv_nsec;
	}
}

static bool text_equal(const struct text *a, const struct text *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

bool credentials_are_equal(const struct credentials *a, const struct credentials *b)
{
	assert(a && b);

	return text_equal(&a->password, &b->password) &&
	       text_equal(&a->authorization, &b->authorization) &&
	       text_equal(&a->tls_ca, &b->tls_ca) && text_equal(&a->tls_cert, &b->tls_cert) &&
	       text_equal(&a->tls_key, &b->tls_key);
}

bool credentials_are_in_files(const struct config_output *config)
{
	assert(config);

	struct credentials_file files[CREDENTIALS_MAX_FILES];

	credentials_files(config, files);
	for (size_t i = 0; i < CREDENTIALS_MAX_FILES; i++)
		if (*files[i].path)
			return true;
	return false;
}

/* One line at most: a header cannot hold two. */
static const char *secret_problem(const struct text *t)
{
	if (!t->len)
		return "is empty";
	for (size_t i = 0; i < t->len; i++)
		if ((unsigned char)t->data[i] < ' ' || t->data[i] == 0x7f)
			return "holds more than one line, or a control character";
	return NULL;
}

static const char *certificate_problem(const struct text *t)
{
	return strstr(text_cstr(t), "-----BEGIN CERTIFICATE-----")
	               ? NULL
	               : "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)";
}

static const char *key_problem(const struct text *t)
{
	if (strstr(text_cstr(t), "ENCRYPTED"))
		return "holds a key with a passphrase; store it without one, in a file that only root "
		       "and the agent can read";
	return strstr(text_cstr(t), "PRIVATE KEY-----")
	               ? NULL
	               : "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)";
}

/* One file of the configuration: its key, and what must be in it. */
struct source {
	const char *key, *path;
	size_t max_bytes;
	bool secret; /* nobody else may read it */
	bool word;   /* its newline is not part of it */
	const char *(*problem)(const struct text *t);
};

static int read_source(const struct source *source, struct credentials *c, struct text *out,
                       struct text *why)
{
	bool is_public = false;

	if (!*source->path)
		return 0;
	if (!strchr(source->path, '/')) {
		text_printf(why,
		            "%s: %s has no / and is a credential of systemd, and there are none "
		            "(CREDENTIALS_DIRECTORY): the unit needs LoadCredential=%s:FILE",
		            source->key, source->path, source->path);
		return -ENOKEY;
	}
	int err = conffile_read(source->path, source->max_bytes, out, &is_public);
	if (err) {
		text_printf(why, "%s: %s cannot be read: %s", source->key, source->path,
		            strerror(-err));
		return err;
	}
	if (out->len > source->max_bytes) {
		text_printf(why, "%s: %s is larger than %zu bytes", source->key, source->path,
		            source->max_bytes);
		return -EINVAL;
	}
	if (source->word && out->len && out->data[out->len - 1] == '\n')
		text_truncate(out, out->len - 1);
	out->data[out->len] = '\0';
	const char *problem = source->problem(out);
	if (problem) {
		text_printf(why, "%s: %s %s", source->key, source->path, problem);
		return -EINVAL;
	}
	if (source->secret && is_public)
		c->public_key = source->key;
	return 0;
}

static int make_authorization(const struct config_output *config, const struct text *token,
                              struct text *out)
{
	const char *value = token->len ? text_cstr(token) : config->token;

	if (!*value)
		return 0;
	/* At once: a growing buffer would leave copies of secrets behind. */
	text_reserve(out, strlen(value) + sizeof("Bearer "));
	/* InfluxDB 2.x and Telegraf's influxdb_v2_listener take no other word. */
	text_str(out, config->type == OUTPUT_INFLUX2 ? "Token " : "Bearer ");
	text_str(out, value);
	return out->err;
}

int credentials_read(const struct config_output *config, struct credentials *ret, struct text *why)
{
	assert(config && ret && why);

	CLEANUP(credentials_free) struct credentials c = {0};
	CLEANUP(conffile_wipe) struct text token = {0};
	const struct {
		struct source source;
		struct text *out;
	} sources[] = {
		{{"password_file", config->password_file, CREDENTIALS_MAX_SECRET, true, true,
	          secret_problem},
	         &c.password},
		{{"token_file", config->token_file, CREDENTIALS_MAX_SECRET, true, true,
	          secret_problem},
	         &token},
		{{"tls_ca", config->tls_ca, CREDENTIALS_MAX_PEM, false, false, certificate_problem},
	         &c.tls_ca},
		{{"tls_cert", config->tls_cert, CREDENTIALS_MAX_PEM, false, false,
	          certificate_problem},
	         &c.tls_cert},
		/* Without tls_key, tls_cert holds both. */
		{{*config->tls_key ? "tls_key" : "tls_cert",
	          *config->tls_key ? config->tls_key : config->tls_cert, CREDENTIALS_MAX_PEM, true,
	          false, key_problem},
	         &c.tls_key},
	};

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		int err = read_source(&sources[i].source, &c, sources[i].out, why);
		if (err)
			return err;
	}
	if (!c.password.len)
		text_str(&c.password, config->password);
	int err = make_authorization(config, &token, &c.authorization);
	if (err || c.password.err)
		return -ENOMEM;
	credentials_free(ret);
	*ret = c;
	c = (struct credentials){0};
	return 0;
}
