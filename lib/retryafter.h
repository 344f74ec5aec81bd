/* SPDX-License-Identifier: Apache-2.0 */
/**
 * retryafter.h: what the header Retry-After says, as a wait. Pure.
 *
 * RFC 9110, 10.2.3: seconds, or a date in one of the three forms of 5.6.7. Decimals are taken too: Telegraf's own
 * outputs read them as such.
 */
#pragma once
#include <stdint.h>

/** Never wait longer than this on a receiver's word (Telegraf's own bound). */
#define RETRYAFTER_MAX_MS 600000
/** What it says cannot be read: Telegraf waits this long then. */
#define RETRYAFTER_UNREADABLE_MS 10000

/**
 * @param text   the header's value
 * @param date   of the header Date of the same answer, or NULL: against it a date is counted, whatever our clock says
 * @param now_s  our wall clock, for an answer without Date; 0: not known
 * @return       milliseconds; 0: now, or a date that has passed
 */
uint64_t retryafter_ms(const char *text, const char *date, int64_t now_s);

/** Seconds since 1970 of a date of HTTP. @return 0 or -EINVAL */
int retryafter_date(const char *text, int64_t *ret_s);
