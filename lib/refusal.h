/* SPDX-License-Identifier: Apache-2.0 */
/**
 * refusal.h: why the kernel did not take a program, and what would help, in words; out of what libbpf and the verifier
 * said. Pure.
 *
 * The sentences that it knows were said by kernels 5.10, 6.1, 6.12, 6.18 and 7.2 with libbpf 1.1; others are quoted.
 */
#pragma once
#include "facts.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>

/** The kernel's own errno for what this architecture or configuration cannot do; no C library has a text for it. */
#define REFUSAL_ENOTSUPP 524

struct refusal {
	bool attaching; /* it was loaded */
	int err;        /* negative errno */
	const char
		*section; /* of the program: "fentry/tcp_ack"; "" = it is about no single program */
	const char *complaint; /* libbpf's, "" = none */
	const char *verdict;   /* the verifier's own sentence, "" = none */
	const struct facts *facts;
};

/**
 * Whether it is the program's own: another in its place may do. Else the kernel would refuse all of them: privileges,
 * memory for maps.
 */
bool refusal_is_own(const struct refusal *refusal);

/**
 * Says why in a clause ("this kernel has no function tcp_ack"), and what would help in another.
 * @param reason, remedy  appended to; neither stays empty
 */
void refusal_explain(const struct refusal *refusal, struct text *reason, struct text *remedy);
