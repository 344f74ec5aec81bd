/* SPDX-License-Identifier: Apache-2.0 */
#include "checkup.h"

#include "clock.h"
#include "host.h"
#include "identity.h"
#include "kernel.h"
#include "log.h"
#include "privileges.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

#define SYS_BLOCK "/sys/block"
/* To load and attach; in the place of both, for uprobes and the BTF of modules; to raise limits. */
#define THAT_MATTER                                                               \
	(FACTS_CAP(CAP_BPF) | FACTS_CAP(CAP_PERFMON) | FACTS_CAP(CAP_SYS_ADMIN) | \
	 FACTS_CAP(CAP_SYS_RESOURCE))
/* Before the first and after the last year that a working clock may tell; receivers drop what is far from theirs. */
#define YEAR_NS (INT64_C(31556952) * 1000000000)
#define FIRST_YEAR 2024
#define LAST_YEAR 2100

const char *const checkup_state_names[CHECKUP_STATE_MAX] = {
	[CHECKUP_OFF] = "off", [CHECKUP_BROKEN] = "broken", [CHECKUP_UNFIT] = "unfit",
	[CHECKUP_FIT] = "fit", [CHECKUP_RUNS] = "runs",
};

/* ---- findings */

/* @param text  taken over; NULL: there was no memory for it */
static void add(struct checkup *c, enum report_severity severity, const char *about, char *text,
                bool logged)
{
	struct checkup_finding *f =
		reallocarray(c->findings, c->n_findings + 1, sizeof(*c->findings));

	c->n_errors += severity == REPORT_ERROR;
	c->n_warnings += severity == REPORT_WARNING;
	c->findings = f ?: c->findings;
	if (!f || !text || !(f[c->n_findings].about = strdup(about))) {
		c->err = -ENOMEM;
		free(text);
		return;
	}
	f[c->n_findings].severity = severity;
	f[c->n_findings].text = text;
	f[c->n_findings].logged = logged;
	c->n_findings++;
}

void checkup_find(struct checkup *c, enum report_severity severity, const char *about,
                  const char *fmt, ...)
{
	char *text;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	add(c, severity, about, text, false);
}

void checkup_take(struct checkup *c, const char *about, struct report *report)
{
	for (size_t i = 0; i < report->n_items; i++)
		add(c, report->items[i].severity, about, strdup(report->items[i].text), true);
	/* Those without a text of their own count, too. */
	for (size_t i = 0; i < report->n_items; i++) {
		report->n_errors -= report->items[i].severity == REPORT_ERROR;
		report->n_warnings -= report->items[i].severity == REPORT_WARNING;
	}
	c->n_errors += report->n_errors;
	c->n_warnings += report->n_warnings;
	log_report(report);
}

/* ---- the kernel */

void checkup_kernel(struct checkup *c, const struct feature_kernel *kernel)
{
	host_read_facts(kernel, &c->facts);
	c->has_btf = kernel && kernel->btf;
	c->foreign_btf = kernel && kernel->foreign_btf;
	if (c->facts.capabilities_known)
		privileges_name(&c->capabilities, c->facts.capabilities & THAT_MATTER);
	if (c->facts.lockdown == FACTS_LOCKDOWN_CONFIDENTIALITY)
		checkup_find(
			c, REPORT_WARNING, "kernel",
			"lockdown=confidentiality: kprobes, tracefs and reading the kernel's memory "
			"are forbidden to BPF programs; boot with lockdown=integrity, or without");
	if (!c->facts.jit_enable)
		checkup_find(
			c, REPORT_WARNING, "kernel",
			"programs are interpreted, which makes each event several times as dear: "
			"sysctl net.core.bpf_jit_enable=1");
}

/* ---- the clock */

void checkup_clock(struct checkup *c)
{
	struct timex timex = {0};
	int state = adjtimex(&timex);
	int64_t year = 1970 + clock_now().wall_ns / YEAR_NS;

	c->now_ns = clock_now().wall_ns;
	c->clock_known = state >= 0;
	c->clock_synchronised = state >= 0 && state != TIME_ERROR && !(timex.status & STA_UNSYNC);
	c->clock_error_us = (uint64_t)MAX(timex.maxerror, 0);
	if (year < FIRST_YEAR || year > LAST_YEAR)
		checkup_find(c, REPORT_WARNING, "clock",
		             "the year %lld: receivers drop what is so far from their own time",
		             (long long)year);
	if (c->clock_known && !c->clock_synchronised)
		checkup_find(
			c, REPORT_WARNING, "clock",
			"not synchronised: hosts cut their windows at the same instants only with "
			"chrony, systemd-timesyncd or the like");
}

/* ---- the rest of the configuration */

static void check_tags(struct checkup *c)
{
	bool has_dc = false;

	for (size_t i = 0; i < c->config->n_global_tags; i++)
		has_dc |= !strcmp(c->config->global_tags[i].key, "dc");
	if (!has_dc)
		checkup_find(c, REPORT_WARNING, "tags",
		             "no tag dc (data centre) in [global_tags]: heatmaps of several data "
		             "centres cannot be told apart");
}

static void name_host(struct checkup *c)
{
	const struct config_agent *agent = &c->config->agent;
	bool resolved = false;
	int err = agent->omit_hostname
	                  ? 0
	                  : identity_host(agent->hostname, IDENTITY_WAIT_MS, &c->host, &resolved);

	if (!err && !agent->omit_hostname && !strcmp(agent->hostname, "fqdn") && !resolved)
		checkup_find(
			c, REPORT_WARNING, "tags",
			"hostname = fqdn: the resolver tells no full name of this host; the tag "
			"host would be %s",
			text_cstr(&c->host));
	if (err)
		checkup_find(c, REPORT_ERROR, "tags",
		             "the host's name cannot be read: %s; set [agent] hostname",
		             strerror(-err));
}

static int check_all(struct checkup *c, const struct checkup_options *options)
{
	CLEANUP(kernel_closep) struct kernel *kernel = NULL;
	CLEANUP(text_free) struct text why = {0};
	int err = kernel_open(c->config->agent.btf_path, &kernel, &why);

	if (err)
		return err;
	if (options->probes_only)
		return checkup_probes(c, kernel_features(kernel), options);
	checkup_kernel(c, kernel_features(kernel));
	if (why.len)
		checkup_find(c, REPORT_WARNING, "kernel", "%s", text_cstr(&why));
	checkup_clock(c);
	check_tags(c);
	name_host(c);
	err = disks_scan(&(struct disks){0}, SYS_BLOCK, &c->disks);
	if (err)
		checkup_find(c, REPORT_WARNING, "kernel",
		             SYS_BLOCK
		             " cannot be read: %s; devices would have numbers instead of names",
		             strerror(-err));
	err = checkup_outputs(c, options);
	err = err ?: checkup_probes(c, kernel_features(kernel), options);
	return err ?: checkup_estimate(c);
}

int checkup_new(const struct config *config, const struct checkup_options *options,
                struct report *report, struct checkup **ret)
{
	assert(config && options && report && ret);

	CLEANUP(checkup_freep) struct checkup *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->config = config;
	c->files = options->files;
	c->n_files = options->n_files;
	checkup_take(c, "configuration", report);
	err = check_all(c, options);
	if (err || c->err)
		return err ?: c->err;
	*ret = TAKE_PTR(c);
	return 0;
}

void checkup_free(struct checkup *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->config->n_outputs; i++)
		text_free(&c->outputs[i].description);
	for (size_t i = 0; c->probes && i < c->dir.n; i++) {
		probe_free(c->probes[i].probe);
		free(c->probes[i].why);
	}
	free(c->probes);
	for (size_t i = 0; i < c->n_findings; i++) {
		free(c->findings[i].about);
		free(c->findings[i].text);
	}
	free(c->findings);
	reach_free(&c->reaches);
	probedir_free(&c->dir);
	disks_free(&c->disks);
	text_free(&c->host);
	text_free(&c->capabilities);
	free(c);
}

void checkup_freep(struct checkup **c)
{
	checkup_free(*c);
	*c = NULL;
}
