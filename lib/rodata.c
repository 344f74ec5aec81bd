/* SPDX-License-Identifier: Apache-2.0 */
#include "rodata.h"

#include "ground.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

static struct bpf_map *rodata_map(struct bpf_object *object)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		size_t len = strlen(name);

		/* libbpf puts the object's name before it, cut to fit the kernel's 15 bytes. */
		if (bpf_map__is_internal(map) && len >= 7 && !strcmp(name + len - 7, ".rodata"))
			return map;
	}
	return NULL;
}

static int find_variable(const struct btf *btf, const char *name, struct btf_var_secinfo *ret_place)
{
	int32_t section = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *type = section > 0 ? btf__type_by_id(btf, section) : NULL;
	const struct btf_var_secinfo *place = type ? btf_var_secinfos(type) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++, place++) {
		const struct btf_type *variable = btf__type_by_id(btf, place->type);

		if (variable && !strcmp(btf__name_by_offset(btf, variable->name_off), name)) {
			*ret_place = *place;
			return 0;
		}
	}
	return -ENOENT;
}

static int check_integer(const struct btf *btf, uint32_t variable, uint32_t size)
{
	const struct btf_type *type = btf__type_by_id(btf, variable);
	int resolved = type ? btf__resolve_type(btf, type->type) : -1;

	type = resolved > 0 ? btf__type_by_id(btf, resolved) : NULL;
	if (!type || !(btf_is_int(type) || btf_is_any_enum(type)))
		return -EINVAL;
	return size == 1 || size == 2 || size == 4 || size == 8 ? 0 : -EINVAL;
}

int rodata_set(struct bpf_object *object, const char *name, uint64_t value)
{
	const struct btf *btf = bpf_object__btf(object);
	struct bpf_map *map = rodata_map(object);
	struct btf_var_secinfo place;
	size_t size = 0;
	const void *initial = map ? bpf_map__initial_value(map, &size) : NULL;
	CLEANUP_FREE uint8_t *data = NULL;
	int err;

	if (!btf || !initial)
		return -ENOENT;
	err = find_variable(btf, name, &place);
	if (err)
		return err;
	err = check_integer(btf, place.type, place.size);
	if (err)
		return err;
	if (place.offset > size || place.size > size - place.offset)
		return -EINVAL;
	if (place.size < 8 && value >> (8 * place.size))
		return -ERANGE;
	/* libbpf 1.1 gives a const pointer, later ones do not: a copy serves both. */
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	memcpy(data, initial, size);
	/* The object is of this host's byte order: its low bytes are where memcpy finds them. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(data + place.offset, &value, place.size);
#else
	memcpy(data + place.offset, (uint8_t *)&value + sizeof(value) - place.size, place.size);
#endif
	return bpf_map__set_initial_value(map, data, size);
}
