/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside a host file: what the hostfile*.c files share, and nobody else.
 * hostfile.c owns the file and its end, hostfile_read.c the window, and
 * hostfile_room.c the reservation.
 */
#ifndef PMT_HOSTFILE_STATE_H
#define PMT_HOSTFILE_STATE_H

#include "hostfile.h"

#define HOSTFILE_WINDOW 65536 /* bytes */

struct hostfile {
	struct tape *owner;
	char name[64];
	int fd;
	const char *protection; /* NULL: can be written */
	uint64_t size;
	bool ragged;	  /* there may be bytes past size */
	bool dirty;	  /* written to since the last sync */
	bool sync_failed; /* until it is closed */
	uint64_t sent;	  /* what is before this is on its way to the disk */

	/* hostfile_room.c */
	uint64_t zone, most; /* see hostfile_expect() */
	uint64_t reserved;
	uint64_t step;	    /* bytes reserved past what is needed, last time */
	uint64_t unsettled; /* bytes that statfs() may not know of */
	bool ahead;	    /* blocks past size may be ours */
	bool tight;	    /* the disk would not give all of the zone */
	bool unsure;	    /* what fallocate() reserves can't be relied on */

	/* hostfile_read.c */
	uint8_t *window; /* HOSTFILE_WINDOW bytes; valid are these: */
	uint64_t window_at;
	size_t window_len;
	size_t span; /* how much the last filling asked for */
};

/* The calls to use. */
extern const struct hostfile_calls *hostfile_sys;

/*
 * A call has failed with ${err}, at an offset of the file: the words, and
 * -ENOSPC if it is for want of space, otherwise -EIO.
 */
int hostfile_fail(struct hostfile *h, int err, uint64_t at, const char *what);

#endif
