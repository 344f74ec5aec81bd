/* SPDX-License-Identifier: Apache-2.0 */
#include "probeconst.h"

#include "enumtext.h"
#include "feature.h"
#include "kernel.h"
#include "rodata.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

/* Bits of flags. */
#define FLAG_MAX 63

/* One being worked out. */
struct setting {
	const struct spec *spec;
	const struct spec_const *c;
	struct bpf_object *object;
	const struct feature_kernel *kernel;
	struct report *report;
};

#define COMPLAIN(s, fmt, ...)                                                                  \
	report_add((s)->report, REPORT_ERROR, (s)->c->place, "probe %s: constant \"%s\" " fmt, \
	           (s)->spec->name, (s)->c->name, ##__VA_ARGS__)

static void complain_of_word(const struct setting *s, const struct enumtext *names,
                             const char *word)
{
	CLEANUP(text_free) struct text there = {0};
	const char *candidates[FLAG_MAX + 1];
	size_t n = MIN(names->n, ARRAY_SIZE(candidates));

	for (size_t i = 0; i < n; i++) {
		candidates[i] = names->names[i].text;
		text_printf(&there, "%s%s", i ? ", " : "", candidates[i]);
	}
	text_char(&there, ')');
	words_suggest(&there, word, candidates, n);
	COMPLAIN(s, "has no word \"%s\" (%s", word, text_cstr(&there));
}

/* @return 0; -EINVAL (reported) */
static int add_word(const struct setting *s, const struct enumtext *names, const char *word,
                    uint64_t *value)
{
	for (size_t i = 0; i < names->n; i++) {
		uint64_t number = names->names[i].value;

		if (strcmp(names->names[i].text, word) != 0)
			continue;
		if (s->c->kind == SPEC_CONST_FLAGS && number > FLAG_MAX) {
			COMPLAIN(s, "cannot hold the word \"%s\": a flag's number is at most %d",
			         word, FLAG_MAX);
			return -EINVAL;
		}
		*value |= s->c->kind == SPEC_CONST_FLAGS ? 1ull << number : number;
		return 0;
	}
	complain_of_word(s, names, word);
	return -EINVAL;
}

/* The words of enum() and flags(): what tags of that enum say. */
static int words_value(const struct setting *s, uint64_t *ret_value)
{
	CLEANUP(enumtext_free) struct enumtext names = {0};
	CLEANUP(text_free) struct text why = {0};
	CLEANUP_FREE char *words = strdup(s->c->words);
	uint64_t value = 0;
	char *rest = words, *word;
	int err = words ? enumtext_load(bpf_object__btf(s->object), s->c->enumerator,
	                                sizeof(uint64_t), &names, &why)
	                : -ENOMEM;

	if (err == -EINVAL)
		COMPLAIN(s, "%s", text_cstr(&why));
	while (!err && (word = strsep(&rest, " ")))
		err = add_word(s, &names, word, &value);
	if (!err)
		*ret_value = value;
	return err;
}

static uint64_t kernel_bit(const struct setting *s)
{
	int64_t bit;

	if (feature_enumerator(s->kernel, s->c->enumerator, &bit) || bit < 0 || bit > FLAG_MAX)
		bit = (int64_t)s->c->number;
	return 1ull << bit;
}

static int const_value(const struct setting *s, uint64_t *ret_value)
{
	switch (s->c->kind) {
	case SPEC_CONST_NUMBER:
		*ret_value = s->c->number;
		break;
	case SPEC_CONST_KERNEL_BIT:
		*ret_value = kernel_bit(s);
		break;
	case SPEC_CONST_HAS:
		*ret_value = feature_holds(s->kernel, &s->c->has, NULL);
		break;
	case SPEC_CONST_CPUS:
		*ret_value = kernel_possible_cpus();
		break;
	case SPEC_CONST_ENUM:
	case SPEC_CONST_FLAGS:
		return words_value(s, ret_value);
	case SPEC_CONST_KIND_MAX:
		return -EINVAL;
	}
	return 0;
}

int probeconst_set(const struct spec *spec, struct bpf_object *object, const char *name,
                   uint64_t value, const char *place, struct report *report)
{
	int err = rodata_set(object, name, value);

	if (!err)
		return 0;
	report_add(report, REPORT_ERROR, place, "probe %s: constant \"%s\" %s in %s", spec->name,
	           name,
	           err == -ENOENT   ? "is not a const volatile variable"
	           : err == -ERANGE ? "is too small for its value"
	                            : "is not an integer",
	           spec->object);
	return -EINVAL;
}

int probeconst_set_all(const struct spec *spec, struct bpf_object *object,
                       const struct feature_kernel *kernel, struct report *report)
{
	int err = 0;

	for (size_t i = 0; i < spec->n_consts; i++) {
		const struct spec_const *c = &spec->consts[i];
		const struct setting s = {spec, c, object, kernel, report};
		uint64_t value = 0;
		int r = const_value(&s, &value);

		r = r ?: probeconst_set(spec, object, c->name, value, c->place, report);
		err = r ?: err;
	}
	return err;
}

static bool has_any_word(const char *words, const char *wanted)
{
	for (size_t len; *wanted; wanted += len + (wanted[len] == ' ')) {
		len = strcspn(wanted, " ");
		if (words_has(words, wanted, len))
			return true;
	}
	return false;
}

static bool const_holds(const struct spec *spec, const struct spec_predicate *p, struct text *why)
{
	for (size_t i = 0; i < spec->n_consts; i++) {
		const struct spec_const *c = &spec->consts[i];

		if (strcmp(c->name, p->name) != 0)
			continue;
		if (has_any_word(c->words, p->member))
			return true;
		text_printf(why, "%s = %s", c->name, c->words);
	}
	return false;
}

bool probeconst_wants(const struct spec *spec, const struct spec_predicate *predicates, size_t n,
                      struct text *why)
{
	for (size_t i = 0; i < n; i++)
		if (predicates[i].kind == SPEC_CONST_HOLDS &&
		    !const_holds(spec, &predicates[i], why))
			return false;
	return true;
}

bool probeconst_holds(const struct spec *spec, const struct feature_kernel *kernel,
                      const struct spec_predicate *predicates, size_t n, struct text *why)
{
	for (size_t i = 0; i < n; i++)
		if (predicates[i].kind != SPEC_CONST_HOLDS &&
		    !feature_holds(kernel, &predicates[i], why))
			return false;
	return probeconst_wants(spec, predicates, n, why);
}
