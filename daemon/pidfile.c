/* SPDX-License-Identifier: BSD-2-Clause */
/* A file with the number of a process; see pidfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pidfile.h"
#include "spec.h"

/* Digits of the largest number, the newline, and one more to see if it ends. */
#define TEXT_SIZE 16

struct pidfile {
	const char *path;
	int fd;
};

/* Whether the path still leads to the file that is open. */
static bool
is_in_place(const struct pidfile *p)
{
	struct stat here, there;

	return fstat(p->fd, &here) == 0 && lstat(p->path, &there) == 0 &&
	    here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/* The number in the file; 0 if it is empty, -1 if it is no number at all. */
static long
number_in(int fd)
{
	char text[TEXT_SIZE + 1], *end;
	ssize_t n = pread(fd, text, TEXT_SIZE, 0);
	long number;

	if (n <= 0)
		return n;
	text[n] = '\0';
	number = strtol(text, &end, 10);
	return number > 0 && strcmp(end, "\n") == 0 ? number : -1;
}

static int
lock(struct pidfile *p, struct spec_error *e)
{
	long number;

	if (flock(p->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return spec_fail(e, errno, "--pidfile %s: can't be locked: %s",
		    p->path, strerror(errno));
	number = number_in(p->fd);
	if (number <= 0)
		return spec_fail(e, EBUSY,
		    "--pidfile %s: another %s, which is starting, has it",
		    p->path, program_invocation_short_name);
	return spec_fail(e, EBUSY,
	    "--pidfile %s: %s is running already, as process %ld", p->path,
	    program_invocation_short_name, number);
}

/* Opens and locks what is there. */
static int
try_claim(struct pidfile *p, struct spec_error *e)
{
	struct stat st;

	p->fd = open(p->path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK,
	    0644);
	if (p->fd < 0)
		return spec_fail(e, errno, "--pidfile %s: %s", p->path,
		    strerror(errno));
	if (fstat(p->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    number_in(p->fd) < 0)
		return spec_fail(e, EINVAL,
		    "--pidfile %s: it is there, and not a pidfile", p->path);
	return lock(p, e);
}

int
pidfile_claim(const char *path, struct pidfile **ret_pidfile,
    struct spec_error *e)
{
	struct pidfile *p = malloc(sizeof(*p));
	int r;

	if (p == NULL)
		return spec_fail(e, ENOMEM, "out of memory");
	*p = (struct pidfile){ .path = path, .fd = -1 };
	r = try_claim(p, e);
	/* Who had it may have removed it before we had the lock. */
	while (r == 0 && !is_in_place(p)) {
		(void)close(p->fd); /* nothing was written */
		r = try_claim(p, e);
	}
	if (r == 0 && ftruncate(p->fd, 0) < 0) /* a number from before */
		r = spec_fail(e, errno, "--pidfile %s: %s", path,
		    strerror(errno));
	if (r < 0) {
		pidfile_free(p);
		return r;
	}
	*ret_pidfile = p;
	return 0;
}

int
pidfile_write(struct pidfile *p, struct spec_error *e)
{
	char text[TEXT_SIZE];
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (pwrite(p->fd, text, (size_t)len, 0) != len)
		return spec_fail(e, EIO, "--pidfile %s: can't be written: %s",
		    p->path, strerror(errno));
	return 0;
}

void
pidfile_remove(const struct pidfile *p)
{
	if (p != NULL && is_in_place(p))
		(void)unlink(p->path); /* the next one can take it over */
}

void
pidfile_free(struct pidfile *p)
{
	if (p == NULL)
		return;
	if (p->fd >= 0)
		(void)close(p->fd); /* what was written is not missed */
	free(p);
}
