/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink.h"

#include "credentials.h"
#include "targets.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct uplink {
	const struct config_output *config;
	struct http_client *client;
	struct targets targets;
	struct credentials credentials;
	bool stale;     /* the credentials' files are to be read before the next request */
	bool reconnect; /* the next request goes on a new connection */
};

static void uplink_freep(struct uplink **u)
{
	uplink_free(*u);
}

int uplink_new(const struct config_output *config, struct http *http, struct uplink **ret_uplink)
{
	assert(config && http && ret_uplink);

	const struct http_settings bare = {.timeout_ns = config->timeout_ns};
	CLEANUP(uplink_freep) struct uplink *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	u->config = config;
	u->stale = true;
	err = targets_make(config, &u->targets);
	err = err ?: http_client_new(http, &bare, &u->client);
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
	credentials_free(&u->credentials);
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

static int set_client(struct uplink *u)
{
	const struct config_output *config = u->config;
	const struct http_settings settings = {
		.user_agent = "thermograf/" THERMOGRAF_VERSION,
		.username = config->username,
		.password = text_cstr(&u->credentials.password),
		.authorization = text_cstr(&u->credentials.authorization),
		.headers = config->headers,
		.n_headers = config->n_headers,
		.proxy = config->http_proxy,
		.tls_ca = text_cstr(&u->credentials.tls_ca),
		.tls_cert = text_cstr(&u->credentials.tls_cert),
		.tls_key = text_cstr(&u->credentials.tls_key),
		.tls_min_version = config->tls_min_version,
		.insecure_skip_verify = config->insecure_skip_verify,
		.timeout_ns = config->timeout_ns,
	};

	return http_client_set(u->client, &settings);
}

/* @return 1: they are others than before; 0; -errno with @why */
static int renew(struct uplink *u, struct text *why)
{
	CLEANUP(credentials_free) struct credentials fresh = {0};
	int err = credentials_read(u->config, &fresh, why);

	if (err)
		return err;
	bool same = credentials_are_equal(&fresh, &u->credentials);
	credentials_free(&u->credentials);
	u->credentials = fresh;
	fresh = (struct credentials){0};
	err = set_client(u);
	if (err) {
		text_printf(why, "TLS or headers cannot be set: %s", strerror(-err));
		return err;
	}
	u->stale = false;
	return !same;
}

bool uplink_is_ready(struct uplink *u, struct text *why)
{
	assert(u && why);

	return !u->stale || renew(u, why) >= 0;
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

	targets_passed(&u->targets);
}

size_t uplink_index(const struct uplink *u)
{
	assert(u);

	return u->targets.asking ? u->targets.used : u->targets.current;
}

struct uplink_turn uplink_failed(struct uplink *u, enum verdict_reason reason, bool stay)
{
	CLEANUP(text_free) struct text why = {0};
	struct uplink_turn turn = {.expected = u->targets.asking};
	bool replaced;

	u->reconnect = true;
	/* Without an answer it may be a certificate that was replaced. */
	u->stale |= credentials_are_in_files(u->config) &&
	            (reason == REASON_AUTH || reason == REASON_TRANSPORT);
	replaced = u->stale && reason == REASON_AUTH && renew(u, &why) == 1;
	if (replaced)
		return (struct uplink_turn){.at_once = true, .expected = true};
	/* It is not the last time: who brings the new password may come a moment later. */
	u->stale |= credentials_are_in_files(u->config) && reason == REASON_AUTH;
	/* Who is only asked whether it is there again does not say how long to wait for the other. */
	if (!stay || turn.expected)
		turn.at_once = targets_failed(&u->targets, poller_now_ns());
	return turn;
}
