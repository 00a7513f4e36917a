/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host file that an image lies in: one regular file, held under a lock,
 * read through a small window, cut and appended to, with disk space reserved
 * ahead of its end.  Knows no format: what the bytes are is a codec's business.
 *
 * Failures explain themselves with tape_fail() on the tape that owns the file,
 * naming the file and the offset.
 */
#ifndef PMT_HOSTFILE_H
#define PMT_HOSTFILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>

struct hostfile;
struct tape;

enum hostfile_room {
	HOSTFILE_ROOM,	 /* space is reserved well past here */
	HOSTFILE_NEARLY, /* ... up to here, but the disk has no more */
	HOSTFILE_FULL,	 /* ... and this is past it */
};

/*
 * Opens and locks ${path}; makes it, durably and empty, if it is not there and
 * ${create}.  A file that can't be written is opened all the same, see
 * hostfile_protection().  -EBUSY: locked by someone else; -EISDIR and -EINVAL:
 * not a regular file; otherwise what open(2) gives.
 */
int hostfile_open(struct tape *owner, const char *path, bool readonly,
    bool create, struct hostfile **ret_file);

/*
 * Gives back what is reserved, makes everything durable and frees ${h}, on
 * failure too.  -EIO: something that was written may be lost.
 */
int hostfile_close(struct hostfile *h);

/* The tape to explain failures to. */
struct tape *hostfile_owner(const struct hostfile *h);

/* The last component of the path, for messages; shortened if it is long. */
const char *hostfile_name(const struct hostfile *h);

/* Bytes in the file. */
uint64_t hostfile_size(const struct hostfile *h);

/* Why the file can't be written, in words, or NULL if it can. */
const char *hostfile_protection(const struct hostfile *h);

/*
 * Points at ${len} bytes (at most 64) of the file, until the next call.  They
 * must lie inside the file.  -EIO: they can't be read.
 */
int hostfile_peek(struct hostfile *h, uint64_t at, size_t len,
    const uint8_t **ret_bytes);

/* The same for any length, into ${buf}. */
int hostfile_read(struct hostfile *h, uint64_t at, void *buf, size_t len);

/*
 * The same, and makes ready for a hostfile_peek() at what follows: ${more}
 * bytes, or as many as there are, are fetched in the same call.
 */
int hostfile_read_on(struct hostfile *h, uint64_t at, void *buf, size_t len,
    size_t more);

/*
 * Says how the file is going to grow: never past ${most} bytes, and with
 * HOSTFILE_NEARLY for the last ${zone} bytes that the disk has for it (less on
 * a small disk).
 */
void hostfile_expect(struct hostfile *h, uint64_t zone, uint64_t most);

/*
 * Reserves disk space for a file of ${end} bytes, and a little more that only
 * marks may use.  HOSTFILE_FULL means that a record should not be written.
 */
enum hostfile_room hostfile_reserve(struct hostfile *h, uint64_t end);

/* Bytes that the file can surely grow to; UINT64_MAX: no limit was met yet. */
uint64_t hostfile_top(struct hostfile *h);

/* Makes the file end at ${at}, within it.  -EIO: it ends where it did. */
int hostfile_cut(struct hostfile *h, uint64_t at);

/*
 * The writing calls.  Each is whole or absent: on failure, -ENOSPC (disk,
 * quota or file size limit) or -EIO, the file ends where it did before what is
 * half there.  Should even that fail, then the half is treated as if it were
 * not there, and is cut away before anything is written again.
 *
 * hostfile_append: adds ${n} pieces (at most 4) at the end of the file.
 * hostfile_vouch:  replaces the bytes at ${at}, the first of what was appended
 *                  last; with these it counts.  On failure the file ends there.
 * hostfile_extend: adds ${len} zero bytes, in a step that no kill can split.
 */
int hostfile_append(struct hostfile *h, const struct iovec *iov, size_t n);
int hostfile_vouch(struct hostfile *h, uint64_t at, const uint8_t *bytes,
    size_t len);
int hostfile_extend(struct hostfile *h, size_t len);

/*
 * Says that what was appended will not be changed any more: the disk may begin
 * to work on it, so that the next sync finds little left to do.  Only a hint.
 */
void hostfile_send(struct hostfile *h);

/*
 * Overwrites ${len} bytes at ${at}, all inside the file.  -EIO: what is there
 * now is unknown, byte for byte the old or the new.
 */
int hostfile_replace(struct hostfile *h, uint64_t at, const void *bytes,
    size_t len);

/*
 * Makes everything durable, also what others have written before it was opened
 * and the kernel may still hold.  -EIO: something may be lost; from then on the
 * file is write protected and every sync fails, because a second one that
 * succeeds says nothing about the pages that the first one dropped.
 */
int hostfile_sync(struct hostfile *h);

/* A piece for hostfile_append(). */
static inline struct iovec
hostfile_piece(const void *bytes, size_t len)
{
	return (struct iovec){ .iov_base = (void *)(uintptr_t)bytes,
		.iov_len = len };
}

/* Every call to the system that a hostfile makes, so that tests can fail it. */
struct hostfile_calls {
	int (*stat)(const char *path, struct stat *st);
	int (*open)(const char *path, int flags, mode_t mode);
	int (*close)(int fd);
	int (*lock)(int fd, struct flock *lock); /* F_OFD_SETLK */
	int (*fstat)(int fd, struct stat *st);
	ssize_t (*pread)(int fd, void *buf, size_t len, off_t at);
	ssize_t (*preadv)(int fd, const struct iovec *iov, int n, off_t at);
	ssize_t (*pwritev)(int fd, const struct iovec *iov, int n, off_t at);
	int (*ftruncate)(int fd, off_t size);
	int (*fallocate)(int fd, int mode, off_t at, off_t len);
	int (*fstatfs)(int fd, struct statfs *fs);
	int (*send)(int fd, off_t at, off_t len, unsigned flags);
	int (*fdatasync)(int fd);
	int (*fsync)(int fd);
	int (*syncfs)(int fd);
};

extern const struct hostfile_calls hostfile_system;

/* NULL: back to hostfile_system. */
void hostfile_set_calls(const struct hostfile_calls *calls);

#endif
