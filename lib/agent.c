/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include "agentoutputs.h"
#include "agentprobes.h"
#include "devices.h"
#include "health.h"
#include "http.h"
#include "identity.h"
#include "lineproto.h"
#include "log.h"
#include "reconcile.h"
#include "selfmon.h"
#include "usage.h"

#include <errno.h>
#include <string.h>

/* Who sends: what stands on every line, and when this host's turn is. */
struct sender {
	struct text host;
	bool resolved;                    /* host is the resolver's answer */
	struct lineproto_globals globals; /* borrows from host and from the configuration */
	uint64_t offset_ns;
};

/* All that is made from a configuration. */
struct setting {
	struct config *config;
	struct sender sender;
	struct agentoutputs outputs;
	struct agentprobes probes;
};

struct agent {
	struct poller *poller;
	struct http *http;
	struct farewell *farewell;
	struct setting now;
	struct setting next; /* config is NULL while nothing is prepared */
	struct output_stats stats[CONFIG_MAX_OUTPUTS]; /* at the last cut */
	struct devices *devices;
	struct usage usage;
	struct reconcile *reconcile;
	struct text lines; /* kept from window to window */
	uint64_t points;   /* in lines */
	struct selfmon_agent self;
};

/* ---- what a configuration asks for */

/* What the resolver answered it is not asked again: it may hold up the loop. */
static int find_host(const struct config_agent *wanted, const struct setting *before,
                     struct text *ret_host, bool *ret_resolved)
{
	bool fqdn = !strcmp(wanted->hostname, "fqdn");
	int err;

	if (wanted->omit_hostname)
		return 0;
	if (fqdn && before->sender.resolved) {
		text_append(ret_host, before->sender.host.data, before->sender.host.len);
		*ret_resolved = true;
		return ret_host->err;
	}
	err = identity_host(wanted->hostname, IDENTITY_WAIT_MS, ret_host, ret_resolved);
	if (!err && fqdn && !*ret_resolved)
		log_warning(
			"hostname = fqdn: the resolver tells no full name of this host; the tag "
			"host is %s, until a reload asks again",
			text_cstr(ret_host));
	return err;
}

/* @param before  zero-initialised: none */
static int make_sender(const struct config *config, const struct setting *before,
                       struct sender *ret)
{
	const struct config_agent *c = &config->agent;
	CLEANUP(text_free) struct text host = {0};
	bool resolved = false;
	int err = find_host(c, before, &host, &resolved);

	if (err) {
		log_error("the host's name cannot be read: %s; set [agent] hostname",
		          strerror(-err));
		return err;
	}
	lineproto_globals_init(&ret->globals, config->global_tags, config->n_global_tags,
	                       c->omit_hostname ? NULL : text_cstr(&host));
	/* The aligned data of a whole fleet must not be sent at one instant; later than half an interval is late. */
	ret->offset_ns = identity_offset_ns(MIN(c->flush_jitter_ns, c->interval_ns / 2));
	ret->resolved = resolved;
	ret->host = host;
	host = (struct text){0};
	return 0;
}

static int make_outputs(struct agent *a, struct setting *setting)
{
	return agentoutputs_make(&a->now.outputs, setting->config, a->farewell, a->http, a->poller,
	                         &setting->outputs);
}

static int make_probes(struct agent *a, struct setting *setting)
{
	const struct mapstreet_settings settings = {.styles = setting->outputs.styles,
	                                            .n_styles = setting->outputs.n,
	                                            .former = setting->outputs.former};

	return agentprobes_make(&a->now.probes, setting->config, &settings, &setting->probes);
}

static void count_probes(struct agent *a)
{
	agentprobes_count(&a->now.probes, &a->self.probes, &a->self.probes_failed);
	if (!a->self.probes)
		log_warning("no probe runs: there is nothing to tell but the agent's own metrics");
}

static void on_disks_end(void *ctx, const struct disks *before, const struct disks *after)
{
	const struct decode_env env = {.disks = before, .later = after};
	struct agent *a = ctx;

	agentprobes_gather(&a->now.probes, &env);
}

int agent_new(struct config *config, struct poller *poller, struct agent **ret)
{
	CLEANUP(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	int err;

	if (!a) {
		config_free(config);
		return -ENOMEM;
	}
	a->now.config = config;
	a->poller = poller;
	usage_open(&a->usage);
	err = make_sender(config, &(struct setting){0}, &a->now.sender);
	err = err ?: devices_new(poller, on_disks_end, a, &a->devices);
	err = err ?: reconcile_new(&a->reconcile);
	err = err ?: http_new(poller, &a->http);
	err = err ?: farewell_new(poller, &a->farewell);
	err = err ?: make_outputs(a, &a->now);
	if (err)
		return err;
	*ret = TAKE_PTR(a);
	return 0;
}

int agent_attach(struct agent *a)
{
	struct setting setting = a->now;
	int err = make_probes(a, &setting);

	if (err)
		return err;
	agentprobes_take(&a->now.probes, &setting.probes);
	count_probes(a);
	return 0;
}

const struct config *agent_config(const struct agent *a)
{
	return a->now.config;
}

/* ---- another configuration */

static void drop_next(struct agent *a)
{
	if (!a->next.config)
		return;
	agentprobes_drop(&a->next.probes);
	agentoutputs_drop(&a->next.outputs, a->farewell);
	text_free(&a->next.sender.host);
	config_free(a->next.config);
	a->next = (struct setting){0};
}

int agent_prepare(struct agent *a, struct config *config)
{
	int err;

	drop_next(a);
	a->next.config = config;
	err = make_sender(config, &a->now, &a->next.sender);
	err = err ?: make_outputs(a, &a->next);
	err = err ?: make_probes(a, &a->next);
	if (err)
		drop_next(a);
	return err;
}

void agent_refuse(struct agent *a)
{
	drop_next(a);
	a->self.reloads_refused++;
}

bool agent_is_prepared(const struct agent *a)
{
	return a->next.config;
}

void agent_commit(struct agent *a)
{
	struct config *old = a->now.config;

	agentprobes_take(&a->now.probes, &a->next.probes);
	text_free(&a->now.sender.host);
	a->now.sender = a->next.sender;
	a->now.config = a->next.config;
	/* The configuration goes last: outputs have their sections in it. */
	agentoutputs_take(&a->now.outputs, &a->next.outputs, a->farewell, old);
	a->next = (struct setting){0};
	a->self.reloads++;
	count_probes(a);
}

/* ---- windows */

void agent_baseline(struct agent *a)
{
	agentprobes_baseline(&a->now.probes);
	reconcile_baseline(a->reconcile);
}

static int add_line(void *ctx, const struct point *point)
{
	struct agent *a = ctx;
	int err = lineproto_append(&a->lines, &a->now.sender.globals, point);

	/* One point that cannot be written must not take the others with it. */
	if (err)
		a->self.lines_unwritable++;
	else
		a->points++;
	return 0;
}

static void write_lines(struct agent *a, size_t output, const struct window *window)
{
	const struct agentprobes *probes = &a->now.probes;
	const struct agentoutputs *outputs = &a->now.outputs;

	text_clear(&a->lines);
	a->points = 0;
	for (size_t i = 0; i < probes->n; i++) {
		const struct agentprobe *probe = &probes->items[i];

		/* Without memory some of its lines are missing: that must show. */
		if (probe->collector &&
		    collector_emit(probe->collector, output, window, add_line, a))
			a->self.lines_unwritable++;
		selfmon_probe(probe->name, probe->collector, window->stamp_ns, add_line, a);
	}
	reconcile_emit(a->reconcile, window->stamp_ns, add_line, a);
	for (size_t i = 0; i < outputs->n; i++)
		selfmon_output(output_name(outputs->outputs[i]), &a->stats[i], window->stamp_ns,
		               add_line, a);
	selfmon_agent(&a->self, window, add_line, a);
}

static void compare(struct agent *a)
{
	const struct agentprobes *probes = &a->now.probes;

	for (size_t i = 0; i < probes->n; i++)
		if (probes->items[i].collector)
			reconcile_add(a->reconcile, probes->items[i].collector);
	reconcile_cut(a->reconcile, devices_table(a->devices));
}

/* A host that sends late gives its receiver a quarter of the interval: else a healthy one would write each window to disk. */
static struct push_times times_of(const struct agent *a, const struct window *window, bool at_once)
{
	uint64_t interval_ns = a->now.config->agent.interval_ns;
	uint64_t offset_ns = at_once ? 0 : a->now.sender.offset_ns;

	return (struct push_times){
		.stamp_ns = window->stamp_ns,
		.offset_ns = offset_ns,
		.save_ns = MAX(interval_ns / 2, offset_ns + interval_ns / 4),
	};
}

void agent_cut(struct agent *a, const struct window *window, uint64_t steps, bool at_once)
{
	const struct agentoutputs *outputs = &a->now.outputs;
	const struct push_times times = times_of(a, window, at_once);

	devices_look(a->devices);
	const struct decode_env env = {.disks = devices_table(a->devices)};

	agentprobes_cut(&a->now.probes, &env);
	/* At once: what happens until the new ones begin is counted by nobody. */
	agentprobes_begin(&a->next.probes);
	compare(a);
	usage_read(&a->usage, &a->self.cpu_us, &a->self.rss_bytes);
	a->self.clock_steps = steps;
	a->self.windows++;
	/* Before any of them takes this window: all outputs tell the same of each other. */
	for (size_t i = 0; i < outputs->n; i++)
		a->stats[i] = output_stats(outputs->outputs[i]);
	for (size_t i = 0; i < outputs->n; i++) {
		write_lines(a, i, window);
		output_lines(outputs->outputs[i], a->lines.data, a->lines.len, a->points, &times);
	}
}

void agent_describe(const struct agent *a, struct text *out)
{
	struct health_output outputs[CONFIG_MAX_OUTPUTS];

	for (size_t i = 0; i < a->now.outputs.n; i++) {
		const struct output *output = a->now.outputs.outputs[i];
		const struct output_stats stats = output_stats(output);

		outputs[i] = (struct health_output){output_name(output), stats.failing,
		                                    stats.windows_queued};
	}
	health_describe(out, a->self.probes, a->self.probes_failed, outputs, a->now.outputs.n);
}

bool agent_is_read(const struct agent *a)
{
	const struct agentoutputs *outputs = &a->now.outputs;

	for (size_t i = 0; i < outputs->n; i++)
		if (!output_is_closed(outputs->outputs[i]))
			return true;
	return false;
}

void agent_flush(struct agent *a)
{
	const struct agentoutputs *outputs = &a->now.outputs;

	/* It will not take effect; an output that it was to bring back is seen off as all others are. */
	drop_next(a);
	for (size_t i = 0; i < outputs->n; i++)
		output_flush(outputs->outputs[i]);
}

bool agent_is_busy(const struct agent *a)
{
	const struct agentoutputs *outputs = &a->now.outputs;

	for (size_t i = 0; i < outputs->n; i++)
		if (output_is_busy(outputs->outputs[i]))
			return true;
	return farewell_is_busy(a->farewell);
}

bool agent_has_failed(const struct agent *a)
{
	const struct agentoutputs *outputs = &a->now.outputs;
	uint64_t lost = a->self.lines_unwritable;

	for (size_t i = 0; i < outputs->n; i++) {
		const struct output_stats stats = output_stats(outputs->outputs[i]);

		lost += stats.lines_collected - stats.lines_sent;
	}
	return lost || !a->self.probes;
}

void agent_tell_rest(struct agent *a)
{
	const struct agentoutputs *outputs = &a->now.outputs;

	for (size_t i = 0; i < outputs->n; i++)
		output_tell_rest(outputs->outputs[i]);
	farewell_end(a->farewell);
}

void agent_free(struct agent *a)
{
	if (!a)
		return;
	drop_next(a);
	agentprobes_free(&a->now.probes);
	agentoutputs_free(&a->now.outputs);
	farewell_free(a->farewell);
	http_free(a->http);
	config_free(a->now.config);
	text_free(&a->now.sender.host);
	reconcile_free(a->reconcile);
	devices_free(a->devices);
	usage_close(&a->usage);
	text_free(&a->lines);
	free(a);
}

void agent_freep(struct agent **a)
{
	agent_free(*a);
	*a = NULL;
}
