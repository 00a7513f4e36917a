/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading, and reading ahead.
 *
 * A reply of 0 bytes is a filemark or EOD, and an error may be EOD, too: what
 * it was, the status says, or else what a motion does.  A record that is longer
 * than was asked for has been passed by st, with ENOMEM; elsewhere it comes
 * cut, without a word, so there the most is asked for.
 *
 * Ahead are reads of one size, sent while records come one after the other.
 * Whatever is not a record ends that: the rest is taken in, it is worked out
 * where the tape stands, and the object is read once more by itself.
 */
#include <errno.h>
#include <string.h>

#include <linux/mtio.h>

#include "client_state.h"

#define SMALLEST_LIMIT 512 /* bytes; every drive takes such records */
#define USUAL 65536	   /* bytes; asked for while nothing else is known */
#define STREAK 2	   /* records in order, before more are asked for */

/* ---- One object ---------------------------------------------------------- */

/* Data of ${n} bytes: what fits, and the rest to nowhere. */
static int
take_data(struct rmt_client *c, void *buf, size_t size, size_t n)
{
	size_t part = n < size ? n : size;
	int r = rmt_client_data(c, buf, part);

	return r < 0 || part == n ? r : rmt_client_data(c, NULL, n - part);
}

/* The reply to a read of ${asked}: bytes, 0, or -errno. */
static int64_t
take_reply(struct rmt_client *c, uint32_t asked, void *buf, size_t size)
{
	struct rmt_reply reply;
	int r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);

	if (r < 0)
		return r;
	if (reply.kind != RMT_DONE)
		return rmt_client_errno(c, &reply);
	if (reply.value < 0 || reply.value > asked)
		return rmt_client_drop(c, EPROTO,
		    "the server gives more than was asked for");
	r = take_data(c, buf, size, (size_t)reply.value);
	return r < 0 ? r : reply.value;
}

static int64_t
read_asking(struct rmt_client *c, uint32_t asked, void *buf, size_t size)
{
	const struct rmt_request q = { .kind = RMT_READ, .bytes = asked };
	int r = rmt_client_send(c, &q, NULL);

	return r < 0 ? r : take_reply(c, asked, buf, size);
}

/* What to ask for, so that the next record fits in all likelihood. */
static uint32_t
likely(struct rmt_client *c, size_t size)
{
	uint32_t n = size < TAPE_MAX_RECORD ? (uint32_t)size : TAPE_MAX_RECORD;

	if (!c->tells_bits)
		return c->limit; /* else a record might come cut */
	n = n < USUAL ? USUAL : n;
	n = n < c->seen ? c->seen : n;
	return n < c->limit ? n : c->limit;
}

/* The next record, whatever its length; with as much as the drive takes. */
static int64_t
read_record(struct rmt_client *c, void *buf, size_t size)
{
	uint32_t asked = likely(c, size);
	int64_t n;
	int r;

	for (;;) {
		n = read_asking(c, asked, buf, size);
		if ((n == -EINVAL || n == -EOVERFLOW) &&
		    asked > SMALLEST_LIMIT && asked == c->limit) {
			c->limit /= 2; /* more than this drive takes */
			asked = c->limit;
			continue;
		}
		if (n != -ENOMEM || asked == c->limit)
			return n;
		r = rmt_client_op(c, MTBSR, 1); /* it has been passed */
		if (r < 0)
			return r == -ENOLINK ? r : -EIO;
		asked = c->limit;
	}
}

static int
ended(struct rmt_client *c, enum tape_cond *ret_cond)
{
	c->map.ends = true;
	*ret_cond = TAPE_EOD;
	return 0;
}

static int
crossed(struct rmt_client *c, enum tape_cond *ret_cond)
{
	if (c->at == c->map.edge && rmt_map_add(&c->map, true) < 0)
		return rmt_client_fail(c, ENOMEM, "too many filemarks");
	c->at++;
	*ret_cond = TAPE_FILEMARK;
	return 0;
}

/* No bytes: a filemark, or EOD. */
static int
explain_nothing(struct rmt_client *c, enum tape_cond *ret_cond)
{
	int64_t file = (int64_t)rmt_map_files(&c->map, c->at);
	struct rmt_status s;
	int r;

	if (c->at < c->map.edge) {
		if (rmt_map_mark(&c->map, c->at) == c->at)
			return crossed(c, ret_cond);
		return rmt_client_lose(c, "is not what it was");
	}
	if (!c->tells_file) {
		/* The end of a tape is two filemarks, if nobody tells. */
		if (c->at == 0 ||
		    (c->map.n > 0 && c->map.marks[c->map.n - 1] == c->at - 1)) {
			c->at_known = false; /* it may stand behind both */
			return ended(c, ret_cond);
		}
		return crossed(c, ret_cond);
	}
	r = rmt_client_status(c, &s);
	if (r < 0)
		return r == -ENOLINK ? r : rmt_client_lose(c, "has no status");
	if (s.file == file + 1 && !(c->tells_bits && GMT_EOD(s.gstat)))
		return crossed(c, ret_cond);
	if (s.file == file && (!c->tells_bits || GMT_EOD(s.gstat)))
		return ended(c, ret_cond);
	/* st counts no file up at EOD, but does not say so on every drive. */
	if (c->tells_bits && GMT_EOD(s.gstat))
		return ended(c, ret_cond);
	return rmt_client_lose(c, "gave no bytes, and no reason");
}

/*
 * An error: EOD behind a record, for which st has no other word, or a record
 * that can't be read.  To space over it tells.
 */
static int
explain_failure(struct rmt_client *c, enum tape_cond *ret_cond)
{
	struct rmt_status s = { .file = -1 };
	int r = rmt_client_op(c, MTFSR, 1);

	if (r == -ENOLINK)
		return r;
	if (r < 0 && c->at == c->map.edge) {
		int64_t file = (int64_t)rmt_map_files(&c->map, c->at);

		r = rmt_client_status(c, &s);
		if (r == -ENOLINK)
			return r;
		if (r < 0 ||
		    (s.file == file &&
			(!c->tells_bits || GMT_EOD(s.gstat) != 0)))
			return ended(c, ret_cond);
	}
	/* Where it stands now is not sure; from BOT it can be reached. */
	c->at_known = false;
	return rmt_client_fail(c, EIO, "can't be read");
}

int
rmt_client_read_one(struct rmt_client *c, void *buf, size_t size,
    size_t *ret_len, enum tape_cond *ret_cond)
{
	int64_t n;

	*ret_len = 0;
	*ret_cond = TAPE_NONE;
	if (c->map.ends && c->at == c->map.edge) {
		*ret_cond = TAPE_EOD;
		return 0;
	}
	n = read_record(c, buf, size);
	if (n == -ENOLINK)
		return -ENOLINK;
	if (n < 0)
		return explain_failure(c, ret_cond);
	if (n == 0)
		return explain_nothing(c, ret_cond);
	if (c->at == c->map.edge)
		(void)rmt_map_add(&c->map, false); /* takes no memory */
	c->at++;
	c->seen = (uint32_t)n > c->seen ? (uint32_t)n : c->seen;
	*ret_len = (size_t)n;
	return 0;
}

/* ---- Ahead --------------------------------------------------------------- */

/*
 * Takes in what is left of ${c->ahead_n} replies, of which ${passed} has the
 * first ${n}, and works out where the tape stands.
 */
static int
take_in(struct rmt_client *c, bool *passed, size_t n)
{
	bool end, others = false;
	int64_t got;
	int r;

	for (; c->ahead_n > 0; c->ahead_n--) {
		got = take_reply(c, c->ahead_bytes, NULL, 0);
		if (got == -ENOLINK)
			return -ENOLINK;
		passed[n++] = got > 0 || got == -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		others |= !passed[i];
	if (others && c->at + n > c->map.edge) {
		/* st: a read that meets EOD behind a record does not say so. */
		r = rmt_client_op(c, MTFSR, 1);
		if (r == -ENOLINK)
			return -ENOLINK;
		passed[n++] = r == 0;
	}
	return rmt_client_resolve(c, passed, n, &end);
}

int
rmt_client_end_ahead(struct rmt_client *c)
{
	bool passed[RMT_CLIENT_SENT + 1];

	return c->ahead_n == 0 ? 0 : take_in(c, passed, 0);
}

/* Whether the next object to be asked for is known to be no record. */
static bool
ends_ahead(struct rmt_client *c)
{
	uint64_t next = c->at + c->ahead_n;

	if (next < c->map.edge)
		return rmt_map_mark(&c->map, next) == next;
	return c->map.ends && next == c->map.edge;
}

/* Sends as many reads as the window takes. */
static int
fill_ahead(struct rmt_client *c)
{
	const struct rmt_request q = { .kind = RMT_READ,
		.bytes = c->ahead_bytes };
	int r = 0;

	while (r == 0 && c->ahead_n < RMT_CLIENT_SENT &&
	    (uint64_t)(c->ahead_n + 1) * c->ahead_bytes <= c->window &&
	    !ends_ahead(c)) {
		r = rmt_client_send(c, &q, NULL);
		c->ahead_n += r == 0;
	}
	return r;
}

/* The next of what was asked for; 1: that is no record, read it by itself. */
static int
read_ahead(struct rmt_client *c, void *buf, size_t size, size_t *ret_len)
{
	bool passed[RMT_CLIENT_SENT + 1];
	int64_t got = take_reply(c, c->ahead_bytes, buf, size);
	int r;

	if (got == -ENOLINK)
		return -ENOLINK;
	c->ahead_n--;
	if (got > 0) {
		if (c->at == c->map.edge)
			(void)rmt_map_add(&c->map, false); /* no memory */
		c->at++;
		*ret_len = (size_t)got;
		return 0;
	}
	c->streak = 0;
	passed[0] = got == -ENOMEM;
	r = take_in(c, passed, 1);
	if (r == 0)
		r = rmt_client_go(c, c->base.pos.object);
	return r < 0 ? r : 1;
}

static int
read_next(struct rmt_client *c, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	int r = 1;

	*ret_cond = TAPE_NONE;
	if (c->ahead_n > 0)
		r = read_ahead(c, buf, size, ret_len);
	if (r == 1)
		r = rmt_client_read_one(c, buf, size, ret_len, ret_cond);
	if (r < 0 || *ret_cond != TAPE_NONE) {
		c->streak = 0;
		return r;
	}
	if (c->ahead_n == 0)
		c->ahead_bytes = likely(c, *ret_len);
	c->streak++;
	/* Not if nobody could say what was passed. */
	if (c->streak < STREAK || !c->tells_bits || c->window == 0)
		return 0;
	r = fill_ahead(c);
	return r == -ENOLINK ? 0 : r; /* this record is here */
}

int
rmt_client_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond)
{
	struct rmt_client *c = rmt_client_of(t);
	uint64_t object = t->pos.object;
	unsigned losses = 0;
	int r = 0;

	*ret_len = 0;
	if (c->ahead_n == 0 || c->at != object || c->sent_n > 0)
		r = rmt_client_settle(c);
	if (r < 0)
		return r;
	if (!t->pos.known)
		return rmt_client_lose(c, "can't be read");
	object = t->pos.object;
	for (;;) {
		r = rmt_client_go(c, object);
		if (r == 0)
			r = read_next(c, buf, size, ret_len, ret_cond);
		if (r != -ENOLINK)
			break;
		r = rmt_client_again(c, r, &losses);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (*ret_cond != TAPE_EOD)
		object++;
	rmt_client_stand(c, object);
	return 0;
}
