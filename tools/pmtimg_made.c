/* SPDX-License-Identifier: BSD-2-Clause */
/* See pmtimg_made.h. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "pmtimg.h"
#include "pmtimg_made.h"
#include "pmtimg_text.h"

/* A new name is durable once its directory is. */
static void
sync_parent(const char *path)
{
	char *copy = pmtimg_text_need(strdup(path));
	int dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(copy);
	if (dir < 0)
		return;	  /* not ours to read; there is nothing to sync with */
	(void)fsync(dir); /* some file systems have no such thing */
	(void)close(dir); /* read only */
}

static int
make(const char *path, bool directory)
{
	int fd;

	if (directory)
		return mkdir(path, 0777);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -1;
	return close(fd);
}

int
pmtimg_made_make(struct pmtimg_made *ret_made, const char *path, bool directory)
{
	struct stat st;

	*ret_made = (struct pmtimg_made){ .directory = directory };
	if (make(path, directory) < 0 || lstat(path, &st) < 0) {
		log_error("%s: can't be made: %s%s", path, strerror(errno),
		    errno == EEXIST	  ? "; nothing is overwritten: choose "
					    "another name, or remove it"
			: errno == ENOENT ? "; is its directory there?"
					  : "");
		return PMTIMG_FAILED;
	}
	sync_parent(path);
	ret_made->path = pmtimg_text_need(strdup(path));
	ret_made->dev = st.st_dev;
	ret_made->ino = st.st_ino;
	return PMTIMG_DONE;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return kind == FTW_DP ? rmdir(path) : unlink(path);
}

void
pmtimg_made_remove(struct pmtimg_made *m)
{
	struct stat st;
	int r;

	if (m->path == NULL)
		return;
	if (lstat(m->path, &st) < 0 || st.st_dev != m->dev ||
	    st.st_ino != m->ino)
		return; /* somebody has put something else there */
	if (m->directory)
		r = nftw(m->path, remove_one, 8,
		    FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	else
		r = unlink(m->path);
	if (r < 0)
		log_warning("%s: can't be removed: %s", m->path,
		    strerror(errno));
}

void
pmtimg_made_free(struct pmtimg_made *m)
{
	free(m->path);
	m->path = NULL;
}
