/* SPDX-License-Identifier: Apache-2.0 */
int beyond_sum(const int *values);

int beyond_sum(const int *values)
{
	int sums[4] = {values[0]};

	sums[4] = values[1]; /* CAUGHT */
	return sums[0];
}
