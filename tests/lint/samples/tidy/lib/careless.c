/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdlib.h>

int careless_divide(int a, char *text);

int careless_divide(int a, char *text)
{
	int b = 0;

	if (atoi(text) > 0)
		return a / b; /* CAUGHT: by zero */
	return 0;
}
