/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formats there are, how one is chosen, and the checked way to each.  Knows
 * no format but by its table.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image.h"
#include "simh.h"

/* In the order in which contents are tried; the first is the default. */
static const struct image_format *const formats[] = {
	&simh_format,
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

const struct image_format *
image_format_named(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

void
image_format_names(char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < N_FORMATS && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
		    i == 0 ? "" : ", ", formats[i]->name);
}

static bool
ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n > m && strcmp(text + n - m, suffix) == 0;
}

/* What to make of a blank tape. */
static const struct image_format *
format_by_suffix(const char *path)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		for (const char *const *s = formats[i]->suffixes; *s; s++)
			if (ends_with(path, *s))
				return formats[i];
	return formats[0];
}

/* Tries one format after the other on what is in the file. */
static int
open_by_content(struct hostfile *h, struct image **ret_image)
{
	struct tape *owner = hostfile_owner(h);
	char why[sizeof(owner->why)];
	int r = -EMEDIUMTYPE;

	for (size_t i = 0; i < N_FORMATS && r == -EMEDIUMTYPE; i++)
		r = formats[i]->open(h, false, ret_image);
	if (r != -EMEDIUMTYPE)
		return r;
	memcpy(why, tape_why(owner), sizeof(why));
	return tape_fail(owner, EMEDIUMTYPE,
	    "%.180s; if you are sure what it is, name it with format=", why);
}

int
image_open(struct tape *owner, const char *path,
    const struct image_format *format, bool readonly, bool create,
    struct image **ret_image)
{
	struct hostfile *h;
	int r;

	r = hostfile_open(owner, path, readonly, create, &h);
	if (r < 0)
		return r;
	if (format == NULL && hostfile_size(h) == 0)
		format = format_by_suffix(path);
	if (format != NULL)
		r = format->open(h, true, ret_image);
	else
		r = open_by_content(h, ret_image);
	if (r < 0)
		(void)hostfile_close(h); /* nothing was written */
	return r;
}

int
image_close(struct image *image)
{
	return image->format->close(image);
}

int
image_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r = image->format->next(image, at, ret_object);

	if (r == 0 && ret_object->kind != IMAGE_NONE) {
		assert(ret_object->at >= at);
		assert(ret_object->end > ret_object->at);
		assert(ret_object->size <= TAPE_MAX_RECORD);
	}
	return r;
}

int
image_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r = image->format->prev(image, at, ret_object);

	if (r == 0 && ret_object->kind != IMAGE_NONE) {
		assert(ret_object->end <= at);
		assert(ret_object->end > ret_object->at);
		assert(ret_object->size <= TAPE_MAX_RECORD);
	}
	return r;
}

int
image_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	assert(object->kind == IMAGE_RECORD);
	return image->format->read(image, object, buf, size, ret_len);
}

uint64_t
image_cost(const struct image *image, size_t len)
{
	return image->format->cost(image, len);
}

const char *
image_protection(const struct image *image)
{
	return image->format->protection(image);
}

void
image_expect(struct image *image, uint64_t zone, uint64_t most)
{
	image->format->expect(image, zone, most);
}

enum hostfile_room
image_reserve(struct image *image, uint64_t end)
{
	return image->format->reserve(image, end);
}

uint64_t
image_top(struct image *image)
{
	return image->format->top(image);
}

int
image_cut(struct image *image, uint64_t at)
{
	return image->format->cut(image, at);
}

int
image_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	int r;

	assert(len > 0 && len <= image->format->max_record);
	r = image->format->put_record(image, at, buf, len, ret_end);
	assert(r < 0 || *ret_end <= at + image_cost(image, len));
	return r;
}

int
image_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	int r = image->format->put_filemark(image, at, ret_end);

	assert(r < 0 || *ret_end <= at + image_cost(image, 0));
	return r;
}

int
image_sync(struct image *image)
{
	return image->format->sync(image);
}

const char *
image_host_protection(const struct image *image)
{
	return hostfile_protection(image->host);
}

void
image_host_expect(struct image *image, uint64_t zone, uint64_t most)
{
	hostfile_expect(image->host, zone, most);
}

enum hostfile_room
image_host_reserve(struct image *image, uint64_t end)
{
	return hostfile_reserve(image->host, end);
}

uint64_t
image_host_top(struct image *image)
{
	return hostfile_top(image->host);
}

int
image_host_cut(struct image *image, uint64_t at)
{
	return hostfile_cut(image->host, at);
}

int
image_host_sync(struct image *image)
{
	return hostfile_sync(image->host);
}
