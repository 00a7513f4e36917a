/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pair tape, "pair:[SOCKET]": a tape that is another program, the slave.
 * Every operation is a request to it, and how it went is what it answers.  A
 * slave that comes is a medium that comes, to be loaded; one that goes takes
 * the medium along, and with it the position.
 *
 * With SOCKET the slave connects to a Unix socket; and whoever has the tape can
 * let one in by other ways, through its port.
 */
#ifndef PMT_PAIR_TAPE_H
#define PMT_PAIR_TAPE_H

#include "spec.h"

struct port;
struct tape;

extern const struct tape_type pair_tape_type;

/* The port of ${t}, which stays the tape's; NULL: ${t} is no pair tape. */
struct port *pair_port(struct tape *t);

#endif
