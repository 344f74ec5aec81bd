/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include "inifile.h"
#include "kernel.h"
#include "privileges.h"
#include "probeconst.h"
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

const char *probe_unfit(const struct probe *p)
{
	for (size_t i = 0; i < p->n_programs; i++) {
		const struct spec_program *s = probe_program_spec(p->spec, p->programs[i].name);

		if (p->programs[i].chosen || p->programs[i].unwanted || (s && s->optional))
			continue;
		if (!s || !s->one_of || !probe_group_is_served(p, s->one_of))
			return p->programs[i].why ?: "out of memory";
	}
	return NULL;
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

/* @param path  of the description */
static int open_object(struct probe *p, const char *path, struct report *report)
{
	CLEANUP(text_free) struct text object = {0};
	const struct bpf_object_open_opts options = {.sz = sizeof(options),
	                                             .object_name = p->spec->name};

	kernel_forget_message();
	p->object = bpf_object__open_mem(p->image, p->image_len, &options);
	if (p->object)
		return 0;
	int err = errno;

	if (object_path(p, path, &object))
		return -ENOMEM;
	if (strstr(kernel_message(), "BTF is required"))
		report_add(report, REPORT_ERROR, text_cstr(&object),
		           "has no BTF; compile it with clang -g");
	else
		report_add(report, REPORT_ERROR, text_cstr(&object),
		           "probe %s: not a BPF object: %s%s%s", p->spec->name, strerror(err),
		           *kernel_message() ? "; " : "", kernel_message());
	return -EINVAL;
}

static void close_object(struct probe *p)
{
	bpf_object__close(p->object);
	p->object = NULL;
	free(p->image);
	p->image = NULL;
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

int probe_open(const char *path, const struct config_probe *config, const struct btf *kernel,
               struct probe **ret, struct report *report)
{
	CLEANUP(probe_freep) struct probe *p = calloc(1, sizeof(*p));
	int err = p ? 0 : -ENOMEM;

	if (p)
		p->window_fd = -1;
	err = err ?: read_files(p, path, config, report);
	err = err ?: open_object(p, path, report);
	err = err ?: probeconst_set_all(p->spec, p->object, kernel, report);
	err = err ?: probe_bind_maps(p, kernel, report);
	err = err ?: probe_choose_programs(p, kernel, report);
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

static int duplicate(int fd, int *ret_fd)
{
	*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_fd < 0 ? -errno : 0;
}

/* The object's descriptors close with it: what is needed later is kept as a duplicate. */
static int keep_descriptors(struct probe *p)
{
	int err = 0;

	for (size_t i = 0; i < p->n_maps && !err; i++) {
		struct probe_map *m = &p->maps[i];

		err = duplicate(bpf_object__find_map_fd_by_name(p->object, m->spec->name), &m->fd);
		if (!err && m->spec->index)
			err = duplicate(bpf_object__find_map_fd_by_name(p->object, m->spec->index),
			                &m->index_fd);
	}
	if (bpf_object__find_map_by_name(p->object, PROBE_WINDOW_MAP) && !err)
		err = duplicate(bpf_object__find_map_fd_by_name(p->object, PROBE_WINDOW_MAP),
		                &p->window_fd);
	for (size_t i = 0; i < p->n_programs && !err; i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(p->object, p->programs[i].name);

		if (p->programs[i].chosen)
			err = duplicate(bpf_program__fd(program), &p->programs[i].fd);
	}
	return err;
}

static int attach_programs(struct probe *p, struct report *report)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, p->object)
	{
		const struct spec_program *spec =
			probe_program_spec(p->spec, bpf_program__name(program));
		struct bpf_link *link;

		if (!bpf_program__autoload(program) || (spec && spec->before_read))
			continue;
		link = bpf_program__attach(program);
		if (!link) {
			int err = -errno;

			report_at(report, REPORT_ERROR, p->spec->file, 0,
			          "probe %s: program %s: not attached: %s", p->spec->name,
			          bpf_program__name(program), strerror(-err));
			return err;
		}
		p->links[p->n_links++] = link;
	}
	return 0;
}

static void close_fd(int *fd)
{
	ground_closep(fd);
	*fd = -1;
}

static void detach(struct probe *p)
{
	while (p->n_links)
		bpf_link__destroy(p->links[--p->n_links]);
	for (size_t i = 0; i < p->n_maps; i++) {
		close_fd(&p->maps[i].fd);
		close_fd(&p->maps[i].index_fd);
	}
	close_fd(&p->window_fd);
	for (size_t i = 0; i < p->n_programs; i++)
		close_fd(&p->programs[i].fd);
}

int probe_attach(struct probe *p, struct report *report)
{
	int err;

	kernel_forget_message();
	err = bpf_object__load(p->object);
	if (err == -EPERM) {
		CLEANUP(text_free) struct text why = {0};

		privileges_explain(&why);
		report_at(report, REPORT_ERROR, p->spec->file, 0, "probe %s: not loaded: %s",
		          p->spec->name, text_cstr(&why));
		return err;
	}
	if (err) {
		report_at(report, REPORT_ERROR, p->spec->file, 0, "probe %s: not loaded: %s%s%s",
		          p->spec->name, strerror(-err), *kernel_message() ? "; " : "",
		          kernel_message());
		return err;
	}
	err = keep_descriptors(p);
	err = err ?: probe_next_window(p);
	err = err ?: attach_programs(p, report);
	if (err) {
		detach(p);
		return err;
	}
	close_object(p);
	return 0;
}

int probe_next_window(struct probe *p)
{
	uint32_t next = p->window + 1, zero = 0;

	if (p->window_fd < 0)
		return 0;
	/* An empty word has the number 0. */
	next += !next;
	if (bpf_map_update_elem(p->window_fd, &zero, &next, BPF_ANY))
		return -errno;
	p->window = next;
	return 0;
}

static int run_to_its_end(int fd)
{
	for (uint64_t number = 0; number < PROBE_RUNS_MAX; number++) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &number,
		            .ctx_size_in = sizeof(number));

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
	detach(p);
	for (size_t i = 0; i < p->n_maps; i++)
		layout_free(p->maps[i].layout);
	for (size_t i = 0; i < p->n_left; i++)
		free(p->left[i].why);
	for (size_t i = 0; i < p->n_programs; i++) {
		free(p->programs[i].name);
		free(p->programs[i].why);
	}
	close_object(p);
	spec_free(p->spec);
	free(p);
}

void probe_freep(struct probe **p)
{
	probe_free(*p);
	*p = NULL;
}
