/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as host, tags and names: what becomes a line is one that every receiver reads alike, and what does not
 * leaves no trace.
 *
 * Input, by lines: host, global key, global value, measurement, then for each tag or field its key, and a line "t" and
 * its value, or 'i', 'f' or 's' and 8 bytes.
 */
#include "lineproto.h"

#include "input.h"
#include "lpparse.h"

#define PIECES (POINT_MAX_TAGS + 64)

/* Of two fields of the same name, the description of a probe has only one (specnames.h). */
static bool has_field(const struct point *point, const char *key)
{
	for (size_t i = 0; i < point->n_fields; i++)
		if (!strcmp(point->fields[i].key, key))
			return true;
	return false;
}

static void add_field(struct point *point, const char *key, uint8_t kind, uint64_t bits)
{
	struct point_field *field = &point->fields[point->n_fields];

	if (has_field(point, key))
		return;
	*field = (struct point_field){.key = key, .integer = bits};
	if (kind == 'f' || kind == 's') {
		field->type = kind == 'f' ? POINT_FLOAT : POINT_SECONDS;
		memcpy(&field->decimal, &bits, sizeof(bits));
	}
	point->n_fields++;
}

static void check(const struct lineproto_globals *globals, const struct point *point)
{
	CLEANUP(text_free) struct text out = {0};
	static struct lpparse_line line;

	text_str(&out, "before");
	int err = lineproto_append(&out, globals, point);

	expect(!strncmp(text_cstr(&out), "before", 6) && out.len == strlen(out.data));
	if (err) {
		expect((err == -EINVAL || err == -E2BIG) && out.len == 6);
		return;
	}
	expect(!lpparse(out.data + 6, &line) && line.len == out.len - 6);
	expect(line.stamp_ns == point->stamp_ns && line.n_fields == point->n_fields);
	expect(!strcmp(line.measurement, point->measurement));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct point point;
	struct lineproto_globals globals;
	struct input in = {data, size};
	char *host = input_line(&in), *key = input_line(&in), *value = input_line(&in);
	char *lines[2 * PIECES] = {input_line(&in)};
	const struct config_pair pair = {.key = key, .value = value};
	size_t n = 1;

	lineproto_globals_init(&globals, &pair, 1, host);
	point = (struct point){.measurement = lines[0], .stamp_ns = (int64_t)size};
	while (in.size && n + 2 < ARRAY_SIZE(lines)) {
		const char *name = lines[n++] = input_line(&in);
		uint8_t kind = input_byte(&in);

		if (kind == 'i' || kind == 'f' || kind == 's') {
			add_field(&point, name, kind, input_u64(&in));
		} else if (point.n_tags < POINT_MAX_TAGS) {
			lines[n] = input_line(&in);
			point.tags[point.n_tags++] = (struct point_tag){name, lines[n++]};
		}
	}
	check(&globals, &point);
	while (n)
		free(lines[--n]);
	free(host), free(key), free(value);
	return 0;
}
