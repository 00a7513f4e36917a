/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Be the tape: the slave end of a pseudo-tape.
 *
 * pmtd(8) with a pair: tape is a drive whose tape is another program.  This
 * header is that program's side: the protocol's numbers, as in pmt-pair(7), and
 * the functions of libpmt that speak it.
 *
 *     struct pmt_pair *pair;
 *     struct pmt_request request;
 *     struct pmt_reply reply;
 *
 *     r = pmt_pair_open("/dev/pmts", &pair);
 *     while ((r = pmt_pair_next(pair, &request)) == 0) {
 *             reply = pmt_reply_to(&request);
 *             ... do what request.op says, and fill in reply ...
 *             r = pmt_pair_answer(pair, &reply);
 *     }
 *     pmt_pair_close(pair);
 *
 * A request is answered before the next one comes.  Results are 0 or negative
 * errnos, which pmt_pair_why() has words for.  A pair is used by one thread at
 * a time.  See pmt-pair(7), libpmt(3).
 */
#ifndef PMT_PAIR_H
#define PMT_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the protocol that this header describes. */
#define PMT_PAIR_VERSION 1u

/* Every message begins with so many bytes; data, if any, follow them. */
#define PMT_PAIR_HEADER 64u
/* The largest record, and the largest message, bytes. */
#define PMT_PAIR_MAX_RECORD ((uint32_t)16 << 20)
#define PMT_PAIR_MAX_MESSAGE (PMT_PAIR_HEADER + PMT_PAIR_MAX_RECORD)
/* The data of an answer to PMT_DESCRIBE as bytes, and the longest words. */
#define PMT_PAIR_INFO 128u
#define PMT_PAIR_MAX_WORDS 255u
/* The largest error of a reply. */
#define PMT_PAIR_MAX_ERRNO 511u

/* What is asked of the tape; the numbers are the protocol's. */
enum pmt_op {
	PMT_HELLO = 1,	   /* speak a version of count .. unit (lowest) */
	PMT_LOAD = 2,	   /* make the medium ready, stand at BOT */
	PMT_UNLOAD = 3,	   /* make all durable, let the medium go */
	PMT_DESCRIBE = 4,  /* tell what the medium is: struct pmt_info */
	PMT_READ = 5,	   /* the next object; count: bytes wanted */
	PMT_WRITE = 6,	   /* one record, of data */
	PMT_FILEMARKS = 7, /* write count; none: make all durable */
	PMT_SPACE = 8,	   /* over count of unit; backward if negative */
	PMT_LOCATE = 9,	   /* before object count of partition unit */
	PMT_REWIND = 10,   /* before object 0 of this partition */
	PMT_ERASE = 11,	   /* here is the end of data */
	PMT_SET = 12,	   /* parameter unit to value count */
	PMT_FORMAT = 13,   /* unit partitions, the last of count bytes */
	PMT_OPS = 14,	   /* how many numbers there are, 0 among them */
};

/* request.flags */
/* HELLO: memory comes along, to be shared; WRITE: the record is in it; READ: it
   may be.  libpmt sees to that. */
#define PMT_SHARED 2u
#define PMT_IMMEDIATE 1u /* PMT_FILEMARKS: they need not be durable yet */
#define PMT_WHOLE 1u	 /* PMT_ERASE: a long one, give space back */

/* request.unit of PMT_SPACE */
enum pmt_unit { PMT_RECORDS = 0, PMT_MARKS = 1, PMT_TO_EOD = 2 };

/* request.unit of PMT_SET */
enum pmt_param { PMT_COMPRESSION = 0, PMT_DENSITY = 1 };

/* What was met.  Not an error: that is reply.error. */
enum pmt_cond {
	PMT_NONE = 0,
	PMT_FILEMARK = 1,
	PMT_EOD = 2,
	PMT_BOT = 3,
	PMT_EARLY_WARNING = 4, /* done, but the end of the medium is near */
	PMT_EOM = 5,	       /* with error ENOSPC: not done, no room */
};

/* Between object number ${object} - 1 and ${object} of the partition. */
struct pmt_position {
	uint64_t object; /* records and filemarks before here */
	uint64_t file;	 /* filemarks before here */
	uint32_t partition;
	bool known; /* false: lost; load, rewind and locate find it again */
};

struct pmt_request {
	enum pmt_op op;
	unsigned flags;
	uint64_t id;		/* the reply carries it too */
	struct pmt_position at; /* where the last reply said the tape stands */
	uint32_t unit;
	uint64_t count;	  /* of PMT_SPACE an int64_t */
	const void *data; /* the record of PMT_WRITE, else NULL; until the
			     next call with the same pair */
	size_t len;	  /* its bytes */
};

struct pmt_info;

struct pmt_reply {
	enum pmt_op op; /* as in the request */
	uint64_t id;	/* likewise */
	int error;	/* 0, or an errno of Linux, positive */
	enum pmt_cond cond;
	/*
	 * READ: bytes of the whole record, however many fit; FILEMARKS: how
	 * many are written; SPACE: how many were passed; HELLO: the version.
	 */
	uint64_t done;
	struct pmt_position at; /* where the tape stands now, on error too */
	uint64_t used;		/* bytes of the partition before here */
	uint32_t room;		/* the largest record, bytes, that would
				   fit here; PMT_PAIR_MAX_RECORD: any */
	const void *data; /* READ: the record, of which no more is sent than
			     was asked for; with an error: its words */
	size_t len;
	bool shared; /* the data are in the memory; libpmt sees to that */
	const struct pmt_info *info; /* DESCRIBE: what the medium is */
};

/* What the medium is.  All sizes are bytes. */
struct pmt_info {
	uint32_t min_record;	 /* at least 1 */
	uint32_t max_record;	 /* at most PMT_PAIR_MAX_RECORD */
	uint32_t max_read;	 /* 0: as max_record */
	uint32_t granularity;	 /* of records in fixed mode, at least 1 */
	uint32_t partitions;	 /* 1 .. 4 */
	uint32_t max_partitions; /* that PMT_FORMAT can make; 1: none */
	uint64_t capacity;	 /* of this partition; 0: no limit known */
	bool write_protected;
	bool can_compress;
	uint8_t density;
	char medium[64]; /* id for people, zero at the end; "": none */
};

/* ---- The pair ------------------------------------------------------------ */

struct pmt_pair;

/*
 * Takes the slave end at ${path}: a node (/dev/pmts) or pmtd's Unix socket.
 * Waits until pmtd lets it in.  -EBUSY: another program is the tape; -ENOENT,
 * -EACCES ... as open(2) and connect(2); -ETIMEDOUT: nobody at the socket has
 * said a word in 30 s.  PMT_HELLO is answered by
 * pmt_pair_next() and never seen: pmtd wants that answer within seconds.
 */
int pmt_pair_open(const char *path, struct pmt_pair **ret_pair);

/*
 * The descriptor, for poll(2): readable when pmt_pair_next() has something to
 * read.  It stays the pair's.
 */
int pmt_pair_fd(const struct pmt_pair *pair);

/*
 * Waits for the next request.  -EPIPE: the drive has ended, or has thrown us
 * out; -EINTR: a signal came, call again; -EAGAIN: likewise, if the descriptor
 * was made not to block; -EPROTO: the other side does not speak the protocol;
 * -EBUSY: the last request is not answered yet.
 */
int pmt_pair_next(struct pmt_pair *pair, struct pmt_request *ret_request);

/*
 * Where a record that is read best goes: as many bytes as PMT_READ asks for,
 * the pair's, from which it is sent without a copy; at a socket pmtd sees them
 * there.  Between a request other than PMT_WRITE, whose record is there, and
 * its answer.
 */
void *pmt_pair_room(struct pmt_pair *pair);

/*
 * A reply to ${request} that says it was done, all of it, with the tape still
 * at the request's position, which most operations have to change.
 */
struct pmt_reply pmt_reply_to(const struct pmt_request *request);

/*
 * Makes of ${reply} one that says it failed with ${error}, an errno, for the
 * reason in ${words}, which have to live until it is sent.
 */
void pmt_reply_fail(struct pmt_reply *reply, int error, const char *words);

/*
 * One object over, forward (${way} 1) or back (-1).  PMT_NONE: it was a record;
 * PMT_FILEMARK: it was one; PMT_EOD, PMT_BOT: there is none that way; or a
 * negative errno.  With the last three the tape stands where it stood.
 */
typedef int (*pmt_step)(void *arg, int way);

/*
 * Answers ${request} for a plain tape: one partition, records of any length,
 * and no more known of it than how to step over an object.  ${reply}, as of
 * pmt_reply_to(), tells then where the tape stands, what was met, how much was
 * done, or that a step has failed.
 *   PMT_LOAD, PMT_REWIND   steps to BOT
 *   PMT_SPACE, PMT_LOCATE  all of them; from a lost position by way of BOT
 *   PMT_READ               over one object; of a record (PMT_NONE, no error)
 *                          data, len and done are left to the caller
 *   PMT_WRITE,             over what the caller has put there before; if that
 *   PMT_FILEMARKS          is less than was asked for, the medium is full:
 *                          ENOSPC and PMT_EOM
 *   PMT_DESCRIBE           that it is such a tape
 *   PMT_UNLOAD             done, if the caller has made all durable before
 *   others                 EOPNOTSUPP
 */
void pmt_reply_walk(struct pmt_reply *reply, const struct pmt_request *request,
    pmt_step step, void *arg);

/*
 * Answers the request that pmt_pair_next() gave.  Waits until the answer is on
 * its way, whole.  -EPIPE as there; -EINVAL: there is nothing to answer, or
 * pmtd would throw us out for such an answer: nothing was sent, give another.
 */
int pmt_pair_answer(struct pmt_pair *pair, const struct pmt_reply *reply);

/*
 * Hands the pair over to another process, which calls pmt_pair_take(), through
 * the connected Unix socket ${via}: between two requests, so that nobody on the
 * master end notices.  Up to 4096 bytes of ${state} go along, for the
 * successor.  On success the pair is to be closed; unless the successor has
 * died before it took a request: then it may be used on.  -EBUSY: a request is
 * not answered yet, or half read; -EMSGSIZE: too much state.
 */
int pmt_pair_give(struct pmt_pair *pair, int via, const void *state,
    size_t len);

/*
 * Takes over the pair that another process gives.  ${len}: room in ${state},
 * then bytes that came.  -EPIPE: it gave none; -EPROTO: that was no pair;
 * -EMSGSIZE: the state is too large for ${len}.
 */
int pmt_pair_take(int via, struct pmt_pair **ret_pair, void *state,
    size_t *len);

/* Lets the slave end go: for the drive, the tape has vanished.  NULL is fine.
 */
void pmt_pair_close(struct pmt_pair *pair);

/*
 * Why the last call with ${pair} failed, in words; "" if it did not.  Until the
 * next call.
 */
const char *pmt_pair_why(const struct pmt_pair *pair);

/*
 * The loop: answers with what ${handlers}[op] returns until the drive ends (0)
 * or something fails, or a signal comes (-EINTR).  A handler gets a reply as of
 * pmt_reply_to() to change.  ${handlers}[0] is for every op that has none of
 * its own; if there is none either, the answer is EOPNOTSUPP.
 */
typedef void (*pmt_handler)(void *arg, const struct pmt_request *request,
    struct pmt_reply *reply);
int pmt_pair_serve(struct pmt_pair *pair, const pmt_handler handlers[PMT_OPS],
    void *arg);

#ifdef __cplusplus
}
#endif

#endif
