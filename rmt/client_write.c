/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing, sending ahead, and the fate of what was sent.
 *
 * Records on their way are a queue, the oldest first; the edge of the map is
 * the object that the oldest is to be.  Strictly, the queue is the one record
 * of the caller; with a window it holds copies, so that they can be sent again.
 *
 *     answered in order     each reply takes the oldest from the queue
 *     anything else         nothing more is sent; all replies are taken in;
 *                           find_out() compares the tape with the queue, from
 *                           the oldest on, and what is there leaves it; the
 *                           rest is written strictly, one by one
 *     the link is lost      the same, after the server was started again
 *
 * The tape is asked from BOT on, in filemarks and records, since neither the
 * count of replies nor the status is exact where it matters: a drive may refuse
 * a record at early warning and have written it.
 *
 * Early warning shows in the status behind a strictly written record.  Then st
 * refuses the next one without sending it, once: that is sent again at once.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <linux/mtio.h>

#include "client_state.h"

/* ---- The queue ----------------------------------------------------------- */

static struct rmt_sent *
nth(struct rmt_client *c, size_t i)
{
	return &c->sent[(c->sent_first + i) % RMT_CLIENT_SENT];
}

static void
pop(struct rmt_client *c)
{
	struct rmt_sent *s = nth(c, 0);

	assert(c->sent_n > 0);
	c->sent_bytes -= s->len;
	free(s->own);
	s->own = NULL;
	c->sent_first = (c->sent_first + 1) % RMT_CLIENT_SENT;
	c->sent_n--;
}

/* ${copy}: the caller's buffer may be gone before the record is there. */
static int
push(struct rmt_client *c, const void *data, uint32_t len, bool copy)
{
	struct rmt_sent s = { .data = data, .len = len };

	assert(c->sent_n < RMT_CLIENT_SENT && len <= TAPE_MAX_RECORD);
	if (copy) {
		s.own = malloc(len);
		if (s.own == NULL)
			return rmt_client_fail(c, ENOMEM,
			    "can't be sent ahead");
		memcpy(s.own, data, len);
		s.data = s.own;
	}
	*nth(c, c->sent_n++) = s;
	c->sent_bytes += len;
	return 0;
}

void
rmt_client_forget(struct rmt_client *c)
{
	while (c->sent_n > 0)
		pop(c);
}

/* The oldest record is on the tape. */
static void
arrived(struct rmt_client *c)
{
	assert(c->at == c->map.edge);
	(void)rmt_map_add(&c->map, false); /* takes no memory */
	c->map.ends = true;
	c->at++;
	c->writing = true;
	pop(c);
}

/* ---- What has become of it ----------------------------------------------- */

/* Whether the next object is that record; the tape is behind the object. */
static int
is_next(struct rmt_client *c, const struct rmt_sent *s, uint8_t *buf,
    bool *ret_is, enum tape_cond *ret_met)
{
	size_t len;
	int r;

	r = rmt_client_read_one(c, buf, s->len, &len, ret_met);
	if (r < 0)
		return r;
	*ret_is = *ret_met == TAPE_NONE && len == s->len &&
	    memcmp(buf, s->data, len) == 0;
	return 0;
}

/*
 * Compares the tape with the queue; what is there leaves it, and the tape
 * stands behind that, in front of what is to be overwritten: a filemark of the
 * server's end, or a later record that was written without an earlier one.
 */
static int
find_out(struct rmt_client *c)
{
	uint64_t object = c->map.edge;
	enum tape_cond met = TAPE_NONE;
	uint32_t longest = 0;
	uint8_t *buf;
	bool is = true;
	int r;

	for (size_t i = 0; i < c->sent_n; i++)
		longest = nth(c, i)->len > longest ? nth(c, i)->len : longest;
	buf = malloc(longest == 0 ? 1 : longest);
	if (buf == NULL)
		return rmt_client_fail(c, ENOMEM, "can't be read back");
	r = rmt_client_idle(c);
	c->at_known = false; /* from BOT */
	if (r == 0)
		r = rmt_client_go(c, object);
	c->map.ends = false;
	while (r == 0 && is && c->sent_n > 0) {
		r = is_next(c, nth(c, 0), buf, &is, &met);
		if (r == 0 && is)
			pop(c);
		object += r == 0 && is;
	}
	free(buf);
	if (r < 0)
		return r;
	r = rmt_client_go(c, object);
	rmt_map_cut(&c->map, object);
	return r;
}

/* ---- One record by itself ------------------------------------------------ */

enum fate {
	FATE_WRITTEN,
	FATE_REFUSED, /* for want of room, or by st at early warning */
	FATE_SHORT,
	FATE_FAILED,
};

/* Sends the oldest record, and what the server says of it. */
static int
write_once(struct rmt_client *c, enum fate *ret_fate, int *ret_err,
    bool *ret_warned)
{
	const struct rmt_sent *s = nth(c, 0);
	const struct rmt_request q = { .kind = RMT_WRITE, .bytes = s->len };
	struct rmt_status status;
	struct rmt_reply reply;
	int asked = -EOPNOTSUPP;
	int r = rmt_client_send(c, &q, s->data);

	*ret_warned = false;
	*ret_err = 0;
	c->writing = true;
	if (r == 0 && c->tells_bits)
		asked = rmt_client_ask_status(c);
	if (r == 0)
		r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);
	if (r == 0 && asked == 0) {
		r = rmt_client_get_status(c, &status);
		*ret_warned = r == 0 && GMT_EOT(status.gstat) != 0;
		r = r == -ENOLINK ? r : 0;
	}
	if (r < 0)
		return r;
	if (reply.kind != RMT_DONE) {
		*ret_err = -rmt_client_errno(c, &reply);
		*ret_fate = *ret_err == ENOSPC ? FATE_REFUSED : FATE_FAILED;
	} else {
		*ret_fate = reply.value == s->len ? FATE_WRITTEN
		    : reply.value == 0		  ? FATE_REFUSED
						  : FATE_SHORT;
	}
	return 0;
}

static int
written(struct rmt_client *c, bool warned, enum tape_cond *ret_cond)
{
	if (warned && c->at < c->narrow_from)
		c->narrow_from = c->at;
	c->warned = warned;
	*ret_cond = warned ? TAPE_EARLY_WARNING : TAPE_NONE;
	return 0;
}

/* The record is not there, and the tape stands where it would begin. */
static int
not_written(struct rmt_client *c, enum fate fate, int err, bool near_end,
    enum tape_cond *ret_cond)
{
	/* Solaris has no other word for the end behind early warning. */
	if (fate == FATE_REFUSED || (near_end && err == EIO)) {
		*ret_cond = TAPE_EOM;
		return rmt_client_fail(c, ENOSPC, "end of the medium");
	}
	if (err == EACCES || err == EROFS) {
		c->protection = "the server says so";
		return rmt_client_fail(c, EROFS, "can't be written");
	}
	return rmt_client_fail(c, EIO, "can't be written");
}

/* Writes the oldest record; it leaves the queue if it is on the tape. */
static int
write_strictly(struct rmt_client *c, enum tape_cond *ret_cond)
{
	uint64_t object = c->at;
	size_t others = c->sent_n - 1;
	bool near_end = c->warned;
	enum fate fate;
	bool warned;
	int err, r;

	for (int attempt = 0; attempt < 2; attempt++) {
		r = write_once(c, &fate, &err, &warned);
		if (r < 0)
			return r;
		if (fate == FATE_WRITTEN) {
			arrived(c);
			return written(c, warned || attempt > 0, ret_cond);
		}
		if (err == EINVAL)
			return tape_fail(&c->base, EINVAL,
			    "%s: the drive takes no records of that size",
			    c->name);
		if (fate == FATE_REFUSED && c->warned && attempt == 0)
			continue; /* st has not sent it */
		r = find_out(c);
		if (r < 0)
			return r;
		c->writing = false; /* the tape was moved */
		if (c->at > object) {
			/* Refused, and written all the same. */
			assert(c->sent_n <= others);
			return written(c, fate == FATE_REFUSED, ret_cond);
		}
		if (fate != FATE_REFUSED)
			break;
	}
	return not_written(c, fate, err, near_end, ret_cond);
}

/* ---- The queue, all of it ------------------------------------------------ */

/* Some of what was acknowledged is not on the tape, and will not be. */
static int
deferred(struct rmt_client *c, int r, bool own)
{
	size_t lost = c->sent_n;
	char why[sizeof(c->base.why)];

	memcpy(why, c->base.why, sizeof(why));
	rmt_client_forget(c);
	/* All that arrived is known; where the tape is, shows when it moves. */
	if (c->base.pos.known)
		rmt_client_stand(c, c->map.edge);
	if (lost == (own ? 1 : 0))
		return r; /* nothing but the one that is being written */
	return tape_fail(&c->base, EIO,
	    "%.120s; of the records that were sent ahead, %zu are not on the "
	    "tape",
	    why, own ? lost - 1 : lost);
}

/* Writes what is left in the queue, record by record. */
static int
write_out(struct rmt_client *c, enum tape_cond *ret_cond, bool own)
{
	unsigned losses = 0;
	int r = 0;

	*ret_cond = TAPE_NONE;
	while (c->sent_n > 0) {
		r = write_strictly(c, ret_cond);
		if (r == 0)
			continue;
		while (r == -ENOLINK) {
			r = rmt_client_again(c, r, &losses);
			if (r < 0)
				return r;
			r = find_out(c);
			if (r == 0 && c->sent_n == 0)
				r = rmt_client_clear_leftover(c);
		}
		if (r < 0)
			return deferred(c, r, own);
	}
	return 0;
}

/*
 * The replies that are still under way say nothing that the tape does not say
 * better; they are taken in.
 */
static int
take_in(struct rmt_client *c, size_t under_way)
{
	struct rmt_reply reply;
	int r = 0;

	while (r == 0 && under_way-- > 0)
		r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);
	return r;
}

/* One reply to what was sent ahead: 0, or what took its place. */
enum { NOT_WRITTEN = 1, REFUSED };

static int
take_one(struct rmt_client *c)
{
	struct rmt_reply reply;
	int r = rmt_client_reply(c, RMT_PATIENCE_DATA, &reply);

	if (r < 0)
		return r;
	if (reply.kind == RMT_DONE ? reply.value == 0
				   : rmt_client_errno(c, &reply) == -ENOSPC)
		return REFUSED;
	if (reply.kind != RMT_DONE || reply.value != nth(c, 0)->len)
		return NOT_WRITTEN;
	arrived(c);
	return 0;
}

/* What was sent ahead has not gone through: what is there, and the rest. */
static int
repair(struct rmt_client *c, int r, enum tape_cond *ret_cond, bool own)
{
	bool lost, refused = r == REFUSED;
	unsigned losses = 0;

	if (r > 0) {
		c->narrow_from = c->map.edge;
		r = take_in(c, c->sent_n - 1);
	}
	for (;;) {
		if (r == -ENOLINK)
			r = rmt_client_again(c, r, &losses);
		if (r < 0)
			return r;
		lost = losses > 0;
		r = find_out(c);
		if (r == 0 && c->sent_n == 0 && lost)
			r = rmt_client_clear_leftover(c);
		if (r != -ENOLINK)
			break;
	}
	if (r < 0)
		return deferred(c, r, own);
	/* What was refused first is behind us: the next may be st's own. */
	c->warned = false;
	c->writing = false;
	r = write_out(c, ret_cond, own);
	if (r == 0 && refused) /* some drives do not say it again */
		*ret_cond = TAPE_EARLY_WARNING;
	return r;
}

/* Until no more than ${bytes} are on their way. */
static int
drain(struct rmt_client *c, uint64_t bytes, size_t records,
    enum tape_cond *ret_cond, bool own)
{
	int r = 0;

	*ret_cond = TAPE_NONE;
	while (r == 0 && (c->sent_bytes > bytes || c->sent_n > records))
		r = take_one(c);
	return r == 0 ? 0 : repair(c, r, ret_cond, own);
}

int
rmt_client_flush(struct rmt_client *c, enum tape_cond *ret_cond)
{
	*ret_cond = TAPE_NONE;
	if (c->sent_n == 0)
		return 0;
	return drain(c, 0, 0, ret_cond, false);
}

static int
write_ahead(struct rmt_client *c, const void *buf, uint32_t len,
    enum tape_cond *ret_cond)
{
	const struct rmt_request q = { .kind = RMT_WRITE, .bytes = len };
	int r = push(c, buf, len, true);

	if (r < 0)
		return r;
	c->writing = true;
	r = rmt_client_send(c, &q, buf);
	if (r < 0)
		return repair(c, r, ret_cond, true);
	return drain(c, c->window, RMT_CLIENT_SENT - 1, ret_cond, true);
}

static int
need_writable(struct rmt_client *c)
{
	if (!c->loaded)
		return tape_fail(&c->base, ENOMEDIUM, "no tape loaded");
	if (c->protection != NULL)
		return tape_fail(&c->base, EROFS, "%s: write protected: %s",
		    c->name, c->protection);
	return 0;
}

/* Ready to write at the position; what is on its way stays so. */
static int
in_place(struct rmt_client *c)
{
	bool ahead = c->sent_n > 0 && c->link != NULL &&
	    c->base.pos.object < c->narrow_from;
	int r = ahead ? 0 : rmt_client_settle(c);

	if (r == 0 && !c->base.pos.known)
		r = rmt_client_lose(c, "can't be written");
	if (r == 0 && c->base.pos.object < c->narrow_from &&
	    c->narrow_from > c->map.edge && !ahead)
		c->narrow_from = UINT64_MAX; /* the end is far again */
	return r;
}

/*
 * The first record of a queue: what follows may be gone from now on, and the
 * edge is where the queue begins, whatever becomes of the link.
 */
static void
begin_queue(struct rmt_client *c, uint64_t object)
{
	rmt_map_cut(&c->map, object);
	c->map.ends = false;
}

int
rmt_client_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond)
{
	struct rmt_client *c = rmt_client_of(t);
	uint64_t object;
	int r = need_writable(c);

	if (r == 0 && len > c->limit)
		r = tape_fail(t, EINVAL,
		    "%s: the drive takes no records of that size", c->name);
	if (r == 0)
		r = in_place(c);
	if (r < 0)
		return r;
	object = t->pos.object;
	if (c->sent_n == 0)
		begin_queue(c, object);
	if (c->window > 0 && object < c->narrow_from) {
		r = write_ahead(c, buf, (uint32_t)len, ret_cond);
	} else {
		r = push(c, buf, (uint32_t)len, false);
		if (r == 0)
			r = write_out(c, ret_cond, true);
	}
	if (r < 0) {
		/* TAPE_EOM says that nothing but this record is missing. */
		if (t->pos.object != object)
			*ret_cond = TAPE_NONE;
		return r;
	}
	rmt_client_stand(c, object + 1);
	return 0;
}

/* ---- Filemarks ----------------------------------------------------------- */

/* Filemarks were told as failed, or the link was lost: how many are there. */
static int
count_marks(struct rmt_client *c, uint32_t count, uint32_t *ret_done)
{
	uint64_t object = c->base.pos.object;
	enum tape_cond met = TAPE_FILEMARK;
	uint8_t byte;
	size_t len;
	int r;

	c->at_known = false; /* from BOT */
	*ret_done = 0;
	c->writing = false; /* a second one would not go better */
	r = rmt_client_go(c, object);
	rmt_map_cut(&c->map, object);
	c->map.ends = false;
	while (r == 0 && met == TAPE_FILEMARK && *ret_done < count) {
		r = rmt_client_read_one(c, &byte, 1, &len, &met);
		*ret_done += r == 0 && met == TAPE_FILEMARK;
	}
	if (r == 0)
		r = rmt_client_go(c, object + *ret_done);
	rmt_map_cut(&c->map, object + *ret_done);
	return r;
}

static int
put_marks(struct rmt_client *c, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	int r = -EOPNOTSUPP, failed;

	*ret_done = 0;
	if (immediate && c->dialect->numbers == RMT_NUMBERS_LINUX)
		r = rmt_client_op(c, MTWEOFI, (int32_t)count);
	/* Kernels older than 2.6.38 have no MTWEOFI. */
	if (r == -EOPNOTSUPP || r == -ENOSYS || r == -EINVAL)
		r = rmt_client_op(c, MTWEOF, (int32_t)count);
	if (r == -ENOLINK)
		return r;
	if (r == -EOPNOTSUPP)
		return tape_fail(&c->base, EOPNOTSUPP,
		    "%s: whose op numbers the server has is not known; name "
		    "its dialect",
		    c->name);
	if (r == 0) {
		c->writing = c->warned = false;
		rmt_map_cut(&c->map, c->at);
		for (*ret_done = 0; *ret_done < count; ++*ret_done) {
			if (rmt_map_add(&c->map, true) < 0)
				return rmt_client_fail(c, ENOMEM,
				    "too many filemarks");
			c->at++;
		}
		c->map.ends = true;
		return 0;
	}
	failed = r;
	r = count_marks(c, count, ret_done);
	if (r < 0)
		return r;
	if (failed == -ENOSPC || c->base.pos.object >= c->narrow_from) {
		*ret_cond = TAPE_EOM;
		return rmt_client_fail(c, ENOSPC, "no room for a filemark");
	}
	return rmt_client_fail(c, EIO, "filemarks can't be written");
}

int
rmt_client_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond)
{
	struct rmt_client *c = rmt_client_of(t);
	uint32_t some;
	unsigned losses = 0;
	int r = count > 0 ? need_writable(c) : 0;

	*ret_done = 0;
	*ret_cond = TAPE_NONE;
	if (r == 0)
		r = rmt_client_settle(c);
	if (r < 0)
		return r;
	if (count == 0)
		return rmt_client_idle(c) == -ENOLINK ? rmt_client_settle(c)
		    : c->writing		      ? -EIO
						      : 0;
	if (!t->pos.known)
		return rmt_client_lose(c, "filemarks can't be written");
	for (;;) {
		some = 0;
		r = put_marks(c, count - *ret_done, immediate, &some, ret_cond);
		while (r == -ENOLINK) {
			c->writing = false; /* what is left is looked at here */
			r = rmt_client_again(c, r, &losses);
			if (r < 0)
				return r;
			r = count_marks(c, count - *ret_done, &some);
		}
		*ret_done += some;
		if (t->pos.known)
			rmt_client_stand(c, t->pos.object + some);
		if (r < 0 || *ret_done == count)
			return r;
	}
}
