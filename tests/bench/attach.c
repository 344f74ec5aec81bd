/* SPDX-License-Identifier: Apache-2.0 */
/* attach OBJECT PROGRAM: loads and attaches that one program of an object, until it is killed. */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what, long err)
{
	fprintf(stderr, "attach: %s: %s\n", what, strerror((int)-err));
	return 1;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_link *link;
	long err;

	if (argc != 3)
		return fail("usage: attach OBJECT PROGRAM", 0);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	object = bpf_object__open(argv[1]);
	err = libbpf_get_error(object);
	if (err)
		return fail(argv[1], err);
	program = bpf_object__find_program_by_name(object, argv[2]);
	if (!program)
		return fail(argv[2], -2);
	bpf_program__set_autoload(program, true);
	err = bpf_object__load(object);
	if (err)
		return fail(argv[1], err);
	link = bpf_program__attach(program);
	err = libbpf_get_error(link);
	if (err)
		return fail(argv[2], err);
	for (;;)
		pause();
}
