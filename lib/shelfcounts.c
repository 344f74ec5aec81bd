/* SPDX-License-Identifier: Apache-2.0 */
#include "shelfcounts.h"

#include <assert.h>

void shelfcounts_add(struct shelf_counts *to, const struct shelf_counts *what)
{
	assert(to && what);

	to->records += what->records;
	to->points += what->points;
	to->bytes += what->bytes;
	to->windows += what->windows;
}

void shelfcounts_subtract(struct shelf_counts *from, const struct shelf_counts *what)
{
	assert(from && what);

	from->records -= what->records;
	from->points -= what->points;
	from->bytes -= what->bytes;
	from->windows -= what->windows;
}

bool shelfcounts_holds(const struct shelf_counts *all, const struct shelf_counts *part)
{
	assert(all && part);

	return all->records >= part->records && all->points >= part->points &&
	       all->bytes >= part->bytes && all->windows >= part->windows;
}

struct shelf_counts shelfcounts_of(const struct batch *batch, bool first)
{
	assert(batch);

	return (struct shelf_counts){
		.records = 1, .points = batch->points, .bytes = batch->len, .windows = first};
}
