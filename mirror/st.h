/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The st tape: "st:/dev/nst0[,eject=yes|no]", a tape drive of this machine, be
 * it a real one, or the node of another pmtd.
 *
 *     eject=yes   unload ejects the tape; otherwise it only closes the drive
 *
 * What it adds to tape.h:
 *
 * The node has to be one that does not rewind.  It is put in variable block
 * mode, and st's own buffering is turned off, where that is allowed
 * (CAP_SYS_ADMIN): what it acknowledges then has been accepted by the drive.
 *
 * What has happened is told by the drive's position (MTIOCPOS) and not by the
 * errno: after every result that is not plain success the two are compared.  A
 * drive that has no such thing is believed, and after an error its position is
 * lost.  Early warning is told on each record that the drive gives it for; st's
 * ENOSPC behind it, for which nothing is sent to the drive, is not passed on.
 *
 * A tape that is write protected, or a node that may not be written to, is a
 * write protected medium.
 */
#ifndef PMT_ST_H
#define PMT_ST_H

#include "spec.h"

extern const struct tape_type st_tape_type;

#endif
