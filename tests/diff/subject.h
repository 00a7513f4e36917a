/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tape scripts are run on: system calls on a tape drive, be it behind a
 * node of the kernel (node.c) or a struct drive in this process (twin.c).
 * Results are those of the system calls, with -errno for a failure.
 */
#ifndef PMT_SUBJECT_H
#define PMT_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "step.h"

struct drive;
struct subject;
struct tape;

struct subject_ops {
	/* Nothing is open, the drive is as new; the medium is as it was. */
	void (*renew)(struct subject *s);
	/* ${open} are STEP_OPEN_* flags. */
	int (*open)(struct subject *s, unsigned open, unsigned mode);
	int (*second)(struct subject *s, unsigned open, unsigned mode);
	int (*close)(struct subject *s);
	int (*dup)(struct subject *s);
	ssize_t (*readv)(struct subject *s, const struct iovec *iov, int n);
	ssize_t (*writev)(struct subject *s, const struct iovec *iov, int n);
	int (*ioctl)(struct subject *s, uint32_t cmd, void *arg, bool user);
	int (*call)(struct subject *s, enum step_call call);
	void (*free)(struct subject *s);
};

/* The base of every subject. */
struct subject {
	const struct subject_ops *ops;
	bool open;
	uint32_t block_size; /* as MTSETBLK last set it */
};

/*
 * A node such as /dev/nst0.  Where st is the driver behind it, it is bound anew
 * for each case.  A node that does not exist ends the test.
 */
struct subject *node_new(const char *path);

/*
 * A drive of our own over a tape in memory, which are new for each case.
 * ${like_scsi_debug}: the tape keeps 4 bytes of a record and warns once, see
 * memtape.h; else it keeps everything, and warns by position.
 */
struct subject *twin_new(bool like_scsi_debug);

/*
 * From now on a twin's drive has the tape that ${wrap} makes of the one in
 * memory, which it takes over.
 */
void twin_set_wrap(struct tape *(*wrap)(struct tape *below));

/* A look into the twin, for the generator and the exclusions. */
struct drive *twin_drive(struct subject *s);
struct tape *twin_tape(struct subject *s);

/* Begins a case: the drive as new, the tape blank, nothing open. */
void run_begin(struct subject *s);

/* Ends it: closes what is open. */
void run_end(struct subject *s);

/* Runs one step and tells what came of it. */
void run_step(struct subject *s, const struct step *step,
    char outcome[STEP_TEXT]);

#endif
