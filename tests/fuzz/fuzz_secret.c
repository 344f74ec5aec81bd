/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as the file of a secret or certificate: what is taken fits one header and holds no second one; what is
 * refused is told without quoting it.
 *
 * Input: a byte that chooses which file it is, then its content.
 */
#include "credentials.h"

#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

static void check_header(const struct text *secret, size_t most)
{
	expect(secret->len && secret->len <= most && secret->len == strlen(secret->data));
	for (size_t i = 0; i < secret->len; i++)
		expect((unsigned char)secret->data[i] >= ' ' && secret->data[i] != 0x7f);
}

static void check(uint8_t which, const struct credentials *c)
{
	if (which == 0)
		check_header(&c->password, CREDENTIALS_MAX_SECRET);
	else if (which == 1)
		check_header(&c->authorization, CREDENTIALS_MAX_SECRET + sizeof("Bearer"));
	else if (which == 2)
		expect(strstr(text_cstr(&c->tls_ca), "BEGIN CERTIFICATE") != NULL);
	else
		expect(c->tls_cert.len && strstr(text_cstr(&c->tls_key), "PRIVATE KEY") != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(credentials_free) struct credentials credentials = {0};
	CLEANUP(text_free) struct text why = {0};
	struct input in = {data, size};
	uint8_t which = input_byte(&in) % 4;
	CLEANUP_CLOSE int fd = memfd_create("secret", MFD_CLOEXEC);
	char path[32], empty[] = "";

	expect(fd >= 0 && write(fd, in.data, in.size) == (ssize_t)in.size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct config_output config = {.password = empty, .token = empty};

	config.password_file = which == 0 ? path : empty;
	config.token_file = which == 1 ? path : empty;
	config.tls_ca = which == 2 ? path : empty;
	config.tls_cert = which == 3 ? path : empty;
	config.tls_key = empty;
	int err = credentials_read(&config, &credentials, &why);

	expect(err == 0 || err == -EINVAL);
	expect((err == 0) == (why.len == 0));
	if (!err)
		check(which, &credentials);
	else
		expect(why.len < 256 && strstr(text_cstr(&why), path) != NULL);
	return 0;
}
