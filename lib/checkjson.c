/* SPDX-License-Identifier: Apache-2.0 */
#include "checkjson.h"

#include "json.h"
#include "mapview.h"

#include <assert.h>
#include <string.h>

static const char *const severities[] = {
	[REPORT_NOTE] = "note", [REPORT_WARNING] = "warning", [REPORT_ERROR] = "error"};

static void begin(struct json *j, const char *const *files, size_t n, uint64_t errors,
                  uint64_t warnings)
{
	json_object(j, NULL);
	json_string(j, "version", THERMOGRAF_VERSION);
	json_u64(j, "errors", errors);
	json_u64(j, "warnings", warnings);
	json_array(j, "files");
	for (size_t i = 0; i < n; i++)
		json_string(j, NULL, files[i]);
	json_end(j);
}

static void write_finding(struct json *j, enum report_severity severity, const char *about,
                          const char *text)
{
	json_object(j, NULL);
	json_string(j, "severity", severities[severity]);
	json_string(j, "about", about);
	json_string(j, "text", text);
	json_end(j);
}

static void write_findings(struct json *j, const struct checkup *c)
{
	json_array(j, "findings");
	for (size_t i = 0; i < c->n_findings; i++)
		write_finding(j, c->findings[i].severity, c->findings[i].about,
		              c->findings[i].text);
	json_end(j);
}

/* ---- the host */

static void write_sysctl(struct json *j, const char *key, int value)
{
	if (value == FACTS_UNKNOWN)
		json_null(j, key);
	else
		json_i64(j, key, value);
}

static void write_kernel(struct json *j, const struct checkup *c)
{
	const struct facts *f = &c->facts;

	json_object(j, "kernel");
	json_string(j, "btf", !c->has_btf ? NULL : c->foreign_btf ? "file" : "own");
	json_string(j, "lockdown",
	            f->lockdown == FACTS_LOCKDOWN_UNKNOWN ? NULL
	                                                  : facts_lockdown_names[f->lockdown]);
	json_bool(j, "kprobes", f->has_kprobes);
	json_bool(j, "uprobes", f->has_uprobes);
	write_sysctl(j, "bpf_jit_enable", f->jit_enable);
	write_sysctl(j, "unprivileged_bpf_disabled", f->unprivileged_disabled);
	write_sysctl(j, "bpf_stats_enabled", f->stats_enabled);
	write_sysctl(j, "perf_event_paranoid", f->perf_paranoid);
	json_bool(j, "maps_are_locked_memory", f->memlock_matters);
	json_end(j);
	json_object(j, "process");
	json_string(j, "capabilities", c->capabilities.len ? text_cstr(&c->capabilities) : NULL);
	json_bool(j, "may_load", facts_may_load(f));
	if (f->memlock_bytes == UINT64_MAX)
		json_null(j, "locked_memory_bytes");
	else
		json_u64(j, "locked_memory_bytes", f->memlock_bytes);
	json_end(j);
}

static void write_clock(struct json *j, const struct checkup *c)
{
	json_object(j, "clock");
	json_i64(j, "now_ns", c->now_ns);
	if (c->clock_known)
		json_bool(j, "synchronised", c->clock_synchronised);
	else
		json_null(j, "synchronised");
	if (c->clock_synchronised)
		json_u64(j, "error_us", c->clock_error_us);
	else
		json_null(j, "error_us");
	json_end(j);
}

static void write_tags(struct json *j, const struct checkup *c)
{
	json_object(j, "tags");
	if (c->host.len)
		json_string(j, "host", text_cstr(&c->host));
	for (size_t i = 0; i < c->config->n_global_tags; i++)
		if (!c->host.len || strcmp(c->config->global_tags[i].key, "host") != 0)
			json_string(j, c->config->global_tags[i].key,
			            c->config->global_tags[i].value);
	json_end(j);
}

/* ---- outputs */

static void write_load(struct json *j, const char *key, const struct estimate_load *load,
                       uint64_t interval_ns)
{
	double windows_a_day = 86400e9 / (double)interval_ns;

	json_object(j, key);
	json_u64(j, "series", load->series);
	json_u64(j, "lines_per_window", load->lines);
	json_u64(j, "bytes_per_window", load->bytes);
	json_u64(j, "sent_bytes_per_window", load->compressed);
	json_u64(j, "bytes_per_day", (uint64_t)((double)load->bytes * windows_a_day));
	json_u64(j, "sent_bytes_per_day", (uint64_t)((double)load->compressed * windows_a_day));
	json_end(j);
}

static void write_reaches(struct json *j, const struct checkup *c, const struct checkup_output *o)
{
	if (!c->connected) {
		json_null(j, "receivers");
		return;
	}
	json_array(j, "receivers");
	for (size_t i = 0; i < c->reaches.n; i++) {
		const struct reach *r = &c->reaches.items[i];

		if (r->output != o->config)
			continue;
		json_object(j, NULL);
		json_string(j, "url", text_cstr(&r->label));
		json_bool(j, "taken", r->taken);
		json_i64(j, "status", r->status);
		json_u64(j, "took_us", r->took_ns / 1000);
		json_string(j, "answer", text_cstr(&r->answer));
		json_end(j);
	}
	json_end(j);
}

static void write_output(struct json *j, const struct checkup *c, const struct checkup_output *o)
{
	json_object(j, NULL);
	json_string(j, "name", o->config->name);
	json_string(j, "type", output_type_names[o->config->type]);
	json_string(j, "style", output_style_names[o->config->style]);
	json_string(j, "description", text_cstr(&o->description));
	if (o->spool_known)
		json_u64(j, "spool_free_bytes", o->spool_free_bytes);
	else
		json_null(j, "spool_free_bytes");
	if (o->estimated) {
		write_load(j, "busy", &o->estimate.busy, c->config->agent.interval_ns);
		write_load(j, "rest", &o->estimate.rest, c->config->agent.interval_ns);
		json_u64(j, "series_bound", o->estimate.series_bound);
		json_bool(j, "has_open_tags", o->estimate.has_open_tags);
	}
	write_reaches(j, c, o);
	json_end(j);
}

/* ---- probes */

static void write_member(void *ctx, const struct mapview_member *m)
{
	struct json *j = ctx;

	json_object(j, NULL);
	json_string(j, "in", m->in_key ? "key" : "value");
	json_string(j, "member", m->member);
	json_u64(j, "offset", m->offset);
	json_u64(j, "bytes", m->bytes);
	json_string(j, "as", m->as);
	json_string(j, "name", m->name);
	json_string(j, "phase", m->phase);
	json_string(j, "kind", m->kind);
	json_end(j);
}

static void begin_map(struct json *j, const char *name, const char *use, uint32_t rows,
                      uint64_t memory)
{
	json_object(j, NULL);
	json_string(j, "name", name);
	json_string(j, "use", use);
	json_u64(j, "rows", rows);
	json_u64(j, "memory_bytes", memory);
}

static void write_map(struct json *j, const struct probe_map *m)
{
	begin_map(j, m->spec->name, "read", m->max_keys, m->memory);
	json_string(j, "measurement", m->spec->measurement);
	json_u64(j, "key_bytes", m->layout->key_size);
	json_u64(j, "value_bytes", m->layout->value_size);
	json_u64(j, "shards", m->shards);
	json_array(j, "members");
	mapview_each(m->spec, m->layout, write_member, j);
	json_end(j);
	json_end(j);
}

static void write_maps(struct json *j, const struct probe *p)
{
	json_array(j, "maps");
	for (size_t i = 0; i < p->n_maps; i++)
		write_map(j, &p->maps[i]);
	for (size_t i = 0; i < p->n_privates; i++) {
		begin_map(j, p->privates[i].map->name, "programs", p->privates[i].max_keys,
		          p->privates[i].memory);
		json_end(j);
	}
	for (size_t i = 0; i < p->n_left; i++) {
		begin_map(j, p->left[i].map->name, "none", 0, 0);
		json_string(j, "why", p->left[i].why);
		json_end(j);
	}
	json_end(j);
	json_u64(j, "other_maps_memory_bytes", p->own_memory);
}

static void write_programs(struct json *j, const struct probe *p)
{
	json_array(j, "programs");
	for (size_t i = 0; i < p->n_programs; i++) {
		json_object(j, NULL);
		json_string(j, "name", p->programs[i].name);
		json_string(j, "section", p->programs[i].section);
		json_bool(j, "chosen", p->programs[i].chosen);
		json_string(j, "why", p->programs[i].chosen ? NULL : p->programs[i].why);
		json_end(j);
	}
	json_end(j);
}

static void write_probe(struct json *j, const struct checkup_probe *cp)
{
	json_object(j, NULL);
	json_string(j, "name", cp->entry->name);
	json_string(j, "file", cp->entry->path);
	json_string(j, "state", checkup_state_names[cp->state]);
	json_string(j, "why", cp->why);
	if (cp->probe && cp->state != CHECKUP_OFF) {
		json_string(j, "about", cp->probe->spec->about);
		write_programs(j, cp->probe);
		write_maps(j, cp->probe);
	}
	json_end(j);
}

/* ---- all */

void checkjson_write(const struct checkup *c, struct text *out)
{
	assert(c && out);

	struct json j = {.out = out};

	begin(&j, c->files, c->n_files, c->n_errors, c->n_warnings);
	write_findings(&j, c);
	write_kernel(&j, c);
	write_clock(&j, c);
	write_tags(&j, c);
	json_u64(&j, "interval_ns", c->config->agent.interval_ns);
	json_u64(&j, "devices", c->disks.n);
	json_array(&j, "outputs");
	for (size_t i = 0; i < c->config->n_outputs; i++)
		write_output(&j, c, &c->outputs[i]);
	json_end(&j);
	json_array(&j, "probes");
	for (size_t i = 0; i < c->dir.n; i++)
		write_probe(&j, &c->probes[i]);
	json_end(&j);
	json_u64(&j, "kernel_memory_bytes", c->memory_bytes);
	json_u64(&j, "read_bytes_per_window", c->read_bytes);
	json_end(&j);
}

void checkjson_write_broken(const char *const *files, size_t n_files, const struct report *report,
                            struct text *out)
{
	struct json j = {.out = out};

	begin(&j, files, n_files, report->n_errors, report->n_warnings);
	json_array(&j, "findings");
	for (size_t i = 0; i < report->n_items; i++)
		write_finding(&j, report->items[i].severity, "configuration",
		              report->items[i].text);
	json_end(&j);
	json_end(&j);
}
