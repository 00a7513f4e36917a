/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault tape: a tape over a tape that fails on purpose, by a script, for
 * tests and for trying how a program takes it.
 *
 *     fault:{SPEC},script=FILE
 *     fault:{SPEC},do=RULE[;RULE...]
 *
 * A rule is "OPERATION WHEN ACTION"; in a file one a line, "#" begins a
 * comment.
 *
 *     OPERATION  load unload read write filemark space locate rewind erase set
 *                format, or any
 *     WHEN       N: the N-th call of that operation, from 1; N+: that one and
 *                all after it; N-M: these
 *     ACTION     EIO, ENOSPC, ENOMEDIUM, EROFS: fail so, nothing done (ENOSPC
 * of a write or filemark comes with end of medium) early-warning: do it, and
 * report early warning lost: fail with EIO, the position is lost done-EIO: do
 * it, and report EIO all the same stall=SECONDS: wait first (fractions are
 * allowed), then do it
 */
#ifndef PMT_FAULT_H
#define PMT_FAULT_H

#include "spec.h"

extern const struct tape_type fault_tape_type;

#endif
