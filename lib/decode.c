/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <assert.h>
#include <string.h>

/** Bits of the minor number in the kernel's own dev_t (MINORBITS). */
#define MINOR_BITS 20

typedef enum decode_result (*decode_fn)(const struct decode_env *env, const struct layout *layout,
                                        size_t index, uint64_t bits, struct text *out);

/* A member's bytes as an unsigned number of its own width. */
static uint64_t member_bits(const struct layout_member *member, const uint8_t *key)
{
	const uint8_t *bytes = key + member->offset;
	uint64_t bits = 0;
	uint32_t bits32;
	uint16_t bits16;

	switch (member->size) {
	case 1:
		return *bytes;
	case 2:
		memcpy(&bits16, bytes, sizeof(bits16));
		return bits16;
	case 4:
		memcpy(&bits32, bytes, sizeof(bits32));
		return bits32;
	default:
		assert(member->size == 8);
		memcpy(&bits, bytes, sizeof(bits));
		return bits;
	}
}

static void print_number(const struct layout_member *member, uint64_t bits, struct text *out)
{
	uint32_t unused = 64 - member->size * 8;

	if (member->is_signed)
		text_i64(out, (int64_t)(bits << unused) >> unused);
	else
		text_u64(out, bits);
}

static const struct disk *find_disk(const struct decode_env *env, uint64_t dev)
{
	return env->disks ? disks_find(env->disks, (uint32_t)dev) : NULL;
}

static enum decode_result decode_disk(const struct decode_env *env, const struct layout *layout,
                                      size_t index, uint64_t dev, struct text *out)
{
	const struct disk *disk = find_disk(env, dev);

	(void)layout, (void)index;
	if (disk) {
		text_str(out, disk->name);
		return DECODE_OK;
	}
	text_u64(out, dev >> MINOR_BITS);
	text_char(out, ':');
	text_u64(out, dev & ((1u << MINOR_BITS) - 1));
	return DECODE_UNKNOWN;
}

static enum decode_result decode_disk_layer(const struct decode_env *env,
                                            const struct layout *layout, size_t index, uint64_t dev,
                                            struct text *out)
{
	const struct disk *disk = find_disk(env, dev);

	(void)layout, (void)index;
	text_str(out, disk && disk->stack ? "stack" : "disk");
	return disk ? DECODE_OK : DECODE_UNKNOWN;
}

static enum decode_result decode_enum(const struct decode_env *env, const struct layout *layout,
                                      size_t index, uint64_t bits, struct text *out)
{
	const char *name = enumtext_find(&layout->enums[index], bits);

	(void)env;
	if (name) {
		text_str(out, name);
		return DECODE_OK;
	}
	print_number(&layout->tags[index], bits, out);
	return DECODE_UNKNOWN;
}

static enum decode_result decode_uint(const struct decode_env *env, const struct layout *layout,
                                      size_t index, uint64_t bits, struct text *out)
{
	(void)env;
	print_number(&layout->tags[index], bits, out);
	return DECODE_OK;
}

static const decode_fn rows[] = {
	[SPEC_DECODER_DISK] = decode_disk,
	[SPEC_DECODER_DISK_LAYER] = decode_disk_layer,
	[SPEC_DECODER_ENUM] = decode_enum,
	[SPEC_DECODER_UINT] = decode_uint,
};
static_assert(ARRAY_SIZE(rows) == SPEC_DECODER_MAX, "a row per decoder");

enum decode_result decode_tag(const struct decode_env *env, const struct spec_map *map,
                              const struct layout *layout, size_t index, const uint8_t *key,
                              struct text *out)
{
	assert(env && map && layout && index < map->n_tags && key && out);

	const struct spec_decoder *decoder = specwords_find_decoder(map->tags[index].decoder);

	assert(decoder);
	return rows[decoder - spec_decoders](env, layout, index,
	                                     member_bits(&layout->tags[index], key), out);
}

bool decode_is_gone(const struct decode_env *env, const struct spec_map *map,
                    const struct layout *layout, const uint8_t *key)
{
	assert(env && map && layout && key);

	for (size_t i = 0; i < map->n_tags; i++) {
		const struct spec_decoder *decoder = specwords_find_decoder(map->tags[i].decoder);
		const struct disk *disk = find_disk(env, member_bits(&layout->tags[i], key));

		if (decoder == &spec_decoders[SPEC_DECODER_DISK] && disk && disk->gone)
			return true;
	}
	return false;
}
