/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SCSI side of a tape drive: what st does not tell about it, asked for on
 * its sg node.  No data go through here, and nothing that moves the tape.
 *
 * Any command may be answered with something that was meant for st: that the
 * drive was reset, that the medium was changed, that data it had acknowledged
 * are lost.  st will not hear of it again.  So the sense of every command is
 * looked at, and such news are kept until sg_drive_news() takes them; who does
 * not take them must not go on writing.
 *
 * The node is open O_EXCL: no other program can send commands through it.  Used
 * by one thread at a time, and never during a call of st on the same drive.
 */
#ifndef PMT_SG_H
#define PMT_SG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libsgutils2 owns the other names that begin with sg_. */
struct sg_drive;

/* Where the drive is. */
struct sg_drive_position {
	uint64_t object; /* objects before here: the host's side of its buffer
			  */
	bool has_file, has_last;
	uint64_t file;	       /* filemarks before here */
	uint64_t last;	       /* objects on the medium, the other side */
	bool past_warning;     /* between early warning and the end */
	bool past_preliminary; /* programmable early warning */
};

/* How much there is, in bytes of what the drive writes: after compression. */
struct sg_drive_capacity {
	uint64_t total;	  /* from BOT to early warning; 0: not known */
	uint64_t left;	  /* of it */
	uint64_t reserve; /* from early warning to the end; 0: not known */
	uint64_t buffer;  /* the drive's own; 0: not known */
};

struct sg_drive_limits {
	uint32_t min, max;    /* bytes of a record; max 0: no limit */
	uint32_t granularity; /* bytes */
};

/* What was meant for st. */
struct sg_drive_news {
	bool attention;	 /* a reset, another medium, other parameters */
	bool deferred;	 /* what was acknowledged before is lost */
	char words[128]; /* "deferred error: medium error, 0c/00" */
};

/*
 * The sg node of the drive that st has as device ${rdev}, as "/dev/sgN".
 * -ENODEV: it has none, so it is no SCSI drive of this machine.
 */
int sg_drive_find(uint64_t rdev, char *ret_path, size_t size);

/*
 * Opens the node; ${seconds} is how long a command may take.  What open(2)
 * gives: -EBUSY: another program has it; -EACCES, -EPERM: no right to it.
 */
int sg_drive_open(const char *path, unsigned seconds, struct sg_drive **ret_d);

/* NULL is fine. */
void sg_drive_close(struct sg_drive *d);

/*
 * Questions.  -EOPNOTSUPP: the drive does not know the answer, and will not be
 * asked again; -EIO: it did not give one; there may be news.
 */
int sg_drive_position(struct sg_drive *d, struct sg_drive_position *ret_pos);
int sg_drive_limits(struct sg_drive *d, struct sg_drive_limits *ret_limits);
int sg_drive_capacity(struct sg_drive *d, struct sg_drive_capacity *ret_cap);

/* TapeAlert flags, flag N as bit N - 1; to ask clears them in the drive. */
int sg_drive_alerts(struct sg_drive *d, uint64_t *ret_flags);

/* Takes the news; false if there are none. */
bool sg_drive_news(struct sg_drive *d, struct sg_drive_news *ret_news);

/* "IBM ULTRIUM-TD5 K4K1", or "" if the drive has not told. */
const char *sg_drive_product(const struct sg_drive *d);

/* What flag ${flag} (1 to 64) means. */
const char *sg_drive_alert_name(unsigned flag);

#endif
