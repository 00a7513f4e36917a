/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The st tape: "st:/dev/nst0[,KEY=VALUE...]", a tape drive of this machine, be
 * it a real one, or the node of another pmtd.
 *
 *     sg=/dev/sgN|no    the drive's sg node; default: looked for
 *     timeout=SECONDS   for a command, and 15 times that for long ones, as
 *                       rewinding; default: as st has it
 *     eject=yes|no      unload ejects the tape; otherwise it only closes the
 *                       drive (default)
 *
 * What it adds to tape.h:
 *
 * The node has to be one that does not rewind.  It is put in variable block
 * mode, and st's own buffering is turned off, where that is allowed
 * (CAP_SYS_ADMIN): what it acknowledges then has been accepted by the drive.
 * Unloading gives st the options back that it had, but not its timeouts.
 *
 * What has happened is told by the drive's position, and not by the errno:
 * after every result that is not plain success the two are compared.  A drive
 * that does not tell where it is, is read again, which takes as long as the
 * file does.  Early warning is told by position, from the record that the drive
 * gave it for; st's ENOSPC behind it, for which nothing is sent to the drive,
 * is not passed on.
 *
 * News of the drive that an acknowledged record may be lost, that it was reset,
 * or that the medium was changed make the position unknown, and tape_alarm()
 * tells them; it tells TapeAlert, too.
 *
 * The sg node is opened exclusively.  If there is none, or no right to it, the
 * tape works with what st tells: no capacity, no TapeAlert, no early warning on
 * filemarks.  tape_report() says so.
 *
 * A tape that is write protected, or a node that may not be written to, is a
 * write protected medium.  A drive that can't erase fails tape_erase() with
 * -EIO.
 */
#ifndef PMT_ST_H
#define PMT_ST_H

#include "spec.h"

extern const struct tape_type st_tape_type;

#endif
