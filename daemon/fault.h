/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault tape: a tape over a tape that fails on purpose, by a script, for
 * tests and to rehearse a disaster.
 *
 *     fault:{SPEC},script=FILE[,seed=N]
 *     fault:{SPEC},do=RULE[;RULE...][,seed=N]
 *
 * A rule is "OPERATION WHEN ACTION"; in a file one a line.  "#" begins a
 * comment.
 *
 *     OPERATION = load unload read write filemark space locate rewind erase
 *                 set format tell, or any of them: any
 *     WHEN      = RANGE            calls of that operation, from 1
 *               | "object" RANGE   calls at that object of the tape, from 0
 *               | "byte" RANGE     calls in which that byte is written, from 0,
 *                                  counted since the tape was loaded
 *               | "p=" P           every call with this probability, as seed=
 *                                  throws the dice
 *     RANGE     = N | N "+" | N "-" M
 *
 * ACTION, and what the call then does:
 *
 *   fails, with nothing done
 *     EIO ENOMEDIUM EROFS EBUSY EINVAL EOPNOTSUPP
 *     ENOSPC              a write or filemark: at the end of the medium
 *     refuse-early-warning  ENOSPC, once; those after it are done, and warn
 *     lost                EIO, and the position is lost
 *     lose=N              EIO, and the last N objects are gone, too, as far as
 *                         they are in the buffer, if there is one
 *     lose-buffer         EIO, and all that was not synced is gone, too
 *     power-off           EIO, as lose-buffer, and nothing goes until a load
 *     unload              ENOMEDIUM, and the medium is out until a load
 *   is done, but tells something else
 *     early-warning       with early warning
 *     done-EIO            it failed
 *     done-ENOSPC         it did not fit; the next tell is true
 *     unknown             success, but the position is lost
 *     shift=+-N           from then on, a tell is off by N
 *   is not done as told, though it succeeds
 *     lie                 nothing is written; the next tell is true
 *     drop                nothing is written, and a tell does not show it
 *     twice               written twice, and a tell does not show it
 *     flip                one bit of what is read or written changes
 *   is late
 *     stall=SECONDS       by that, fractions are allowed
 *     hold=PATH           until there is no file PATH; not at all if there is
 *                         none when it comes
 *     rate=BYTES          by what this many a second take; up to 10 ms of it
 *                         are done while the host does something else
 *   is done, and from this call on the tape
 *     buffer=N            keeps the last N objects in a buffer: only sync,
 *                         filemarks that are not immediate, and motion make
 *                         them durable; lose-buffer and power-off lose them
 *     min=BYTES max=BYTES takes only such records
 *     write-protect       is write protected (this call as well)
 *     worm                can be written at the end of the data only (this
 *                         call as well)
 *
 * All rules that match a call apply, but of those that make it fail or lie only
 * the first.  An unload that fails lets the tape go all the same.  A rule for
 * "any" applies where its action makes sense.  A position that is not true
 * becomes so with a load, rewind, locate or space to EOD.
 */
#ifndef PMT_FAULT_H
#define PMT_FAULT_H

#include "spec.h"

extern const struct tape_type fault_tape_type;

#endif
