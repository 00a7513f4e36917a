/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tape in a drive of Linux st; see st.h.  Owns what the driver does on its
 * own account, so that what is above sees only the tape: its ENOSPC for which
 * nothing was sent, the filemark that it writes before motions, its wrong or
 * missing counts.  Here: the node and where it is; st_rw.c reads and writes,
 * st_move.c moves.
 *
 * Invariants:
 * 1. pos.object is what the drive says, where it does; a difference that is not
 *    explained by what was just done makes the position unknown, and then only
 *    a rewind or a motion that begins with one goes.
 * 2. st never writes a filemark of its own: whatever would make it do so comes
 *    after MTWEOF 0, which only waits for the drive (st_let_idle()).
 * 3. The trail has places whose count of filemarks is known, because st forgets
 *    it with MTSEEK.
 * 4. What was acknowledged is on the tape, or the position is unknown: after
 *    any failure to write, and after any news of the drive, MTWEOF 0 or a lost
 *    position comes before the next record.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "st.h"
#include "st_state.h"

#define ST_ALIGN ((size_t)4096) /* bytes; st copies what is not so */
#define SG_SECONDS 60		/* that a question may take */
#define LONG_TIMEOUT 15		/* st's long timeout is so many short ones */
#define TIMEOUT_MAX 60000	/* seconds; times 15 it fits in 20 bits */
#define POLL_MIN (UINT64_C(1) << 20)  /* bytes */
#define POLL_MAX (UINT64_C(64) << 20) /* bytes */

/*
 * Options of st that we can't have.  Buffering acknowledges what no drive has
 * seen; SYSV moves at close; SILI hides that a record was longer; the NOWAITs
 * return before the drive has done it.
 */
#define ST_BUFFERING \
	(MT_ST_BUFFER_WRITES | MT_ST_ASYNC_WRITES | MT_ST_READ_AHEAD)
#define ST_UNWANTED                                                \
	(ST_BUFFERING | MT_ST_TWO_FM | MT_ST_SYSV | MT_ST_NOWAIT | \
	    MT_ST_SILI | MT_ST_NOWAIT_EOF)
#define ST_BOOLEANS 0xffff

#define DENSITY(dsreg) ((uint8_t)((dsreg) >> MT_ST_DENSITY_SHIFT & 0xff))

/* ---- Talking to the driver ---------------------------------------------- */

int
st_operate(struct st_tape *s, short op, int count)
{
	struct mtop mtop = { .mt_op = op, .mt_count = count };
	int r;

	s->placed = false;
	do {
		r = ioctl(s->fd, MTIOCTOP, &mtop);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int
st_status(struct st_tape *s, struct mtget *ret_status)
{
	return ioctl(s->fd, MTIOCGET, ret_status) < 0 ? -errno : 0;
}

bool
st_has_bit(struct st_tape *s, long bit)
{
	struct mtget status;

	return st_status(s, &status) == 0 && (status.mt_gstat & bit) != 0;
}

/* ---- Talking to the drive ----------------------------------------------- */

/* What a command on the sg node was told instead of st. */
static bool
has_news(struct st_tape *s)
{
	struct sg_drive_news news;

	if (s->sg == NULL || !sg_drive_news(s->sg, &news))
		return false;
	(void)snprintf(s->trouble, sizeof(s->trouble), "%s", news.words);
	tape_alarm("%s: object %" PRIu64 ": %s", s->path, s->base.pos.object,
	    news.words);
	s->unsettled |= news.attention;
	s->base.pos.known = false;
	return true;
}

bool
st_ask(struct st_tape *s, uint64_t *ret_object)
{
	struct mtpos pos;

	s->placed = false;
	if (!s->tells || s->trouble[0] != '\0')
		return false;
	if (s->sg != NULL) {
		s->placed = sg_drive_position(s->sg, &s->place) == 0;
		if (has_news(s))
			return false;
		if (s->placed) {
			*ret_object = s->place.object;
			return true;
		}
	}
	if (ioctl(s->fd, MTIOCPOS, &pos) < 0)
		return false;
	*ret_object = (uint32_t)pos.mt_blkno;
	return true;
}

bool
st_moved(struct st_tape *s, uint64_t objects)
{
	uint64_t at;

	return st_ask(s, &at) && at == s->base.pos.object + objects;
}

static void
look_for_alerts(struct st_tape *s)
{
	uint64_t flags = 0, seen = s->alerts;

	if (s->sg == NULL || sg_drive_alerts(s->sg, &flags) < 0)
		return;
	s->alerts |= flags;
	for (unsigned flag = 1; flag <= 64; flag++)
		if (((flags & ~seen) >> (flag - 1) & 1) != 0)
			tape_alarm("%s: TapeAlert %02xh: %s", s->path, flag,
			    sg_drive_alert_name(flag));
}

/* After how many bytes to ask again: more often towards the end. */
static uint64_t
poll_step(const struct st_tape *s)
{
	uint64_t total = s->capacity.total;
	uint64_t step = s->used < total ? (total - s->used) / 16 : 0;

	return step < POLL_MIN ? POLL_MIN : step > POLL_MAX ? POLL_MAX : step;
}

void
st_poll(struct st_tape *s, bool now)
{
	struct sg_drive_capacity c;

	if (s->sg == NULL || (!now && !s->stale && s->since < poll_step(s)))
		return;
	s->stale = false;
	s->since = 0;
	if (sg_drive_capacity(s->sg, &c) == 0) {
		s->capacity = c;
		s->used = c.total - (c.left < c.total ? c.left : c.total);
	}
	look_for_alerts(s);
	(void)has_news(s); /* the position is unknown then: all will see */
}

int
st_fail(struct st_tape *s, int err, const char *what)
{
	look_for_alerts(s);
	return tape_fail(&s->base, err, "%s: object %" PRIu64 ": %s: %s",
	    s->path, s->base.pos.object, what, strerror(err));
}

/* ---- Where the tape stands ---------------------------------------------- */

void
st_stand(struct st_tape *s, uint64_t object, uint64_t file)
{
	struct place place = { .offset = object,
		.object = object,
		.file = file };

	if (file > s->base.pos.file)
		s->file_start = object;
	else if (object == 0)
		s->file_start = 0;
	else if (file < s->base.pos.file)
		s->file_start = ST_NOWHERE;
	s->base.pos =
	    (struct tape_pos){ .object = object, .file = file, .known = true };
	trail_note(s->trail, &place);
}

int
st_lose(struct st_tape *s, const char *what)
{
	s->base.pos.known = false;
	look_for_alerts(s);
	(void)has_news(s); /* they are told here */
	return tape_fail(&s->base, EIO,
	    "%s: object %" PRIu64 ": %s%s%s; the position is lost: rewind",
	    s->path, s->base.pos.object, what,
	    s->trouble[0] == '\0' ? "" : ": ", s->trouble);
}

int
st_need_medium(struct st_tape *s)
{
	if (s->fd < 0)
		return tape_fail(&s->base, ENOMEDIUM, "no tape loaded");
	return 0;
}

int
st_need_position(struct st_tape *s)
{
	int r = st_need_medium(s);

	/* st may not know what we know: it must not write now. */
	if (r == 0 && !s->base.pos.known)
		r = st_lose(s, "nothing can be done here");
	return r;
}

int
st_need_writable(struct st_tape *s)
{
	int r = st_need_medium(s);

	if (r == 0 && s->protection != NULL)
		r = tape_fail(&s->base, EROFS, "%s: write protected: %s",
		    s->path, s->protection);
	return r < 0 ? r : st_need_position(s);
}

int
st_let_idle(struct st_tape *s)
{
	int r;

	if (!s->writing)
		return 0;
	r = st_operate(s, MTWEOF, 0);
	s->writing = s->warned = false; /* st is idle, even if it failed */
	if (r < 0)
		return st_lose(s, "the drive can't write out its buffer");
	return 0;
}

uint8_t *
st_bounce(struct st_tape *s)
{
	if (s->bounce == NULL)
		s->bounce = aligned_alloc(ST_ALIGN,
		    (s->limit + ST_ALIGN - 1) / ST_ALIGN * ST_ALIGN);
	return s->bounce;
}

/* ---- Loading ------------------------------------------------------------ */

static int
open_node(struct st_tape *s)
{
	int flags = O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

	/* O_NONBLOCK: st would wait two minutes for a tape. */
	s->protection = NULL;
	s->fd = open(s->path, O_RDWR | flags);
	if (s->fd < 0 && (errno == EROFS || errno == EACCES)) {
		s->protection = errno == EROFS
		    ? "the medium is"
		    : "no permission to write to the drive";
		s->fd = open(s->path, O_RDONLY | flags);
	}
	if (s->fd < 0)
		return tape_fail(&s->base, errno, "%s: can't be opened: %s%s",
		    s->path, strerror(errno),
		    errno == EBUSY ? "; another program has the drive" : "");
	return 0;
}

/* No sg node: the tape works without, but who has one wants to know. */
static int
without_sg(struct st_tape *s, int err, const char *why)
{
	(void)snprintf(s->no_sg, sizeof(s->no_sg), "%s", why); /* cut is fine */
	if (err == ENODEV)
		return 0;
	if (s->sg_option != NULL)
		return tape_fail(&s->base, err, "%s: %s can't be opened: %s",
		    s->path, s->sg_path, why);
	tape_alarm("%s: %s can't be opened: %s; only st tells of the drive: no "
		   "capacity, no TapeAlert",
	    s->path, s->sg_path, why);
	return 0;
}

static int
open_sg(struct st_tape *s)
{
	struct stat st;
	int r;

	s->no_sg[0] = '\0';
	if (s->sg_option != NULL && strcmp(s->sg_option, "no") == 0)
		return without_sg(s, ENODEV, "sg=no");
	if (s->sg_option != NULL)
		(void)snprintf(s->sg_path, sizeof(s->sg_path), "%s",
		    s->sg_option); /* longer ones do not exist */
	else if (fstat(s->fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
	    sg_drive_find(st.st_rdev, s->sg_path, sizeof(s->sg_path)) < 0)
		return without_sg(s, ENODEV, "the drive has no sg node");
	r = sg_drive_open(s->sg_path, s->timeout > 0 ? s->timeout : SG_SECONDS,
	    &s->sg);
	return r == 0
	    ? 0
	    : without_sg(s, -r,
		  r == -EBUSY ? "another program has it" : strerror(-r));
}

/* Makes the drive ready, which may need a load. */
static int
make_ready(struct st_tape *s)
{
	struct mtget status;

	if (st_status(s, &status) < 0)
		return tape_fail(&s->base, ENOTTY, "%s: is no tape drive",
		    s->path);
	if (!GMT_ONLINE(status.mt_gstat)) {
		(void)st_operate(s, MTLOAD, 1); /* the status tells */
		if (st_status(s, &status) < 0 || !GMT_ONLINE(status.mt_gstat))
			return tape_fail(&s->base, ENOMEDIUM,
			    "%s: no tape in the drive", s->path);
	}
	if (GMT_WR_PROT(status.mt_gstat))
		s->protection = "the medium is";
	s->density = DENSITY(status.mt_dsreg);
	return 0;
}

/* The options of st; -1: it does not tell, as a node of ours. */
static int
read_options(struct st_tape *s)
{
	char path[64];
	struct stat st;
	int word = -1;
	FILE *f;

	if (fstat(s->fd, &st) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/options",
	    major(st.st_rdev), minor(st.st_rdev));
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	if (fscanf(f, "%x", (unsigned *)&word) != 1)
		word = -1;
	(void)fclose(f); /* nothing was written */
	return word;
}

/*
 * st's own buffering would acknowledge what no drive has seen, and addresses
 * other than logical ones are nothing to count with.  It takes a privilege to
 * change this; without it, page aligned records are passed through all the
 * same.
 */
static void
set_options(struct st_tape *s)
{
	int word, r = 0;

	s->options = read_options(s);
	(void)st_operate(s, MTSETDRVBUFFER, MT_ST_CLEARBOOLEANS | ST_UNWANTED);
	(void)st_operate(s, MTSETDRVBUFFER,
	    MT_ST_SETBOOLEANS | MT_ST_SCSI2LOGICAL);
	word = read_options(s);
	if (word >= 0 &&
	    ((word & ST_UNWANTED) != 0 || (word & MT_ST_SCSI2LOGICAL) == 0))
		tape_alarm("%s: the options of st are %#x and can't be changed "
			   "(CAP_SYS_ADMIN): records may be acknowledged that "
			   "the drive has not seen",
		    s->path, (unsigned)word);
	if (s->timeout == 0)
		return;
	r = st_operate(s, MTSETDRVBUFFER, MT_ST_SET_TIMEOUT | (int)s->timeout);
	if (r == 0)
		r = st_operate(s, MTSETDRVBUFFER,
		    MT_ST_SET_LONG_TIMEOUT | (int)(s->timeout * LONG_TIMEOUT));
	if (r < 0)
		tape_alarm("%s: the timeout can't be set: %s", s->path,
		    strerror(-r));
}

/*
 * What the drive takes, from st: it gives EINVAL for block sizes that the drive
 * has said it does not take, and sends nothing.  Powers of two will do.
 */
static void
probe_limits(struct st_tape *s)
{
	while (s->min < ST_SMALLEST &&
	    st_operate(s, MTSETBLK, (int)s->min) == -EINVAL)
		s->min *= 2;
	/* A block size has 24 bits, so this is the largest but one byte. */
	if (st_operate(s, MTSETBLK, TAPE_MAX_RECORD - 1) != -EINVAL)
		return;
	do {
		s->limit /= 2;
	} while (s->limit > ST_SMALLEST &&
	    st_operate(s, MTSETBLK, (int)s->limit) == -EINVAL);
}

static void
learn_limits(struct st_tape *s)
{
	struct sg_drive_limits l;

	s->min = 1;
	s->limit = TAPE_MAX_RECORD;
	s->granularity = 1;
	if (s->sg == NULL || sg_drive_limits(s->sg, &l) < 0) {
		probe_limits(s);
		return;
	}
	if (l.max > 0 && l.max < s->limit)
		s->limit = l.max;
	if (l.min > 0 && l.min <= s->limit)
		s->min = l.min;
	/* tgt tells 512 and takes any: it counts in fixed mode only. */
	if (l.granularity <= s->limit)
		s->granularity = l.granularity;
}

/* The modes that a reset would change, and BOT. */
static int
settle(struct st_tape *s)
{
	int r = st_operate(s, MTSETBLK, 0);

	if (r < 0)
		return tape_fail(&s->base, -r,
		    "%s: variable block mode can't be set: %s", s->path,
		    strerror(-r));
	r = st_operate(s, MTREW, 1);
	if (r < 0)
		return tape_fail(&s->base, -r, "%s: can't be rewound: %s",
		    s->path, strerror(-r));
	s->unsettled = false;
	s->trouble[0] = '\0';
	return 0;
}

static void
close_node(struct st_tape *s)
{
	sg_drive_close(s->sg);
	s->sg = NULL;
	if (s->fd >= 0 && s->options >= 0)
		(void)st_operate(s, MTSETDRVBUFFER,
		    MT_ST_BOOLEANS | (s->options & ST_BOOLEANS));
	if (s->fd >= 0)
		(void)close(s->fd); /* by 2 there is nothing to write */
	s->fd = -1;
	s->writing = s->warned = false;
	trail_free(s->trail);
	s->trail = NULL;
	free(s->bounce);
	s->bounce = NULL;
	s->base.pos = (struct tape_pos){ .known = false };
}

int
st_to_bot(struct st_tape *s)
{
	bool known = s->base.pos.known;
	int r = st_let_idle(s);

	/* If it is not known, a loss has been told already. */
	if (r < 0 && known)
		return r;
	s->trouble[0] = '\0';
	s->stale = true;
	r = s->unsettled ? settle(s) : st_operate(s, MTREW, 1);
	if (r < 0)
		return st_lose(s, "can't be rewound");
	s->used = 0;
	st_stand(s, 0, 0);
	if (s->tells && !st_moved(s, 0))
		return st_lose(s, "told as rewound, but it is elsewhere");
	return 0;
}

/* The drive is open, rewound and in variable mode. */
static int
begin(struct st_tape *s)
{
	struct sg_drive_news news;
	uint64_t at;

	s->trail = trail_new(0);
	if (s->trail == NULL)
		return tape_fail(&s->base, ENOMEM, "out of memory");
	/* What was before the rewind does not matter any more. */
	if (s->sg != NULL)
		(void)sg_drive_news(s->sg, &news);
	s->capacity = (struct sg_drive_capacity){ .total = 0 };
	s->used = 0;
	s->alerts = 0;
	s->warn_at = ST_NOWHERE;
	s->base.pos = (struct tape_pos){ .known = false };
	s->tells = true;
	s->tells = st_ask(s, &at) && at == 0;
	st_stand(s, 0, 0);
	st_poll(s, true);
	return s->base.pos.known ? 0 : st_lose(s, "it is not ready");
}

static int
st_load(struct tape *t)
{
	struct st_tape *s = st_of(t);
	int r;

	if (s->fd >= 0)
		return st_to_bot(s);
	r = open_node(s);
	if (r == 0)
		r = make_ready(s);
	if (r == 0)
		r = open_sg(s);
	if (r == 0) {
		set_options(s);
		learn_limits(s);
		r = settle(s);
	}
	if (r == 0)
		r = begin(s);
	if (r < 0)
		close_node(s);
	return r;
}

static int
st_unload(struct tape *t)
{
	struct st_tape *s = st_of(t);
	int r;

	if (s->fd < 0)
		return 0;
	r = st_let_idle(s);
	look_for_alerts(s);
	if (r == 0 && s->eject) {
		r = st_operate(s, MTOFFL, 1);
		if (r < 0)
			r = st_fail(s, -r, "can't be ejected");
	}
	close_node(s);
	return r;
}

/* ---- Telling ------------------------------------------------------------ */

/* See tape.h; a drive whose buffer is larger than the reserve has none. */
static uint64_t
spare_reserve(const struct st_tape *s)
{
	if (s->capacity.reserve == 0)
		return 0;
	return s->capacity.reserve > s->capacity.buffer
	    ? s->capacity.reserve - s->capacity.buffer
	    : 1;
}

static void
st_describe(struct tape *t, struct tape_info *ret_info)
{
	struct st_tape *s = st_of(t);
	bool loaded = s->fd >= 0;

	*ret_info = (struct tape_info){
		.min_record = loaded ? s->min : 1,
		.max_record = loaded ? s->limit : TAPE_MAX_RECORD,
		.granularity = loaded ? s->granularity : 1,
		.partitions = 1,
		.max_partitions = 1,
		.capacity = loaded ? s->capacity.total : 0,
		.used = s->used,
		.reserve = loaded ? spare_reserve(s) : 0,
		.room = loaded ? s->limit : TAPE_MAX_RECORD,
		.loaded = loaded,
		.write_protected = s->protection != NULL,
		.can_compress = true,
		.density = s->density,
	};
	(void)snprintf(ret_info->medium, sizeof(ret_info->medium), "%s",
	    s->path); /* cut is fine */
}

/* What the drive says counts; if it is somewhere else, we are lost. */
static int
st_tell(struct tape *t, struct tape_pos *ret_pos)
{
	struct st_tape *s = st_of(t);
	int r = s->fd >= 0 && t->pos.known && s->tells && !st_moved(s, 0)
	    ? st_lose(s, "the drive is elsewhere")
	    : 0;

	*ret_pos = t->pos;
	return r;
}

static void
report_sg(struct st_tape *s, const struct tape_listener *listener)
{
	uint64_t total = s->capacity.total;

	if (s->sg == NULL) {
		tape_tell_line(listener,
		    "st: only st tells of the drive: %s; no capacity, no "
		    "TapeAlert",
		    s->no_sg);
		return;
	}
	tape_tell_line(listener,
	    "st: %s on %s, records of %" PRIu32 " to %" PRIu32 " bytes",
	    sg_drive_product(s->sg), s->sg_path, s->min, s->limit);
	if (total > 0)
		tape_tell_line(listener,
		    "st: %" PRIu64 " of %" PRIu64 " MB left before early "
		    "warning",
		    (s->used < total ? total - s->used : 0) / 1000000,
		    total / 1000000);
	else
		tape_tell_line(listener, "st: the drive tells no capacity");
	for (unsigned flag = 1; flag <= 64; flag++)
		if ((s->alerts >> (flag - 1) & 1) != 0)
			tape_tell_line(listener, "st: TapeAlert %02xh: %s",
			    flag, sg_drive_alert_name(flag));
}

static void
st_report(struct tape *t, const struct tape_listener *listener)
{
	struct st_tape *s = st_of(t);

	tape_plain_report(t, listener);
	if (s->fd < 0)
		return;
	if (!s->tells)
		tape_tell_line(listener,
		    "st: the drive does not tell where it is: it is counted");
	if (s->warn_at != ST_NOWHERE)
		tape_tell_line(listener, "st: early warning at object %" PRIu64,
		    s->warn_at);
	report_sg(s, listener);
}

/* ---- The rest ----------------------------------------------------------- */

static int
st_set(struct tape *t, enum tape_param param, uint32_t value)
{
	struct st_tape *s = st_of(t);
	int r = st_need_medium(s);

	if (r < 0)
		return r;
	if (value > (param == TAPE_COMPRESSION ? 1 : UINT8_MAX))
		return tape_fail(t, EINVAL, "there is no such value");
	r = st_operate(s,
	    param == TAPE_COMPRESSION ? MTCOMPRESSION : MTSETDENSITY,
	    (int)value);
	if (r < 0)
		return tape_fail(t, EOPNOTSUPP, "%s: the drive refuses: %s",
		    s->path, strerror(-r));
	if (param == TAPE_DENSITY)
		s->density = (uint8_t)value;
	return 0;
}

static int
st_erase(struct tape *t, bool whole)
{
	struct st_tape *s = st_of(t);
	int r = st_need_writable(s);

	if (r == 0)
		r = st_let_idle(s);
	if (r < 0)
		return r;
	r = st_operate(s, MTERASE, whole);
	if (s->tells && !st_moved(s, 0))
		return st_lose(s, "erasing has moved it");
	if (r < 0)
		return st_fail(s, -r, "can't be erased");
	trail_cut(s->trail, t->pos.object);
	return 0;
}

static int
st_rewind(struct tape *t)
{
	struct st_tape *s = st_of(t);
	int r = st_need_medium(s);

	return r < 0 ? r : st_to_bot(s);
}

static void
st_free(struct tape *t)
{
	struct st_tape *s = st_of(t);

	close_node(s);
	free(s->path);
	free(s->sg_option);
	free(s);
}

static const struct tape_ops st_ops = {
	.name = "st",
	.load = st_load,
	.unload = st_unload,
	.describe = st_describe,
	.set = st_set,
	.read = st_read,
	.write = st_write,
	.write_filemarks = st_write_filemarks,
	.space = st_space,
	.locate = st_locate,
	.rewind = st_rewind,
	.erase = st_erase,
	.tell = st_tell,
	.format = tape_unsupported_format,
	.report = st_report,
	.free = st_free,
};

static int
st_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct st_tape *s = calloc(1, sizeof(*s));
	const char *sg = spec_text(spec, "sg", NULL);

	if (s == NULL)
		return spec_fail(e, ENOMEM, "st: out of memory");
	tape_init(&s->base, &st_ops);
	s->fd = -1;
	s->options = -1;
	s->eject = spec_bool(spec, "eject", false);
	s->timeout = (unsigned)spec_number(spec, "timeout", 0);
	s->path = strdup(spec->arg);
	s->sg_option = sg == NULL ? NULL : strdup(sg);
	if (s->path == NULL || (sg != NULL && s->sg_option == NULL)) {
		st_free(&s->base);
		return spec_fail(e, ENOMEM, "st: out of memory");
	}
	*ret_tape = &s->base;
	return 0;
}

static const struct spec_key st_own_keys[] = {
	{ "sg", SPEC_TEXT, 0, 0 },
	{ "timeout", SPEC_NUMBER, 1, TIMEOUT_MAX },
	{ "eject", SPEC_BOOL, 0, 0 },
	{ NULL, SPEC_TEXT, 0, 0 },
};

static const struct spec_key *const st_keys[] = { st_own_keys, NULL };

const struct tape_type st_tape_type = {
	.name = "st",
	.arg_help = "/dev/nstN",
	.arg_required = true,
	.keys = st_keys,
	.open = st_open,
};
