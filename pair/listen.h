/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slave end as a Unix socket: for programs without rights to a node, and
 * for tapes that have none.  A thread lets slaves in and sees them go; requests
 * and replies are sent and received by whoever exchanges them, without a
 * hand-off between threads.
 */
#ifndef PMT_LISTEN_H
#define PMT_LISTEN_H

#include <sys/types.h>

struct listen;
struct port;
struct spec_error;

/* What a program that connects gets to answer HELLO, ms. */
#define LISTEN_HELLO_MS 10000

/*
 * Makes the socket ${path}, with the mode ${mode}, and lets slaves of ${p} in
 * there.  A socket in which nobody listens any more is taken over.  -errno,
 * with words: -EADDRINUSE: somebody does, -EEXIST: it is something else ...
 */
int listen_start(struct port *p, const char *path, mode_t mode,
    struct listen **ret_listen, struct spec_error *e);

/* For tests: what the next ones get to answer HELLO instead, ms. */
void listen_set_patience(struct listen *l, unsigned ms);

/* The slave that is there is let go, and the socket removed.  NULL is fine. */
void listen_stop(struct listen *l);

#endif
