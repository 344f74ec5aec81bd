/* SPDX-License-Identifier: Apache-2.0 */
/* A pure module that reaches down the street and out of the house. */
#include "delta.h"

#include "log.h"    /* CAUGHT: an edge */
#include "loop.h"   /* CAUGHT: stands after delta */
#include "nobody.h" /* CAUGHT: no module */
#include "rows.h"

#include <bpf/libbpf.h> /* CAUGHT: no BPF here */
#include <curl/curl.h>  /* CAUGHT: no network here */
#include <stdio.h>
#include <time.h>

/* A comment may say log_error(), or #include "loop.h". */
int delta_now(void)
{
	log_error("late");               /* CAUGHT: pure modules do not log */
	fprintf(stderr, "%s", "late\n"); /* CAUGHT: nor print */
	return (int)time(NULL);          /* CAUGHT: nor read clocks */
}
