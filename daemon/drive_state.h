/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the drive: the state that st(4) keeps, shared by the drive_*.c files
 * and by nobody else.  docs/drive-states.md explains the states and lists every
 * transition with the function that makes it; drive_check() asserts what must
 * hold in each, on the way in and out of every call.
 */
#ifndef PMT_DRIVE_STATE_H
#define PMT_DRIVE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "drive.h"
#include "tape.h"

/* The last direction of data; decides what close and some operations do. */
enum drive_rw {
	RW_IDLE,
	RW_READING,
	RW_WRITING, /* close writes a filemark */
};

/*
 * The end condition, in the driver's order: several rules compare with ">=".
 * The names of st.h are in parentheses; its EOM_ERROR is for data that a driver
 * loses in a buffer, and we have none.
 */
enum drive_eof {
	EOF_NONE,	/* (NOEOF) */
	EOF_FM_PENDING, /* (FM_HIT) fixed mode: a read gave data and ran over a
			   filemark; the tape stands after it, the program
			   before it */
	EOF_AT_FM,	/* (FM) right after a filemark */
	EOF_EW_HIT,	/* (EOM_OK) early warning: the next write is refused */
	EOF_EW_GRACE, /* (EOD_1) refused once: the next write is let through */
	EOF_EOD2,     /* (EOD_2) one more read gives 0 */
	EOF_EOD,      /* (EOD) reads give EIO and do not reach the tape */
};

enum drive_ready {
	READY_YES,
	READY_NO, /* a medium is there, but it can't be used */
	READY_NO_TAPE,
};

/* Where the drive is, as the admit table sees it; drive_state() tells. */
enum drive_state {
	STATE_GONE, /* after drive_shutdown() */
	STATE_FREE, /* nobody has it open */
	STATE_NO_TAPE,
	STATE_NOT_READY,
	STATE_UNDEFINED,	 /* open in a mode that is not defined */
	STATE_UNDEFINED_NO_TAPE, /* that, and no usable medium */
	STATE_LOST,		 /* the position of the tape is not known */
	STATE_IDLE,
	STATE_READING,
	STATE_WRITING,
	STATES
};

/* What is asked of the drive, as far as the states treat it differently. */
enum drive_class {
	CLASS_OPEN,
	CLASS_CLOSE,
	CLASS_RW,	 /* read and write */
	CLASS_STATUS,	 /* MTIOCGET and ioctls that are not of the tape */
	CLASS_POS,	 /* MTIOCPOS */
	CLASS_OP,	 /* an MTIOCTOP operation that needs a medium */
	CLASS_OP_FIND,	 /* likewise, and finds a lost position again */
	CLASS_OP_ALWAYS, /* an MTIOCTOP operation that needs no medium */
	CLASS_OP_LOAD,	 /* MTLOAD: needs no medium, finds the position */
	CLASS_OP_OPTION, /* MTSETDRVBUFFER: may define a mode */
	CLASSES
};

enum drive_door {
	DOOR_UNLOCKED,
	DOOR_LOCKED,	  /* MTLOCK: until MTUNLOCK, MTOFFL */
	DOOR_LOCKED_AUTO, /* MT_ST_AUTO_LOCK: until close */
};

enum drive_default {
	DEFAULT_UNTOUCHED,
	DEFAULT_NO,
	DEFAULT_YES,
};

struct drive_mode {
	bool defined;
	uint32_t booleans;     /* the per-mode MT_ST_* bits */
	int32_t default_block; /* bytes, -1: none */
	int default_density;   /* density code, -1: none */
	enum drive_default default_compression;
};

/* What st keeps for each partition. */
struct drive_part {
	enum drive_rw rw;
	enum drive_eof eof;
	int file;  /* mt_fileno: filemarks before here, -1 unknown */
	int block; /* mt_blkno: records since the last filemark, -1 unknown */
	bool left_valid;  /* ${left_at} is where it was left */
	uint64_t left_at; /* object number */
};

struct drive {
	struct tape *tape;
	bool gone;
	bool open;
	bool nonblock;	      /* O_NONBLOCK of the open */
	unsigned open_access; /* O_ACCMODE of the open */
	unsigned open_mode;   /* the mode of the node that is open */
	bool node_rewinds;    /* the open node rewinds on close */
	bool rewind_at_close; /* ... and nothing took that back */
	enum drive_ready ready;
	bool new_medium;    /* the next look at the medium finds a new one */
	bool protected;	    /* the medium is write protected */
	bool may_not_write; /* that, or opened O_RDONLY */
	enum drive_door door;

	struct drive_mode modes[DRIVE_MODES];
	bool modes_defined; /* any but the first has been */
	unsigned mode;	    /* the mode of the tape session */
	uint32_t booleans;  /* the MT_ST_* bits of the whole drive */
	bool block_changed, density_changed, compression_changed;
	/*
	 * What the driver believes, and what the hardware was last set to: with
	 * no tape the driver forgets, and learns again when there is one.
	 */
	uint32_t block_size; /* bytes, 0: variable block mode */
	uint32_t hard_block_size;
	/* Record sizes of the tape, as open found them; bytes, 0: not asked. */
	uint32_t min_record, max_record, max_read;
	uint8_t density;
	uint8_t hard_density;
	uint8_t buffering;     /* drive buffering code, 0 .. 7 */
	int default_buffering; /* -1: none */

	struct drive_part parts[TAPE_MAX_PARTITIONS];
	unsigned part;	   /* the partition that the tape is in */
	unsigned new_part; /* ... and where the next operation wants it */
	unsigned n_parts;  /* as far as the driver knows */

	/*
	 * Fixed mode, after a read of a count that is no multiple of the block
	 * size: st reads ahead and serves bytes (st.c: try_dio_now off).
	 */
	bool streaming;
	uint8_t *ahead;
	size_t ahead_room; /* bytes allocated */
	size_t ahead_at;   /* bytes of it already given out */
	size_t ahead_left; /* bytes of it still to give out */

	/* drive_flush() wrote the filemarks of close; the state before them. */
	bool settled;
	struct drive_part before_settled;
	uint32_t settled_marks; /* filemarks */
	/* drive_flush() has failed last, so close does not try once more. */
	bool flush_failed;

	int kept_error; /* negative errno for the next operation, or 0 */
	char why[256];
};

/* The partition that operations work on. */
struct drive_part *drive_part(struct drive *d);

/* Asserts the invariants of the state; see docs/drive-states.md. */
void drive_check(const struct drive *d);

enum drive_state drive_state(const struct drive *d);

/* 0 if the state lets this class of request through, else its errno. */
int drive_admit(struct drive *d, enum drive_class class);

/* The same as if the mode of the node were defined. */
int drive_admit_undefined(struct drive *d, enum drive_class class);

/* Notes words for drive_why() and returns -${err}. */
int drive_fail(struct drive *d, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The errno that st gives for a failure of the tape, with its words noted. */
int drive_tape_failed(struct drive *d, int r);

/* Whether an MT_ST_* bit is on, in the mode of the session or in the drive. */
bool drive_has(const struct drive *d, uint32_t boolean);

/* The kept error of an earlier close, once; else 0. */
int drive_take_error(struct drive *d);

/* Takes back the filemarks of drive_flush(), as if it had not been. */
int drive_unsettle(struct drive *d);

/*
 * Undoes read-ahead: stands where the program stands.  ${go_on}: the operation
 * that follows moves anyway, so only the books are put right.
 */
int drive_flush_reading(struct drive *d, bool go_on);

/* The position of the tape is lost: nothing is known of it any more. */
void drive_forget_place(struct drive *d);

/* Goes to the partition that MTSETPART asked for. */
int drive_switch_partition(struct drive *d);

/* Applies block size and density defaults of the session's mode. */
int drive_apply_mode(struct drive *d);

/*
 * Looks at the medium as open does; 0, or a negative errno.  A tape that is not
 * there is no failure.
 */
int drive_check_medium(struct drive *d);

/* MTLOAD: loads the tape and looks at it. */
int drive_load(struct drive *d);

/* One MTIOCTOP operation by its number, without what comes before it. */
int drive_run_op(struct drive *d, int op, int count);

/* MTSETDRVBUFFER with one of the MT_ST_OPTIONS codes. */
int drive_set_options(struct drive *d, uint32_t options);

/* Sets drive parameters, with the limits of the tape. */
int drive_set_block(struct drive *d, uint32_t block_size);
int drive_set_density(struct drive *d, uint8_t density);
int drive_set_compression(struct drive *d, bool on);

/* MTSEEK, and the move between partitions. */
int drive_set_location(struct drive *d, uint64_t object, unsigned part);

#endif
