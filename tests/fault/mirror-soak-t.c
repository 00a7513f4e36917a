/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random schedules of faults and client operations over mirrors of two and
 * three legs with little room.  After every operation:
 *
 * 1. a healthy leg holds exactly what was acknowledged, and nothing more;
 * 2. what a dead leg is said to hold, it holds, and it was acknowledged;
 * 3. what is read is what was acknowledged;
 * 4. a failure is told only if there is a reason for it;
 * 5. after the power fails, what was synced is on every healthy leg;
 * 6. with ack=ring, which half of the schedules have, 1 holds as soon as the
 *    legs have caught up, and until then one of them has everything;
 * 7. a leg on which nothing goes wrong stays in the mirror.
 *
 * The legs are tapes in memory below fault tapes; they are looked at directly.
 * To see that the checks bite, the same schedules also run with a judge that
 * goes by the errno only: it must be found out.
 *
 * PMT_RUNS is the number of schedules, PMT_SEED the first of them, PMT_TRACE
 * prints what the client does.
 */
#include "memtape.h"
#include "mirror_state.h"
#include "tapes.h"

#define LEGS_MAX 3
#define KEPT 320 /* bytes of a record, all of them */
#define STEPS 30

/* ---- Tapes in memory as a type of tape ---------------------------------- */

static struct tape *memories[LEGS_MAX];

static int
mem_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct memtape_config config = { .keeps = KEPT,
		.max_partitions = 1,
		.refused_density = -1 };
	int r = limit_from_spec(&config.limit, spec, e);

	if (r < 0)
		return r;
	*ret_tape = memories[atoi(spec->arg)] = memtape_new(&config);
	return *ret_tape == NULL ? -ENOMEM : 0;
}

static const struct spec_key *const mem_keys[] = { limit_keys, NULL };

static const struct tape_type mem_tape_type = {
	.name = "mem",
	.arg_help = "NUMBER",
	.keys = mem_keys,
	.open = mem_open,
};

static const struct tape_type *const types[] = { &mem_tape_type,
	&mirror_tape_type, &fault_tape_type, NULL };

/* ---- What goes wrong ---------------------------------------------------- */

/* "%u": a small number. */
static const char *const faults[] = {
	"write %u EIO",
	"write %u+ EIO",
	"write %u done-EIO",
	"write %u done-ENOSPC",
	"write %u refuse-early-warning",
	"write %u lost",
	"write %u lose=3",
	"write %u lose-buffer",
	"write %u unknown",
	"write %u lie",
	"write %u ENOSPC",
	"write %u+ ENOSPC",
	"write %u early-warning",
	"write %u+ early-warning",
	"write object %u+ early-warning",
	"write object %u+ refuse-early-warning",
	"write object %u ENOSPC",
	"write byte %u00 EIO",
	"write %u power-off",
	"write %u unload",
	"write %u+ write-protect",
	"write %u worm",
	"write %u max=100",
	"write %u shift=1",
	"write %u+ shift=-1",
	"write p=0.05 EIO",
	"write p=0.05 lie",
	"filemark %u EIO",
	"filemark %u ENOSPC",
	"filemark %u done-EIO",
	"filemark %u done-ENOSPC",
	"filemark %u lose-buffer",
	"filemark %u early-warning",
	"filemark %u lie",
	"filemark %u unknown",
	"filemark %u lost",
	"read %u EIO",
	"read %u+ EIO",
	"read p=0.3 EIO",
	"read %u lost",
	"space %u EIO",
	"space %u lost",
	"space %u lose-buffer",
	"locate %u EIO",
	"locate %u+ EIO",
	"rewind %u EIO",
	"rewind %u lost",
	"tell %u EIO",
	"tell %u+ EIO",
	"tell %u lost",
	"erase %u EIO",
	"erase %u+ EOPNOTSUPP",
	"any %u EIO",
	"any %u lost",
	"any %u lose-buffer",
	"any %u power-off",
	"any p=0.02 EIO",
};

#define N_FAULTS (sizeof(faults) / sizeof(faults[0]))

enum violation {
	CONTENT,
	PREFIX,
	READING,
	REASON,
	DURABLE,
	LEADING,
	SOUND,
	VIOLATIONS
};

static const char *const violation_words[VIOLATIONS] = {
	[CONTENT] = "a healthy leg holds exactly what was acknowledged",
	[PREFIX] = "what is told of a dead leg is true",
	[READING] = "what is read is what was acknowledged",
	[REASON] = "nothing fails, or goes out of step, without a reason",
	[DURABLE] = "what was synced survives the loss of power",
	[LEADING] = "what is acknowledged is on one healthy leg at least",
	[SOUND] = "a leg on which nothing goes wrong is not given up",
};

struct schedule {
	struct rng rng;
	struct tape *mirror;
	size_t n_legs;
	bool faulty[LEGS_MAX]; /* a leg may fail in any way */
	bool lies[LEGS_MAX];   /* ... or may have lied, till the next check */
	bool dead[LEGS_MAX];   /* when it was looked at last */
	bool limited, small_records, stop, power_off, ring;
	struct model acked;
	uint64_t synced; /* objects */
	uint32_t tag;
	bool checked; /* since the last write */
	unsigned step;
	const char *doing;
	bool quiet, broken;
	bool over; /* the last leg has lost something */
	unsigned *violations;
};

/* To see that the ring is at work: operations, while a leg was behind. */
static uint64_t behind, deaths_behind;

static bool tracing;

static void violate(struct schedule *s, enum violation which, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* What may not come again: a ring's legs take their own time. */
static void
show_legs(const struct schedule *s)
{
	const struct mirror *m = mirror_of(s->mirror);

	tap_diag("mirror: state %d, at %" PRIu64 ", ahead %#x, healthy %#x",
	    (int)m->state, m->base.pos.object, (unsigned)m->ahead,
	    (unsigned)mirror_healthy(m));
	for (size_t i = 0; i < s->n_legs; i++) {
		const struct leg *leg = m->legs[i];

		tap_diag("leg %zu: %" PRIu64 " objects on it, at %" PRIu64
			 ", expected %" PRIu64 ", durable %" PRIu64
			 ", warned %d, tail %d, errors %" PRIu64 ", dead %d %s",
		    i + 1, memtape_objects(memories[i], 0),
		    leg->tape->pos.object, leg->expected.objects,
		    leg->durable.objects, leg->warned, leg->tail, leg->errors,
		    leg->dead, leg->dead ? leg->reason : "");
	}
}

static void
violate(struct schedule *s, enum violation which, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	s->broken = true;
	s->violations[which]++;
	if (s->quiet)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	tap_diag("step %u, %s: %s: %s (%s)", s->step, s->doing,
	    violation_words[which], text, tape_why(s->mirror));
	show_legs(s);
}

/* ---- Checks ------------------------------------------------------------- */

static bool
is_thing(const struct tape *t, uint64_t object, const struct thing *thing)
{
	const uint8_t *bytes;
	uint32_t len;

	if (thing->len == 0)
		return memtape_look(t, 0, object) == MEMTAPE_FILEMARK;
	bytes = memtape_record(t, 0, object, &len);
	return bytes != NULL && len == thing->len &&
	    is_record_of(bytes, len, thing->tag);
}

/* How many objects of a leg are as they were acknowledged. */
static uint64_t
agreeing(const struct schedule *s, size_t i)
{
	uint64_t n = 0;

	while (n < s->acked.n && is_thing(memories[i], n, &s->acked.things[n]))
		n++;
	return n;
}

static uint64_t
bytes_of(const struct schedule *s, uint64_t objects)
{
	uint64_t bytes = 0;

	for (uint64_t i = 0; i < objects; i++)
		bytes += s->acked.things[i].len;
	return bytes;
}

static void
check_extent(struct schedule *s, size_t i, const char *what,
    const struct leg_extent *e)
{
	if (e->objects > agreeing(s, i))
		violate(s, PREFIX,
		    "leg %zu, %s: %" PRIu64 " objects of %" PRIu64
		    " acknowledged, but %" PRIu64 " are there",
		    i + 1, what, e->objects, s->acked.n, agreeing(s, i));
	else if (e->files != files_before(&s->acked, e->objects))
		violate(s, PREFIX, "leg %zu, %s: %" PRIu64 " files", i + 1,
		    what, e->files);
	else if (e->bytes != LEG_NO_BYTES &&
	    e->bytes != bytes_of(s, e->objects))
		violate(s, PREFIX,
		    "leg %zu, %s: %" PRIu64 " bytes, not %" PRIu64, i + 1, what,
		    e->bytes, bytes_of(s, e->objects));
}

/*
 * The last leg has lost something that was acknowledged: the mirror has failed,
 * and there is no more to see.
 */
static bool
has_lost_all(const struct schedule *s)
{
	const struct mirror *m = mirror_of(s->mirror);

	if (m->state != MIRROR_FAILED)
		return false;
	MIRROR_EACH(m, mirror_healthy(m), i)
	if (!s->faulty[i] || agreeing(s, i) == s->acked.n)
		return false;
	return true;
}

/*
 * While the legs are at work on a ring, what they hold can't be looked at, but
 * one of them says that it has all.  Now and then they are given the time to
 * catch up.
 */
static bool
can_be_looked_at(struct schedule *s)
{
	const struct mirror *m = mirror_of(s->mirror);
	bool one = m->ahead == 0;

	MIRROR_EACH(m, m->ahead & mirror_healthy(m), i)
	{
		bool all =
		    atomic_load(&m->legs[i]->taken) == ring_count(m->ring);

		one = one || all;
		behind += !all;
	}
	if (!one)
		violate(s, LEADING, "object %" PRIu64, s->acked.n);
	if (m->ahead == 0)
		return true;
	if (rng_below(&s->rng, 3) != 0)
		return false;
	MIRROR_EACH(m, m->ahead, i)
	while (!leg_is_idle(m->legs[i]))
		(void)usleep(10); /* a leg writes what it has, or halts */
	return true;
}

static void
check_legs(struct schedule *s)
{
	const struct mirror *m = mirror_of(s->mirror);

	if (!can_be_looked_at(s))
		return;
	for (size_t i = 0; i < s->n_legs && !s->broken; i++) {
		const struct leg *leg = m->legs[i];
		uint64_t same = agreeing(s, i);

		deaths_behind += s->ring && leg->dead && !s->dead[i] &&
		    leg->expected.objects + 1 < s->acked.n;
		s->dead[i] = leg->dead;
		if (leg->dead && !s->faulty[i])
			violate(s, SOUND, "leg %zu: %s", i + 1, leg->reason);
		if ((m->ahead >> i & 1) != 0 && leg_has_halted(leg))
			continue; /* what that means is decided later */

		if (leg->dead) {
			check_extent(s, i, "prefix", &leg->prefix);
			continue;
		}
		if (s->lies[i] && !s->checked)
			continue;
		check_extent(s, i, "durable", &leg->durable);
		if (s->faulty[i] && mirror_count(mirror_healthy(m)) == 1)
			continue; /* the last one: it is what there is */
		if (same != s->acked.n)
			violate(s, CONTENT,
			    "leg %zu: %" PRIu64 " objects of %" PRIu64, i + 1,
			    same, s->acked.n);
		else if (!leg->tail &&
		    memtape_look(memories[i], 0, same) != MEMTAPE_EOD)
			violate(s, CONTENT,
			    "leg %zu: more than %" PRIu64 " objects", i + 1,
			    same);
	}
	if (m->state == MIRROR_DIVERGED)
		violate(s, REASON, "the legs differ");
}

/* Whether a leg is left that can't be the reason for a failure. */
static bool
has_sound_leg(const struct schedule *s)
{
	for (size_t i = 0; i < s->n_legs; i++)
		if (!s->faulty[i])
			return true;
	return false;
}

static void
check_reason(struct schedule *s, int r)
{
	if (r == -ENOSPC && s->limited)
		return;
	if (r == -EINVAL && s->small_records)
		return;
	if (r == -EIO && s->stop &&
	    mirror_count(mirror_healthy(mirror_of(s->mirror))) < s->n_legs)
		return;
	if (r < 0 && has_sound_leg(s))
		violate(s, REASON, "%s", strerror(-r));
}

/* ---- What the client does ----------------------------------------------- */

static void
written(struct schedule *s, bool synced)
{
	s->checked = synced;
	if (s->synced > s->acked.at)
		s->synced = s->acked.at;
}

/*
 * A write in the middle of the tape that has failed: what followed may be gone,
 * on all legs then.
 */
static void
failed_writing(struct schedule *s, int r)
{
	const struct mirror *m = mirror_of(s->mirror);

	if (r == 0 || m->ahead != 0)
		return;
	MIRROR_EACH(m, mirror_healthy(m), i)
	if (memtape_look(memories[i], 0, s->acked.at) == MEMTAPE_EOD)
		s->acked.n = s->acked.at;
}

static void
write_one(struct schedule *s)
{
	uint32_t len = 1 + rng_below(&s->rng, KEPT);
	uint8_t buf[KEPT];
	enum tape_cond cond;
	int r;

	fill_record(buf, len, ++s->tag);
	s->doing = "write";
	written(s, false);
	r = tape_write(s->mirror, buf, len, &cond);
	if (r == 0)
		model_put(&s->acked, s->tag, len);
	failed_writing(s, r);
	check_reason(s, r);
}

/* With a ring several in a row, or a leg would never be behind. */
static void
do_write(struct schedule *s)
{
	uint32_t n = s->ring ? 1 + rng_below(&s->rng, 8) : 1;

	while (n-- > 0 && !s->broken && s->acked.at + 8 < MODEL_MAX)
		write_one(s);
}

static void
do_filemarks(struct schedule *s)
{
	uint32_t count = rng_below(&s->rng, 4), done;
	bool immediate = rng_below(&s->rng, 3) == 0;
	enum tape_cond cond;
	int r;

	s->doing = count == 0 ? "sync"
	    : immediate	      ? "marks, immediate"
			      : "marks";
	if (count > 0)
		written(s, s->checked); /* it may fail before it has looked */
	r = tape_write_filemarks(s->mirror, count, immediate, &done, &cond);
	for (uint32_t i = 0; i < done; i++)
		model_put(&s->acked, 0, 0);
	if (r == 0 && (!immediate || count == 0))
		s->synced = s->acked.n;
	if (r == 0)
		s->checked = true;
	failed_writing(s, r);
	check_reason(s, r);
}

static void
do_erase(struct schedule *s)
{
	int r;

	s->doing = "erase";
	r = tape_erase(s->mirror, false);
	if (r == 0) {
		s->acked.n = s->acked.at;
		s->synced = s->acked.n;
		s->checked = true;
	} else if (r != -EOPNOTSUPP) {
		failed_writing(s, r);
		check_reason(s, r);
	}
}

static void
do_read(struct schedule *s)
{
	const struct thing *next = &s->acked.things[s->acked.at];
	uint8_t buf[KEPT];
	size_t len;
	enum tape_cond cond;
	int r;

	s->doing = "read";
	s->checked = true;
	r = tape_read(s->mirror, buf, sizeof(buf), &len, &cond);
	check_reason(s, r);
	if (r < 0)
		return;
	if (s->acked.at == s->acked.n) {
		if (cond != TAPE_EOD)
			violate(s, READING, "no end of data");
		return;
	}
	if (next->len == 0 ? cond != TAPE_FILEMARK
			   : cond != TAPE_NONE || len != next->len ||
		    !is_record_of(buf, len, next->tag))
		violate(s, READING, "object %" PRIu64 ": %s, %zu bytes",
		    s->acked.at, tape_cond_name(cond), len);
	s->acked.at += cond != TAPE_EOD;
}

/* One unit; false: something is in the way, or it is the end. */
static bool
model_step(struct model *m, enum tape_unit unit, int direction)
{
	for (;;) {
		bool mark;

		if (m->at == (direction > 0 ? m->n : 0))
			return false;
		m->at = direction > 0 ? m->at + 1 : m->at - 1;
		mark = m->things[direction > 0 ? m->at - 1 : m->at].len == 0;
		if (mark || unit == TAPE_RECORDS)
			return (unit == TAPE_FILEMARKS) == mark;
	}
}

static void
moved(struct schedule *s, int r, uint64_t expected)
{
	const struct tape_pos *pos = &s->mirror->pos;

	s->checked = true;
	check_reason(s, r);
	if (r == 0 && pos->object != expected)
		violate(s, REASON, "at object %" PRIu64 " instead of %" PRIu64,
		    pos->object, expected);
	if (pos->object <= s->acked.n)
		s->acked.at = pos->object;
	if (pos->object > s->acked.n ||
	    pos->file != files_before(&s->acked, pos->object))
		violate(s, REASON, "at object %" PRIu64 ", file %" PRIu64,
		    pos->object, pos->file);
}

static void
do_space(struct schedule *s)
{
	enum tape_unit unit = (enum tape_unit)rng_below(&s->rng, 3);
	int count = (int)rng_below(&s->rng, 9) - 4;
	struct model ideal = s->acked;
	enum tape_cond cond;
	uint64_t done;

	s->doing = "space";
	if (unit == TAPE_TO_EOD)
		ideal.at = ideal.n;
	else
		for (int i = 0; i < abs(count); i++)
			if (!model_step(&ideal, unit, count < 0 ? -1 : 1))
				break;
	moved(s, tape_space(s->mirror, unit, count, &done, &cond), ideal.at);
}

static void
do_locate(struct schedule *s)
{
	uint64_t object = rng_below(&s->rng, (uint32_t)s->acked.n + 3);
	enum tape_cond cond;

	s->doing = "locate";
	moved(s, tape_locate(s->mirror, 0, object, &cond),
	    object < s->acked.n ? object : s->acked.n);
}

static void
do_rewind(struct schedule *s)
{
	s->doing = "rewind";
	moved(s, tape_rewind(s->mirror), 0);
}

/* To the end, as a program that appends. */
static void
do_append(struct schedule *s)
{
	enum tape_cond cond;
	uint64_t done;

	s->doing = "space to EOD";
	moved(s, tape_space(s->mirror, TAPE_TO_EOD, 0, &done, &cond),
	    s->acked.n);
}

/* Only with legs that are equal; others come back as what they are. */
static void
do_reload(struct schedule *s)
{
	struct mirror *m = mirror_of(s->mirror);
	int r;

	if (s->power_off || mirror_count(mirror_healthy(m)) < m->n_legs)
		return;
	s->doing = "unload";
	r = tape_unload(s->mirror);
	s->checked = true;
	if (r == 0)
		s->synced = s->acked.n;
	check_reason(s, r);
	check_legs(s);
	if (mirror_count(mirror_healthy(m)) < m->n_legs || s->broken)
		return;
	s->doing = "load";
	r = tape_load(s->mirror);
	if (r == 0)
		s->acked.at = 0;
}

static const struct {
	void (*run)(struct schedule *s);
	uint32_t weight;
} operations[] = {
	{ do_write, 40 },
	{ do_filemarks, 16 },
	{ do_erase, 1 },
	{ do_read, 10 },
	{ do_space, 8 },
	{ do_locate, 4 },
	{ do_rewind, 3 },
	{ do_append, 12 },
	{ do_reload, 1 },
};

static void
do_something(struct schedule *s)
{
	uint32_t dice = rng_below(&s->rng, 95);
	size_t i = 0;

	while (dice >= operations[i].weight)
		dice -= operations[i++].weight;
	if (s->acked.at + 8 >= MODEL_MAX)
		return;
	operations[i].run(s);
	if (tracing)
		tap_diag("%u: %s: at %" PRIu64 " of %" PRIu64 ": %s", s->step,
		    s->doing, s->acked.at, s->acked.n, tape_why(s->mirror));
}

/* The end: the tapes are unloaded, or the power fails. */
static void
finish(struct schedule *s)
{
	const struct mirror *m = mirror_of(s->mirror);
	mirror_set healthy = mirror_healthy(m);
	int r;

	if (!m->loaded)
		return;
	s->doing = s->power_off ? "power off" : "unload at the end";
	r = tape_unload(s->mirror);
	s->checked = true;
	for (size_t i = 0; i < s->n_legs && !s->broken; i++) {
		const struct leg *leg = m->legs[i];

		/* A sync that was a lie can't be found out. */
		if (leg->dead && !(s->lies[i] && s->power_off))
			check_extent(s, i, "prefix", &leg->prefix);
		if ((healthy >> i & 1) != 0 && !s->lies[i] && !leg->tail &&
		    !(s->faulty[i] && leg->dead) && agreeing(s, i) < s->synced)
			violate(s, DURABLE,
			    "leg %zu: %" PRIu64 " objects of %" PRIu64, i + 1,
			    agreeing(s, i), s->synced);
	}
	if (!s->power_off && r == 0)
		check_legs(s);
}

/* ---- A schedule --------------------------------------------------------- */

/* A leg: its limits, its faults. */
static size_t
make_leg(struct schedule *s, size_t i, char *text, size_t room)
{
	uint32_t capacity =
	    1500 + rng_below(&s->rng, 4000) + (s->ring ? 9000 : 0);
	uint32_t n = rng_below(&s->rng, 3);
	bool limited = rng_below(&s->rng, 3) != 0;
	size_t len;

	len = (size_t)snprintf(text, room, "%sfault:{mem:%zu",
	    i == 0 ? "" : ",", i);
	if (limited)
		len += (size_t)snprintf(text + len, room - len,
		    ",capacity=%u,warn=%u", capacity,
		    rng_below(&s->rng, s->ring ? 9000 : 900));
	s->limited = s->limited || limited;
	len += (size_t)snprintf(text + len, room - len,
	    "},seed=%u,do=load 1 buffer=%u", rng_next(&s->rng),
	    1 + rng_below(&s->rng, 8));
	if (s->power_off)
		len += (size_t)snprintf(text + len, room - len,
		    ";unload 1 power-off");
	if (s->ring && rng_below(&s->rng, 3) == 0)
		len += (size_t)snprintf(text + len, room - len,
		    ";write 1+ stall=0.0002"); /* it falls behind */
	s->faulty[i] = n > 0;
	/* Two lies can make a position that looks right. */
	for (uint32_t k = 0; k < n && !s->lies[i]; k++) {
		const char *fault = faults[rng_below(&s->rng, N_FAULTS)];

		if ((k > 0 && strstr(fault, "lie") != NULL) ||
		    ((k > 0 || limited) && strstr(fault, "shift") != NULL))
			continue;
		s->limited = s->limited || strstr(fault, "ENOSPC") != NULL ||
		    strstr(fault, "early") != NULL;
		s->small_records =
		    s->small_records || strstr(fault, "max=") != NULL;
		s->lies[i] = s->lies[i] || strstr(fault, "lie") != NULL ||
		    strstr(fault, "shift") != NULL;
		len += (size_t)snprintf(text + len, room - len, ";");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		len += (size_t)snprintf(text + len, room - len, fault,
		    1 + rng_below(&s->rng, 12));
#pragma GCC diagnostic pop
	}
	return len;
}

static void
make_spec(struct schedule *s, char *text, size_t room)
{
	static const char *const policies[] = { "degrade", "degrade",
		"markfull", "stop" };
	uint32_t policy = rng_below(&s->rng, 4);
	size_t len = (size_t)snprintf(text, room, "mirror:{");

	for (size_t i = 0; i < s->n_legs; i++)
		len += make_leg(s, i, text + len, room - len);
	s->stop = policy == 3;
	s->limited = s->limited || policy == 2;
	(void)snprintf(text + len, room - len,
	    "},on_leg_error=%s%s,verify=%s,read_longer=%s,eom_reserve=%u,"
	    "leot_margin=%u",
	    policies[policy], s->ring ? ",ack=ring,ring=64K" : "",
	    rng_below(&s->rng, 4) == 0 ? "yes" : "no",
	    rng_below(&s->rng, 4) == 0 ? "yes" : "no", rng_below(&s->rng, 2000),
	    rng_below(&s->rng, 2) * rng_below(&s->rng, 1000));
}

static struct tape *
open_spec(const char *text)
{
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	if (spec_parse(text, types, &spec, &e) < 0 ||
	    spec_open(spec, &t, &e) < 0)
		tap_bail("%s: %s", text, e.text);
	spec_free(spec);
	return t;
}

/* Whether it went well. */
static bool
run_schedule(uint64_t seed, bool quiet, unsigned *violations)
{
	static struct schedule s;
	char spec[2048];

	s = (struct schedule){ .rng = { .state = seed * 2654435761U },
		.quiet = quiet,
		.checked = true,
		.violations = violations };
	(void)rng_next(&s.rng);
	s.n_legs = 2 + rng_below(&s.rng, 2);
	s.power_off = rng_below(&s.rng, 2) == 0;
	s.ring = rng_below(&s.rng, 2) == 0;
	make_spec(&s, spec, sizeof(spec));
	s.mirror = open_spec(spec);
	if (tracing)
		tap_diag("%s", spec);
	if (tape_load(s.mirror) == 0) {
		for (s.step = 0; s.step < STEPS && !s.broken; s.step++) {
			do_something(&s);
			s.over = mirror_healthy(mirror_of(s.mirror)) != 0 &&
			    has_lost_all(&s);
			if (s.over)
				break;
			if (!s.broken)
				check_legs(&s);
			if (!mirror_of(s.mirror)->loaded)
				break;
		}
		if (!s.broken && !s.over)
			finish(&s);
	}
	if (s.broken && !quiet)
		tap_diag("PMT_SEED=%" PRIu64 ": %s", seed, spec);
	tape_free(s.mirror);
	return !s.broken;
}

/* ---- Whole runs --------------------------------------------------------- */

/* What a program that knows only the errno would think. */
static enum leg_outcome
judge_by_errno(uint64_t before, uint64_t objects, int result,
    enum tape_cond cond, const struct tape_pos *after)
{
	(void)before; /* that is the point */
	(void)objects;
	(void)after;
	if (result == 0)
		return cond == TAPE_EARLY_WARNING ? LEG_ON_EW : LEG_ON;
	return result == -ENOSPC ? LEG_FULL : LEG_FAILED;
}

static void
be_silent(const char *line)
{
	if (tracing)
		tap_diag("! %s", line);
}

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value == NULL ? otherwise : strtoull(value, NULL, 0);
}

int
main(void)
{
	uint64_t runs = from_environment("PMT_RUNS", 2000);
	uint64_t first = from_environment("PMT_SEED", 1);
	unsigned violations[VIOLATIONS] = { 0 }, found[VIOLATIONS] = { 0 };
	unsigned broken = 0;
	uint64_t controls = runs < 500 ? 500 : runs;

	tracing = getenv("PMT_TRACE") != NULL;
	tape_set_alarm(be_silent);
	for (uint64_t i = 0; i < runs && broken < 10; i++)
		broken += !run_schedule(first + i, false, violations);
	for (int i = 0; i < VIOLATIONS; i++)
		tap_ok(violations[i] == 0, "%s: %" PRIu64 " schedules",
		    violation_words[i], runs);
	tap_ok((behind > 0 && deaths_behind > 0) || runs < 500,
	    "legs were behind after %" PRIu64 " operations, and %" PRIu64
	    " of them have died there",
	    behind, deaths_behind);
	if (controls > 1000)
		controls = 1000;
	mirror_set_judge(judge_by_errno);
	broken = 0;
	for (uint64_t i = 0; i < controls && !tracing; i++)
		broken += !run_schedule(first + i, true, found);
	mirror_set_judge(NULL);
	tap_ok(broken > 0 || tracing,
	    "a mirror that goes by the errno is found out: %u of %" PRIu64,
	    broken, controls);
	tap_ok(found[CONTENT] > 0 || tracing,
	    "... for its legs come to differ: %u times", found[CONTENT]);
	return tap_done();
}
