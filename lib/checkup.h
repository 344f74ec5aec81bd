/* SPDX-License-Identifier: Apache-2.0 */
/**
 * checkup.h: everything that can be known of a configuration on this host without starting the agent: what is wrong, what
 * works, and what it would send and keep. An edge; it logs what is wrong with files, and gathers everything as data for
 * checktext.h and checkjson.h.
 *
 * Needs no privileges: what it could not know is unknown.
 */
#pragma once
#include "config.h"
#include "estimate.h"
#include "facts.h"
#include "probe.h"
#include "probedir.h"
#include "reach.h"

#include <stdbool.h>
#include <stdint.h>

/** One thing to know, about "kernel", "clock", "tags", "output NAME", "probe NAME" or "probes". */
struct checkup_finding {
	enum report_severity severity;
	char *about;
	char *text;
	bool logged; /* as a line of its own, with file and line */
};

struct checkup_output {
	const struct config_output *config;
	struct text description; /* target_describe() */
	bool estimated;
	struct estimate_result estimate; /* of one window */
	/* Of the disk that its spool is on, or is to be made on. */
	bool spool_known;
	uint64_t spool_free_bytes;
};

enum checkup_state {
	CHECKUP_OFF,    /* its own file or the configuration says so */
	CHECKUP_BROKEN, /* its files are wrong */
	CHECKUP_UNFIT,  /* its files are right, and this kernel cannot run it, or nobody knows */
	CHECKUP_FIT,    /* this kernel should run it: whether it does was not tried */
	CHECKUP_RUNS,   /* it was loaded and attached, and let go again */
	CHECKUP_STATE_MAX
};

extern const char *const checkup_state_names[CHECKUP_STATE_MAX];

struct checkup_probe {
	const struct probedir_entry *entry;
	enum checkup_state state;
	struct probe *probe; /* NULL where it is broken */
	char *why;           /* CHECKUP_UNFIT: a clause; else NULL */
};

struct checkup {
	const struct config *config;
	const char *const *files; /* that the configuration is of; borrowed */
	size_t n_files;
	struct text host; /* the tag host; "" = none */
	/* The kernel. */
	struct facts facts;
	bool has_btf, foreign_btf;
	struct text capabilities; /* of this process, those that matter, by name; "" = unknown */
	/* The clock. */
	int64_t now_ns;
	bool clock_known, clock_synchronised;
	uint64_t clock_error_us; /* at most, as the kernel estimates it */
	struct disks disks;
	struct checkup_output outputs[CONFIG_MAX_OUTPUTS];
	bool connected; /* receivers were asked */
	struct reaches reaches;
	struct probedir dir;
	struct checkup_probe *probes; /* as many as in dir */
	bool tried;                   /* to load and attach what fits */
	uint64_t memory_bytes; /* of the kernel, for all maps of all probes that may run, full */
	uint64_t read_bytes;   /* that a window's reading copies at most */
	struct checkup_finding *findings;
	size_t n_findings, n_errors, n_warnings;
	int err; /* -ENOMEM: something is missing in all this */
};

struct checkup_options {
	const char *const
		*files; /* that the configuration was read from, to tell; outlive the result */
	size_t n_files;
	bool connect;     /* write one point to every receiver */
	bool load;        /* load and attach every probe for an instant */
	bool probes_only; /* nothing but what probes there are: no outputs, no clock, no estimate */
};

/**
 * @param config  outlives the result
 * @param report  what reading it gave; taken over as findings about "configuration", and freed
 * @return 0; -ENOMEM; -errno: nothing can be said at all
 */
int checkup_new(const struct config *config, const struct checkup_options *options,
                struct report *report, struct checkup **ret);
void checkup_free(struct checkup *checkup);
void checkup_freep(struct checkup **checkup);

/** Adds a finding. Without memory err is set. */
void checkup_find(struct checkup *checkup, enum report_severity severity, const char *about,
                  const char *fmt, ...) PRINTF_LIKE(4, 5);

/** Logs a report, takes its items over as findings, and frees it. */
void checkup_take(struct checkup *checkup, const char *about, struct report *report);

/* Its parts, each adds what it knows. */
void checkup_kernel(struct checkup *checkup, const struct feature_kernel *kernel);
void checkup_clock(struct checkup *checkup);
int checkup_outputs(struct checkup *checkup, const struct checkup_options *options);
int checkup_probes(struct checkup *checkup, const struct feature_kernel *kernel,
                   const struct checkup_options *options);
int checkup_estimate(struct checkup *checkup);
