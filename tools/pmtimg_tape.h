/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape that a command works on: named by a spec, or by the path of an image.
 *
 * What has no "TYPE:" in front is a path: "a.tap" and "file:a.tap" are the
 * same.  Options may follow a path, too ("a.tap,format=simh"), unless a file of
 * just that name exists.
 */
#ifndef PMT_PMTIMG_TAPE_H
#define PMT_PMTIMG_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "spec.h"
#include "tape.h"

enum pmtimg_purpose {
	PMTIMG_TO_READ,	  /* an image must be there, and is left as it is */
	PMTIMG_TO_CHANGE, /* an image must be there */
	PMTIMG_TO_WRITE,  /* an image that is not there is made */
};

struct pmtimg_tape {
	const char *name; /* as the user has named it */
	struct tape *tape;
	struct image *image; /* NULL: not an image, or not loaded */
	char *path;	     /* of the image; NULL: not an image */
	uint64_t size;	     /* of the image on the host, bytes; 0: unknown */
	uint32_t partitions;
};

/*
 * The spec for a name; to be freed.  ${key} and ${value} are an option to add,
 * for which it must be an image; ${value} NULL: none.
 */
char *pmtimg_tape_text(const char *name);
void pmtimg_tape_add(char **text, const char *key, const char *value);

/*
 * Parses a text of pmtimg_tape_text().  0, or the exit status after a message.
 */
int pmtimg_tape_parse(const char *text, enum pmtimg_purpose purpose,
    struct spec **ret_spec);

/* The path of an image, NULL if it is something else; the spec's. */
const char *pmtimg_tape_path(const struct spec *spec);

/*
 * Opens and loads; ${name} and ${spec} stay the caller's.  0, or the exit
 * status after a message; ${ret_tape} is then closed.
 */
int pmtimg_tape_load(struct pmtimg_tape *ret_tape, const char *name,
    const struct spec *spec);

/* All of it, for a name. */
int pmtimg_tape_open(struct pmtimg_tape *ret_tape, const char *name,
    enum pmtimg_purpose purpose);

/*
 * Unloads and frees.  0, or the exit status after a message.  What it has lost
 * by then, if it is a mirror, is told by pmtimg_tape_lost() from then on.
 */
int pmtimg_tape_close(struct pmtimg_tape *t);

/* Whether any tape that was closed has lost copies. */
bool pmtimg_tape_lost(void);

/*
 * Bytes of the images on the host, of ${n} names; 0 if one is not known.  In
 * ${ret_bytes}; returns 0, or the exit status after a message if a name can't
 * be right.
 */
int pmtimg_tape_sizes(char *const *names, unsigned n, uint64_t *ret_bytes);

/*
 * Splits "A,B" at the commas that separate tapes, in place: not in braces, not
 * behind a backslash, and not before "KEY=".  ${ret_names} has room for
 * ${most}; the number, which may be more than that.
 */
unsigned pmtimg_tape_split(char *list, char **ret_names, unsigned most);

/*
 * tape_why() without the name of the image in front, for messages that begin
 * with the tape's name anyhow.
 */
const char *pmtimg_tape_why(const struct pmtimg_tape *t);

/* The same, without "offset ${at}: " in front, too. */
const char *pmtimg_tape_why_at(const struct pmtimg_tape *t, uint64_t at);

/* Says, and returns PMTIMG_FAILED, that an operation on the tape failed. */
int pmtimg_tape_failed(const struct pmtimg_tape *t);

#endif
