/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape: a positioned sequence of objects, each a record or a filemark.
 *
 * This is the one interface between the drive, which knows the rules of st(4),
 * and whatever keeps the data: an image file, a mirror of drives, a program at
 * the slave end.  A tape knows nothing of ioctls, of ENOSPC alternation, of a
 * filemark or rewind on close: those are the drive's, once, for every tape.
 * A tape over a tape (fault, mirror, buffer) is an ordinary tape.
 *
 * Calls go through the functions below, never through the vtable: they check
 * what must hold before and after, and leave one trace line each.
 *
 * Two channels.  A failure is a negative errno as the result.  A condition of
 * the tape (filemark, end of data, early warning ...) is not a failure and
 * comes back in an enum tape_cond.
 *
 * A tape is used by one thread at a time; the caller sees to that.  Any call
 * may block for as long as the medium takes.
 */
#ifndef PMT_TAPE_H
#define PMT_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest record that any tape may hold, in bytes (16 MiB). */
#define TAPE_MAX_RECORD ((uint32_t)16 << 20)

/* The number of partitions that st(4) can address. */
#define TAPE_MAX_PARTITIONS 4

enum tape_cond {
	TAPE_NONE,
	TAPE_FILEMARK,	    /* a filemark was met and crossed */
	TAPE_EOD,	    /* end of recorded data: nothing follows */
	TAPE_BOT,	    /* beginning of the partition */
	TAPE_EARLY_WARNING, /* done, but the end of the medium is near */
	TAPE_EOM,	    /* not done: physical end of the medium */
};

/* What tape_space() counts. */
enum tape_unit {
	TAPE_RECORDS,
	TAPE_FILEMARKS,
	TAPE_TO_EOD, /* count is ignored */
};

/* What tape_set() can change. */
enum tape_param {
	TAPE_COMPRESSION, /* 0 or 1 */
	TAPE_DENSITY,	  /* 8-bit density code */
};

/*
 * Where the tape stands: between object ${object} - 1 and object ${object} of
 * the partition.  When ${known} is false the tape has lost its position; only
 * load, rewind, locate and space to EOD can find it again.
 */
struct tape_pos {
	uint64_t object; /* objects (records and filemarks) before here */
	uint64_t file;	 /* filemarks before here */
	uint32_t partition;
	bool known;
};

struct tape_info {
	uint32_t min_record;  /* smallest record, bytes, at least 1 */
	uint32_t max_record;  /* largest record, bytes */
	uint32_t max_read;    /* largest read, bytes: more than max_record, if
				 the medium may hold what can't be written */
	uint32_t granularity; /* record sizes in fixed mode: multiples, bytes */
	uint32_t partitions;  /* partitions of the medium now, at least 1 */
	uint32_t max_partitions; /* what tape_format() can make; 1: none */
	uint64_t capacity; /* bytes of this partition, 0: no limit known */
	uint64_t used;	   /* bytes of this partition before here */
	uint64_t reserve;  /* bytes that fit between early warning and the end,
			      in addition to what may still be in the drive's
			      buffer; 0: not known */
	uint32_t room; /* largest record, bytes, that tape_write() would take
			  here without TAPE_EOM, as far as can be told */
	bool loaded;   /* a medium is there and ready */
	bool fresh;    /* another medium has come than the one that was loaded
			  last, and waits for tape_load() */
	bool write_protected; /* the medium, not the open mode */
	bool can_compress;
	uint32_t lost;	 /* of the copies that a tape over tapes keeps: so many
			    have failed */
	uint8_t density; /* density code, 0: default */
	char medium[64]; /* id of the medium for people, "" if none */
};

struct tape;

/* Who is told something, line by line and without newlines. */
struct tape_listener {
	void (*line)(void *arg, const char *text);
	void *arg;
};

/*
 * Every member is required; where a tape can't do a thing the member is a
 * function that says so (tape_unsupported_*).  Each keeps ${t->pos} true, on
 * failure too, and explains a failure with tape_fail().
 */
struct tape_ops {
	const char *name; /* the type, as in a spec */
	int (*load)(struct tape *t);
	int (*unload)(struct tape *t);
	void (*describe)(struct tape *t, struct tape_info *ret_info);
	int (*set)(struct tape *t, enum tape_param param, uint32_t value);
	int (*read)(struct tape *t, void *buf, size_t size, size_t *ret_len,
	    enum tape_cond *ret_cond);
	int (*write)(struct tape *t, const void *buf, size_t len,
	    enum tape_cond *ret_cond);
	int (*write_filemarks)(struct tape *t, uint32_t count, bool immediate,
	    uint32_t *ret_done, enum tape_cond *ret_cond);
	int (*space)(struct tape *t, enum tape_unit unit, int64_t count,
	    uint64_t *ret_done, enum tape_cond *ret_cond);
	int (*locate)(struct tape *t, uint32_t partition, uint64_t object,
	    enum tape_cond *ret_cond);
	int (*rewind)(struct tape *t);
	int (*erase)(struct tape *t, bool whole);
	int (*tell)(struct tape *t, struct tape_pos *ret_pos);
	int (*format)(struct tape *t, uint32_t partitions, uint64_t size);
	void (*report)(struct tape *t, const struct tape_listener *listener);
	void (*free)(struct tape *t);
};

/* The base of every tape: the first member of each implementation. */
struct tape {
	const struct tape_ops *ops;
	struct tape_pos pos;
	char why[256]; /* the last failure in words; see tape_why() */
};

/* For implementations: sets up the base; the tape is not loaded. */
void tape_init(struct tape *t, const struct tape_ops *ops);

/*
 * For implementations: notes in words why an operation fails, naming the file,
 * the offset or the argument and the way out.  Returns -${err}, so that a
 * failing path reads "return tape_fail(t, EIO, ...)".
 */
int tape_fail(struct tape *t, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The words of the last failure; "" if the last call did not fail. */
const char *tape_why(const struct tape *t);

/*
 * Makes the medium ready and stands at BOT of partition 0.  On a loaded tape
 * it rewinds.  -ENOMEDIUM: there is no medium; -EBUSY: somebody else has it;
 * -EMEDIUMTYPE: it is not a tape that is known here; -EIO, and what open(2)
 * gives.
 */
int tape_load(struct tape *t);

/*
 * Flushes, and lets the medium go, on failure too: everything written is
 * durable if this returns 0.  Until tape_load(), every call that needs a medium
 * gives -ENOMEDIUM.  Unloading an unloaded tape is 0.
 */
int tape_unload(struct tape *t);

/* Fills in ${ret_info}; works with no medium, and never fails. */
void tape_describe(struct tape *t, struct tape_info *ret_info);

/* -EINVAL: value out of range; -EOPNOTSUPP: this tape can't. */
int tape_set(struct tape *t, enum tape_param param, uint32_t value);

/*
 * Reads the next object.  A record: TAPE_NONE, its full length in ${ret_len},
 * its first min(${size}, length) bytes in ${buf}; the tape stands after it even
 * if it did not fit.  A filemark: TAPE_FILEMARK, length 0, the tape stands
 * after it.  End of data: TAPE_EOD, length 0, the tape stands where it stood.
 * -EIO: the object can't be read; the tape stands before it unless tape_why()
 * says otherwise (${pos} is true in any case).
 */
int tape_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond);

/*
 * Writes one record of ${len} bytes (info.min_record .. info.max_record) here;
 * whatever followed is gone.  0 with TAPE_NONE or TAPE_EARLY_WARNING: the
 * record is on the tape, whole, and the tape stands after it.  Early warning is
 * told by position: on every record that ends past the warning point.  -ENOSPC
 * with TAPE_EOM: the record does not fit; nothing is written; the tape stands
 * before it.  -EROFS: write protected. -EINVAL: ${len} is out of range.  -EIO:
 * not written; the tape stands before it, or its position is not known.
 */
int tape_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond);

/*
 * Writes ${count} filemarks; unless ${immediate}, everything before them and
 * they themselves are durable on return.  ${count} 0 writes nothing and makes
 * everything durable, whatever ${immediate} says.  ${ret_done}: filemarks
 * written, on failure too.  Conditions and failures as for tape_write(); a
 * filemark fits after early warning until TAPE_EOM.
 */
int tape_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond);

/*
 * Spaces over ${count} records or filemarks, backward if negative, or to EOD.
 * Stops early, with result 0 and ${ret_done} (units passed, always positive)
 * less than asked:
 *   TAPE_FILEMARK  spacing records, a filemark was met: the tape stands on its
 *                  far side (after it going forward, before it going backward);
 *   TAPE_EOD       the tape stands at EOD;
 *   TAPE_BOT       the tape stands at BOT.
 * TAPE_TO_EOD gives TAPE_NONE and the filemarks crossed in ${ret_done}.
 */
int tape_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond);

/*
 * Stands before object ${object} of ${partition}.  Beyond EOD: TAPE_EOD, and
 * the tape stands at EOD.  Exactly EOD is TAPE_NONE.  -EINVAL: no such
 * partition, nothing moved.
 */
int tape_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond);

/* Stands at object 0 of the current partition. */
int tape_rewind(struct tape *t);

/*
 * Makes here the end of data; what followed is gone.  ${whole}: as a long erase
 * does, also gives the space back.  The tape stands where it stood.
 */
int tape_erase(struct tape *t, bool whole);

/* The position now.  ${ret_pos} is filled in on failure too. */
int tape_tell(struct tape *t, struct tape_pos *ret_pos);

/*
 * Makes ${partitions} partitions, all blank; the last of them has ${size} bytes
 * (0: the medium decides).  Stands at BOT of partition 0.  -EOPNOTSUPP: this
 * tape can't; -EINVAL: not that many.
 */
int tape_format(struct tape *t, uint32_t partitions, uint64_t size);

/*
 * Tells how the tape is, for people: where it stands, what is wrong with it; a
 * tape over tapes tells of each.  Touches no medium.
 */
void tape_report(struct tape *t, const struct tape_listener *listener);

/* Unloads, ignoring failure, and frees; NULL is fine. */
void tape_free(struct tape *t);

/* For vtables of tapes without partitions and parameters. */
int tape_unsupported_set(struct tape *t, enum tape_param param, uint32_t value);
int tape_unsupported_format(struct tape *t, uint32_t partitions, uint64_t size);

/* For implementations: one line to a listener. */
void tape_tell_line(const struct tape_listener *listener, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* For vtables of tapes of which there is nothing special to tell. */
void tape_plain_report(struct tape *t, const struct tape_listener *listener);

/*
 * For implementations: something that a person has to know though nothing
 * fails, as that one of two copies is no more.
 */
void tape_alarm(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For vtables of tapes that always know where they are: reports t->pos. */
int tape_tell_known(struct tape *t, struct tape_pos *ret_pos);

/* The name of a condition, for traces and messages. */
const char *tape_cond_name(enum tape_cond cond);

/*
 * Calls ${trace} with one line (no newline) after every operation on any tape;
 * NULL stops it.  Set it before the first tape is made.
 */
void tape_set_trace(void (*trace)(const char *line));

/* The same for what tape_alarm() tells; unset, it goes to standard error. */
void tape_set_alarm(void (*alarm)(const char *line));

#endif
