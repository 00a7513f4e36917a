/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pmtimg_resume.h.
 *
 * What is on the target is only believed when it has been read and compared.  A
 * leg that has failed may hold what it says it does not, and the tail that an
 * older tape has left; where the good part ends, nobody but a comparison knows.
 * That it takes as long as reading both tapes is the price.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "pmtimg_compare.h"
#include "pmtimg_resume.h"
#include "pmtimg_stop.h"

/* The two side by side. */
struct meeting {
	struct pmtimg_step source, target;
	enum pmtimg_difference how;
	size_t byte; /* of a record that differs */
};

/* As far as they are the same; ${p} is the first object that is not, or EOD. */
static int
read_both(struct pmtimg_engine *e, struct pmtimg_walk *w, struct meeting *p)
{
	int status;

	for (;;) {
		if (pmtimg_stop_signal() != 0) {
			progress_hide(&e->progress);
			log_error("stopped by %s after object %" PRIu64
				  ", while comparing; nothing was written",
			    pmtimg_stop_name(), e->kept.objects);
			return 128 + pmtimg_stop_signal();
		}
		status = pmtimg_chain_next(&e->from, &p->source);
		if (status != PMTIMG_DONE)
			return status;
		pmtimg_walk_next(w, &p->target);
		p->how = pmtimg_compare(&p->source, e->from.buf, &p->target,
		    w->buf, &p->byte);
		if (p->how != PMTIMG_SAME || p->source.kind == PMTIMG_EOD)
			return PMTIMG_DONE;
		pmtimg_extent_add(&e->kept, &p->source);
		progress_at(&e->progress, pmtimg_chain_done(&e->from));
	}
}

/* What is on the target is not the source's, and not to be lost. */
static int
refuse(const struct pmtimg_engine *e, const struct meeting *p)
{
	char there[PMTIMG_COMPARE_WORDS], here[PMTIMG_COMPARE_WORDS];
	char more[300] = "";

	/* Cut is fine. */
	if (p->how == PMTIMG_OTHER_LENGTH || p->how == PMTIMG_OTHER_DATA)
		(void)snprintf(more, sizeof(more), ", other from byte %zu on",
		    p->byte);
	else if (p->target.kind == PMTIMG_DAMAGE)
		(void)snprintf(more, sizeof(more), " (%s)",
		    pmtimg_tape_why_at(&e->to, p->target.at));
	log_error("%s: object %" PRIu64 " (file %" PRIu64 ", record %" PRIu64
		  ") is %s, but on %s it is %s%s; nothing was written; "
		  "--overwrite writes it again from there",
	    e->to.name, p->target.object, p->target.file, p->target.record,
	    pmtimg_compare_words(&p->target, there), e->from.tape.name,
	    pmtimg_compare_words(&p->source, here), more);
	return PMTIMG_FAILED;
}

/* The target stands behind what is kept. */
static int
stand_behind(struct pmtimg_engine *e, bool at_end)
{
	const struct tape_pos *pos = &e->to.tape->pos;
	enum tape_cond cond;

	/* Reading to the end has brought a drive there already. */
	if (at_end && e->to.image == NULL && pos->known &&
	    pos->object == e->kept.objects)
		return PMTIMG_DONE;
	if (tape_locate(e->to.tape, 0, e->kept.objects, &cond) < 0)
		return pmtimg_tape_failed(&e->to);
	if (cond == TAPE_NONE && pos->object == e->kept.objects)
		return PMTIMG_DONE;
	log_error("%s: has no object %" PRIu64 " to go on at", e->to.name,
	    e->kept.objects);
	return PMTIMG_FAILED;
}

/*
 * A drive that can't erase ends its data where something is written: the last
 * object that is kept, once more.
 */
static int
write_last_again(struct pmtimg_engine *e)
{
	uint64_t last = e->kept.objects - 1;
	uint8_t *buf = e->from.buf; /* the source has no more */
	enum tape_cond cond, unused;
	uint32_t done;
	size_t len;
	int r = tape_locate(e->to.tape, 0, last, &cond);

	if (r == 0)
		r = tape_read(e->to.tape, buf, TAPE_MAX_RECORD, &len, &cond);
	if (r == 0)
		r = tape_locate(e->to.tape, 0, last, &unused);
	if (r == 0 && cond == TAPE_FILEMARK)
		r = tape_write_filemarks(e->to.tape, 1, false, &done, &unused);
	else if (r == 0)
		r = tape_write(e->to.tape, buf, len, &unused);
	return r < 0 ? pmtimg_tape_failed(&e->to) : PMTIMG_DONE;
}

/* What the target has more than the source, or instead of it, goes. */
static int
cut_off(struct pmtimg_engine *e, const struct meeting *p)
{
	if (p->source.kind != PMTIMG_EOD)
		return PMTIMG_DONE; /* the next object overwrites it */
	if (tape_erase(e->to.tape, false) == 0)
		return PMTIMG_DONE;
	return e->kept.objects > 0 ? write_last_again(e)
				   : pmtimg_tape_failed(&e->to);
}

/*
 * Whether the target has nothing more than a filemark: st writes that when a
 * program dies that was writing, and so do servers of rmt.
 */
static bool
is_last_mark(struct pmtimg_walk *w, const struct meeting *p)
{
	struct pmtimg_step next;

	if (p->target.kind != PMTIMG_FILEMARK)
		return false;
	pmtimg_walk_next(w, &next);
	return next.kind == PMTIMG_EOD;
}

static void
tell_kept(const struct pmtimg_engine *e)
{
	char words[PMTIMG_EXTENT_WORDS];

	if (!e->s->quiet)
		(void)printf("the same on both: %s\n",
		    pmtimg_extent_words(&e->kept, words));
}

/* Decides what is to be done there. */
static int
go_on(struct pmtimg_engine *e, struct pmtimg_walk *w, const struct meeting *p)
{
	bool at_end = p->target.kind == PMTIMG_EOD;
	int status;

	e->volume.any = e->kept.objects > 0;
	pmtimg_chain_again(&e->from, &p->source);
	if (p->how == PMTIMG_SAME || pmtimg_compare_is_bad(&p->source)) {
		tell_kept(e);
		return PMTIMG_DONE; /* all is there; or the copy says why not */
	}
	if (!at_end && !e->s->overwrite && !is_last_mark(w, p))
		return refuse(e, p);
	status = stand_behind(e, at_end);
	if (status == PMTIMG_DONE && !at_end)
		status = cut_off(e, p);
	if (status == PMTIMG_DONE)
		tell_kept(e);
	return status;
}

int
pmtimg_resume_find(struct pmtimg_engine *e)
{
	uint8_t *buf = pmtimg_walk_buffer();
	struct pmtimg_walk walk;
	struct meeting meeting;
	int status = pmtimg_walk_start(&walk, &e->to, 0, buf);

	walk.want = TAPE_MAX_RECORD;
	if (status == PMTIMG_DONE)
		status = read_both(e, &walk, &meeting);
	progress_hide(&e->progress);
	if (status == PMTIMG_DONE)
		status = go_on(e, &walk, &meeting);
	free(buf);
	return status;
}
