/* SPDX-License-Identifier: Apache-2.0 */
#include "probeprograms.h"

#include "probeconst.h"
#include "text.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

const struct spec_program *probe_program_spec(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->n_programs; i++)
		if (!strcmp(spec->programs[i].name, name))
			return &spec->programs[i];
	return NULL;
}

bool probe_group_is_served(const struct probe *p, const char *group)
{
	for (size_t i = 0; i < p->n_programs; i++) {
		const struct spec_program *s = probe_program_spec(p->spec, p->programs[i].name);

		if (s && s->one_of && !strcmp(s->one_of, group) && p->programs[i].chosen)
			return true;
	}
	return false;
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

int probe_refuse(struct probe *p, const char *program, const char *why)
{
	struct probe_refused *r = &p->refused[p->n_refused];

	if (p->n_refused == SPEC_MAX_PROGRAMS)
		return -E2BIG;
	*r = (struct probe_refused){.name = strdup(program), .why = strdup(why)};
	if (!r->name || !r->why) {
		free(r->name);
		free(r->why);
		return -ENOMEM;
	}
	p->n_refused++;
	return 0;
}

static const char *refusal_of(const struct probe *p, const char *program)
{
	for (size_t i = 0; i < p->n_refused; i++)
		if (!strcmp(p->refused[i].name, program))
			return p->refused[i].why;
	return NULL;
}

/* The kernel is told these targets by their number in its own BTF, whatever a file says. */
static bool wants_own_btf(const struct bpf_program *program)
{
	enum bpf_prog_type type = bpf_program__type(program);

	return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	       type == BPF_PROG_TYPE_EXT;
}

/* Whether this kernel can run it, as far as is known. */
static bool can_run(const struct probe *p, const struct bpf_program *program,
                    const struct spec_program *s, const struct feature_kernel *kernel,
                    struct text *why)
{
	const char *refusal = refusal_of(p, bpf_program__name(program));

	if (refusal) {
		text_str(why, refusal);
		return false;
	}
	if (s && !probeconst_holds(p->spec, kernel, s->when, s->n_when, why))
		return false;
	if (wants_own_btf(program) && kernel && (!kernel->btf || kernel->foreign_btf)) {
		text_str(why, "it is attached by the kernel's own BTF, and this kernel has none");
		return false;
	}
	return true;
}

/* All that the kernel can run are chosen for now. */
static int add_program(struct probe *p, const struct bpf_program *program,
                       const struct feature_kernel *kernel)
{
	struct probe_program *pp = &p->programs[p->n_programs];
	const struct spec_program *s = probe_program_spec(p->spec, bpf_program__name(program));
	CLEANUP(text_free) struct text why = {0};

	*pp = (struct probe_program){.name = strdup(bpf_program__name(program)),
	                             .section = strdup(bpf_program__section_name(program)),
	                             .fd = -1};
	p->n_programs++;
	if (!pp->name || !pp->section)
		return -ENOMEM;
	pp->unwanted = s && !probeconst_wants(p->spec, s->when, s->n_when, &why);
	pp->chosen = !pp->unwanted && can_run(p, program, s, kernel, &why);
	if (!pp->chosen)
		pp->why = strdup(text_cstr(&why));
	return pp->chosen || pp->why ? 0 : -ENOMEM;
}

static struct probe_program *find_program(struct probe *p, const char *name)
{
	for (size_t i = 0; i < p->n_programs; i++)
		if (!strcmp(p->programs[i].name, name))
			return &p->programs[i];
	return NULL;
}

/* Whether a section before this one has a program of the group that is chosen. */
static bool is_served_before(struct probe *p, const struct spec_program *section)
{
	for (const struct spec_program *s = p->spec->programs; s < section; s++) {
		const struct probe_program *pp = find_program(p, s->name);

		if (s->one_of && !strcmp(s->one_of, section->one_of) && pp && pp->chosen)
			return true;
	}
	return false;
}

/* In the order of the description: that of the object is by its ELF sections, which nobody sees. */
static int choose_of_groups(struct probe *p)
{
	for (size_t i = 0; i < p->spec->n_programs; i++) {
		const struct spec_program *section = &p->spec->programs[i];
		struct probe_program *pp = find_program(p, section->name);

		if (!section->one_of || !pp || !pp->chosen || !is_served_before(p, section))
			continue;
		pp->chosen = false;
		pp->why = strdup("another of its group runs");
		if (!pp->why)
			return -ENOMEM;
	}
	return 0;
}

static int check_program(const struct probe *p, const struct spec_program *s, struct report *report)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(p->object, s->name);

	if (!program) {
		report_at(report, REPORT_ERROR, p->spec->file, s->line,
		          "probe %s: %s has no program \"%s\"", p->spec->name, p->spec->object,
		          s->name);
		return -EINVAL;
	}
	/* The only type that 5.10 runs on request and that may read the kernel's memory. */
	if (s->before_read && bpf_program__type(program) != BPF_PROG_TYPE_RAW_TRACEPOINT) {
		report_at(report, REPORT_ERROR, p->spec->file, s->line,
		          "probe %s: program %s: run = before-read needs SEC(\"?raw_tp\") in %s",
		          p->spec->name, s->name, p->spec->object);
		return -EINVAL;
	}
	return 0;
}

int probe_choose_programs(struct probe *p, const struct feature_kernel *kernel,
                          struct report *report)
{
	struct bpf_program *program;
	int err = 0;

	bpf_object__for_each_program(program, p->object)
	{
		err = p->n_programs < SPEC_MAX_PROGRAMS ? add_program(p, program, kernel) : -E2BIG;
		if (err) {
			report_at(report, REPORT_ERROR, p->spec->file, 0,
			          "probe %s: program %s: %s", p->spec->name,
			          bpf_program__name(program), strerror(-err));
			return err;
		}
	}
	for (size_t i = 0; i < p->spec->n_programs && !err; i++)
		err = check_program(p, &p->spec->programs[i], report);
	err = err ?: choose_of_groups(p);
	for (size_t i = 0; i < p->n_programs && !err; i++) {
		program = bpf_object__find_program_by_name(p->object, p->programs[i].name);
		err = bpf_program__set_autoload(program, p->programs[i].chosen);
	}
	return err;
}
