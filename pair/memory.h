/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that both sides of a socket see, for the records, so that they need
 * not go through it.  The master makes it; the slave gets its descriptor.
 * Whoever asks says whether a record is in it, so it has no state of its own.
 *
 * It can neither shrink nor go away under the other one's hands, and pages are
 * put behind it before anybody is told of them; so no access fails, unless he
 * gives pages back and the system has none left then.  What he writes to it
 * while we read is his affair: master and slave copy what has to stay.
 */
#ifndef PMT_PAIR_MEMORY_H
#define PMT_PAIR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
	uint8_t *bytes; /* PMT_PAIR_MAX_RECORD of them; NULL: there is none */
	int fd;
	size_t backed; /* bytes that have pages, from the first on */
};

#define MEMORY_NONE ((struct memory){ .fd = -1 })

/* Makes one.  -errno: the system has none to give. */
int memory_make(struct memory *m);

/* Sees to it that the first ${n} bytes can be used.  False: there is no room.
 */
bool memory_back(struct memory *m, size_t n);

/*
 * Takes the memory at ${fd}, which is its own then, also on failure.  -EPROTO:
 * it is of another size, or can be taken away; and as mmap(2).
 */
int memory_take(struct memory *m, int fd);

/* Lets it go; none is fine. */
void memory_drop(struct memory *m);

#endif
