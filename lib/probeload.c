/* SPDX-License-Identifier: Apache-2.0 */
#include "probeload.h"

#include "bpflog.h"
#include "host.h"
#include "probeconst.h"
#include "probeprograms.h"
#include "refusal.h"
#include "text.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* ---- the object */

static void tell_no_object(const struct probe *p, int err, struct report *report)
{
	CLEANUP(text_free) struct text file = {0};
	const char *said = bpflog_said()->complaint, *slash = strrchr(p->spec->file, '/');

	/* It lies beside its description. */
	text_append(&file, p->spec->file, slash ? (size_t)(slash - p->spec->file) + 1 : 0);
	text_str(&file, p->spec->object);
	if (strstr(said, "BTF is required"))
		report_add(report, REPORT_ERROR, text_cstr(&file),
		           "has no BTF; compile it with clang -g");
	else
		report_add(report, REPORT_ERROR, text_cstr(&file),
		           "probe %s: not a BPF object: %s%s%s", p->spec->name, strerror(err),
		           *said ? "; " : "", said);
}

static int open_object(struct probe *p, const struct feature_kernel *kernel, struct report *report)
{
	const struct bpf_object_open_opts options = {
		.sz = sizeof(options),
		.object_name = p->spec->name,
		.btf_custom_path = kernel ? kernel->btf_path : NULL,
		/* libbpf's own buffer for a log grows to 128 MiB and more. */
		.kernel_log_buf = p->log,
		.kernel_log_size = PROBELOAD_LOG_BYTES,
	};

	bpflog_forget();
	p->object = bpf_object__open_mem(p->image, p->image_len, &options);
	if (p->object)
		return 0;
	tell_no_object(p, errno, report);
	return -EINVAL;
}

int probe_build(struct probe *p, const struct feature_kernel *kernel, struct report *report)
{
	int err = 0;

	p->log = p->log ?: calloc(1, PROBELOAD_LOG_BYTES);
	if (!p->log)
		return -ENOMEM;
	err = open_object(p, kernel, report);
	err = err ?: probeconst_set_all(p->spec, p->object, kernel, report);
	err = err ?: probe_bind_maps(p, kernel, report);
	return err ?: probe_choose_programs(p, kernel, report);
}

static void close_object(struct probe *p)
{
	bpf_object__close(p->object);
	p->object = NULL;
}

void probe_discard(struct probe *p)
{
	close_object(p);
	for (size_t i = 0; i < p->n_maps; i++)
		layout_free(p->maps[i].layout);
	for (size_t i = 0; i < p->n_left; i++)
		free(p->left[i].why);
	for (size_t i = 0; i < p->n_programs; i++) {
		free(p->programs[i].name);
		free(p->programs[i].section);
		free(p->programs[i].why);
	}
	p->n_maps = p->n_left = p->n_privates = p->n_programs = 0;
	p->window = 0;
}

/* ---- attached */

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

static void close_fd(int *fd)
{
	ground_closep(fd);
	*fd = -1;
}

void probe_detach(struct probe *p)
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

/* ---- one try */

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

/* What the kernel did not take, and when. */
struct failure {
	int err; /* 0: it took everything */
	bool attaching;
	const struct bpf_program *program; /* NULL: it is about all of them, or nobody knows */
};

static struct failure load(struct probe *p)
{
	struct failure f = {0};

	p->log[0] = '\0';
	bpflog_forget();
	f.err = bpf_object__load(p->object);
	if (!f.err)
		return f;
	bpflog_read(p->log);
	if (*bpflog_said()->program)
		f.program = bpf_object__find_program_by_name(p->object, bpflog_said()->program);
	return f;
}

static struct failure attach(struct probe *p)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, p->object)
	{
		const struct spec_program *section =
			probe_program_spec(p->spec, bpf_program__name(program));
		struct bpf_link *link;

		if (!bpf_program__autoload(program) || (section && section->before_read))
			continue;
		bpflog_forget();
		link = bpf_program__attach(program);
		if (!link)
			return (struct failure){
				.err = -errno, .attaching = true, .program = program};
		p->links[p->n_links++] = link;
	}
	return (struct failure){0};
}

static struct failure load_and_attach(struct probe *p)
{
	struct failure f = load(p);

	if (f.err)
		return f;
	f.err = keep_descriptors(p);
	f.err = f.err ?: probe_next_window(p);
	return f.err ? f : attach(p);
}

/* ---- falling back */

/* A failure in words; all of it is copied, for the object goes. */
struct story {
	struct text who;    /* "program NAME: ", or empty */
	struct text name;   /* of the program */
	struct text reason; /* "not attached: this kernel has no function x" */
	struct text remedy;
	bool own; /* of the program alone */
};

static void free_story(struct story *s)
{
	text_free(&s->who);
	text_free(&s->name);
	text_free(&s->reason);
	text_free(&s->remedy);
}

static void tell_story(const struct failure *f, const struct feature_kernel *kernel,
                       struct story *ret)
{
	const struct bpflog *said = bpflog_said();
	struct facts facts;

	host_read_facts(kernel, &facts);

	const struct refusal refusal = {
		.attaching = f->attaching,
		.err = f->err,
		.section = f->program ? bpf_program__section_name(f->program) : "",
		.complaint = said->complaint,
		.verdict = said->verdict,
		.facts = &facts,
	};

	if (f->program) {
		text_str(&ret->name, bpf_program__name(f->program));
		text_printf(&ret->who, "program %s: ", text_cstr(&ret->name));
	}
	text_str(&ret->reason, f->attaching ? "not attached: " : "not loaded: ");
	refusal_explain(&refusal, &ret->reason, &ret->remedy);
	ret->own = refusal_is_own(&refusal);
}

static void tell_error(const struct probe *p, const struct story *s, struct report *report)
{
	report_at(report, REPORT_ERROR, p->spec->file, 0, "probe %s: %s%s", p->spec->name,
	          text_cstr(&s->who), text_cstr(&s->reason));
	report_add(report, REPORT_NOTE, NULL, "probe %s: %s%s", p->spec->name, text_cstr(&s->who),
	           text_cstr(&s->remedy));
}

/* Another of a group is as good; an optional one is missed. */
static void tell_fallback(const struct probe *p, const struct story *s, struct report *report)
{
	const struct spec_program *section = probe_program_spec(p->spec, text_cstr(&s->name));
	const char *group = section ? section->one_of : NULL;

	report_at(report, group ? REPORT_NOTE : REPORT_WARNING, p->spec->file, 0,
	          "probe %s: %s%s; %s%s", p->spec->name, text_cstr(&s->who), text_cstr(&s->reason),
	          group ? "trying the next of group " : "the probe runs without it", group ?: "");
}

/* Whether the description lets the probe do without that program. */
static bool may_be_missed(const struct probe *p, const char *program)
{
	const struct spec_program *section = probe_program_spec(p->spec, program);

	return section && (section->optional || section->one_of);
}

/* An object that failed to load cannot be loaded again: it is built anew, without the program. */
static int without(struct probe *p, const struct story *s, const struct feature_kernel *kernel)
{
	CLEANUP(report_free) struct report told_before = {0};
	int err = probe_refuse(p, text_cstr(&s->name), text_cstr(&s->reason));

	probe_detach(p);
	probe_discard(p);
	return err ?: probe_build(p, kernel, &told_before);
}

/* @return 0: to be tried again */
static int fall_back(struct probe *p, const struct failure *f, const struct feature_kernel *kernel,
                     struct report *report)
{
	CLEANUP(free_story) struct story s = {0};
	int err = f->err;

	tell_story(f, kernel, &s);
	if (s.own && may_be_missed(p, text_cstr(&s.name)))
		err = without(p, &s, kernel);
	if (!err && probe_unfit(p))
		err = f->err;
	if (err)
		tell_error(p, &s, report);
	else
		tell_fallback(p, &s, report);
	return err;
}

int probe_attach(struct probe *p, const struct feature_kernel *kernel, struct report *report)
{
	struct failure f = load_and_attach(p);

	/* Ends: each round has one program less. */
	while (f.err) {
		int err = fall_back(p, &f, kernel, report);

		if (err) {
			probe_detach(p);
			return err;
		}
		f = load_and_attach(p);
	}
	close_object(p);
	free(p->image);
	free(p->log);
	p->image = NULL;
	p->log = NULL;
	return 0;
}
