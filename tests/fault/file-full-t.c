/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk of the host runs full: early warning, then the end of the medium for
 * records, and the filemarks that close the tape still fit.  On a disk that is
 * played, with fallocate() and without, and on a small tmpfs where one can be
 * mounted.
 */
#include <sched.h>
#include <sys/mount.h>

#include "simh-walk.h"
#include "small-disk.h"

#define RECORD 65536

static struct tape *tape;
static enum tape_cond cond;
static uint8_t buf[RECORD_MAX];

/* ---- The rules ---- */

/* Writes records to the end; how many, and how many gave no warning. */
static int
write_all(uint64_t *ret_n, uint64_t *ret_quiet)
{
	int r;

	*ret_n = *ret_quiet = 0;
	do {
		fill_record(buf, RECORD, (uint32_t)*ret_n);
		r = tape_write(tape, buf, RECORD, &cond);
		*ret_n += r == 0;
		*ret_quiet += r == 0 && cond == TAPE_NONE;
	} while (r == 0 && *ret_n < MODEL_MAX);
	return r;
}

static bool
image_has(const char *image, uint64_t records, uint64_t filemarks)
{
	struct walk w;
	bool ok = walk_image(&w, image) && w.n == records + filemarks;

	for (uint64_t i = 0; ok && i < w.n; i++)
		ok = i >= records ? w.objects[i].len == 0
				  : w.objects[i].len == RECORD &&
			is_record_of(w.bytes + w.objects[i].at + 4, RECORD,
			    (uint32_t)i);
	walk_free(&w);
	return ok;
}

static void
check_filemarks(const char *what)
{
	uint32_t done;

	tap_is_int(0, tape_write_filemarks(tape, 2, false, &done, &cond),
	    "%s: the closing filemarks fit, and are synced", what);
	tap_is_int(2, done, "%s: both", what);
	tap_is_int(TAPE_EARLY_WARNING, cond, "%s: with early warning", what);
}

static void
check_full(const char *what, const char *image)
{
	struct tape_info info;
	uint64_t n, quiet, n_first, quiet_first;

	tap_is_int(-ENOSPC, write_all(&n_first, &quiet_first), "%s: it is full",
	    what);
	tap_is_int(0, tape_rewind(tape), "%s: rewind", what);
	tap_is_int(-ENOSPC, write_all(&n, &quiet), "%s: full again", what);
	tap_is_int((int64_t)n_first, (int64_t)n, "%s: after as much", what);
	tap_is_int((int64_t)quiet_first, (int64_t)quiet,
	    "%s: with early warning at the same place", what);
	tap_is_int(TAPE_EOM, cond, "%s: that is the end of the medium", what);
	tap_is_int((int64_t)n, (int64_t)tape->pos.object,
	    "%s: the tape stands before what did not fit", what);
	tap_ok(quiet > n * 7 / 8 && quiet < n,
	    "%s: %" PRIu64
	    " records, early warning near the end, after %" PRIu64,
	    what, n, quiet);
	tape_describe(tape, &info);
	tap_ok(info.room < RECORD, "%s: and says that there is no room for one",
	    what);
	check_filemarks(what);
	tap_ok(image_has(image, n, 2), "%s: the image has it all", what);
	tap_is_int(0, tape_unload(tape), "%s: unload", what);
	tap_is_int(0, tape_load(tape), "%s: load", what);
	tap_is_int(0, tape_locate(tape, 0, n / 2, &cond), "%s: back", what);
	fill_record(buf, RECORD, (uint32_t)n / 2);
	tap_is_int(0, tape_write(tape, buf, RECORD, &cond),
	    "%s: overwriting makes room", what);
	tap_is_int(0, tape_unload(tape), "%s: unload again", what);
	tap_ok(image_has(image, n / 2 + 1, 0), "%s: nothing else is left",
	    what);
}

static void
test_played(const char *dir, const char *what, bool fallocates, int err)
{
	play_disk(fallocates, err);
	tape = load_tape(spec_in(dir, "full.tap"));
	check_full(what, path_in(dir, "full.tap"));
	tape_free(tape);
	hostfile_set_calls(NULL);
	(void)unlink(path_in(dir, "full.tap")); /* the next makes its own */
}

/* Somebody deletes a file just in time. */
static void
test_room_made(const char *dir)
{
	struct tape_info info;
	uint64_t n, quiet;

	play_disk(true, ENOSPC);
	tape = load_tape(spec_in(dir, "full.tap"));
	tap_is_int(-ENOSPC, write_all(&n, &quiet), "a full disk");
	disk += DISK;
	tape_describe(tape, &info);
	tap_ok(info.room >= RECORD, "room that is made is seen");
	tap_is_int(0, tape_write(tape, buf, RECORD, &cond), "and used");
	tap_is_int(TAPE_NONE, cond, "the warning is over");
	tape_free(tape);
	tap_is_int((int64_t)(2 * DISK - (n + 1) * (RECORD + 8)), (int64_t)disk,
	    "after unload the disk has all of the rest back");
	hostfile_set_calls(NULL);
	(void)unlink(path_in(dir, "full.tap")); /* scratch */
}

/* A mount of our own, that goes with this process. */
static bool
mount_small(const char *dir)
{
	if (unshare(CLONE_NEWNS) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mount("tmpfs", dir, "tmpfs", 0, "size=20m") == 0;
}

static void
test_mounted(const char *dir)
{
	if (!mount_small(dir)) {
		tap_ok(true, "a real disk # SKIP no tmpfs can be mounted: %s",
		    strerror(errno));
		return;
	}
	tape = load_tape(spec_in(dir, "full.tap"));
	check_full("a full tmpfs", path_in(dir, "full.tap"));
	tape_free(tape);
	(void)umount(dir); /* it goes with us anyway */
}

int
main(void)
{
	const char *dir = make_scratch();

	test_played(dir, "a full disk", true, ENOSPC);
	test_played(dir, "a full quota", true, EDQUOT);
	test_played(dir, "without fallocate", false, ENOSPC);
	test_room_made(dir);
	test_mounted(dir);
	remove_scratch(dir);
	return tap_done();
}
