/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host loses power.  A random workload runs over an image while every
 * write, truncation and sync of its file is noted.  Then, for thousands of
 * moments and of ways in which a disk can forget, the file is built as it might
 * be found, and held to the guarantees: the tape can be read to its end without
 * an error, holds all up to the last sync point, nothing but what was written,
 * in order, and can be written to.
 *
 * What a disk may forget.  What was synced is there.  Of what came later,
 *
 *     data        each sector of each write is there or not, by itself;
 *     the size    changes in the order of the calls, but may lag behind them,
 *                 as a journal of metadata does; what is written past a size
 *                 that is not there is not there either;
 *     a hole      a sector that the size covers but that was never written
 *                 holds zeros, or, on the worst disks, what any earlier state
 *                 of the file had there: bytes of an old recording.
 *
 * The control is the same workload on a disk whose syncs do nothing: it must be
 * caught.
 */
#include "hostfile.h"
#include "tapes.h"

#define SECTOR 512
#define FILE_MAX (1 << 20) /* bytes of an image */
#define CALLS_MAX 4096	   /* noted calls of a workload */
#define OPS 60		   /* operations of a workload */
#define STATES 60	   /* states that a workload is put to */

/* ---- What is noted ---- */

enum call_kind {
	CALL_WRITE,
	CALL_SIZE, /* a truncation, either way */
	CALL_SYNC,
};

struct call {
	enum call_kind kind;
	uint64_t at; /* bytes; of CALL_SIZE, the new size */
	size_t len;
	uint8_t *bytes;
	uint64_t size_before, size_after; /* of the file */
};

/* What the tape held when a call had been made, as far as it was told. */
struct moment {
	size_t calls;	    /* noted calls before it */
	struct model model; /* what was acknowledged */
	uint64_t from;	    /* where the operation before it began to write */
	bool synced;	    /* by an operation that promises to */
};

static struct call calls[CALLS_MAX];
static size_t n_calls;
static struct moment moments[OPS + 8];
static size_t n_moments;
static uint64_t file_size;
static bool lying; /* syncs do nothing */

/*
 * The file when the noting began; and, at each offset, the last bytes that were
 * there before, and before the power failed.
 */
struct content {
	uint64_t size;
	uint8_t bytes[FILE_MAX];
};
static struct content start, history, stale;

static struct call *
note(enum call_kind kind, uint64_t at, uint64_t size_after)
{
	struct call *c = &calls[n_calls];

	if (n_calls++ == CALLS_MAX || at > FILE_MAX || size_after > FILE_MAX)
		tap_bail("a workload too large for this test");
	*c = (struct call){ .kind = kind,
		.at = at,
		.size_before = file_size,
		.size_after = size_after };
	file_size = size_after;
	return c;
}

static ssize_t
noted_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	ssize_t done = hostfile_system.pwritev(fd, iov, n, at);
	uint64_t end = (uint64_t)at + (uint64_t)(done < 0 ? 0 : done);
	struct call *c;
	size_t have = 0;

	if (done <= 0)
		tap_bail("pwritev: %s", strerror(errno));
	c = note(CALL_WRITE, (uint64_t)at, end > file_size ? end : file_size);
	c->len = (size_t)done;
	c->bytes = malloc(c->len);
	if (c->bytes == NULL)
		tap_bail("out of memory");
	for (int i = 0; i < n && have < c->len; i++) {
		size_t some = iov[i].iov_len < c->len - have ? iov[i].iov_len
							     : c->len - have;

		memcpy(c->bytes + have, iov[i].iov_base, some);
		have += some;
	}
	return done;
}

static int
noted_ftruncate(int fd, off_t size)
{
	if (hostfile_system.ftruncate(fd, size) < 0)
		tap_bail("ftruncate: %s", strerror(errno));
	(void)note(CALL_SIZE, (uint64_t)size, (uint64_t)size);
	return 0;
}

static int
noted_sync(int fd)
{
	(void)fd; /* the file is real, its disk is not */
	if (!lying)
		(void)note(CALL_SYNC, 0, file_size);
	return 0;
}

static const struct hostfile_calls *
noting(void)
{
	static struct hostfile_calls noted;

	noted = hostfile_system;
	noted.pwritev = noted_pwritev;
	noted.ftruncate = noted_ftruncate;
	noted.fdatasync = noted_sync;
	noted.fsync = noted_sync;
	noted.syncfs = noted_sync;
	return &noted;
}

static void
forget_calls(void)
{
	for (size_t i = 0; i < n_calls; i++)
		free(calls[i].bytes);
	n_calls = n_moments = 0;
}

/* ---- The workload ---- */

static uint32_t next_tag;
static uint8_t buf[RECORD_MAX];

/* Record 0 is all zero, which is what holes are made of. */
static void
fill(uint8_t *data, size_t len, uint32_t tag)
{
	if (tag == 0)
		memset(data, 0, len);
	else
		fill_record(data, len, tag);
}

static bool
is_filled(const uint8_t *data, size_t len, uint32_t tag)
{
	if (tag != 0)
		return is_record_of(data, len, tag);
	for (size_t i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

static void
moment(const struct model *m, uint64_t from, bool synced)
{
	if (n_moments == sizeof(moments) / sizeof(moments[0]))
		tap_bail("too many operations");
	moments[n_moments++] = (struct moment){ .calls = n_calls,
		.model = *m,
		.from = from,
		.synced = synced };
}

static uint32_t
random_length(struct rng *rng)
{
	switch (rng_below(rng, 12)) {
	case 0:
		return 1 + rng_below(rng, 30000);
	case 1:
		return 1 + rng_below(rng, 8);
	default:
		return 1 + rng_below(rng, 3000);
	}
}

static void
write_record(struct tape *t, struct model *m, struct rng *rng)
{
	uint32_t len = random_length(rng), tag = ++next_tag;
	enum tape_cond cond;

	if (rng_below(rng, 8) == 0)
		tag = 0;
	fill(buf, len, tag);
	if (tape_write(t, buf, len, &cond) < 0)
		tap_bail("%s", tape_why(t));
	model_put(m, tag, len);
	moment(m, m->at - 1, false);
}

static void
write_marks(struct tape *t, struct model *m, struct rng *rng)
{
	uint32_t count = rng_below(rng, 3), n;
	uint64_t from = m->at;
	bool immediate = rng_below(rng, 3) == 0;
	enum tape_cond cond;

	if (tape_write_filemarks(t, count, immediate, &n, &cond) < 0)
		tap_bail("%s", tape_why(t));
	for (uint32_t i = 0; i < count; i++)
		model_put(m, 0, 0);
	moment(m, count > 0 ? from : m->n, !immediate || count == 0);
}

static void
move(struct tape *t, struct model *m, struct rng *rng)
{
	uint64_t to = rng_below(rng, (uint32_t)m->n + 1);
	enum tape_cond cond;

	if (tape_locate(t, 0, to, &cond) < 0)
		tap_bail("%s", tape_why(t));
	m->at = to;
}

static void
one_operation(struct tape *t, struct model *m, struct rng *rng)
{
	uint32_t what = rng_below(rng, 20);

	if (what < 3 || m->n > 150)
		move(t, m, rng);
	if (what == 4) {
		if (tape_erase(t, false) < 0)
			tap_bail("%s", tape_why(t));
		m->n = m->at;
		moment(m, m->at, true);
	} else if (what < 8) {
		write_marks(t, m, rng);
	} else {
		write_record(t, m, rng);
	}
}

static void
load_content(struct content *c, const char *path)
{
	FILE *f = fopen(path, "rb");

	c->size = 0;
	if (f == NULL)
		return; /* none yet */
	c->size = fread(c->bytes, 1, sizeof(c->bytes), f);
	(void)fclose(f); /* only read */
}

static void
store_content(const struct content *c, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (f == NULL || fwrite(c->bytes, 1, c->size, f) != c->size ||
	    fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

/*
 * Writes over the image in ${path}, which holds ${m}, and notes everything. The
 * moments with their models are what the states are held to.
 */
static void
run_workload(const char *path, const char *spec, struct model *m,
    struct rng *rng)
{
	struct tape *t;

	load_content(&start, path);
	memcpy(history.bytes, start.bytes, start.size);
	file_size = start.size;
	forget_calls();
	moment(m, m->n, true);
	hostfile_set_calls(noting());
	t = load_tape(spec);
	m->at = 0;
	if (rng_below(rng, 2) == 0)
		move(t, m, rng);
	for (int i = 0; i < OPS; i++)
		one_operation(t, m, rng);
	if (tape_unload(t) < 0)
		tap_bail("%s", tape_why(t));
	moment(m, m->n, true);
	tape_free(t);
	hostfile_set_calls(NULL);
}

/* ---- What is left ---- */

/* The ways in which a disk forgets. */
enum forgetting {
	ALL_THERE,  /* in the order of the calls, up to the moment */
	NONE_THERE, /* nothing since the last sync */
	HALF_THERE, /* any sector with a chance of one half */
	MOST_THERE,
	FEW_THERE,
	LATEST_FIRST, /* the later half, not the earlier one */
	FORGETTINGS,
};

static bool
is_kept(enum forgetting how, size_t i, size_t from, size_t to, struct rng *rng)
{
	switch (how) {
	case ALL_THERE:
		return true;
	case NONE_THERE:
		return false;
	case HALF_THERE:
		return rng_below(rng, 2) == 0;
	case MOST_THERE:
		return rng_below(rng, 20) != 0;
	case FEW_THERE:
		return rng_below(rng, 10) == 0;
	default:
		return i >= from + (to - from) / 2;
	}
}

/* What a part of the file holds that no write has reached. */
static void
open_hole(struct content *c, uint64_t from, uint64_t to, bool old_bytes)
{
	if (to <= from)
		return;
	if (old_bytes)
		memcpy(c->bytes + from, stale.bytes + from, to - from);
	else
		memset(c->bytes + from, 0, to - from);
}

static void
set_size(struct content *c, uint64_t size, bool old_bytes)
{
	open_hole(c, c->size, size, old_bytes);
	c->size = size;
}

/* All of it, as it is told to have been done. */
static void
apply(struct content *c, const struct call *call)
{
	if (call->kind == CALL_WRITE)
		memcpy(c->bytes + call->at, call->bytes, call->len);
	if (call->size_after > c->size && call->at > c->size)
		open_hole(c, c->size, call->at, false);
	if (call->kind == CALL_SIZE && call->size_after > c->size)
		open_hole(c, c->size, call->size_after, false);
	c->size = call->size_after;
}

/* The sectors of a write that are there, as far as the file's size goes. */
static void
apply_sectors(struct content *c, const struct call *call, uint64_t visible,
    enum forgetting how, size_t i, size_t from, size_t to, struct rng *rng)
{
	uint64_t at = call->at, end = call->at + call->len;

	if (visible > c->size)
		visible = c->size;
	if (end > visible)
		end = visible;
	while (at < end) {
		uint64_t next = (at / SECTOR + 1) * SECTOR;

		if (next > end)
			next = end;
		if (is_kept(how, i, from, to, rng))
			memcpy(c->bytes + at, call->bytes + (at - call->at),
			    next - at);
		at = next;
	}
}

/* The file if the power fails after ${cut} calls. */
static void
build_state(struct content *c, size_t cut, enum forgetting how, bool old_bytes,
    struct rng *rng)
{
	uint64_t visible = FILE_MAX;
	size_t from = 0, sizes;

	*c = start;
	stale = history;
	for (size_t i = 0; i < cut; i++) {
		if (calls[i].kind == CALL_SYNC)
			from = i + 1;
		if (calls[i].kind == CALL_WRITE)
			memcpy(stale.bytes + calls[i].at, calls[i].bytes,
			    calls[i].len);
	}
	for (size_t i = 0; i < from; i++)
		apply(c, &calls[i]);
	sizes = how == ALL_THERE ? cut
	    : how == NONE_THERE
	    ? from
	    : from + rng_below(rng, (uint32_t)(cut - from) + 1);
	/*
	 * The changes of the size up to there happened.  A write after a
	 * truncation that did not happen went to blocks that nobody finds.
	 */
	for (size_t i = from; i < cut; i++) {
		if (i < sizes && calls[i].size_after != calls[i].size_before)
			set_size(c, calls[i].size_after, old_bytes);
		if (i >= sizes && calls[i].kind == CALL_SIZE &&
		    calls[i].at < visible)
			visible = calls[i].at;
		if (calls[i].kind == CALL_WRITE)
			apply_sectors(c, &calls[i], visible, how, i, from, cut,
			    rng);
	}
}

/* ---- Whether that is allowed ---- */

/* Short records can be the same though they are not one. */
static bool
same_thing(const struct thing *a, const struct thing *b)
{
	static uint8_t bytes[RECORD_MAX];

	if (a->len != b->len)
		return false;
	if (a->tag == b->tag || a->len == 0)
		return true;
	fill(bytes, a->len, a->tag);
	return is_filled(bytes, a->len, b->tag);
}

static bool
same_things(const struct model *a, const struct model *b, uint64_t n)
{
	if (n > a->n || n > b->n)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (!same_thing(&a->things[i], &b->things[i]))
			return false;
	return true;
}

/*
 * Whether ${seen} may be left by a cut after ${cut} calls: the beginning of
 * what the tape held at some moment since the last sync point, with all of that
 * which the sync point covers and nobody began to write over.
 */
static bool
is_allowed(const struct model *seen, size_t cut)
{
	size_t base = 0, m;
	uint64_t least;

	for (m = 0; m < n_moments && moments[m].calls <= cut; m++)
		if (moments[m].synced)
			base = m;
	least = moments[base].model.n;
	for (m = base; m < n_moments; m++) {
		const struct model *now = &moments[m].model;

		if (m > base && moments[m].from < least)
			least = moments[m].from;
		if (seen->n >= least && seen->n <= now->n &&
		    same_things(seen, now, seen->n))
			return true;
		/* The first operation that was not done may be half done. */
		if (moments[m].calls > cut)
			break;
	}
	return false;
}

/* What record of those that were written this is. */
static bool
find_thing(const uint8_t *data, size_t len, struct thing *ret_thing)
{
	for (uint32_t tag = 0; tag <= next_tag; tag++)
		if (is_filled(data, len, tag)) {
			*ret_thing =
			    (struct thing){ .tag = tag, .len = (uint32_t)len };
			return true;
		}
	return false;
}

/* Reads the tape, which must end without an error. */
static bool
read_model(struct tape *t, const struct model *hint, struct model *ret)
{
	enum tape_cond cond = TAPE_NONE;
	size_t len;

	ret->n = ret->at = 0;
	for (;;) {
		int r = tape_read(t, buf, sizeof(buf), &len, &cond);
		struct thing thing = { .tag = 0, .len = 0 };

		if (r < 0) {
			tap_diag("object %" PRIu64 ": %s", ret->n, tape_why(t));
			return false;
		}
		if (cond == TAPE_EOD)
			return true;
		if (ret->n == MODEL_MAX) {
			tap_diag("more objects than were ever written");
			return false;
		}
		if (cond == TAPE_NONE && ret->n < hint->n &&
		    hint->things[ret->n].len == len &&
		    is_filled(buf, len, hint->things[ret->n].tag))
			thing = hint->things[ret->n];
		else if (cond == TAPE_NONE && !find_thing(buf, len, &thing)) {
			tap_diag("object %" PRIu64 ": %zu bytes that nobody "
				 "has written",
			    ret->n, len);
			return false;
		}
		model_put(ret, thing.tag, thing.len);
	}
}

/* The tape as it was found takes a record, and keeps it. */
static bool
goes_on(struct tape *t, const char *spec, struct model *m)
{
	static struct model again;
	uint32_t tag = ++next_tag;
	enum tape_cond cond;
	bool ok;

	m->at = m->n;
	fill(buf, 1000, tag);
	ok = tape_write(t, buf, 1000, &cond) == 0;
	model_put(m, tag, 1000);
	ok = tape_unload(t) == 0 && ok;
	if (!ok)
		tap_diag("can't go on: %s", tape_why(t));
	tape_free(t);
	t = load_tape(spec);
	ok = ok && read_model(t, m, &again) && again.n == m->n &&
	    same_things(&again, m, m->n);
	if (!ok)
		tap_diag("not what was there and a record more");
	tape_free(t);
	return ok;
}

static bool
survives(const char *path, const char *spec, size_t cut, enum forgetting how,
    bool old_bytes, struct rng *rng, struct model *ret_left)
{
	static struct content state;
	static struct model seen;
	struct tape *t = open_tape(spec);
	const struct model *hint = &moments[0].model;
	bool ok;

	for (size_t m = 0; m < n_moments && moments[m].calls <= cut; m++)
		hint = &moments[m].model;
	build_state(&state, cut, how, old_bytes, rng);
	store_content(&state, path);
	ok = tape_load(t) == 0;
	if (!ok)
		tap_diag("not loaded: %s", tape_why(t));
	ok = ok && read_model(t, hint, &seen);
	if (ok && !is_allowed(&seen, cut)) {
		tap_diag("%" PRIu64 " objects are not what may be left",
		    seen.n);
		ok = false;
	}
	if (!ok) {
		tape_free(t);
		tap_diag("cut after %zu of %zu calls, forgetting %d%s", cut,
		    n_calls, (int)how, old_bytes ? ", old bytes in holes" : "");
		return false;
	}
	ok = goes_on(t, spec, &seen);
	*ret_left = seen;
	return ok;
}

/* Workload after workload, each on what the last state left. */
static bool
survives_all(const char *dir, const char *options, unsigned rounds,
    struct rng *rng, unsigned *ret_states)
{
	static struct model m;
	char spec[512];
	const char *path = path_in(dir, "cut.pmt");
	bool ok = true;

	(void)snprintf(spec, sizeof(spec), "file:%s%s", path, options);
	(void)unlink(path); /* there is none at first */
	m.n = m.at = 0;
	next_tag = 0;
	*ret_states = 0;
	for (unsigned i = 0; ok && i < rounds; i++) {
		run_workload(path, spec, &m, rng);
		for (unsigned k = 0; ok && k < STATES; k++) {
			size_t cut = rng_below(rng, (uint32_t)n_calls + 1);
			enum forgetting how = rng_below(rng, FORGETTINGS);

			ok = survives(path, spec, cut, how,
			    rng_below(rng, 2) == 0, rng, &m);
			++*ret_states;
		}
		history = stale;
	}
	forget_calls();
	(void)unlink(path); /* as above */
	return ok;
}

static void
write_key(const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fchmod(fileno(f), 0600) < 0 ||
	    fprintf(f, "%064d\n", 7) < 0 || fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

static void
test_format(const char *dir, const char *options, unsigned rounds,
    struct rng *rng)
{
	unsigned states = 0;
	bool ok = survives_all(dir, options, rounds, rng, &states);

	tap_ok(ok, "\"%s\": guarantees hold in %u states after a power cut",
	    options, states);
}

int
main(void)
{
	const char *given = getenv("PMT_RUNS");
	unsigned rounds = given == NULL ? 40 : (unsigned)atoi(given);
	const char *dir = make_scratch();
	struct rng rng = rng_seeded();
	char key[300];
	unsigned states = 0;

	write_key(path_in(dir, "key"));
	(void)snprintf(key, sizeof(key), ",compress=zstd,key=%s",
	    path_in(dir, "key"));
	test_format(dir, "", rounds, &rng);
	test_format(dir, ",compress=zstd", rounds / 2, &rng);
	test_format(dir, key, rounds / 2, &rng);
	lying = true;
	tap_ok(!survives_all(dir, "", rounds, &rng, &states),
	    "without the syncs they do not (found after %u states)", states);
	remove_scratch(dir);
	return tap_done();
}
