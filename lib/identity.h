/* SPDX-License-Identifier: Apache-2.0 */
/**
 * identity.h: who this host is: its name, and its place among hosts that send at the same time. An edge.
 */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * How long the resolver may take. Who waits is the loop, which the service manager misses after 30 s, of which 15 may have
 * passed; and the resolver goes on to its second name server after 5 s: resolv.conf(5), timeout.
 */
#define IDENTITY_WAIT_MS 8000

/**
 * Appends the host's name.
 * @param wanted        "": the kernel's, as Telegraf has it; "fqdn": the canonical name that the resolver gives (the
 *                      kernel's where it gives none in time); else that text itself
 * @param wait_ms       for the resolver
 * @param ret_resolved  whether it is the resolver's
 * @return 0; -errno of the kernel; -ENOMEM
 */
int identity_host(const char *wanted, uint32_t wait_ms, struct text *out, bool *ret_resolved);

/**
 * This host's offset for sending: a hash of /etc/machine-id and the kernel's host name, the same after every start,
 * evenly spread over hosts. Both, because hosts cloned from one image often share the first.
 * @param bound_ns  0 gives 0
 * @return          0 to bound_ns - 1
 */
uint64_t identity_offset_ns(uint64_t bound_ns);

/** The pure part: FNV-1a (64 bit) of the bytes, finished by a multiplication, scaled to the bound. */
uint64_t identity_spread(const void *bytes, size_t len, uint64_t bound_ns);
