/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Nth call to the system fails, for N = 1, 2, 3 ... until none does.  After
 * every operation, whatever failed in it: the image is valid and ends at a
 * whole object, it has all that was acknowledged and nothing else, and the tape
 * knows where it stands.
 */
#include <limits.h>

#include "hostfile.h"
#include "simh-walk.h"

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
	{ "ENOSPC, twice", ENOSPC, 2, false },
	{ "ENOSPC, from then on", ENOSPC, UINT_MAX, false },
	{ "EINTR, once", EINTR, 1, false },
	{ "short, once", EIO, 1, true },
	{ "short, then two that fail", EIO, 3, true },
	{ "short, then the disk is full", ENOSPC, UINT_MAX, true },
};

static const struct mode *mode;
static unsigned countdown; /* calls until the fault */
static unsigned hits;

static struct tape *tape;
static struct model model;
static const char *image, *spec;
static uint32_t large; /* bytes, of the largest record */
static enum tape_cond cond;
static uint64_t done;
static uint8_t buf[1 << 17];

/* ---- Calls that fail ---- */

/* Whether this call is to fail. */
static bool
hit(void)
{
	if (countdown > 1) {
		countdown--;
		return false;
	}
	if (hits == mode->calls)
		return false;
	hits++;
	return true;
}

/* For calls that can't be short. */
static bool
hit_whole(void)
{
	return (!mode->halve || hits > 0) && hit();
}

static int
fail(void)
{
	errno = mode->err;
	return -1;
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

static size_t
bytes_in(const struct iovec *iov, int n)
{
	size_t bytes = 0;

	for (int i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	return bytes;
}

/* Half of the bytes of the pieces. */
static ssize_t
pwritev_half(int fd, const struct iovec *iov, int n, off_t at)
{
	struct iovec some[4];
	size_t left = bytes_in(iov, n) / 2;

	for (int i = 0; i < n; i++) {
		some[i] = iov[i];
		if (some[i].iov_len > left)
			some[i].iov_len = left;
		left -= some[i].iov_len;
	}
	return hostfile_system.pwritev(fd, some, n, at);
}

/* A word is never written by half, but where file-crash-t.c looks at it. */
static ssize_t
faulty_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	if (!hit())
		return hostfile_system.pwritev(fd, iov, n, at);
	if (!mode->halve || hits > 1 || bytes_in(iov, n) <= 4)
		return fail();
	return pwritev_half(fd, iov, n, at);
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
faulty_fsync(int fd)
{
	return hit_whole() ? fail() : hostfile_system.fsync(fd);
}

static int
faulty_fstat(int fd, struct stat *st)
{
	return hit_whole() ? fail() : hostfile_system.fstat(fd, st);
}

static int
faulty_lock(int fd, struct flock *lock)
{
	return hit_whole() ? fail() : hostfile_system.lock(fd, lock);
}

static int
faulty_open(const char *name, int flags, mode_t perm)
{
	return hit_whole() ? fail() : hostfile_system.open(name, flags, perm);
}

static void
begin_faults(unsigned nth)
{
	static struct hostfile_calls faulty;

	faulty = hostfile_system;
	faulty.pread = faulty_pread;
	faulty.pwritev = faulty_pwritev;
	faulty.ftruncate = faulty_ftruncate;
	faulty.fallocate = faulty_fallocate;
	faulty.fdatasync = faulty_fdatasync;
	faulty.fsync = faulty_fsync;
	faulty.fstat = faulty_fstat;
	faulty.lock = faulty_lock;
	faulty.open = faulty_open;
	countdown = nth;
	hits = 0;
	hostfile_set_calls(&faulty);
}

/* ---- Operations, on the tape and on the model ---- */

/*
 * Looks at the file as it is now.  After a failure, what followed the position
 * may be there or be gone; the model takes over which.
 */
static bool
image_is_true(int r)
{
	struct walk w;
	bool ok = walk_image(&w, image);

	if (ok && r < 0 && w.n == model.at)
		model.n = w.n;
	ok = ok && w.n == model.n && walk_begins_with(&w, &model, w.n);
	if (!ok)
		tap_diag("%" PRIu64 " objects, expected %" PRIu64, w.n,
		    model.n);
	walk_free(&w);
	return ok;
}

static bool
position_is_true(void)
{
	bool ok = tape->pos.known && tape->pos.object == model.at &&
	    tape->pos.file == files_before(&model, model.at);

	if (!ok)
		tap_diag("object %" PRIu64 " file %" PRIu64
			 ", expected %" PRIu64 " %" PRIu64,
		    tape->pos.object, tape->pos.file, model.at,
		    files_before(&model, model.at));
	return ok;
}

static bool
all_is_true(int r)
{
	return image_is_true(r) && position_is_true() &&
	    (r == 0) == (tape_why(tape)[0] == '\0');
}

static bool
do_write(uint32_t tag, uint32_t len)
{
	int r;

	fill_record(buf, len, tag);
	r = tape_write(tape, buf, len, &cond);
	if (r == 0)
		model_put(&model, tag, len);
	return all_is_true(r) && (cond == TAPE_EOM) == (r == -ENOSPC);
}

static bool
do_marks(uint32_t count, bool immediate)
{
	uint32_t n;
	int r = tape_write_filemarks(tape, count, immediate, &n, &cond);

	for (uint32_t i = 0; i < n; i++)
		model_put(&model, 0, 0);
	return all_is_true(r);
}

static bool
do_locate(uint64_t object)
{
	int r = tape_locate(tape, 0, object, &cond);

	model.at = r == 0 && object < model.n ? object : model.n;
	if (r < 0)
		model.at = tape->pos.object;
	return all_is_true(r) && model.at <= model.n;
}

static bool
do_space(enum tape_unit unit, int64_t count, uint64_t object)
{
	int r = tape_space(tape, unit, count, &done, &cond);

	model.at = r == 0 && object < model.n ? object : model.n;
	if (r < 0)
		model.at = tape->pos.object;
	return all_is_true(r) && model.at <= model.n;
}

static bool
do_read(void)
{
	const struct thing *next = &model.things[model.at];
	size_t len;
	int r = tape_read(tape, buf, sizeof(buf), &len, &cond);

	if (r < 0 || model.at == model.n)
		return all_is_true(r) && (r < 0 || cond == TAPE_EOD);
	model.at++;
	return all_is_true(r) && len == next->len &&
	    (cond == TAPE_FILEMARK) == (len == 0) &&
	    is_record_of(buf, len, next->tag);
}

static bool
do_erase(void)
{
	int r = tape_erase(tape, false);

	if (r == 0)
		model.n = model.at;
	return all_is_true(r);
}

/* Unloads and loads.  If it can't be loaded the faults end here. */
static bool
do_reload(void)
{
	int r = tape_unload(tape);

	if (!image_is_true(r))
		return false;
	if (tape_load(tape) < 0) {
		hostfile_set_calls(NULL);
		if (tape_load(tape) < 0)
			tap_bail("%s", tape_why(tape));
	}
	model.at = 0;
	return all_is_true(0);
}

/* After a sync that failed the medium is write protected until then. */
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
	    do_marks(1, false) && do_recover() && do_write(3, large) &&
	    do_write(4, 3) && do_marks(2, true) && do_locate(1) && do_read() &&
	    do_read() && do_space(TAPE_RECORDS, 1, model.at + 1) &&
	    do_locate(4) && do_write(5, 77) && do_marks(1, false) &&
	    do_recover() && do_locate(3) && do_erase() && do_recover() &&
	    do_write(6, 2001) && do_write(7, 4096) &&
	    do_space(TAPE_TO_EOD, 0, model.n) && do_marks(0, false) &&
	    do_reload() && do_space(TAPE_TO_EOD, 0, model.n) &&
	    do_write(8, 100) && do_reload();
}

/* False when the faults are over: the Nth call did not come. */
static bool
run(unsigned nth, bool *ret_ok)
{
	bool ok;

	memset(&model, 0, sizeof(model));
	(void)unlink(image);		 /* the first time there is none */
	(void)close(creat(image, 0600)); /* or else the test fails soon */
	tape = open_tape(spec);
	begin_faults(nth);
	ok = run_script();
	hostfile_set_calls(NULL);
	(void)tape_unload(tape); /* it may have failed before: what counts is */
	(void)tape_load(tape);	 /* what is there afterwards */
	ok = holds_model(tape, &model) && ok;
	tape_free(tape);
	if (!ok)
		tap_diag("%s: call %u", mode->name, nth);
	*ret_ok = ok;
	return hits > 0;
}

static void
run_mode(void)
{
	unsigned nth = 0;
	bool ok = true, more = true;

	while (ok && more)
		more = run(++nth, &ok);
	tap_ok(ok, "%s: %s: nothing is lost or torn, whichever call it is",
	    strrchr(image, '/') + 1, mode->name);
	tap_ok(nth > 10, "... of %u calls", nth - 1);
}

static void
run_modes(const char *dir, const char *name, uint32_t longest)
{
	spec = spec_in(dir, name);
	image = path_in(dir, name);
	large = longest;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		mode = &modes[i];
		run_mode();
	}
}

static int
failing_fdatasync(int fd)
{
	(void)fd; /* none can be synced */
	errno = EIO;
	return -1;
}

/* What a sync could not make durable may be gone; a second one can't tell. */
static void
test_latch(void)
{
	struct hostfile_calls calls = hostfile_system;
	struct tape_info info;
	uint32_t n;

	tape = load_tape(spec);
	fill_record(buf, 10, 1);
	tap_is_int(0, tape_write(tape, buf, 10, &cond), "a record");
	calls.fdatasync = failing_fdatasync;
	hostfile_set_calls(&calls);
	tap_is_int(-EIO, tape_write_filemarks(tape, 1, false, &n, &cond),
	    "a sync that fails is told");
	tap_is_int(1, n, "... though the filemark is written");
	hostfile_set_calls(NULL);
	tape_describe(tape, &info);
	tap_ok(info.write_protected, "the medium is write protected then");
	tap_is_int(-EROFS, tape_write(tape, buf, 10, &cond), "... for records");
	tap_is_int(-EIO, tape_write_filemarks(tape, 0, false, &n, &cond),
	    "and no sync succeeds any more, although it would now");
	tap_ok(strstr(tape_why(tape), "may be lost") != NULL,
	    "... which is said: %s", tape_why(tape));
	tap_is_int(-EIO, tape_unload(tape), "nor does unload");
	tap_is_int(0, tape_load(tape), "it can be loaded again");
	tap_is_int(0, tape_write(tape, buf, 10, &cond), "and written");
	tape_free(tape);
}

int
main(void)
{
	const char *dir = make_scratch();

	run_modes(dir, "fault.e11", 65537);
	run_modes(dir, "fault.tpc", 65533);
	run_modes(dir, "fault.tap", 65537);
	test_latch();
	remove_scratch(dir);
	return tap_done();
}
