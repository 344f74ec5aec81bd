/* SPDX-License-Identifier: Apache-2.0 */
/**
 * verifierlog.h: what the kernel's verifier means by its log, which is long. Pure.
 */
#pragma once
#include <stddef.h>

/**
 * The verifier's own sentence in its log: the last line before "processed N insns" that is not a state.
 * @param ret_len  its length; unchanged when there is none
 * @return it, within @p log; NULL: the log has no end, or only states
 */
const char *verifierlog_verdict(const char *log, size_t *ret_len);
