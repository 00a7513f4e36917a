/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the rmt tape, for client*.c alone.
 *
 *     client.c          the tape type: spec, loading, what needs no motion
 *     client_call.c     one request and its reply; the status
 *     client_connect.c  how the server is started, and what it is
 *     client_move.c     where the server's tape stands, and motion
 *     client_read.c     reading, and reading ahead
 *     client_write.c    writing, sending ahead, and the fate of what was sent
 *     client_map.c      where the filemarks are
 *     client_link.c     the program and the bytes
 *
 * Two positions: base.pos is the tape's, as the caller knows it; ${at} is that
 * of the server's tape.  They differ while something is sent ahead, or after a
 * link was lost; rmt_client_settle() makes them one.
 *
 * The results of functions here are 0 or a negative errno; -ENOLINK always says
 * that the link is gone and was put away, and only that.
 */
#ifndef PMT_RMT_CLIENT_STATE_H
#define PMT_RMT_CLIENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client_link.h"
#include "client_map.h"
#include "tape.h"
#include "wire.h"

#define RMT_CLIENT_SENT 2048 /* requests under way, at most */
#define RMT_CLIENT_LOSSES 3  /* of the link, borne in one operation */

/* A record on its way: it is on the tape once the server says so. */
struct rmt_sent {
	const uint8_t *data;
	uint8_t *own; /* the copy that ${data} is, or NULL */
	uint32_t len;
};

struct rmt_client {
	struct tape base;

	/* What the spec says. */
	char *name;   /* "[user@]host:device", for messages */
	char *user;   /* NULL: none given */
	char *host;   /* of ssh, or of what else there is */
	char *device; /* on the host */
	char *rsh;    /* the program that gets there */
	char *rmt;    /* the program there */
	int64_t timeout_ms;
	uint32_t window; /* bytes; 0: strict request and reply */
	const struct rmt_dialect *asked; /* NULL: find out */

	/* The connection. */
	struct rmt_link *link; /* NULL: none */
	const struct rmt_dialect *dialect;
	bool is_st;	 /* what the status tells is told by Linux's st */
	bool tells_file; /* the status gives the file number */
	bool tells_bits; /* ... and what is met */
	int broken; /* how the last link ended: ENOLINK, EPROTO, ETIMEDOUT */
	char broken_why[240];

	/* The tape there. */
	bool loaded;
	const char *protection; /* NULL: can be written */
	uint32_t limit;		/* bytes; the largest record that it takes */
	uint32_t seen;		/* bytes; the largest record read */
	uint8_t density;
	struct rmt_map map;
	uint64_t at;   /* objects before where it stands */
	bool at_known; /* else only BOT is sure */
	bool writing;  /* a filemark is written at the next motion, or close */

	/* What was sent ahead: one of the two at a time. */
	struct rmt_sent sent[RMT_CLIENT_SENT];
	size_t sent_first, sent_n;
	uint64_t sent_bytes;
	uint32_t ahead_n;     /* reads under way */
	uint32_t ahead_bytes; /* that each of them asks for */
	unsigned streak;      /* records read one after the other */

	/* Near the end. */
	bool warned;	      /* the next write may be refused once */
	uint64_t narrow_from; /* from this object on nothing is sent ahead */
};

static inline struct rmt_client *
rmt_client_of(struct tape *t)
{
	return (struct rmt_client *)t;
}

/* ---- client_call.c ---- */

/* How long a reply may take. */
enum rmt_patience {
	RMT_PATIENCE_DATA,
	RMT_PATIENCE_MOTION, /* a rewind takes minutes, an erase hours */
};

/* Puts the link away; it ended for ${reason}. */
int rmt_client_drop(struct rmt_client *c, int reason, const char *why);

int rmt_client_send(struct rmt_client *c, const struct rmt_request *request,
    const void *data);
int rmt_client_reply(struct rmt_client *c, enum rmt_patience patience,
    struct rmt_reply *ret_reply);
/* The data behind a reply; NULL: to nowhere. */
int rmt_client_data(struct rmt_client *c, void *buf, size_t len);
/* Both; 0 says that there is a reply. */
int rmt_client_call(struct rmt_client *c, const struct rmt_request *request,
    struct rmt_reply *ret_reply);
/* An op of MTIOCTOP: -EOPNOTSUPP if it can't be said; else the server's. */
int rmt_client_op(struct rmt_client *c, int mt_op, int32_t count);

/* The status: in two halves, so that it can follow something else. */
int rmt_client_ask_status(struct rmt_client *c);
/* -EOPNOTSUPP: there is none that can be trusted. */
int rmt_client_get_status(struct rmt_client *c, struct rmt_status *ret_status);
int rmt_client_status(struct rmt_client *c, struct rmt_status *ret_status);

/* The errno of an error; -EIO if it would be mistaken for ours. */
int rmt_client_errno(struct rmt_client *c, const struct rmt_reply *reply);

int rmt_client_fail(struct rmt_client *c, int err, const char *what);
int rmt_client_lose(struct rmt_client *c, const char *what);

/* ---- client_connect.c ---- */

/* Starts the server and opens the device there; the words are set. */
int rmt_client_connect(struct rmt_client *c);

/* The same again, after a loss; stands at BOT. */
int rmt_client_reconnect(struct rmt_client *c);

/* ---- client_move.c ---- */

/* Ready for an operation: loaded and connected. */
int rmt_client_ready(struct rmt_client *c);
/* Nothing under way, and the server's tape stands where ours does. */
int rmt_client_settle(struct rmt_client *c);
/*
 * The link was lost after a write: the server has written a filemark when it
 * ended, at the edge.  It goes, where a drive can be told so, or it is on the
 * tape.
 */
int rmt_client_clear_leftover(struct rmt_client *c);
/* After a result of -ENOLINK: 0, if the operation may go on where it was. */
int rmt_client_again(struct rmt_client *c, int r, unsigned *losses);

void rmt_client_stand(struct rmt_client *c, uint64_t object);
/* To an object that is known, or the edge. */
int rmt_client_go(struct rmt_client *c, uint64_t object);
int rmt_client_to_bot(struct rmt_client *c);
/* What a filemark of its own would be written after is no more so. */
int rmt_client_idle(struct rmt_client *c);
/*
 * ${n} objects have been asked for from ${c->at} on; ${passed} says which of
 * them were records.  Works out where the tape stands, and notes what it met.
 * ${ret_end}: it is at EOD.
 */
int rmt_client_resolve(struct rmt_client *c, const bool *passed, size_t n,
    bool *ret_end);

int rmt_client_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond);
int rmt_client_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond);
int rmt_client_rewind(struct tape *t);

/* ---- client_read.c ---- */

/*
 * Reads the object where the server's tape stands, which may be the edge:
 * TAPE_NONE, TAPE_FILEMARK, TAPE_EOD.  Advances ${c->at} and the map only.
 */
int rmt_client_read_one(struct rmt_client *c, void *buf, size_t size,
    size_t *ret_len, enum tape_cond *ret_cond);
int rmt_client_end_ahead(struct rmt_client *c);
int rmt_client_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond);

/* ---- client_write.c ---- */

/* Everything sent is on the tape, or it fails, and says what is not. */
int rmt_client_flush(struct rmt_client *c, enum tape_cond *ret_cond);
void rmt_client_forget(struct rmt_client *c);
int rmt_client_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond);
int rmt_client_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond);

#endif
