/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mirror of an image here and a tape over there, whose link fails: first row
 * by row, of the fault matrix those about links (39, 40, 42, 43), then at
 * random.  The link is rmt-link.pl; at its far end is pmt-rmt with an image, or
 * Debian's rmt-tar with a drive of ours.
 *
 * In each case the client writes records, arms the fault, and goes on: records,
 * a filemark, records, a filemark, unload.  Whatever happens, the near leg
 * holds exactly what was acknowledged.  Of the far leg, by what the mirror says
 * and by what is read there without it:
 *
 *     EXACT  healthy, and it holds exactly that, too
 *     LOST   dead: what is called durable is there; strictly, it holds what it
 *            has taken, and at most the one object that was under way
 */
#include "mirror_state.h"
#include "rmt-stand.h"

#define HALF 12	     /* records, and then a filemark; twice */
#define RECORD 700   /* bytes of a record in a row */
#define LONGEST 9000 /* bytes of one at random */
/* At random.  What sanitizers find does not take as many. */
#ifdef __SANITIZE_ADDRESS__
#define CUTS 40
#else
#define CUTS 80
#endif
#define RANDOM_BYTES 130000 /* sent in a case at random, and a bit more */

enum fate {
	EXACT,
	LOST,
};

struct row {
	const char *words;
	const char *fault;   /* see rmt-link.pl */
	const char *timeout; /* of the rmt tape, and more options */
	const char *mirror;  /* of the mirror */
	const char *sees;    /* the client: "ok", or the first failure */
	enum fate far;
};

static const struct row rows[] = {
	{ "a link without a fault", "none 0", "20", "", "ok", EXACT },
	{ "39: the link is slow", "stall 1500 0.3", "20", "", "ok", EXACT },
	{ "39: and the window open", "stall 1500 0.3", "20,window=64K", "",
	    "ok", EXACT },
	{ "40: it stalls longer than timeout=", "stall 1500 3", "1", "", "ok",
	    LOST },
	{ "40: ... longer than leg_timeout=", "stall 1500 3", "20",
	    ",leg_timeout=1", "ok", LOST },
	{ "42: it is cut in a record, and comes back", "cut 1500", "20", "",
	    "ok", EXACT },
	{ "42: ... with the window open", "cut 4000", "20,window=64K", "", "ok",
	    EXACT },
	{ "42: ... between two records", "cut 1410", "20", "", "ok", EXACT },
	{ "42: ... in the line before a record", "cut 1413", "20", "", "ok",
	    EXACT },
	{ "42: ... for good", "cut 1500 for good", "1", "", "ok", LOST },
	{ "42: ... for good, with the window open", "cut 4000 for good",
	    "1,window=64K", "", "ok", LOST },
	{ "42: ... for good, on_leg_error=stop", "cut 1500 for good", "1",
	    ",on_leg_error=stop", "EIO", LOST },
	{ "42: ... for good, on_leg_error=markfull", "cut 1500 for good", "1",
	    ",on_leg_error=markfull", "early warning", LOST },
	{ "42: ... and the server sees it late", "late 1500 1", "20", "", "ok",
	    EXACT },
	{ "42: ... late, with the window open", "late 4000 1", "20,window=64K",
	    "", "ok", EXACT },
	{ "42: ... before the reply: the record is there", "half 0", "20", "",
	    "ok", EXACT },
	{ "42: half a reply", "half 2", "20", "", "ok", EXACT },
	{ "42: half a reply, with the window open", "half 7", "20,window=64K",
	    "", "ok", EXACT },
	{ "42: half a reply, for good", "half 2 for good", "1", "", "ok",
	    LOST },
	{ "42: something else than a reply", "garbage 5", "20", "", "ok",
	    LOST },
	{ "43: the server is killed", "kill 1500", "20", "", "ok", EXACT },
	{ "43: ... with the window open", "kill 4000", "20,window=64K", "",
	    "ok", EXACT },
	{ "43: ... for good", "kill 1500 for good", "1", "", "ok", LOST },
};

struct far {
	const char *name;
	char server[1400]; /* the command */
	char device[320];  /* that the client asks for */
	char reader[340];  /* the same tape, without the network */
};

/* ---- The far end --------------------------------------------------------- */

static struct stand stand;
static struct far fars[2];
static uint8_t buf[1 << 16];
static enum tape_cond cond;

static const char *text(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* Until the next call but seven. */
static const char *
text(const char *fmt, ...)
{
	static char texts[8][1500];
	static unsigned turn;
	char *out = texts[turn++ % 8];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out, sizeof(texts[0]), fmt, ap); /* it fits */
	va_end(ap);
	return out;
}

static void
set_up(void)
{
	char *build =
	    realpath(getenv("BUILD") == NULL ? "build" : getenv("BUILD"), NULL);

	if (build == NULL)
		tap_bail("BUILD: %s", strerror(errno));
	stand_start(&stand, "node.tap");
	fars[0].name = "pmt-rmt";
	(void)snprintf(fars[0].server, sizeof(fars[0].server),
	    "%.1000s/pmt-rmt --create --allow 'file:%.250s/*'", build,
	    stand.dir);
	(void)snprintf(fars[0].device, sizeof(fars[0].device),
	    "file:%.250s/far.tap", stand.dir);
	(void)snprintf(fars[0].reader, sizeof(fars[0].reader),
	    "%s,readonly=yes", fars[0].device);
	fars[1] =
	    (struct far){ .name = "rmt-tar", .server = "/usr/sbin/rmt-tar" };
	(void)snprintf(fars[1].device, sizeof(fars[1].device), "%s",
	    stand.node);
	(void)snprintf(fars[1].reader, sizeof(fars[1].reader), "st:%s",
	    stand.node);
	free(build);
}

static void
make_link(const struct far *far)
{
	char *link = realpath("tests/fault/rmt-link.pl", NULL);

	if (link == NULL)
		tap_bail("tests/fault/rmt-link.pl: %s", strerror(errno));
	stand_write_file(stand.dir, "rsh",
	    text("#!/bin/sh\nexec perl %s %s %s\n", link, stand.dir,
		far->server),
	    0700);
	free(link);
}

static void
arm(const char *fault)
{
	(void)unlink(path_in(stand.dir, "struck")); /* of the last one */
	stand_write_file(stand.dir, "fault.new", text("%s\n", fault), 0600);
	if (rename(path_in(stand.dir, "fault.new"),
		path_in(stand.dir, "fault")) < 0)
		tap_bail("no fault: %s", strerror(errno));
}

static void
disarm(void)
{
	(void)unlink(path_in(stand.dir, "fault")); /* it may have struck */
	(void)unlink(path_in(stand.dir, "closed"));
}

/* Both legs blank, and the mirror loaded. */
static struct tape *
new_mirror(const struct far *far, const char *options, const char *mirror)
{
	struct tape *t;

	disarm();
	make_link(far);
	(void)unlink(path_in(stand.dir, "near.tap"));
	stand_write_file(stand.dir, "far.tap", "", 0600);
	t = load_tape(text("mirror:{file:%s/near.tap,rmt:here:%s,rsh=%s,rmt=x,"
			   "timeout=%s}%s",
	    stand.dir, far->device, stand.rsh, options, mirror));
	if (tape_erase(t, true) < 0)
		tap_bail("can't be erased: %s", tape_why(t));
	return t;
}

/* ---- The client ---------------------------------------------------------- */

static struct model model;
static uint32_t tag;

static int
put(struct tape *t, uint32_t len)
{
	uint32_t done;
	int r;

	model.things[model.at] = (struct thing){ .tag = ++tag, .len = len };
	fill_record(buf, len, tag);
	r = len == 0 ? tape_write_filemarks(t, 1, false, &done, &cond)
		     : tape_write(t, buf, len, &cond);
	if (r == 0)
		model_put(&model, tag, len);
	return r;
}

/* What the client sees first that is not plain success. */
static const char *
use(struct tape *t, const struct row *row)
{
	const char *seen = "ok";
	int r;

	model.at = model.n = 0;
	for (unsigned i = 0; i < 2 * (HALF + 1); i++) {
		if (i == 4)
			arm(row->fault);
		r = put(t, i % (HALF + 1) == HALF ? 0 : RECORD);
		if (strcmp(seen, "ok") == 0 && r == 0 &&
		    cond == TAPE_EARLY_WARNING)
			seen = "early warning";
		if (strcmp(seen, "ok") == 0 && r < 0)
			seen = r == -EIO ? "EIO" : strerror(-r);
	}
	return seen;
}

/* ---- The legs ------------------------------------------------------------ */

/* The far tape, as soon as its last server has let go of it. */
static struct tape *
load_far(const struct far *far)
{
	struct tape *t = open_tape(far->reader);
	int r = -EBUSY;

	for (int i = 0; i < 2000 && r == -EBUSY; i++) {
		r = tape_load(t);
		if (r == -EBUSY)
			stand_pause(5000);
	}
	if (r < 0)
		tap_bail("%s: %s", far->reader, tape_why(t));
	return t;
}

/*
 * How many of the objects that were to be written are there; ${ret_clean}:
 * behind them there is at most the filemark of a server's end.
 */
static uint64_t
find_prefix(struct tape *t, bool *ret_clean)
{
	uint64_t n = 0;
	size_t len;

	while (tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
	    cond != TAPE_EOD && n < MODEL_MAX) {
		const struct thing *thing = &model.things[n];

		if (n > model.n || thing->len != len ||
		    (len > 0 && !is_record_of(buf, len, thing->tag)))
			break;
		n++;
	}
	if (cond == TAPE_FILEMARK)
		(void)tape_read(t, buf, sizeof(buf), &len, &cond);
	*ret_clean = cond == TAPE_EOD;
	return n;
}

static bool
near_is_exact(void)
{
	struct tape *t =
	    load_tape(text("file:%s/near.tap,readonly=yes", stand.dir));
	bool exact = holds_model(t, &model);

	tape_free(t);
	return exact;
}

static bool
far_is_exact(const struct far *far)
{
	struct tape *t = load_far(far);
	bool exact = holds_model(t, &model);

	tape_free(t);
	return exact;
}

/* A dead leg: what it is said to have is there, and what it has is known. */
static bool
far_is_known(const struct far *far, const struct leg *leg, bool strict)
{
	struct tape *t = load_far(far);
	bool clean, known;
	uint64_t n = find_prefix(t, &clean);

	tape_free(t);
	known = clean && leg->prefix.objects <= n &&
	    n <= leg->expected.objects + 1 &&
	    (!strict || leg->expected.objects <= n);
	if (!known)
		tap_diag("durable %" PRIu64 ", taken %" PRIu64
			 ", there %" PRIu64 ", %s: %s",
		    leg->prefix.objects, leg->expected.objects, n,
		    clean ? "clean" : "not clean", leg->reason);
	return known;
}

/* ---- Rows ---------------------------------------------------------------- */

static void
run_row(const struct far *far, const struct row *row)
{
	bool strict = strstr(row->timeout, "window=") == NULL;
	struct tape *t = new_mirror(far, row->timeout, row->mirror);
	const struct leg *leg = mirror_of(t)->legs[1];

	tap_is_str(row->sees, use(t, row), "%s: %s: what the client sees",
	    far->name, row->words);
	tap_ok(strncmp(row->fault, "none", 4) == 0 ||
		access(path_in(stand.dir, "struck"), F_OK) == 0,
	    "... when it has struck");
	disarm();
	(void)tape_unload(t); /* it tells of a dead leg, by the policy */
	tap_ok(near_is_exact(), "... the near leg has all, and nothing else");
	tap_is_int(row->far == LOST, leg->dead, "... the far leg is %s",
	    row->far == LOST ? "dead" : "healthy");
	if (leg->dead)
		tap_ok(far_is_known(far, leg, strict),
		    "... and it is known what it has");
	else
		tap_ok(far_is_exact(far), "... and has just the same");
	tape_free(t);
}

/* ---- At random ----------------------------------------------------------- */

static const char *const kinds[] = { "cut", "kill", "half", "late" };

struct tally {
	int near, far, whole, dead, known, struck;
};

static void
one_cut(const struct far *far, struct rng *rng, int number, struct tally *sum)
{
	const char *kind = kinds[rng_below(rng, 4)];
	bool for_good = rng_below(rng, 6) == 0;
	bool ahead = rng_below(rng, 2) == 0;
	uint32_t bytes =
	    rng_below(rng, strcmp(kind, "half") == 0 ? 150 : RANDOM_BYTES);
	const char *options =
	    text("%d%s", for_good ? 1 : 20, ahead ? ",window=64K" : "");
	struct tape *t = new_mirror(far, options, "");
	const struct leg *leg = mirror_of(t)->legs[1];
	bool acknowledged = true, near, known;

	model.at = model.n = 0;
	arm(text("%s %u 0.05%s", kind, bytes, for_good ? " for good" : ""));
	for (unsigned i = 0; i < 2 * (HALF + 1); i++)
		acknowledged &= put(t,
				    i % (HALF + 1) == HALF
					? 0
					: rng_below(rng, LONGEST) + 1) == 0;
	sum->struck += access(path_in(stand.dir, "struck"), F_OK) == 0;
	disarm();
	(void)tape_unload(t); /* it tells of a dead leg */
	near = acknowledged && near_is_exact();
	known = leg->dead ? far_is_known(far, leg, !ahead) : far_is_exact(far);
	sum->near += near;
	sum->dead += leg->dead;
	sum->known += leg->dead && known;
	sum->whole += !leg->dead && known;
	if (!near || !known || (leg->dead && !for_good))
		tap_diag("cut %d: %s after %u bytes%s%s: near %d, far %s %d: "
			 "%s",
		    number, kind, bytes, for_good ? ", for good" : "",
		    ahead ? ", window" : "", near,
		    leg->dead ? "dead" : "healthy", known, leg->reason);
	sum->far += leg->dead && !for_good;
	tape_free(t);
}

static void
test_cuts(const struct far *far, struct rng *rng, int cuts)
{
	struct tally sum = { 0 };

	for (int i = 0; i < cuts; i++)
		one_cut(far, rng, i, &sum);
	tap_diag("%s: %d cuts, of which %d struck; %d far legs died", far->name,
	    cuts, sum.struck, sum.dead);
	tap_is_int(cuts, sum.near,
	    "%s: %d cuts: all is acknowledged, and is on the near leg, exactly",
	    far->name, cuts);
	tap_is_int(cuts - sum.dead, sum.whole,
	    "%s: a far leg that is healthy has the same", far->name);
	tap_is_int(sum.dead, sum.known,
	    "%s: of one that is dead it is known what it has", far->name);
	tap_is_int(0, sum.far, "%s: none dies of a link that comes back",
	    far->name);
}

static void
be_silent(const char *line)
{
	(void)line; /* it is meant to go wrong */
}

/* ---- All of it, a few at the same time ----------------------------------- */

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))
#define SHARES 4  /* of the rows, and of the cuts, of each far end */
#define AT_ONCE 6 /* of them; most of it is waiting for the link */

static struct rng rng;
static int cuts;

/* With a drive of its own. */
static void
run_share(size_t part)
{
	const struct far *far = &fars[part % 2];
	size_t share = part / 2;

	for (size_t k = 0; k < part; k++)
		rng.state = rng_next(&rng); /* something else for each */
	set_up();
	if (share >= SHARES)
		test_cuts(far, &rng, cuts / 2 / SHARES);
	else
		for (size_t i = share; i < N_ROWS; i += SHARES)
			run_row(far, &rows[i]);
	stand_stop(&stand);
}

int
main(void)
{
	const char *runs = getenv("PMT_RUNS");

	if (access("/dev/fuse", R_OK | W_OK) < 0)
		tap_skip_all("there is no /dev/fuse");
	cuts = runs == NULL ? CUTS : atoi(runs);
	rng = rng_seeded();
	tape_set_alarm(be_silent);
	tap_parts(4 * SHARES, AT_ONCE, run_share);
	return tap_done();
}
