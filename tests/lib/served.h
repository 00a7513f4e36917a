/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape behind a pair, all in this process: in front the pair tape, behind it
 * a socket, a thread with libpmt, serve.c and the tape itself.  What holds of a
 * tape has to hold of it there.
 */
#ifndef PMT_TESTS_SERVED_H
#define PMT_TESTS_SERVED_H

#include "spec.h"

struct tape;

/* "served:{SPEC}" */
extern const struct tape_type served_tape_type;

/*
 * Takes over ${below}, which is freed soon after the tape in front is.  What
 * fails ends the test.
 */
struct tape *served_new(struct tape *below);

#endif
