/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg create: a blank image.  What is there already is never touched: the
 * file or directory is made by this program, exclusively, and only then handed
 * to the format.  What was asked for and the format can't keep is a refusal,
 * and nothing stays behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_made.h"
#include "pmtimg_tape.h"
#include "pmtimg_text.h"

static char *
text_of(const struct pmtimg_settings *s, const char *format)
{
	char *path = pmtimg_text_escape(s->args[0]);
	char *text = pmtimg_text_make("file:%s", path);

	free(path);
	pmtimg_tape_add(&text, "format", format);
	pmtimg_tape_add(&text, "capacity", s->capacity);
	pmtimg_tape_add(&text, "warn", s->warn);
	pmtimg_tape_add(&text, "compress", s->compress);
	pmtimg_tape_add(&text, "level", s->level);
	pmtimg_tape_add(&text, "key", s->key);
	pmtimg_tape_add(&text, "block", s->block);
	return text;
}

/* The format to make; NULL after a message. */
static const struct image_format *
choose_format(const struct pmtimg_settings *s)
{
	const struct image_format *f = s->format == NULL
	    ? image_format_by_suffix(s->args[0])
	    : image_format_named(s->format);
	char known[256];

	if (f == NULL) {
		image_format_names(known, sizeof(known));
		log_error("--format %s: no such format; there are %s",
		    s->format, known);
		return NULL;
	}
	if (!f->import_only)
		return f;
	log_error("--format %s: can only be read; choose another one", f->name);
	return NULL;
}

/* What was asked for and is not so; NULL: all is. */
static const char *
missing(const struct pmtimg_settings *s, struct image *image)
{
	struct image_info info;

	image_describe(image, &info);
	if (s->capacity != NULL && info.capacity == 0)
		return "capacity; give it when the tape is used "
		       "(file:IMAGE,capacity=SIZE)";
	if (s->warn != NULL && info.warn == 0)
		return "early warning; give it when the tape is used "
		       "(file:IMAGE,capacity=SIZE,warn=SIZE)";
	if (s->key != NULL && !info.encrypted)
		return "encryption";
	if (s->compress != NULL && strcmp(s->compress, "no") != 0 &&
	    !info.compress)
		return "such compression";
	return NULL;
}

static int
finish(const struct pmtimg_settings *s, struct pmtimg_tape *t)
{
	const char *name = t->image->format->name;
	const char *lacking = missing(s, t->image);
	int status;

	if (lacking != NULL)
		log_error("%s: the format %s keeps no %s", s->args[0], name,
		    lacking);
	status = pmtimg_tape_close(t);
	if (lacking != NULL)
		return PMTIMG_USAGE;
	if (status == PMTIMG_DONE && !s->quiet)
		(void)printf("%s: a blank tape, format %s\n", s->args[0], name);
	return status;
}

int
pmtimg_create(const struct pmtimg_settings *s)
{
	const struct image_format *format = choose_format(s);
	struct pmtimg_made made;
	struct pmtimg_tape t;
	struct spec *spec;
	char *text;
	int status;

	if (format == NULL)
		return PMTIMG_USAGE;
	text = text_of(s, format->name);
	status = pmtimg_tape_parse(text, PMTIMG_TO_WRITE, &spec);
	free(text);
	if (status != PMTIMG_DONE)
		return status;
	status = pmtimg_made_make(&made, s->args[0], format->directory);
	if (status == PMTIMG_DONE) {
		status = pmtimg_tape_load(&t, s->args[0], spec);
		if (status == PMTIMG_DONE)
			status = finish(s, &t);
		if (status != PMTIMG_DONE)
			pmtimg_made_remove(&made);
		pmtimg_made_free(&made);
	}
	spec_free(spec);
	return status;
}
