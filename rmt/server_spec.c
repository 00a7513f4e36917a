/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape spec as a device of the server: a drive over the tape, which comes and
 * goes with open and close.  Owns what has to outlive a close within a session:
 * where the tape stood, or the drive whose tape was ejected.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drive.h"
#include "server_device.h"
#include "spec.h"
#include "table.h"
#include "tape.h"

/* Names that a session remembers; the oldest is forgotten for a new one. */
#define PLACES 8

/* After a close: in an ejected drive, or so many filemarks and records on. */
struct remembered {
	char *name;	     /* NULL: free */
	struct drive *drive; /* NULL: it had a tape, which stood there: */
	int file, block;     /* -1: not known */
	int object;
	uint32_t block_size; /* 0: variable */
};

struct rmt_places {
	struct remembered at[PLACES];
	unsigned next;
};

struct spec_device {
	struct rmt_device base;
	struct drive *drive;
	struct rmt_places *places;
	char *name;
	bool read_only, rewinds;
	char why[RMT_WHY_MAX]; /* "": the drive's */
};

static struct spec_device *
device_of(struct rmt_device *d)
{
	return (struct spec_device *)d;
}

/* ---- What is remembered -------------------------------------------------- */

static void
end_drive(struct drive *drive)
{
	if (drive != NULL)
		(void)drive_shutdown(drive); /* it is closed: nothing is lost */
	drive_free(drive);
}

static void
forget(struct remembered *m)
{
	end_drive(m->drive);
	free(m->name);
	*m = (struct remembered){ .name = NULL };
}

struct rmt_places *
rmt_server_places_new(void)
{
	return calloc(1, sizeof(struct rmt_places));
}

void
rmt_server_places_free(struct rmt_places *places)
{
	for (unsigned i = 0; places != NULL && i < PLACES; i++)
		forget(&places->at[i]);
	free(places);
}

static struct remembered *
recall(struct rmt_places *places, const char *name)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (places->at[i].name != NULL &&
		    strcmp(places->at[i].name, name) == 0)
			return &places->at[i];
	return NULL;
}

/* Takes over the name. */
static struct remembered *
remember(struct rmt_places *places, char *name)
{
	struct remembered *m = recall(places, name);

	if (m == NULL)
		m = &places->at[places->next++ % PLACES];
	forget(m);
	m->name = name;
	return m;
}

/* ---- The device ---------------------------------------------------------- */

static ssize_t
spec_read(struct rmt_device *d, void *buf, size_t size)
{
	return drive_read(device_of(d)->drive, buf, size, 0);
}

static ssize_t
spec_write(struct rmt_device *d, const void *buf, size_t len)
{
	return drive_write(device_of(d)->drive, buf, len);
}

static int
spec_op(struct rmt_device *base, int mt_op, int count)
{
	struct spec_device *d = device_of(base);
	struct mtop op = { .mt_op = (short)mt_op, .mt_count = count };

	d->why[0] = '\0';
	if (mt_op < 0 || mt_op > SHRT_MAX)
		return -EINVAL;
	if (d->read_only && !rmt_server_op_only_moves(mt_op)) {
		(void)snprintf(d->why, sizeof(d->why), "granted to be read");
		return -EACCES;
	}
	return drive_mtop(d->drive, &op, geteuid() == 0);
}

static int
spec_status(struct rmt_device *d, struct mtget *ret_status)
{
	return drive_get(device_of(d)->drive, ret_status);
}

static const char *
spec_why(struct rmt_device *base)
{
	struct spec_device *d = device_of(base);

	return d->why[0] != '\0' ? d->why : drive_why(d->drive);
}

/* How the tape is after its close; an open that touches nothing asks. */
static bool
look(struct drive *drive, struct mtget *ret_status, struct mtpos *ret_pos)
{
	bool known;

	if (drive_open(drive, O_RDONLY | O_NONBLOCK, 0, false) < 0)
		return false;
	known = drive_get(drive, ret_status) == 0;
	if (known && drive_pos(drive, ret_pos) < 0)
		ret_pos->mt_blkno = 0; /* no tape */
	(void)drive_close(drive);      /* nothing was done */
	return known;
}

/*
 * Gives the tape back.  Takes over the drive and the name.  0, or what the
 * tape's unload gave.
 */
static int
put_away(struct rmt_places *places, struct drive *drive, char *name)
{
	struct remembered *m;
	struct mtget status;
	struct mtpos pos;
	int r = 0;

	if (!look(drive, &status, &pos)) {
		r = drive_shutdown(drive);
		drive_free(drive);
		free(name);
		return r;
	}
	m = remember(places, name);
	if (GMT_DR_OPEN(status.mt_gstat)) {
		m->drive = drive;
		return 0;
	}
	m->file = (int)status.mt_fileno;
	m->block = (int)status.mt_blkno;
	m->object = (int)pos.mt_blkno;
	m->block_size = (uint32_t)status.mt_dsreg & MT_ST_BLKSIZE_MASK;
	r = drive_shutdown(drive);
	drive_free(drive);
	return r;
}

static int
spec_close(struct rmt_device *base)
{
	struct spec_device *d = device_of(base);
	int r = drive_close(d->drive), r2;

	r2 = put_away(d->places, d->drive, d->name);
	free(d);
	return r < 0 ? r : r2;
}

static const struct rmt_device_ops spec_ops = {
	.read = spec_read,
	.write = spec_write,
	.op = spec_op,
	.status = spec_status,
	.close = spec_close,
	.why = spec_why,
};

/* ---- Opening ------------------------------------------------------------- */

static int
say(char why[RMT_WHY_MAX], int r, const char *text)
{
	(void)snprintf(why, RMT_WHY_MAX, "%.*s", RMT_WHY_MAX - 1, text);
	return r;
}

/* A loaded tape of what was granted, and of nothing that has come instead. */
static int
load_granted(const struct rmt_grant *grant, const struct spec *spec,
    struct tape **ret_tape, char why[RMT_WHY_MAX])
{
	struct spec_error e;
	struct tape *t;
	int r = spec_open(spec, &t, &e);

	if (r < 0)
		return say(why, r, e.text);
	r = tape_load(t);
	if (r < 0)
		(void)say(why, r, tape_why(t));
	else if (!rmt_table_still_real(grant, spec))
		r = say(why, -EACCES, "the path has changed");
	if (r < 0)
		tape_free(t);
	else
		*ret_tape = t;
	return r;
}

static int
new_drive(const struct rmt_grant *grant, const struct tape_type *const *types,
    struct drive **ret_drive, char why[RMT_WHY_MAX])
{
	struct spec_error e;
	struct spec *spec;
	struct tape *t;
	int r = spec_parse(grant->text, types, &spec, &e);

	if (r < 0)
		return say(why, r, e.text);
	r = load_granted(grant, spec, &t, why);
	spec_free(spec);
	if (r < 0)
		return r;
	*ret_drive = drive_new(t);
	if (*ret_drive != NULL)
		return 0;
	tape_free(t);
	return -ENOMEM;
}

static int
move(struct drive *drive, short op, int count)
{
	struct mtop mtop = { .mt_op = op, .mt_count = count };

	return drive_mtop(drive, &mtop, false);
}

/* The tape may be another one by now: then the place is not there. */
static int
go_back(struct drive *drive, const struct remembered *m)
{
	int r = 0;

	if (m->block_size != 0)
		r = move(drive, MTSETBLK, (int)m->block_size);
	if (r < 0)
		return r;
	if (m->file < 0 || m->block < 0)
		return move(drive, MTSEEK, m->object);
	if (m->file > 0)
		r = move(drive, MTFSF, m->file);
	if (r == 0 && m->block > 0)
		r = move(drive, MTFSR, m->block);
	return r;
}

/*
 * The drive open, and the tape where it was left.  On failure the drive is
 * ended.
 */
static int
open_drive(struct spec_device *d, int flags, char why[RMT_WHY_MAX])
{
	struct remembered *m = recall(d->places, d->name);
	int r = drive_open(d->drive, flags, 0, d->rewinds);

	if (r == 0 && m != NULL && m->drive == NULL && !d->rewinds) {
		r = go_back(d->drive, m);
		if (r < 0)
			(void)drive_close(d->drive); /* it says already */
		if (r < 0)
			forget(m); /* the next open finds the beginning */
	}
	if (r == 0)
		return 0;
	(void)say(why, r, drive_why(d->drive));
	if (m == NULL || m->drive != d->drive)
		end_drive(d->drive);
	return r;
}

/* An ejected drive stays in its place until it is open. */
static int
get_drive(struct spec_device *d, const struct rmt_grant *grant,
    const struct tape_type *const *types, int flags, char why[RMT_WHY_MAX])
{
	struct remembered *m = recall(d->places, d->name);
	int r = 0;

	if (m != NULL && m->drive != NULL)
		d->drive = m->drive;
	else
		r = new_drive(grant, types, &d->drive, why);
	if (r == 0)
		r = open_drive(d, flags, why);
	if (r == 0 && m != NULL)
		m->drive = NULL;
	return r;
}

int
rmt_server_open_spec(const struct rmt_grant *grant,
    const struct tape_type *const *types, int flags, struct rmt_places *places,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX])
{
	struct spec_device *d;
	int r = -ENOMEM;

	if (grant->read_only && (flags & O_ACCMODE) != O_RDONLY)
		return say(why, -EACCES, "granted to be read");
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return r;
	*d = (struct spec_device){ .base = { .ops = &spec_ops },
		.places = places,
		.name = strdup(grant->name),
		.read_only = grant->read_only,
		.rewinds = grant->rewinds };
	if (d->name != NULL)
		r = get_drive(d, grant, types, flags & (O_ACCMODE | O_NONBLOCK),
		    why);
	if (r == 0) {
		*ret_device = &d->base;
		return 0;
	}
	free(d->name);
	free(d);
	return r;
}
