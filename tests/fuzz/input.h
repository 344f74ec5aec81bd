/* SPDX-License-Identifier: Apache-2.0 */
/**
 * input.h: what fuzzers have in common: a broken promise ends the program, and the input is taken piece by piece.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** What is left of the input. */
struct input {
	const uint8_t *data;
	size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void expect(int condition)
{
	if (!condition)
		abort();
}

/** The next byte, 0 at the end. */
static inline uint8_t input_byte(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

/** The next 8 bytes as a number, filled up with zeros at the end. */
static inline uint64_t input_u64(struct input *in)
{
	size_t n = in->size < sizeof(uint64_t) ? in->size : sizeof(uint64_t);
	uint64_t value = 0;

	if (n)
		memcpy(&value, in->data, n);
	in->data += n;
	in->size -= n;
	return value;
}

/**
 * The bytes up to the next line feed, or the rest: on the heap and of the exact size, so that ASan sees a byte too far.
 * @return NUL-terminated; a NUL in it ends it early for who reads it as a string
 */
static inline char *input_line(struct input *in)
{
	const uint8_t *newline = in->size ? memchr(in->data, '\n', in->size) : NULL;
	size_t len = newline ? (size_t)(newline - in->data) : in->size;
	char *line = malloc(len + 1);

	expect(line != NULL);
	if (len)
		memcpy(line, in->data, len);
	line[len] = '\0';
	in->data += len + (newline != NULL);
	in->size -= len + (newline != NULL);
	return line;
}
