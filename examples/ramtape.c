/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ramtape: a tape in memory, which is gone when the program ends.
 *
 *     cc -o ramtape ramtape.c $(pkg-config --cflags --libs libpmt)
 *     pmtd pair: && ./ramtape /dev/pmts &
 *     tar -cf /dev/npmt . && mt -f /dev/npmt rewind && tar -tf /dev/npmt
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pmt/pair.h>

/* The tape: objects, of which those of no bytes are filemarks. */
static struct object {
	void *data;
	size_t len;
} * objects;
static uint64_t n;
static struct pmt_position at = { .known = true };

/* Over one object; forward is 1 or -1.  What it was, if it is worth telling. */
static enum pmt_cond
step(int forward)
{
	if (at.object == (forward > 0 ? n : 0))
		return forward > 0 ? PMT_EOD : PMT_BOT;
	at.object += (uint64_t)(int64_t)forward;
	if (objects[at.object - (forward > 0)].len > 0)
		return PMT_NONE;
	at.file += (uint64_t)(int64_t)forward;
	return PMT_FILEMARK;
}

/* Here is the end of the tape. */
static void
cut(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	while (n > at.object)
		free(objects[--n].data);
}

/* Puts an object here, as the last; false: no memory. */
static bool
append(const void *data, size_t len)
{
	struct object *more;
	void *copy = malloc(len + 1);

	cut(NULL, NULL, NULL);
	more = realloc(objects, (n + 1) * sizeof(*more));
	if (more != NULL)
		objects = more;
	if (more == NULL || copy == NULL) {
		free(copy);
		return false;
	}
	if (len > 0)
		memcpy(copy, data, len);
	objects[n++] = (struct object){ copy, len };
	(void)step(1); /* over what is there now */
	return true;
}

static void
to_bot(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	at.object = at.file = 0;
	r->at = at;
}

static void
describe(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	static const struct pmt_info info = { .min_record = 1,
		.max_record = PMT_PAIR_MAX_RECORD,
		.granularity = 1,
		.partitions = 1,
		.medium = "memory" };
	static uint8_t packed[PMT_PAIR_INFO];

	pmt_info_pack(&info, packed);
	r->data = packed;
	r->len = sizeof(packed);
}

static void
read_one(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	const struct object *o = &objects[at.object];

	r->cond = step(1);
	r->at = at;
	if (r->cond != PMT_NONE)
		return;
	r->done = o->len;
	r->data = o->data;
	r->len = o->len < q->count ? o->len : q->count;
}

static void
write_one(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	if (!append(q->data, q->len))
		pmt_reply_fail(r, ENOMEM, "no memory for a record");
	r->at = at;
}

static void
write_marks(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	for (uint64_t i = 0; i < q->count && r->error == 0; i++)
		if (!append(NULL, 0))
			pmt_reply_fail(r, ENOMEM, "no memory for a filemark");
	r->at = at;
}

static void
space(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	int forward = (int64_t)q->count < 0 ? -1 : 1;
	uint64_t wanted = r->done; /* what a reply begins with is: all of it */
	enum pmt_cond c = PMT_NONE;

	for (r->done = 0; q->unit == PMT_TO_EOD || r->done < wanted;) {
		c = step(forward);
		if (c == PMT_EOD || c == PMT_BOT ||
		    (c == PMT_FILEMARK && q->unit == PMT_RECORDS))
			break;
		r->done += c == PMT_FILEMARK || q->unit == PMT_RECORDS;
		c = PMT_NONE;
	}
	r->cond = q->unit == PMT_TO_EOD ? PMT_NONE : c;
	r->at = at;
}

static void
locate(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
	if (q->unit != 0) {
		pmt_reply_fail(r, EINVAL, "there is only partition 0");
		return;
	}
	to_bot(arg, q, r);
	while (at.object < q->count && r->cond != PMT_EOD)
		r->cond = step(1) == PMT_EOD ? PMT_EOD : PMT_NONE;
	r->at = at;
}

static void
nothing(void *arg, const struct pmt_request *q, struct pmt_reply *r)
{
}

int
main(int argc, char **argv)
{
	static const pmt_handler handlers[PMT_OPS] = {
		[PMT_LOAD] = to_bot,
		[PMT_UNLOAD] = nothing,
		[PMT_DESCRIBE] = describe,
		[PMT_READ] = read_one,
		[PMT_WRITE] = write_one,
		[PMT_FILEMARKS] = write_marks,
		[PMT_SPACE] = space,
		[PMT_LOCATE] = locate,
		[PMT_REWIND] = to_bot,
		[PMT_ERASE] = cut,
	};
	const char *path = argc > 1 ? argv[1] : "/dev/pmts";
	struct pmt_pair *pair;
	int r = pmt_pair_open(path, &pair);

	if (r == 0) {
		r = pmt_pair_serve(pair, handlers, NULL);
		pmt_pair_close(pair);
	}
	if (r < 0)
		(void)fprintf(stderr, "%s: %s\n", path, strerror(-r));
	return r < 0;
}
