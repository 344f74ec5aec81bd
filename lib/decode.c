/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <assert.h>
#include <string.h>

/** Bits of the minor number in the kernel's own dev_t (MINORBITS). */
#define MINOR_BITS 20

/* What a decoder works on: the member's bytes, and for integers also their number. */
struct coded {
	const struct decode_env *env;
	const struct layout *layout;
	size_t index; /* of the tag */
	const uint8_t *bytes;
	uint64_t number; /* unsigned, of the member's own width; 0 for arrays */
};

typedef enum decode_result (*decode_fn)(const struct coded *coded, struct text *out);

/* An integer member as an unsigned number of its own width; 0 for an array. */
static uint64_t member_number(const struct layout_member *member, const uint8_t *key)
{
	const uint8_t *bytes = key + member->offset;
	uint64_t bits = 0;
	uint32_t bits32;
	uint16_t bits16;

	switch (member->is_array ? 0 : member->size) {
	case 0:
		return 0;
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

/* Of a disk that stays, the later table knows more: dm has no slaves yet when it is added. */
static const struct disk *find_disk(const struct decode_env *env, uint64_t dev)
{
	const struct disk *disk = env->disks ? disks_find(env->disks, (uint32_t)dev) : NULL;
	const struct disk *later = NULL;

	if (env->later &&
	    (!disk || disk->gone || !disks_ends(env->disks, env->later, (uint32_t)dev)))
		later = disks_find(env->later, (uint32_t)dev);
	return later ?: disk;
}

static enum decode_result decode_disk(const struct coded *c, struct text *out)
{
	const struct disk *disk = find_disk(c->env, c->number);

	if (disk) {
		text_str(out, disk->name);
		return DECODE_OK;
	}
	text_u64(out, c->number >> MINOR_BITS);
	text_char(out, ':');
	text_u64(out, c->number & ((1u << MINOR_BITS) - 1));
	return DECODE_UNKNOWN;
}

static enum decode_result decode_disk_layer(const struct coded *c, struct text *out)
{
	const struct disk *disk = find_disk(c->env, c->number);

	text_str(out, disk && disk->stack ? "stack" : "disk");
	return disk ? DECODE_OK : DECODE_UNKNOWN;
}

static enum decode_result decode_enum(const struct coded *c, struct text *out)
{
	const char *name = enumtext_find(&c->layout->enums[c->index], c->number);

	if (name) {
		text_str(out, name);
		return DECODE_OK;
	}
	print_number(&c->layout->tags[c->index], c->number, out);
	return DECODE_UNKNOWN;
}

static enum decode_result decode_uint(const struct coded *c, struct text *out)
{
	print_number(&c->layout->tags[c->index], c->number, out);
	return DECODE_OK;
}

static enum decode_result decode_hex(const struct coded *c, struct text *out)
{
	static const char digits[] = "0123456789abcdef";
	const struct layout_member *member = &c->layout->tags[c->index];

	for (uint32_t i = 0; i < member->size; i++) {
		uint8_t byte = c->bytes[i];

		if (!member->is_array)
			byte = (uint8_t)(c->number >> 8 * (member->size - 1 - i));
		text_char(out, digits[byte >> 4]);
		text_char(out, digits[byte & 15]);
	}
	return DECODE_OK;
}

static enum decode_result decode_string(const struct coded *c, struct text *out)
{
	const char *text = (const char *)c->bytes;

	text_append(out, text, strnlen(text, c->layout->tags[c->index].size));
	return DECODE_OK;
}

static const decode_fn rows[] = {
	[SPEC_DECODER_DISK] = decode_disk, [SPEC_DECODER_DISK_LAYER] = decode_disk_layer,
	[SPEC_DECODER_ENUM] = decode_enum, [SPEC_DECODER_UINT] = decode_uint,
	[SPEC_DECODER_HEX] = decode_hex,   [SPEC_DECODER_STRING] = decode_string,
};
static_assert(ARRAY_SIZE(rows) == SPEC_DECODER_MAX, "a row per decoder");

enum decode_result decode_tag(const struct decode_env *env, const struct spec_map *map,
                              const struct layout *layout, size_t index, const uint8_t *key,
                              struct text *out)
{
	assert(env && map && layout && index < map->n_tags && key && out);

	const struct spec_decoder *decoder = specwords_find_decoder(map->tags[index].decoder);

	assert(decoder);
	struct coded coded = {.env = env,
	                      .layout = layout,
	                      .index = index,
	                      .bytes = key + layout->tags[index].offset,
	                      .number = member_number(&layout->tags[index], key)};
	return rows[decoder - spec_decoders](&coded, out);
}

bool decode_find_disk(const struct spec_map *map, const struct layout *layout, const uint8_t *key,
                      uint32_t *ret_dev)
{
	assert(map && layout && key && ret_dev);

	for (size_t i = 0; i < map->n_tags; i++) {
		if (specwords_find_decoder(map->tags[i].decoder) !=
		    &spec_decoders[SPEC_DECODER_DISK])
			continue;
		*ret_dev = (uint32_t)member_number(&layout->tags[i], key);
		return true;
	}
	return false;
}

bool decode_is_gone(const struct decode_env *env, const struct spec_map *map,
                    const struct layout *layout, const uint8_t *key)
{
	assert(env && map && layout && key);

	uint32_t dev;
	const struct disk *disk =
		decode_find_disk(map, layout, key, &dev) ? find_disk(env, dev) : NULL;

	return disk && disk->gone;
}
