/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See pmtimg_engine.h.
 *
 * Going on to the next volume: early warning makes a volume full; the record
 * that met it is on it, filemarks still go there, and the next record goes to
 * the next volume.  A record that meets the end itself is not on the volume and
 * goes to the next one.  Then the full volume is closed with a filemark, which
 * is not the source's.  Should that mark not fit any more, then either the last
 * object is a record, and there is no closing mark; or it is a filemark of the
 * source: then that one is the closing mark, and is written again as the first
 * object of the next volume.  Both ways, whoever reads the volumes and leaves
 * out a filemark at the end of each but the last has the source again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "pmtimg_engine.h"
#include "pmtimg_stop.h"
#include "pmtimg_text.h"

/* What was to be written and met the end of the tape. */
#define FULL 1

/* ---- The volumes that are written --------------------------------------- */

bool
pmtimg_engine_blank(struct pmtimg_tape *t)
{
	bool blank = true;
	enum tape_cond cond;
	uint8_t byte;
	size_t len;

	for (uint32_t i = t->partitions; blank && i > 0; i--) {
		if (tape_locate(t->tape, i - 1, 0, &cond) < 0)
			return false;
		blank = tape_read(t->tape, &byte, 1, &len, &cond) == 0 &&
		    cond == TAPE_EOD;
	}
	return tape_locate(t->tape, 0, 0, &cond) == 0 && blank;
}

void
pmtimg_engine_measure(struct pmtimg_engine *e)
{
	tape_describe(e->to.tape, &e->info);
}

int
pmtimg_engine_attach(struct pmtimg_engine *e, const char *named)
{
	char *name;
	int status;

	if (e->n_written == PMTIMG_MAX_VOLUMES) {
		log_error("%d volumes, which is the most", PMTIMG_MAX_VOLUMES);
		return PMTIMG_FAILED;
	}
	name = pmtimg_text_need(strdup(named));
	e->written[e->n_written++] = name;
	e->volume = (struct pmtimg_volume){ .any = false };
	status = pmtimg_tape_open(&e->to, name, PMTIMG_TO_WRITE);
	if (status != PMTIMG_DONE)
		return status;
	pmtimg_engine_measure(e);
	if (e->info.write_protected) {
		log_error("%s: write protected", name);
		return PMTIMG_FAILED;
	}
	return PMTIMG_DONE;
}

int
pmtimg_engine_open(struct pmtimg_engine *e, const char *named)
{
	int status = pmtimg_engine_attach(e, named);

	if (status != PMTIMG_DONE || pmtimg_engine_blank(&e->to))
		return status;
	if (!e->s->overwrite) {
		log_error("%s: is not blank, and is left as it is; name "
			  "another "
			  "tape, or overwrite it with --overwrite",
		    e->to.name);
		return PMTIMG_FAILED;
	}
	if (tape_rewind(e->to.tape) < 0)
		return pmtimg_tape_failed(&e->to);
	/* Where a drive can't erase, the first object overwrites all. */
	e->volume.stale = tape_erase(e->to.tape, false) < 0;
	if (e->volume.stale &&
	    (!e->to.tape->pos.known || e->to.tape->pos.object != 0))
		return pmtimg_tape_failed(&e->to);
	return PMTIMG_DONE;
}

static void
tell_volume(const struct pmtimg_engine *e)
{
	const struct pmtimg_volume *v = &e->volume;

	(void)printf("volume %u: %s: %" PRIu64 " record%s (%" PRIu64
		     " bytes), %" PRIu64 " filemark%s%s\n",
	    e->n_written, e->to.name, v->records, pmtimg_text_s(v->records),
	    v->bytes, v->filemarks, pmtimg_text_s(v->filemarks),
	    v->closed ? ", and a closing filemark" : "");
}

int
pmtimg_engine_close(struct pmtimg_engine *e)
{
	enum tape_cond cond;
	uint32_t done;
	int status = PMTIMG_DONE;

	if (e->to.tape == NULL)
		return PMTIMG_DONE;
	if (tape_write_filemarks(e->to.tape, 0, false, &done, &cond) < 0)
		status = pmtimg_tape_failed(&e->to);
	if (e->volume.stale && !e->volume.any) {
		log_error("%s: can't be erased, and holds what it held",
		    e->to.name);
		status = PMTIMG_FAILED;
	}
	if (!e->s->quiet && (e->n_written > 1 || e->volume.closed))
		tell_volume(e);
	if (status == PMTIMG_DONE)
		return pmtimg_tape_close(&e->to);
	(void)pmtimg_tape_close(&e->to); /* one message is enough */
	return status;
}

/* The closing filemark; see the top of this file for when it does not fit. */
static int
close_full(struct pmtimg_engine *e)
{
	struct pmtimg_volume *v = &e->volume;
	enum tape_cond cond;
	uint32_t done;
	int r = tape_write_filemarks(e->to.tape, 1, false, &done, &cond);

	if (r < 0 && r != -ENOSPC)
		return pmtimg_tape_failed(&e->to);
	v->closed = r == 0 || v->last_is_mark;
	if (r < 0 && v->last_is_mark) {
		v->filemarks--;
		e->filemarks--;
		e->carry = true;
	}
	return pmtimg_engine_close(e);
}

/* Asks the user; false: there is to be no other volume. */
static bool
ask(struct pmtimg_engine *e)
{
	size_t size = 0;
	ssize_t n;

	progress_hide(&e->progress);
	(void)fprintf(stderr, "volume %u: which tape? (empty: stop) ",
	    e->n_written + 1);
	free(e->asked);
	e->asked = NULL;
	pmtimg_stop_interrupts(true);
	n = getline(&e->asked, &size, stdin);
	pmtimg_stop_interrupts(false);
	if (n > 0 && e->asked[n - 1] == '\n')
		e->asked[--n] = '\0';
	return n > 0 && pmtimg_stop_signal() == 0;
}

static const char *
next_name(struct pmtimg_engine *e)
{
	if (e->i + 1 < e->n_names)
		return e->names[++e->i];
	if (e->s->prompt && ask(e))
		return e->asked;
	return NULL;
}

struct pmtimg_extent
pmtimg_engine_extent(const struct pmtimg_engine *e)
{
	struct pmtimg_extent all = e->kept;

	all.objects += e->records + e->filemarks;
	all.records += e->records;
	all.bytes += e->bytes;
	all.filemarks += e->filemarks;
	return all;
}

static int
no_room(const struct pmtimg_engine *e)
{
	struct pmtimg_extent all = pmtimg_engine_extent(e);
	char words[PMTIMG_EXTENT_WORDS];

	if (e->resumes)
		log_error("%s: %s; it holds the first %s of %s, and the rest "
			  "does not fit: take a longer tape, and resume there",
		    e->to.name, pmtimg_tape_why(&e->to),
		    pmtimg_extent_words(&all, words), e->from.tape.name);
	else
		log_error("%s: %s; %s", e->to.name, pmtimg_tape_why(&e->to),
		    e->spans ? "not even one object fits on this volume"
			     : "give it more room, or copy to several volumes");
	return PMTIMG_FAILED;
}

static int put_mark(struct pmtimg_engine *e);

/* The tape is full, and there is more to write. */
static int
next_volume(struct pmtimg_engine *e)
{
	const char *full = e->to.name, *name;
	int status;

	progress_hide(&e->progress);
	if (!e->spans || !e->volume.any)
		return no_room(e);
	status = close_full(e);
	if (status != PMTIMG_DONE)
		return status;
	name = next_name(e);
	if (name == NULL) {
		log_error("%s: full after volume %u, and there is no other tape"
			  "; the copy is not complete",
		    full, e->n_written);
		return PMTIMG_FAILED;
	}
	status = pmtimg_engine_open(e, name);
	if (status == PMTIMG_DONE && e->carry) {
		e->carry = false;
		status = put_mark(e);
	}
	return status;
}

/* ---- One object --------------------------------------------------------- */

static int
put_mark(struct pmtimg_engine *e)
{
	enum tape_cond cond;
	uint32_t done;
	int status, r;

	r = tape_write_filemarks(e->to.tape, 1, true, &done, &cond);
	if (r == -ENOSPC) {
		status = next_volume(e);
		return status == PMTIMG_DONE ? put_mark(e) : status;
	}
	if (r < 0)
		return pmtimg_tape_failed(&e->to);
	e->volume.full |= cond == TAPE_EARLY_WARNING;
	e->volume.any = e->volume.last_is_mark = true;
	e->volume.filemarks++;
	e->filemarks++;
	return PMTIMG_DONE;
}

/* A loss that has been allowed, or the end of the copy. */
static int lose(struct pmtimg_engine *e, const struct pmtimg_step *step,
    uint64_t *count, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static int
lose(struct pmtimg_engine *e, const struct pmtimg_step *step, uint64_t *count,
    const char *fmt, ...)
{
	const char *name = e->from.tape.name;
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap); /* cut is fine */
	va_end(ap);
	progress_hide(&e->progress);
	++*count;
	if (e->loses) {
		(void)printf("lost: %s: object %" PRIu64 ", offset %" PRIu64
			     ": %s\n",
		    name, step->object, step->at, what);
		return PMTIMG_DONE;
	}
	log_error("%s: object %" PRIu64 ", offset %" PRIu64 ": %s; %s", name,
	    step->object, step->at, what,
	    e->resumes ? "what precedes is copied"
		       : "--lossy goes on, and lists what it loses");
	return PMTIMG_FAILED;
}

/* Returns FULL, too. */
static int
write_record(struct pmtimg_engine *e, const struct pmtimg_step *step)
{
	enum tape_cond cond;
	int r = tape_write(e->to.tape, e->from.buf, step->len, &cond);

	if (r == -ENOSPC && cond == TAPE_EOM)
		return FULL;
	if (r == -EINVAL)
		return lose(e, step, &e->loss.refused, "left out: %s",
		    pmtimg_tape_why(&e->to));
	if (r < 0)
		return pmtimg_tape_failed(&e->to);
	e->volume.full |= cond == TAPE_EARLY_WARNING;
	e->volume.any = true;
	e->volume.last_is_mark = false;
	e->volume.records++;
	e->volume.bytes += step->len;
	e->records++;
	e->bytes += step->len;
	return PMTIMG_DONE;
}

static int
put_record(struct pmtimg_engine *e, const struct pmtimg_step *step)
{
	int status = PMTIMG_DONE;

	if (e->volume.full && e->spans)
		status = next_volume(e);
	while (status == PMTIMG_DONE) {
		int r = write_record(e, step);

		if (r != FULL)
			return r;
		status = next_volume(e);
	}
	return status;
}

static int
take_record(struct pmtimg_engine *e, const struct pmtimg_step *step)
{
	int status = PMTIMG_DONE;

	if (step->bad && step->len == 0)
		return lose(e, step, &e->loss.empty,
		    "left out: a record that could not be read when the tape "
		    "was");
	if (step->len > e->info.max_record)
		return lose(e, step, &e->loss.too_large,
		    "left out: a record of %zu bytes; %" PRIu32
		    " is the most here",
		    step->len, e->info.max_record);
	if (step->len < e->info.min_record)
		return lose(e, step, &e->loss.too_small,
		    "left out: a record of %zu bytes; %" PRIu32
		    " is the least here",
		    step->len, e->info.min_record);
	if (step->bad)
		status = lose(e, step, &e->loss.bad,
		    "a record that was read with an error; it is copied, but "
		    "without that mark");
	return status == PMTIMG_DONE ? put_record(e, step) : status;
}

/* Goes on behind damage, if that is allowed and there is anything. */
static int
take_damage(struct pmtimg_engine *e, const struct pmtimg_step *step,
    bool *ret_end)
{
	char why[sizeof(e->from.tape.tape->why)];
	int r = 0, status;

	(void)snprintf(why, sizeof(why), "%s",
	    pmtimg_tape_why_at(&e->from.tape, step->at));
	if (e->loses)
		r = pmtimg_walk_skip(&e->from.walk, step);
	status = lose(e, step, &e->loss.damaged, "%s%s", why,
	    r == 0 ? "" : "; nothing that can be read follows");
	*ret_end = r < 0;
	return status;
}

static int
take(struct pmtimg_engine *e, const struct pmtimg_step *step, bool *ret_end)
{
	switch (step->kind) {
	case PMTIMG_RECORD:
		return take_record(e, step);
	case PMTIMG_FILEMARK:
		return put_mark(e);
	case PMTIMG_DAMAGE:
		return take_damage(e, step, ret_end);
	case PMTIMG_EOD:
	default:
		*ret_end = true;
		return PMTIMG_DONE;
	}
}

static int
stopped(struct pmtimg_engine *e, const struct pmtimg_step *last, bool any)
{
	progress_hide(&e->progress);
	if (any)
		log_error("stopped by %s after object %" PRIu64
			  " (offset %" PRIu64 ") of %s; %s holds all that "
			  "precedes, in whole records%s",
		    pmtimg_stop_name(), last->object, last->at,
		    e->from.tape.name, e->to.name,
		    e->resumes ? "; the same command goes on there" : "");
	else
		log_error("stopped by %s before the first object of %s",
		    pmtimg_stop_name(), e->from.tape.name);
	return 128 + pmtimg_stop_signal();
}

int
pmtimg_engine_run(struct pmtimg_engine *e)
{
	struct pmtimg_step step = { .kind = PMTIMG_EOD };
	bool end = false, any = false;
	int status = PMTIMG_DONE;

	while (status == PMTIMG_DONE && !end) {
		if (pmtimg_stop_signal() != 0)
			return stopped(e, &step, any);
		status = pmtimg_chain_next(&e->from, &step);
		if (status != PMTIMG_DONE)
			break;
		status = take(e, &step, &end);
		any = true;
		progress_at(&e->progress, pmtimg_chain_done(&e->from));
	}
	/* A question that a signal has ended is no failure of its own. */
	if (status != PMTIMG_DONE && pmtimg_stop_signal() != 0)
		return 128 + pmtimg_stop_signal();
	return status;
}

void
pmtimg_engine_free(struct pmtimg_engine *e)
{
	for (unsigned i = 0; i < e->n_written; i++)
		free(e->written[i]);
	free(e->asked);
}

void
pmtimg_engine_tell_loss(const struct pmtimg_engine *e)
{
	const struct pmtimg_loss *l = &e->loss;
	const struct {
		uint64_t n;
		const char *what;
	} losses[] = {
		{ l->too_large, "too large, left out" },
		{ l->too_small, "too small, left out" },
		{ l->refused, "that the format can't hold, left out" },
		{ l->empty, "bad and without data, left out" },
		{ l->bad, "bad, copied without the mark" },
	};

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (losses[i].n > 0)
			(void)printf("lost in all: %" PRIu64 " record%s %s\n",
			    losses[i].n, pmtimg_text_s(losses[i].n),
			    losses[i].what);
	if (l->damaged > 0)
		(void)printf("lost in all: what was at %" PRIu64
			     " damaged place%s\n",
		    l->damaged, pmtimg_text_s(l->damaged));
}
