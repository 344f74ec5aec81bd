/* SPDX-License-Identifier: Apache-2.0 */
/**
 * confdiff.h: what of an output is made anew when its section of the configuration changes. Pure.
 *
 * Every key counts: one that is not known here as something else is taken for the receiver's, so that a new key
 * takes effect at a reload without being named.
 */
#pragma once
#include "config.h"

/** As bits. */
enum confdiff {
	CONFDIFF_KIND =
		1 << 0, /* HTTP, standard output, a file: nothing of one is of use to another */
	CONFDIFF_RECEIVER =
		1 << 1, /* who is sent to, and what a request or file is, but for its lines */
	CONFDIFF_BODY = 1 << 2,  /* how large a body is, how it is compressed */
	CONFDIFF_SPOOL = 1 << 3, /* what waits, and where */
	CONFDIFF_STYLE = 1 << 4, /* what lines look like */
};

/** @return bits of what differs; 0: nothing, but for the places where keys were set */
unsigned int confdiff_output(const struct config_output *a, const struct config_output *b);

/** Whether lines go over HTTP, into a spool: else they are written at once. */
bool confdiff_is_http(enum output_type type);

/** Appends the bits for a person: "receiver, style". */
void confdiff_describe(struct text *out, unsigned int bits);
