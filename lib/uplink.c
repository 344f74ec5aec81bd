/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink.h"

#include "keyring.h"
#include "targets.h"
#include "trouble.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct uplink {
	const struct config_output *config;
	struct http_client *client;
	struct targets targets;
	struct keyring *keyring;
	bool changed;   /* the client has others than the keyring */
	bool refused;   /* no request before the files were looked at */
	bool asked;     /* they were, since they were last refused or taken */
	bool reconnect; /* the next request goes on a new connection */
	uplink_fn fn;
	void *ctx;
};

/* A disk that hangs is told after this; a busy one has answered by then. */
#define READS_LONG_NS 5000000000ull

static void uplink_freep(struct uplink **u)
{
	uplink_free(*u);
}

static void on_credentials(void *ctx, bool changed)
{
	struct uplink *u = ctx;

	u->changed |= changed;
	u->asked &= !changed;
	u->refused = false;
	u->fn(u->ctx);
}

int uplink_new(const struct config_output *config, struct http *http, struct poller *poller,
               uplink_fn fn, void *ctx, struct uplink **ret_uplink)
{
	assert(config && http && poller && fn && ret_uplink);

	const struct http_settings bare = {.timeout_ns = config->timeout_ns};
	CLEANUP(uplink_freep) struct uplink *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	u->config = config;
	u->changed = true;
	u->fn = fn;
	u->ctx = ctx;
	err = targets_make(config, &u->targets);
	err = err ?: http_client_new(http, &bare, &u->client);
	err = err ?: keyring_new(config, poller, on_credentials, u, &u->keyring);
	if (err)
		return err;
	*ret_uplink = TAKE_PTR(u);
	return 0;
}

void uplink_free(struct uplink *u)
{
	if (!u)
		return;
	http_client_free(u->client);
	targets_free(&u->targets);
	keyring_free(u->keyring);
	free(u);
}

void uplink_set_config(struct uplink *u, const struct config_output *config)
{
	assert(u && config);

	u->config = config;
}

const char *uplink_label(const struct uplink *u)
{
	assert(u);

	return text_cstr(&targets_current(&u->targets)->label);
}

static int set_client(struct uplink *u, const struct credentials *credentials)
{
	const struct config_output *config = u->config;
	const struct http_settings settings = {
		.user_agent = "thermograf/" THERMOGRAF_VERSION,
		.username = config->username,
		.password = text_cstr(&credentials->password),
		.authorization = text_cstr(&credentials->authorization),
		.headers = config->headers,
		.n_headers = config->n_headers,
		.proxy = config->http_proxy,
		.tls_ca = text_cstr(&credentials->tls_ca),
		.tls_cert = text_cstr(&credentials->tls_cert),
		.tls_key = text_cstr(&credentials->tls_key),
		.tls_min_version = config->tls_min_version,
		.insecure_skip_verify = config->insecure_skip_verify,
		.timeout_ns = config->timeout_ns,
	};

	return http_client_set(u->client, &settings);
}

void uplink_look(struct uplink *u)
{
	assert(u);

	(void)keyring_look(u->keyring, false);
}

void uplink_recheck(struct uplink *u)
{
	assert(u);

	u->refused = keyring_look(u->keyring, true);
}

enum uplink_state uplink_state(struct uplink *u, struct text *why)
{
	assert(u && why);

	const struct credentials *credentials = keyring_get(u->keyring);
	uint64_t looking_ns = keyring_looking_ns(u->keyring);
	int err;

	if (looking_ns && (!credentials || u->refused)) {
		if (looking_ns < READS_LONG_NS)
			return UPLINK_READS;
		text_str(why, "its files of secrets and certificates are being read for ");
		trouble_span(why, looking_ns / 1000000u);
		text_str(why, ": does their disk hang?");
		return UPLINK_CANNOT;
	}
	if (!credentials) {
		text_str(why, keyring_problem(u->keyring));
		return UPLINK_CANNOT;
	}
	err = u->changed ? set_client(u, credentials) : 0;
	if (err) {
		text_printf(why, "TLS or headers cannot be set: %s", strerror(-err));
		return UPLINK_CANNOT;
	}
	u->changed = false;
	return UPLINK_READY;
}

int uplink_post(struct uplink *u, const struct batch *batch, http_fn fn, void *ctx)
{
	assert(u);

	targets_look_back(&u->targets, poller_now_ns());
	const struct target *target = targets_current(&u->targets);
	bool fresh = u->reconnect;

	u->reconnect = false;
	return http_post(u->client, text_cstr(&target->url), text_cstr(&target->socket), batch,
	                 fresh, fn, ctx);
}

void uplink_cancel(struct uplink *u)
{
	assert(u);

	http_cancel(u->client);
}

void uplink_passed(struct uplink *u)
{
	assert(u);

	u->asked = false;
	targets_passed(&u->targets);
}

size_t uplink_index(const struct uplink *u)
{
	assert(u);

	return u->targets.asking ? u->targets.used : u->targets.current;
}

struct uplink_turn uplink_failed(struct uplink *u, enum verdict_reason reason, bool stay)
{
	struct uplink_turn turn = {.expected = u->targets.asking};

	u->reconnect = true;
	if (reason == REASON_AUTH && !u->asked && !turn.expected) {
		u->asked = true;
		uplink_recheck(u);
		if (u->refused)
			return (struct uplink_turn){.at_once = true, .expected = true};
	}
	/* Who is only asked whether it is there again does not say how long to wait for the other. */
	if (!stay || turn.expected)
		turn.at_once = targets_failed(&u->targets, poller_now_ns());
	return turn;
}
