/* SPDX-License-Identifier: BSD-2-Clause */
/* The tape's side of a port; see asker.h. */
#include "asker.h"
#include "tap.h"

static void *
asker_main(void *arg)
{
	struct asker *a = arg;

	a->result = port_exchange(a->port, port_generation(a->port), &a->call);
	return NULL;
}

void
asker_begin(struct asker *a, struct port *port, enum pmt_op op, size_t len,
    const void *data, void *buf)
{
	*a = (struct asker){ .port = port,
		.call = { .request = { .op = op, .at.known = true },
		    .buf = buf } };
	if (op == PMT_READ || op == PMT_WRITE)
		a->call.request.count = len;
	if (op == PMT_WRITE) {
		a->call.request.data = data;
		a->call.request.len = len;
	}
	if (op == PMT_READ)
		a->call.size = len;
	if (pthread_create(&a->thread, NULL, asker_main, a) != 0)
		tap_bail("no thread");
}

int
asker_end(struct asker *a)
{
	(void)pthread_join(a->thread, NULL); /* it was created */
	return a->result;
}
