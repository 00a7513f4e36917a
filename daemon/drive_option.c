/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drive's parameters: block size, density, compression, the modes that
 * remember defaults for them, and MTSETDRVBUFFER, which sets options.  Follows
 * st_set_options() and set_mode_densblk() of st.c, and stinit(8) for the use.
 */
#include <errno.h>

#include "drive_state.h"

#define PER_MODE                                                       \
	(MT_ST_BUFFER_WRITES | MT_ST_ASYNC_WRITES | MT_ST_READ_AHEAD | \
	    MT_ST_DEF_WRITES | MT_ST_SYSV)
#define PER_DRIVE                                                            \
	(MT_ST_TWO_FM | MT_ST_FAST_MTEOM | MT_ST_AUTO_LOCK | MT_ST_CAN_BSR | \
	    MT_ST_NO_BLKLIMS | MT_ST_CAN_PARTITIONS | MT_ST_SCSI2LOGICAL |   \
	    MT_ST_NOWAIT | MT_ST_SILI | MT_ST_NOWAIT_EOF)

#define OPTION_CODE 0xf0000000u /* MT_ST_OPTIONS, without its sign */
#define OPTION_VALUE 0x0fffffffu
#define DEFAULT_CODE 0xfff00000u
#define DEFAULT_VALUE 0x000fffffu

/* Sense data of st: 96 bytes, of which additional sense starts at 18. */
#define SENSE_EXTENDED 18
#define SENSE_SIZE 96

/* What the tape can't do is EIO; what the limits of open exclude, EINVAL. */
static int
check_block(struct drive *d, uint32_t block_size)
{
	struct tape_info info;

	if (block_size == 0)
		return 0;
	if (d->max_record != 0 &&
	    (block_size < d->min_record || block_size > d->max_record))
		return drive_fail(d, EINVAL,
		    "a block size of %u bytes; this tape takes %u to %u",
		    block_size, d->min_record, d->max_record);
	tape_describe(d->tape, &info);
	if (block_size >= info.min_record && block_size <= info.max_record &&
	    block_size % info.granularity == 0)
		return 0;
	return drive_fail(d, EIO,
	    "a block size of %u bytes; this tape takes multiples of %u from %u "
	    "to %u",
	    block_size, info.granularity, info.min_record, info.max_record);
}

/* One MODE SELECT with both: neither changes if either is refused. */
static int
set_both(struct drive *d, uint32_t block_size, uint8_t density)
{
	int r = check_block(d, block_size);

	if (r < 0)
		return r;
	if (density != d->hard_density) {
		r = tape_set(d->tape, TAPE_DENSITY, density);
		/* A tape that knows no densities keeps the code as a label. */
		if (r < 0 && r != -EOPNOTSUPP)
			return drive_tape_failed(d, r);
	}
	d->block_size = d->hard_block_size = block_size;
	d->density = d->hard_density = density;
	d->ahead_left = 0;
	return 0;
}

int
drive_set_block(struct drive *d, uint32_t block_size)
{
	int r = set_both(d, block_size, d->density);

	if (r != -EINVAL)
		d->block_changed = true;
	return r;
}

int
drive_set_density(struct drive *d, uint8_t density)
{
	d->density_changed = true;
	return set_both(d, d->block_size, density);
}

int
drive_set_compression(struct drive *d, bool on)
{
	int r = tape_set(d->tape, TAPE_COMPRESSION, on);

	if (r < 0)
		return drive_tape_failed(d, r);
	d->compression_changed = true;
	return 0;
}

/* st: a refusal matters only once a mode has been defined. */
int
drive_apply_mode(struct drive *d)
{
	const struct drive_mode *m = &d->modes[d->mode];
	uint32_t block_size = d->block_size;
	uint8_t density = d->density;

	if (!d->density_changed && m->default_density >= 0)
		density = (uint8_t)m->default_density;
	if (!d->block_changed && m->default_block >= 0)
		block_size = (uint32_t)m->default_block;
	if ((block_size != d->block_size || density != d->density) &&
	    set_both(d, block_size, density) < 0 && d->modes_defined)
		return drive_fail(d, EINVAL,
		    "the mode's block size %u or density %#x is refused",
		    block_size, density);
	return 0;
}

static void
set_booleans(struct drive *d, uint32_t bits, bool on)
{
	struct drive_mode *m = &d->modes[d->mode];

	if (on) {
		m->booleans |= bits & PER_MODE;
		d->booleans |= bits & PER_DRIVE;
	} else {
		m->booleans &= ~(bits & PER_MODE);
		d->booleans &= ~(bits & PER_DRIVE);
	}
}

static int
set_default_block(struct drive *d, uint32_t value)
{
	struct drive_mode *m = &d->modes[d->mode];

	if (value == OPTION_VALUE) {
		m->default_block = -1;
		return 0;
	}
	m->default_block = (int32_t)value;
	if (d->ready == READY_YES) {
		d->block_changed = false;
		(void)drive_apply_mode(d); /* st: a refusal is not an error */
	}
	return 0;
}

static void
set_default_density(struct drive *d, uint32_t value, bool clear)
{
	d->modes[d->mode].default_density = clear ? -1 : (int)(value & 0xff);
	if (!clear && d->ready == READY_YES) {
		d->density_changed = false;
		(void)drive_apply_mode(d); /* st: a refusal is not an error */
	}
}

static void
set_default_compression(struct drive *d, uint32_t value, bool clear)
{
	struct drive_mode *m = &d->modes[d->mode];

	m->default_compression = DEFAULT_UNTOUCHED;
	if (clear)
		return;
	m->default_compression = value & 1 ? DEFAULT_YES : DEFAULT_NO;
	if (d->ready == READY_YES) {
		/* st: a refusal is not an error */
		(void)drive_set_compression(d, (value & 1) != 0);
		d->compression_changed = false;
	}
}

static void
set_default_buffering(struct drive *d, uint32_t value, bool clear)
{
	d->default_buffering = clear ? -1 : (int)(value & 7);
	if (!clear && d->ready == READY_YES)
		d->buffering = (uint8_t)(value & 7);
}

/* The MT_ST_DEF_OPTIONS family, which has codes of its own. */
static int
set_default(struct drive *d, uint32_t options)
{
	uint32_t value = options & DEFAULT_VALUE;
	bool clear = value == DEFAULT_VALUE;

	switch (options & DEFAULT_CODE) {
	case MT_ST_DEF_DENSITY:
		set_default_density(d, value, clear);
		break;
	case MT_ST_DEF_COMPRESSION:
		set_default_compression(d, value, clear);
		break;
	case MT_ST_DEF_DRVBUFFER:
		set_default_buffering(d, value, clear);
		break;
	default:
		break; /* st ignores the others */
	}
	return 0;
}

/* The sense byte that tells of cleaning; we never need any. */
static int
set_cleaning(struct drive *d, uint32_t value)
{
	value &= 0xff;
	if (value != 0 && (value < SENSE_EXTENDED || value >= SENSE_SIZE))
		return drive_fail(d, EINVAL, "no sense byte %u", value);
	return 0;
}

int
drive_set_options(struct drive *d, uint32_t options)
{
	struct drive_mode *m = &d->modes[d->mode];
	uint32_t value = options & OPTION_VALUE;

	if (!m->defined) {
		*m = d->modes[0];
		m->defined = true;
		d->modes_defined = true;
	}
	switch (options & OPTION_CODE) {
	case MT_ST_BOOLEANS:
		set_booleans(d, ~value, false);
		set_booleans(d, value, true);
		return 0;
	case MT_ST_SETBOOLEANS:
	case MT_ST_CLEARBOOLEANS:
		set_booleans(d, value,
		    (options & OPTION_CODE) == MT_ST_SETBOOLEANS);
		return 0;
	case MT_ST_WRITE_THRESHOLD: /* kept by st for old programs */
	case MT_ST_TIMEOUTS:	    /* nothing here takes that long */
		return 0;
	case MT_ST_DEF_BLKSIZE:
		return set_default_block(d, value);
	case MT_ST_DEF_OPTIONS:
		return set_default(d, options);
	case MT_ST_SET_CLN:
		return set_cleaning(d, value);
	default:
		return drive_fail(d, EIO, "unknown drive option %#x", options);
	}
}
