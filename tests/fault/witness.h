/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was acknowledged before a process died.  The process that writes the
 * tape notes in shared memory what it is about to do, and that it is done; the
 * one that watches compares the image with that.
 */
#ifndef PMT_TESTS_WITNESS_H
#define PMT_TESTS_WITNESS_H

#include <sys/mman.h>

#include "simh-walk.h"

enum flight {
	NOTHING,
	A_RECORD,
	FILEMARKS,
	AN_ERASE,
};

/*
 * Death can come between any two stores.  So what is acknowledged lies in one
 * of two slots, and the one store that counts an operation as ended switches to
 * the other one.
 */
struct witness {
	struct model slots[2]; /* see witness_acked() */
	/* What is under way, at the position; written before it begins. */
	struct thing record;
	uint32_t filemarks;
	enum flight kind;
	_Atomic uint64_t begun,
	    ended; /* operations; the same: none under way */
};

static inline struct model *
witness_acked(struct witness *w)
{
	return &w->slots[w->ended & 1];
}

static inline enum flight
witness_flight(const struct witness *w)
{
	return w->begun == w->ended ? NOTHING : w->kind;
}

/* What the image was found to hold, after a death. */
static inline void
witness_found(struct witness *w, const struct model *held)
{
	w->slots[w->begun & 1] = *held;
	w->ended = w->begun;
}

static inline struct witness *
witness_new(void)
{
	struct witness *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED)
		tap_bail("no shared memory: %s", strerror(errno));
	return w;
}

static inline void
witness_begin(struct witness *w, enum flight kind)
{
	w->kind = kind;
	w->begun++;
}

/* After success; a failure is no business of these tests. */
static inline void
witness_end(struct witness *w, int r, struct tape *t)
{
	struct model *next = &w->slots[w->begun & 1];

	if (r < 0)
		tap_bail("%s", tape_why(t));
	*next = *witness_acked(w);
	if (w->kind == A_RECORD)
		model_put(next, w->record.tag, w->record.len);
	for (uint32_t i = 0; w->kind == FILEMARKS && i < w->filemarks; i++)
		model_put(next, 0, 0);
	if (w->kind == AN_ERASE)
		next->n = next->at;
	w->ended = w->begun;
}

static inline void
witness_write(struct witness *w, struct tape *t, uint32_t tag, uint32_t len)
{
	static uint8_t buf[RECORD_MAX];
	enum tape_cond cond;

	fill_record(buf, len, tag);
	w->record = (struct thing){ .tag = tag, .len = len };
	witness_begin(w, A_RECORD);
	witness_end(w, tape_write(t, buf, len, &cond), t);
}

static inline void
witness_marks(struct witness *w, struct tape *t, uint32_t count, bool immediate)
{
	enum tape_cond cond;
	uint32_t n;

	w->filemarks = count;
	witness_begin(w, FILEMARKS);
	witness_end(w, tape_write_filemarks(t, count, immediate, &n, &cond), t);
}

static inline void
witness_erase(struct witness *w, struct tape *t)
{
	witness_begin(w, AN_ERASE);
	witness_end(w, tape_erase(t, false), t);
}

static inline void
witness_locate(struct witness *w, struct tape *t, uint64_t object)
{
	struct model *acked = witness_acked(w);
	enum tape_cond cond;

	if (tape_locate(t, 0, object, &cond) < 0)
		tap_bail("%s", tape_why(t));
	acked->at = object < acked->n ? object : acked->n;
}

/* The tape as it would be if what was under way had gone so far. */
static inline void
witness_outcome(struct witness *w, uint64_t objects, struct model *ret)
{
	bool record = witness_flight(w) == A_RECORD;

	*ret = *witness_acked(w);
	ret->n = ret->at;
	for (uint64_t i = 0; i < objects; i++)
		model_put(ret, record ? w->record.tag : 0,
		    record ? w->record.len : 0);
}

/* The most objects that what was under way could have added. */
static inline uint64_t
witness_most(const struct witness *w)
{
	switch (witness_flight(w)) {
	case A_RECORD:
		return 1;
	case FILEMARKS:
		return w->filemarks;
	default:
		return 0;
	}
}

/*
 * Whether the image is one that death may have left: all that was acknowledged,
 * and what was under way wholly or not at all.  ${ret_left}: what it holds.
 */
static inline bool
witness_agrees(struct witness *w, const char *image, struct model *ret_left)
{
	const struct model *acked = witness_acked(w);
	struct walk walk;
	bool ok = walk_image(&walk, image);

	*ret_left = *acked;
	if (ok &&
	    !(walk.n == acked->n && walk_begins_with(&walk, acked, walk.n))) {
		ok = witness_flight(w) != NOTHING && walk.n >= acked->at &&
		    walk.n - acked->at <= witness_most(w);
		if (ok)
			witness_outcome(w, walk.n - acked->at, ret_left);
		ok = ok && walk_begins_with(&walk, ret_left, walk.n);
	}
	if (!ok)
		tap_diag("%" PRIu64 " objects; acknowledged %" PRIu64
			 ", under way %d at %" PRIu64,
		    walk.n, acked->n, (int)witness_flight(w), acked->at);
	walk_free(&walk);
	return ok;
}

/* Whether a tape begins with the first ${n} objects of a model. */
static inline bool
tape_begins_with(struct tape *t, const struct model *m, uint64_t n)
{
	static uint8_t buf[RECORD_MAX];
	enum tape_cond cond;
	size_t len;

	if (n > m->n || tape_rewind(t) < 0)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (tape_read(t, buf, sizeof(buf), &len, &cond) < 0 ||
		    cond !=
			(m->things[i].len == 0 ? TAPE_FILEMARK : TAPE_NONE) ||
		    len != m->things[i].len ||
		    !is_record_of(buf, len, m->things[i].tag))
			return false;
	return true;
}

/*
 * The same as witness_agrees() for a format that has checksums, and so needs no
 * second reader to be believed: the image is read as a tape.
 */
static inline bool
witness_agrees_read(struct witness *w, const char *spec, struct model *ret_left)
{
	const struct model *acked = witness_acked(w);
	struct tape *t = load_tape(spec);
	enum tape_cond cond;
	uint64_t done, n;
	bool ok = tape_space(t, TAPE_TO_EOD, 0, &done, &cond) == 0;

	n = t->pos.object;
	*ret_left = *acked;
	if (ok && !(n == acked->n && tape_begins_with(t, acked, n))) {
		ok = witness_flight(w) != NOTHING && n >= acked->at &&
		    n - acked->at <= witness_most(w);
		if (ok)
			witness_outcome(w, n - acked->at, ret_left);
		ok = ok && tape_begins_with(t, ret_left, n);
	}
	if (!ok)
		tap_diag("%" PRIu64 " objects; acknowledged %" PRIu64
			 ", under way %d at %" PRIu64 ": %s",
		    n, acked->n, (int)witness_flight(w), acked->at,
		    tape_why(t));
	tape_free(t);
	return ok;
}

#endif
