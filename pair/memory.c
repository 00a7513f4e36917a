/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that both sides of a socket see; see memory.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pmt/pair.h>

#include "memory.h"

/* What keeps it as large as it is, whoever has it. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* Pages are put behind it in steps of so many bytes. */
#define STEP ((size_t)256 << 10)

static int
map(struct memory *m, int fd)
{
	void *bytes = mmap(NULL, PMT_PAIR_MAX_RECORD, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (bytes == MAP_FAILED)
		return -errno;
	*m = (struct memory){ .bytes = bytes, .fd = fd };
	return 0;
}

int
memory_make(struct memory *m)
{
	int fd = memfd_create("pmt-pair", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, PMT_PAIR_MAX_RECORD) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
		r = -errno;
	if (r == 0)
		r = map(m, fd);
	if (r < 0)
		(void)close(fd); /* it holds nothing */
	return r;
}

bool
memory_back(struct memory *m, size_t n)
{
	size_t to = (n + STEP - 1) / STEP * STEP;

	if (n <= m->backed)
		return true;
	/*
	 * Not fallocate(2): that waits for the file's lock, which the other one
	 * can keep for ever, by a write(2) from memory that never comes.
	 */
	if (madvise(m->bytes, to, MADV_POPULATE_WRITE) < 0)
		return false; /* whatever it is, it is tried again */
	m->backed = to;
	return true;
}

int
memory_take(struct memory *m, int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	int r = 0;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &st) < 0 ||
	    st.st_size != PMT_PAIR_MAX_RECORD)
		r = -EPROTO;
	if (r == 0)
		r = map(m, fd);
	if (r < 0)
		(void)close(fd); /* nothing was written to it */
	return r;
}

void
memory_drop(struct memory *m)
{
	if (m->bytes == NULL)
		return;
	(void)munmap(m->bytes, PMT_PAIR_MAX_RECORD); /* it was mapped */
	(void)close(m->fd); /* it goes when both have let it go */
	*m = MEMORY_NONE;
}
