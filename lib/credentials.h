/* SPDX-License-Identifier: Apache-2.0 */
/**
 * credentials.h: what an output proves itself with, and whom it trusts: from the configuration and the files it names.
 *
 * Reads files, does not log. All is kept in memory, so that a new connection waits for no disk.
 */
#pragma once
#include "config.h"

/** Larger is no password and no token; receivers take headers of 8 KiB at most. */
#define CREDENTIALS_MAX_SECRET 4096
/** Larger is no bundle of authorities: Debian's has 220 KB. */
#define CREDENTIALS_MAX_PEM (1u << 20)

#define CREDENTIALS_MAX_FILES 5

/** What tells a file from another one, or from what it was, without reading it. Compared as bytes. */
struct credentials_mark {
	struct {
		int64_t dev, ino, size, mtime_s, mtime_ns, ctime_s, ctime_ns;
		int64_t err; /* errno of looking at it */
	} files[CREDENTIALS_MAX_FILES];
};

/** Empty where there is none. */
struct credentials {
	struct text password;
	struct text authorization;             /* the header's value, for token authentication */
	struct text tls_ca, tls_cert, tls_key; /* PEM */
	const char *
		public_key; /* of the configuration: its file holds a secret and everybody can read it; or NULL */
};

/** A key that names a file, and the file; "": none. */
struct credentials_file {
	const char *key, *path;
};

/** All such keys. @param ret  CREDENTIALS_MAX_FILES of them; borrow from @p config */
void credentials_files(const struct config_output *config, struct credentials_file *ret);

/**
 * Reads everything anew.
 * @param ret   freed before; unchanged on failure
 * @param why   takes the key and what is wrong, without place: "token_file: /run/token is empty"; quotes no content
 * @return 0; -ENOKEY: a name without a folder, and this process was handed no credentials; -errno of reading a file; -EINVAL: what it holds is not what it should be; -ENOMEM
 */
int credentials_read(const struct config_output *config, struct credentials *ret, struct text *why);

/** Looks at the files, and reads none. */
void credentials_mark(const struct config_output *config, struct credentials_mark *ret);

/** Whether any part of them stands in a file, which may change. */
bool credentials_are_in_files(const struct config_output *config);

bool credentials_are_equal(const struct credentials *a, const struct credentials *b);

/** Overwrites and frees; empty afterwards. */
void credentials_free(struct credentials *c);
