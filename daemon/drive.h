/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drive: the rules of st(4) over one tape.
 *
 * It owns everything that a program can tell about a Linux SCSI tape drive:
 * exclusive open, the filemark and the rewind of close(2), variable and fixed
 * block mode, the MTIOCTOP operations, what MTIOCGET and MTIOCPOS report, and
 * how early warning becomes ENOSPC.  It knows nothing of nodes, of fragments or
 * of how requests arrive; the tape below knows nothing of st.
 *
 * One drive is one serial machine: the caller makes one call at a time, and
 * each runs to completion.  Results are what the system call would return: a
 * count or 0, or a negative errno.
 *
 * Sources of the rules: Linux Documentation/scsi/st.rst, mtio.h and st(4), as
 * observed on kernels 6.1 to 7.2.
 */
#ifndef PMT_DRIVE_H
#define PMT_DRIVE_H

#include <linux/mtio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tape.h"

/* st has four modes a drive, chosen by the node: st0, st0l, st0m, st0a. */
#define DRIVE_MODES 4

/* What MTSETBLK and mt_dsreg can carry: 24 bits of block size. */
#define DRIVE_MAX_BLOCK ((uint32_t)0xffffff)

struct drive;

/*
 * A drive over ${t}, which it owns from then on and loads at once; a tape that
 * can't be loaded is a drive with no medium, and drive_why() tells the reason.
 * NULL: out of memory (${t} is not freed).
 */
struct drive *drive_new(struct tape *t);

/* Frees the drive and its tape; drive_shutdown() comes first.  NULL is fine. */
void drive_free(struct drive *d);

/*
 * open(2).  ${flags}: O_RDONLY, O_WRONLY or O_RDWR, and O_NONBLOCK; others have
 * no effect.  ${mode}: 0 .. DRIVE_MODES - 1.  ${rewinds}: a node that rewinds
 * on close.  One open at a time: -EBUSY.  -ENOMEDIUM: no tape (not with
 * O_NONBLOCK); -EROFS: opened for writing, but the medium is write protected
 * (likewise); -EIO.
 */
int drive_open(struct drive *d, int flags, unsigned mode, bool rewinds);

/*
 * The last close(2): after a write a filemark, durable on return; then, on a
 * rewinding node, a rewind.  The drive is free again whatever the result.
 * Where the result can't reach the program it is kept: the next operation of
 * the next open fails with it once (see drive_keep_error()).
 */
int drive_close(struct drive *d);

/*
 * A close(2) that may not be the last one, for a transport that tells of every
 * close of every duplicate (FUSE's FLUSH).  After a write it puts the filemark
 * on the tape and makes it durable, as drive_close() would; if the open file
 * goes on to be used, the next call takes the filemark back first.  A failure
 * is the answer of that close(2): a drive_close() that follows at once does not
 * try again.
 */
int drive_flush(struct drive *d);

/* The next operation of a later open fails with ${err} (negative), once. */
void drive_keep_error(struct drive *d, int err);

/*
 * read(2) of ${count} bytes.  In variable block mode one record; in fixed block
 * mode whole blocks.
 *
 * DRIVE_PART: ${count} is only a part of what the program asked for, the first
 * or a later one, and more may be asked in a further call.  In fixed block
 * mode parts may have any size and together give what one call would have
 * given; a filemark met by a part other than the first is left for the next
 * read(2).  In variable block mode only the first part goes to the drive.
 * DRIVE_LATER: a part other than the first.
 */
#define DRIVE_PART 1u
#define DRIVE_LATER 2u
ssize_t drive_read(struct drive *d, void *buf, size_t count, unsigned flags);

/*
 * How many of ${count} bytes drive_write() would take, or the errno it would
 * give before it touches the tape.  For a transport that gets a record in
 * fragments and must refuse it, or cut it short, on the first one.  A refusal
 * was the write's answer (ENOSPC alternates); after any other result
 * drive_write() follows with at most that many bytes.  ${final}: ${count} is
 * all that the program writes; else it may be more.
 */
ssize_t drive_check_write(struct drive *d, size_t count, bool final);

/* write(2) of a whole record, or in fixed block mode of whole blocks. */
ssize_t drive_write(struct drive *d, const void *buf, size_t count);

/*
 * A write(2) in fixed block mode that comes in parts, each of whole blocks;
 * together they are one call, as early warning and the errors of an earlier
 * close count.  ${flags}: 0 for the first, DRIVE_LATER.  ${ret_done}: bytes
 * that are on the tape, on failure too.  0, or a negative errno, with fewer on
 * the tape than ${count}; -ENOSPC: the medium has room for no more.
 */
int drive_write_part(struct drive *d, const void *buf, size_t count,
    unsigned flags, size_t *ret_done);

/*
 * The end of such a write(2) that is less than a block, if it has been
 * acknowledged and nothing more of it comes: a record of ${len} bytes, that it
 * be on the tape.  0 or a negative errno: it is not.
 */
int drive_write_rest(struct drive *d, const void *buf, size_t len);

/* Whether the medium has room for one more block, as far as can be told. */
bool drive_has_room(struct drive *d);

/* Bytes that one write(2), or one read(2), can carry at the most. */
size_t drive_max_record(const struct drive *d);
size_t drive_max_read(const struct drive *d);

/* Whether the drive is in fixed block mode now; and bytes of a block, or 0. */
bool drive_is_fixed(const struct drive *d);
size_t drive_block_size(const struct drive *d);

/* MTIOCTOP.  ${admin}: the caller has CAP_SYS_ADMIN (MTSETDRVBUFFER). */
int drive_mtop(struct drive *d, const struct mtop *op, bool admin);

/* MTIOCGET and MTIOCPOS. */
int drive_get(struct drive *d, struct mtget *ret_status);
int drive_pos(struct drive *d, struct mtpos *ret_pos);

/* What every other ioctl does first: flushes; -ENXIO in an undefined mode. */
int drive_other_ioctl(struct drive *d);

/*
 * For the end of the process: does what close would have done if the drive is
 * open, and unloads the tape.  Afterwards every call fails with -EIO.
 */
int drive_shutdown(struct drive *d);

/* SCSI_IOCTL_STOP_UNIT: that, and then MTUNLOAD without its side effects. */
int drive_stop(struct drive *d);

/* 0, or -ENXIO: the node that is open has a mode that is not defined. */
int drive_check_mode(struct drive *d);

/* Whether an open file holds the drive. */
bool drive_is_open(const struct drive *d);

/* The last failure in words; "" if there was none in the last call. */
const char *drive_why(const struct drive *d);

#endif
