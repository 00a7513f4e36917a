/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One log of the native format: a host file with two superblocks and objects
 * behind them.  A partition is one of these.  The design is in native.c.
 *
 * native_log.c owns opening, recovery and walking; native_append.c all writing;
 * native_index.c the index; native_search.c what looks for headers.  Offsets
 * are those of the host file.
 */
#ifndef PMT_NATIVE_LOG_H
#define PMT_NATIVE_LOG_H

#include "image.h"
#include "native_codec.h"
#include "native_disk.h"

#define NATIVE_SAMPLES 64 /* at most, in one index object */

struct native_log {
	struct image *image; /* for messages */
	struct hostfile *host;
	struct native_codec *codec;
	struct native_super super; /* what holds */
	uint32_t seed;
	uint64_t most; /* the file is not to grow past this; 0: no end */

	/* Where data ends, and what lies there if recovery was stopped. */
	struct native_place end;
	uint64_t tail;	 /* end of the last object that is counted */
	bool broken;	 /* damage, at the end */
	char damage[96]; /* what it is, in words */

	/* Behind the object that was passed last: the next has to follow. */
	struct native_place cursor;

	/* native_append.c */
	uint64_t wseq;	   /* the greatest used, also by what failed */
	unsigned slot;	   /* where super lies */
	uint64_t sequence; /* the greatest used, also by writes that failed */
	uint32_t epoch;	   /* the same */
	bool begun;	   /* this session has an epoch */
	bool doubtful;	   /* the other slot may say what does not hold */
	bool dirty;	   /* there are objects that no sync has covered */
	bool synced;	   /* all that precedes the next object is durable */

	/* native_index.c */
	struct native_point samples[NATIVE_SAMPLES]; /* to be written */
	unsigned n_samples;
	struct native_point sampled; /* the last sample, written or not */
	struct native_point index;   /* the last index object; offset 0: none */
	uint64_t indexes;	     /* how many there are */
};

/* Notes damage at ${at} in words; returns -EBADMSG. */
int native_log_damaged(const struct native_log *log, uint64_t at,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Opens the log in ${log->host}, of which image, host and codec are set.
 * ${generation}: the one it must be of, or NULL.  -EMEDIUMTYPE: not one.
 */
int native_log_open(struct native_log *log, const uint8_t *generation);

/* Makes a log: ${log->super} says what it is to be. */
int native_log_make(struct native_log *log);

/* Knows the log as blank, with ${log->super} as it is. */
void native_log_blank(struct native_log *log);

/*
 * Reads the superblocks.  -EMEDIUMTYPE: there is no valid one of that
 * generation; ${ret_blank}: because the file has not become an image yet, and
 * then there are no words.
 */
int native_log_read_super(struct native_log *log, const uint8_t *generation,
    bool *ret_blank);

/* As the members of struct image_format. */
int native_log_next(struct native_log *log, uint64_t at,
    struct image_object *ret_object);
int native_log_prev(struct native_log *log, uint64_t at,
    struct image_object *ret_object);
int native_log_read(struct native_log *log, const struct image_object *object,
    void *buf, size_t size, size_t *ret_len);
int native_log_resync(struct native_log *log, uint64_t at, uint64_t *ret_at);

/* As native_flaws(). */
int native_log_flaws(struct native_log *log,
    void (*tell)(void *context, uint64_t at, const char *what), void *context);

/*
 * The header at ${at}.  -EBADMSG: there is none that is valid, or it does not
 * fit into the file; nothing is explained.  -EIO.
 */
int native_log_head(struct native_log *log, uint64_t at,
    struct native_head *ret_head);

/* The place at ${at}, where an object begins or data ends. */
int native_log_place(struct native_log *log, uint64_t at,
    struct native_place *ret_place);

/* ---- native_search.c ---- */

/*
 * The next valid header at or after ${at}, of ${most} bytes looked at.
 * -ENODATA: none; ${ret_all}: and that is all of the file.  -EIO, -ENOMEM.
 */
int native_search(struct native_log *log, uint64_t at, uint64_t most,
    uint64_t *ret_at, struct native_head *ret_head, bool *ret_all);

/*
 * What recovery has met at ${place}, where no valid object is: 0 if a crash can
 * have left that, so data ends there; -EBADMSG, explained in ${log->damage}, if
 * only damage can; -EIO, -ENOMEM.
 */
int native_search_verdict(struct native_log *log,
    const struct native_place *place);

/*
 * Whether at ${place}, where no valid header is, there was an index object: the
 * object behind it begins at ${ret_at}.  -ENODATA: no.
 */
int native_search_index(struct native_log *log,
    const struct native_place *place, uint64_t *ret_at);

/* Whether the payload has its CRC: 0, -EBADMSG, -EIO, -ENOMEM. */
int native_search_payload(struct native_log *log, uint64_t at,
    const struct native_head *head);

/* ---- native_append.c ---- */

/* As the members of struct image_format. */
uint64_t native_append_cost(const struct native_log *log, size_t len);
int native_append_cut(struct native_log *log, uint64_t at);
int native_append_record(struct native_log *log, const void *buf, size_t len,
    uint64_t *ret_end);
int native_append_filemark(struct native_log *log, uint64_t *ret_end);
int native_append_sync(struct native_log *log);

/*
 * Puts ${super} in the place of the one that holds, durably; its epoch is the
 * next one that was not used.  On failure the old one holds.
 */
int native_append_commit(struct native_log *log,
    const struct native_super *super);

/* After a commit that has made the log blank: makes it so. */
void native_append_blank(struct native_log *log);

/* What is to be done before the host file is closed. */
int native_append_finish(struct native_log *log);

/*
 * Writes ${super} where it does not overwrite the one that holds; then it is
 * the one that holds.  On failure it may be there or not.
 */
int native_append_super(struct native_log *log,
    const struct native_super *super);

/* ---- native_index.c ---- */

/* Forgets all; ${log->super} and ${log->end} are known. */
void native_index_begin(struct native_log *log);

/* An object stands at ${place} now: may take a sample. */
void native_index_note(struct native_log *log,
    const struct native_place *place);

/* An index object stands at ${place} now: it was written, or met. */
void native_index_passed(struct native_log *log,
    const struct native_place *place);

/* Data is going to end at ${place}. */
void native_index_cut(struct native_log *log, const struct native_place *place);

/* Bytes of payload of an index object with what there is to be put into it. */
uint32_t native_index_size(const struct native_log *log);

/* The same if one is due; 0: none is. */
uint32_t native_index_due(const struct native_log *log);

/* Whether there is enough for one that is not due, at the end of a session. */
bool native_index_worth(const struct native_log *log);

/* That payload: native_index_size() bytes. */
void native_index_fill(struct native_log *log, uint8_t *bytes);

/* As image_find(), by offset as well. */
bool native_index_up_to(struct native_log *log, const struct native_point *most,
    struct native_point *ret_point);
bool native_index_from(struct native_log *log, const struct native_point *least,
    struct native_point *ret_point);

/* For tests: a sample every so many bytes or objects; 0: as it was. */
void native_index_tune(uint64_t bytes, uint64_t objects, unsigned samples);

#endif
