/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of tape scripts, as text and back.  A script is a file of lines:
 *
 *     # a comment
 *     case 12 a close after reading stays in the file
 *     open rw
 *     write 1024 7          => 1024
 *     status                => file 0 blk 1 gstat 0x1010000 dsreg 0 resid 0
 *
 * A case is a name and steps; each begins with a blank tape, the drive as new,
 * and nothing open.  After "=>" stands the outcome that is expected.  Steps:
 *
 *     open FLAG...          r, w or rw; nonblock; rewind; mode 0 .. 3; creat
 *     second FLAG...        another open while one is there
 *     close                 the last close
 *     dup                   a duplicate, closed again at once
 *     read BYTES [at N]     into a buffer at N bytes past a page boundary
 *     write BYTES TAG [at N]
 *     readv PIECES BYTES    PIECES times BYTES
 *     writev PIECES BYTES TAG
 *     mt OP COUNT           OP is a name of mtio.h without MT, or a number
 *     user mt OP COUNT      by somebody without privileges
 *     status, pos           MTIOCGET, MTIOCPOS
 *     ioctl NUMBER          any other, its argument being a zeroed buffer
 *     call NAME             lseek, pread, pwrite, fsync, truncate, mmap, poll
 *     repeat TIMES STEP     until the outcome is not that of the first time
 *
 * Written data is zeros but for a word of four bytes at the start of every
 * block, in variable block mode of every record: TAG << 16 | its number in the
 * write. (scsi_debug keeps no more of a block.)  A read tells the words that
 * are not zero, as TAG or TAG.NUMBER.
 */
#ifndef PMT_STEP_H
#define PMT_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum step_kind {
	STEP_OPEN,
	STEP_SECOND,
	STEP_CLOSE,
	STEP_DUP,
	STEP_READ,
	STEP_WRITE,
	STEP_READV,
	STEP_WRITEV,
	STEP_MT,
	STEP_STATUS,
	STEP_POS,
	STEP_IOCTL,
	STEP_CALL,
	STEP_KINDS
};

enum step_call {
	STEP_LSEEK,
	STEP_PREAD,
	STEP_PWRITE,
	STEP_FSYNC,
	STEP_TRUNCATE,
	STEP_MMAP,
	STEP_POLL,
	STEP_CALLS
};

/* What open takes, besides the node's mode. */
enum step_open {
	STEP_OPEN_R = 1,
	STEP_OPEN_W = 2,
	STEP_OPEN_NONBLOCK = 4,
	STEP_OPEN_REWIND = 8,
	STEP_OPEN_CREAT = 16, /* O_CREAT, O_TRUNC, O_APPEND */
};

struct step {
	enum step_kind kind;
	unsigned open;	 /* STEP_OPEN_* */
	unsigned mode;	 /* of the node */
	int op;		 /* MTIOCTOP, or which call */
	bool user;	 /* not privileged */
	int count;	 /* mt_count */
	uint32_t cmd;	 /* ioctl */
	size_t bytes;	 /* of a read, a write, or a piece of one */
	unsigned pieces; /* of readv and writev */
	unsigned at;	 /* alignment: bytes past a page boundary */
	uint16_t tag;	 /* not 0 */
	unsigned times;	 /* 0: once, and not said */
};

/* Room for a step, or an outcome, in words. */
#define STEP_TEXT 160

/* One step out of a line without "=>"; false: it is none. */
bool step_parse(const char *line, struct step *ret_step);

/* The line of a step. */
void step_format(const struct step *s, char text[STEP_TEXT]);

/* The name in mtio.h of an operation, in lower case without MT; else NULL. */
const char *step_op_name(int op);

/* A step with what was expected of it or came of it; "": nothing is known. */
struct step_line {
	struct step step;
	char outcome[STEP_TEXT];
	unsigned line; /* in its file */
};

struct step_case {
	char name[STEP_TEXT];
	struct step_line *lines;
	size_t n;
};

/* Reads the next case; false at the end.  What is no script ends the test. */
bool step_read_case(FILE *f, const char *path, struct step_case *ret_case,
    unsigned *line);

void step_write_case(FILE *f, const struct step_case *c);
void step_free_case(struct step_case *c);

/* Adds a step, with no outcome yet, and returns it; it moves at the next. */
struct step_line *step_add(struct step_case *c, const struct step *s);

#endif
