/* SPDX-License-Identifier: Apache-2.0 */
/**
 * decode.h: the bytes of a key's member to the text of a tag. A table: one row per decoder of specwords.h.
 *
 *     disk        u32 kernel dev_t -> "sda"; "8:0" where the name is not known
 *     disk_layer  the same         -> "disk" or "stack"; "disk" where not known
 *     enum(NAME)  integer          -> enumerator's name; the number where it has none
 *     uint        integer          -> decimal digits
 *     hex         integer          -> hexadecimal digits, two for each of its bytes, the highest first
 *     hex         bytes            -> the same in the order of memory
 *     string      char[N]          -> the text up to the first NUL, or all N
 */
#pragma once
#include "disks.h"
#include "layout.h"
#include "spec.h"
#include "text.h"

/** What decoders may look at, besides the bytes. */
struct decode_env {
	const struct disks *disks; /* NULL: nothing is known */
	/* What is known of those that do not end from the former to this one; NULL: none */
	const struct disks *later;
};

enum decode_result {
	DECODE_OK,
	DECODE_UNKNOWN, /* text is the raw value: nobody knows a name */
};

/**
 * Appends the text of one tag.
 * @param map     parsed; layout is its layout
 * @param key     the row's key bytes
 * @param index   of the tag in the map's description
 */
enum decode_result decode_tag(const struct decode_env *env, const struct spec_map *map,
                              const struct layout *layout, size_t index, const uint8_t *key,
                              struct text *out);

/** The number of the disk that a key names. @return false: no tag of the map has the decoder disk */
bool decode_find_disk(const struct spec_map *map, const struct layout *layout, const uint8_t *key,
                      uint32_t *ret_dev);

/**
 * Whether the device that the key names is gone (a disk decoder knows; others never say so). A device that was
 * never seen is not gone: a path below an NVMe multipath head has no number in sysfs, and counts.
 */
bool decode_is_gone(const struct decode_env *env, const struct spec_map *map,
                    const struct layout *layout, const uint8_t *key);
