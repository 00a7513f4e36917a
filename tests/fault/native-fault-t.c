/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to the system that fail, and death before each of them, under a native
 * image.  At every moment a copy of the image, which is what a kill would have
 * left, loads and holds what was acknowledged, and at most what was under way.
 */
#include <fcntl.h>
#include <limits.h>

#include "../contract/listing.h"
#include "hostfile.h"
#include "native_log.h"

#define PAGE 4096

static const struct mode {
	const char *name;
	int err;
	unsigned calls; /* how many calls in a row fail, from the Nth on */
	bool halve; /* the first of them, if it reads or writes, does half */
} modes[] = {
	{ "EIO, once", EIO, 1, false },
	{ "EIO, twice", EIO, 2, false },
	{ "EIO, four times", EIO, 4, false },
	{ "EIO, from then on", EIO, UINT_MAX, false },
	{ "ENOSPC, once", ENOSPC, 1, false },
	{ "ENOSPC, from then on", ENOSPC, UINT_MAX, false },
	{ "EINTR, once", EINTR, 1, false },
	{ "short, once", EIO, 1, true },
	{ "short, then two that fail", EIO, 3, true },
	{ "short, then the disk is full", ENOSPC, UINT_MAX, true },
};

static const struct mode *mode;
static unsigned countdown; /* calls until the fault; 0: none is to come */
static unsigned hits;
static struct hostfile_calls faulty;
static const struct hostfile_calls *in_use;

static const char *dir;
static struct tape *tape;
static struct model model;  /* what was acknowledged, and the position */
static struct model flight; /* what there will be after what is under way */
static uint64_t loose;	    /* EOD may be here, too: something failed there */
static enum tape_cond cond;
static uint64_t done;
static uint8_t buf[1 << 17];

/* ---- Copies ---- */

static void
use(const struct hostfile_calls *calls)
{
	in_use = calls;
	hostfile_set_calls(calls);
}

static void
copy(const char *from, const char *to)
{
	static uint8_t bytes[1 << 20];
	int in = open(path_in(dir, from), O_RDONLY | O_CLOEXEC);
	int out = open(path_in(dir, to),
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = in < 0 ? 0 : read(in, bytes, sizeof(bytes));

	if (out < 0 || n < 0 || write(out, bytes, (size_t)n) != n)
		tap_bail("%s: %s", to, strerror(errno));
	(void)close(in); /* only read */
	(void)close(out);
}

/* Whether a loaded tape has the first ${n} objects of a model and no more. */
static bool
has(struct tape *t, const struct model *m, uint64_t n)
{
	struct model part = *m;

	part.n = n;
	return holds_model(t, &part);
}

/* How many objects a copy of the image has; it is loaded as ${ret_tape}. */
static bool
load_copy(struct tape **ret_tape, uint64_t *ret_n)
{
	copy("image.pmt", "copy.pmt");
	*ret_tape = open_tape(spec_in(dir, "copy.pmt"));
	if (tape_load(*ret_tape) < 0 ||
	    tape_space(*ret_tape, TAPE_TO_EOD, 0, &done, &cond) < 0) {
		tap_diag("the copy: %s", tape_why(*ret_tape));
		tape_free(*ret_tape);
		return false;
	}
	*ret_n = (*ret_tape)->pos.object;
	return true;
}

/* What a kill would leave now. */
static bool
copy_is_true(void)
{
	const struct hostfile_calls *calls = in_use;
	struct tape *t;
	uint64_t n;
	bool ok;

	use(&hostfile_system);
	ok = load_copy(&t, &n);
	if (ok) {
		if (n == model.n || n == loose || n == model.at)
			ok = has(t, &model, n);
		else
			ok = false;
		if (!ok && n >= model.at && n <= flight.n)
			ok = has(t, &flight, n);
		if (!ok)
			tap_diag("the copy has %" PRIu64 " objects, not "
				 "%" PRIu64,
			    n, model.n);
		tape_free(t);
	}
	use(calls);
	return ok;
}

/* ---- Calls that fail ---- */

static bool
hit(void)
{
	if (countdown == 0)
		return false;
	if (countdown > 1) {
		countdown--;
		return false;
	}
	if (hits == mode->calls)
		return false;
	hits++;
	return true;
}

static bool
hit_whole(void)
{
	return (mode == NULL || !mode->halve || hits > 0) && hit();
}

static int
fail(void)
{
	errno = mode->err;
	return -1;
}

static size_t
bytes_in(const struct iovec *iov, int n)
{
	size_t bytes = 0;

	for (int i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

static ssize_t
pwritev_some(int fd, const struct iovec *iov, int n, off_t at, size_t left)
{
	struct iovec some[4];

	for (int i = 0; i < n; i++) {
		some[i] = iov[i];
		if (some[i].iov_len > left)
			some[i].iov_len = left;
		left -= some[i].iov_len;
	}
	return hostfile_system.pwritev(fd, some, n, at);
}

static ssize_t
faulty_pread(int fd, void *to, size_t len, off_t at)
{
	if (!hit())
		return hostfile_system.pread(fd, to, len, at);
	if (!mode->halve || hits > 1 || len < 2)
		return fail();
	return hostfile_system.pread(fd, to, len / 2, at);
}

static ssize_t
faulty_preadv(int fd, const struct iovec *iov, int n, off_t at)
{
	if (!hit())
		return hostfile_system.preadv(fd, iov, n, at);
	if (!mode->halve || hits > 1)
		return fail();
	return hostfile_system.pread(fd, iov->iov_base, iov->iov_len / 2, at);
}

static ssize_t
faulty_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	if (!hit())
		return hostfile_system.pwritev(fd, iov, n, at);
	if (!mode->halve || hits > 1)
		return fail();
	return pwritev_some(fd, iov, n, at, bytes_in(iov, n) / 2);
}

static int
faulty_ftruncate(int fd, off_t size)
{
	return hit_whole() ? fail() : hostfile_system.ftruncate(fd, size);
}

static int
faulty_fallocate(int fd, int how, off_t at, off_t len)
{
	return hit_whole() ? fail()
			   : hostfile_system.fallocate(fd, how, at, len);
}

static int
faulty_fdatasync(int fd)
{
	return hit_whole() ? fail() : hostfile_system.fdatasync(fd);
}

static int
faulty_open(const char *name, int flags, mode_t perm)
{
	return hit_whole() ? fail() : hostfile_system.open(name, flags, perm);
}

/* ---- Operations, on the tape and on the model ---- */

/* What the tape takes for EOD after a failure; it stands where it stood. */
static bool
ask_eod(void)
{
	const struct hostfile_calls *calls = in_use;
	bool ok;

	use(&hostfile_system);
	ok = tape_space(tape, TAPE_TO_EOD, 0, &done, &cond) == 0 &&
	    (tape->pos.object == model.n || tape->pos.object == loose);
	if (!ok)
		tap_diag("EOD at %" PRIu64 ", expected %" PRIu64 " or %" PRIu64
			 ": %s",
		    tape->pos.object, model.n, loose, tape_why(tape));
	model.n = tape->pos.object;
	if (model.at > model.n)
		model.at = model.n;
	if (ok && tape_locate(tape, 0, model.at, &cond) < 0) {
		tap_diag("back: %s", tape_why(tape));
		ok = false;
	}
	use(calls);
	return ok;
}

static bool
check(int r)
{
	bool ok = tape->pos.known && tape->pos.object == model.at &&
	    tape->pos.file == files_before(&model, model.at) &&
	    (r == 0) == (tape_why(tape)[0] == '\0');

	if (!ok)
		tap_diag("%d: object %" PRIu64 ", expected %" PRIu64 ": %s", r,
		    tape->pos.object, model.at, tape_why(tape));
	return ok && copy_is_true() && (r == 0 || ask_eod());
}

/* After an operation that was to change the tape. */
static bool
changed(int r)
{
	if (r < 0)
		loose = model.at;
	else
		loose = model.n;
	return check(r);
}

static bool
do_write(uint32_t tag, uint32_t len)
{
	int r;

	fill_record(buf, len, tag);
	flight = model;
	model_put(&flight, tag, len);
	r = tape_write(tape, buf, len, &cond);
	if (r == 0)
		model = flight;
	return changed(r);
}

static bool
do_marks(uint32_t count, bool immediate)
{
	uint32_t n;
	int r;

	flight = model;
	for (uint32_t i = 0; i < count; i++)
		model_put(&flight, 0, 0);
	r = tape_write_filemarks(tape, count, immediate, &n, &cond);
	for (uint32_t i = 0; i < n; i++)
		model_put(&model, 0, 0);
	return changed(r);
}

static bool
do_erase(void)
{
	int r;

	flight = model;
	flight.n = model.at;
	r = tape_erase(tape, false);
	if (r == 0)
		model.n = model.at;
	return changed(r);
}

static bool
do_locate(uint64_t object)
{
	int r = tape_locate(tape, 0, object, &cond);

	model.at = object < model.n ? object : model.n;
	if (r < 0)
		model.at = tape->pos.object;
	return check(r);
}

static bool
do_read(void)
{
	const struct thing *next = &model.things[model.at];
	size_t len;
	int r = tape_read(tape, buf, sizeof(buf), &len, &cond);

	if (r < 0)
		return check(r);
	if (model.at == model.n)
		return cond == TAPE_EOD && check(0);
	model.at++;
	return len == next->len && is_record_of(buf, len, next->tag) &&
	    check(0);
}

/* If it can't be loaded the faults end here. */
static bool
do_reload(void)
{
	int r = tape_unload(tape);

	if (!copy_is_true())
		return false;
	if (tape_load(tape) < 0) {
		use(&hostfile_system);
		if (tape_load(tape) < 0)
			tap_bail("%s", tape_why(tape));
	}
	model.at = 0;
	return r == 0 ? check(0) : ask_eod() && copy_is_true();
}

static bool
do_recover(void)
{
	struct tape_info info;

	tape_describe(tape, &info);
	return info.write_protected ? do_reload() : true;
}

static bool
run_script(void)
{
	return do_reload() && do_write(1, 10) && do_write(2, 5000) &&
	    do_marks(1, false) && do_recover() && do_write(3, 65537) &&
	    do_write(4, 3) && do_marks(2, true) && do_locate(1) && do_read() &&
	    do_read() && do_locate(4) && do_write(5, 77) &&
	    do_marks(1, false) && do_recover() && do_locate(3) && do_erase() &&
	    do_recover() && do_write(6, 2001) && do_write(7, 4096) &&
	    do_marks(0, false) && do_recover() && do_reload() &&
	    do_locate(UINT64_MAX) && do_write(8, 100) && do_reload() &&
	    do_write(9, 9000) && do_reload();
}

static void
begin(void)
{
	memset(&model, 0, sizeof(model));
	flight = model;
	loose = 0;
	hits = 0;
	(void)unlink(path_in(dir, "image.pmt")); /* the first time: none */
	copy("none", "image.pmt");
	tape = open_tape(spec_in(dir, "image.pmt"));
}

static bool
end(void)
{
	bool ok;

	use(&hostfile_system);
	(void)tape_unload(tape); /* it may have failed before: what counts is */
	(void)tape_load(tape);	 /* what is there afterwards */
	ok = tape_space(tape, TAPE_TO_EOD, 0, &done, &cond) == 0 &&
	    (tape->pos.object == model.n || tape->pos.object == loose) &&
	    has(tape, &model, tape->pos.object);
	if (!ok)
		tap_diag("at the end: %" PRIu64 " objects, expected %" PRIu64
			 " or %" PRIu64 ": %s",
		    tape->pos.object, model.n, loose, tape_why(tape));
	tape_free(tape);
	return ok;
}

static void
run_mode(void)
{
	unsigned nth = 0;
	bool ok = true;

	do {
		begin();
		countdown = ++nth;
		use(&faulty);
		ok = run_script();
		ok = end() && ok;
		if (!ok)
			tap_diag("%s: call %u", mode->name, nth);
	} while (ok && hits > 0);
	tap_ok(ok, "%s: nothing is lost or torn, whichever call it is",
	    mode->name);
	tap_ok(nth > 30, "... of %u calls", nth - 1);
}

/* ---- Death ---- */

static unsigned deaths;
static bool alive;
static bool (*is_true_now)(void);

/* A kill here leaves what a copy has. */
static void
die(void)
{
	deaths++;
	if (alive && !is_true_now()) {
		tap_diag("dead at point %u", deaths);
		alive = false;
	}
}

/* Writes page by page, and may die before each. */
static ssize_t
mortal_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	size_t total = bytes_in(iov, n), some = 0;

	die();
	while (some < total) {
		some += PAGE - (size_t)(at + (off_t)some) % PAGE;
		if (some >= total)
			break;
		if (pwritev_some(fd, iov, n, at, some) != (ssize_t)some)
			tap_bail("pwritev: %s", strerror(errno));
		die();
	}
	return hostfile_system.pwritev(fd, iov, n, at);
}

static int
mortal_ftruncate(int fd, off_t size)
{
	die();
	return hostfile_system.ftruncate(fd, size);
}

static int
mortal_fdatasync(int fd)
{
	die();
	return hostfile_system.fdatasync(fd);
}

static const struct hostfile_calls *
mortal_calls(void)
{
	static struct hostfile_calls mortal;

	mortal = hostfile_system;
	mortal.pwritev = mortal_pwritev;
	mortal.ftruncate = mortal_ftruncate;
	mortal.fdatasync = mortal_fdatasync;
	return &mortal;
}

static void
test_death(void)
{
	begin();
	alive = true;
	is_true_now = copy_is_true;
	use(mortal_calls());
	tap_ok(run_script(), "the script runs");
	tap_ok(end(), "and leaves what it should");
	tap_ok(alive, "the image is whole wherever the writer dies");
	tap_ok(deaths > 60, "... in %u places", deaths);
}

/* ---- Formatting ---- */

static const char *const parts[] = { "f.pmt", "f.pmt.p1", "f.pmt.p2" };
static const char *const copies[] = { "g.pmt", "g.pmt.p1", "g.pmt.p2" };

static bool
reads(struct tape *t, uint32_t partition, uint32_t tag)
{
	size_t len = 0;

	return tape_locate(t, partition, 0, &cond) == 0 &&
	    tape_read(t, buf, sizeof(buf), &len, &cond) == 0 && len == 5000 &&
	    is_record_of(buf, len, tag);
}

static bool
is_blank(struct tape *t, uint32_t partition)
{
	size_t len;

	return tape_locate(t, partition, 0, &cond) == 0 &&
	    tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
	    cond == TAPE_EOD;
}

/* Two partitions as they were, or three that are blank. */
static bool
old_or_new(struct tape *t)
{
	struct tape_info info;

	tape_describe(t, &info);
	if (info.partitions == 2)
		return reads(t, 0, 100) && reads(t, 1, 101);
	return info.partitions == 3 && is_blank(t, 0) && is_blank(t, 1) &&
	    is_blank(t, 2);
}

static bool
copies_are_true(void)
{
	const struct hostfile_calls *calls = in_use;
	struct tape *t;
	bool ok;

	use(&hostfile_system);
	for (unsigned i = 0; i < 3; i++)
		copy(parts[i], copies[i]);
	t = open_tape(spec_in(dir, "g.pmt"));
	ok = tape_load(t) == 0 && old_or_new(t);
	if (!ok)
		tap_diag("the copies: %s", tape_why(t));
	tape_free(t);
	use(calls);
	return ok;
}

/* Two partitions with a record each, loaded. */
static void
make_parts(void)
{
	use(&hostfile_system);
	for (unsigned i = 0; i < 3; i++)
		(void)unlink(path_in(dir, parts[i])); /* the first time: none */
	tape = load_tape(spec_in(dir, "f.pmt"));
	if (tape_format(tape, 2, 0) < 0)
		tap_bail("%s", tape_why(tape));
	for (uint32_t p = 0; p < 2; p++) {
		(void)tape_locate(tape, p, 0, &cond); /* shows later */
		fill_record(buf, 5000, 100 + p);
		put_record(tape, buf, 5000);
	}
}

/* Fails one call of formatting; false when the formatting went well. */
static bool
format_once(unsigned nth, bool *ret_ok)
{
	int r;

	make_parts();
	hits = 0;
	countdown = nth;
	use(&faulty);
	r = tape_format(tape, 3, 0);
	*ret_ok = copies_are_true();
	use(&hostfile_system);
	*ret_ok = *ret_ok && (r == 0) == is_blank(tape, 0);
	(void)tape_unload(tape); /* it may fail, if a sync did */
	*ret_ok = *ret_ok && tape_load(tape) == 0 && old_or_new(tape);
	if (!*ret_ok)
		tap_diag("%s: call %u: %d: %s", mode->name, nth, r,
		    tape_why(tape));
	tape_free(tape);
	return hits > 0;
}

static void
test_format(void)
{
	unsigned nth = 0;
	bool ok = true, more = true;

	while (ok && more)
		more = format_once(++nth, &ok);
	tap_ok(ok, "%s: formatting is done or not, whichever call fails",
	    mode->name);
	tap_ok(nth > 3, "... of %u calls", nth - 1);
}

static void
test_death_in_format(void)
{
	make_parts();
	deaths = 0;
	alive = true;
	is_true_now = copies_are_true;
	use(mortal_calls());
	tap_is_int(0, tape_format(tape, 3, 0), "formatting");
	tap_ok(copies_are_true(), "and then it is formatted");
	tape_free(tape);
	use(&hostfile_system);
	tap_ok(alive, "formatting is done or not, wherever the writer dies");
	tap_ok(deaths > 15, "... in %u places", deaths);
}

int
main(void)
{
	dir = make_scratch();
	native_index_tune(1, 1, 3); /* index objects in between */
	faulty = hostfile_system;
	faulty.pread = faulty_pread;
	faulty.preadv = faulty_preadv;
	faulty.pwritev = faulty_pwritev;
	faulty.ftruncate = faulty_ftruncate;
	faulty.fallocate = faulty_fallocate;
	faulty.fdatasync = faulty_fdatasync;
	faulty.open = faulty_open;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		mode = &modes[i];
		run_mode();
		test_format();
	}
	countdown = 0;
	test_death();
	test_death_in_format();
	remove_scratch(dir);
	return tap_done();
}
