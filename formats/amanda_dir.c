/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host files of an Amanda directory; see amanda_dir.h.
 *
 * The lock is one on the directory itself, flock(2), which leaves nothing
 * behind and which a kill undoes.  Amanda has no locks; so that it does not
 * write to a directory while a drive has it loaded is up to the user.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "amanda_dir.h"
#include "amanda_header.h"
#include "image.h"
#include "tape.h"

#define PROBE_NAMES 100000 /* entries looked at */
#define PROBE_FILES 16	   /* files looked into */

const struct amanda_calls amanda_system = {
	.mkdir = mkdir,
	.renameat = renameat,
	.unlinkat = unlinkat,
	.fsync = fsync,
};

static const struct amanda_calls *sys = &amanda_system;

void
amanda_set_calls(const struct amanda_calls *calls)
{
	sys = calls == NULL ? &amanda_system : calls;
}

static int
no_memory(const struct amanda_dir *d)
{
	return tape_fail(d->owner, ENOMEM, "out of memory");
}

/* ---- Names -------------------------------------------------------------- */

/* What a name says; false: it is none of a tape file. */
static bool
parse_name(const char *name, struct amanda_file *ret)
{
	char *end;
	unsigned long number, block;

	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	number = strtoul(name, &end, 10);
	if (errno != 0 || number > INT32_MAX)
		return false; /* Amanda ignores it, too */
	*ret = (struct amanda_file){ .number = (uint32_t)number };
	if (*end == '.')
		return true; /* AMANDA_WHOLE */
	ret->state = AMANDA_LAST;
	if (strncmp(end, "-last.", 6) == 0)
		return true;
	ret->state = AMANDA_OPEN;
	if (strncmp(end, "-open", 5) != 0 || end[5] < '1' || end[5] > '9')
		return false;
	block = strtoul(end + 5, &end, 10);
	ret->block = (uint32_t)block;
	return *end == '.' && block <= TAPE_MAX_RECORD;
}

char *
amanda_dir_path(const struct amanda_dir *d, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", d->path, name) >= 0)
		return path;
	(void)no_memory(d);
	return NULL;
}

char *
amanda_dir_name(const struct amanda_dir *d, uint32_t number,
    enum amanda_state state, uint32_t block, const char *rest)
{
	char *name;
	int n;

	if (state == AMANDA_OPEN)
		n = asprintf(&name, "%05" PRIu32 "-open%" PRIu32 ".%s", number,
		    block, rest);
	else
		n = asprintf(&name, "%05" PRIu32 "%s.%s", number,
		    state == AMANDA_LAST ? "-last" : "", rest);
	if (n >= 0)
		return name;
	(void)no_memory(d);
	return NULL;
}

/* ---- Looking at it ------------------------------------------------------ */

static struct amanda_file *
new_file(struct amanda_dir *d)
{
	struct amanda_file *more;

	if ((d->n & (d->n - 1)) == 0) { /* 0, 1, 2, 4, 8 ... */
		more = reallocarray(d->files, d->n == 0 ? 1 : 2 * d->n,
		    sizeof(*more));
		if (more == NULL)
			return NULL;
		d->files = more;
	}
	return &d->files[d->n];
}

static int
note_litter(struct amanda_dir *d, const char *name)
{
	char **more =
	    reallocarray(d->litter, d->n_litter + 1, sizeof(*d->litter));
	char *copy = strdup(name);

	if (more != NULL)
		d->litter = more;
	if (more == NULL || copy == NULL) {
		free(copy);
		return no_memory(d);
	}
	d->litter[d->n_litter++] = copy;
	return 0;
}

enum answer { NO, YES, UNKNOWN };

static enum answer
begins_with_header(int dir, const char *name)
{
	uint8_t bytes[AMANDA_MAGIC];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return UNKNOWN; /* reading it will say why */
	n = pread(fd, bytes, sizeof(bytes), 0);
	(void)close(fd); /* only read */
	if (n < 0)
		return UNKNOWN;
	return n == (ssize_t)sizeof(bytes) && amanda_header_is(bytes) ? YES
								      : NO;
}

static int
note_file(struct amanda_dir *d, const char *name)
{
	struct amanda_file file, *slot;
	struct stat st;
	uint64_t data;

	if (!parse_name(name, &file))
		return 0;
	/* As Amanda, which passes over both. */
	if (fstatat(d->fd, name, &st, 0) < 0 || !S_ISREG(st.st_mode))
		return 0;
	file.size = (uint64_t)st.st_size;
	if (file.state == AMANDA_OPEN) {
		if (file.size < AMANDA_HEADER)
			return note_litter(d, name);
		data = file.size - AMANDA_HEADER;
		file.size -= data % file.block;
	}
	file.headless =
	    file.size >= AMANDA_HEADER && begins_with_header(d->fd, name) == NO;
	slot = new_file(d);
	file.name = strdup(name);
	if (slot == NULL || file.name == NULL) {
		free(file.name);
		return no_memory(d);
	}
	*slot = file;
	d->n++;
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct amanda_file *f = a, *g = b;

	if (f->number != g->number)
		return f->number < g->number ? -1 : 1;
	return strcmp(f->name, g->name);
}

/* What is wrong with a file; anew when it or its neighbours change. */
static void
judge(struct amanda_dir *d, size_t i)
{
	struct amanda_file *f = &d->files[i];
	const struct amanda_file *before = i > 0 ? f - 1 : NULL;
	const struct amanda_file *after = i + 1 < d->n ? f + 1 : NULL;

	f->wrong = f->wrong_with = NULL;
	if (before != NULL && before->number == f->number) {
		f->wrong = "has the same number as";
		f->wrong_with = before->name;
	} else if (after != NULL && after->number == f->number) {
		f->wrong = "has the same number as";
		f->wrong_with = after->name;
	} else if (after != NULL && f->state != AMANDA_WHOLE) {
		f->wrong = "has no end, but is followed by";
		f->wrong_with = after->name;
	} else if (f->size < AMANDA_HEADER) {
		f->wrong = "is cut off in";
		f->wrong_with = "its header";
	} else if (f->headless) {
		f->wrong = "does not begin with";
		f->wrong_with = "a header of Amanda's";
	}
}

static int
look_at_all(struct amanda_dir *d)
{
	int fd = dup(d->fd);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (stream == NULL) {
		r = tape_fail(d->owner, errno, "%s: can't be read: %s", d->name,
		    strerror(errno));
		if (fd >= 0)
			(void)close(fd); /* nothing was written */
		return r;
	}
	rewinddir(stream); /* it shares its position with d->fd */
	errno = 0;
	while (r == 0 && (e = readdir(stream)) != NULL) {
		r = note_file(d, e->d_name);
		errno = 0;
	}
	if (r == 0 && errno != 0)
		r = tape_fail(d->owner, EIO, "%s: can't be read: %s", d->name,
		    strerror(errno));
	(void)closedir(stream); /* nothing was written */
	if (d->n > 0)
		qsort(d->files, d->n, sizeof(d->files[0]), by_number);
	for (size_t i = 0; i < d->n; i++)
		judge(d, i);
	return r;
}

/* DIR/data is what Amanda takes when it is told DIR. */
static char *
data_path(const char *path)
{
	struct stat st;
	char *data, *real;

	if (asprintf(&data, "%s/data", path) < 0)
		return NULL;
	real =
	    realpath(stat(data, &st) == 0 && S_ISDIR(st.st_mode) ? data : path,
		NULL);
	free(data);
	return real;
}

bool
amanda_dir_looks_like_it(const char *path)
{
	char *data = data_path(path);
	DIR *stream = data == NULL ? NULL : opendir(data);
	unsigned names = 0, files = 0;
	struct amanda_file file;
	struct dirent *e;
	bool found = false;

	free(data);
	while (!found && stream != NULL && names++ < PROBE_NAMES &&
	    files < PROBE_FILES && (e = readdir(stream)) != NULL) {
		if (!parse_name(e->d_name, &file))
			continue;
		files++;
		found = begins_with_header(dirfd(stream), e->d_name) == YES;
	}
	if (stream != NULL)
		(void)closedir(stream); /* only read */
	return found;
}

/* ---- Opening ------------------------------------------------------------ */

/* The last component, cut short so that a message has room for its point. */
static void
set_name(struct amanda_dir *d, const char *path)
{
	char *copy = strdup(path);

	(void)snprintf(d->name, sizeof(d->name), "%s",
	    copy == NULL ? path : basename(copy)); /* cut is fine */
	free(copy);
}

/* A new name in a directory is durable only once the directory is. */
static int
sync_parent(struct amanda_dir *d, const char *path)
{
	char *copy = strdup(path);
	int fd, r = 0;

	if (copy == NULL)
		return no_memory(d);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0)
		return 0; /* no permission to read it; nothing to sync with */
	if (sys->fsync(fd) < 0 && errno != EINVAL)
		r = tape_fail(d->owner, EIO,
		    "%s: made, but its directory can't be synced: %s", d->name,
		    strerror(errno));
	(void)close(fd); /* only read */
	return r;
}

static int
make_if_missing(struct amanda_dir *d, const char *path,
    const struct image_options *options)
{
	struct stat st;

	if (stat(path, &st) == 0 || errno != ENOENT || !options->create ||
	    options->readonly)
		return 0; /* opening it will say what is wrong */
	if (sys->mkdir(path, 0777) < 0)
		return tape_fail(d->owner, errno, "%s: can't be made: %s",
		    d->name, strerror(errno));
	return sync_parent(d, path);
}

/* Why it can't be written, or NULL; as for host files. */
static const char *
find_protection(int fd, const struct image_options *options)
{
	struct stat st;

	if (options->readonly)
		return "opened with readonly=yes";
	if (fstat(fd, &st) == 0 &&
	    (st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0)
		return "nobody may write to it";
	if (faccessat(fd, ".", W_OK, AT_EACCESS) == 0)
		return NULL;
	return errno == EROFS ? "its file system is read-only"
			      : "no permission to write to it";
}

static int
open_and_lock(struct amanda_dir *d, const char *path,
    const struct image_options *options)
{
	d->path = data_path(path);
	if (d->path != NULL)
		d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return tape_fail(d->owner, errno, "%s: can't be opened: %s",
		    d->name, strerror(errno));
	d->protection = find_protection(d->fd, options);
	if (flock(d->fd,
		(d->protection == NULL ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return tape_fail(d->owner, EBUSY,
		    "%s: in use by another process", d->name);
	return tape_fail(d->owner, errno, "%s: can't be locked: %s", d->name,
	    strerror(errno));
}

int
amanda_dir_open(struct amanda_dir *d, struct tape *owner, const char *path,
    const struct image_options *options)
{
	int r;

	*d = (struct amanda_dir){ .owner = owner, .fd = -1 };
	set_name(d, path);
	r = make_if_missing(d, path, options);
	if (r == 0)
		r = open_and_lock(d, path, options);
	if (r == 0)
		r = look_at_all(d);
	if (r < 0)
		amanda_dir_close(d);
	return r;
}

void
amanda_dir_close(struct amanda_dir *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->files[i].name);
	for (size_t i = 0; i < d->n_litter; i++)
		free(d->litter[i]);
	free(d->files);
	free(d->litter);
	free(d->path);
	if (d->fd >= 0)
		(void)close(d->fd); /* names were synced before */
}

/* ---- Changing it -------------------------------------------------------- */

int
amanda_dir_add(struct amanda_dir *d, uint32_t number, uint32_t block,
    uint64_t size, char *name)
{
	struct amanda_file *f = new_file(d);

	if (f == NULL)
		return no_memory(d);
	*f = (struct amanda_file){
		.number = number,
		.state = AMANDA_OPEN,
		.block = block,
		.size = size,
		.name = name,
	};
	d->n++;
	d->dirty = true;
	return 0;
}

int
amanda_dir_change(struct amanda_dir *d, enum amanda_state state, uint32_t block)
{
	struct amanda_file *f = &d->files[d->n - 1];
	const char *rest = strchr(f->name, '.') + 1;
	char *name;
	int r = 0;

	assert(d->n > 0);
	if (f->state == state && (state != AMANDA_OPEN || f->block == block))
		return 0;
	name = amanda_dir_name(d, f->number, state, block, rest);
	if (name == NULL)
		return -ENOMEM;
	if (sys->renameat(d->fd, f->name, d->fd, name) < 0) {
		r = tape_fail(d->owner, EIO, "%s: %s can't be renamed: %s",
		    d->name, f->name, strerror(errno));
		free(name);
		return r;
	}
	free(f->name);
	f->name = name;
	f->state = state;
	f->block = block;
	judge(d, d->n - 1);
	if (d->n > 1)
		judge(d, d->n - 2);
	d->dirty = true;
	return 0;
}

int
amanda_dir_remove(struct amanda_dir *d, const char *name)
{
	if (sys->unlinkat(d->fd, name, 0) < 0 && errno != ENOENT)
		return tape_fail(d->owner, EIO, "%s: %s can't be removed: %s",
		    d->name, name, strerror(errno));
	d->dirty = true;
	return 0;
}

int
amanda_dir_remove_last(struct amanda_dir *d)
{
	int r = amanda_dir_remove(d, d->files[d->n - 1].name);

	assert(d->n > 0);
	if (r < 0)
		return r;
	free(d->files[--d->n].name);
	if (d->n > 0)
		judge(d, d->n - 1);
	return 0;
}

int
amanda_dir_tidy(struct amanda_dir *d)
{
	int r = 0;

	while (r == 0 && d->n_litter > 0) {
		r = amanda_dir_remove(d, d->litter[d->n_litter - 1]);
		if (r == 0)
			free(d->litter[--d->n_litter]);
	}
	return r;
}

int
amanda_dir_sync(struct amanda_dir *d)
{
	if (!d->dirty)
		return 0;
	/* EINVAL: a file system that has no such thing. */
	if (sys->fsync(d->fd) < 0 && errno != EINVAL)
		return tape_fail(d->owner, EIO,
		    "%s: can't be made durable: %s; "
		    "what was written since the last sync may be lost",
		    d->name, strerror(errno));
	d->dirty = false;
	return 0;
}

uint64_t
amanda_dir_room(const struct amanda_dir *d)
{
	struct statvfs fs;

	if (fstatvfs(d->fd, &fs) < 0)
		return INT64_MAX;
	return (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
}
