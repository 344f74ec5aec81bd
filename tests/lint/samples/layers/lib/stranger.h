/* CAUGHT: not in the Makefile's list. SPDX-License-Identifier: Apache-2.0 */
#pragma once
