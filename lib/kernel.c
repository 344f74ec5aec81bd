/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel.h"

#include "parse.h"
#include "privileges.h"
#include "symbols.h"
#include "trusted.h"

#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define OWN_BTF "/sys/kernel/btf/vmlinux"
/* There when CONFIG_KPROBE_EVENTS and CONFIG_PERF_EVENTS are: how BPF programs get a kprobe. */
#define KPROBES "/sys/bus/event_source/devices/kprobe"
#define TRACEABLE "/sys/kernel/tracing/available_filter_functions"
#define TRACEABLE_IN_DEBUGFS "/sys/kernel/debug/tracing/available_filter_functions"
#define KALLSYMS "/proc/kallsyms"

/* The first bytes of BTF of this host's byte order: btf_header.magic. */
#define BTF_FIRST 0xeb9f

struct kernel_module {
	char *name;
	struct btf *btf; /* NULL: none */
};

struct kernel {
	struct feature_kernel features;
	struct btf *btf;
	char *btf_path;
	struct symbols functions;
	bool functions_read;
	bool functions_traceable; /* all of them; false: nobody knows which */
	struct symbols builtin;
	bool builtin_read;
	struct kernel_module modules[KERNEL_MAX_MODULES];
	size_t n_modules;
};

/* ---- BTF */

static void say_no_btf(struct text *why)
{
	text_str(why,
	         "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF), without which probes do not run; "
	         "[agent] btf_path can name a file with that of this very kernel, as BTFHub has");
}

/* @return -EINVAL with why */
static int load_file(struct kernel *k, const char *path, struct text *why)
{
	CLEANUP_FREE uint8_t *data = NULL;
	uint16_t first = 0;
	size_t len = 0;

	text_printf(why, "btf_path: %s ", path);
	if (trusted_read(path, KERNEL_BTF_MAX_BYTES, &data, &len, why))
		return -EINVAL;
	memcpy(&first, data, MIN(len, sizeof(first)));
	k->btf = first == BTF_FIRST ? btf__new(data, (uint32_t)len) : NULL;
	k->btf_path = k->btf ? strdup(path) : NULL;
	if (!k->btf) {
		text_str(why, "is no raw BTF; out of a vmlinux it is taken with: "
		              "objcopy --dump-section .BTF=FILE vmlinux /dev/null");
		return -EINVAL;
	}
	text_clear(why);
	return k->btf_path ? 0 : -ENOMEM;
}

static int load_btf(struct kernel *k, const char *btf_path, struct text *why)
{
	k->btf = btf__load_vmlinux_btf();
	if (k->btf)
		return 0;
	/* Its own is there and cannot be read: another would not help. */
	if (!*btf_path || !access(OWN_BTF, F_OK)) {
		say_no_btf(why);
		return 0;
	}
	int err = load_file(k, btf_path, why);

	return err == -ENOMEM ? err : 0;
}

/* ---- lists of names */

/* @return 0; -errno: the file cannot be read */
static int read_names(const char *path, enum symbols_form form, struct symbols *names)
{
	FILE *f = fopen(path, "re");
	CLEANUP_FREE char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!f)
		return -errno;
	while ((len = getline(&line, &cap, f)) > 0)
		symbols_add(names, form, line, (size_t)len - (line[len - 1] == '\n'));
	fclose(f);
	return names->names.err;
}

static void read_functions(struct kernel *k)
{
	if (k->functions_read)
		return;
	k->functions_read = true;
	k->functions_traceable =
		!read_names(TRACEABLE, SYMBOLS_TRACEABLE, &k->functions) ||
		!read_names(TRACEABLE_IN_DEBUGFS, SYMBOLS_TRACEABLE, &k->functions);
	if (!k->functions_traceable)
		(void)read_names(KALLSYMS, SYMBOLS_KALLSYMS, &k->functions);
}

static bool has_kprobe(struct kernel *k, const char *name, struct text *why)
{
	if (access(KPROBES, F_OK)) {
		text_str(why, "this kernel has no kprobes (CONFIG_KPROBE_EVENTS)");
		return false;
	}
	read_functions(k);
	if (symbols_has(&k->functions, name))
		return true;
	if (k->functions.names.len)
		text_printf(why, "this kernel has no function %s that can be traced", name);
	else
		text_str(why, "neither " TRACEABLE " nor " KALLSYMS
		              " says which functions this kernel has");
	return false;
}

/* The folder of the running kernel's own files has its name. Nothing else is made of that name. */
static void read_builtin(struct kernel *k)
{
	char path[PATH_MAX];
	struct utsname name;

	if (k->builtin_read || uname(&name))
		return;
	k->builtin_read = true;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", name.release);
	(void)read_names(path, SYMBOLS_BUILTIN, &k->builtin);
}

/* As the kernel writes it: files are called dm-mod.ko, modules dm_mod, and people write either. */
static void module_name(char out[WORDS_IDENTIFIER_MAX + 1], const char *name)
{
	snprintf(out, WORDS_IDENTIFIER_MAX + 1, "%s", name);
	for (; *out; out++)
		*out = *out == '-' ? '_' : *out;
}

/* sysfs knows loaded modules, and those parts of the kernel that have parameters; these have no state. */
static bool is_loaded(const char *name)
{
	char path[PATH_MAX], state[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	f = fopen(path, "re");
	if (f) {
		bool live = fgets(state, sizeof(state), f) && !strncmp(state, "live", 4);

		fclose(f);
		return live;
	}
	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

static bool has_module(struct kernel *k, const char *said, struct text *why)
{
	char name[WORDS_IDENTIFIER_MAX + 1];

	module_name(name, said);
	if (is_loaded(name))
		return true;
	read_builtin(k);
	if (symbols_has(&k->builtin, name))
		return true;
	text_printf(why, "module %s is not loaded", name);
	return false;
}

static bool has(void *ctx, const struct spec_predicate *p, struct text *why)
{
	CLEANUP(text_free) struct text nobody = {0};
	struct kernel *k = ctx;

	why = why ?: &nobody;
	return p->kind == SPEC_KPROBE ? has_kprobe(k, p->name, why) : has_module(k, p->name, why);
}

/* ---- BTF of modules */

static const struct btf *module_btf(void *ctx, const char *said)
{
	struct kernel *k = ctx;
	struct kernel_module *m = &k->modules[k->n_modules];
	char name[WORDS_IDENTIFIER_MAX + 1];

	module_name(name, said);
	for (size_t i = 0; i < k->n_modules; i++)
		if (!strcmp(k->modules[i].name, name))
			return k->modules[i].btf;
	if (k->n_modules == KERNEL_MAX_MODULES || k->features.foreign_btf)
		return NULL;
	m->name = strdup(name);
	if (!m->name)
		return NULL;
	m->btf = btf__load_module_btf(name, k->btf);
	k->n_modules++;
	return m->btf;
}

/* ---- all */

/*
 * What a program reads and the kernel's BTF does not have, libbpf looks for in modules'. Listing these is for
 * CAP_SYS_ADMIN, and without it libbpf 1.1 gives up the whole object, also when the program asks only whether there is
 * such a type. It does not look there when it was given a file.
 */
static const char *libbpf_path(void)
{
	struct privileges privileges;

	if (privileges_read(&privileges) || privileges.effective & 1ull << CAP_SYS_ADMIN ||
	    access(OWN_BTF, R_OK))
		return NULL;
	return OWN_BTF;
}

int kernel_open(const char *btf_path, struct kernel **ret, struct text *why)
{
	CLEANUP(kernel_closep) struct kernel *k = calloc(1, sizeof(*k));
	int err = k ? load_btf(k, btf_path, why) : -ENOMEM;

	if (err)
		return err;
	k->features = (struct feature_kernel){.btf = k->btf,
	                                      .foreign_btf = k->btf_path,
	                                      .btf_path = k->btf_path ?: libbpf_path(),
	                                      .module_btf = module_btf,
	                                      .has = has,
	                                      .ctx = k};
	*ret = TAKE_PTR(k);
	return 0;
}

const struct feature_kernel *kernel_features(const struct kernel *k)
{
	return k ? &k->features : NULL;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n_modules; i++) {
		btf__free(k->modules[i].btf);
		free(k->modules[i].name);
	}
	btf__free(k->btf);
	free(k->btf_path);
	symbols_free(&k->functions);
	symbols_free(&k->builtin);
	free(k);
}

void kernel_closep(struct kernel **k)
{
	kernel_close(*k);
	*k = NULL;
}

/* The mask is ranges in rising order, "0-3" or "0,2-5": its last number is the highest. */
uint32_t kernel_possible_cpus(void)
{
	char line[1024];
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	const char *digits;
	uint64_t highest = 0;

	if (!f)
		return KERNEL_CPUS_UNKNOWN;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	digits = line + strlen(line);
	while (digits > line && digits[-1] != '-' && digits[-1] != ',')
		digits--;
	if (parse_u64(digits, &highest) || highest > UINT16_MAX)
		return KERNEL_CPUS_UNKNOWN;
	return (uint32_t)highest + 1;
}
