/* SPDX-License-Identifier: Apache-2.0 */
/**
 * blockmap.h: the description and layout of a map like block_io's, filled by hand, and its reads.
 *
 * Rows are keyed by device and operation; cells are ios, bytes, errors, untimed, and of the phases total and queue each
 * the slots of a latency histogram (4 bytes wide), its sum and its maximum.
 */
#pragma once
#include "decode.h"
#include "rows.h"

#include <assert.h>
#include <string.h>

/* log-linear(2) first=1 last=2^30: 117 slots. */
#define BLOCKMAP_SLOTS 117
#define BLOCKMAP_CELLS (4 + 2 * (BLOCKMAP_SLOTS + 2))
#define BLOCKMAP_FIRST_SLOT 4
#define BLOCKMAP_SUM (BLOCKMAP_FIRST_SLOT + BLOCKMAP_SLOTS)
#define BLOCKMAP_MAX (BLOCKMAP_SUM + 1)
#define BLOCKMAP_QUEUE_SLOT (BLOCKMAP_MAX + 1)
#define BLOCKMAP_QUEUE_SUM (BLOCKMAP_QUEUE_SLOT + BLOCKMAP_SLOTS)
#define BLOCKMAP_QUEUE_MAX (BLOCKMAP_QUEUE_SUM + 1)
#define BLOCKMAP_DEV(major, minor) ((uint32_t)(major) << 20 | (minor))

struct blockmap_key {
	uint32_t dev;
	uint32_t op;
};

static struct layout_run blockmap_runs[] = {
	{.offset = 0, .width = 8, .count = 4, .first_cell = 0},
	{.offset = 32, .width = 8, .count = 1, .first_cell = BLOCKMAP_SUM},
	{.offset = 40, .width = 4, .count = BLOCKMAP_SLOTS, .first_cell = BLOCKMAP_FIRST_SLOT},
	{.kind = SPEC_MAXIMUM, .offset = 512, .width = 8, .count = 1, .first_cell = BLOCKMAP_MAX},
	{.offset = 528, .width = 8, .count = 1, .first_cell = BLOCKMAP_QUEUE_SUM},
	{.offset = 536, .width = 4, .count = BLOCKMAP_SLOTS, .first_cell = BLOCKMAP_QUEUE_SLOT},
	{.kind = SPEC_MAXIMUM,
         .offset = 1008,
         .width = 8,
         .count = 1,
         .first_cell = BLOCKMAP_QUEUE_MAX},
};

static struct enumtext_name blockmap_ops[] = {
	{0, (char *)"read"}, {1, (char *)"write"}, {2, (char *)"writeback"}};

static const struct layout blockmap_layout = {
	.key_size = sizeof(struct blockmap_key),
	.value_size = 1024,
	.has_maxima = true,
	.tags = {{.offset = 0, .size = 4}, {.offset = 0, .size = 4}, {.offset = 4, .size = 4}},
	.enums = {[2] = {.names = blockmap_ops, .n = ARRAY_SIZE(blockmap_ops)}},
	.runs = blockmap_runs,
	.n_runs = ARRAY_SIZE(blockmap_runs),
	.n_cells = BLOCKMAP_CELLS,
	.field_cell = {0, 1, 2, 3},
	.histogram_cell = {BLOCKMAP_FIRST_SLOT, BLOCKMAP_QUEUE_SLOT},
	.sum_cell = {BLOCKMAP_SUM, BLOCKMAP_QUEUE_SUM},
	.max_cell = {BLOCKMAP_MAX, BLOCKMAP_QUEUE_MAX},
};

static const struct spec_map blockmap_spec = {
	.name = (char *)"block_io",
	.measurement = (char *)"block_io",
	.tags = {{.name = (char *)"device", .member = (char *)"dev", .decoder = (char *)"disk"},
                 {.name = (char *)"layer",
                  .member = (char *)"dev",
                  .decoder = (char *)"disk_layer"},
                 {.name = (char *)"op",
                  .member = (char *)"op",
                  .decoder = (char *)"enum",
                  .arg = (char *)"block_op"}},
	.n_tags = 3,
	.fields = {{.name = (char *)"ios", .member = (char *)"ios", .rate = true},
                   {.name = (char *)"bytes", .member = (char *)"bytes", .rate = true},
                   {.name = (char *)"errors", .member = (char *)"errors"},
                   {.name = (char *)"untimed", .member = (char *)"untimed"}},
	.n_fields = 4,
	.histograms = {{.name = (char *)"latency",
                        .phase = (char *)"total",
                        .member = (char *)"total",
                        .scale = {.bits = 2, .first = 1, .last = 1 << 30},
                        .unit = SPEC_UNIT_US,
                        .sum_member = (char *)"total_sum",
                        .sum_unit = SPEC_UNIT_NS,
                        .max_member = (char *)"total_max",
                        .max_unit = SPEC_UNIT_US},
                       {.name = (char *)"latency",
                        .phase = (char *)"queue",
                        .member = (char *)"queue",
                        .scale = {.bits = 2, .first = 1, .last = 1 << 30},
                        .unit = SPEC_UNIT_US,
                        .sum_member = (char *)"queue_sum",
                        .sum_unit = SPEC_UNIT_NS,
                        .max_member = (char *)"queue_max",
                        .max_unit = SPEC_UNIT_US}},
	.n_histograms = 2,
};

static struct disk blockmap_disk_table[] = {
	{.dev = BLOCKMAP_DEV(8, 0), .name = "sda"},
	{.dev = BLOCKMAP_DEV(8, 16), .name = "sdb"},
	{.dev = BLOCKMAP_DEV(9, 9), .name = "md9", .stack = true, .gone = true},
	{.dev = BLOCKMAP_DEV(253, 0), .name = "dm-0", .stack = true},
};

static const struct disks blockmap_disks = {
	.disks = blockmap_disk_table,
	.n = ARRAY_SIZE(blockmap_disk_table),
	.cap = ARRAY_SIZE(blockmap_disk_table),
};

static const struct decode_env blockmap_env = {.disks = &blockmap_disks};

/** One (device, operation) as the BPF program would count it. */
struct blockmap_row {
	struct blockmap_key key;
	uint64_t cells[BLOCKMAP_CELLS];
};

/** Counts one I/O; @p latency_ns rounds up to microseconds. */
static inline void blockmap_count(struct blockmap_row *row, uint64_t bytes, uint64_t latency_ns)
{
	uint64_t us = (latency_ns + 999) / 1000;

	row->cells[0]++;
	row->cells[1] += bytes;
	row->cells[BLOCKMAP_SUM] += latency_ns;
	row->cells[BLOCKMAP_FIRST_SLOT + bucket_slot(&blockmap_spec.histograms[0].scale, us)]++;
	if (us > row->cells[BLOCKMAP_MAX])
		row->cells[BLOCKMAP_MAX] = us;
}

/** Counts the time that it waited in the queue. */
static inline void blockmap_queue(struct blockmap_row *row, uint64_t latency_ns)
{
	uint64_t us = (latency_ns + 999) / 1000;

	row->cells[BLOCKMAP_QUEUE_SUM] += latency_ns;
	row->cells[BLOCKMAP_QUEUE_SLOT + bucket_slot(&blockmap_spec.histograms[1].scale, us)]++;
	if (us > row->cells[BLOCKMAP_QUEUE_MAX])
		row->cells[BLOCKMAP_QUEUE_MAX] = us;
}

/** A maximum is of one window: forgets it, as the next window's number would. */
static inline void blockmap_next_window(struct blockmap_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rows[i].cells[BLOCKMAP_MAX] = rows[i].cells[BLOCKMAP_QUEUE_MAX] = 0;
}

/** Copies rows as a read of the map would. Aborts without memory. */
static inline void blockmap_read(struct rows *rows, uint64_t taken_ns,
                                 const struct blockmap_row *from, size_t n)
{
	rows_reset(rows, sizeof(from->key), BLOCKMAP_CELLS);
	rows->taken_ns = taken_ns;
	for (size_t i = 0; i < n; i++) {
		uint64_t *cells;
		if (rows_add(rows, &from[i].key, &cells) < 0)
			abort();
		memcpy(cells, from[i].cells, sizeof(from[i].cells));
	}
}
