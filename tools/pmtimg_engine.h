/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine of copy and convert: reads the volumes of one tape, object by
 * object, and writes them to one tape or, if it may span, to as many as it
 * takes.  It has memory for one record.
 *
 * What a tape can't take, or what can't be read, ends the copy; or, if it may
 * lose, is left out and told, a line each on standard output.
 */
#ifndef PMT_PMTIMG_ENGINE_H
#define PMT_PMTIMG_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "pmtimg.h"
#include "pmtimg_chain.h"
#include "pmtimg_extent.h"

/* Of one copy; a library has fewer slots. */
#define PMTIMG_MAX_VOLUMES 256

/* What was lost, in numbers. */
struct pmtimg_loss {
	uint64_t too_large, too_small; /* records left out */
	uint64_t refused;	       /* records the format can't hold */
	uint64_t bad;		       /* records whose mark was dropped */
	uint64_t empty;		       /* bad ones without data, left out */
	uint64_t damaged;	       /* places */
};

/* What has gone to one volume. */
struct pmtimg_volume {
	uint64_t records, bytes, filemarks; /* of the source */
	bool any, last_is_mark;
	bool stale;  /* holds other data until something is written */
	bool full;   /* early warning was met */
	bool closed; /* with a filemark that is not the source's */
};

struct pmtimg_engine {
	const struct pmtimg_settings *s;
	struct pmtimg_chain from;
	bool spans;   /* may go on to another volume */
	bool loses;   /* may leave out what can't be copied */
	bool resumes; /* goes on with a copy that was begun, of which */
	struct pmtimg_extent kept; /* ... so much was there */
	char *const *names;	   /* of volumes to write */
	unsigned n_names, i;
	char *asked;	       /* the name that the user was asked for */
	struct pmtimg_tape to; /* the volume that is written */
	struct tape_info info; /* of it */
	struct pmtimg_volume volume;
	bool carry; /* a filemark is to go to the next volume first */
	char *written[PMTIMG_MAX_VOLUMES]; /* names of the volumes so far */
	unsigned n_written;
	uint64_t records, bytes, filemarks;
	struct pmtimg_loss loss;
	struct progress progress;
};

/*
 * Opens the next volume to write, which must be blank or, with --overwrite,
 * becomes so.  0, or the exit status after a message.
 */
int pmtimg_engine_open(struct pmtimg_engine *e, const char *name);

/* The same for a volume that may hold anything, which is left as it is. */
int pmtimg_engine_attach(struct pmtimg_engine *e, const char *name);

/* What is known of ${to} once it is open; also after a partition was chosen. */
void pmtimg_engine_measure(struct pmtimg_engine *e);

/*
 * Copies from where the chain stands to its end.  0; 128 and the number of the
 * signal that stopped it, or the exit status, after a message.  What has been
 * copied is whole records.
 */
int pmtimg_engine_run(struct pmtimg_engine *e);

/*
 * Makes the volume that is written durable and closes it; 0, or the exit status
 * after a message.  If there is more than one it tells what went to it.
 */
int pmtimg_engine_close(struct pmtimg_engine *e);

/* Frees what the engine has noted; the chain stays the caller's. */
void pmtimg_engine_free(struct pmtimg_engine *e);

/* All of the source that is on the volume, with what was kept. */
struct pmtimg_extent pmtimg_engine_extent(const struct pmtimg_engine *e);

/* "3 records too large, ..." on standard output, if there was any loss. */
void pmtimg_engine_tell_loss(const struct pmtimg_engine *e);

/* Whether a tape holds nothing, in any partition; leaves it at BOT. */
bool pmtimg_engine_blank(struct pmtimg_tape *t);

#endif
