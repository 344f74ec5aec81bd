/* SPDX-License-Identifier: Apache-2.0 */
#include "decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEV(major, minor) ((uint32_t)(major) << 20 | (minor))

static struct disk table[] = {
	{.dev = DEV(8, 0), .name = "sda"},
	{.dev = DEV(8, 16), .name = "sdb", .gone = true},
	{.dev = DEV(253, 14), .name = "dm-14", .stack = true},
};
static const struct disks disks = {.disks = table, .n = ARRAY_SIZE(table)};
static const struct decode_env env = {.disks = &disks};
static const struct decode_env blind = {.disks = NULL};

/* A key that is one number, with one tag on it. */
struct one_tag {
	struct spec_map map;
	struct layout layout;
};

static struct one_tag one_tag(char *decoder, uint32_t size, bool is_signed)
{
	struct one_tag t = {.map = {.n_tags = 1}, .layout = {.key_size = size}};

	t.map.tags[0].decoder = decoder;
	t.layout.tags[0] = (struct layout_member){.size = size, .is_signed = is_signed};
	return t;
}

static void assert_decodes(const struct decode_env *e, const struct one_tag *t, const void *key,
                           const char *expected, enum decode_result result)
{
	struct text out = {0};

	assert_int_equal(decode_tag(e, &t->map, &t->layout, 0, key, &out), result);
	assert_string_equal(text_cstr(&out), expected);
	text_free(&out);
}

static void a_disk_has_its_name(void **state)
{
	struct one_tag t = one_tag("disk", 4, false);

	assert_decodes(&env, &t, &(uint32_t){DEV(8, 0)}, "sda", DECODE_OK);
	assert_decodes(&env, &t, &(uint32_t){DEV(253, 14)}, "dm-14", DECODE_OK);
}

static void an_unknown_disk_has_its_number(void **state)
{
	struct one_tag t = one_tag("disk", 4, false);

	assert_decodes(&env, &t, &(uint32_t){DEV(8, 32)}, "8:32", DECODE_UNKNOWN);
	assert_decodes(&env, &t, &(uint32_t){UINT32_MAX}, "4095:1048575", DECODE_UNKNOWN);
	assert_decodes(&blind, &t, &(uint32_t){DEV(8, 0)}, "8:0", DECODE_UNKNOWN);
}

static void a_disk_on_other_disks_is_a_stack(void **state)
{
	struct one_tag t = one_tag("disk_layer", 4, false);

	assert_decodes(&env, &t, &(uint32_t){DEV(8, 0)}, "disk", DECODE_OK);
	assert_decodes(&env, &t, &(uint32_t){DEV(253, 14)}, "stack", DECODE_OK);
	assert_decodes(&env, &t, &(uint32_t){DEV(9, 0)}, "disk", DECODE_UNKNOWN);
	assert_decodes(&blind, &t, &(uint32_t){DEV(253, 14)}, "disk", DECODE_UNKNOWN);
}

/* When dm-14 was added, it stood on nothing yet; 8:0 is another disk's number by now. */
static void what_is_known_later_of_a_disk_that_stays_holds(void **state)
{
	static struct disk early_table[] = {{.dev = DEV(8, 0), .name = "sdz", .stack = true},
	                                    {.dev = DEV(253, 14), .name = "dm-14"}};
	static const struct disks early = {.disks = early_table, .n = ARRAY_SIZE(early_table)};
	const struct decode_env both = {.disks = &early, .later = &disks};
	struct one_tag t = one_tag("disk_layer", 4, false);

	assert_decodes(&both, &t, &(uint32_t){DEV(253, 14)}, "stack", DECODE_OK);
	assert_decodes(&both, &t, &(uint32_t){DEV(8, 0)}, "stack", DECODE_OK);
}

static void an_enumerator_has_its_name_and_others_their_number(void **state)
{
	struct enumtext_name names[] = {{0, "read"}, {255, "minus"}};
	struct one_tag t = one_tag("enum", 1, true);

	t.layout.enums[0] = (struct enumtext){.names = names, .n = ARRAY_SIZE(names)};
	assert_decodes(&env, &t, &(uint8_t){0}, "read", DECODE_OK);
	assert_decodes(&env, &t, &(int8_t){-1}, "minus", DECODE_OK);
	assert_decodes(&env, &t, &(int8_t){-2}, "-2", DECODE_UNKNOWN);
	assert_decodes(&env, &t, &(uint8_t){7}, "7", DECODE_UNKNOWN);
}

static void numbers_of_all_widths_are_decimal(void **state)
{
	struct one_tag t = one_tag("uint", 1, false);

	assert_decodes(&env, &t, &(uint8_t){200}, "200", DECODE_OK);
	t = one_tag("uint", 2, false);
	assert_decodes(&env, &t, &(uint16_t){65535}, "65535", DECODE_OK);
	t = one_tag("uint", 4, false);
	assert_decodes(&env, &t, &(uint32_t){4294967295u}, "4294967295", DECODE_OK);
	t = one_tag("uint", 8, false);
	assert_decodes(&env, &t, &(uint64_t){UINT64_MAX}, "18446744073709551615", DECODE_OK);
	t = one_tag("uint", 4, true);
	assert_decodes(&env, &t, &(int32_t){-5}, "-5", DECODE_OK);
	t = one_tag("uint", 8, true);
	assert_decodes(&env, &t, &(int64_t){INT64_MIN}, "-9223372036854775808", DECODE_OK);
}

static void hex_has_two_digits_a_byte_the_highest_first(void **state)
{
	struct one_tag t = one_tag("hex", 1, false);

	assert_decodes(&env, &t, &(uint8_t){0x0a}, "0a", DECODE_OK);
	t = one_tag("hex", 2, false);
	assert_decodes(&env, &t, &(uint16_t){0x1f}, "001f", DECODE_OK);
	t = one_tag("hex", 4, true);
	assert_decodes(&env, &t, &(int32_t){-2}, "fffffffe", DECODE_OK);
	t = one_tag("hex", 8, false);
	assert_decodes(&env, &t, &(uint64_t){0x0123456789abcdef}, "0123456789abcdef", DECODE_OK);
	assert_decodes(&env, &t, &(uint64_t){0}, "0000000000000000", DECODE_OK);
}

/* A key that is an array of bytes. */
static struct one_tag one_array(char *decoder, uint32_t size)
{
	struct one_tag t = one_tag(decoder, size, false);

	t.layout.tags[0].is_array = true;
	return t;
}

static void hex_of_an_array_has_the_order_of_memory(void **state)
{
	static const uint8_t mac[6] = {0x02, 0x00, 0x5e, 0xff, 0x10, 0x01};
	struct one_tag t = one_array("hex", sizeof(mac));

	assert_decodes(&env, &t, mac, "02005eff1001", DECODE_OK);
	t = one_array("hex", 4);
	assert_decodes(&env, &t, mac, "02005eff", DECODE_OK);
	t = one_array("hex", 1);
	assert_decodes(&env, &t, mac, "02", DECODE_OK);
}

static void a_string_ends_at_its_nul_or_with_its_array(void **state)
{
	struct one_tag t = one_array("string", 4);

	assert_decodes(&env, &t, "ab\0z", "ab", DECODE_OK);
	assert_decodes(&env, &t, "abcdefgh", "abcd", DECODE_OK);
	assert_decodes(&env, &t, "\0bcd", "", DECODE_OK);
	assert_decodes(&env, &t, "\xc3\xa9 =", "\xc3\xa9 =", DECODE_OK);
	t = one_array("string", 1);
	assert_decodes(&env, &t, "xy", "x", DECODE_OK);
}

static void the_longest_array_is_read_whole_and_no_further(void **state)
{
	char *key = malloc(SPEC_MAX_TAG_BYTES), expected[2 * SPEC_MAX_TAG_BYTES + 1] = {0};
	struct one_tag t = one_array("string", SPEC_MAX_TAG_BYTES);

	/* On the heap and of the exact size, so that ASan sees a byte too far. */
	memset(key, 'j', SPEC_MAX_TAG_BYTES);
	memset(expected, 'j', SPEC_MAX_TAG_BYTES);
	assert_decodes(&env, &t, key, expected, DECODE_OK);
	t = one_array("hex", SPEC_MAX_TAG_BYTES);
	for (size_t i = 0; i < SPEC_MAX_TAG_BYTES; i++)
		memcpy(expected + 2 * i, "6a", 2);
	assert_decodes(&env, &t, key, expected, DECODE_OK);
	free(key);
}

static void a_member_is_read_at_its_offset(void **state)
{
	struct one_tag t = one_tag("uint", 4, false);
	uint8_t key[9] = {0};

	memcpy(key + 5, &(uint32_t){77}, 4);
	t.layout.tags[0].offset = 5;
	assert_decodes(&env, &t, key, "77", DECODE_OK);
	memcpy(key + 5, "abcd", 4);
	t = one_array("string", 4);
	t.layout.tags[0].offset = 5;
	assert_decodes(&env, &t, key, "abcd", DECODE_OK);
}

static void only_a_disk_decoder_knows_that_a_device_is_gone(void **state)
{
	struct one_tag disk = one_tag("disk", 4, false), uint = one_tag("uint", 4, false);
	uint32_t here = DEV(8, 0), gone = DEV(8, 16);

	assert_false(decode_is_gone(&env, &disk.map, &disk.layout, (const uint8_t *)&here));
	assert_true(decode_is_gone(&env, &disk.map, &disk.layout, (const uint8_t *)&gone));
	assert_decodes(&env, &disk, &gone, "sdb", DECODE_OK);
	assert_false(decode_is_gone(&env, &uint.map, &uint.layout, (const uint8_t *)&gone));
}

static void what_was_never_seen_is_not_gone(void **state)
{
	struct one_tag t = one_tag("disk", 4, false);
	const struct disks none = {0};
	const struct decode_env empty = {.disks = &none};
	uint32_t dev = DEV(8, 16), hidden = DEV(259, 3);

	assert_false(decode_is_gone(&env, &t.map, &t.layout, (const uint8_t *)&hidden));
	assert_false(decode_is_gone(&blind, &t.map, &t.layout, (const uint8_t *)&dev));
	assert_false(decode_is_gone(&empty, &t.map, &t.layout, (const uint8_t *)&dev));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_has_its_name),
		cmocka_unit_test(an_unknown_disk_has_its_number),
		cmocka_unit_test(a_disk_on_other_disks_is_a_stack),
		cmocka_unit_test(what_is_known_later_of_a_disk_that_stays_holds),
		cmocka_unit_test(an_enumerator_has_its_name_and_others_their_number),
		cmocka_unit_test(numbers_of_all_widths_are_decimal),
		cmocka_unit_test(hex_has_two_digits_a_byte_the_highest_first),
		cmocka_unit_test(hex_of_an_array_has_the_order_of_memory),
		cmocka_unit_test(a_string_ends_at_its_nul_or_with_its_array),
		cmocka_unit_test(the_longest_array_is_read_whole_and_no_further),
		cmocka_unit_test(a_member_is_read_at_its_offset),
		cmocka_unit_test(only_a_disk_decoder_knows_that_a_device_is_gone),
		cmocka_unit_test(what_was_never_seen_is_not_gone),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
