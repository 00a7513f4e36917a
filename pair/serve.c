/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape behind a slave end; see serve.h.  The numbers of the protocol and
 * those of tape.h mean the same, but are translated one by one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve.h"
#include "tape.h"

struct serve {
	struct tape *tape;
	int compression, density; /* as set since the load; -1: not */
	struct pmt_info info;
	char words[PMT_PAIR_MAX_WORDS + 1];
};

_Static_assert(PMT_PAIR_MAX_RECORD == TAPE_MAX_RECORD, "records are the same");

struct serve *
serve_new(struct tape *t)
{
	struct serve *s = calloc(1, sizeof(*s));

	if (s != NULL)
		*s = (struct serve){ .tape = t,
			.compression = -1,
			.density = -1 };
	return s;
}

void
serve_free(struct serve *s)
{
	free(s);
}

const char *
serve_why(const struct serve *s)
{
	return tape_why(s->tape);
}

/* ---- Operations ---------------------------------------------------------- */

/* What an operation of tape.h told; the reply is made of it. */
struct outcome {
	enum tape_cond cond;
	uint64_t done;
	const void *data;
	size_t len;
	const struct pmt_info *info;
};

/* 0 or a negative errno, as of tape.h. */
typedef int handler(struct serve *s, const struct pmt_request *request,
    void *room, struct outcome *out);

static int
refuse(struct serve *s, const char *what)
{
	return tape_fail(s->tape, EINVAL, "pmtserve: asked for %s", what);
}

static int
do_load(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	(void)request;
	(void)room;
	(void)out;
	s->compression = s->density = -1;
	return tape_load(s->tape);
}

static int
do_unload(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	(void)request;
	(void)room;
	(void)out;
	return tape_unload(s->tape);
}

static int
do_describe(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	struct tape_info info;

	(void)request;
	(void)room;
	tape_describe(s->tape, &info);
	s->info = (struct pmt_info){ .min_record = info.min_record,
		.max_record = info.max_record,
		.max_read = info.max_read < PMT_PAIR_MAX_RECORD
		    ? info.max_read
		    : PMT_PAIR_MAX_RECORD,
		.granularity = info.granularity,
		.partitions = info.partitions,
		.max_partitions = info.max_partitions,
		.capacity = info.capacity,
		.write_protected = info.write_protected,
		.can_compress = info.can_compress,
		.density = info.density };
	(void)snprintf(s->info.medium, sizeof(s->info.medium), "%s",
	    info.medium);
	out->info = &s->info;
	return 0;
}

static int
do_read(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	size_t size = (size_t)request->count, len = 0;
	int r = tape_read(s->tape, room, size, &len, &out->cond);

	out->done = len;
	out->data = room;
	out->len = len < size ? len : size;
	return r;
}

static int
do_write(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	(void)room;
	return tape_write(s->tape, request->data, request->len, &out->cond);
}

static int
do_filemarks(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	uint32_t done = 0;
	int r = tape_write_filemarks(s->tape, (uint32_t)request->count,
	    (request->flags & PMT_IMMEDIATE) != 0, &done, &out->cond);

	(void)room;
	out->done = done;
	return r;
}

static int
do_space(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	static const enum tape_unit units[] = {
		[PMT_RECORDS] = TAPE_RECORDS,
		[PMT_MARKS] = TAPE_FILEMARKS,
		[PMT_TO_EOD] = TAPE_TO_EOD,
	};

	(void)room;
	return tape_space(s->tape, units[request->unit],
	    (int64_t)request->count, &out->done, &out->cond);
}

static int
do_locate(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	(void)room;
	return tape_locate(s->tape, request->unit, request->count, &out->cond);
}

static int
do_rewind(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	(void)request;
	(void)room;
	(void)out;
	return tape_rewind(s->tape);
}

static int
do_erase(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	(void)room;
	(void)out;
	return tape_erase(s->tape, (request->flags & PMT_WHOLE) != 0);
}

static int
do_set(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	bool is_density = request->unit == PMT_DENSITY;
	int *setting = is_density ? &s->density : &s->compression;
	int r;

	(void)room;
	(void)out;
	if (request->unit > PMT_DENSITY)
		return refuse(s, "a parameter that there is not");
	if (request->count > (is_density ? UINT8_MAX : 1))
		return refuse(s, "a value that the parameter can't have");
	r = tape_set(s->tape, is_density ? TAPE_DENSITY : TAPE_COMPRESSION,
	    (uint32_t)request->count);
	if (r == 0)
		*setting = (int)request->count;
	return r;
}

static int
do_format(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	(void)room;
	(void)out;
	if (request->unit < 1)
		return refuse(s, "no partition");
	return tape_format(s->tape, request->unit, request->count);
}

/* PMT_HELLO is answered by libpmt. */
static const struct {
	handler *run;
	bool in_place; /* it depends on where the tape stands */
} handlers[PMT_OPS] = {
	[PMT_LOAD] = { do_load, false },
	[PMT_UNLOAD] = { do_unload, false },
	[PMT_DESCRIBE] = { do_describe, true },
	[PMT_READ] = { do_read, true },
	[PMT_WRITE] = { do_write, true },
	[PMT_FILEMARKS] = { do_filemarks, true },
	[PMT_SPACE] = { do_space, true },
	[PMT_LOCATE] = { do_locate, false },
	[PMT_REWIND] = { do_rewind, false },
	[PMT_ERASE] = { do_erase, true },
	[PMT_SET] = { do_set, true },
	[PMT_FORMAT] = { do_format, false },
};

/* Whether the drive's idea of the position is the tape's. */
static bool
is_in_place(const struct serve *s, const struct pmt_request *request)
{
	const struct tape_pos *pos = &s->tape->pos;

	return !request->at.known ||
	    (pos->known && pos->object == request->at.object &&
		pos->partition == request->at.partition);
}

static int
run(struct serve *s, const struct pmt_request *request, void *room,
    struct outcome *out)
{
	handler *h = handlers[request->op].run;

	if (h == NULL)
		return tape_fail(s->tape, EOPNOTSUPP, "no such operation");
	if (handlers[request->op].in_place && !is_in_place(s, request))
		return tape_fail(s->tape, EIO,
		    "the tape stands at object %" PRIu64
		    ", not where the drive takes it to be, at %" PRIu64,
		    s->tape->pos.object, request->at.object);
	return h(s, request, room, out);
}

/* ---- The reply ----------------------------------------------------------- */

/* Where the tape is now; one that has lost its way may find out by asking. */
static void
tell_place(struct serve *s, struct pmt_reply *reply)
{
	struct tape_pos pos = s->tape->pos;
	char why[sizeof(s->tape->why)];
	struct tape_info info;

	tape_describe(s->tape, &info);
	if (info.loaded && !pos.known) {
		memcpy(why, s->tape->why, sizeof(why));
		(void)tape_tell(s->tape, &pos); /* pos tells if it failed */
		memcpy(s->tape->why, why, sizeof(why));
	}
	reply->at = (struct pmt_position){ .object = pos.object,
		.file = pos.file,
		.partition = pos.partition,
		.known = pos.known };
	reply->used = info.used;
	reply->room = info.room;
}

static void
tell_failure(struct serve *s, struct pmt_reply *reply, int r,
    const struct outcome *out)
{
	bool full = out->cond == TAPE_EOM && r == -ENOSPC;

	(void)snprintf(s->words, sizeof(s->words), "%s", tape_why(s->tape));
	pmt_reply_fail(reply, -r <= (int)PMT_PAIR_MAX_ERRNO ? -r : EIO,
	    s->words);
	if (full)
		reply->cond = PMT_EOM;
	if (reply->op == PMT_FILEMARKS || reply->op == PMT_SPACE)
		reply->done = out->done;
}

void
serve_request(struct serve *s, const struct pmt_request *request, void *room,
    struct pmt_reply *ret_reply)
{
	static const enum pmt_cond conds[] = {
		[TAPE_NONE] = PMT_NONE,
		[TAPE_FILEMARK] = PMT_FILEMARK,
		[TAPE_EOD] = PMT_EOD,
		[TAPE_BOT] = PMT_BOT,
		[TAPE_EARLY_WARNING] = PMT_EARLY_WARNING,
		[TAPE_EOM] = PMT_EOM,
	};
	struct outcome out = { .cond = TAPE_NONE };
	struct pmt_reply reply = pmt_reply_to(request);
	int r = run(s, request, room, &out);

	tell_place(s, &reply);
	if (r < 0) {
		tell_failure(s, &reply, r, &out);
	} else {
		reply.cond = conds[out.cond];
		reply.done = out.done;
		reply.data = out.data;
		reply.len = out.len;
		reply.info = out.info;
	}
	*ret_reply = reply;
}

/* ---- Handing over -------------------------------------------------------- */

int
serve_leave(struct serve *s, struct serve_place *ret_place)
{
	const struct tape_pos *pos = &s->tape->pos;
	struct tape_info info;
	struct serve_place place;
	int r;

	tape_describe(s->tape, &info);
	if (info.loaded && !pos->known)
		return tape_fail(s->tape, EAGAIN,
		    "the tape has lost its position: rewind it first");
	place = (struct serve_place){ .loaded = info.loaded,
		.partition = pos->partition,
		.object = pos->object,
		.compression = s->compression,
		.density = s->density };
	r = tape_unload(s->tape);
	if (r == 0)
		*ret_place = place;
	return r;
}

static int
set_again(struct serve *s, const struct serve_place *place)
{
	int r = 0;

	s->compression = place->compression;
	s->density = place->density;
	if (place->compression >= 0)
		r = tape_set(s->tape, TAPE_COMPRESSION,
		    (uint32_t)place->compression);
	if (r == 0 && place->density >= 0)
		r = tape_set(s->tape, TAPE_DENSITY, (uint32_t)place->density);
	return r;
}

static int
go_back(struct serve *s, const struct serve_place *place)
{
	enum tape_cond cond = TAPE_NONE;
	int r = 0;

	if (place->partition != 0 || place->object != 0)
		r = tape_locate(s->tape, place->partition, place->object,
		    &cond);
	if (r == 0 && cond != TAPE_NONE)
		r = tape_fail(s->tape, EIO,
		    "it ends before object %" PRIu64
		    ", where it was left: is it the same tape?",
		    place->object);
	return r;
}

int
serve_return(struct serve *s, const struct serve_place *place)
{
	char why[sizeof(s->tape->why)];
	int r;

	if (!place->loaded)
		return 0;
	r = tape_load(s->tape);
	if (r == 0)
		r = set_again(s, place);
	if (r == 0)
		r = go_back(s, place);
	if (r == 0)
		return 0;
	memcpy(why, s->tape->why, sizeof(why));
	(void)tape_unload(s->tape); /* the failure before it counts */
	memcpy(s->tape->why, why, sizeof(why));
	return r;
}

void
serve_place_put(const struct serve_place *place, char text[SERVE_PLACE_TEXT])
{
	(void)snprintf(text, SERVE_PLACE_TEXT,
	    "loaded %d partition %" PRIu32 " object %" PRIu64
	    " compression %d density %d",
	    place->loaded, place->partition, place->object, place->compression,
	    place->density); /* it fits */
}

bool
serve_place_get(const char *text, struct serve_place *ret_place)
{
	struct serve_place place;
	int loaded, end = 0;

	if (sscanf(text,
		"loaded %d partition %" SCNu32 " object %" SCNu64
		" compression %d density %d%n",
		&loaded, &place.partition, &place.object, &place.compression,
		&place.density, &end) != 5 ||
	    text[end] != '\0' || place.partition >= TAPE_MAX_PARTITIONS)
		return false;
	place.loaded = loaded != 0;
	*ret_place = place;
	return true;
}
