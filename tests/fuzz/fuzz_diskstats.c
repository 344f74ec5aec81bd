/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as /proc/diskstats: disks come out sorted and each is found by its name; and a good line between them comes
 * out with its numbers, whatever stands around it.
 *
 * Input: two numbers of 8 bytes for the good line, then the text, in whose middle it is put.
 */
#include "diskstats.h"

#include "text.h"

#include "input.h"

#define KNOWN "a-known-disk"

static void check_known(const struct diskstats *stats, uint64_t writes, uint64_t flushes)
{
	const struct diskstats_disk *disk = diskstats_find(stats, KNOWN);

	expect(disk && disk->dev == (259u << 20 | 7) && disk->ios[DISK_READS] == 1);
	expect(disk->ios[DISK_WRITES] == writes && disk->ios[DISK_DISCARDS] == 12);
	expect(disk->ios[DISK_FLUSHES] == flushes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(diskstats_free) struct diskstats stats = {0};
	CLEANUP(text_free) struct text text = {0};
	struct input in = {data, size};
	uint64_t writes = input_u64(&in), flushes = input_u64(&in);

	text_append(&text, in.data, in.size / 2);
	text_printf(&text,
	            "\n 259       7 " KNOWN " 1 2 3 4 %lu 6 7 8 9 10 11 12 13 14 15 %lu 17\n",
	            writes, flushes);
	text_append(&text, in.data + in.size / 2, in.size - in.size / 2);
	bool once = !memmem(in.data, in.size, KNOWN, strlen(KNOWN)) &&
	            !memchr(in.data, '\0', in.size / 2);

	/* The second time into the same memory. */
	for (int i = 0; i < 2; i++) {
		expect(!diskstats_parse(&stats, text_cstr(&text)));
		if (once)
			check_known(&stats, writes, flushes);
	}
	for (size_t i = 0; i < stats.n; i++) {
		const struct diskstats_disk *disk = &stats.disks[i];

		expect(*disk->name && !strpbrk(disk->name, " \t\n"));
		expect(!i || strcmp(stats.disks[i - 1].name, disk->name) <= 0);
		expect(!strcmp(diskstats_find(&stats, disk->name)->name, disk->name));
	}
	return 0;
}
