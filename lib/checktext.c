/* SPDX-License-Identifier: Apache-2.0 */
#include "checktext.h"

#include "mapview.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#define DAY_NS 86400e9
#define MIB (1024.0 * 1024)

void checktext_bytes(struct text *out, double bytes)
{
	static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
	size_t unit = 0;

	assert(out);
	/* What would be rounded up to 1000 is one of the next. */
	while (bytes >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
		bytes /= 1000;
		unit++;
	}
	text_printf(out, "%.*f %s", unit && bytes < 9.95 ? 1 : 0, bytes, units[unit]);
}

static void add_findings(struct text *out, const struct checkup *c, const char *about)
{
	for (size_t i = 0; i < c->n_findings; i++) {
		const struct checkup_finding *f = &c->findings[i];

		if (f->logged || strcmp(f->about, about) != 0)
			continue;
		text_printf(out, "  %s%s\n",
		            f->severity == REPORT_ERROR     ? "error: "
		            : f->severity == REPORT_WARNING ? "warning: "
		                                            : "",
		            f->text);
	}
}

static bool has_findings(const struct checkup *c, const char *about)
{
	for (size_t i = 0; i < c->n_findings; i++)
		if (!c->findings[i].logged && !strcmp(c->findings[i].about, about))
			return true;
	return false;
}

/* ---- the host */

static void write_configuration(struct text *out, const struct checkup *c)
{
	text_str(out, "configuration\n");
	for (size_t i = 0; i < c->n_files; i++)
		text_printf(out, "  %s\n", c->files[i]);
	add_findings(out, c, "configuration");
}

static const char *on_off(int sysctl)
{
	return sysctl == FACTS_UNKNOWN ? "unknown" : sysctl ? "on" : "off";
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void write_kernel(struct text *out, const struct checkup *c)
{
	const struct facts *f = &c->facts;

	text_printf(out, "kernel\n  BTF: %s; lockdown: %s; JIT: %s; kprobes: %s; uprobes: %s\n",
	            !c->has_btf      ? "none"
	            : c->foreign_btf ? "of btf_path"
	                             : "its own",
	            facts_lockdown_names[f->lockdown], on_off(f->jit_enable),
	            yes_no(f->has_kprobes), yes_no(f->has_uprobes));
	text_printf(out, "  BPF of other users: %s; run times of programs: %s\n",
	            f->unprivileged_disabled == FACTS_UNKNOWN ? "unknown"
	            : f->unprivileged_disabled                ? "off"
	                                                      : "on",
	            on_off(f->stats_enabled));
	text_printf(out, "  this process: capabilities %s%s\n",
	            c->capabilities.len ? text_cstr(&c->capabilities) : "unknown",
	            facts_may_load(f) ? "" : "; not enough to load programs");
	if (f->memlock_matters && f->memlock_bytes != UINT64_MAX)
		text_printf(out, "  locked memory: %llu KiB, which maps count to on this kernel\n",
		            (unsigned long long)f->memlock_bytes >> 10);
	add_findings(out, c, "kernel");
}

static void write_clock(struct text *out, const struct checkup *c)
{
	time_t seconds = (time_t)(c->now_ns / 1000000000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	text_printf(out, "clock\n  %s", text);
	if (c->clock_synchronised)
		text_printf(out, ", synchronised, off by %.1f ms at most",
		            (double)c->clock_error_us / 1000);
	else if (!c->clock_known)
		text_str(out, ", nobody says whether it is synchronised");
	text_char(out, '\n');
	add_findings(out, c, "clock");
}

static void write_tags(struct text *out, const struct checkup *c)
{
	text_str(out, "tags\n");
	if (c->host.len)
		text_printf(out, "  host = %s\n", text_cstr(&c->host));
	for (size_t i = 0; i < c->config->n_global_tags; i++)
		text_printf(out, "  %s = %s\n", c->config->global_tags[i].key,
		            c->config->global_tags[i].value);
	add_findings(out, c, "tags");
}

/* ---- outputs */

static void add_load(struct text *out, const struct estimate_load *load, double windows_a_day)
{
	text_printf(out, "%llu lines, ", (unsigned long long)load->lines);
	checktext_bytes(out, (double)load->bytes);
	text_str(out, ", as sent ");
	checktext_bytes(out, (double)load->compressed);
	text_str(out, "; a day ");
	checktext_bytes(out, (double)load->compressed * windows_a_day);
	text_char(out, '\n');
}

static void write_estimate(struct text *out, const struct checkup *c,
                           const struct checkup_output *o)
{
	const struct estimate_result *e = &o->estimate;
	double windows_a_day = DAY_NS / (double)c->config->agent.interval_ns;

	text_printf(out, "  series: %llu of the %zu devices of now%s; %llu whatever comes\n",
	            (unsigned long long)e->busy.series, c->disks.n,
	            e->has_open_tags ? ", with one value of each open tag" : "",
	            (unsigned long long)e->series_bound);
	text_str(out, "  a window at worst: ");
	add_load(out, &e->busy, windows_a_day);
	text_str(out, "  a window at rest: ");
	add_load(out, &e->rest, windows_a_day);
}

static void write_output(struct text *out, const struct checkup *c, const struct checkup_output *o)
{
	CLEANUP(text_free) struct text about = {0};

	text_printf(&about, "output %s", o->config->name);
	text_printf(out, "%s\n  %s\n", text_cstr(&about), text_cstr(&o->description));
	if (o->spool_known) {
		text_printf(out, "  spool: %s, ", o->config->spool_dir);
		checktext_bytes(out, (double)o->spool_free_bytes);
		text_str(out, " free\n");
	}
	if (o->estimated)
		write_estimate(out, c, o);
	for (size_t i = 0; i < c->reaches.n; i++)
		if (c->reaches.items[i].output == o->config && c->reaches.items[i].taken)
			text_printf(out, "  %s\n", text_cstr(&c->reaches.items[i].answer));
	add_findings(out, c, text_cstr(&about));
}

/* ---- probes */

static void write_member(void *ctx, const struct mapview_member *m)
{
	text_printf(ctx, "    %-5s %3u +%-4u %s: %s %s%s%s, %s\n", m->in_key ? "key" : "value",
	            m->offset, m->bytes, m->member, m->as, m->name, m->phase ? " phase " : "",
	            m->phase ?: "", m->kind);
}

static void write_map(struct text *out, const struct probe_map *m)
{
	text_printf(out, "  map %s: key %u bytes, value %u bytes", m->spec->name,
	            m->layout->key_size, m->layout->value_size);
	if (m->shards > 1)
		text_printf(out, " x %u shards", m->shards);
	text_printf(out, ", %u rows: %.1f MiB of kernel memory\n", m->max_keys,
	            (double)m->memory / MIB);
	mapview_each(m->spec, m->layout, write_member, out);
}

static void write_maps(struct text *out, const struct probe *p)
{
	for (size_t i = 0; i < p->n_maps; i++)
		write_map(out, &p->maps[i]);
	for (size_t i = 0; i < p->n_privates; i++)
		text_printf(
			out,
			"  map %s: for the programs alone, %u rows: %.1f MiB of kernel memory\n",
			p->privates[i].map->name, p->privates[i].max_keys,
			(double)p->privates[i].memory / MIB);
	if (p->own_memory)
		text_printf(out, "  maps of its own: %.1f MiB of kernel memory\n",
		            (double)p->own_memory / MIB);
	for (size_t i = 0; i < p->n_left; i++)
		text_printf(out, "  map %s: not %s: %s\n", p->left[i].map->name,
		            specmap_is_private(p->left[i].map) ? "used" : "read", p->left[i].why);
}

static void write_programs(struct text *out, const struct checkup_probe *cp)
{
	const struct probe *p = cp->probe;

	for (size_t i = 0; i < p->n_programs; i++) {
		const struct probe_program *pp = &p->programs[i];

		text_printf(out, "  program %s: %s%s (%s)\n", pp->name,
		            !pp->chosen                 ? "left out: "
		            : cp->state == CHECKUP_RUNS ? "runs, as was tried"
		                                        : "runs",
		            pp->chosen ? "" : pp->why, pp->section);
	}
}

static void write_probe(struct text *out, const struct checkup *c, const struct checkup_probe *cp)
{
	CLEANUP(text_free) struct text about = {0};

	text_printf(&about, "probe %s", cp->entry->name);
	text_printf(out, "%s\n", text_cstr(&about));
	if (cp->state == CHECKUP_OFF) {
		text_str(out, "  off\n");
	} else if (cp->state == CHECKUP_BROKEN) {
		text_printf(out, "  cannot be used: see the messages about %s\n", cp->entry->path);
	} else {
		if (*cp->probe->spec->about)
			text_printf(out, "  %s\n", cp->probe->spec->about);
		text_printf(out, "  %s\n", cp->entry->path);
		write_programs(out, cp);
		write_maps(out, cp->probe);
	}
	add_findings(out, c, text_cstr(&about));
}

/* ---- all */

static void write_sum(struct text *out, const struct checkup *c)
{
	text_printf(out,
	            "sum\n  probes: %zu; at most %.1f MiB of kernel memory, %.1f MiB copied by a "
	            "full read\n",
	            c->dir.n, (double)c->memory_bytes / MIB, (double)c->read_bytes / MIB);
	if (!c->tried)
		text_str(out, "  not tried: whether the kernel takes the programs (--load)\n");
	if (!c->connected)
		text_str(out, "  not tried: whether receivers take what is sent (--connect)\n");
	text_printf(out, "errors: %zu, warnings: %zu\n", c->n_errors, c->n_warnings);
}

void checktext_write(const struct checkup *c, struct text *out)
{
	assert(c && out);

	write_configuration(out, c);
	write_kernel(out, c);
	write_clock(out, c);
	write_tags(out, c);
	for (size_t i = 0; i < c->config->n_outputs; i++)
		write_output(out, c, &c->outputs[i]);
	for (size_t i = 0; i < c->dir.n; i++)
		write_probe(out, c, &c->probes[i]);
	if (has_findings(c, "probes")) {
		text_str(out, "probes\n");
		add_findings(out, c, "probes");
	}
	write_sum(out, c);
}
