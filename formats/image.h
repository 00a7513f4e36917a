/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape image: what is between the file tape, which knows where it stands and
 * what the limits are, and a format, which knows what the bytes mean.
 *
 * An image is a sequence of objects, each a record or a filemark, at growing
 * offsets.  An offset is the format's own measure of the way from BOT, in bytes
 * of medium with the framing included.  A format keeps no position: it is asked
 * for the object at an offset, or before one, and every offset it is given is
 * one that it has given out (or BOT).  It is never asked about an object
 * number.
 *
 * One pair of files a format, each with one const struct image_format.  Calls
 * go through the functions below, which check what must hold.  Failures explain
 * themselves with tape_fail() on the tape that owns the image.
 */
#ifndef PMT_IMAGE_H
#define PMT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hostfile.h"
#include "tape.h"

enum image_kind {
	IMAGE_NONE, /* nothing more that way: EOD forward, BOT backward */
	IMAGE_RECORD,
	IMAGE_FILEMARK,
};

/* An object where it lies.  Gaps between objects belong to none of them. */
struct image_object {
	enum image_kind kind;
	uint64_t at;   /* where it begins */
	uint64_t end;  /* just past it */
	uint32_t size; /* of a record: bytes of data as they are stored */
	bool bad;      /* of a record: written down as read with an error */
};

struct image;

struct image_format {
	const char *name;	     /* for format= */
	const char *const *suffixes; /* of file names, ".tap"; NULL ends */
	uint32_t max_record;	     /* bytes */

	/*
	 * Takes over ${h} if it succeeds.  Unless ${sure}, which means that the
	 * user has named the format, the contents must look like it:
	 * -EMEDIUMTYPE if they don't.  A file of 0 bytes is a blank tape.
	 */
	int (*open)(struct hostfile *h, bool sure, struct image **ret_image);
	/* Makes all durable; frees, on failure too. */
	int (*close)(struct image *image);
	/*
	 * The object that follows, or precedes, an offset.  -EBADMSG: it is
	 * damaged; -EIO: it can't be read.
	 */
	int (*next)(struct image *image, uint64_t at,
	    struct image_object *ret_object);
	int (*prev)(struct image *image, uint64_t at,
	    struct image_object *ret_object);
	/* The first ${size} bytes of a record; ${ret_len}: all that it has. */
	int (*read)(struct image *image, const struct image_object *object,
	    void *buf, size_t size, size_t *ret_len);
	/* The bytes of medium that an object takes; ${len} 0: a filemark. */
	uint64_t (*cost)(const struct image *image, size_t len);
	/* As the calls of hostfile.h of the same names. */
	const char *(*protection)(const struct image *image);
	void (*expect)(struct image *image, uint64_t zone, uint64_t most);
	enum hostfile_room (*reserve)(struct image *image, uint64_t end);
	uint64_t (*top)(struct image *image);
	int (*sync)(struct image *image);
	/* Makes ${at} EOD.  -EIO: EOD is where it was. */
	int (*cut)(struct image *image, uint64_t at);
	/*
	 * Adds an object at ${at}, which image_cut() has just made EOD.  Whole
	 * or absent, also if the process is killed in the midst.  -ENOSPC: the
	 * disk is full; -EIO.  On failure EOD is where it was.
	 */
	int (*put_record)(struct image *image, uint64_t at, const void *buf,
	    size_t len, uint64_t *ret_end);
	int (
	    *put_filemark)(struct image *image, uint64_t at, uint64_t *ret_end);
};

/* The base of every image: the first member of each implementation. */
struct image {
	const struct image_format *format;
	struct hostfile *host;
	const char *name; /* for messages; lives as long as the image */
	uint64_t bot;	  /* the offset of BOT */
};

/* The format of that name, or NULL. */
const struct image_format *image_format_named(const char *name);

/* "simh, aws, het", for messages. */
void image_format_names(char *buf, size_t size);

/*
 * Opens the image in ${path}; ${format} NULL: the format is told by the
 * contents, or if there are none yet by the suffix.  Otherwise as
 * hostfile_open().  -EMEDIUMTYPE: not an image that is known here.
 */
int image_open(struct tape *owner, const char *path,
    const struct image_format *format, bool readonly, bool create,
    struct image **ret_image);

/* As the members of struct image_format. */
int image_close(struct image *image);
int image_next(struct image *image, uint64_t at,
    struct image_object *ret_object);
int image_prev(struct image *image, uint64_t at,
    struct image_object *ret_object);
int image_read(struct image *image, const struct image_object *object,
    void *buf, size_t size, size_t *ret_len);
uint64_t image_cost(const struct image *image, size_t len);
const char *image_protection(const struct image *image);
void image_expect(struct image *image, uint64_t zone, uint64_t most);
enum hostfile_room image_reserve(struct image *image, uint64_t end);
uint64_t image_top(struct image *image);
int image_sync(struct image *image);
int image_cut(struct image *image, uint64_t at);
int image_put_record(struct image *image, uint64_t at, const void *buf,
    size_t len, uint64_t *ret_end);
int image_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end);

/* For vtables of formats that are one host file from BOT to EOD. */
const char *image_host_protection(const struct image *image);
void image_host_expect(struct image *image, uint64_t zone, uint64_t most);
enum hostfile_room image_host_reserve(struct image *image, uint64_t end);
uint64_t image_host_top(struct image *image);
int image_host_sync(struct image *image);
int image_host_cut(struct image *image, uint64_t at);

#endif
