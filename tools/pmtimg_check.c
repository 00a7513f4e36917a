/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg check: reads everything, and tells of all that is wrong, not only of
 * the first.  After damage the image is searched for the next object that is
 * whole.  Numbers of objects are certain up to the first place where the
 * structure is damaged; from there on they count what has been found.
 *
 * A torn tail is what a program leaves that was no pmtd and died while it
 * wrote: the last record, cut short.  Only that can be repaired, by cutting it
 * off, and only if it is certain that nothing follows it:
 *
 *  1. there is one damage, and the image has been searched to its end for
 *     anything whole, by a format that can be searched and then at every
 *     offset, and nothing was found;
 *  2. the format says that the file ends inside the object;
 *  3. what would go is less than the largest record of the format;
 *  4. there is one partition, in one host file, whose offsets are the image's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostfile.h"
#include "log.h"
#include "pmtimg.h"
#include "pmtimg_stop.h"
#include "pmtimg_text.h"
#include "pmtimg_walk.h"

struct check {
	const struct pmtimg_settings *s;
	struct pmtimg_tape t;
	struct progress progress;
	struct pmtimg_array array;
	struct pmtimg_walk walk;
	uint32_t partition;
	uint64_t damages, flaws, bad;	    /* places, places, records */
	uint64_t records, bytes, filemarks; /* that can be read */
	struct pmtimg_step last;	    /* the last damage */
	bool torn;			    /* the file ends inside it */
	int after_last; /* what skipping it gave: -ENODATA: nothing follows */
};

/* ---- What is told ------------------------------------------------------- */

static json_t *
finding_json(const struct check *c, const struct pmtimg_step *step,
    const char *kind)
{
	json_t *o = pmtimg_text_need(json_object());

	/* None of these fails but for memory, which ends the program. */
	(void)json_object_set_new(o, "kind", pmtimg_text_json(kind));
	(void)json_object_set_new(o, "partition",
	    pmtimg_text_number(c->partition));
	(void)json_object_set_new(o, "object",
	    pmtimg_text_number(step->object));
	(void)json_object_set_new(o, "object_exact", json_boolean(step->exact));
	(void)json_object_set_new(o, "offset", pmtimg_text_number(step->at));
	return o;
}

/* "partition 1, object 3 or later, offset 88" */
static void
print_place(const struct check *c, const struct pmtimg_step *step,
    const char *kind)
{
	(void)printf("%s: ", kind);
	if (c->t.partitions > 1)
		(void)printf("partition %" PRIu32 ", ", c->partition);
	(void)printf("object %" PRIu64 "%s, offset %" PRIu64 ": ", step->object,
	    step->exact ? "" : " or later", step->at);
}

static void
tell_damage(struct check *c, const struct pmtimg_step *step, const char *why)
{
	bool on = c->after_last == 0;

	progress_hide(&c->progress);
	if (c->s->json) {
		json_t *o = finding_json(c, step, "damage");

		(void)json_object_set_new(o, "words", pmtimg_text_json(why));
		(void)json_object_set_new(o, "continues",
		    on ? pmtimg_text_number(c->walk.at) : json_null());
		pmtimg_text_element(&c->array, o);
		return;
	}
	print_place(c, step, "damage");
	if (on)
		(void)printf("%s; goes on at offset %" PRIu64 "\n", why,
		    c->walk.at);
	else
		(void)printf("%s; %s\n", why,
		    c->after_last == -ENODATA
			? "nothing that can be read follows"
			: "what follows can't be found");
}

static void
tell_bad(struct check *c, const struct pmtimg_step *step)
{
	progress_hide(&c->progress);
	if (c->s->json) {
		json_t *o = finding_json(c, step, "bad");

		(void)json_object_set_new(o, "bytes",
		    pmtimg_text_number(step->len));
		pmtimg_text_element(&c->array, o);
		return;
	}
	print_place(c, step, "bad");
	if (c->t.image == NULL)
		(void)printf("can't be read: %s\n", pmtimg_tape_why(&c->t));
	else
		(void)printf("recorded as read with an error; %zu byte%s there"
			     "\n",
		    step->len, step->len == 1 ? " is" : "s are");
}

/*
 * Something that is damaged, but that nobody needs to read the tape; a power
 * cut leaves such a thing, too, so it does not make the tape a damaged one.
 */
static void
tell_flaw(void *arg, uint64_t at, const char *what)
{
	struct check *c = arg;
	json_t *o;

	c->flaws++;
	progress_hide(&c->progress);
	if (!c->s->json) {
		(void)printf("flaw: ");
		if (c->t.partitions > 1)
			(void)printf("partition %" PRIu32 ", ", c->partition);
		(void)printf("offset %" PRIu64 ": %s; no data is lost by it\n",
		    at, what);
		return;
	}
	o = pmtimg_text_need(json_object());
	(void)json_object_set_new(o, "kind", pmtimg_text_json("flaw"));
	(void)json_object_set_new(o, "partition",
	    pmtimg_text_number(c->partition));
	(void)json_object_set_new(o, "offset", pmtimg_text_number(at));
	(void)json_object_set_new(o, "words", pmtimg_text_json(what));
	pmtimg_text_element(&c->array, o);
}

static void
tell_summary(struct check *c)
{
	bool clean = c->damages == 0 && c->bad == 0;
	json_t *o;

	if (!c->s->json) {
		(void)printf("%s: %s: %" PRIu64 " damaged place%s, %" PRIu64
			     " bad record%s; %" PRIu64 " record%s (%" PRIu64
			     " bytes) and %" PRIu64 " filemark%s can be read\n",
		    c->t.name,
		    !clean	       ? "damaged"
			: c->flaws > 0 ? "clean, but for flaws"
				       : "clean",
		    c->damages, pmtimg_text_s(c->damages), c->bad,
		    pmtimg_text_s(c->bad), c->records,
		    pmtimg_text_s(c->records), c->bytes, c->filemarks,
		    pmtimg_text_s(c->filemarks));
		return;
	}
	o = pmtimg_text_need(json_object());
	(void)json_object_set_new(o, "kind", pmtimg_text_json("summary"));
	(void)json_object_set_new(o, "clean", json_boolean(clean));
	(void)json_object_set_new(o, "damaged", pmtimg_text_number(c->damages));
	(void)json_object_set_new(o, "flaws", pmtimg_text_number(c->flaws));
	(void)json_object_set_new(o, "bad", pmtimg_text_number(c->bad));
	(void)json_object_set_new(o, "records", pmtimg_text_number(c->records));
	(void)json_object_set_new(o, "bytes", pmtimg_text_number(c->bytes));
	(void)json_object_set_new(o, "filemarks",
	    pmtimg_text_number(c->filemarks));
	pmtimg_text_element(&c->array, o);
}

/* ---- Reading ------------------------------------------------------------ */

/* Passes over damage.  False: this was the end of what can be read. */
static bool
take_damage(struct check *c, const struct pmtimg_step *step)
{
	char why[sizeof(c->t.tape->why)];

	(void)snprintf(why, sizeof(why), "%s",
	    pmtimg_tape_why_at(&c->t, step->at));
	c->damages++;
	c->last = *step;
	c->torn = c->t.image != NULL && c->t.image->torn && !step->passed;
	c->after_last = pmtimg_walk_skip(&c->walk, step);
	tell_damage(c, step, why);
	return c->after_last == 0;
}

static void
take_record(struct check *c, const struct pmtimg_step *step)
{
	if (step->bad) {
		c->bad++;
		tell_bad(c, step);
		return;
	}
	c->records++;
	c->bytes += step->len;
}

static int
check_partition(struct check *c, uint8_t *buf)
{
	struct pmtimg_step step;
	int status = pmtimg_walk_start(&c->walk, &c->t, c->partition, buf);

	if (status != PMTIMG_DONE)
		return PMTIMG_UNCHECKED;
	c->walk.want = TAPE_MAX_RECORD;
	while (pmtimg_stop_signal() == 0) {
		pmtimg_walk_next(&c->walk, &step);
		progress_at(&c->progress, step.end);
		if (step.kind == PMTIMG_RECORD)
			take_record(c, &step);
		else if (step.kind == PMTIMG_FILEMARK)
			c->filemarks++;
		else if (step.kind == PMTIMG_EOD || !take_damage(c, &step))
			return PMTIMG_DONE;
	}
	progress_hide(&c->progress);
	log_error("%s: stopped by %s at object %" PRIu64 "; what is said is of "
		  "what precedes",
	    c->t.name, pmtimg_stop_name(), c->walk.object);
	return 128 + pmtimg_stop_signal();
}

static int
check_all(struct check *c)
{
	uint8_t *buf = pmtimg_walk_buffer();
	int status = PMTIMG_DONE;

	for (uint32_t i = 0; i < c->t.partitions && status == PMTIMG_DONE;
	     i++) {
		c->partition = i;
		status = check_partition(c, buf);
		if (status == PMTIMG_DONE && c->t.image != NULL &&
		    image_flaws(c->t.image, tell_flaw, c) < 0)
			status = PMTIMG_UNCHECKED;
	}
	free(buf);
	tell_summary(c);
	if (status == PMTIMG_DONE && (c->damages > 0 || c->bad > 0))
		status = PMTIMG_FAILED;
	return status;
}

/* ---- Repairing ---------------------------------------------------------- */

/*
 * Whether a whole record begins anywhere behind the damage.  More suspicious
 * than image_resync(), which passes over what does not convince it: here the
 * question is what might be lost.
 */
static bool
anything_follows(struct image *image, uint64_t at, uint64_t size)
{
	struct image_object object;

	for (at++; at < size; at++)
		if (image_next(image, at, &object) == 0 &&
		    object.kind == IMAGE_RECORD)
			return true;
	return false;
}

/* Why the damage is no torn tail, or NULL if it is one. */
static const char *
not_repairable(const struct check *c)
{
	struct image *image = c->t.image;
	uint64_t size;

	if (image == NULL || image->host == NULL || c->t.partitions > 1)
		return "only images that are one file and one partition can be "
		       "repaired";
	if (c->damages > 1)
		return "there is more than a torn tail";
	if (!c->torn)
		return "it is not certain that nothing but the end of a record "
		       "is "
		       "missing";
	if (image->format->resync == image_no_resync)
		return "its format does not allow to see whether good data "
		       "follows";
	if (c->after_last == 0)
		return "good data follows the damage";
	if (c->after_last != -ENODATA)
		return "what follows the damage can't be looked at";
	size = hostfile_size(image->host);
	if (c->last.at >= size ||
	    size - c->last.at >= image_cost(image, image->format->max_record))
		return "the damage is more than one record long";
	if (anything_follows(image, c->last.at, size))
		return "good data follows the damage";
	return image_protection(image);
}

/* What was done, in words, also for JSON. */
static void tell_repair(struct check *c, bool done, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
tell_repair(struct check *c, bool done, const char *fmt, ...)
{
	char words[400];
	va_list ap;
	json_t *o;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap); /* cut is fine */
	va_end(ap);
	if (!c->s->json) {
		(void)printf("%s: %s\n", c->t.name, words);
		return;
	}
	o = pmtimg_text_need(json_object());
	(void)json_object_set_new(o, "kind", pmtimg_text_json("repair"));
	(void)json_object_set_new(o, "repaired", json_boolean(done));
	(void)json_object_set_new(o, "words", pmtimg_text_json(words));
	pmtimg_text_element(&c->array, o);
}

/* Cuts, and looks whether the image then ends where it should. */
static int
cut_tail(struct check *c)
{
	struct image *image = c->t.image;
	uint64_t size = hostfile_size(image->host), at = c->last.at;
	struct image_object object;

	if (image_cut(image, at) < 0 || image_sync(image) < 0)
		return pmtimg_tape_failed(&c->t);
	if (image_next(image, at, &object) < 0 || object.kind != IMAGE_NONE) {
		log_error("%s: cut off at offset %" PRIu64 ", but still damaged"
			  "; pmtimg check says how",
		    c->t.name, at);
		return PMTIMG_FAILED;
	}
	tell_repair(c, true,
	    "repaired: %" PRIu64 " bytes of a torn record cut off at offset "
	    "%" PRIu64 "; the tape ends after %" PRIu64 " object%s, all of "
	    "them whole",
	    size - at, at, c->last.object, pmtimg_text_s(c->last.object));
	return c->bad > 0 ? PMTIMG_FAILED : PMTIMG_DONE;
}

static int
repair(struct check *c)
{
	const char *why;

	if (c->damages == 0) {
		tell_repair(c, false, "nothing to repair");
		return c->bad > 0 ? PMTIMG_FAILED : PMTIMG_DONE;
	}
	why = not_repairable(c);
	if (why == NULL)
		return cut_tail(c);
	tell_repair(c, false,
	    "not repaired, nothing was changed: %s; pmtimg convert --lossy "
	    "copies what can be read",
	    why);
	return PMTIMG_FAILED;
}

int
pmtimg_check(const struct pmtimg_settings *s)
{
	struct check c = { .s = s };
	int status = pmtimg_tape_open(&c.t, s->args[0],
	    s->repair ? PMTIMG_TO_CHANGE : PMTIMG_TO_READ);

	if (status != PMTIMG_DONE)
		return PMTIMG_UNCHECKED;
	pmtimg_stop_arm();
	progress_start(&c.progress, s->progress, "check", c.t.size);
	status = check_all(&c);
	progress_end(&c.progress);
	if (s->repair && status <= PMTIMG_FAILED)
		status = repair(&c);
	if (s->json)
		pmtimg_text_end_array(&c.array);
	if (pmtimg_tape_close(&c.t) != PMTIMG_DONE && status == PMTIMG_DONE)
		status = PMTIMG_UNCHECKED;
	return status;
}
