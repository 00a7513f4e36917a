/* SPDX-License-Identifier: BSD-2-Clause */
/* The choice of the next step; see generate.h. */
#include <linux/mtio.h>

#include "drive_state.h"
#include "generate.h"
#include "memtape.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* What a case is mostly about. */
enum theme {
	THEME_VARIABLE,
	THEME_FIXED,
	THEME_MIXED,
	THEME_END, /* of the medium, in fixed block mode */
	THEME_OPTIONS,
	THEME_MODES,
	THEME_PARTITIONS,
	THEME_STREAM, /* odd counts in fixed block mode */
	THEMES
};

static uint32_t
below(struct generate *g, size_t limit)
{
	g->state = g->state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(g->state >> 33) % (uint32_t)limit;
}

static bool
chance(struct generate *g, unsigned percent)
{
	return below(g, 100) < percent;
}

static struct step
mt(int op, int count)
{
	return (struct step){ .kind = STEP_MT, .op = op, .count = count };
}

void
generate_begin(struct generate *g, uint64_t seed)
{
	*g = (struct generate){ .state = seed * UINT64_C(0x9e3779b97f4a7c15) };
	(void)below(g, 2); /* seeds that are close differ from here on */
	g->theme = below(g, THEMES);
}

static struct step
open_step(struct generate *g)
{
	struct step s = { .kind = STEP_OPEN,
		.open = STEP_OPEN_R | STEP_OPEN_W };

	if (chance(g, 12))
		s.open = STEP_OPEN_R;
	else if (chance(g, 8))
		s.open = STEP_OPEN_W;
	if (chance(g, 10))
		s.open |= STEP_OPEN_NONBLOCK;
	if (chance(g, 15))
		s.open |= STEP_OPEN_REWIND;
	if (chance(g, 3))
		s.open |= STEP_OPEN_CREAT;
	if (chance(g, g->theme == THEME_MODES ? 50 : 2))
		s.mode = below(g, DRIVE_MODES);
	return s;
}

static int
block_size(struct generate *g)
{
	static const int sizes[] = { 512, 1024, 1024, 1024, 2048, 4096, 516,
		10240, 65532 };
	static const int odd[] = { 100, 511, 513, 1022, 1 << 20, (1 << 20) + 4,
		-1, 0x1000400 };

	if (chance(g, 8))
		return odd[below(g, N(odd))];
	return sizes[below(g, N(sizes))];
}

/* Bytes of a read or a write. */
static size_t
some_bytes(struct generate *g, const struct drive *d, bool reads)
{
	static const size_t sizes[] = { 512, 1024, 1024, 1024, 2048, 4096,
		10240, 700, 516, 32768, 65536 };
	static const size_t odd[] = { 0, 1, 100, 511, 513, 1 << 20,
		(1 << 20) + 1, 1030 };
	size_t block = d->block_size;

	if (chance(g, 4))
		return odd[below(g, N(odd))];
	if (block == 0)
		return sizes[below(g, N(sizes))];
	if (reads && chance(g, g->theme == THEME_STREAM ? 60 : 4))
		return 1 + below(g, 3 * block);
	if (chance(g, 3))
		return block * (1 + below(g, 3)) + 1 + below(g, block - 1);
	if (chance(g, 3) && block <= 65536)
		return block * (32 + below(g, 4));
	return block <= 65536 ? block * (1 + below(g, 8)) : block;
}

static struct step
data_step(struct generate *g, const struct drive *d, bool reads)
{
	struct step s = { .kind = reads ? STEP_READ : STEP_WRITE,
		.bytes = some_bytes(g, d, reads) };

	if (!reads)
		s.tag = ++g->tag;
	if (chance(g, 10))
		s.at = 4 * below(g, 1024);
	if (chance(g, 1))
		s.at = below(g, 4096);
	if (chance(g, 2) && s.bytes <= 65536) {
		s.kind = reads ? STEP_READV : STEP_WRITEV;
		s.pieces = 1 + below(g, 4);
	}
	if (chance(g, 2) && !reads && g->theme != THEME_END)
		s.times = 2 + below(g, 20);
	return s;
}

static int
some_count(struct generate *g)
{
	static const int usual[] = { 1, 1, 1, 1, 1, 2, 2, 3, 0 };
	static const int odd[] = { -1, -1, -2, 4, 5, 7, 100, 9999, 10000,
		0x7fffff, 0x7fffffff };

	if (chance(g, 8))
		return odd[below(g, N(odd))];
	return usual[below(g, N(usual))];
}

/* An object to seek to: near here, near the ends, anywhere. */
static int
some_object(struct generate *g, const struct tape *t)
{
	int here = (int)t->pos.object;

	switch (below(g, 4)) {
	case 0:
		return here - 2 + (int)below(g, 5);
	case 1:
		return (int)below(g, 3);
	case 2:
		return (int)below(g, (size_t)here + 3);
	default:
		return chance(g, 10) ? -1 : here + (int)below(g, 8);
	}
}

static struct step
moving_step(struct generate *g, const struct tape *t)
{
	static const int ops[] = { MTFSF, MTFSF, MTBSF, MTBSF, MTFSR, MTFSR,
		MTBSR, MTBSR, MTBSFM, MTFSFM, MTEOM, MTREW, MTREW, MTSEEK,
		MTWEOF, MTWEOF, MTWEOF };
	int op = ops[below(g, N(ops))];
	struct step s = mt(op, some_count(g));

	if (op == MTSEEK)
		s.count = some_object(g, t);
	if (op == MTWEOF && chance(g, 15))
		s.op = MTWEOFI;
	if (op == MTWEOF && (s.count < 0 || s.count > 9999))
		s.count = 1;
	return s;
}

static int
some_option(struct generate *g)
{
	static const uint32_t bits[] = { MT_ST_BUFFER_WRITES,
		MT_ST_ASYNC_WRITES, MT_ST_READ_AHEAD, MT_ST_TWO_FM,
		MT_ST_TWO_FM, MT_ST_FAST_MTEOM, MT_ST_FAST_MTEOM,
		MT_ST_AUTO_LOCK, MT_ST_DEF_WRITES, MT_ST_CAN_BSR,
		MT_ST_NO_BLKLIMS, MT_ST_CAN_PARTITIONS, MT_ST_SCSI2LOGICAL,
		MT_ST_SYSV, MT_ST_SYSV, MT_ST_NOWAIT, MT_ST_SILI, MT_ST_SILI,
		MT_ST_NOWAIT_EOF };
	static const uint32_t codes[] = { MT_ST_SETBOOLEANS, MT_ST_SETBOOLEANS,
		MT_ST_SETBOOLEANS, MT_ST_CLEARBOOLEANS, MT_ST_CLEARBOOLEANS,
		MT_ST_BOOLEANS };
	static const uint32_t others[] = { 0, 1, 7, 0x50000000, 0x50000200,
		0x50000400, 0x5fffffff, 0x50000064, 0x60100000, 0x60100002,
		0x601fffff, 0x60100065, 0x60200000, 0x60200001, 0x602fffff,
		0x60300000, 0x60300001, 0x603fffff, 0x60400000, 0x70000384,
		0x701036b0, 0x80000000, 0x80000012, 0x80000005, 0x800000ff,
		0x90000000, 0xf0000000, 0xa0000001, 0x20000020 };

	if (chance(g, 40))
		return (int)others[below(g, N(others))];
	return (int)(codes[below(g, N(codes))] | bits[below(g, N(bits))]);
}

static struct step
option_step(struct generate *g)
{
	struct step s = mt(MTSETDRVBUFFER, some_option(g));

	s.user = chance(g, 3);
	return s;
}

/* What is neither data nor movement. */
static struct step
rare_step(struct generate *g)
{
	static const int ops[] = { MTNOP, MTNOP, MTERASE, MTERASE, MTLOCK,
		MTUNLOCK, MTCOMPRESSION, MTSETDENSITY, MTSETBLK, MTSETBLK,
		MTTELL, MTRAS1, MTRAS3, MTRESET, MTFSS, MTBSS, MTWSM, 17, 36,
		99, -1, MTSETPART, MTMKPART, MTRETEN };
	static const int densities[] = { 0, 0, 1, 2, 3, 4, 0x58, 0x65, 0x100 };
	int op = ops[below(g, N(ops))];

	if (op == MTSETBLK)
		return mt(op, chance(g, 40) ? 0 : block_size(g));
	if (op == MTSETDENSITY)
		return mt(op, densities[below(g, N(densities))]);
	return mt(op, some_count(g));
}

static struct step
other_step(struct generate *g)
{
	static const uint32_t cmds[] = { 0x5382, 0x5386, 0x5401, 0x2282, 0x6dff,
		0x40046d01, 0x80086d09, 0x2285, 0x5380, 0x5381, 6 };
	struct step s = { .kind = STEP_IOCTL,
		.cmd = cmds[below(g, N(cmds))],
		.user = chance(g, 20) };

	switch (below(g, 5)) {
	case 0:
		return s;
	case 1:
		return (struct step){ .kind = STEP_DUP };
	case 2:
		s = open_step(g);
		s.kind = STEP_SECOND;
		return s;
	case 3:
		return (struct step){ .kind = STEP_CALL,
			.op = (int)below(g, STEP_CALLS) };
	default:
		return rare_step(g);
	}
}

static struct step
partition_step(struct generate *g)
{
	static const int sizes[] = { 0, 1, 100, 200, 1000, 5000, -100, -1000,
		9999, 10000 };

	if (chance(g, 15))
		return mt(MTMKPART, sizes[below(g, N(sizes))]);
	if (chance(g, 10))
		return mt(MTSETPART, (int)below(g, 6) - 1);
	return mt(MTSETPART, (int)below(g, 2));
}

/* The medium all but full, cheaply. */
static struct step
fill_step(struct generate *g, const struct drive *d, const struct tape *t)
{
	uint64_t left = memtape_objects(t, t->pos.partition) - t->pos.object;
	struct step s = { .kind = STEP_WRITE, .tag = ++g->tag };

	if (chance(g, 30) || left < 2100)
		return mt(MTWEOF,
		    left > 40 ? (int)left - 15 - (int)below(g, 12) : 1);
	if (d->block_size != 512)
		return mt(MTSETBLK, 512);
	s.bytes = 1 << 20;
	return s;
}

/* With no tape loaded. */
static struct step
unloaded_step(struct generate *g)
{
	if (chance(g, 50))
		return mt(MTLOAD, chance(g, 20) ? (int)below(g, 3) : 1);
	return chance(g, 50) ? rare_step(g) : option_step(g);
}

/* The first steps of a case that has a theme. */
static bool
themed_start(struct generate *g, const struct drive *d, const struct tape *t,
    struct step *ret_step)
{
	bool fixed = g->theme == THEME_FIXED || g->theme == THEME_STREAM ||
	    g->theme == THEME_END || (g->theme == THEME_MIXED && chance(g, 50));

	if (g->told == 1 && fixed)
		*ret_step = mt(MTSETBLK, block_size(g));
	else if (g->told == 1 && g->theme == THEME_PARTITIONS)
		*ret_step = mt(MTSETDRVBUFFER,
		    (int)(MT_ST_SETBOOLEANS | MT_ST_CAN_PARTITIONS));
	else if (g->told == 2 && g->theme == THEME_PARTITIONS)
		*ret_step = mt(MTMKPART, 1000);
	else if (g->told >= 2 && g->told < 12 && g->theme == THEME_END &&
	    t->pos.object + 40 < memtape_objects(t, t->pos.partition) &&
	    d->block_size != 0)
		*ret_step = fill_step(g, d, t);
	else
		return false;
	return true;
}

static struct step
settled_step(struct generate *g, const struct drive *d, const struct tape *t)
{
	bool unloads = chance(g, 40);

	if (chance(g, 12))
		return (struct step){ .kind = STEP_STATUS };
	if (chance(g, 8))
		return (struct step){ .kind = STEP_POS };
	if (chance(g, 7))
		return (struct step){ .kind = STEP_CLOSE };
	if (chance(g, g->theme == THEME_OPTIONS ? 15 : 2))
		return option_step(g);
	if (g->theme == THEME_PARTITIONS && chance(g, 15))
		return partition_step(g);
	if (chance(g, g->theme == THEME_MIXED ? 8 : 1))
		return mt(MTSETBLK, chance(g, 40) ? 0 : block_size(g));
	if (chance(g, 2))
		return mt(unloads ? MTUNLOAD : MTOFFL, 1);
	if (chance(g, 1))
		return mt(MTLOAD, (int)below(g, 3));
	if (chance(g, 6))
		return other_step(g);
	if (chance(g, 40))
		return moving_step(g, t);
	return data_step(g, d, chance(g, 50));
}

struct step
generate_step(struct generate *g, struct subject *twin)
{
	const struct drive *d = twin_drive(twin);
	const struct tape *t = twin_tape(twin);
	struct step s;

	if (!twin->open) {
		s = open_step(g);
		if (g->told == 0)
			s.open = STEP_OPEN_R | STEP_OPEN_W;
	} else if (d->ready != READY_YES && chance(g, 60)) {
		s = unloaded_step(g);
	} else if (!themed_start(g, d, t, &s)) {
		s = settled_step(g, d, t);
	}
	g->told++;
	return s;
}
