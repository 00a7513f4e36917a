/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules; see exclusions.h. */
#include <linux/mtio.h>
#include <stdlib.h>
#include <string.h>

#include "drive_state.h"
#include "exclusions.h"
#include "memtape.h"
#include "tap.h"

/* The largest transfer that st hands to scsi_debug without its own buffer. */
#define DIRECT_MAX ((size_t)1 << 20)
/* scsi_debug's DMA alignment: any other buffer goes through st's own. */
#define DMA_ALIGNMENT 4

/* What one request of CUSE carries at the most, in bytes. */
#define CUSE_REQUEST 126967

/* The smallest size of st's own buffer. */
#define BUFFER_MIN ((size_t)32 * 1024)

struct look {
	const struct step *step;
	const struct drive *d;
	const struct drive_part *p;
	const struct tape *t;
	unsigned part;	 /* where the step will be, a pending switch done */
	uint64_t object; /* where the program stands, read-ahead undone */
};

static bool
is_mt(const struct look *l, int op)
{
	return l->step->kind == STEP_MT && l->step->op == op;
}

static enum memtape_kind
look_at(const struct look *l, uint64_t object)
{
	return memtape_look(l->t, l->part, object);
}

static bool
is_write(const struct look *l)
{
	return l->step->kind == STEP_WRITE || l->step->kind == STEP_WRITEV;
}

static size_t
bytes_of(const struct look *l)
{
	return l->step->bytes * (l->step->pieces == 0 ? 1 : l->step->pieces);
}

/* Records that the step may write, at the most. */
static uint64_t
records_of(const struct look *l)
{
	uint64_t n = l->step->pieces == 0 ? 1 : l->step->pieces;

	if (l->d->block_size != 0)
		n = bytes_of(l) / l->d->block_size;
	return n * (l->step->times == 0 ? 1 : l->step->times);
}

/* Where early warning lies: the object that raises it. */
static uint64_t
warning_object(const struct look *l)
{
	return memtape_objects(l->t, l->part) - 19;
}

static bool
reaches_warning(const struct look *l)
{
	return l->object + records_of(l) > warning_object(l);
}

static bool
counts_pending_filemark_twice(const struct look *l)
{
	return l->p->eof == EOF_FM_PENDING &&
	    (is_mt(l, MTFSF) || is_mt(l, MTFSFM) || is_mt(l, MTEOM) ||
		is_mt(l, MTBSF) || is_mt(l, MTBSFM));
}

static bool
writes_filemark_first(const struct look *l)
{
	return l->p->rw == RW_WRITING && (is_mt(l, MTBSF) || is_mt(l, MTBSFM));
}

/* How many filemarks the step spaces backward over. */
static int64_t
filemarks_back(const struct look *l)
{
	int64_t n = l->step->count;

	if (is_mt(l, MTBSF) || is_mt(l, MTBSFM))
		return (int64_t)n + writes_filemark_first(l);
	return is_mt(l, MTFSF) || is_mt(l, MTFSFM) ? -n : 0;
}

static bool
spaces_over_adjacent_filemarks(const struct look *l)
{
	int64_t n = filemarks_back(l);
	bool last = writes_filemark_first(l);

	if (n < 2)
		return false;
	if (last && l->object == 0)
		return true;
	n -= last;
	for (uint64_t i = l->object; i > 0 && n > 0; i--) {
		bool now = look_at(l, i - 1) == MEMTAPE_FILEMARK;

		if (now && (last || (n > 1 && i == 1)))
			return true;
		n -= now;
		last = now;
	}
	return false;
}

static bool
spaces_records_to_an_edge(const struct look *l)
{
	int64_t n = is_mt(l, MTBSR) ? l->step->count
	    : is_mt(l, MTFSR)	    ? -(int64_t)l->step->count
				    : 0;

	if (n < 2)
		return false;
	for (int64_t passed = 1; passed <= n; passed++) {
		int64_t at = (int64_t)l->object - passed;

		if (at < 0 || look_at(l, (uint64_t)at) == MEMTAPE_FILEMARK)
			return passed == n || (at < 0 && passed > 1);
	}
	return false;
}

static bool
warns_in_variable_mode(const struct look *l)
{
	uint64_t after = l->object + records_of(l);
	uint64_t end = memtape_objects(l->t, l->part);

	return is_write(l) && l->d->block_size == 0 &&
	    ((l->object <= warning_object(l) && after > warning_object(l)) ||
		(l->object < end && after >= end));
}

/* Through st's own buffer: one read(2) becomes several READ commands. */
static bool
reads_piecemeal(const struct look *l)
{
	bool buffered = l->d->streaming || l->step->at % DMA_ALIGNMENT != 0 ||
	    bytes_of(l) > DIRECT_MAX;

	return (l->step->kind == STEP_READ || l->step->kind == STEP_READV) &&
	    l->d->block_size != 0 && buffered && bytes_of(l) > BUFFER_MIN;
}

/* A write that fails, or warns, and would be told so at once. */
static bool
is_buffered_and_fails(const struct look *l)
{
	size_t size = l->d->block_size == 0 ? l->step->bytes : 512;
	bool buffered = l->d->streaming || l->step->at % DMA_ALIGNMENT != 0 ||
	    l->step->bytes > DIRECT_MAX;

	return is_write(l) && buffered &&
	    (reaches_warning(l) || size < 512 || size > 1 << 20);
}

static bool
retensions(const struct look *l)
{
	return is_mt(l, MTRETEN);
}

static bool
opens_unloaded(const struct look *l)
{
	return l->step->kind == STEP_OPEN && l->d->ready != READY_YES;
}

static bool
sets_a_large_block(const struct look *l)
{
	uint32_t value = (uint32_t)l->step->count;

	if (is_mt(l, MTSETBLK))
		return (value & 0xffffff) > 0xffff;
	return is_mt(l, MTSETDRVBUFFER) &&
	    (value & 0xf0000000) == MT_ST_DEF_BLKSIZE && value != 0x5fffffff &&
	    (value & 0xffffff) > 0xffff;
}

static bool
sets_drive_buffering(const struct look *l)
{
	uint32_t value = (uint32_t)l->step->count;
	uint32_t code = value & 0xf0000000;

	return is_mt(l, MTSETDRVBUFFER) && (value & 7) != 0 &&
	    (code == 0 || (value & 0xfff00000) == MT_ST_DEF_DRVBUFFER);
}

static bool
writes_no_filemarks(const struct look *l)
{
	return (is_mt(l, MTWEOF) || is_mt(l, MTWEOFI)) &&
	    (l->step->count & 0xffffff) == 0 &&
	    look_at(l, l->object) != MEMTAPE_EOD;
}

static bool
writes_filemarks_past_the_end(const struct look *l)
{
	uint64_t n = (uint64_t)l->step->count & 0xffffff;
	uint64_t end = memtape_objects(l->t, l->part);

	return (is_mt(l, MTWEOF) || is_mt(l, MTWEOFI)) && l->object < end &&
	    l->object + n > end;
}

static bool
makes_an_odd_partition(const struct look *l)
{
	int n = l->step->count < 0 ? -l->step->count : l->step->count;

	return is_mt(l, MTMKPART) &&
	    ((n != 0 && n < 100) || (n > 9000 && n != 10000));
}

static bool
stops_while_writing(const struct look *l)
{
	return l->step->kind == STEP_IOCTL && l->step->cmd == 6 &&
	    l->p->rw == RW_WRITING;
}

/* The first write of a mode that has a block size, and it is not that. */
static bool
writes_less_than_the_default(const struct look *l)
{
	int32_t block = l->d->modes[l->d->mode].default_block;

	return is_write(l) && block > 0 && !l->d->block_changed &&
	    l->p->rw != RW_WRITING && l->step->bytes % (unsigned)block != 0;
}

static bool
forgets_the_partition(const struct look *l)
{
	uint32_t value = (uint32_t)l->step->count;
	uint32_t code = value & 0xf0000000;
	bool bit = (value & MT_ST_CAN_PARTITIONS) != 0;

	return is_mt(l, MTSETDRVBUFFER) &&
	    (l->d->part != 0 || l->d->new_part != 0) &&
	    ((code == MT_ST_BOOLEANS && !bit) ||
		(code == MT_ST_CLEARBOOLEANS && bit));
}

/* Another partition is asked for while this one is being written. */
static bool
leaves_while_writing(const struct look *l)
{
	return is_mt(l, MTSETPART) && l->p->rw == RW_WRITING &&
	    l->step->count != (int)l->d->part;
}

/* Whose the node is that is compared with: each has rules of its own. */
static enum exclusions_node node = EXCLUSIONS_ST;

#define OURS (EXCLUSIONS_CUSE | EXCLUSIONS_FUSE)

static bool
is_of_another_mode(const struct look *l)
{
	return l->step->mode != 0;
}

static bool
is_a_vector(const struct look *l)
{
	return l->step->pieces > 0;
}

static bool
is_another_call(const struct look *l)
{
	return l->step->kind == STEP_CALL;
}

/* A rule that is also asked without a drive, for scripts. */
static bool
is_an_odd_read_in_parts(const struct look *l)
{
	return l->d != NULL && l->step->kind == STEP_READ &&
	    l->step->bytes > CUSE_REQUEST && l->d->block_size != 0 &&
	    l->step->bytes % l->d->block_size != 0;
}

static bool
is_beyond_an_image(const struct look *l)
{
	uint32_t code = (uint32_t)l->step->count & 0xfff00000;

	return is_mt(l, MTMKPART) || is_mt(l, MTSETPART) ||
	    is_mt(l, MTCOMPRESSION) || is_mt(l, MTSETDENSITY) ||
	    (is_mt(l, MTSETDRVBUFFER) &&
		(code == MT_ST_DEF_COMPRESSION || code == MT_ST_DEF_DENSITY));
}

static struct {
	const char *name, *reason;
	bool (*applies)(const struct look *l);
	unsigned nodes; /* with which it applies, ORed */
	unsigned long times;
} rules[] = {
	{ "pending-filemark",
	    "st counts a filemark that a fixed read ran over twice",
	    counts_pending_filemark_twice, EXCLUSIONS_ST, 0 },
	{ "adjacent-filemarks",
	    "scsi_debug misses one of two adjacent filemarks spacing backward",
	    spaces_over_adjacent_filemarks, EXCLUSIONS_ST, 0 },
	{ "records-to-an-edge",
	    "scsi_debug does not look at the last object spacing backward over "
	    "several records",
	    spaces_records_to_an_edge, EXCLUSIONS_ST, 0 },
	{ "variable-warning",
	    "scsi_debug says that a variable write at early warning wrote "
	    "nothing",
	    warns_in_variable_mode, EXCLUSIONS_ST, 0 },
	{ "piecemeal-read",
	    "st reads in pieces of its buffer's size what it can't transfer "
	    "directly, and so loses fewer blocks at the end of data",
	    reads_piecemeal, EXCLUSIONS_ST, 0 },
	{ "buffered-write",
	    "st buffers writes that it can't transfer directly, and tells of a "
	    "failure or the end later; we are always synchronous",
	    is_buffered_and_fails, EXCLUSIONS_ST, 0 },
	{ "retension",
	    "scsi_debug reports a new medium after it, and the next operation "
	    "fails",
	    retensions, EXCLUSIONS_ST, 0 },
	{ "open-unloaded",
	    "scsi_debug says not ready, a drive without its tape says no "
	    "medium",
	    opens_unloaded, EXCLUSIONS_ST, 0 },
	{ "large-block", "scsi_debug keeps 16 bits of the block size",
	    sets_a_large_block, EXCLUSIONS_ST, 0 },
	{ "drive-buffering", "scsi_debug forgets the buffering code at once",
	    sets_drive_buffering, EXCLUSIONS_ST, 0 },
	{ "no-filemarks",
	    "scsi_debug takes 0 filemarks for a write, and cuts the tape there",
	    writes_no_filemarks, EXCLUSIONS_ST, 0 },
	{ "filemarks-past-the-end",
	    "scsi_debug writes those that fit, and says that it wrote none",
	    writes_filemarks_past_the_end, EXCLUSIONS_ST, 0 },
	{ "odd-partition",
	    "scsi_debug refuses very small partitions, and st codes very large "
	    "ones in a way of its own",
	    makes_an_odd_partition, EXCLUSIONS_ST, 0 },
	{ "stops-while-writing",
	    "scsi_debug takes the filemark of close when it is unloaded",
	    stops_while_writing, EXCLUSIONS_ST, 0 },
	{ "less-than-the-default",
	    "st keeps a part of a block where the mode's default block size is "
	    "applied by the very write; we say EINVAL",
	    writes_less_than_the_default, EXCLUSIONS_ST, 0 },
	{ "forgets-the-partition",
	    "st loses the number of the partition it is in when partitions are "
	    "turned off there",
	    forgets_the_partition, EXCLUSIONS_ST, 0 },
	{ "leaves-while-writing",
	    "st remembers that it was writing in a partition that it left, and "
	    "may put a filemark anywhere in it later, or in another",
	    leaves_while_writing, EXCLUSIONS_ST, 0 },
	{ "modes",
	    "our drive is not made anew for each case, and would keep the "
	    "modes "
	    "that were defined",
	    is_of_another_mode, OURS, 0 },
	{ "vector", "over CUSE and FUSE a vector comes as one record",
	    is_a_vector, OURS, 0 },
	{ "calls",
	    "over CUSE and FUSE pread and pwrite come as read and write, and a "
	    "file seeks and truncates",
	    is_another_call, OURS, 0 },
	{ "odd-read",
	    "the lab's kernel does not tell the drive that a fixed read of "
	    "several requests is not of whole blocks, so it does not start to "
	    "read ahead",
	    is_an_odd_read_in_parts, EXCLUSIONS_CUSE, 0 },
	{ "image", "an image has no partitions, compression or densities",
	    is_beyond_an_image, OURS, 0 },
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

/* For what is seen only afterwards, or in a script. */

struct difference {
	const struct step *step;
	const char *expected, *seen;
	const struct drive *after; /* of the twin; NULL in a script */
};

static bool
is(const char *outcome, const char *what)
{
	return strcmp(outcome, what) == 0;
}

static bool
is_unknown_operation(const struct difference *x)
{
	return is(x->expected, "ENOSYS") && is(x->seen, "ENOTTY");
}

static bool
is_error_of_close(const struct difference *x)
{
	return x->step->kind == STEP_CLOSE && is(x->seen, "0");
}

/* Nothing was written: close moves the tape, or does nothing at all. */
static bool
is_movement_of_close(const struct difference *x)
{
	return is_error_of_close(x) && is(x->expected, "EIO") &&
	    x->after != NULL && drive_has(x->after, MT_ST_SYSV);
}

static bool
is_filemark_of_duplicate(const struct difference *x)
{
	return x->step->kind == STEP_DUP && is(x->expected, "0") &&
	    (is(x->seen, "EIO") || is(x->seen, "ENOSPC"));
}

/* A count of 0, once or repeated. */
static bool
is_nothing(const struct difference *x)
{
	const char *times = strstr(x->seen, " times ");

	return (x->step->kind == STEP_READ || x->step->kind == STEP_WRITE) &&
	    x->step->bytes == 0 &&
	    is(times == NULL ? x->seen : times + strlen(" times "), "0");
}

static bool
is_unencoded_ioctl(const struct difference *x)
{
	return x->step->kind == STEP_IOCTL && x->step->cmd >> 16 == 0 &&
	    is(x->expected, "0");
}

static bool
is_in_parts(const struct difference *x)
{
	return (x->step->kind == STEP_READ || x->step->kind == STEP_WRITE) &&
	    x->step->bytes > CUSE_REQUEST;
}

/* The first of several requests was answered before all was known. */
static bool
is_refused_late(const struct difference *x)
{
	return is_in_parts(x) && strstr(x->expected, "EINVAL") != NULL;
}

/*
 * st loses the blocks before the end of data, and says EIO, or 0 if it was at a
 * filemark; here some are delivered.
 */
static bool
is_short_for_a_failure(const struct difference *x)
{
	return x->step->kind == STEP_READ && is_in_parts(x) &&
	    (is(x->expected, "EIO") || is(x->expected, "0")) &&
	    strtoul(x->seen, NULL, 10) > 0;
}

static struct {
	const char *name, *reason;
	bool (*applies)(const struct difference *x);
	unsigned nodes;
	unsigned long times;
} explanations[] = {
	{ "enosys", "the kernel turns ENOSYS into ENOTTY", is_unknown_operation,
	    OURS, 0 },
	{ "close", "the kernel drops the error of close", is_error_of_close,
	    EXCLUSIONS_CUSE, 0 },
	{ "duplicate",
	    "the kernel does not tell which close of a file is the last, so "
	    "each writes the filemark, and says so where that fails",
	    is_filemark_of_duplicate, EXCLUSIONS_FUSE, 0 },
	{ "parts",
	    "the lab's kernel does not tell how long a call of several "
	    "requests is: a refusal comes too late for the first request",
	    is_refused_late, EXCLUSIONS_CUSE, 0 },
	{ "short",
	    "the kernel makes a short count of a failure of any request but "
	    "the first",
	    is_short_for_a_failure, EXCLUSIONS_CUSE, 0 },
	{ "nothing", "a count of 0 never leaves the kernel", is_nothing, OURS,
	    0 },
	{ "ioctl", "an ioctl whose number tells no size carries no data",
	    is_unencoded_ioctl, EXCLUSIONS_FUSE, 0 },
	{ "sysv",
	    "the kernel does not tell which close of a file is the last, so "
	    "with MT_ST_SYSV the tape moves when close has returned",
	    is_movement_of_close, EXCLUSIONS_FUSE, 0 },
};

#define EXPLANATIONS (sizeof(explanations) / sizeof(explanations[0]))

static bool paused;

void
exclusions_pause(bool pause)
{
	paused = pause;
}

/* Objects that the tape is ahead of the program. */
static uint64_t
objects_ahead(const struct drive *d)
{
	uint64_t ahead = d->parts[d->part].eof == EOF_FM_PENDING;

	return d->block_size == 0 ? 0 : ahead + d->ahead_left / d->block_size;
}

static struct look
look(const struct step *step, const struct drive *d, const struct tape *t)
{
	struct look l = { .step = step,
		.d = d,
		.p = &d->parts[d->part],
		.t = t,
		.part = d->part,
		.object = t->pos.object - objects_ahead(d) };
	const struct drive_part *to = &d->parts[d->new_part];

	if (d->new_part != d->part && drive_has(d, MT_ST_CAN_PARTITIONS)) {
		l.part = d->new_part;
		l.object = to->left_valid ? to->left_at : 0;
	}
	return l;
}

static const char *
match(const struct look *l)
{
	for (size_t i = 0; i < RULES; i++) {
		if ((rules[i].nodes & node) == 0 || !rules[i].applies(l))
			continue;
		rules[i].times += !paused;
		return rules[i].name;
	}
	return NULL;
}

const char *
exclusions_match(const struct step *step, struct subject *twin)
{
	struct look l = look(step, twin_drive(twin), twin_tape(twin));

	return match(&l);
}

const char *
exclusions_match_script(const struct step *step)
{
	struct look l = { .step = step };

	return node == EXCLUSIONS_ST ? NULL : match(&l);
}

void
exclusions_set_node(enum exclusions_node which)
{
	node = which;
}

bool
exclusions_explain(const struct step *step, const char *expected,
    const char *seen, struct subject *twin)
{
	const struct difference x = { .step = step,
		.expected = expected,
		.seen = seen,
		.after = twin == NULL ? NULL : twin_drive(twin) };

	for (size_t i = 0; i < EXPLANATIONS; i++) {
		if ((explanations[i].nodes & node) == 0 ||
		    !explanations[i].applies(&x))
			continue;
		explanations[i].times += !paused;
		return true;
	}
	return false;
}

void
exclusions_report(void)
{
	for (size_t i = 0; i < EXPLANATIONS; i++)
		if (explanations[i].nodes & node)
			tap_diag("explained %lu times by %s: %s",
			    explanations[i].times, explanations[i].name,
			    explanations[i].reason);
	for (size_t i = 0; i < RULES; i++)
		if (rules[i].nodes & node)
			tap_diag("excluded %lu times by %s: %s", rules[i].times,
			    rules[i].name, rules[i].reason);
}
