/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <assert.h>

#define MILLION 1000000

uint64_t histogram_convert(uint64_t value, enum spec_unit from, enum spec_unit to)
{
	if (from == SPEC_UNIT_NS && to == SPEC_UNIT_US)
		return value / 1000 + (value % 1000 >= 500);
	if (from == SPEC_UNIT_US && to == SPEC_UNIT_NS)
		return value > UINT64_MAX / 1000 ? UINT64_MAX : value * 1000;
	return value;
}

double histogram_seconds(double value, enum spec_unit unit)
{
	return unit == SPEC_UNIT_NS ? value / 1e9 : unit == SPEC_UNIT_US ? value / 1e6 : value;
}

/* Bounds are upper ones, and who counts into them rounds up. To the nearest, 256.3 us would be 256, which the slot
 * (256, 512] does not hold. */
static uint64_t convert_up(uint64_t value, enum spec_unit from, enum spec_unit to)
{
	if (from == SPEC_UNIT_NS && to == SPEC_UNIT_US)
		return value / 1000 + (value % 1000 != 0);
	return histogram_convert(value, from, to);
}

static void read_max(struct histogram *h, uint64_t recorded)
{
	const struct bucket_scale *scale = &h->spec->scale;
	uint64_t lower = bucket_lower(scale, h->top), upper = bucket_upper(scale, h->top);

	h->max = convert_up(recorded, h->spec->max_unit, h->spec->unit);
	h->has_max = true;
	if (h->max > upper)
		h->max = upper;
	if (h->max > lower)
		return;
	h->max = upper;
	h->has_max = upper != UINT64_MAX;
}

void histogram_read(struct histogram *ret, const struct spec_map *map, const struct layout *layout,
                    const uint64_t *cells, size_t index)
{
	assert(ret && map && layout && cells && index < map->n_histograms);

	struct histogram h = {.spec = &map->histograms[index],
	                      .slots = cells + layout->histogram_cell[index],
	                      .n_slots = bucket_slots(&map->histograms[index].scale)};

	for (uint32_t i = 0; i < h.n_slots; i++) {
		h.count += h.slots[i];
		if (h.slots[i])
			h.top = i;
	}
	h.has_sum = layout->sum_cell[index] != LAYOUT_NO_CELL;
	if (h.has_sum)
		h.sum = cells[layout->sum_cell[index]];
	if (h.count && layout->max_cell[index] != LAYOUT_NO_CELL)
		read_max(&h, cells[layout->max_cell[index]]);
	*ret = h;
}

uint64_t histogram_until(const struct histogram *h, uint32_t *slot, uint32_t end)
{
	uint64_t count = 0;

	for (; *slot < end; (*slot)++)
		count += h->slots[*slot];
	return count;
}

double histogram_quantile(const struct histogram *h, uint32_t millionths)
{
	assert(h && h->count && millionths && millionths < MILLION);

	double rank = (double)h->count * millionths / MILLION, below = 0;
	uint32_t slot = 0;

	while (slot < h->top && below + (double)h->slots[slot] < rank)
		below += (double)h->slots[slot++];

	double lower = (double)bucket_lower(&h->spec->scale, slot);
	double upper = (double)bucket_upper(&h->spec->scale, slot);

	if (slot == h->top && h->has_max)
		upper = (double)h->max;
	else if (slot + 1 == h->n_slots)
		upper = lower;
	/* A slot without counts has no share: the rank then lies on its bound. */
	double share = h->slots[slot] ? (rank - below) / (double)h->slots[slot] : 1;

	return lower + (upper - lower) * (share < 1 ? share : 1);
}
