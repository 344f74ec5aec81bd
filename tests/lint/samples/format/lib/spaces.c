/* SPDX-License-Identifier: Apache-2.0 */
int spaces_fine(int a)
{
	return a + 1;
}

int spaces_wrong(int a)
{
	return a+1; /* CAUGHT */
}
