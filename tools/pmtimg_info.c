/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtimg info: what there is to know of a tape.  What the image says of itself,
 * and what a walk over its objects finds; data is read only where nothing else
 * tells how long a record is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_text.h"
#include "pmtimg_walk.h"

/* Of one partition. */
struct part {
	uint64_t capacity, warn, used; /* bytes of medium */
	uint64_t objects, records, filemarks, files, bad;
	uint64_t bytes;	  /* of data */
	size_t min, max;  /* record, bytes */
	char damage[300]; /* in words, "" if none was met */
};

struct about {
	struct tape_info tape;
	struct image_info image;
	bool is_image;
	const char *format, *format_about;
	const char *protection; /* NULL: it can be written */
	struct part parts[TAPE_MAX_PARTITIONS];
	uint32_t n_parts;
};

/*
 * Why a tape that is opened for reading could not be written.  An image is
 * never opened for writing just to see.
 */
static const char *
protection_of(const struct pmtimg_tape *t, const struct tape_info *info)
{
	struct stat st;

	if (t->path == NULL)
		return info->write_protected ? "the tape says so" : NULL;
	if (t->image->format->import_only)
		return "its format can only be read";
	if (stat(t->path, &st) == 0 && (st.st_mode & 0222) == 0)
		return "nobody may write to it";
	if (access(t->path, W_OK) < 0)
		return "no permission to write to it";
	return NULL;
}

static void
count_step(struct part *p, const struct pmtimg_step *step, bool *in_file)
{
	p->objects++;
	if (step->kind == PMTIMG_FILEMARK) {
		p->filemarks++;
		*in_file = false;
		return;
	}
	p->records++;
	p->bytes += step->len;
	p->bad += step->bad;
	p->files += !*in_file;
	*in_file = true;
	if (p->records == 1 || step->len < p->min)
		p->min = step->len;
	if (step->len > p->max)
		p->max = step->len;
}

static int
look_at_part(struct pmtimg_tape *t, uint32_t number, uint8_t *buf,
    struct progress *progress, struct part *p)
{
	struct tape_info info;
	struct pmtimg_walk walk;
	struct pmtimg_step step;
	bool in_file = false;
	int status = pmtimg_walk_start(&walk, t, number, buf);

	if (status != PMTIMG_DONE)
		return status;
	tape_describe(t->tape, &info);
	p->capacity = info.capacity;
	for (;;) {
		pmtimg_walk_next(&walk, &step);
		progress_at(progress, step.end);
		if (step.kind == PMTIMG_EOD || step.kind == PMTIMG_DAMAGE)
			break;
		count_step(p, &step, &in_file);
	}
	p->used = t->image == NULL ? step.at : step.at - t->image->bot;
	if (step.kind == PMTIMG_EOD)
		return PMTIMG_DONE;
	(void)snprintf(p->damage, sizeof(p->damage), "%s",
	    pmtimg_tape_why(t)); /* cut is fine */
	return PMTIMG_FAILED;
}

static int
gather(struct pmtimg_tape *t, struct progress *progress, struct about *a)
{
	uint8_t *buf = pmtimg_walk_buffer();
	int status = PMTIMG_DONE;

	tape_describe(t->tape, &a->tape);
	a->is_image = t->image != NULL;
	if (a->is_image) {
		image_describe(t->image, &a->image);
		a->format = t->image->format->name;
		a->format_about = t->image->format->about;
	}
	a->protection = protection_of(t, &a->tape);
	a->n_parts = t->partitions;
	for (uint32_t i = 0; i < a->n_parts; i++) {
		int one = look_at_part(t, i, buf, progress, &a->parts[i]);

		if (one != PMTIMG_DONE)
			status = one;
		if (a->is_image) {
			image_describe(t->image, &a->image);
			a->parts[i].warn = a->image.warn;
		}
	}
	free(buf);
	return status;
}

/* ---- As text ------------------------------------------------------------ */

static void
print_bytes(const char *what, uint64_t n)
{
	char size[32];

	pmtimg_text_size(size, sizeof(size), n);
	if (n < 1024)
		(void)printf("%-14s%s\n", what, size);
	else
		(void)printf("%-14s%s (%" PRIu64 " bytes)\n", what, size, n);
}

static void
print_part(const struct part *p)
{
	if (p->capacity == 0)
		(void)puts("capacity      no limit");
	else
		print_bytes("capacity", p->capacity);
	if (p->warn > 0)
		print_bytes("early warning", p->warn);
	print_bytes("used", p->used);
	print_bytes("data", p->bytes);
	(void)printf("files         %" PRIu64 "\n", p->files);
	(void)printf("records       %" PRIu64 "\n", p->records);
	if (p->records > 0)
		(void)printf("record sizes  %zu to %zu bytes\n", p->min,
		    p->max);
	if (p->bad > 0)
		(void)printf("bad records   %" PRIu64 "\n", p->bad);
	(void)printf("filemarks     %" PRIu64 "\n", p->filemarks);
	if (p->damage[0] != '\0')
		(void)printf("damage        %s; the figures are of what "
			     "precedes\n",
		    p->damage);
}

static void
print_image(const struct about *a)
{
	(void)printf("format        %s (%s)\n", a->format, a->format_about);
	(void)printf("compression   %s\n",
	    a->image.compress		? "on"
		: a->image.can_compress ? "off"
					: "no");
	(void)printf("encryption    %s\n", a->image.encrypted ? "yes" : "no");
}

static void
print_about(const struct pmtimg_tape *t, const struct about *a)
{
	(void)printf("tape          %s\n", t->name);
	if (a->is_image)
		print_image(a);
	if (a->tape.medium[0] != '\0')
		(void)printf("medium        %s\n", a->tape.medium);
	(void)printf("protected     %s%s\n",
	    a->protection == NULL ? "no" : "yes: ",
	    a->protection == NULL ? "" : a->protection);
	(void)printf("partitions    %" PRIu32 "\n", a->n_parts);
	for (uint32_t i = 0; i < a->n_parts; i++) {
		if (a->n_parts > 1)
			(void)printf("\npartition     %" PRIu32 "\n", i);
		print_part(&a->parts[i]);
	}
}

/* ---- As JSON; nothing here fails but for memory ------------------------- */

static json_t *
part_json(const struct part *p)
{
	json_t *o = pmtimg_text_need(json_object());
	const struct {
		const char *key;
		uint64_t n;
	} numbers[] = {
		{ "capacity", p->capacity },
		{ "early_warning", p->warn },
		{ "used", p->used },
		{ "bytes", p->bytes },
		{ "objects", p->objects },
		{ "files", p->files },
		{ "records", p->records },
		{ "bad", p->bad },
		{ "filemarks", p->filemarks },
		{ "smallest", p->min },
		{ "largest", p->max },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)json_object_set_new(o, numbers[i].key,
		    pmtimg_text_number(numbers[i].n));
	(void)json_object_set_new(o, "damage",
	    p->damage[0] == '\0' ? json_null() : pmtimg_text_json(p->damage));
	return o;
}

static void
print_json(const struct pmtimg_tape *t, const struct about *a)
{
	json_t *o = pmtimg_text_need(json_object()), *parts = json_array();

	(void)json_object_set_new(o, "tape", pmtimg_text_json(t->name));
	(void)json_object_set_new(o, "format",
	    a->is_image ? pmtimg_text_json(a->format) : json_null());
	(void)json_object_set_new(o, "medium",
	    pmtimg_text_json(a->tape.medium));
	(void)json_object_set_new(o, "protected",
	    a->protection == NULL ? json_null()
				  : pmtimg_text_json(a->protection));
	(void)json_object_set_new(o, "can_compress",
	    json_boolean(a->tape.can_compress));
	(void)json_object_set_new(o, "compressed",
	    json_boolean(a->image.compress));
	(void)json_object_set_new(o, "encrypted",
	    json_boolean(a->image.encrypted));
	for (uint32_t i = 0; i < a->n_parts; i++)
		(void)json_array_append_new(parts, part_json(&a->parts[i]));
	(void)json_object_set_new(o, "partitions", parts);
	pmtimg_text_value(o);
}

int
pmtimg_info(const struct pmtimg_settings *s)
{
	struct about about = { .n_parts = 0 };
	struct progress progress;
	struct pmtimg_tape t;
	int status = pmtimg_tape_open(&t, s->args[0], PMTIMG_TO_READ);
	int closed;

	if (status != PMTIMG_DONE)
		return status;
	progress_start(&progress, s->progress, "info", t.size);
	status = gather(&t, &progress, &about);
	progress_end(&progress);
	if (s->json)
		print_json(&t, &about);
	else
		print_about(&t, &about);
	closed = pmtimg_tape_close(&t);
	return status == PMTIMG_DONE ? closed : status;
}
