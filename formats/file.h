/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file tape: "file:PATH[,KEY=VALUE...]", a tape in an image on the host.
 *
 *     format=NAME   the format of the image, instead of telling it by content
 *     readonly=yes  the medium is write protected; others may read it as well
 *     create=no     a missing image is an error, instead of a new blank tape
 *     capacity= ... and the other keys of limit.h; capacity counts the bytes
 *                   of the image, framing included
 *
 * What it adds to tape.h:
 *
 * An image that can't be written, or that nobody may write to (chmod a-w is its
 * write-protect tab), is a write protected medium.  One that somebody else has
 * loaded is -EBUSY at load; what is no image is -EMEDIUMTYPE.
 *
 * Damage in the image is -EIO for reading, spacing and locating alike, and the
 * tape stands before it.  A record that is whole, but was written down as read
 * with an error from a real tape, is -EIO for reading and the tape stands after
 * it, as behind a block that a drive could not read; spacing passes over it.
 *
 * The disk of the host is a medium, too: when it runs full there is early
 * warning (for the last 16 MiB or what warn= says, but at most 1/16 of a small
 * disk), then TAPE_EOM for records; filemarks still fit.  A quota and a file
 * size limit of the process are such an end as well.
 *
 * An acknowledged record survives the death of the process.  It survives the
 * death of the host after the next write of filemarks (not immediate), of 0
 * filemarks, an erase or an unload.  When such a sync fails the medium is write
 * protected until it is unloaded and loaded again.  Unload lets the image go
 * even if it fails.
 */
#ifndef PMT_FILE_H
#define PMT_FILE_H

#include <stdint.h>

#include "spec.h"

struct image;

extern const struct tape_type file_tape_type;

/*
 * The image in a loaded file tape, its selected partition, to look at beside
 * the tape; NULL for any other tape, and when none is loaded.  It is gone when
 * the tape is unloaded.  Whoever changes it (cuts it) loads the tape anew
 * before moving it again.
 */
struct image *file_image(struct tape *t);

/* The offset in that image where the tape stands. */
uint64_t file_offset(struct tape *t);

#endif
