/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rmt tape: a tape drive of another host, reached through the remote
 * magtape protocol, as tar and dump reach theirs:
 *
 *     rmt:[USER@]HOST:DEVICE[,KEY=VALUE...]
 *
 *     rsh=PROGRAM      gets to the host: PROGRAM HOST [-l USER] SERVER, without
 *                      a shell; default: RSH in the environment, or ssh
 *     rmt=PROGRAM      the server there; default: RMT in the environment, or
 *                      /usr/sbin/rmt
 *     timeout=SECONDS  for a reply with data; motion gets 16 times that;
 *                      default 900, as long as st tries
 *     window=SIZE      what may be on its way and not yet acknowledged by the
 *                      server; default 0
 *     dialect=NAME     gnu, dump, olddump, schily, sun, bsd, linux, plain;
 *                      default: it is found out
 *
 * What it adds to tape.h:
 *
 * With window=0 what is acknowledged is on the remote tape.  With a window
 * tape_write() acknowledges what has been sent, and up to so many bytes may yet
 * fail: the call that finds out fails, with -EIO, says how many records are
 * missing, and the position is then what is on the tape.  Filemarks, motion and
 * reading wait for all that was sent; tape_write_filemarks(0) does nothing
 * else.  From early warning on the window is 0.
 *
 * No server says where the tape is in objects, so the position is counted here.
 * It is compared with the server's file number where that tells something, and
 * where a reply is not plain success the tape is read back.
 *
 * A link that is lost is made again, three times in an operation, and what was
 * on its way is looked for on the tape.  The filemark that the server writes
 * when it ends after a write is overwritten, or erased.
 *
 * What can't be said safely in a dialect fails with -EOPNOTSUPP: with "plain"
 * even filemarks, as the op that writes them elsewhere rewinds.  With "plain"
 * and "bsd" two filemarks in a row are the end of the data: nobody tells it
 * from a filemark there.
 */
#ifndef PMT_RMT_CLIENT_H
#define PMT_RMT_CLIENT_H

#include "spec.h"

extern const struct tape_type rmt_tape_type;

#endif
