/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg convert: any tape to a new image of any format.
 *
 * Before anything is written the source is surveyed, which for an image means
 * its structure without the data, and compared with what the new image can
 * hold.  Whatever would be lost is told, and unless --lossy says that this is
 * fine, that is all: the image that was made is removed again.  It is also
 * removed if the conversion fails, but for --keep; it is then whole records up
 * to where it failed.  A signal keeps it in any case.
 *
 * To lose compression is not a loss: the data are the same.  To lose encryption
 * is one, of another kind.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_engine.h"
#include "pmtimg_made.h"
#include "pmtimg_stop.h"
#include "pmtimg_text.h"

/* One kind of loss: how often, and where first. */
struct finding {
	uint64_t n;
	uint64_t object, at;
	size_t len;
};

struct survey {
	struct finding too_large, too_small, bad, damage;
	char why[300]; /* the first damage */
};

struct convert {
	struct pmtimg_engine engine;
	struct pmtimg_made made;
	char *target;	 /* the spec of it */
	bool partitions; /* all of the source's can be kept */
};

/* ---- The target --------------------------------------------------------- */

/* The spec of the target, with its options. */
static int
name_target(struct convert *c, const struct pmtimg_settings *s)
{
	const char *option = s->format != NULL ? "--to"
	    : s->compress != NULL	       ? "--compress"
	    : s->level != NULL		       ? "--level"
	    : s->key != NULL		       ? "--key"
	    : s->block != NULL		       ? "--block"
					       : NULL;

	c->target = pmtimg_tape_text(s->args[1]);
	if (option != NULL && strncmp(c->target, "file:", 5) != 0) {
		log_error("%s: %s is for images; give it inside the spec",
		    s->args[1], option);
		return PMTIMG_USAGE;
	}
	pmtimg_tape_add(&c->target, "format", s->format);
	pmtimg_tape_add(&c->target, "compress", s->compress);
	pmtimg_tape_add(&c->target, "level", s->level);
	pmtimg_tape_add(&c->target, "key", s->key);
	pmtimg_tape_add(&c->target, "block", s->block);
	return PMTIMG_DONE;
}

/* Makes the file of the target, so that it is known to be ours. */
static int
make_target(struct convert *c)
{
	const struct image_format *f;
	const char *path, *format;
	struct spec *spec;
	struct stat st;
	int status = pmtimg_tape_parse(c->target, PMTIMG_TO_WRITE, &spec);

	if (status != PMTIMG_DONE)
		return status;
	path = pmtimg_tape_path(spec);
	if (path != NULL && lstat(path, &st) < 0 && errno == ENOENT) {
		format = spec_text(spec, "format", NULL);
		f = format == NULL ? image_format_by_suffix(path)
				   : image_format_named(format);
		/* What is NULL here is refused by the tape, in words. */
		status =
		    pmtimg_made_make(&c->made, path, f != NULL && f->directory);
	}
	spec_free(spec);
	return status;
}

/* Removes what was made, or makes blank again what was blank. */
static void
undo(struct convert *c)
{
	struct pmtimg_engine *e = &c->engine;

	if (c->made.path == NULL && e->to.tape != NULL &&
	    !e->info.write_protected && e->volume.any) {
		/* If this fails, too, its message was the one before. */
		(void)tape_rewind(e->to.tape);
		(void)tape_erase(e->to.tape, false);
	}
	(void)pmtimg_tape_close(&e->to);
	pmtimg_made_remove(&c->made);
}

/* ---- What would be lost ------------------------------------------------- */

static void
find(struct finding *f, const struct pmtimg_step *step)
{
	if (f->n++ > 0)
		return;
	f->object = step->object;
	f->at = step->at;
	f->len = step->len;
}

static void
survey_step(const struct convert *c, struct survey *v,
    const struct pmtimg_step *step)
{
	const struct tape_info *to = &c->engine.info;

	if (step->kind == PMTIMG_DAMAGE) {
		if (v->damage.n == 0)
			(void)snprintf(v->why, sizeof(v->why), "%s",
			    pmtimg_tape_why_at(&c->engine.from.tape, step->at));
		find(&v->damage, step);
	}
	if (step->kind != PMTIMG_RECORD)
		return;
	if (step->bad)
		find(&v->bad, step);
	else if (step->len > to->max_record)
		find(&v->too_large, step);
	else if (step->len < to->min_record)
		find(&v->too_small, step);
}

/* The structure of an image; other tapes would have to be read for it. */
static int
survey(struct convert *c, struct survey *v)
{
	struct pmtimg_engine *e = &c->engine;
	struct pmtimg_step step = { .kind = PMTIMG_EOD };
	struct pmtimg_walk w;
	int status = PMTIMG_DONE;

	if (e->from.tape.image == NULL)
		return PMTIMG_DONE;
	for (uint32_t i = 0; i < e->from.tape.partitions; i++) {
		status = pmtimg_walk_start(&w, &e->from.tape, i, e->from.buf);
		if (status != PMTIMG_DONE)
			return status;
		do {
			if (pmtimg_stop_signal() != 0) {
				log_error("stopped by %s before anything was "
					  "written",
				    pmtimg_stop_name());
				return 128 + pmtimg_stop_signal();
			}
			pmtimg_walk_next(&w, &step);
			survey_step(c, v, &step);
		} while (step.kind != PMTIMG_EOD &&
		    (step.kind != PMTIMG_DAMAGE ||
			pmtimg_walk_skip(&w, &step) == 0));
	}
	return status;
}

static uint64_t
tell_finding(const struct finding *f, const char *what, const char *why)
{
	if (f->n > 0)
		log_error("would be lost: %" PRIu64 " %s%s, the first at "
			  "object %" PRIu64 ", offset %" PRIu64 "%s%s",
		    f->n, what, pmtimg_text_s(f->n), f->object, f->at,
		    why[0] == '\0' ? "" : ": ", why);
	return f->n;
}

/* Tells all of it; whether there is any. */
static bool
tell_survey(const struct convert *c, const struct survey *v)
{
	const struct pmtimg_tape *from = &c->engine.from.tape;
	const struct tape_info *to = &c->engine.info;
	struct image_info is, becomes;
	char limit[64];
	uint64_t n = 0;

	(void)snprintf(limit, sizeof(limit), "%zu bytes; the most is %" PRIu32,
	    v->too_large.len, to->max_record);
	n += tell_finding(&v->too_large, "too large record", limit);
	(void)snprintf(limit, sizeof(limit), "%zu bytes; the least is %" PRIu32,
	    v->too_small.len, to->min_record);
	n += tell_finding(&v->too_small, "too small record", limit);
	n += tell_finding(&v->bad, "bad record",
	    "the data can be kept, but not the mark");
	n += tell_finding(&v->damage, "damaged place", v->why);
	if (!c->partitions) {
		log_error("would be lost: all partitions but the first of "
			  "%" PRIu32 "; the target has %" PRIu32 " at the most",
		    from->partitions, to->max_partitions);
		n++;
	}
	if (from->image == NULL || c->engine.to.image == NULL)
		return n > 0;
	image_describe(from->image, &is);
	image_describe(c->engine.to.image, &becomes);
	if (is.encrypted && !becomes.encrypted) {
		log_error("would be lost: encryption; --key FILE keeps one");
		n++;
	}
	return n > 0;
}

static int
look_ahead(struct convert *c)
{
	struct pmtimg_engine *e = &c->engine;
	struct survey found = { .why = "" };
	int status;

	c->partitions = e->from.tape.partitions <= e->info.max_partitions;
	if (e->s->lossy)
		return PMTIMG_DONE; /* each loss is told when it happens */
	status = survey(c, &found);
	if (status != PMTIMG_DONE || !tell_survey(c, &found))
		return status;
	log_error("%s: not converted; --lossy converts the rest, and lists "
		  "what it loses",
	    e->from.tape.name);
	return PMTIMG_FAILED;
}

/* ---- Converting --------------------------------------------------------- */

/* As many partitions as the source has. */
static int
make_partitions(struct convert *c)
{
	struct pmtimg_tape *to = &c->engine.to;

	if (c->engine.from.tape.partitions == 1 || !c->partitions)
		return PMTIMG_DONE;
	if (tape_format(to->tape, c->engine.from.tape.partitions, 0) < 0)
		return pmtimg_tape_failed(to);
	return PMTIMG_DONE;
}

static int
convert_partitions(struct convert *c)
{
	struct pmtimg_engine *e = &c->engine;
	uint32_t n = c->partitions ? e->from.tape.partitions : 1;
	enum tape_cond cond;
	int status = make_partitions(c);

	if (!c->partitions)
		(void)printf("lost: %s: all partitions but the first of "
			     "%" PRIu32 "; the target has too few\n",
		    e->from.tape.name, e->from.tape.partitions);
	for (uint32_t i = 0; i < n && status == PMTIMG_DONE; i++) {
		status = pmtimg_chain_select(&e->from, i);
		if (status != PMTIMG_DONE)
			return status;
		if (tape_locate(e->to.tape, i, 0, &cond) < 0)
			return pmtimg_tape_failed(&e->to);
		pmtimg_engine_measure(e);
		status = pmtimg_engine_run(e);
	}
	return status;
}

/* What has changed besides the records. */
static void
tell_changes(const struct convert *c)
{
	const struct pmtimg_engine *e = &c->engine;
	struct image_info is, becomes;

	if (e->from.tape.image == NULL || e->to.image == NULL)
		return;
	image_describe(e->from.tape.image, &is);
	image_describe(e->to.image, &becomes);
	if (is.encrypted && !becomes.encrypted)
		(void)puts("lost: encryption: the new image is not encrypted");
	if (is.compress && !becomes.compress && !e->s->quiet)
		(void)puts("note: the source is compressed, the new image is "
			   "not");
}

static void
tell_result(const struct convert *c)
{
	const struct pmtimg_engine *e = &c->engine;

	if (!e->s->quiet)
		(void)printf("converted: %" PRIu64 " record%s (%" PRIu64
			     " bytes) and %" PRIu64 " filemark%s\n",
		    e->records, pmtimg_text_s(e->records), e->bytes,
		    e->filemarks, pmtimg_text_s(e->filemarks));
	pmtimg_engine_tell_loss(e);
}

static int
work(struct convert *c, uint64_t total)
{
	struct pmtimg_engine *e = &c->engine;
	int status = pmtimg_engine_open(e, c->target);

	if (status == PMTIMG_DONE)
		status = look_ahead(c);
	if (status != PMTIMG_DONE) {
		undo(c);
		return status;
	}
	progress_start(&e->progress, e->s->progress, "convert", total);
	status = convert_partitions(c);
	progress_end(&e->progress);
	if (status == PMTIMG_DONE)
		tell_changes(c);
	if (status == PMTIMG_FAILED && !e->s->keep) {
		undo(c);
		return status;
	}
	if (status == PMTIMG_FAILED)
		log_error("%s: kept, with what precedes", e->to.name);
	if (pmtimg_engine_close(e) != PMTIMG_DONE && status == PMTIMG_DONE)
		status = PMTIMG_FAILED;
	return status;
}

/* Both ends are opened in turn: the source first, which must be there. */
static int
convert(struct convert *c, uint8_t *buf)
{
	struct pmtimg_engine *e = &c->engine;
	const struct pmtimg_settings *s = e->s;
	uint64_t total = 0;
	int status = name_target(c, s);

	if (status == PMTIMG_DONE)
		status = pmtimg_tape_sizes(s->args, 1, &total);
	if (status == PMTIMG_DONE)
		status = pmtimg_chain_open(&e->from, s->args, 1, 0, buf);
	if (status == PMTIMG_DONE)
		status = make_target(c);
	if (status == PMTIMG_DONE)
		status = work(c, total);
	if (status == PMTIMG_DONE)
		tell_result(c);
	return status;
}

int
pmtimg_convert(const struct pmtimg_settings *s)
{
	struct convert *c = pmtimg_text_need(calloc(1, sizeof(*c)));
	uint8_t *buf = pmtimg_walk_buffer();
	int status;

	c->engine.s = s;
	c->engine.loses = s->lossy;
	pmtimg_stop_arm();
	status = convert(c, buf);
	pmtimg_chain_close(&c->engine.from);
	pmtimg_engine_free(&c->engine);
	pmtimg_made_free(&c->made);
	free(c->target);
	free(buf);
	free(c);
	return status;
}
