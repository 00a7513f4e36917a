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
 * number, except by image_find(), which may know nothing.
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
#include "trail.h"

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
	uint32_t size; /* of a record: bytes of data, 0 if it was not looked at
			  because it is compressed and says nothing of it */
	bool bad;      /* of a record: written down as read with an error */
};

enum image_compress {
	IMAGE_COMPRESS_UNSAID, /* as the image or the format has it */
	IMAGE_COMPRESS_NO,
	IMAGE_COMPRESS_ZLIB,
	IMAGE_COMPRESS_BZIP2,
	IMAGE_COMPRESS_ZSTD,
};

/* How an image is to be opened; what is 0 was not said. */
struct image_options {
	bool readonly;
	bool create; /* make a blank tape if there is nothing */
	bool raw;    /* all 8 bits of a byte, where the format has fewer */
	enum image_compress compress;
	int level;	   /* of compression; 0: the method's default */
	const char *key;   /* path of the key file; NULL: no encryption */
	uint32_t block;	   /* bytes a record, where the format keeps no
			      boundaries; 0: its default */
	uint64_t capacity; /* of a new image, bytes; 0: no end */
	uint64_t warn;	   /* of a new image, bytes before the end */
};

/* Where an image comes from: a host file, or else a directory. */
struct image_source {
	struct tape *owner;
	const char *path;
	struct hostfile *host; /* NULL: ${path} is a directory */
	const struct image_options *options;
};

/* What there is to know of an open image. */
struct image_info {
	uint32_t min_record, max_record; /* bytes */
	uint64_t capacity; /* of this partition, bytes; 0: the image has none */
	uint64_t warn;	   /* bytes before the end */
	uint32_t partitions, max_partitions;
	bool can_compress;
	bool compress; /* records are compressed now */
	bool encrypted;
	char medium[64]; /* id of the medium for people */
};

struct image;

/* Who is told of a flaw. */
typedef void image_flaw(void *arg, uint64_t at, const char *what);

/* When a format is considered for an image that is not blank. */
enum image_detect {
	IMAGE_BY_CONTENT, /* if the contents look like it */
	IMAGE_BY_SUFFIX,  /* ... and the suffix does, too */
	IMAGE_BY_NAME,	  /* only with format= */
};

struct image_format {
	const char *name;	     /* for format= */
	const char *about;	     /* for people, a few words */
	const char *const *suffixes; /* of file names, ".tap"; NULL ends */
	uint32_t max_record;	     /* bytes */
	enum image_detect detect;
	bool directory;	  /* it is a directory, not a file */
	bool import_only; /* can be read, but neither made nor written */

	/*
	 * Whether the contents look like it: -EMEDIUMTYPE if they don't.  Not
	 * asked about a file of 0 bytes, which is a blank tape.
	 */
	int (*probe)(const struct image_source *source);
	/*
	 * Opens it, or makes it out of a file of 0 bytes or a directory that is
	 * empty or not there.  What is wrong with the contents may show here or
	 * later.  Takes over ${source->host} if it succeeds; keeps none of the
	 * rest but the owner.
	 */
	int (
	    *open)(const struct image_source *source, struct image **ret_image);
	/* Makes all durable; frees, on failure too. */
	int (*close)(struct image *image);
	/* Fills in what differs from the defaults, see image_describe(). */
	void (*describe)(struct image *image, struct image_info *info);
	/*
	 * The object that follows, or precedes, an offset.  -EBADMSG: it is
	 * damaged; -EIO: it can't be read.
	 */
	int (*next)(struct image *image, uint64_t at,
	    struct image_object *ret_object);
	int (*prev)(struct image *image, uint64_t at,
	    struct image_object *ret_object);
	/*
	 * A place that can be had without a walk: going forward the last that
	 * has at most so many objects and filemarks before it, else the first
	 * that has at least so many.  As near as an index has it.  False: none.
	 */
	bool (*find)(struct image *image, bool forward, uint64_t object,
	    uint64_t file, struct place *ret_place);
	/*
	 * After damage at ${at}: where the next object begins that is intact.
	 * -ENODATA: nowhere, or it can't be told.
	 */
	int (*resync)(struct image *image, uint64_t at, uint64_t *ret_at);
	/*
	 * Tells of all that is damaged in the partition and yet hurts nobody,
	 * as next() does not need it: what is there twice, an index.  Offsets
	 * are as messages have them.  -EIO, -ENOMEM.
	 */
	int (*flaws)(struct image *image, image_flaw *tell, void *arg);
	/*
	 * The first ${size} bytes of a record; ${ret_len}: all that it has.
	 * -EBADMSG: the data are damaged; -EIO: they can't be read.
	 */
	int (*read)(struct image *image, const struct image_object *object,
	    void *buf, size_t size, size_t *ret_len);
	/* The most medium, bytes, that an object takes; ${len} 0: a filemark.
	 */
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
	 * disk is full; -EINVAL: the format can't hold such data, see words;
	 * -EIO.  On failure EOD is where it was.
	 */
	int (*put_record)(struct image *image, uint64_t at, const void *buf,
	    size_t len, uint64_t *ret_end);
	int (
	    *put_filemark)(struct image *image, uint64_t at, uint64_t *ret_end);
	/* As tape_set(); compression is for what is written from now on. */
	int (*set)(struct image *image, enum tape_param param, uint32_t value);
	/* Everything else is then about that partition; it is one of them. */
	int (*select)(struct image *image, uint32_t partition);
	/* As tape_format(); selects partition 0. */
	int (*partition)(struct image *image, uint32_t partitions,
	    uint64_t size);
};

/* The base of every image: the first member of each implementation. */
struct image {
	const struct image_format *format;
	struct tape *owner;
	struct hostfile *host; /* NULL if it is not one file */
	const char *name;      /* for messages; lives as long as the image */
	bool torn;	       /* see image_torn() */
	uint64_t bot;	 /* the offset of BOT, of the selected partition */
	char folder[64]; /* what ${name} is if there is no host file */
};

/* The formats there are, NULL at the end; the first is the default. */
const struct image_format *const *image_formats(void);

/* The format of that name, or NULL. */
const struct image_format *image_format_named(const char *name);

/* What becomes of a blank tape of that name: by its suffix, or the default. */
const struct image_format *image_format_by_suffix(const char *path);

/* "pmt, simh, aws", for messages. */
void image_format_names(char *buf, size_t size);

/*
 * Opens the image in ${path}; ${format} NULL: the format is told by the
 * contents, or if there are none yet by the suffix.  Otherwise as
 * hostfile_open().  -EMEDIUMTYPE: not an image that is known here, or it could
 * be more than one kind and the suffix does not decide.
 */
int image_open(struct tape *owner, const char *path,
    const struct image_format *format, const struct image_options *options,
    struct image **ret_image);

/* As the members of struct image_format; describe fills in everything. */
int image_close(struct image *image);
void image_describe(struct image *image, struct image_info *ret_info);
int image_next(struct image *image, uint64_t at,
    struct image_object *ret_object);
int image_prev(struct image *image, uint64_t at,
    struct image_object *ret_object);
bool image_find(struct image *image, bool forward, uint64_t object,
    uint64_t file, struct place *ret_place);
int image_resync(struct image *image, uint64_t at, uint64_t *ret_at);
int image_flaws(struct image *image, image_flaw *tell, void *arg);
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
int image_set(struct image *image, enum tape_param param, uint32_t value);
int image_select(struct image *image, uint32_t partition);
int image_partition(struct image *image, uint32_t partitions, uint64_t size);

/* ---- For formats ---- */

/*
 * Sets up the base: takes over the host file, if there is one.  A directory
 * gives the name that messages use, so such an image must not be moved.
 */
void image_init(struct image *image, const struct image_format *format,
    const struct image_source *source);

/*
 * Notes in words what is damaged at an offset of the image, or of the source
 * when it is no image yet (${image} is then one that only was image_init()ed).
 * Returns -EBADMSG.
 */
int image_damaged(const struct image *image, uint64_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The same for next(), when what is wrong is that the file ends inside the
 * object: what a writer leaves that died.  Sets ${torn} until next() is called
 * again; only such damage is ever cut off by pmtimg check --repair.  A format
 * that calls this keeps all in one host file, whose offsets are its own, and
 * bears it that next() is asked at any offset behind the damage.
 */
int image_torn(struct image *image, uint64_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Turns what a walk has found into what probe() gives: the words are kept. */
int image_unlike(const struct image *image, int r);

/* An answer of next() and prev(). */
int image_nothing(uint64_t at, struct image_object *ret_object);
int image_filemark(uint64_t at, uint64_t end, struct image_object *ret_object);

/* For vtables of formats that are one host file from BOT to EOD. */
int image_host_close(struct image *image); /* frees ${image} with free() */
const char *image_host_protection(const struct image *image);
void image_host_expect(struct image *image, uint64_t zone, uint64_t most);
enum hostfile_room image_host_reserve(struct image *image, uint64_t end);
uint64_t image_host_top(struct image *image);
int image_host_sync(struct image *image);
int image_host_cut(struct image *image, uint64_t at);

/* For vtables of formats that are only read. */
const char *image_import_protection(const struct image *image);
void image_import_expect(struct image *image, uint64_t zone, uint64_t most);
enum hostfile_room image_import_reserve(struct image *image, uint64_t end);
uint64_t image_import_top(struct image *image);
uint64_t image_import_cost(const struct image *image, size_t len);
int image_import_sync(struct image *image);
int image_import_cut(struct image *image, uint64_t at);
int image_import_put_record(struct image *image, uint64_t at, const void *buf,
    size_t len, uint64_t *ret_end);
int image_import_put_filemark(struct image *image, uint64_t at,
    uint64_t *ret_end);

/* For vtables of formats that have no such thing. */
void image_plain_describe(struct image *image, struct image_info *info);
bool image_no_find(struct image *image, bool forward, uint64_t object,
    uint64_t file, struct place *ret_place);
int image_no_resync(struct image *image, uint64_t at, uint64_t *ret_at);
int image_no_flaws(struct image *image, image_flaw *tell, void *arg);
int image_no_set(struct image *image, enum tape_param param, uint32_t value);
int image_one_select(struct image *image, uint32_t partition);
int image_one_partition(struct image *image, uint32_t partitions,
    uint64_t size);

#endif
