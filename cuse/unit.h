/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A unit: one drive, and the one open file that a drive can have.  It carries
 * out what a request asks once the request has been taken apart and its turn
 * has come: makes records out of fragments, keeps what close(2) can't say, and
 * logs failures.  It knows nothing of libfuse.
 *
 * All calls but those to begin and to end are made inside the lane of the unit,
 * so by one thread at a time, and may take as long as the tape does.  Results
 * are counts and 0, or negative errnos.
 */
#ifndef PMT_UNIT_H
#define PMT_UNIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frag.h"
#include "ioctl.h"
#include "lane.h"
#include "node.h"
#include "report.h"
#include "watch.h"

struct drive;
struct gate;
struct unit_file;

struct unit {
	struct drive *drive;
	const char *name;
	const struct caller_source *source;
	struct lane lane;
	struct watch watch;
	struct gate *gate; /* where an open waits for a slave; NULL: nowhere */
	/*
	 * Who waited for the operation in the lane has been given up: the drive
	 * belongs to nobody, and is busy until the tape comes back.
	 */
	atomic_bool abandoned;
	_Atomic pid_t last_tid; /* that asked for something, 0: none yet */
	atomic_bool ending;	/* unit_end() */
	atomic_bool writing;	/* a record is under way, of a write in parts */
	struct unit_file *file; /* the open file; NULL: none */
	uint64_t last_handle;	/* of any open file so far */
	struct report report;
};

/* ${d} and ${name} are not copied. */
void unit_init(struct unit *u, struct drive *d, const char *name,
    const struct caller_source *source);

/*
 * From now on -ENOTCONN is the answer to all that begins; what is under way
 * goes on: a write(2) that comes in parts, a close(2).  From any thread.
 */
void unit_end(struct unit *u);

/*
 * After unit_end(): whether nothing is under way any more, neither in the lane
 * nor of a write(2).  From any thread; does not block.
 */
bool unit_has_ended(struct unit *u);

/* Forgets the open file, if any, without a close; the drive stays as it is. */
void unit_fini(struct unit *u);

/*
 * How a node's requests come.  Both transports cut records in fragments; see
 * frag.h for the size of a chunk.
 */
struct unit_port {
	size_t chunk; /* bytes */
	/*
	 * A regular file: unit_flush() is called, and close(2) tells its
	 * result; and O_APPEND is more than a word.
	 */
	bool is_file;
};

/* Whether a program has the drive open. */
bool unit_is_open(const struct unit *u);

/*
 * open(2) of ${node}.  On success ${ret_handle} names the open file; it is
 * never 0, and no two are the same.
 */
int unit_open(struct unit *u, const struct unit_port *port,
    const struct node *node, int flags, uint64_t *ret_handle);

/*
 * The operations on an open file, as in frag.h, drive.h and ioctl.h.  A handle
 * that is not open, which can't come from the kernel, gives -EBADF.
 */
ssize_t unit_read(struct unit *u, uint64_t handle, const struct frag_part *part,
    const void **ret_data);
ssize_t unit_write(struct unit *u, uint64_t handle,
    const struct frag_part *part, const void *data);
struct frag_place unit_place(struct unit *u, uint64_t handle, pid_t tid);
int unit_ioctl(struct unit *u, uint64_t handle, uint32_t cmd,
    const struct ioctl_caller *who, const void *in, void *out, size_t *ret_out);
int unit_flush(struct unit *u, uint64_t handle, pid_t tid);

/*
 * The last close(2).  What goes wrong and can't be told any more the drive
 * keeps for the next open file.  False: ${handle} is not open.
 */
bool unit_release(struct unit *u, uint64_t handle);

#endif
