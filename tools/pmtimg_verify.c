/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg verify: do tapes hold the same?  All are read in step, object by
 * object, up to the first difference; then each tells how much it holds in all,
 * so that it shows which one is the longer, and which one only a beginning.
 *
 * What can't be read on one of them is told and passed over, as long as it is
 * certain which object follows: the others are still compared there.  A tape of
 * which that is not certain is left out from there on, for a difference that
 * comes from counting wrong is none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_compare.h"
#include "pmtimg_extent.h"
#include "pmtimg_stop.h"
#include "pmtimg_text.h"

/* As many as a mirror has legs. */
#define MOST_TAPES 8

/* One of the tapes. */
struct side {
	const char *name;
	struct pmtimg_tape t;
	struct pmtimg_walk walk;
	uint8_t *buf;
	struct pmtimg_step step; /* the object that is compared */
	bool out;		 /* not compared from here on */
	/* Once they differ. */
	bool end_known;
	struct tape_pos pos;
	uint64_t objects, files; /* in all */
};

struct verify {
	const struct pmtimg_settings *s;
	char *list; /* names that are not arguments */
	char *names[MOST_TAPES + 1];
	struct side sides[MOST_TAPES];
	unsigned n;
	unsigned largest; /* the side that progress is told of */
	uint32_t partition;
	struct pmtimg_extent same;   /* before anything was wrong */
	struct pmtimg_extent behind; /* the same again, behind damage */
	bool damaged, differs;
	bool stopped; /* by a signal: nobody knows */
	struct pmtimg_array array;
	struct progress progress;
};

#define EACH_SIDE(v, x) \
	for (struct side *x = (v)->sides; x < (v)->sides + (v)->n; x++)

/* ---- What is told ------------------------------------------------------- */

static void
set_number(json_t *o, const char *key, uint64_t n)
{
	/* It fails only for want of memory, which has ended the program. */
	(void)json_object_set_new(o, key, pmtimg_text_number(n));
}

static void
set_text(json_t *o, const char *key, const char *text)
{
	(void)json_object_set_new(o, key,
	    pmtimg_text_json(text)); /* as above */
}

static json_t *
place_json(const struct verify *v, const char *kind,
    const struct pmtimg_step *step)
{
	json_t *o = pmtimg_text_need(json_object());

	set_text(o, "kind", kind);
	set_number(o, "partition", v->partition);
	set_number(o, "object", step->object);
	set_number(o, "file", step->file);
	set_number(o, "record", step->record);
	return o;
}

/* "partition 1, object 3 (file 0, record 3)" */
static void
print_place(const struct verify *v, const struct pmtimg_step *step)
{
	if (v->sides[0].t.partitions > 1)
		(void)printf("partition %" PRIu32 ", ", v->partition);
	(void)printf("object %" PRIu64 " (file %" PRIu64 ", record %" PRIu64
		     ")",
	    step->object, step->file, step->record);
}

static void
tell_damage(struct verify *v, const struct side *x, const char *why)
{
	progress_hide(&v->progress);
	if (v->s->json) {
		json_t *o = place_json(v, "damage", &x->step);

		set_text(o, "tape", x->name);
		set_number(o, "offset", x->step.at);
		set_text(o, "words", why);
		(void)json_object_set_new(o, "continues",
		    json_boolean(!x->out));
		pmtimg_text_element(&v->array, o);
		return;
	}
	(void)printf("damage: %s: ", x->name);
	print_place(v, &x->step);
	(void)printf(", offset %" PRIu64 ": %s; %s\n", x->step.at, why,
	    x->out ? "it is not compared from there on"
		   : "it goes on behind it");
}

/* How the object of a side differs from that of the first one. */
static enum pmtimg_difference
against(const struct side *first, const struct side *x, size_t *ret_byte)
{
	return pmtimg_compare(&first->step, first->buf, &x->step, x->buf,
	    ret_byte);
}

static json_t *
side_json(const struct side *first, const struct side *x)
{
	static const char *const kinds[] = { [PMTIMG_RECORD] = "record",
		[PMTIMG_FILEMARK] = "filemark",
		[PMTIMG_EOD] = "end",
		[PMTIMG_DAMAGE] = "damage" };
	json_t *o = pmtimg_text_need(json_object());
	size_t byte;

	set_text(o, "tape", x->name);
	set_text(o, "holds", kinds[x->step.bad ? PMTIMG_DAMAGE : x->step.kind]);
	set_number(o, "offset", x->step.at);
	if (x->step.kind == PMTIMG_RECORD)
		set_number(o, "bytes", x->step.len);
	switch (against(first, x, &byte)) {
	case PMTIMG_OTHER_LENGTH:
	case PMTIMG_OTHER_DATA:
		set_number(o, "first_other_byte", byte);
		break;
	case PMTIMG_SAME:
	case PMTIMG_OTHER_KIND:
		break;
	}
	return o;
}

static void
print_side(const struct side *first, const struct side *x)
{
	char words[PMTIMG_COMPARE_WORDS];
	size_t byte = 0;
	enum pmtimg_difference how = against(first, x, &byte);

	(void)printf("  %s: offset %" PRIu64 ": %s", x->name, x->step.at,
	    pmtimg_compare_words(&x->step, words));
	if (how == PMTIMG_OTHER_DATA || how == PMTIMG_OTHER_LENGTH)
		(void)printf(", other than on %s from byte %zu on", first->name,
		    byte);
	else if (x != first && how == PMTIMG_SAME)
		(void)printf(", the same as on %s", first->name);
	(void)puts("");
}

/* ${first}: the side that the others are held against. */
static void
tell_difference(struct verify *v, const struct side *first)
{
	json_t *o, *list;

	progress_hide(&v->progress);
	if (!v->s->json) {
		(void)printf("differ: ");
		print_place(v, &first->step);
		(void)puts("");
		EACH_SIDE(v, x)
		if (!x->out)
			print_side(first, x);
		return;
	}
	o = place_json(v, "difference", &first->step);
	list = pmtimg_text_need(json_array());
	EACH_SIDE(v, x)
	if (!x->out)
		(void)json_array_append_new(list, side_json(first, x));
	(void)json_object_set_new(o, "tapes", list);
	pmtimg_text_element(&v->array, o);
}

static void
set_extent(json_t *o, const struct pmtimg_extent *e)
{
	set_number(o, "objects", e->objects);
	set_number(o, "records", e->records);
	set_number(o, "bytes", e->bytes);
	set_number(o, "filemarks", e->filemarks);
}

static void
tell_summary(struct verify *v)
{
	bool same = !v->differs && !v->damaged;
	char words[PMTIMG_EXTENT_WORDS];
	json_t *o;

	if (v->s->json) {
		o = pmtimg_text_need(json_object());
		set_text(o, "kind", "summary");
		(void)json_object_set_new(o, "same",
		    same && v->stopped ? json_null() : json_boolean(same));
		set_extent(o, &v->same);
		pmtimg_text_element(&v->array, o);
		return;
	}
	if (same && v->s->quiet)
		return;
	(void)printf("the same on all%s: %s\n",
	    !same	     ? ", before that"
		: v->stopped ? ", so far"
			     : "",
	    pmtimg_extent_words(&v->same, words));
	if (v->damaged && v->behind.objects > 0)
		(void)printf("the same on all, behind damage: %s\n",
		    pmtimg_extent_words(&v->behind, words));
}

/* ---- How much each holds ------------------------------------------------ */

/* Goes to the end of its data. */
static void
find_end(struct side *x)
{
	enum tape_cond cond;
	uint64_t done;

	if (x->step.kind == PMTIMG_EOD) {
		x->end_known = true;
		x->objects = x->step.object;
		x->files = x->step.file;
		return;
	}
	x->end_known =
	    tape_space(x->t.tape, TAPE_TO_EOD, 0, &done, &cond) == 0 &&
	    tape_tell(x->t.tape, &x->pos) == 0 && x->pos.known;
	x->objects = x->pos.object;
	x->files = x->pos.file;
}

/*
 * Whether it ends where they differ; but for a filemark, which st writes when a
 * program dies that was writing.
 */
static bool
ends_here(const struct side *x)
{
	return x->step.kind == PMTIMG_EOD ||
	    (x->step.kind == PMTIMG_FILEMARK && x->end_known &&
		x->objects == x->step.object + 1);
}

static void
tell_end(struct verify *v, const struct side *x, const struct side *longer)
{
	json_t *o;

	if (v->s->json) {
		o = pmtimg_text_need(json_object());
		set_text(o, "kind", "end");
		set_number(o, "partition", v->partition);
		set_text(o, "tape", x->name);
		if (x->end_known) {
			set_number(o, "objects", x->objects);
			set_number(o, "filemarks", x->files);
		}
		(void)json_object_set_new(o, "beginning_of",
		    longer == NULL ? json_null()
				   : pmtimg_text_json(longer->name));
		pmtimg_text_element(&v->array, o);
		return;
	}
	if (!x->end_known) {
		(void)printf("%s: its end can't be found: %s\n", x->name,
		    pmtimg_tape_why(&x->t));
		return;
	}
	(void)printf("%s: %" PRIu64 " object%s in all: %" PRIu64
		     " record%s and %" PRIu64 " filemark%s\n",
	    x->name, x->objects, pmtimg_text_s(x->objects),
	    x->objects - x->files, pmtimg_text_s(x->objects - x->files),
	    x->files, pmtimg_text_s(x->files));
	if (longer != NULL)
		(void)printf("%s: is the beginning of the other; it is "
			     "completed by: pmtimg copy --resume '%s' '%s'\n",
		    x->name, longer->name, x->name);
}

/*
 * Once they differ.  A tape that ends there, while another one goes on, is its
 * beginning.
 */
static void
tell_ends(struct verify *v)
{
	const struct side *longer = NULL;

	EACH_SIDE(v, x)
	{
		if (x->out)
			continue;
		find_end(x);
		if (longer == NULL && !ends_here(x) &&
		    !pmtimg_compare_is_bad(&x->step))
			longer = x;
	}
	EACH_SIDE(v, x)
	if (!x->out)
		tell_end(v, x, ends_here(x) && !v->damaged ? longer : NULL);
}

/* ---- Reading ------------------------------------------------------------ */

/* Passes over damage, or leaves the tape out. */
static void
take_damage(struct verify *v, struct side *x)
{
	char why[sizeof(x->t.tape->why)];
	bool certain = x->step.kind == PMTIMG_RECORD || x->step.passed;

	(void)snprintf(why, sizeof(why), "%s",
	    x->t.image != NULL && x->step.bad
		? "recorded as read with an error"
		: pmtimg_tape_why_at(&x->t, x->step.at));
	if (!certain && x->t.image == NULL)
		certain = pmtimg_walk_skip(&x->walk, &x->step) == 0 &&
		    x->walk.object == x->step.object + 1;
	x->out = !certain;
	v->damaged = true;
	tell_damage(v, x, why);
}

/* The next object of all.  How many can be compared. */
static unsigned
read_all(struct verify *v)
{
	unsigned good = 0;

	EACH_SIDE(v, x)
	{
		if (x->out)
			continue;
		pmtimg_walk_next(&x->walk, &x->step);
		if (pmtimg_compare_is_bad(&x->step))
			take_damage(v, x);
		else
			good++;
	}
	progress_at(&v->progress, v->sides[v->largest].walk.at);
	return good;
}

/*
 * Compares what has been read.  False: it was the end, or they differ.  Where
 * one can't be read and the others end, that one has more than they.
 */
static bool
compare_all(struct verify *v)
{
	const struct side *first = NULL;
	bool on_all = true;
	size_t byte;

	EACH_SIDE(v, x)
	if (first == NULL && !x->out && !pmtimg_compare_is_bad(&x->step))
		first = x;
	EACH_SIDE(v, x)
	{
		bool bad = pmtimg_compare_is_bad(&x->step);

		on_all = on_all && !bad;
		if (x->out || x == first ||
		    (bad && first->step.kind != PMTIMG_EOD))
			continue;
		if (against(first, x, &byte) == PMTIMG_SAME)
			continue;
		v->differs = true;
		tell_difference(v, first);
		return false;
	}
	if (on_all)
		pmtimg_extent_add(v->damaged ? &v->behind : &v->same,
		    &first->step);
	return first->step.kind != PMTIMG_EOD;
}

static unsigned
count_in(struct verify *v)
{
	unsigned n = 0;

	EACH_SIDE(v, x)
	n += !x->out;
	return n;
}

/* Compares from BOT of a partition. */
static int
compare_partition(struct verify *v)
{
	unsigned good;

	EACH_SIDE(v, x)
	{
		x->out = false;
		if (pmtimg_walk_start(&x->walk, &x->t, v->partition, x->buf) !=
		    PMTIMG_DONE)
			return PMTIMG_UNCHECKED;
		x->walk.want = TAPE_MAX_RECORD;
	}
	while (pmtimg_stop_signal() == 0) {
		good = read_all(v);
		if (count_in(v) < 2)
			return PMTIMG_DONE; /* nothing to compare with */
		if (good > 0 && !compare_all(v))
			return PMTIMG_DONE;
	}
	v->stopped = true;
	progress_hide(&v->progress);
	log_error("verify: stopped by %s at object %" PRIu64 "; what is said "
		  "is of what precedes",
	    pmtimg_stop_name(), v->sides[0].walk.object);
	return 128 + pmtimg_stop_signal();
}

/* All partitions, or the one that was asked for, up to a difference. */
static int
compare_tapes(struct verify *v)
{
	uint32_t first = 0, last = v->sides[0].t.partitions - 1;
	int status = PMTIMG_DONE;

	EACH_SIDE(v, x)
	if (!v->s->has_partition && x->t.partitions != last + 1) {
		log_error("%s has %" PRIu32 " partitions, but %s has %" PRIu32
			  "; choose one with --partition",
		    v->sides[0].name, last + 1, x->name, x->t.partitions);
		return PMTIMG_FAILED;
	}
	if (v->s->has_partition)
		first = last = v->s->partition;
	for (v->partition = first; status == PMTIMG_DONE && !v->differs;
	     v->partition++) {
		status = compare_partition(v);
		if (v->partition == last)
			break;
	}
	progress_end(&v->progress);
	if (status == PMTIMG_UNCHECKED)
		return status;
	tell_summary(v);
	if (v->differs)
		tell_ends(v);
	if (status == PMTIMG_DONE && (v->differs || v->damaged))
		status = PMTIMG_FAILED;
	return status;
}

/* ---- The tapes ---------------------------------------------------------- */

/* The legs of a mirror are what is compared, if there is nothing else. */
static int
choose_legs(struct verify *v, const char *name)
{
	char *text =
	    pmtimg_text_make("%s%s", name[0] == '{' ? "mirror:" : "", name);
	struct spec *spec;
	char *from, *to;
	int status = pmtimg_tape_parse(text, PMTIMG_TO_READ, &spec);
	size_t n;

	v->list = text;
	if (status != PMTIMG_DONE)
		return status;
	n = spec->n_children;
	spec_free(spec);
	from = strchr(text, '{');
	to = strrchr(text, '}');
	if (n < 2 || from == NULL || to == NULL) {
		log_error("verify: one tape has nothing to be compared with; "
			  "name another one, or a mirror: of two");
		return PMTIMG_USAGE;
	}
	*to = '\0';
	v->n = pmtimg_tape_split(from + 1, v->names, MOST_TAPES);
	return PMTIMG_DONE;
}

static int
choose_tapes(struct verify *v)
{
	const struct pmtimg_settings *s = v->s;

	if (s->n_args == 1)
		return choose_legs(v, s->args[0]);
	if (s->n_args > MOST_TAPES) {
		log_error("verify: %u tapes; %d are the most", s->n_args,
		    MOST_TAPES);
		return PMTIMG_USAGE;
	}
	v->n = s->n_args;
	for (unsigned i = 0; i < v->n; i++)
		v->names[i] = s->args[i];
	return PMTIMG_DONE;
}

static int
open_tapes(struct verify *v)
{
	int status = PMTIMG_DONE;
	uint64_t unused;

	status = pmtimg_tape_sizes(v->names, v->n, &unused);
	for (unsigned i = 0; status == PMTIMG_DONE && i < v->n; i++) {
		struct side *x = &v->sides[i];

		x->name = v->names[i];
		x->buf = pmtimg_walk_buffer();
		status = pmtimg_tape_open(&x->t, x->name, PMTIMG_TO_READ);
		if (x->t.size > v->sides[v->largest].t.size)
			v->largest = i;
	}
	return status == PMTIMG_DONE ? status : PMTIMG_UNCHECKED;
}

static void
close_tapes(struct verify *v)
{
	EACH_SIDE(v, x)
	{
		(void)pmtimg_tape_close(&x->t); /* it was only read */
		free(x->buf);
	}
	free(v->list);
}

int
pmtimg_verify(const struct pmtimg_settings *s)
{
	struct verify *v = pmtimg_text_need(calloc(1, sizeof(*v)));
	int status;

	v->s = s;
	pmtimg_stop_arm();
	status = choose_tapes(v);
	if (status == PMTIMG_DONE)
		status = open_tapes(v);
	if (status == PMTIMG_DONE) {
		progress_start(&v->progress, s->progress, "verify",
		    v->sides[v->largest].t.size);
		status = compare_tapes(v);
		progress_end(&v->progress);
		if (s->json)
			pmtimg_text_end_array(&v->array);
	}
	close_tapes(v);
	free(v);
	return status;
}
