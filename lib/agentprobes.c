/* SPDX-License-Identifier: Apache-2.0 */
#include "agentprobes.h"

#include "kernel.h"
#include "log.h"
#include "probedir.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What the making of one set works with. */
struct maker {
	const struct agentprobes *now;
	const struct config *config;
	const struct mapstreet_settings *settings;
	struct config_probe no_section; /* what holds for a probe without one */
	struct kernel *kernel;
	bool kernel_tried;
	struct agentprobes next;
};

static const struct agentprobe *find(const struct agentprobes *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->items[i].name, name))
			return &set->items[i];
	return NULL;
}

/* Some megabytes, and tens of milliseconds: only where a probe is to be loaded. */
static const struct feature_kernel *known_kernel(struct maker *m)
{
	CLEANUP(text_free) struct text why = {0};

	if (!m->kernel_tried)
		(void)kernel_open(m->config->agent.btf_path, &m->kernel, &why);
	if (why.len)
		log_error("%s", text_cstr(&why));
	m->kernel_tried = true;
	return kernel_features(m->kernel);
}

static struct mapstreet_settings settings_of(const struct maker *m,
                                             const struct config_probe *section)
{
	struct mapstreet_settings settings = *m->settings;

	settings.ttl_ns = m->config->agent.series_ttl_ns;
	settings.max_series = section->max_series;
	settings.alias = section->alias;
	return settings;
}

static int attach(struct maker *m, struct agentprobe *item, const char *path,
                  const struct config_probe *section, struct report *report)
{
	const struct mapstreet_settings settings = settings_of(m, section);
	CLEANUP(probe_freep) struct probe *probe = NULL;
	int err = probe_open(path, section, known_kernel(m), &probe, report);
	const char *unfit;

	if (err)
		return err;
	probe_check_tags(probe, m->config, report);
	unfit = probe_unfit(probe);
	if (unfit) {
		report_add(report, REPORT_ERROR, NULL, "probe %s: not loaded: %s", item->name,
		           unfit);
		return -EOPNOTSUPP;
	}
	err = probe_attach(probe, known_kernel(m), report);
	return err ?: collector_new(TAKE_PTR(probe), &settings, &item->collector);
}

/* @return 1: it is off */
static int attach_or_keep(struct maker *m, struct agentprobe *item, const char *path,
                          const struct config_probe *section, struct report *report)
{
	const struct collector *running = item->former ? item->former->collector : NULL;
	struct fingerprint fingerprint;
	bool enabled;
	/* First: opening wants the kernel's BTF, which costs more than all files together. */
	int err = probe_look(path, section, &fingerprint, &enabled, report);

	if (err || !enabled)
		return err ?: 1;
	if (!running)
		return attach(m, item, path, section, report);
	item->change = fingerprint_difference(collector_fingerprint(running), &fingerprint);
	item->stays = !item->change;
	return item->stays ? 0 : attach(m, item, path, section, report);
}

static int keep(struct maker *m, const struct agentprobe *item, const struct config_probe *section)
{
	struct mapstreet_settings settings = settings_of(m, section);
	size_t all_new[CONFIG_MAX_OUTPUTS];

	if (!collector_has_alias(item->former->collector, settings.alias)) {
		for (size_t i = 0; i < CONFIG_MAX_OUTPUTS; i++)
			all_new[i] = MAPSTREET_NEW_STYLE;
		settings.former = all_new;
	}
	return collector_prepare(item->former->collector, &settings);
}

static int add(struct maker *m, const struct probedir_entry *entry)
{
	CLEANUP(report_free) struct report report = {0};
	const struct config_probe *section =
		config_find_probe(m->config, entry->name) ?: &m->no_section;
	struct agentprobe *item = &m->next.items[m->next.n];
	int err;

	if (section->enabled == 0)
		return 0;
	*item = (struct agentprobe){.name = strdup(entry->name),
	                            .former = find(m->now, entry->name)};
	if (!item->name)
		return -ENOMEM;
	err = attach_or_keep(m, item, entry->path, section, &report);
	log_report(&report);
	if (err == 1) {
		free(item->name);
		return 0;
	}
	m->next.n++;
	item->failed = err;
	if (err && section->required) {
		log_error("probe %s: it has required = yes and cannot be had", item->name);
		return -EINVAL;
	}
	if (err && item->former && item->former->collector) {
		log_warning("probe %s: goes on as it was", item->name);
		item->stays = true;
	}
	return item->stays ? keep(m, item, section) : 0;
}

/* One that nobody finds is as good as one that cannot be loaded. */
static int check_required(const struct config *config, const struct probedir *dir)
{
	int err = 0;

	for (size_t i = 0; i < config->n_probes; i++) {
		const struct config_probe *section = &config->probes[i];

		if (!section->required || section->enabled == 0 || probedir_has(dir, section->name))
			continue;
		log_error("probe %s: it has required = yes and is not there", section->name);
		err = -EINVAL;
	}
	return err;
}

/* @return -EINVAL: what runs might be taken for gone. Where nothing runs, what can be listed is better than nothing. */
static int list(const struct agentprobes *now, const struct config *config, struct probedir *ret)
{
	CLEANUP(report_free) struct report report = {0};
	uint64_t running, failed;
	int err = probedir_list(&config->agent.probe_dirs, ret, &report);

	if (err) {
		log_error("probes cannot be listed: %s", strerror(-err));
		return err;
	}
	agentprobes_count(now, &running, &failed);
	if (ret->n_unlisted && running)
		err = -EINVAL;
	else
		probedir_report_unknown(ret, config, REPORT_WARNING, &report);
	log_report(&report);
	return err ?: check_required(config, ret);
}

int agentprobes_make(const struct agentprobes *now, const struct config *config,
                     const struct mapstreet_settings *settings, struct agentprobes *ret)
{
	assert(now && config && settings && ret);

	CLEANUP(probedir_free) struct probedir dir = {0};
	struct maker m = {.now = now, .config = config, .settings = settings};
	int err = list(now, config, &dir);

	if (err)
		return err;
	m.next.n_unlisted = dir.n_unlisted;
	err = confkeys_set_defaults("probe.*", &m.no_section);
	for (size_t i = 0; i < dir.n && !err; i++)
		err = add(&m, &dir.entries[i]);
	kernel_closep(&m.kernel);
	confkeys_clear("probe.*", &m.no_section);
	if (err)
		agentprobes_drop(&m.next);
	else
		*ret = m.next;
	return err;
}

static void free_items(struct agentprobes *set)
{
	for (size_t i = 0; i < set->n; i++) {
		collector_free(set->items[i].collector);
		free(set->items[i].name);
	}
	set->n = 0;
}

void agentprobes_drop(struct agentprobes *next)
{
	free_items(next);
}

void agentprobes_baseline(struct agentprobes *now)
{
	for (size_t i = 0; i < now->n; i++)
		if (now->items[i].collector)
			collector_baseline(now->items[i].collector, NULL);
}

void agentprobes_begin(struct agentprobes *next)
{
	for (size_t i = 0; i < next->n; i++) {
		struct agentprobe *item = &next->items[i];

		if (item->collector)
			item->gap_ns = collector_baseline(
				item->collector, item->former ? item->former->collector : NULL);
	}
}

static void tell(const struct agentprobe *item)
{
	if (item->collector && item->change)
		log_info("probe %s: runs anew, because %s changed; for %.3f ms nobody counted",
		         item->name, item->change, (double)item->gap_ns / 1e6);
	else if (item->collector)
		log_info("probe %s: runs", item->name);
}

void agentprobes_take(struct agentprobes *now, struct agentprobes *next)
{
	for (size_t i = 0; i < now->n; i++)
		if (now->items[i].collector && !find(next, now->items[i].name))
			log_info("probe %s: removed", now->items[i].name);
	for (size_t i = 0; i < next->n; i++) {
		struct agentprobe *item = &next->items[i];

		tell(item);
		if (item->stays) {
			/* Where it was: the set in use, whose items are freed next. */
			item->collector = TAKE_PTR(now->items[item->former - now->items].collector);
			collector_commit(item->collector);
		}
		item->former = NULL;
		item->change = NULL;
		item->stays = false;
	}
	free_items(now);
	*now = *next;
	*next = (struct agentprobes){0};
}

void agentprobes_gather(struct agentprobes *now, const struct decode_env *env)
{
	for (size_t i = 0; i < now->n; i++)
		if (now->items[i].collector)
			collector_gather(now->items[i].collector, env);
}

void agentprobes_cut(struct agentprobes *now, const struct decode_env *env)
{
	for (size_t i = 0; i < now->n; i++)
		if (now->items[i].collector)
			collector_cut(now->items[i].collector, env);
}

void agentprobes_count(const struct agentprobes *now, uint64_t *ret_running, uint64_t *ret_failed)
{
	uint64_t running = 0, failed = now->n_unlisted;

	for (size_t i = 0; i < now->n; i++) {
		running += now->items[i].collector != NULL;
		failed += now->items[i].failed;
	}
	*ret_running = running;
	*ret_failed = failed;
}

void agentprobes_free(struct agentprobes *now)
{
	free_items(now);
}
