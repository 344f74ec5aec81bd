// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "../lib/bucket.h" /* CAUGHT: the two sides share no code */
#include "thermograf.bpf.h"
