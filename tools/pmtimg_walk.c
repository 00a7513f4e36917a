/* SPDX-License-Identifier: BSD-2-Clause */
/* See pmtimg_walk.h. */
#include <errno.h>
#include <stdlib.h>

#include "file.h"
#include "log.h"
#include "pmtimg.h"
#include "pmtimg_text.h"
#include "pmtimg_walk.h"

/* What is read of a record whose length must be found out, bytes. */
#define PEEK 512

uint8_t *
pmtimg_walk_buffer(void)
{
	return pmtimg_text_need(malloc(TAPE_MAX_RECORD));
}

/*
 * Bytes before here of a tape that is no image.  A drive can't tell; then it is
 * the data that was read.
 */
static uint64_t
used_here(const struct pmtimg_walk *w)
{
	struct tape_info info;

	tape_describe(w->t->tape, &info);
	return info.used > 0 ? info.used : w->data;
}

/* Where the tape stands. */
static void
stand_here(struct pmtimg_walk *w)
{
	w->at = w->t->image == NULL ? used_here(w) : file_offset(w->t->tape);
	w->object = w->t->tape->pos.object;
	w->file = w->t->tape->pos.file;
	w->record = 0;
	w->exact = true;
}

int
pmtimg_walk_start(struct pmtimg_walk *w, struct pmtimg_tape *t,
    uint32_t partition, uint8_t *buf)
{
	enum tape_cond cond;

	*w = (struct pmtimg_walk){ .t = t, .buf = buf };
	if (partition >= t->partitions) {
		log_error("%s: no partition %u; there %s %u", t->name,
		    partition, t->partitions == 1 ? "is" : "are",
		    t->partitions);
		return PMTIMG_FAILED;
	}
	if (tape_locate(t->tape, partition, 0, &cond) < 0)
		return pmtimg_tape_failed(t);
	stand_here(w);
	return PMTIMG_DONE;
}

bool
pmtimg_walk_to_file(struct pmtimg_walk *w, uint64_t file)
{
	enum tape_cond cond;
	uint64_t done = 0;
	int r = 0;

	if (file > INT64_MAX)
		return false;
	if (file > 0)
		r = tape_space(w->t->tape, TAPE_FILEMARKS, (int64_t)file, &done,
		    &cond);
	stand_here(w);
	return r == 0 && done == file;
}

/* Counts what has been passed. */
static void
pass(struct pmtimg_walk *w, const struct pmtimg_step *step)
{
	w->object++;
	w->record++;
	if (step->kind == PMTIMG_FILEMARK) {
		w->file++;
		w->record = 0;
	}
}

/* The data of a record, or what is wanted of them. */
static int
read_record(struct pmtimg_walk *w, const struct image_object *o,
    size_t *ret_len)
{
	size_t size = w->want;

	*ret_len = o->size;
	if (o->size == 0 && !o->bad && size < PEEK)
		size = PEEK;
	if (size == 0 || (o->bad && o->size == 0))
		return 0;
	return image_read(w->t->image, o, w->buf, size, ret_len);
}

static void
next_in_image(struct pmtimg_walk *w, struct pmtimg_step *step)
{
	struct image_object o;

	if (image_next(w->t->image, w->at, &o) < 0)
		return;
	step->at = o.at;
	step->end = o.end;
	if (o.kind == IMAGE_NONE) {
		step->kind = PMTIMG_EOD;
		return;
	}
	w->at = o.end;
	step->bad = o.bad;
	if (o.kind == IMAGE_FILEMARK)
		step->kind = PMTIMG_FILEMARK;
	else if (read_record(w, &o, &step->len) == 0)
		step->kind = PMTIMG_RECORD;
	else
		step->passed = true;
	pass(w, step);
}

static void
next_on_tape(struct pmtimg_walk *w, struct pmtimg_step *step)
{
	struct tape *tape = w->t->tape;
	enum tape_cond cond;
	int r = tape_read(tape, w->buf, w->want, &step->len, &cond);

	if (r == 0)
		w->data += step->len;
	w->at = step->end = used_here(w);
	if (r < 0) {
		if (!tape->pos.known || tape->pos.object == w->object)
			return;
		/* As a drive does with a block that it can't read. */
		step->bad = true;
		step->len = 0;
		cond = TAPE_NONE;
	}
	step->kind = cond == TAPE_NONE ? PMTIMG_RECORD
	    : cond == TAPE_FILEMARK    ? PMTIMG_FILEMARK
				       : PMTIMG_EOD;
	if (step->kind != PMTIMG_EOD)
		pass(w, step);
}

void
pmtimg_walk_next(struct pmtimg_walk *w, struct pmtimg_step *ret_step)
{
	*ret_step = (struct pmtimg_step){ .kind = PMTIMG_DAMAGE,
		.object = w->object,
		.file = w->file,
		.record = w->record,
		.at = w->at,
		.end = w->at,
		.exact = w->exact };
	if (w->t->image != NULL)
		next_in_image(w, ret_step);
	else
		next_on_tape(w, ret_step);
}

/* A tape can only try to pass over the one object. */
static int
skip_on_tape(struct pmtimg_walk *w)
{
	struct tape *tape = w->t->tape;
	enum tape_cond cond;
	uint64_t done;
	int r = tape_space(tape, TAPE_RECORDS, 1, &done, &cond);
	uint64_t record = w->record + 1;

	if (r < 0 || tape->pos.object <= w->object)
		return r < 0 ? r : -ENODATA;
	stand_here(w);
	w->record = record;
	w->exact = false;
	return 0;
}

int
pmtimg_walk_skip(struct pmtimg_walk *w, const struct pmtimg_step *damage)
{
	uint64_t at;
	int r;

	if (damage->passed)
		return 0;
	if (w->t->image == NULL)
		return skip_on_tape(w);
	r = image_resync(w->t->image, w->at, &at);
	if (r < 0)
		return r;
	w->at = at;
	w->exact = false;
	pass(w, damage);
	return 0;
}
