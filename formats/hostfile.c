/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host file of an image: opening, locking, cutting, appending, syncing.
 *
 * ${size} is where the file ends for everyone above.  When an append fails and
 * cannot be taken back either, the file is ragged: bytes past ${size} exist,
 * are never looked at, and are cut away before the next byte is written.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostfile.h"
#include "hostfile_state.h"
#include "tape.h"

#define SEND_STEP ((uint64_t)4 << 20) /* bytes, see hostfile_send() */

static int
system_stat(const char *path, struct stat *st)
{
	return stat(path, st);
}

static int
system_open(const char *path, int flags, mode_t mode)
{
	return open(path, flags, mode);
}

static int
system_lock(int fd, struct flock *lock)
{
	return fcntl(fd, F_OFD_SETLK, lock);
}

static int
system_fstat(int fd, struct stat *st)
{
	return fstat(fd, st);
}

const struct hostfile_calls hostfile_system = {
	.stat = system_stat,
	.open = system_open,
	.close = close,
	.lock = system_lock,
	.fstat = system_fstat,
	.pread = pread,
	.preadv = preadv,
	.pwritev = pwritev,
	.ftruncate = ftruncate,
	.fallocate = fallocate,
	.fstatfs = fstatfs,
	.send = sync_file_range,
	.fdatasync = fdatasync,
	.fsync = fsync,
	.syncfs = syncfs,
};

const struct hostfile_calls *hostfile_sys = &hostfile_system;

void
hostfile_set_calls(const struct hostfile_calls *calls)
{
	hostfile_sys = calls == NULL ? &hostfile_system : calls;
}

/* The last component, cut short so that a message has room for its point. */
static void
set_name(struct hostfile *h, const char *path)
{
	const char *slash = strrchr(path, '/');

	(void)strncpy(h->name, slash == NULL ? path : slash + 1,
	    sizeof(h->name) - 1); /* calloc has set the final zero */
}

/*
 * Looks before opening: to open a drive would move its tape.  ${ret_mode} is 0
 * if nothing is there yet.
 */
static int
look_at(struct hostfile *h, const char *path, mode_t *ret_mode)
{
	struct stat st;

	*ret_mode = 0;
	if (hostfile_sys->stat(path, &st) < 0)
		return 0; /* open() will say why, or make it */
	*ret_mode = st.st_mode;
	if (S_ISREG(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		return tape_fail(h->owner, EISDIR,
		    "%s: is a directory; an image is a file in it", h->name);
	return tape_fail(h->owner, EINVAL, "%s: is not a regular file%s",
	    h->name, S_ISCHR(st.st_mode) ? "; for a tape drive use st:" : "");
}

/* A new name in a directory is durable only once the directory is. */
static int
sync_parent(struct hostfile *h, const char *path)
{
	char *copy = strdup(path);
	int dir, r = 0;

	if (copy == NULL)
		return tape_fail(h->owner, ENOMEM, "out of memory");
	dir = hostfile_sys->open(dirname(copy),
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	free(copy);
	if (dir < 0)
		return 0; /* no permission to read it; nothing to sync with */
	/* EINVAL: a file system that has no such thing. */
	if (hostfile_sys->fsync(dir) < 0 && errno != EINVAL)
		r = tape_fail(h->owner, EIO,
		    "%s: made, but its directory can't be synced: %s", h->name,
		    strerror(errno));
	(void)hostfile_sys->close(dir); /* read only: nothing can be lost */
	return r;
}

static int
make_file(struct hostfile *h, const char *path)
{
	h->fd = hostfile_sys->open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (h->fd < 0)
		return tape_fail(h->owner, errno, "%s: can't be made: %s%s",
		    h->name, strerror(errno),
		    errno == ENOENT ? "; is its directory there?" : "");
	return sync_parent(h, path);
}

static int
open_readonly(struct hostfile *h, const char *path, const char *protection)
{
	h->protection = protection;
	h->fd = hostfile_sys->open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	if (h->fd < 0)
		return tape_fail(h->owner, errno, "%s: can't be opened: %s",
		    h->name, strerror(errno));
	return 0;
}

static int
open_file(struct hostfile *h, const char *path, bool readonly, bool create)
{
	mode_t mode;
	int r = look_at(h, path, &mode);

	if (r < 0)
		return r;
	if (readonly)
		return open_readonly(h, path, "opened with readonly=yes");
	/*
	 * No write permission for anybody is the write-protect tab of an image.
	 * It counts for root too, whom open() would let through.
	 */
	if (mode != 0 && (mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0)
		return open_readonly(h, path, "nobody may write to it");
	h->fd = hostfile_sys->open(path, O_RDWR | O_CLOEXEC | O_NOCTTY, 0);
	if (h->fd >= 0)
		return 0;
	switch (errno) {
	case EACCES:
	case EPERM:
		return open_readonly(h, path, "no permission to write to it");
	case EROFS:
		return open_readonly(h, path, "its file system is read-only");
	case ETXTBSY:
		return open_readonly(h, path, "it is a program that runs");
	case ENOENT:
		if (create)
			return make_file(h, path);
		break;
	default:
		break;
	}
	return tape_fail(h->owner, errno, "%s: can't be opened: %s", h->name,
	    strerror(errno));
}

/* One writer, or any number of readers.  The kernel drops it with the fd. */
static int
lock_file(struct hostfile *h)
{
	struct flock lock = {
		.l_type = h->protection == NULL ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};

	if (hostfile_sys->lock(h->fd, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return tape_fail(h->owner, EBUSY,
		    "%s: in use by another process", h->name);
	return tape_fail(h->owner, errno, "%s: can't be locked: %s", h->name,
	    strerror(errno));
}

/* Under the lock: nobody who honours it changes the file from here on. */
static int
measure(struct hostfile *h)
{
	struct stat st;

	if (hostfile_sys->fstat(h->fd, &st) < 0)
		return tape_fail(h->owner, errno, "%s: can't be looked at: %s",
		    h->name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return tape_fail(h->owner, EINVAL, "%s: is not a regular file",
		    h->name);
	h->size = (uint64_t)st.st_size;
	h->reserved = h->sent = h->size;
	/* Whoever wrote it may have been killed before it could be synced. */
	h->dirty = h->protection == NULL && h->size > 0;
	return 0;
}

static void
free_hostfile(struct hostfile *h)
{
	/* Unlocks; what was to be durable has been synced before. */
	if (h->fd >= 0)
		(void)hostfile_sys->close(h->fd);
	free(h->window);
	free(h);
}

int
hostfile_open(struct tape *owner, const char *path, bool readonly, bool create,
    struct hostfile **ret_file)
{
	struct hostfile *h = calloc(1, sizeof(*h));
	int r;

	if (h == NULL)
		return tape_fail(owner, ENOMEM, "out of memory");
	h->owner = owner;
	h->fd = -1;
	h->most = INT64_MAX;
	set_name(h, path);
	h->window = malloc(HOSTFILE_WINDOW);
	r = h->window == NULL ? tape_fail(owner, ENOMEM, "out of memory") : 0;
	if (r == 0)
		r = open_file(h, path, readonly, create);
	if (r == 0)
		r = lock_file(h);
	if (r == 0)
		r = measure(h);
	if (r < 0) {
		free_hostfile(h);
		return r;
	}
	*ret_file = h;
	return 0;
}

struct tape *
hostfile_owner(const struct hostfile *h)
{
	return h->owner;
}

const char *
hostfile_name(const struct hostfile *h)
{
	return h->name;
}

uint64_t
hostfile_size(const struct hostfile *h)
{
	return h->size;
}

const char *
hostfile_protection(const struct hostfile *h)
{
	if (h->sync_failed)
		return "a sync has failed; unload and load it to go on";
	return h->protection;
}

int
hostfile_fail(struct hostfile *h, int err, uint64_t at, const char *what)
{
	bool full = err == ENOSPC || err == EDQUOT || err == EFBIG;

	return tape_fail(h->owner, full ? ENOSPC : EIO,
	    "%s: offset %" PRIu64 ": %s: %s", h->name, at, what, strerror(err));
}

/* Makes the file end at ${at} whatever is there, and knows it afterwards. */
static int
truncate_to(struct hostfile *h, uint64_t at)
{
	if (hostfile_sys->ftruncate(h->fd, (off_t)at) < 0)
		return -errno;
	h->size = at;
	h->reserved = at; /* truncation gives blocks past the end back */
	h->ragged = false;
	h->tight = false;
	h->dirty = true;
	h->unsettled++;
	h->window_len = 0;
	return 0;
}

int
hostfile_cut(struct hostfile *h, uint64_t at)
{
	int r;

	assert(at <= h->size);
	if (at == h->size && !h->ragged)
		return 0;
	r = truncate_to(h, at);
	if (r < 0)
		return hostfile_fail(h, r == -ENOSPC ? EIO : -r, at,
		    "what follows can't be cut away");
	return 0;
}

/*
 * Takes back an append that failed.  The failure is explained already; if this
 * fails too, the caller's words still hold, since ${ragged} keeps what is half
 * there out of sight.
 */
static void
take_back(struct hostfile *h, uint64_t at)
{
	h->size = at;
	h->ragged = true;
	h->window_len = 0;
	(void)truncate_to(h, at); /* see above */
}

/* Steps over ${done} bytes of the pieces. */
static void
advance(struct iovec **iov, size_t *n, size_t done)
{
	while (*n > 0 && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		++*iov;
		--*n;
	}
	if (*n > 0) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + done;
		(*iov)->iov_len -= done;
	}
}

/* Writes all of the pieces, which it uses up; returns -errno. */
static int
write_all(struct hostfile *h, uint64_t at, struct iovec *iov, size_t n)
{
	h->dirty = true;
	while (n > 0) {
		ssize_t w =
		    hostfile_sys->pwritev(h->fd, iov, (int)n, (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		if (w == 0)
			return -ENOSPC; /* the next call would say the same */
		at += (uint64_t)w;
		h->unsettled += (uint64_t)w;
		advance(&iov, &n, (size_t)w);
	}
	return 0;
}

int
hostfile_append(struct hostfile *h, const struct iovec *iov, size_t n)
{
	struct iovec left[4];
	uint64_t at = h->size;
	size_t total = 0;
	int r;

	assert(n <= 4);
	for (size_t i = 0; i < n; i++) {
		left[i] = iov[i];
		total += iov[i].iov_len;
	}
	r = hostfile_cut(h, at);
	if (r < 0)
		return r;
	h->ahead = true; /* file systems reserve on their own, too */
	r = write_all(h, at, left, n);
	if (r < 0) {
		r = hostfile_fail(h, -r, at, "can't be written");
		take_back(h, at);
		return r;
	}
	h->size = at + total;
	if (h->reserved < h->size)
		h->reserved = h->size;
	h->window_len = 0;
	return 0;
}

/* Nothing is durable before the next sync, which tells of failures, too. */
void
hostfile_send(struct hostfile *h)
{
	if (h->sent > h->size)
		h->sent = h->size; /* it has been cut */
	if (h->size - h->sent < SEND_STEP)
		return;
	(void)hostfile_sys->send(h->fd, (off_t)h->sent,
	    (off_t)(h->size - h->sent), SYNC_FILE_RANGE_WRITE); /* a hint */
	h->sent = h->size;
}

int
hostfile_vouch(struct hostfile *h, uint64_t at, const uint8_t *bytes,
    size_t len)
{
	struct iovec piece = hostfile_piece(bytes, len);
	int r;

	assert(!h->ragged && at <= h->size && len <= h->size - at);
	r = write_all(h, at, &piece, 1);
	if (r < 0) {
		r = hostfile_fail(h, -r, at, "can't be written");
		take_back(h, at);
		return r;
	}
	h->window_len = 0;
	hostfile_send(h);
	return 0;
}

int
hostfile_replace(struct hostfile *h, uint64_t at, const void *bytes, size_t len)
{
	struct iovec piece = hostfile_piece(bytes, len);
	int r;

	assert(at <= h->size && len <= h->size - at);
	r = write_all(h, at, &piece, 1);
	h->window_len = 0;
	if (r < 0)
		return hostfile_fail(h, r == -ENOSPC ? EIO : -r, at,
		    "can't be written");
	return 0;
}

int
hostfile_extend(struct hostfile *h, size_t len)
{
	uint64_t at = h->size;
	int r = hostfile_cut(h, at);

	if (r < 0)
		return r;
	if (hostfile_sys->ftruncate(h->fd, (off_t)(at + len)) < 0) {
		r = hostfile_fail(h, errno, at, "can't be written");
		take_back(h, at);
		return r;
	}
	h->size = at + len;
	if (h->reserved < h->size)
		h->reserved = h->size;
	h->dirty = true;
	h->window_len = 0;
	return 0;
}

int
hostfile_sync(struct hostfile *h)
{
	int r = 0;

	if (h->sync_failed)
		return tape_fail(h->owner, EIO,
		    "%s: an earlier sync failed; "
		    "what was written since the one before may be lost",
		    h->name);
	if (!h->dirty)
		return 0;
	do {
		r = hostfile_sys->fdatasync(h->fd);
	} while (r < 0 && errno == EINTR);
	if (r < 0) {
		h->sync_failed = true;
		return tape_fail(h->owner, EIO,
		    "%s: can't be made durable: %s; "
		    "what was written since the last sync may be lost",
		    h->name, strerror(errno));
	}
	h->dirty = false;
	return 0;
}

int
hostfile_close(struct hostfile *h)
{
	int r = 0;

	if (h->ahead || h->ragged) {
		r = truncate_to(h, h->size);
		if (r < 0)
			r = hostfile_fail(h, r == -ENOSPC ? EIO : -r, h->size,
			    "space past the end can't be given back");
	}
	/* The worse failure of the two is told. */
	if (hostfile_sync(h) < 0)
		r = -EIO;
	free_hostfile(h);
	return r;
}
