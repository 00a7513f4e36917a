/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg ls: a tape as a person wants to see it, one line a tape file.  Files
 * are numbered as mt(1) does: by the filemarks before them.  Files without
 * records come in one line together; at the end of data they are just
 * filemarks.
 *
 * Keeps one file in mind at a time, and of its record sizes only the first few
 * runs, so that the size of the tape does not matter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_magic.h"
#include "pmtimg_text.h"
#include "pmtimg_walk.h"

#define MAX_RUNS 6

/* Records of one size in a row. */
struct run {
	uint64_t count;
	size_t size; /* bytes */
};

struct file {
	uint64_t number, object, at; /* of its first object */
	uint64_t records, bytes, bad;
	struct run runs[MAX_RUNS];
	unsigned n_runs;
	bool more_runs;
	size_t min, max; /* bytes */
	char content[96];
};

struct listing {
	const struct pmtimg_settings *s;
	struct pmtimg_walk walk;
	struct progress progress;
	struct pmtimg_array array;
	struct file file;
	uint64_t empty; /* files before it that have no record */
	uint32_t partition;
	bool any; /* a file has been shown */
};

static void
add_run(struct file *f, size_t size)
{
	if (f->n_runs > 0 && !f->more_runs &&
	    f->runs[f->n_runs - 1].size == size)
		f->runs[f->n_runs - 1].count++;
	else if (f->n_runs < MAX_RUNS)
		f->runs[f->n_runs++] = (struct run){ 1, size };
	else
		f->more_runs = true;
}

static void
add_record(struct listing *l, const struct pmtimg_step *step)
{
	struct file *f = &l->file;
	size_t seen = step->len;

	if (f->records == 0) {
		f->object = step->object;
		f->at = step->at;
		f->min = SIZE_MAX;
		if (seen > PMTIMG_MAGIC_BYTES)
			seen = PMTIMG_MAGIC_BYTES;
		pmtimg_magic(l->walk.buf, seen, f->content, sizeof(f->content));
	}
	l->walk.want = 0; /* one look a file */
	f->records++;
	f->bytes += step->len;
	f->bad += step->bad;
	if (step->len < f->min)
		f->min = step->len;
	if (step->len > f->max)
		f->max = step->len;
	add_run(f, step->len);
}

static void
begin_file(struct listing *l, uint64_t number)
{
	l->file = (struct file){ .number = number };
	l->walk.want = PMTIMG_MAGIC_BYTES;
}

/* ---- As text ------------------------------------------------------------ */

static void
print_head(struct listing *l)
{
	if (!l->any)
		(void)printf("%9s %9s %9s %14s  %s\n", "file", "object",
		    "records", "bytes", "content; record sizes");
	l->any = true;
}

static void
print_runs(const struct file *f)
{
	for (unsigned i = 0; i < f->n_runs; i++)
		(void)printf("%s%" PRIu64 " x %zu", i == 0 ? "" : ", ",
		    f->runs[i].count, f->runs[i].size);
	if (f->more_runs)
		(void)printf(", ... (%zu to %zu)", f->min, f->max);
}

static void
print_file(struct listing *l)
{
	const struct file *f = &l->file;

	print_head(l);
	(void)printf("%9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %14" PRIu64
		     "  %s; ",
	    f->number, f->object, f->records, f->bytes, f->content);
	print_runs(f);
	if (f->bad > 0)
		(void)printf("; %" PRIu64 " bad", f->bad);
	(void)puts("");
}

/* Those before file ${next}. */
static void
print_empty(struct listing *l, uint64_t next)
{
	char range[48];

	if (l->empty == 0)
		return;
	print_head(l);
	if (l->empty == 1)
		(void)snprintf(range, sizeof(range), "%" PRIu64, next - 1);
	else
		(void)snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64,
		    next - l->empty, next - 1);
	(void)printf("%9s %9s %9d %14d  (no records)\n", range, "", 0, 0);
}

static void
print_step(const struct pmtimg_step *step)
{
	if (step->kind == PMTIMG_FILEMARK)
		(void)printf("  object %" PRIu64 " offset %" PRIu64
			     " filemark\n",
		    step->object, step->at);
	else
		(void)printf("  object %" PRIu64 " offset %" PRIu64
			     " record %" PRIu64 ": %zu byte%s%s\n",
		    step->object, step->at, step->record, step->len,
		    pmtimg_text_s(step->len), step->bad ? ", bad" : "");
}

static void
print_end(struct listing *l, const struct pmtimg_step *eod, uint64_t marks)
{
	(void)printf("%" PRIu64 " filemark%s at the end; end of data at object "
		     "%" PRIu64 ", offset %" PRIu64 "\n",
	    marks, pmtimg_text_s(marks), eod->object, eod->at);
	l->any = false;
}

/* ---- As JSON ------------------------------------------------------------ */

static json_t *
element(const struct listing *l, const char *kind)
{
	json_t *e = pmtimg_text_need(json_object());

	/* None of these fails but for memory, which ends the program. */
	(void)json_object_set_new(e, "kind", pmtimg_text_json(kind));
	(void)json_object_set_new(e, "partition",
	    pmtimg_text_number(l->partition));
	return e;
}

static void
put(json_t *e, const char *key, uint64_t n)
{
	(void)json_object_set_new(e, key, pmtimg_text_number(n)); /* as above */
}

static void
emit_file(struct listing *l, bool marked)
{
	const struct file *f = &l->file;
	json_t *e = element(l, "file"), *sizes = json_array();

	put(e, "file", f->number);
	put(e, "object", f->object);
	put(e, "offset", f->at);
	put(e, "records", f->records);
	put(e, "bytes", f->bytes);
	put(e, "bad", f->bad);
	put(e, "smallest", f->min);
	put(e, "largest", f->max);
	for (unsigned i = 0; i < f->n_runs; i++) {
		json_t *run = pmtimg_text_need(json_object());

		put(run, "count", f->runs[i].count);
		put(run, "size", f->runs[i].size);
		(void)json_array_append_new(sizes, run);
	}
	(void)json_object_set_new(e, "sizes", sizes);
	(void)json_object_set_new(e, "sizes_complete",
	    json_boolean(!f->more_runs));
	(void)json_object_set_new(e, "content", pmtimg_text_json(f->content));
	(void)json_object_set_new(e, "filemark", json_boolean(marked));
	pmtimg_text_element(&l->array, e);
}

static void
emit_empty(struct listing *l, uint64_t next)
{
	json_t *e;

	if (l->empty == 0)
		return;
	e = element(l, "empty");
	put(e, "file", next - l->empty);
	put(e, "count", l->empty);
	pmtimg_text_element(&l->array, e);
}

static void
emit_step(struct listing *l, const struct pmtimg_step *step)
{
	bool record = step->kind == PMTIMG_RECORD;
	json_t *e = element(l, record ? "record" : "filemark");

	put(e, "file", step->file);
	put(e, "object", step->object);
	put(e, "offset", step->at);
	if (record) {
		put(e, "record", step->record);
		put(e, "bytes", step->len);
		(void)json_object_set_new(e, "bad", json_boolean(step->bad));
	}
	pmtimg_text_element(&l->array, e);
}

static void
emit_end(struct listing *l, const struct pmtimg_step *step, uint64_t marks)
{
	json_t *e = element(l, step->kind == PMTIMG_EOD ? "end" : "damage");

	put(e, "object", step->object);
	put(e, "offset", step->at);
	put(e, "filemarks", marks);
	if (step->kind == PMTIMG_DAMAGE)
		(void)json_object_set_new(e, "words",
		    pmtimg_text_json(pmtimg_tape_why(l->walk.t)));
	pmtimg_text_element(&l->array, e);
}

/* ---- The walk ----------------------------------------------------------- */

/* The file that has just ended, and the empty ones before it. */
static void
show_file(struct listing *l, bool marked)
{
	progress_hide(&l->progress);
	if (l->s->json && !l->s->verbose) {
		emit_empty(l, l->file.number);
		emit_file(l, marked);
	} else if (!l->s->json) {
		print_empty(l, l->file.number);
		print_file(l);
	}
	l->empty = 0;
}

static void
take(struct listing *l, const struct pmtimg_step *step)
{
	if (l->s->verbose)
		progress_hide(&l->progress);
	if (l->s->verbose && l->s->json)
		emit_step(l, step);
	else if (l->s->verbose)
		print_step(step);
	if (step->kind == PMTIMG_RECORD) {
		add_record(l, step);
		return;
	}
	if (l->file.records > 0)
		show_file(l, true);
	else
		l->empty++;
	begin_file(l, step->file + 1);
}

/* At the end of data, or before damage. */
static int
end(struct listing *l, const struct pmtimg_step *step)
{
	/* A file that has records and was marked comes before empty ones. */
	uint64_t marks = l->empty + (step->file > l->empty);

	progress_hide(&l->progress);
	if (l->file.records > 0) {
		marks = 0;
		show_file(l, false);
	}
	if (l->s->json)
		emit_end(l, step, marks);
	else if (step->kind == PMTIMG_EOD)
		print_end(l, step, marks);
	if (step->kind == PMTIMG_EOD)
		return PMTIMG_DONE;
	(void)fflush(stdout); /* what precedes comes first; see main() */
	log_error("%s: %s; pmtimg check tells what can be read after it",
	    l->walk.t->name, pmtimg_tape_why(l->walk.t));
	return PMTIMG_FAILED;
}

static int
list_partition(struct listing *l, struct pmtimg_tape *t, uint8_t *buf)
{
	struct pmtimg_step step;
	int status = pmtimg_walk_start(&l->walk, t, l->partition, buf);

	if (status != PMTIMG_DONE)
		return status;
	if (t->partitions > 1 && !l->s->json)
		(void)printf("partition %" PRIu32 "\n", l->partition);
	l->empty = 0;
	begin_file(l, 0);
	for (;;) {
		pmtimg_walk_next(&l->walk, &step);
		progress_at(&l->progress, step.end);
		if (step.kind == PMTIMG_EOD || step.kind == PMTIMG_DAMAGE)
			return end(l, &step);
		take(l, &step);
	}
}

static int
list_all(struct listing *l, struct pmtimg_tape *t)
{
	uint8_t *buf = pmtimg_walk_buffer();
	uint32_t first = l->s->partition, last = t->partitions - 1;
	int status = PMTIMG_DONE;

	if (l->s->has_partition)
		last = first;
	for (l->partition = first; l->partition <= last; l->partition++) {
		int one = list_partition(l, t, buf);

		if (one != PMTIMG_DONE)
			status = one;
	}
	free(buf);
	return status;
}

int
pmtimg_ls(const struct pmtimg_settings *s)
{
	struct listing l = { .s = s };
	struct pmtimg_tape t;
	int status = pmtimg_tape_open(&t, s->args[0], PMTIMG_TO_READ);
	int closed;

	if (status != PMTIMG_DONE)
		return status;
	progress_start(&l.progress, s->progress, "ls", t.size);
	status = list_all(&l, &t);
	progress_end(&l.progress);
	if (s->json)
		pmtimg_text_end_array(&l.array);
	closed = pmtimg_tape_close(&t);
	return status == PMTIMG_DONE ? closed : status;
}
