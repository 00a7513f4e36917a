/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the st tape: what the st*.c files share, and nobody else. */
#ifndef PMT_ST_STATE_H
#define PMT_ST_STATE_H

#include <sys/types.h>

#include <linux/mtio.h>

#include "sg.h"
#include "tape.h"
#include "trail.h"

#define ST_SMALLEST 512 /* bytes; every drive takes such records */

#define ST_NOWHERE UINT64_MAX /* of an object number: there is none */

struct st_tape {
	struct tape base;
	char *path;
	char *sg_option;  /* sg=, or NULL */
	unsigned timeout; /* seconds; 0: as st has it */
	bool eject;

	int fd;			/* -1: not loaded */
	const char *protection; /* NULL: can be written */
	bool writing;		/* not all is durable; st may add a filemark */
	bool warned;		/* st will refuse the next write */
	uint32_t min, limit;	/* bytes of a record; what the drive takes */
	uint32_t granularity;	/* bytes */
	uint8_t density;
	int options;	     /* st's, as we found them; -1: not known */
	uint8_t *bounce;     /* ${limit} bytes from a page's start, or NULL */
	struct trail *trail; /* offsets are object numbers */
	uint64_t warn_at;    /* object that met early warning, or ST_NOWHERE */
	uint64_t file_start; /* first object of this file, or ST_NOWHERE */

	bool tells; /* the drive tells where it is */
	struct sg_drive *sg;
	char sg_path[48];
	char no_sg[128];		/* why there is none */
	struct sg_drive_position place; /* what sg told last */
	bool placed;			/* ${place} is of this moment */
	char trouble[128]; /* news that made the position unknown */
	bool unsettled;	   /* the drive may have forgotten its modes */
	uint64_t alerts;   /* TapeAlert flags seen since the load */

	struct sg_drive_capacity capacity;
	uint64_t used;	/* bytes before here, as far as it is known */
	uint64_t since; /* bytes written since the drive was asked */
	bool stale;	/* ... and it has moved */
};

static inline struct st_tape *
st_of(struct tape *t)
{
	return (struct st_tape *)t;
}

/* In st.c: the driver. */

/* One MTIOCTOP: 0 or -errno, without words. */
int st_operate(struct st_tape *s, short op, int count);

/* The status; -errno. */
int st_status(struct st_tape *s, struct mtget *ret_status);

/* Whether the status has a bit; not if there is none. */
bool st_has_bit(struct st_tape *s, long bit);

/*
 * Where the drive is, in objects.  False: it does not tell, or there are news
 * of it, after which its position is not known.
 */
bool st_ask(struct st_tape *s, uint64_t *ret_object);

/* Whether the drive says that it is ${objects} behind pos.object. */
bool st_moved(struct st_tape *s, uint64_t objects);

/* Asks for capacity and TapeAlert, if it is time or ${now}. */
void st_poll(struct st_tape *s, bool now);

/* Fails at pos.object, with words. */
int st_fail(struct st_tape *s, int err, const char *what);

/* -EIO, and the position is not known. */
int st_lose(struct st_tape *s, const char *what);

/* The tape stands there now. */
void st_stand(struct st_tape *s, uint64_t object, uint64_t file);

int st_need_medium(struct st_tape *s);
int st_need_position(struct st_tape *s); /* and a medium */
int st_need_writable(struct st_tape *s); /* and a position */

/*
 * Makes everything durable; st has nothing to add to it then.  -EIO: something
 * is lost, and with it the position.
 */
int st_let_idle(struct st_tape *s);

int st_to_bot(struct st_tape *s);

/* The buffer of ${limit} bytes; NULL: out of memory. */
uint8_t *st_bounce(struct st_tape *s);

/* In st_rw.c and st_move.c: members of the vtable. */
int st_read(struct tape *t, void *buf, size_t size, size_t *ret_len,
    enum tape_cond *ret_cond);
int st_write(struct tape *t, const void *buf, size_t len,
    enum tape_cond *ret_cond);
int st_write_filemarks(struct tape *t, uint32_t count, bool immediate,
    uint32_t *ret_done, enum tape_cond *ret_cond);
int st_space(struct tape *t, enum tape_unit unit, int64_t count,
    uint64_t *ret_done, enum tape_cond *ret_cond);
int st_locate(struct tape *t, uint32_t partition, uint64_t object,
    enum tape_cond *ret_cond);

#endif
