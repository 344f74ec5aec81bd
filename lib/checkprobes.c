/* SPDX-License-Identifier: Apache-2.0 */
#include "checkup.h"

#include "paths.h"
#include "selfmon.h"

#include <errno.h>
#include <string.h>

/* ---- probes */

static void add_sizes(struct checkup *c, const struct probe *p)
{
	for (size_t i = 0; i < p->n_maps; i++) {
		const struct probe_map *m = &p->maps[i];

		c->memory_bytes += m->memory;
		c->read_bytes += (uint64_t)m->max_keys * (m->row_size + m->layout->key_size);
	}
	for (size_t i = 0; i < p->n_privates; i++)
		c->memory_bytes += p->privates[i].memory;
	c->memory_bytes += p->own_memory;
}

/* Perf events matter to probes that have programs attached to one. */
static void check_perf(struct checkup *c, const struct probe *p, const char *about)
{
	static const char *const kinds[] = {"kprobe",    "kretprobe", "ksyscall",   "uprobe",
	                                    "uretprobe", "usdt",      "tracepoint", "tp/"};
	bool wants = false;

	for (size_t i = 0; i < p->n_programs; i++)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			wants |= p->programs[i].chosen &&
			         !strncmp(p->programs[i].section, kinds[k], strlen(kinds[k])) &&
			         !strstr(p->programs[i].section, ".multi/");
	if (wants && facts_perf_is_closed(&c->facts))
		checkup_find(
			c, REPORT_WARNING, about,
			"kernel.perf_event_paranoid = %d keeps kprobes, uprobes and tracepoints of "
			"tracefs from this process; sysctl kernel.perf_event_paranoid=2 opens them",
			c->facts.perf_paranoid);
}

/* Takes what its file and this kernel say of a probe that is on. */
static int judge(struct checkup *c, struct checkup_probe *cp, const struct config_probe *section,
                 const struct feature_kernel *kernel, const char *about)
{
	bool required = section && section->required;
	const char *unfit = probe_unfit(cp->probe);

	add_sizes(c, cp->probe);
	cp->state = unfit ? CHECKUP_UNFIT : CHECKUP_FIT;
	if (!unfit) {
		check_perf(c, cp->probe, about);
		return 0;
	}
	cp->why = strdup(unfit);
	/* Without BTF nothing is known, and that was said. */
	if (kernel && kernel->btf)
		checkup_find(c, required ? REPORT_ERROR : REPORT_WARNING, about,
		             "%scannot run on this kernel: %s", required ? "required, and " : "",
		             unfit);
	return cp->why ? 0 : -ENOMEM;
}

/* As the agent does, for an instant. What is wrong is an error there only if the agent must not start without it. */
static int try(struct checkup *c, struct checkup_probe *cp, const struct config_probe *section,
               const struct feature_kernel *kernel, const char *about)
{
	CLEANUP(report_free) struct report report = {0};
	int err = probe_attach(cp->probe, kernel, &report);

	for (size_t i = 0; i < report.n_items; i++)
		if (report.items[i].severity == REPORT_ERROR && !(section && section->required)) {
			report.items[i].severity = REPORT_WARNING;
			report.n_errors--;
			report.n_warnings++;
		}
	if (err && report.n_items)
		cp->why = strdup(report.items[0].text);
	cp->state = err ? CHECKUP_UNFIT : CHECKUP_RUNS;
	probe_detach(cp->probe);
	checkup_take(c, about, &report);
	return 0;
}

static int check_probe(struct checkup *c, struct checkup_probe *cp,
                       const struct feature_kernel *kernel, const struct checkup_options *options)
{
	CLEANUP(report_free) struct report report = {0};
	CLEANUP(text_free) struct text about = {0};
	const struct config_probe *section = config_find_probe(c->config, cp->entry->name);
	bool off = section && section->enabled == 0;
	int err = probe_open(cp->entry->path, section, kernel, &cp->probe, &report);

	text_printf(&about, "probe %s", cp->entry->name);
	if (err == -ENOMEM)
		return err;
	off |= !err && !probe_is_enabled(cp->probe, section);
	/* What is wrong with a probe that is off concerns nobody. */
	if (off)
		return 0;
	cp->state = CHECKUP_BROKEN;
	if (!err)
		probe_check_tags(cp->probe, c->config, &report);
	checkup_take(c, text_cstr(&about), &report);
	err = err ? 0 : judge(c, cp, section, kernel, text_cstr(&about));
	if (!err && options->load && cp->state == CHECKUP_FIT)
		err = try(c, cp, section, kernel, text_cstr(&about));
	return err;
}

/* On kernels that count maps as locked memory. libbpf raises the limit where it may. */
static void check_memlock(struct checkup *c)
{
	if (c->facts.memlock_matters && c->memory_bytes > c->facts.memlock_bytes)
		checkup_find(
			c, REPORT_WARNING, "probes",
			"maps of %llu KiB, and this kernel counts them as locked memory: "
			"LimitMEMLOCK=infinity in the unit, or ulimit -l unlimited (it is %llu KiB)",
			(unsigned long long)c->memory_bytes >> 10,
			(unsigned long long)c->facts.memlock_bytes >> 10);
}

int checkup_probes(struct checkup *c, const struct feature_kernel *kernel,
                   const struct checkup_options *options)
{
	CLEANUP(report_free) struct report report = {0};
	int err = probedir_list(&c->config->agent.probe_dirs, &c->dir, &report);

	if (err)
		return err;
	checkup_take(c, "probes", &report);
	c->tried = options->load;
	c->probes = calloc(MAX(c->dir.n, 1), sizeof(*c->probes));
	for (size_t i = 0; i < c->dir.n && c->probes && !err; i++) {
		c->probes[i].entry = &c->dir.entries[i];
		err = check_probe(c, &c->probes[i], kernel, options);
	}
	if (!c->probes || err)
		return err ?: -ENOMEM;
	probedir_report_unknown(&c->dir, c->config, REPORT_ERROR, &report);
	checkup_take(c, "configuration", &report);
	if (!c->dir.n)
		checkup_find(c, REPORT_WARNING, "probes",
		             "none found: neither beside the program nor in %s and %s",
		             paths_admin_probes, paths_shipped_probes);
	check_memlock(c);
	return 0;
}

/* ---- what they would send */

static bool may_run(const struct checkup_probe *cp)
{
	return cp->state == CHECKUP_FIT || cp->state == CHECKUP_RUNS;
}

/* The agent's own line for each disk of a map that is compared. */
static void add_coverage(struct checkup *c, const struct spec_map *map, struct estimate *e)
{
	for (size_t i = 0; map->reference.device && i < c->disks.n; i++) {
		const struct coverage_row row = {.measurement = map->measurement,
		                                 .device = c->disks.disks[i].name,
		                                 .counted = 12345,
		                                 .reference = 12345};

		selfmon_coverage(&row, c->now_ns, estimate_add_point, e);
	}
}

static int add_probe(struct checkup *c, const struct checkup_probe *cp, struct estimate *e)
{
	const struct config_probe *section = config_find_probe(c->config, cp->entry->name);
	const struct collect_stats stats = {.counts = {.events = 12345, .keys = 123, .series = 123},
	                                    .read_ns = 234567};
	struct config_probe defaults = {0};
	int err = confkeys_set_defaults("probe.*", &defaults);

	for (size_t i = 0; i < cp->probe->n_maps && !err; i++) {
		const struct probe_map *m = &cp->probe->maps[i];
		const struct estimate_map map = {
			.spec = cp->probe->spec,
			.map = m->spec,
			.layout = m->layout,
			.max_keys = m->max_keys,
			.max_series = section ? section->max_series : defaults.max_series,
			.alias = section ? section->alias : "",
		};

		if (!m->spec->measurement)
			continue; /* drops: fields of the agent's own line */
		err = estimate_add_map(e, &map, &c->disks);
		add_coverage(c, m->spec, e);
	}
	selfmon_counts(cp->entry->name, &stats, c->now_ns, estimate_add_point, e);
	confkeys_clear("probe.*", &defaults);
	return err;
}

/* Written as it is. */
static bool is_file(const struct config_output *o)
{
	return o->type == OUTPUT_FILE || o->type == OUTPUT_STDOUT;
}

static int estimate_output(struct checkup *c, struct checkup_output *output,
                           const struct lineproto_globals *globals)
{
	const struct estimate_settings settings = {
		.style = style_settings_of(output->config),
		.encoding = is_file(output->config) ? ENCODING_IDENTITY
	                                            : output->config->content_encoding,
		.batch_max_bytes = output->config->batch_max_bytes,
		.interval_ns = c->config->agent.interval_ns,
		.globals = globals,
	};
	const struct window window = {.stamp_ns = c->now_ns, .length_ns = settings.interval_ns};
	CLEANUP(estimate_freep) struct estimate *e = NULL;
	int err = estimate_new(&settings, &e);

	for (size_t i = 0; i < c->dir.n && !err; i++)
		if (may_run(&c->probes[i]))
			err = add_probe(c, &c->probes[i], e);
	if (err)
		return err;
	for (size_t i = 0; i < c->config->n_outputs; i++)
		selfmon_output(c->config->outputs[i].name, &(struct output_stats){0}, c->now_ns,
		               estimate_add_point, e);
	selfmon_agent(&(struct selfmon_agent){.rss_bytes = 12345678, .cpu_us = 1234}, &window,
	              estimate_add_point, e);
	err = estimate_finish(e, &output->estimate);
	output->estimated = !err;
	return err;
}

int checkup_estimate(struct checkup *c)
{
	struct lineproto_globals globals;
	int err = 0;

	lineproto_globals_init(&globals, c->config->global_tags, c->config->n_global_tags,
	                       c->host.len ? text_cstr(&c->host) : NULL);
	for (size_t i = 0; i < c->config->n_outputs && !err; i++)
		err = estimate_output(c, &c->outputs[i], &globals);
	return err;
}
