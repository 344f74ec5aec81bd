/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include "collect.h"
#include "disks.h"
#include "health.h"
#include "http.h"
#include "identity.h"
#include "kernel.h"
#include "lineproto.h"
#include "log.h"
#include "output.h"
#include "probe.h"
#include "probedir.h"
#include "reconcile.h"
#include "selfmon.h"
#include "target.h"
#include "uevent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define SYS_BLOCK "/sys/block"

/* A probe of the configuration, running or not. */
struct agent_probe {
	char *name;
	struct collector *collector; /* NULL: it could not be had */
};

struct agent {
	const struct config *config;
	struct http *http;
	struct text host;
	struct lineproto_globals globals;
	uint64_t offset_ns; /* of sending, this host's own */
	struct output *outputs[CONFIG_MAX_OUTPUTS];
	struct output_stats stats[CONFIG_MAX_OUTPUTS];    /* at the last cut */
	struct style_settings styles[CONFIG_MAX_OUTPUTS]; /* of outputs */
	size_t n_outputs;
	struct agent_probe probes[CONFIG_MAX_PROBES];
	size_t n_probes;
	struct config_probe no_section; /* what holds for a probe without one */
	struct disks disks;
	bool disks_known;
	bool disks_told; /* that they are not known */
	int uevent_fd;   /* -1: not to be had */
	int statm_fd;    /* -1: not to be had */
	struct reconcile *reconcile;
	struct text lines; /* kept from window to window */
	uint64_t points;   /* in lines */
	struct selfmon_agent self;
	uint64_t cpu_us; /* ever, at the last cut */
};

/* ---- outputs */

static int open_outputs(struct agent *a, struct poller *poller)
{
	for (size_t i = 0; i < a->config->n_outputs; i++) {
		const struct config_output *config = &a->config->outputs[i];
		int err;

		text_clear(&a->lines);
		target_describe(&a->lines, config);
		log_info("output %s: %s", config->name, text_cstr(&a->lines));
		err = output_new(config, a->http, poller, &a->outputs[i]);
		if (err) {
			log_error("output %s: cannot be used: %s", config->name, strerror(-err));
			return err;
		}
		a->styles[a->n_outputs++] =
			(struct style_settings){.style = config->style,
		                                .buckets_per_octave = config->buckets_per_octave,
		                                .quantiles = config->quantiles,
		                                .le_padded = config->le_padded,
		                                .cumulative_hist = config->cumulative_hist};
	}
	return 0;
}

static int open_identity(struct agent *a)
{
	const struct config_agent *c = &a->config->agent;
	int err = c->omit_hostname ? 0 : identity_host(c->hostname, &a->host);

	if (err) {
		log_error("the host's name cannot be read: %s; set [agent] hostname",
		          strerror(-err));
		return err;
	}
	lineproto_globals_init(&a->globals, a->config->global_tags, a->config->n_global_tags,
	                       c->omit_hostname ? NULL : text_cstr(&a->host));
	/* The aligned data of a whole fleet must not be sent at one instant; later than half an interval is late. */
	a->offset_ns = identity_offset_ns(MIN(c->flush_jitter_ns, c->interval_ns / 2));
	return 0;
}

int agent_new(const struct config *config, struct poller *poller, struct agent **ret)
{
	CLEANUP(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->config = config;
	a->uevent_fd = -1;
	uevent_open(&a->uevent_fd);
	/* Kept open: finding it in /proc every window costs several times as much as reading it. */
	a->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	err = confkeys_set_defaults("probe.*", &a->no_section);
	err = err ?: open_identity(a);
	err = err ?: reconcile_new(&a->reconcile);
	err = err ?: http_new(poller, &a->http);
	err = err ?: open_outputs(a, poller);
	if (err)
		return err;
	*ret = TAKE_PTR(a);
	return 0;
}

/* ---- probes */

/* @return 1: it is off */
static int attach_one(struct agent *a, struct agent_probe *ap, const char *path,
                      const struct config_probe *section, const struct btf *kernel,
                      struct report *report)
{
	CLEANUP(probe_freep) struct probe *probe = NULL;
	int err = probe_open(path, section, kernel, &probe, report);
	const char *unfit;

	if (err)
		return err;
	if (!probe_is_enabled(probe, section))
		return 1;
	probe_check_tags(probe, a->config, report);
	unfit = probe_unfit(probe);
	if (unfit) {
		report_add(report, REPORT_ERROR, NULL, "probe %s: not loaded: %s", ap->name, unfit);
		return -EOPNOTSUPP;
	}
	const struct mapstreet_settings settings = {.ttl_ns = a->config->agent.series_ttl_ns,
	                                            .max_series = section->max_series,
	                                            .alias = section->alias,
	                                            .styles = a->styles,
	                                            .n_styles = a->n_outputs};

	err = probe_attach(probe, report);
	return err ?: collector_new(TAKE_PTR(probe), &settings, &ap->collector);
}

static int attach(struct agent *a, const struct probedir_entry *entry, const struct btf *kernel)
{
	CLEANUP(report_free) struct report report = {0};
	const struct config_probe *section =
		config_find_probe(a->config, entry->name) ?: &a->no_section;
	struct agent_probe *ap = &a->probes[a->n_probes];
	int err;

	if (section->enabled == 0)
		return 0;
	*ap = (struct agent_probe){.name = strdup(entry->name)};
	if (!ap->name)
		return -ENOMEM;
	err = attach_one(a, ap, entry->path, section, kernel, &report);
	log_report(&report);
	if (err == 1) {
		free(ap->name);
		return 0;
	}
	a->n_probes++;
	if (!err)
		log_info("probe %s: runs", entry->name);
	return err && section->required ? -EINVAL : 0;
}

int agent_attach(struct agent *a)
{
	CLEANUP(kernel_btf_freep) struct btf *kernel = NULL;
	CLEANUP(probedir_free) struct probedir dir = {0};
	CLEANUP(report_free) struct report report = {0};
	int err = probedir_list(&a->config->agent.probe_dirs, &dir);

	if (err) {
		log_error("probes cannot be listed: %s", strerror(-err));
		return err;
	}
	probedir_report_unknown(&dir, a->config, REPORT_WARNING, &report);
	log_report(&report);
	if (kernel_btf_load(&kernel))
		log_error(
			"this kernel has no BTF in /sys/kernel/btf/vmlinux: probes cannot be loaded");
	for (size_t i = 0; i < dir.n && !err; i++)
		err = attach(a, &dir.entries[i], kernel);
	if (err) {
		log_error("a probe with required = yes does not run");
		return err;
	}
	for (size_t i = 0; i < a->n_probes; i++)
		*(a->probes[i].collector ? &a->self.probes : &a->self.probes_failed) += 1;
	if (!a->self.probes)
		log_warning("no probe runs: there is nothing to tell but the agent's own metrics");
	return 0;
}

/* ---- windows */

void agent_baseline(struct agent *a)
{
	for (size_t i = 0; i < a->n_probes; i++)
		if (a->probes[i].collector)
			collector_baseline(a->probes[i].collector);
	reconcile_baseline(a->reconcile);
}

static void scan_disks(struct agent *a)
{
	bool changed = a->uevent_fd < 0 || uevent_block_changed(a->uevent_fd);
	int err;

	if (!changed && a->disks_known)
		return;
	err = disks_scan(&a->disks, SYS_BLOCK);
	a->disks_known = !err && a->disks.n;
	if (!a->disks_known && !a->disks_told)
		log_warning(SYS_BLOCK
		            " %s%s; devices have numbers instead of names, or their former ones",
		            err ? "cannot be read: " : "is empty", err ? strerror(-err) : "");
	a->disks_told = !a->disks_known;
	if (!err && a->disks.omitted)
		log_warning("%zu block devices beyond the first %d have numbers instead of names",
		            a->disks.omitted, DISKS_MAX);
}

static uint64_t resident_bytes(int statm_fd)
{
	char line[128];
	ssize_t n = statm_fd < 0 ? -1 : pread(statm_fd, line, sizeof(line) - 1, 0);
	const char *resident;

	if (n <= 0)
		return 0;
	line[n] = '\0';
	resident = strchr(line, ' ');
	return resident ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void measure_self(struct agent *a, uint64_t steps)
{
	struct rusage usage;
	uint64_t cpu_us = 0;

	if (!getrusage(RUSAGE_SELF, &usage))
		cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
		         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	a->self.cpu_us = cpu_us - a->cpu_us;
	a->cpu_us = cpu_us;
	a->self.rss_bytes = resident_bytes(a->statm_fd);
	a->self.clock_steps = steps;
	a->self.windows++;
}

static int add_line(void *ctx, const struct point *point)
{
	struct agent *a = ctx;
	int err = lineproto_append(&a->lines, &a->globals, point);

	/* One point that cannot be written must not take the others with it. */
	if (err)
		a->self.lines_unwritable++;
	else
		a->points++;
	return 0;
}

static void write_lines(struct agent *a, size_t output, const struct window *window)
{
	text_clear(&a->lines);
	a->points = 0;
	for (size_t i = 0; i < a->n_probes; i++) {
		const struct agent_probe *ap = &a->probes[i];

		/* Without memory some of its lines are missing: that must show. */
		if (ap->collector && collector_emit(ap->collector, output, window, add_line, a))
			a->self.lines_unwritable++;
		selfmon_probe(ap->name, ap->collector, window->stamp_ns, add_line, a);
	}
	reconcile_emit(a->reconcile, window->stamp_ns, add_line, a);
	for (size_t i = 0; i < a->n_outputs; i++)
		selfmon_output(output_name(a->outputs[i]), &a->stats[i], window->stamp_ns, add_line,
		               a);
	selfmon_agent(&a->self, window, add_line, a);
}

void agent_cut(struct agent *a, const struct window *window, uint64_t steps, bool at_once)
{
	struct decode_env env = {.disks = &a->disks};

	scan_disks(a);
	for (size_t i = 0; i < a->n_probes; i++)
		if (a->probes[i].collector)
			collector_cut(a->probes[i].collector, &env);
	for (size_t i = 0; i < a->n_probes; i++)
		if (a->probes[i].collector)
			reconcile_add(a->reconcile, a->probes[i].collector);
	reconcile_cut(a->reconcile, &a->disks);
	measure_self(a, steps);
	/* Before any of them takes this window: all outputs tell the same of each other. */
	for (size_t i = 0; i < a->n_outputs; i++)
		a->stats[i] = output_stats(a->outputs[i]);
	for (size_t i = 0; i < a->n_outputs; i++) {
		write_lines(a, i, window);
		output_lines(a->outputs[i], a->lines.data, a->lines.len, a->points,
		             window->stamp_ns, at_once ? 0 : a->offset_ns);
	}
}

void agent_describe(const struct agent *a, struct text *out)
{
	struct health_output outputs[CONFIG_MAX_OUTPUTS];

	for (size_t i = 0; i < a->n_outputs; i++) {
		const struct output_stats stats = output_stats(a->outputs[i]);

		outputs[i] = (struct health_output){output_name(a->outputs[i]), stats.failing,
		                                    stats.windows_queued};
	}
	health_describe(out, a->self.probes, a->self.probes_failed, outputs, a->n_outputs);
}

bool agent_is_read(const struct agent *a)
{
	for (size_t i = 0; i < a->n_outputs; i++)
		if (!output_is_closed(a->outputs[i]))
			return true;
	return false;
}

void agent_flush(struct agent *a)
{
	for (size_t i = 0; i < a->n_outputs; i++)
		output_flush(a->outputs[i]);
}

bool agent_is_busy(const struct agent *a)
{
	for (size_t i = 0; i < a->n_outputs; i++)
		if (output_is_busy(a->outputs[i]))
			return true;
	return false;
}

bool agent_has_failed(const struct agent *a)
{
	uint64_t lost = a->self.lines_unwritable;

	for (size_t i = 0; i < a->n_outputs; i++) {
		const struct output_stats stats = output_stats(a->outputs[i]);

		lost += stats.lines_collected - stats.lines_sent;
	}
	return lost || !a->self.probes;
}

void agent_tell_rest(struct agent *a)
{
	for (size_t i = 0; i < a->n_outputs; i++)
		output_tell_rest(a->outputs[i]);
}

void agent_free(struct agent *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n_probes; i++) {
		collector_free(a->probes[i].collector);
		free(a->probes[i].name);
	}
	for (size_t i = 0; i < a->n_outputs; i++)
		output_free(a->outputs[i]);
	http_free(a->http);
	reconcile_free(a->reconcile);
	disks_free(&a->disks);
	ground_closep(&a->uevent_fd);
	ground_closep(&a->statm_fd);
	text_free(&a->lines);
	text_free(&a->host);
	confkeys_clear("probe.*", &a->no_section);
	free(a);
}

void agent_freep(struct agent **a)
{
	agent_free(*a);
	*a = NULL;
}
