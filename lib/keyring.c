/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"

#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Reading takes a millisecond, or hangs. */
#define FREE_WAIT_MS 200

/* What the thread works on: where it hangs, all of this stays in memory for good. */
struct look {
	struct keyring *keyring;     /* not the thread's */
	struct config_output config; /* a copy of what credentials_read() needs */
	struct credentials_mark mark;
	bool force, has_mark;
	bool has_read; /* else the files are those that were read before */
	int err;
	struct credentials fresh;
	struct text why;
};

struct keyring {
	struct worker *worker; /* NULL: there are no files */
	struct look *look;
	keyring_fn fn;
	void *ctx;
	bool known;
	struct credentials credentials;
	struct text problem;
	uint64_t since_ns; /* of the present look; 0: none */
	bool again;        /* one by force was asked for while it went on */
	bool untold;       /* it gave others, and the one after it tells that */
};

static void wipe_string(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
}

static void free_look(struct look *l)
{
	if (!l)
		return;
	wipe_string(&l->config.password);
	wipe_string(&l->config.token);
	free(l->config.password_file);
	free(l->config.token_file);
	free(l->config.tls_ca);
	free(l->config.tls_cert);
	free(l->config.tls_key);
	credentials_free(&l->fresh);
	text_free(&l->why);
	free(l);
}

static void free_lookp(struct look **l)
{
	free_look(*l);
}

static struct look *new_look(struct keyring *k, const struct config_output *from)
{
	CLEANUP(free_lookp) struct look *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->keyring = k;
	l->config = (struct config_output){.type = from->type,
	                                   .password = strdup(from->password),
	                                   .password_file = strdup(from->password_file),
	                                   .token = strdup(from->token),
	                                   .token_file = strdup(from->token_file),
	                                   .tls_ca = strdup(from->tls_ca),
	                                   .tls_cert = strdup(from->tls_cert),
	                                   .tls_key = strdup(from->tls_key)};
	const struct config_output *c = &l->config;
	if (!c->password || !c->password_file || !c->token || !c->token_file || !c->tls_ca ||
	    !c->tls_cert || !c->tls_key)
		return NULL;
	return TAKE_PTR(l);
}

/* ---- on the thread */

static void read_files(void *ctx)
{
	struct look *l = ctx;
	struct credentials_mark mark;

	/* Before reading: what changes meanwhile is seen the next time. */
	credentials_mark(&l->config, &mark);
	l->has_read = l->force || !l->has_mark || memcmp(&mark, &l->mark, sizeof(mark)) != 0;
	if (!l->has_read)
		return;
	l->mark = mark;
	text_clear(&l->why);
	l->err = credentials_read(&l->config, &l->fresh, &l->why);
	/* Not every failure is one of the files: EIO, EMFILE and the like leave the mark as it is when they are over. */
	l->has_mark = !l->err;
}

/* ---- on the loop */

/* @return whether credentials are others than before */
static bool take(struct keyring *k, struct look *l)
{
	text_clear(&k->problem);
	if (l->err) {
		text_str(&k->problem, text_cstr(&l->why));
		return false;
	}
	bool same = k->known && credentials_are_equal(&k->credentials, &l->fresh);
	credentials_free(&k->credentials);
	k->credentials = l->fresh;
	l->fresh = (struct credentials){0};
	k->known = true;
	return !same;
}

static void on_read(void *ctx)
{
	struct look *l = ctx;
	struct keyring *k = l->keyring;
	bool force = l->force || k->again, changed = (l->has_read && take(k, l)) || k->untold;

	l->force = false;
	k->since_ns = 0;
	/* It may have passed what changed meanwhile. The caller was promised a call. */
	if (k->again && keyring_look(k, true)) {
		k->untold = changed;
		return;
	}
	k->again = k->untold = false;
	if (force || changed || (l->has_read && !k->known))
		k->fn(k->ctx, changed);
}

bool keyring_look(struct keyring *k, bool force)
{
	assert(k);

	if (!k->worker)
		return false;
	/* One that goes on may have passed what just changed, but every window has another. */
	if (k->since_ns) {
		k->again |= force;
		return true;
	}
	k->again = false;
	k->look->force = force;
	if (worker_start(k->worker, read_files, on_read, k->look))
		return false;
	k->since_ns = poller_now_ns();
	return true;
}

static void keyring_freep(struct keyring **k)
{
	keyring_free(*k);
}

int keyring_new(const struct config_output *config, struct poller *poller, keyring_fn fn, void *ctx,
                struct keyring **ret_keyring)
{
	assert(config && poller && fn && ret_keyring);

	CLEANUP(keyring_freep) struct keyring *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->fn = fn;
	k->ctx = ctx;
	if (!credentials_are_in_files(config)) {
		err = credentials_read(config, &k->credentials, &k->problem);
		k->known = !err;
	} else {
		k->look = new_look(k, config);
		err = k->look ? worker_new(poller, &k->worker) : -ENOMEM;
		if (!err && !keyring_look(k, true))
			err = -EAGAIN;
	}
	if (err)
		return err;
	*ret_keyring = TAKE_PTR(k);
	return 0;
}

void keyring_free(struct keyring *k)
{
	if (!k)
		return;
	if (worker_free(k->worker, FREE_WAIT_MS))
		free_look(k->look);
	credentials_free(&k->credentials);
	text_free(&k->problem);
	free(k);
}

const struct credentials *keyring_get(const struct keyring *k)
{
	assert(k);

	return k->known ? &k->credentials : NULL;
}

const char *keyring_problem(const struct keyring *k)
{
	assert(k);

	return text_cstr(&k->problem);
}

uint64_t keyring_looking_ns(const struct keyring *k)
{
	assert(k);

	return k->since_ns ? MAX(poller_now_ns() - k->since_ns, 1u) : 0;
}
