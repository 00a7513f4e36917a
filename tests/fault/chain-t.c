/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As file-t.c, for AWS, HET and FAKETAPE: the Nth call to the system fails, for
 * N = 1, 2, 3 ... until none does.  After every operation a copy of the image
 * is loaded: it ends cleanly, with all that was acknowledged and nothing else.
 */
#include <limits.h>

#include "../contract/listing.h"
#include "hostfile.h"

static const struct mode {
	const char *name;
	int err;
	unsigned calls; /* how many calls in a row fail, from the Nth on */
	bool halve;	/* the first of them, if it writes, does half */
} modes[] = {
	{ "EIO, once", EIO, 1, false },
	{ "EIO, twice", EIO, 2, false },
	{ "EIO, from then on", EIO, UINT_MAX, false },
	{ "ENOSPC, once", ENOSPC, 1, false },
	{ "ENOSPC, from then on", ENOSPC, UINT_MAX, false },
	{ "short, once", EIO, 1, true },
	{ "short, then two that fail", EIO, 3, true },
	{ "short, then the disk is full", ENOSPC, UINT_MAX, true },
};

#define HEADER_MOST 12 /* bytes; a header is never written by half here */

#define SUBJECTS 3

static const char *const subjects[SUBJECTS] = { "fault.aws", "fault.het",
	"fault.fkt" };

static const char *dir = ".", *name;
static const struct mode *mode;
static unsigned countdown, hits;
static struct tape *tape;
static struct model model;
static enum tape_cond cond;
static uint8_t buf[1 << 16];

/* ---- Calls that fail ---- */

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

static int
fail(void)
{
	errno = mode->err;
	return -1;
}

static ssize_t
faulty_pread(int fd, void *to, size_t len, off_t at)
{
	return hit() ? fail() : hostfile_system.pread(fd, to, len, at);
}

static ssize_t
faulty_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	struct iovec some[4];
	size_t whole = 0, left;

	if (!hit())
		return hostfile_system.pwritev(fd, iov, n, at);
	for (int i = 0; i < n; i++)
		whole += iov[i].iov_len;
	left = whole / 2;
	if (!mode->halve || hits > 1 || left < HEADER_MOST)
		return fail();
	for (int i = 0; i < n; i++) {
		some[i] = iov[i];
		if (some[i].iov_len > left)
			some[i].iov_len = left;
		left -= some[i].iov_len;
	}
	return hostfile_system.pwritev(fd, some, n, at);
}

static int
faulty_ftruncate(int fd, off_t size)
{
	return hit() ? fail() : hostfile_system.ftruncate(fd, size);
}

static int
faulty_fallocate(int fd, int how, off_t at, off_t len)
{
	return hit() ? fail() : hostfile_system.fallocate(fd, how, at, len);
}

static int
faulty_fdatasync(int fd)
{
	return hit() ? fail() : hostfile_system.fdatasync(fd);
}

static struct hostfile_calls faulty;

static void
faults(bool on)
{
	hostfile_set_calls(on ? &faulty : NULL);
}

/* ---- Operations, on the tape and on the model ---- */

/*
 * Whether a copy of the image holds the model.  After a failure, what followed
 * the position may be there or be gone; the model takes over which.
 */
static bool
image_is_true(int r)
{
	static uint8_t bytes[1 << 20];
	char copy[64];
	enum tape_cond end;
	struct tape *t;
	uint64_t passed;
	size_t size;
	bool ok;
	FILE *f;

	(void)snprintf(copy, sizeof(copy), "copy%s", strchr(name, '.'));
	size = bytes_of(path_in(dir, name), bytes, sizeof(bytes));
	f = fopen(path_in(dir, copy), "wb");
	if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
		tap_bail("%s: %s", copy, strerror(errno));
	faults(false);
	t = load_tape(spec_in(dir, copy));
	ok = tape_space(t, TAPE_TO_EOD, 0, &passed, &end) == 0;
	if (!ok)
		tap_diag("%s", tape_why(t));
	if (ok && r < 0 && t->pos.object == model.at)
		model.n = model.at;
	ok = ok && holds_model(t, &model);
	tape_free(t);
	faults(true);
	return ok;
}

static bool
all_is_true(int r)
{
	return image_is_true(r) && tape->pos.known &&
	    tape->pos.object == model.at &&
	    tape->pos.file == files_before(&model, model.at);
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
do_marks(uint32_t count)
{
	uint32_t n;
	int r = tape_write_filemarks(tape, count, true, &n, &cond);

	for (uint32_t i = 0; i < n; i++)
		model_put(&model, 0, 0);
	return all_is_true(r);
}

static bool
do_back(int64_t count)
{
	uint64_t done;
	int r = tape_space(tape, TAPE_RECORDS, count, &done, &cond);

	/* What was passed is known: only reading can have failed. */
	model.at = tape->pos.object;
	return all_is_true(r) && (r == 0 || r == -EIO);
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

static bool
run_script(void)
{
	return do_write(1, 20) && do_write(2, 5000) && do_marks(1) &&
	    do_back(-1) && do_back(-1) && do_read() && do_write(3, 65535) &&
	    do_marks(2) && do_write(4, 40) && do_back(-1) && do_write(5, 30) &&
	    do_back(-2) && do_erase() && do_back(-1) && do_read() &&
	    do_write(6, 4090) && do_marks(1) && do_write(7, 100) &&
	    do_back(-1) && do_read() && do_read();
}

/* False when the faults are over: the Nth call did not come. */
static bool
run(unsigned nth, bool *ret_ok)
{
	memset(&model, 0, sizeof(model));
	(void)unlink(path_in(dir, name)); /* the first time there is none */
	tape = load_tape(spec_in(dir, name));
	countdown = nth;
	hits = 0;
	faults(true);
	*ret_ok = run_script();
	faults(false);
	tape_free(tape);
	tape = load_tape(spec_in(dir, name));
	*ret_ok = holds_model(tape, &model) && *ret_ok;
	tape_free(tape);
	if (!*ret_ok)
		tap_diag("%s: %s: call %u", name, mode->name, nth);
	return hits > 0;
}

int
main(void)
{
	dir = make_scratch();
	faulty = hostfile_system;
	faulty.pread = faulty_pread;
	faulty.pwritev = faulty_pwritev;
	faulty.ftruncate = faulty_ftruncate;
	faulty.fallocate = faulty_fallocate;
	faulty.fdatasync = faulty_fdatasync;
	for (size_t i = 0; i < SUBJECTS * sizeof(modes) / sizeof(modes[0]);
	     i++) {
		unsigned nth = 0;
		bool ok = true, more = true;

		name = subjects[i % SUBJECTS];
		mode = &modes[i / SUBJECTS];
		while (ok && more)
			more = run(++nth, &ok);
		tap_ok(ok, "%s: %s: nothing is lost or torn", name, mode->name);
		tap_ok(nth > 15, "... of %u calls", nth - 1);
	}
	remove_scratch(dir);
	return tap_done();
}
