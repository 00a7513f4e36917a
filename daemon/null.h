/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The null tape: takes records and forgets them.  It counts, warns and ends
 * like a medium, but behind the head there is never anything to read: after a
 * rewind the tape is blank.  For trying a program's writing side, and as the
 * yardstick of benchmarks.
 */
#ifndef PMT_NULL_H
#define PMT_NULL_H

#include "spec.h"

/* "null:" with the limit options. */
extern const struct tape_type null_tape_type;

#endif
