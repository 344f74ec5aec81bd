/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pushfloor OBJECT URL FILE: what libbpf, zlib and libcurl alone cost. Loads and attaches OBJECT's program "reads_clock"; then
 * every second reads an index and an array by batch look-ups, compresses the bytes of FILE and posts them, until it is killed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

/* As many keys and bytes as 4 devices with 7 operations have, in two shards. */
#define KEYS 28
#define INDEX_ENTRIES 2048
#define VALUE_BYTES 528
#define VALUES (2 * KEYS)
#define BODY_MAX (1 << 20)
/* gzip, and the agent's own settings (lib/batch.c). */
#define WINDOW_BITS (13 + 16)
#define MEM_LEVEL 6
#define LEVEL 3

static int fail(const char *what)
{
	fprintf(stderr, "pushfloor: %s\n", what);
	return 1;
}

static int attach(const char *path)
{
	struct bpf_object *object;
	struct bpf_program *program;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	object = bpf_object__open(path);
	program = object ? bpf_object__find_program_by_name(object, "reads_clock") : NULL;
	if (!program)
		return -1;
	bpf_program__set_autoload(program, true);
	return bpf_object__load(object) || !bpf_program__attach(program) ? -1 : 0;
}

static int fill(int index, int values)
{
	static char value[VALUE_BYTES];
	int err = index < 0 || values < 0;

	for (unsigned int i = 0; i < KEYS && !err; i++) {
		unsigned long key = i * 2654435761ul;

		err = bpf_map_update_elem(index, &key, &i, BPF_ANY) ||
		      bpf_map_update_elem(values, &i, value, BPF_ANY);
	}
	return err;
}

static void read_maps(int index, int values)
{
	static unsigned long keys[INDEX_ENTRIES];
	static unsigned int rows[INDEX_ENTRIES], places[VALUES];
	static char bytes[VALUES * VALUE_BYTES];
	unsigned long cursor[2];
	unsigned int n = INDEX_ENTRIES;

	bpf_map_lookup_batch(index, NULL, cursor, keys, rows, &n, NULL);
	n = VALUES;
	bpf_map_lookup_batch(values, NULL, cursor, places, bytes, &n, NULL);
}

static size_t ignore(char *data, size_t size, size_t n, void *ctx)
{
	(void)data;
	(void)ctx;
	return size * n;
}

static int post(CURL *curl, z_stream *z, char *lines, size_t len)
{
	static unsigned char body[BODY_MAX];

	deflateReset(z);
	z->next_in = (unsigned char *)lines;
	z->avail_in = (unsigned int)len;
	z->next_out = body;
	z->avail_out = sizeof(body);
	deflate(z, Z_FINISH);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)z->total_out);
	return curl_easy_perform(curl);
}

int main(int argc, char **argv)
{
	static char lines[BODY_MAX];
	FILE *file = argc == 4 ? fopen(argv[3], "r") : NULL;
	size_t len = file ? fread(lines, 1, sizeof(lines), file) : 0;
	CURL *curl = curl_easy_init();
	z_stream z = {0};
	int index = bpf_map_create(BPF_MAP_TYPE_HASH, "index", 8, 4, INDEX_ENTRIES, NULL);
	int values = bpf_map_create(BPF_MAP_TYPE_ARRAY, "values", 4, VALUE_BYTES, VALUES, NULL);

	if (!len || !curl || fill(index, values) || attach(argv[1]))
		return fail("usage: OBJECT URL FILE, as root");
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW_BITS, MEM_LEVEL, Z_DEFAULT_STRATEGY))
		return fail("zlib");
	curl_easy_setopt(curl, CURLOPT_URL, argv[2]);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(
		curl, CURLOPT_HTTPHEADER,
		curl_slist_append(curl_slist_append(NULL, "Content-Encoding: gzip"), "Expect:"));
	for (;;) {
		struct timespec at;

		clock_gettime(CLOCK_REALTIME, &at);
		at = (struct timespec){.tv_sec = at.tv_sec + 1};
		clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
		read_maps(index, values);
		if (post(curl, &z, lines, len))
			return fail("the receiver does not answer");
	}
}
