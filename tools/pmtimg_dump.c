/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg dump and cat: the bytes of a tape, in hexadecimal for people, or as
 * they are, one tape file, for a pipe.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_tape.h"
#include "pmtimg_walk.h"

#define ROW 16 /* bytes a line */

static void
print_row(const uint8_t *bytes, size_t at, size_t n)
{
	char text[ROW + 1];

	(void)printf("%08zx ", at);
	for (size_t i = 0; i < ROW; i++) {
		if (i < n)
			(void)printf("%s%02x", i == ROW / 2 ? "  " : " ",
			    bytes[i]);
		else
			(void)fputs(i == ROW / 2 ? "    " : "   ", stdout);
	}
	for (size_t i = 0; i < n; i++)
		text[i] =
		    bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '.';
	text[n] = '\0';
	(void)printf("  |%s|\n", text);
}

static void
print_record(const uint8_t *buf, const struct pmtimg_step *step)
{
	(void)printf("file %" PRIu64 " record %" PRIu64 ": object %" PRIu64
		     ", offset %" PRIu64 ", %zu byte%s%s\n",
	    step->file, step->record, step->object, step->at, step->len,
	    step->len == 1 ? "" : "s",
	    step->bad ? ", recorded as read with an error" : "");
	for (size_t at = 0; at < step->len && ferror(stdout) == 0; at += ROW)
		print_row(buf + at, at,
		    step->len - at < ROW ? step->len - at : ROW);
}

static void
print_mark(const struct pmtimg_step *step)
{
	(void)printf("filemark: object %" PRIu64 ", offset %" PRIu64 "\n",
	    step->object, step->at);
}

/* The walk stands before the file, or at BOT. */
static int
dump(const struct pmtimg_settings *s, struct pmtimg_walk *w)
{
	uint64_t file = s->has_file ? s->file : 0;
	bool one_file = s->has_file || s->has_record;
	struct pmtimg_step step;

	while (ferror(stdout) == 0) {
		/* What is only passed over need not be read. */
		bool skip = s->has_record && w->record != s->record;

		w->want = skip ? 0 : TAPE_MAX_RECORD;
		pmtimg_walk_next(w, &step);
		if (step.kind == PMTIMG_DAMAGE)
			return pmtimg_tape_failed(w->t);
		if (step.kind == PMTIMG_EOD)
			break;
		if (step.kind == PMTIMG_RECORD && !skip)
			print_record(w->buf, &step);
		else if (step.kind == PMTIMG_FILEMARK && !s->has_record)
			print_mark(&step);
		if (step.kind == PMTIMG_RECORD && s->has_record && !skip)
			return PMTIMG_DONE;
		if (step.kind == PMTIMG_FILEMARK && one_file)
			break;
	}
	if (!s->has_record)
		return PMTIMG_DONE;
	log_error("%s: file %" PRIu64 " has no record %" PRIu64
		  "; records count from 0, and pmtimg ls tells how many "
		  "there are",
	    w->t->name, file, s->record);
	return PMTIMG_FAILED;
}

/* Writes all of it, whatever a pipe takes at a time. */
static int
put_out(const uint8_t *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_error("standard output: %s", strerror(errno));
			return PMTIMG_FAILED;
		}
		buf += n;
		len -= (size_t)n;
	}
	return PMTIMG_DONE;
}

static int
cat(const struct pmtimg_settings *s, struct pmtimg_walk *w)
{
	struct pmtimg_step step;
	int status = PMTIMG_DONE;

	(void)s; /* the walk stands where it should */
	w->want = TAPE_MAX_RECORD;
	while (status == PMTIMG_DONE) {
		pmtimg_walk_next(w, &step);
		if (step.kind == PMTIMG_DAMAGE)
			return pmtimg_tape_failed(w->t);
		if (step.kind != PMTIMG_RECORD)
			return PMTIMG_DONE;
		if (step.bad) {
			log_error("%s: object %" PRIu64 ", offset %" PRIu64
				  ": recorded as read with an error; pmtimg "
				  "dump shows what is there",
			    w->t->name, step.object, step.at);
			return PMTIMG_FAILED;
		}
		status = put_out(w->buf, step.len);
	}
	return status;
}

static int
start(struct pmtimg_walk *w, struct pmtimg_tape *t, uint32_t partition,
    uint64_t file, uint8_t *buf)
{
	int status = pmtimg_walk_start(w, t, partition, buf);

	if (status != PMTIMG_DONE || file == 0 || pmtimg_walk_to_file(w, file))
		return status;
	log_error("%s: no file %" PRIu64 "%s%s; files count from 0, and pmtimg "
		  "ls tells which there are",
	    t->name, file, tape_why(t->tape)[0] == '\0' ? "" : ": ",
	    pmtimg_tape_why(t));
	return PMTIMG_FAILED;
}

/* Opens the tape, goes to the file, and does the one or the other. */
static int
with_file(const struct pmtimg_settings *s, uint64_t file,
    int (*work)(const struct pmtimg_settings *s, struct pmtimg_walk *w))
{
	struct pmtimg_walk w;
	struct pmtimg_tape t;
	int status = pmtimg_tape_open(&t, s->args[0], PMTIMG_TO_READ);
	uint8_t *buf;
	int closed;

	if (status != PMTIMG_DONE)
		return status;
	buf = pmtimg_walk_buffer();
	status = start(&w, &t, s->partition, file, buf);
	if (status == PMTIMG_DONE)
		status = work(s, &w);
	free(buf);
	closed = pmtimg_tape_close(&t);
	return status == PMTIMG_DONE ? closed : status;
}

int
pmtimg_dump(const struct pmtimg_settings *s)
{
	return with_file(s, s->has_file ? s->file : 0, dump);
}

int
pmtimg_cat(const struct pmtimg_settings *s)
{
	char *end;
	uint64_t file;

	errno = 0;
	file = strtoull(s->args[1], &end, 10);
	if (end == s->args[1] || *end != '\0' || errno != 0 ||
	    s->args[1][0] == '-') {
		log_error("%s: not the number of a tape file", s->args[1]);
		return PMTIMG_USAGE;
	}
	if (isatty(STDOUT_FILENO) == 1) {
		log_error("standard output is a terminal, and tape data is not "
			  "for it; use pmtimg dump, a pipe, or >FILE");
		return PMTIMG_FAILED;
	}
	return with_file(s, file, cat);
}
