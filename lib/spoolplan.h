/* SPDX-License-Identifier: Apache-2.0 */
/** spoolplan.h: what a spool wants done on its disk next. Pure. */
#pragma once
#include "spoolstate.h"

/** Sets the next task, which is not given while another one is. @return false: there is nothing to do */
bool spoolplan_next(struct spool *spool);
