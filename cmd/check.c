/* SPDX-License-Identifier: Apache-2.0 */
#include "bpflog.h"
#include "command.h"
#include "credentials.h"
#include "kernel.h"
#include "paths.h"
#include "probe.h"
#include "probedir.h"
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What was found, for the last line and the exit code. */
struct findings {
	size_t probes;
	size_t errors;
	size_t warnings;
	uint64_t memory; /* kernel memory of all maps, bytes */
	uint64_t read;   /* bytes copied by a full read */
};

static void warn(struct findings *f, const char *text)
{
	printf("  warning: %s\n", text);
	f->warnings++;
}

static void check_tags(const struct config *config, struct findings *f)
{
	bool has_dc = false;

	printf("tags\n");
	for (size_t i = 0; i < config->n_global_tags; i++) {
		printf("  %s = %s\n", config->global_tags[i].key, config->global_tags[i].value);
		has_dc |= !strcmp(config->global_tags[i].key, "dc");
	}
	if (!has_dc)
		warn(f,
		     "no tag dc (data centre) in [global_tags]: heatmaps of several data centres cannot be told apart");
}

/* Whether the files of an output hold what they should. */
static void check_credentials(const struct config_output *o, struct findings *f)
{
	CLEANUP(credentials_free) struct credentials credentials = {0};
	CLEANUP(text_free) struct text why = {0}, line = {0};
	int err = credentials_read(o, &credentials, &why);

	if (err == -EACCES && geteuid()) {
		text_printf(&line, "%s; not checked: the agent runs as root", text_cstr(&why));
		warn(f, text_cstr(&line));
	} else if (err == -ENOKEY) {
		text_printf(&line, "%s; not checked: only the service has it", text_cstr(&why));
		warn(f, text_cstr(&line));
	} else if (err) {
		printf("  error: %s\n", text_cstr(&why));
		f->errors++;
	} else if (credentials.public_key) {
		text_printf(&line, "%s: everybody can read the file; chmod it to 0600",
		            credentials.public_key);
		warn(f, text_cstr(&line));
	}
}

static void check_outputs(const struct config *config, struct findings *f)
{
	for (size_t i = 0; i < config->n_outputs; i++) {
		const struct config_output *o = &config->outputs[i];
		CLEANUP(text_free) struct text line = {0};

		target_describe(&line, o);
		printf("output %s\n  %s\n", o->name, text_cstr(&line));
		if (o->type != OUTPUT_FILE && o->type != OUTPUT_STDOUT)
			check_credentials(o, f);
	}
}

static void print_map(const struct probe_map *m, struct findings *f)
{
	printf("  map %s: key %u bytes, value %u bytes", m->spec->name, m->layout->key_size,
	       m->layout->value_size);
	if (m->shards > 1)
		printf(" x %u shards", m->shards);
	printf(", %u rows: %.1f MiB of kernel memory\n", m->max_keys,
	       (double)m->memory / (1 << 20));
	f->memory += m->memory;
	f->read += (uint64_t)m->max_keys * (m->row_size + m->layout->key_size);
}

static void print_private(const struct probe_private *m, struct findings *f)
{
	printf("  map %s: for the programs alone, %u rows: %.1f MiB of kernel memory\n",
	       m->map->name, m->max_keys, (double)m->memory / (1 << 20));
	f->memory += m->memory;
}

static void print_probe(const struct probe *p, const struct feature_kernel *kernel, bool required,
                        struct findings *f)
{
	const char *unfit = probe_unfit(p);

	printf("probe %s\n  %s\n", p->spec->name, p->spec->about ?: "");
	for (size_t i = 0; i < p->n_programs; i++)
		printf("  program %s: %s%s\n", p->programs[i].name,
		       p->programs[i].chosen ? "runs" : "left out: ",
		       p->programs[i].chosen ? "" : p->programs[i].why);
	for (size_t i = 0; i < p->n_maps; i++)
		print_map(&p->maps[i], f);
	for (size_t i = 0; i < p->n_privates; i++)
		print_private(&p->privates[i], f);
	if (p->own_memory)
		printf("  maps of its own: %.1f MiB of kernel memory\n",
		       (double)p->own_memory / (1 << 20));
	f->memory += p->own_memory;
	for (size_t i = 0; i < p->n_left; i++)
		printf("  map %s: not %s: %s\n", p->left[i].map->name,
		       specmap_is_private(p->left[i].map) ? "used" : "read", p->left[i].why);
	if (unfit && kernel && required) {
		printf("  error: required, and cannot run here: %s\n", unfit);
		f->errors++;
	} else if (unfit && kernel) {
		warn(f, "cannot run on this kernel");
	}
}

static void check_probe(const struct probedir_entry *entry, const struct config *config,
                        const struct feature_kernel *kernel, struct findings *f)
{
	CLEANUP(report_free) struct report report = {0};
	CLEANUP(probe_freep) struct probe *probe = NULL;
	const struct config_probe *section = config_find_probe(config, entry->name);

	f->probes++;
	if (section && section->enabled == 0) {
		printf("probe %s\n  off\n", entry->name);
		return;
	}
	if (probe_open(entry->path, section, kernel, &probe, &report)) {
		f->errors += MAX(report.n_errors, 1);
	} else if (!probe_is_enabled(probe, section)) {
		printf("probe %s\n  off\n", entry->name);
	} else {
		probe_check_tags(probe, config, &report);
		print_probe(probe, kernel, section && section->required, f);
	}
	f->warnings += report.n_warnings;
	fflush(stdout);
	log_report(&report);
}

static void check_probes(const struct config *config, struct findings *f)
{
	CLEANUP(probedir_free) struct probedir probes = {0};
	CLEANUP(kernel_closep) struct kernel *kernel = NULL;
	CLEANUP(text_free) struct text why = {0};
	CLEANUP(report_free) struct report report = {0};

	if (kernel_open(config->agent.btf_path, &kernel, &why))
		return;
	if (why.len) {
		printf("kernel\n");
		warn(f, text_cstr(&why));
	}
	if (probedir_list(&config->agent.probe_dirs, &probes)) {
		log_error("probes cannot be listed");
		f->errors++;
	}
	for (size_t i = 0; i < probes.n; i++)
		check_probe(&probes.entries[i], config, kernel_features(kernel), f);
	probedir_report_unknown(&probes, config, REPORT_ERROR, &report);
	f->errors += report.n_errors;
	fflush(stdout);
	log_report(&report);
	if (!probes.n) {
		CLEANUP(text_free) struct text line = {0};

		text_printf(&line, "no probes found: neither beside the program nor in %s and %s",
		            paths_admin_probes, paths_shipped_probes);
		warn(f, text_cstr(&line));
	}
}

static void print_sources(const struct command_options *options)
{
	bool any = false;

	printf("configuration\n");
	if (options->config) {
		printf("  %s\n", options->config);
		return;
	}
	any = !access(paths_config_file, R_OK);
	if (any)
		printf("  %s\n", paths_config_file);
	if (!access(paths_config_dir, R_OK)) {
		printf("  %s/*.ini\n", paths_config_dir);
		any = true;
	}
	if (!any)
		printf("  no %s: built-in defaults\n", paths_config_file);
}

static int print_defaults(void)
{
	CLEANUP(text_free) struct text out = {0};

	config_print_defaults(&out);
	if (out.err)
		return EXIT_FAILED;
	fputs(text_cstr(&out), stdout);
	return EXIT_OK;
}

static int check(const struct command_options *options)
{
	CLEANUP(config_freep) struct config *config = NULL;
	struct findings found = {0};

	if (options->defaults)
		return print_defaults();
	config = command_config(options, &found.warnings);
	if (!config)
		return EXIT_USAGE;
	print_sources(options);
	bpflog_catch();
	check_tags(config, &found);
	check_outputs(config, &found);
	check_probes(config, &found);
	printf("sum\n  probes: %zu; at most %.1f MiB of kernel memory, %.1f MiB copied by a full read\n",
	       found.probes, (double)found.memory / (1 << 20), (double)found.read / (1 << 20));
	if (geteuid())
		printf("not root: whether the kernel lets probes load was not tried\n");
	printf("errors: %zu, warnings: %zu\n", found.errors, found.warnings);
	return found.errors ? EXIT_USAGE : EXIT_OK;
}

const struct command command_check = {
	.name = "check",
	.about = "configuration, probes and kernel: what works here, without starting it",
	.usage =
		"Needs no privileges. Reads the configuration, binds every probe's description to its object's BTF and\n"
		"asks the kernel's BTF which programs it can run.\n\n"
		"  --defaults               print the default configuration, documented, and end\n",
	.takes_defaults = true,
	.run = check,
};
