/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bpflog.h: what libbpf has to say, kept for our own messages. An edge; one for the process.
 */
#pragma once

/** The longest sentence and the longest name that are kept. */
#define BPFLOG_MAX 256

struct bpflog {
	char complaint[BPFLOG_MAX]; /* libbpf's first, one line; "" = none */
	char program[BPFLOG_MAX];   /* the first program that one was about; "" = none */
	char verdict[BPFLOG_MAX];   /* the verifier's own sentence; "" = it said none */
};

/** From now on libbpf's own messages go to the debug log, and the telling ones are kept. */
void bpflog_catch(void);

/** Takes a verifier's log, which goes to the debug log, too. @param log  NUL-terminated; changed */
void bpflog_read(char *log);

/** What was said since bpflog_forget(); valid until the next call into libbpf. */
const struct bpflog *bpflog_said(void);
void bpflog_forget(void);
