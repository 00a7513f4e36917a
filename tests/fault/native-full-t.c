/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk of the host runs full under a native image, with index objects in
 * between: records end with early warning and then the end of the medium, the
 * closing filemarks still fit and are synced, and all of it is there when the
 * image is loaded again.  The disk is played, with fallocate() and without.
 */
#include "../contract/listing.h"
#include "native_log.h"
#include "small-disk.h"

#define RECORD 65536

static struct tape *tape;
static enum tape_cond cond;
static uint64_t done;
static uint8_t buf[RECORD];

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
	} while (r == 0 && *ret_n < 1000000);
	return r;
}

/* Whether the tape has so many records, and then filemarks. */
static bool
tape_has(uint64_t records, uint64_t filemarks)
{
	size_t len;
	int r = tape_rewind(tape);

	for (uint64_t i = 0; r == 0 && i <= records + filemarks; i++) {
		enum tape_cond want = i < records ? TAPE_NONE
		    : i < records + filemarks	  ? TAPE_FILEMARK
						  : TAPE_EOD;

		r = tape_read(tape, buf, sizeof(buf), &len, &cond);
		if (r < 0 || cond != want ||
		    (want == TAPE_NONE &&
			!is_record_of(buf, len, (uint32_t)i))) {
			tap_diag("object %" PRIu64 ": %s", i, tape_why(tape));
			return false;
		}
	}
	return r == 0;
}

static void
test_full(const char *dir, const char *what, bool fallocates,
    const char *options)
{
	uint64_t n, quiet;
	uint32_t marks;
	char spec[600];

	(void)snprintf(spec, sizeof(spec), "%s%s", spec_in(dir, "full.pmt"),
	    options);
	play_disk(fallocates, ENOSPC);
	tape = load_tape(spec);
	tap_is_int(-ENOSPC, write_all(&n, &quiet), "%s: it is full", what);
	tap_is_int(TAPE_EOM, cond, "%s: which is the end of the medium", what);
	tap_ok(quiet > n * 7 / 8 && quiet < n,
	    "%s: %" PRIu64 " records, early warning after %" PRIu64, what, n,
	    quiet);
	tap_is_int(0, tape_write_filemarks(tape, 2, false, &marks, &cond),
	    "%s: the closing filemarks fit and are synced: %s", what,
	    tape_why(tape));
	tap_is_int(2, marks, "%s: both", what);
	tap_is_int(0, tape_unload(tape), "%s: unload", what);
	tap_is_int(0, tape_load(tape), "%s: load", what);
	tap_ok(tape_has(n, 2), "%s: all of it is there", what);
	tap_is_int(0, tape_locate(tape, 0, n / 2, &cond), "%s: back", what);
	fill_record(buf, RECORD, (uint32_t)n / 2);
	tap_is_int(0, tape_write(tape, buf, RECORD, &cond),
	    "%s: overwriting makes room", what);
	tap_is_int(0, tape_unload(tape), "%s: unload again", what);
	(void)tape_load(tape); /* shows */
	tap_ok(tape_has(n / 2 + 1, 0), "%s: nothing else is left", what);
	tap_is_int(0, tape_space(tape, TAPE_TO_EOD, 0, &done, &cond),
	    "%s: to EOD", what);
	tape_free(tape);
	hostfile_set_calls(NULL);
	(void)unlink(path_in(dir, "full.pmt")); /* the next makes its own */
}

int
main(void)
{
	const char *dir = make_scratch();

	native_index_tune(1, 1, 4); /* an index object every four records */
	test_full(dir, "a full disk", true, "");
	test_full(dir, "without fallocate", false, "");
	test_full(dir, "compressed", true, ",compress=zstd,level=1");
	remove_scratch(dir);
	return tap_done();
}
