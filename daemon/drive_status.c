/* SPDX-License-Identifier: BSD-2-Clause */
/* MTIOCGET and MTIOCPOS, bit for bit as st_ioctl() in st.c reports them. */
#include <string.h>

#include "drive_state.h"

/* A GMT_* bit of mtio.h: the macros test a word, and so select one bit. */
#define ALL_BITS 0xffffffffL

static long
end_bits(const struct drive_part *p)
{
	if (p->eof == EOF_EW_HIT)
		return GMT_EOT(ALL_BITS);
	return p->eof > EOF_EW_HIT ? GMT_EOD(ALL_BITS) : 0;
}

static long
density_bits(uint8_t density)
{
	switch (density) {
	case 1:
		return GMT_D_800(ALL_BITS);
	case 2:
		return GMT_D_1600(ALL_BITS);
	case 3:
		return GMT_D_6250(ALL_BITS);
	default:
		return 0;
	}
}

static bool
reports_early(const struct drive *d)
{
	return drive_has(d, MT_ST_ASYNC_WRITES) || d->buffering != 0 ||
	    (drive_has(d, MT_ST_BUFFER_WRITES) && d->block_size != 0);
}

static long
status_bits(const struct drive *d, const struct drive_part *p)
{
	long bits = end_bits(p) | density_bits(d->density);

	if (d->protected)
		bits |= GMT_WR_PROT(ALL_BITS);
	if (p->block == 0)
		bits |= p->file == 0 ? GMT_BOT(ALL_BITS) : GMT_EOF(ALL_BITS);
	if (d->ready == READY_YES)
		bits |= GMT_ONLINE(ALL_BITS);
	if (d->ready == READY_NO_TAPE)
		bits |= GMT_DR_OPEN(ALL_BITS);
	if (reports_early(d))
		bits |= GMT_IM_REP_EN(ALL_BITS);
	return bits;
}

/* What MTIOCGET, MTIOCPOS and foreign ioctls do first. */
static int
settle_books(struct drive *d, enum drive_class class)
{
	int r = drive_admit(d, class);

	if (r == 0)
		r = drive_take_error(d);
	if (r == 0)
		r = drive_unsettle(d);
	if (r == 0 && drive_state(d) != STATE_LOST)
		r = drive_flush_reading(d, false);
	if (r == 0 && drive_state(d) != STATE_LOST)
		r = drive_switch_partition(d);
	return r;
}

int
drive_get(struct drive *d, struct mtget *ret_status)
{
	/* st: of the partition before a pending switch, which is odd. */
	struct drive_part *p = drive_part(d);
	struct mtget s;
	int r = settle_books(d, CLASS_STATUS);

	if (r < 0)
		return r;
	if (drive_state(d) == STATE_LOST)
		drive_forget_place(d);
	memset(&s, 0, sizeof(s));
	s.mt_type = MT_ISSCSI2;
	s.mt_resid = (long)d->part;
	s.mt_dsreg = (long)d->block_size << MT_ST_BLKSIZE_SHIFT |
	    (long)d->density << MT_ST_DENSITY_SHIFT;
	s.mt_fileno = p->file;
	s.mt_blkno = p->block;
	s.mt_gstat = status_bits(d, p);
	*ret_status = s;
	drive_check(d);
	return 0;
}

int
drive_pos(struct drive *d, struct mtpos *ret_pos)
{
	struct tape_pos pos;
	int r = settle_books(d, CLASS_POS);

	if (r < 0)
		return r;
	r = tape_tell(d->tape, &pos);
	if (r < 0)
		return drive_tape_failed(d, r);
	/* READ POSITION gives st 32 bits. */
	ret_pos->mt_blkno = (long)(uint32_t)pos.object;
	drive_check(d);
	return 0;
}

int
drive_other_ioctl(struct drive *d)
{
	return settle_books(d, CLASS_STATUS);
}
