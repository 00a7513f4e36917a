/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Forward over a tape, object by object, with damage as something that is met
 * like an object.  An image is asked itself, so that the walk knows offsets,
 * needs to read no data that nobody wants, and can go on after damage; any
 * other tape is read.
 */
#ifndef PMT_PMTIMG_WALK_H
#define PMT_PMTIMG_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmtimg_tape.h"

enum pmtimg_kind {
	PMTIMG_RECORD,
	PMTIMG_FILEMARK,
	PMTIMG_EOD,
	PMTIMG_DAMAGE,
};

struct pmtimg_step {
	enum pmtimg_kind kind;
	uint64_t object, file, record; /* numbers from 0; record: in its file */
	uint64_t at, end; /* offsets, bytes of medium; end: just past it; bytes
			     of data if a drive can't tell more */
	size_t len;	  /* of a record: bytes of data */
	bool bad;	  /* of a record: recorded as read with an error */
	bool exact;	  /* the numbers are certain: no damage so far */
	bool passed;	  /* of damage: only data; the walk stands after it */
};

struct pmtimg_walk {
	struct pmtimg_tape *t;
	uint8_t *buf; /* where data goes */
	size_t want;  /* bytes of each record to read into it, from the first */
	uint64_t at, object, file, record;
	uint64_t data; /* bytes that were read of a tape that is no image */
	bool exact;
};

/*
 * To BOT of a partition.  ${buf} has TAPE_MAX_RECORD bytes and stays the
 * caller's.  0, or the exit status after a message.
 */
int pmtimg_walk_start(struct pmtimg_walk *w, struct pmtimg_tape *t,
    uint32_t partition, uint8_t *buf);

/* To the beginning of a file.  False: there are not as many. */
bool pmtimg_walk_to_file(struct pmtimg_walk *w, uint64_t file);

/* The next object; what is wrong with damage is in tape_why(). */
void pmtimg_walk_next(struct pmtimg_walk *w, struct pmtimg_step *ret_step);

/*
 * After damage: to where the tape goes on.  0; -ENODATA: nothing follows that
 * can be read; other failures: it can't be told.
 */
int pmtimg_walk_skip(struct pmtimg_walk *w, const struct pmtimg_step *damage);

/* Memory for one record of any size; to be freed. */
uint8_t *pmtimg_walk_buffer(void);

#endif
