/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The volumes of a copy, read as one tape.  What pmtimg copy adds when it goes
 * on to the next volume is left out again: the last filemark of each volume but
 * the last.
 */
#ifndef PMT_PMTIMG_CHAIN_H
#define PMT_PMTIMG_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "pmtimg_walk.h"

struct pmtimg_chain {
	char *const *names;
	unsigned n, i; /* volumes, and which one is read */
	uint32_t partition;
	uint8_t *buf;
	struct pmtimg_tape tape; /* the volume that is read */
	struct pmtimg_walk walk;
	bool held;  /* a filemark was met that may be the last */
	bool ahead; /* what followed it was met, too */
	struct pmtimg_step mark, next;
	uint64_t before; /* bytes of medium of the volumes before */
};

/*
 * Opens the first of the volumes; names and buffer stay the caller's.  0, or
 * the exit status after a message.
 */
int pmtimg_chain_open(struct pmtimg_chain *c, char *const *names, unsigned n,
    uint32_t partition, uint8_t *buf);

/* To BOT of another partition; only of one volume. */
int pmtimg_chain_select(struct pmtimg_chain *c, uint32_t partition);

/*
 * The next object, with its data in the buffer; EOD is that of the last volume.
 * Numbers and offsets are those of its volume.  0, or the exit status after a
 * message: the next volume can't be opened.
 */
int pmtimg_chain_next(struct pmtimg_chain *c, struct pmtimg_step *ret_step);

/* The last object, whose data still is in the buffer, is to come once more. */
void pmtimg_chain_again(struct pmtimg_chain *c, const struct pmtimg_step *last);

/* Bytes of medium that have been read, of all volumes. */
uint64_t pmtimg_chain_done(const struct pmtimg_chain *c);

void pmtimg_chain_close(struct pmtimg_chain *c);

#endif
