/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror: "mirror:{A,B[,C...]}", one tape on several at once, so that what
 * is written is on all of them, record for record.  Whichever meets early
 * warning first ends the volume.
 *
 *     on_leg_error=degrade|markfull|stop
 *                        a leg fails: go on with the others (default); go on,
 *                        and report early warning, so that the volume ends; or
 *                        take the record back on the others and fail
 *     leg_timeout=N      seconds after which a call on a leg counts as failed;
 *                        ten times that for a motion, two hundred for a long
 *                        erase; 0: never; default 120
 *     ack=lockstep|ring  a record is acknowledged when all legs have it
 *                        (default), or when one has, while the others follow
 *     ring=SIZE          how many bytes of records may wait for them; default
 *                        64M
 *     leot_margin=SIZE   report early warning so many bytes before the first
 *                        leg does, where its capacity is known; default 0
 *     eom_reserve=SIZE   what may be written after early warning; default 8M,
 *                        and never more than 64 records and 8 filemarks
 *     verify=yes|no      read all legs and compare; default no
 *     read_longer=yes|no when one leg ends before another: go on with the
 *                        longer one (yes), or fail (no, the default)
 *     degraded_open=yes|no
 *                        load although a leg can't be; default no
 *
 * What it adds to tape.h:
 *
 * A record that was written is on every healthy leg, or with ack=ring on one,
 * and then, when anything else than a record is asked for, on every one; see
 * mirror_ring.c.  A leg of which that is not certain is dead until the next
 * load, and tape_alarm() says so, with what is good on it; with a ring, one
 * that hangs while nobody writes is found by the next call.  A leg that
 * acknowledges what it does not write is found at the
 * next filemark, sync, motion or unload, or after 64 MiB.  At the end of the
 * medium all healthy legs hold the same objects.  Filemarks and syncs that
 * succeed are durable on every healthy leg.
 *
 * A write in the middle of a tape that fails may leave the end of data there.
 *
 * After on_leg_error=stop has struck, filemarks are still taken, so that what
 * was written can be closed; then nothing more until an unload and a load.
 *
 * An unload that some leg has not done is a success by on_leg_error=degrade and
 * markfull, if another one has.
 *
 * A record that no leg can read is -EIO, and the tape stands before it, and can
 * be spaced over it.
 *
 * Limits are those that all legs share; one write protected leg protects all.
 *
 * Legs that hold different objects are found when reading and spacing over
 * filemarks: -EIO from then on until the tape is unloaded, for it is not for a
 * program to say which one is right.  Nothing is given that lies behind the end
 * of any leg; to know where they end, as far as that can be found, the first
 * read after a load goes to the end of data and back, unless the mirror has
 * written to the tape since.
 */
#ifndef PMT_MIRROR_H
#define PMT_MIRROR_H

#include "spec.h"

extern const struct tape_type mirror_tape_type;

#endif
