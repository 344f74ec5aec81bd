/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ground.h: what every file may use: scope-bound cleanup, ownership hand-over, array sizes.
 *
 * A local that owns something carries a cleanup attribute; it leaves the function only through
 * TAKE_PTR or TAKE_FD. So one function alone shows that it leaks nothing, without goto.
 */
#pragma once
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define CLEANUP_FREE CLEANUP(ground_freep)
#define CLEANUP_CLOSE CLEANUP(ground_closep)
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/** The pointer in @p; @p is NULL afterwards: the caller owns it now. */
#define TAKE_PTR(p)                                    \
	({                                             \
		__typeof__(p) *take_from = &(p);       \
		__typeof__(p) take_value = *take_from; \
		*take_from = NULL;                     \
		take_value;                            \
	})

/** The descriptor in @fd; @fd is -1 afterwards: the caller owns it now. */
#define TAKE_FD(fd)                          \
	({                                   \
		int *take_from = &(fd);      \
		int take_value = *take_from; \
		*take_from = -1;             \
		take_value;                  \
	})

static inline void ground_freep(void *p)
{
	free(*(void **)p);
}

static inline void ground_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
