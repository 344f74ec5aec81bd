/* SPDX-License-Identifier: Apache-2.0 */
#include "retryafter.h"

#include "ground.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

int retryafter_date(const char *text, int64_t *ret_s)
{
	/* The process never leaves the locale "C", so names are English. */
	static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
	                                    "%a, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"};

	assert(text && ret_s);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);

		if (!end || end[strspn(end, " \t")])
			continue;
		*ret_s = timegm(&tm);
		return 0;
	}
	return -EINVAL;
}

static uint64_t until_ms(const char *text, const char *date, int64_t now_s)
{
	int64_t at_s;

	if (retryafter_date(text, &at_s))
		return RETRYAFTER_UNREADABLE_MS;
	if (date)
		(void)retryafter_date(date, &now_s);
	if (!now_s)
		return RETRYAFTER_UNREADABLE_MS;
	return at_s <= now_s ? 0 : MIN((uint64_t)(at_s - now_s), RETRYAFTER_MAX_MS / 1000u) * 1000;
}

/* Not strtod(): that would take "inf", "0x1p4" and a locale's comma. */
uint64_t retryafter_ms(const char *text, const char *date, int64_t now_s)
{
	uint64_t ms = 0, scale = 100;

	assert(text);
	text += strspn(text, " \t");
	if (*text < '0' || *text > '9')
		return until_ms(text, date, now_s);
	for (; *text >= '0' && *text <= '9'; text++) {
		ms = ms * 10 + (uint64_t)(*text - '0') * 1000;
		ms = MIN(ms, RETRYAFTER_MAX_MS);
	}
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
			ms += (uint64_t)(*text - '0') * scale;
	}
	text += strspn(text, " \t");
	return *text ? RETRYAFTER_UNREADABLE_MS : MIN(ms, RETRYAFTER_MAX_MS);
}
