/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration: nothing crashes, nothing leaks, a refused one was reported, and an accepted one
 * keeps what config.h promises. The last line, if it begins with "--set ", is given as --set.
 */
#include "config.h"

#include "input.h"

static const char *environment(const char *name)
{
	if (!strcmp(name, "URL"))
		return "http://h:1/w http://[::1]";
	if (!strcmp(name, "BAD"))
		return "a\nb\xff${URL}";
	if (!strcmp(name, "LOCAL_DATACENTER"))
		return "dc-1";
	return NULL;
}

static void check(const struct config *c)
{
	expect(c->agent.interval_ns >= 100000000 && c->agent.hostname);
	expect(c->n_outputs >= 1 && c->n_outputs <= CONFIG_MAX_OUTPUTS);
	expect(c->n_probes <= CONFIG_MAX_PROBES && c->n_global_tags <= CONFIG_MAX_TAGS);
	for (size_t i = 0; i < c->n_outputs; i++) {
		const struct config_output *o = &c->outputs[i];
		expect(o->name && o->place && o->urls.n && o->database && o->password);
		expect(o->type < OUTPUT_TYPE_MAX && o->style < OUTPUT_STYLE_MAX);
		expect(o->type != OUTPUT_FILE || *o->path);
		expect(o->buckets_per_octave &&
		       !(o->buckets_per_octave & (o->buckets_per_octave - 1)));
	}
	for (size_t i = 0; i < c->n_global_tags; i++)
		expect(*c->global_tags[i].value &&
		       (!i || strcmp(c->global_tags[i - 1].key, c->global_tags[i].key) < 0));
	for (size_t i = 0; i < c->n_probes; i++)
		expect(config_find_probe(c, c->probes[i].name) == &c->probes[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(config_freep) struct config *config = NULL;
	CLEANUP(report_free) struct report report = {0};
	CLEANUP_FREE char *set = NULL;
	const uint8_t *newline = memrchr(data, '\n', size);

	if (newline && (size_t)(data + size - newline) > 7 && !memcmp(newline + 1, "--set ", 6)) {
		set = strndup((const char *)newline + 7, (size_t)(data + size - newline) - 7);
		size = (size_t)(newline - data);
	}
	const char *sets[] = {set};
	const struct config_sources sources = {
		.sets = sets, .n_sets = set ? 1 : 0, .getenv = environment};
	int r = config_parse("fuzz.ini", (const char *)data, size, &sources, &config, &report);
	expect((r == 0) == (config != NULL) && (r < 0) == (report.n_errors > 0));
	if (config)
		check(config);
	return 0;
}
