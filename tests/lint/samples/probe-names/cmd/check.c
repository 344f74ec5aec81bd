/* SPDX-License-Identifier: Apache-2.0 */
int block_io_check(void); /* CAUGHT */
