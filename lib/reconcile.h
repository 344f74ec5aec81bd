/* SPDX-License-Identifier: Apache-2.0 */
/**
 * reconcile.h: what probes count beside /proc/diskstats, window by window: coverage.h with the file that it needs. An
 * edge; logs once for each disk that the kernel keeps no count of.
 */
#pragma once
#include "collect.h"
#include "coverage.h"

struct reconcile;

/** @return 0 or -ENOMEM */
int reconcile_new(struct reconcile **ret);

/** The first boundary, right after the probes' maps were read. */
void reconcile_baseline(struct reconcile *reconcile);

/** At a cut: adds what one probe counted. */
void reconcile_add(struct reconcile *reconcile, const struct collector *collector);

/** After all of them: reads what the kernel counted. */
void reconcile_cut(struct reconcile *reconcile, const struct disks *disks);

/** The points of the last cut. @return what @p fn returned */
int reconcile_emit(const struct reconcile *reconcile, int64_t stamp_ns, point_fn fn, void *ctx);

/** NULL is fine. */
void reconcile_free(struct reconcile *reconcile);
