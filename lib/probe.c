/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include "inifile.h"
#include "text.h"
#include "trusted.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

static int read_trusted(const char *path, size_t max_bytes, uint8_t **ret_data, size_t *ret_len,
                        struct report *report)
{
	CLEANUP(text_free) struct text why = {0};
	int err = trusted_read(path, max_bytes, ret_data, ret_len, &why);

	if (err)
		report_add(report, REPORT_ERROR, path, "%s", text_cstr(&why));
	return err;
}

static int read_spec(struct probe *p, const char *path, struct report *report)
{
	CLEANUP_FREE uint8_t *data = NULL;
	CLEANUP_FREE char *copy = strdup(path);
	char *name = copy ? basename(copy) : NULL;
	size_t len = 0;
	int err = copy ? read_trusted(path, INIFILE_MAX_BYTES, &data, &len, report) : -ENOMEM;

	if (err)
		return err;
	name[strcspn(name, ".")] = '\0';
	p->fingerprint.description = fingerprint_file(data, len);
	return spec_parse(name, path, (const char *)data, len, &p->spec, report);
}

static int apply_config(struct probe *p, const struct config_probe *config, struct report *report)
{
	int err = 0;

	p->fingerprint.constants = config ? fingerprint_pairs(config->consts, config->n_consts)
	                                  : fingerprint_pairs(NULL, 0);
	for (size_t i = 0; config && i < config->n_consts; i++) {
		const struct config_pair *c = &config->consts[i];

		err = spec_set_const(p->spec, c->key, c->value, c->place, report) ?: err;
	}
	return err;
}

bool probe_is_enabled(const struct probe *p, const struct config_probe *section)
{
	return section && section->enabled >= 0 ? section->enabled : p->spec->enabled;
}

static bool map_has_name(const struct spec_map *map, const char *name)
{
	for (size_t i = 0; i < map->n_tags; i++)
		if (!strcmp(map->tags[i].name, name))
			return true;
	for (size_t i = 0; i < map->n_fields; i++)
		if (!strcmp(map->fields[i].name, name))
			return true;
	return false;
}

void probe_check_tags(const struct probe *p, const struct config *config, struct report *report)
{
	for (size_t i = 0; i < config->n_global_tags; i++) {
		const struct config_pair *tag = &config->global_tags[i];
		bool clashes = false;

		for (size_t k = 0; k < p->spec->n_maps; k++)
			clashes |= map_has_name(&p->spec->maps[k], tag->key);
		if (clashes)
			report_add(
				report, REPORT_WARNING, tag->place,
				"[global_tags] %s: probe %s has that name for its own; choose another",
				tag->key, p->spec->name);
	}
}

/* ---- open, attach, close */

/* The object lies beside its description. */
static int object_path(const struct probe *p, const char *path, struct text *ret)
{
	const char *slash = strrchr(path, '/');

	text_append(ret, path, slash ? (size_t)(slash - path) + 1 : 0);
	text_str(ret, p->spec->object);
	return ret->err;
}

/* Both files, and the constants of the configuration: all that a fingerprint is of. */
static int read_files(struct probe *p, const char *path, const struct config_probe *config,
                      struct report *report)
{
	CLEANUP(text_free) struct text object = {0};
	int err = read_spec(p, path, report);

	err = err ?: apply_config(p, config, report);
	err = err ?: object_path(p, path, &object);
	err = err
	              ?: read_trusted(object.data, PROBE_OBJECT_MAX_BYTES, &p->image, &p->image_len,
	                              report);
	if (!err)
		p->fingerprint.object = fingerprint_file(p->image, p->image_len);
	return err;
}

/* tg_drop() counts, and nobody would read it: drops=0 would look as if nothing were lost. */
static void check_drops(const struct probe *p, struct report *report)
{
	bool is_read = !bpf_object__find_map_by_name(p->object, "drops");

	for (size_t i = 0; i < p->spec->n_maps; i++)
		is_read |= !strcmp(p->spec->maps[i].name, "drops");
	if (!is_read)
		report_add(report, REPORT_WARNING, p->spec->file,
		           "probe %s: %s counts in a map \"drops\" what it could not count, and "
		           "nobody is told: write a section [map drops]",
		           p->spec->name, p->spec->object);
}

int probe_open(const char *path, const struct config_probe *config,
               const struct feature_kernel *kernel, struct probe **ret, struct report *report)
{
	CLEANUP(probe_freep) struct probe *p = calloc(1, sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (p)
		p->window_fd = -1;
	err = err ?: read_files(p, path, config, report);
	err = err ?: probe_build(p, kernel, report);
	if (err)
		return err;
	check_drops(p, report);
	*ret = TAKE_PTR(p);
	return 0;
}

int probe_look(const char *path, const struct config_probe *config, struct fingerprint *ret,
               bool *ret_enabled, struct report *report)
{
	CLEANUP(probe_freep) struct probe *p = calloc(1, sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (p)
		p->window_fd = -1;
	err = err ?: read_files(p, path, config, report);
	if (err)
		return err;
	*ret = p->fingerprint;
	*ret_enabled = probe_is_enabled(p, config);
	return 0;
}

static int run_to_its_end(int fd)
{
	for (uint64_t number = 0; number < PROBE_RUNS_MAX; number++) {
		struct bpf_test_run_opts run = {
			.sz = sizeof(run), .ctx_in = &number, .ctx_size_in = sizeof(number)};

		if (bpf_prog_test_run_opts(fd, &run))
			return -errno;
		if (!run.retval)
			return 0;
	}
	return -ELOOP;
}

int probe_run_before_read(const struct probe *p)
{
	int err = 0;

	for (size_t i = 0; i < p->n_programs; i++) {
		const struct spec_program *s = probe_program_spec(p->spec, p->programs[i].name);

		if (s && s->before_read && p->programs[i].fd >= 0)
			err = run_to_its_end(p->programs[i].fd) ?: err;
	}
	return err;
}

int probe_runs(const struct probe *p, struct probe_runs *ret_runs)
{
	struct probe_runs sum = {0};

	for (size_t i = 0; i < p->n_programs; i++) {
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);

		if (p->programs[i].fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(p->programs[i].fd, &info, &len))
			return -errno;
		sum.missed += info.recursion_misses;
		sum.runs += info.run_cnt;
		sum.run_ns += info.run_time_ns;
	}
	*ret_runs = sum;
	return 0;
}

void probe_free(struct probe *p)
{
	if (!p)
		return;
	probe_detach(p);
	probe_discard(p);
	for (size_t i = 0; i < p->n_refused; i++) {
		free(p->refused[i].name);
		free(p->refused[i].why);
	}
	free(p->image);
	free(p->log);
	spec_free(p->spec);
	free(p);
}

void probe_freep(struct probe **p)
{
	probe_free(*p);
	*p = NULL;
}
