/* SPDX-License-Identifier: BSD-2-Clause */
/* The tape's side of a port, in a thread: who asks while a test is the slave.
 */
#ifndef PMT_TEST_ASKER_H
#define PMT_TEST_ASKER_H

#include <pthread.h>

#include "port.h"

struct asker {
	pthread_t thread;
	struct port *port;
	struct port_call call;
	int result;
};

/*
 * Begins to ask for ${op}: with PMT_WRITE for the ${len} bytes ${data} to be
 * written, with PMT_READ for so many to come to ${buf}.
 */
void asker_begin(struct asker *a, struct port *port, enum pmt_op op, size_t len,
    const void *data, void *buf);

/* Waits for the answer: what port_exchange() gave. */
int asker_end(struct asker *a);

#endif
