/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The remote magtape protocol as bytes, both directions; no I/O, no state but
 * what the caller holds, no allocation.
 *
 * A request is a letter and lines of ASCII; a reply is "A<number>\n", or
 * "E<errno>\n<text>\n".  There is no framing beyond that, so a byte that does
 * not fit is the end of the connection: -EPROTO.
 *
 *     request               reply          followed by
 *     O<device>\n<flags>\n  A<n>           n says nothing
 *     C<ignored>\n          A0             GNU's server then exits
 *     R<bytes>\n            A<n>           n bytes; 0 is a filemark, or EOD
 *     W<bytes>\n<bytes>     A<n>           0 is early warning
 *     L<a>\n<b>\n           A<position>    which is whence: see below
 *     I<op>\n<count>\n      A<n>           n says nothing
 *     i<op>\n<count>\n      A<n>           version 1 only
 *     S, or S\n             A<n>           n bytes of the server's mtget
 *     s<field>              A<value>       version 1 only, no newline
 *     V\n, v\n              A<version>     dump's, Schily's
 *
 * The dialects differ in more than words; a struct rmt_dialect says how.
 */
#ifndef PMT_RMT_WIRE_H
#define PMT_RMT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tape.h"

#define RMT_DEVICE_MAX 1023 /* bytes of a device name */
#define RMT_FLAGS_MAX 255   /* bytes of the line with the open flags */
#define RMT_NUMBER_MAX 24   /* bytes of a line with a number */
#define RMT_TEXT_MAX 127    /* bytes of an error's text that are kept */
#define RMT_TEXT_LIMIT 1023 /* bytes of an error's text that are borne */

/* No request (without the data of W) nor reply (without data) is longer. */
#define RMT_REQUEST_MAX (RMT_DEVICE_MAX + RMT_FLAGS_MAX + 8)
#define RMT_REPLY_MAX (RMT_TEXT_LIMIT + RMT_NUMBER_MAX + 8)

/* ---- Dialects ------------------------------------------------------------ */

/* Whose numbers the ops have that are not 1 to 4 (FSF, BSF, FSR, BSR). */
enum rmt_numbers {
	RMT_NUMBERS_UNKNOWN,
	RMT_NUMBERS_LINUX, /* the host's own, and that is Linux */
	RMT_NUMBERS_BSD, /* the host's own, as all BSD and Solaris have them */
	RMT_NUMBERS_V1,	 /* what version 1 has agreed on */
};

struct rmt_dialect {
	const char *name;
	enum rmt_numbers numbers;
	bool negotiates;   /* version 1 is agreed on, before open */
	bool whence_first; /* in L */
	bool status_line;  /* S ends in a newline; else it must not */
	bool close_exits;  /* the server ends after C */
	bool long_names;   /* else a device name has 63 bytes at most */
	bool linux_status; /* S gives the mtget of 64-bit Linux, if it looks so
			    */
	bool field_status; /* s<field> is there */
};

enum rmt_dialect_id {
	RMT_DIALECT_GNU,     /* GNU rmt 1.23 and later, on Linux: rmt-tar */
	RMT_DIALECT_DUMP,    /* dump 0.4b47: rmt-dump */
	RMT_DIALECT_OLDDUMP, /* dump's of 2002: version 1, but Linux's numbers
			      */
	RMT_DIALECT_SCHILY,  /* Schily's rmt */
	RMT_DIALECT_SUN,     /* Solaris and its heirs */
	RMT_DIALECT_BSD,     /* 4.x BSD and its heirs, on BSD */
	RMT_DIALECT_LINUX,   /* the same program on Linux */
	RMT_DIALECT_PLAIN,   /* the same on who knows what */
	RMT_DIALECTS,
};

extern const struct rmt_dialect rmt_dialects[RMT_DIALECTS];

/* The dialect of that name, or NULL. */
const struct rmt_dialect *rmt_dialect_named(const char *name);

/* ---- Requests ------------------------------------------------------------ */

enum rmt_request_kind {
	RMT_EMPTY, /* a newline: the end of an "S\n", to be ignored */
	RMT_OPEN,
	RMT_CLOSE,
	RMT_READ,
	RMT_WRITE, /* ${bytes} bytes follow */
	RMT_SEEK,
	RMT_OP,	   /* I: ${op} is as on the wire */
	RMT_OP_V1, /* i */
	RMT_STATUS,
	RMT_FIELD,	 /* s<field> */
	RMT_VERSION,	 /* V, as dump has it */
	RMT_VERSION_OLD, /* v, as Schily has it */
};

/* The op and count that ask for version 1: "I-1\n0\n". */
#define RMT_OP_NEGOTIATE (-1)

struct rmt_request {
	enum rmt_request_kind kind;
	uint32_t bytes; /* READ, WRITE */
	int64_t op;	/* OP, OP_V1 */
	int64_t count;	/* OP, OP_V1 */
	int64_t offset; /* SEEK */
	int whence;	/* SEEK: 0 to 2 */
	char field;	/* FIELD: one of T D E R F B f b */
	int flags;	/* OPEN: O_RDONLY, O_WRONLY or O_RDWR, and of O_CREAT,
			   O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK, O_SYNC what was
			   named, in the numbers of this machine */
	bool bad_flag;	/* OPEN: a flag was named that is not known here */
	char device[RMT_DEVICE_MAX + 1]; /* OPEN */
};

/*
 * Decodes the request at the start of ${buf}.  Returns its length in bytes,
 * without the data of a W; 0: it goes on beyond ${len}; -EPROTO: it is none, or
 * something in it is too long or out of range.
 *
 * A READ of more than TAPE_MAX_RECORD bytes is one of TAPE_MAX_RECORD; a WRITE
 * of more is -EPROTO.  Numeric open flags count for the access mode only, and
 * not if that is named, too.  In L, what can be the whence is it; if both can,
 * the second.  A 0 byte or a control character in a name is -EPROTO.
 */
ssize_t rmt_wire_decode_request(const void *buf, size_t len,
    struct rmt_request *ret_request);

/*
 * Encodes a request, without the data of a W.  Returns its length; -EINVAL: the
 * dialect can't say that (or a name holds a newline, or is too long);
 * -ENOBUFS: ${size} is too small, which RMT_REQUEST_MAX is not.
 */
ssize_t rmt_wire_encode_request(const struct rmt_dialect *dialect,
    const struct rmt_request *request, void *buf, size_t size);

/*
 * The request that does what ${mt_op} of Linux's MTIOCTOP does.  -EINVAL: the
 * dialect guarantees no number for it.
 */
int rmt_wire_map_op(const struct rmt_dialect *dialect, int mt_op, int32_t count,
    struct rmt_request *ret_request);

/*
 * For servers: the op of Linux's MTIOCTOP that an OP or OP_V1 means, where
 * ${v1} says whether version 1 was agreed on; without it the numbers are those
 * of Linux.  -EINVAL: none.
 */
int rmt_wire_unmap_op(const struct rmt_request *request, bool v1,
    int *ret_mt_op);

/* ---- Replies ------------------------------------------------------------- */

enum rmt_reply_kind {
	RMT_DONE,  /* A */
	RMT_ERROR, /* E */
	RMT_FATAL, /* F: and the device is closed */
};

struct rmt_reply {
	enum rmt_reply_kind kind;
	int64_t value; /* DONE: the number; else the server's errno */
	char text[RMT_TEXT_MAX + 1]; /* printable ASCII; "" if DONE */
};

/*
 * Decodes the reply at the start of ${buf}.  Returns its length in bytes,
 * without data; 0: it goes on beyond ${len}; -EPROTO: it is none.  What of an
 * error's text is not printable ASCII becomes "?".
 */
ssize_t rmt_wire_decode_reply(const void *buf, size_t len,
    struct rmt_reply *ret_reply);

/* Returns the length; -ENOBUFS: RMT_REPLY_MAX bytes are always enough. */
ssize_t rmt_wire_encode_reply(const struct rmt_reply *reply, void *buf,
    size_t size);

/* For servers: the error reply for an errno of this machine. */
void rmt_wire_error(int err, struct rmt_reply *ret_reply);

/*
 * The errno of this machine that an error reply means; EIO if that can't be
 * told.  Numbers up to 34 mean the same everywhere, those beyond only if the
 * server runs Linux; then the text decides.
 */
int rmt_wire_errno(const struct rmt_dialect *dialect,
    const struct rmt_reply *reply);

/* ---- Status -------------------------------------------------------------- */

#define RMT_MTGET_BYTES 48 /* struct mtget of 64-bit little-endian Linux */

/* What a server tells of its drive; the words are those of Linux's mtget. */
struct rmt_status {
	int64_t type;
	int64_t resid;
	int64_t dsreg;
	int64_t gstat;
	int64_t erreg;
	int32_t file;  /* -1: not known */
	int32_t block; /* in the file; -1: not known */
};

/*
 * Takes the data of an S apart.  -EPROTO: that is not a status of a SCSI tape
 * of 64-bit little-endian Linux: not only the length has to be right, but also
 * the type, and the bits that may be set.
 */
int rmt_wire_decode_mtget(const void *buf, size_t len,
    struct rmt_status *ret_status);

/* For servers: RMT_MTGET_BYTES bytes. */
void rmt_wire_encode_mtget(const struct rmt_status *status, void *buf);

#endif
