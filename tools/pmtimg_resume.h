/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a copy goes on that was begun before: pmtimg copy --resume. */
#ifndef PMT_PMTIMG_RESUME_H
#define PMT_PMTIMG_RESUME_H

#include "pmtimg_engine.h"

/*
 * Reads the source and the volume of ${e}, which are open, from BOT, as far as
 * they hold the same, and says how far that is; ${e->kept} is it.  Then the
 * chain gives the first object that is missing on the volume, which stands
 * where that belongs.
 *
 * A volume that holds anything else there, or more than the source, is refused;
 * or, with --overwrite, loses it.  0, or the exit status after a message;
 * nothing has been written then.
 */
int pmtimg_resume_find(struct pmtimg_engine *e);

#endif
