/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of the medium over the rmt tape: early warning is told on the record
 * that met it, st's refusal behind it is not passed on, the end is the end, and
 * a window leaves no holes.  Identical records, too: what is there can't be
 * told by what is in it alone.
 */
#include "rmt-stand.h"

#define RECORD 1000
#define FIT 60	/* records that fit, with the image's 8 bytes each */
#define WARN 50 /* ... before early warning, the first of them past it */

static struct stand stand;
static struct model model;
static uint8_t buf[1 << 16];

/* Writes until the end, each record ${same} as all others, or not. */
static void
test_end(const char *server, const char *options, bool same, bool strict)
{
	const char *spec = stand_spec(&stand, server, options);
	struct tape *t = load_tape(spec);
	enum tape_cond cond = TAPE_NONE;
	uint32_t done, tag, warnings = 0;
	int64_t first = -1;
	int r = tape_erase(t, true);

	model.at = model.n = 0;
	while (r == 0 && model.n <= FIT) {
		tag = same ? 7 : (uint32_t)model.n;
		fill_record(buf, RECORD, tag);
		r = tape_write(t, buf, RECORD, &cond);
		if (r < 0)
			break;
		warnings += cond == TAPE_EARLY_WARNING;
		if (cond == TAPE_EARLY_WARNING && first < 0)
			first = (int64_t)model.n;
		model_put(&model, tag, RECORD);
	}
	tap_is_int(-ENOSPC, r, "%s, %s, %s: the tape ends", server, options,
	    same ? "all alike" : "all different");
	tap_is_int(TAPE_EOM, cond, "... with the end of the medium");
	tap_is_int(FIT, (int64_t)model.n, "... after all that fit");
	tap_is_int((int64_t)model.n, (int64_t)t->pos.object,
	    "... and stands there");
	if (strict) {
		tap_is_int(WARN, first, "early warning on the one that met it");
		tap_is_int(FIT - WARN, warnings, "and on each behind it");
	} else {
		tap_ok(first >= WARN && first < FIT,
		    "early warning while there is room: %d", (int)first);
	}
	r = tape_write_filemarks(t, 1, false, &done, &cond);
	if (r == 0)
		model_put(&model, 0, 0);
	tap_ok(r == 0 || cond == TAPE_EOM, "a filemark fits, or does not");
	tap_is_int(0, tape_unload(t), "the end is clean");
	tape_free(t);
	tap_ok(stand_holds(&stand, &model), "all is there, and nothing else");
}

/*
 * A window that is larger than what lies behind early warning: more is
 * acknowledged than fits, and the next call that waits for it tells.
 */
static void
test_too_wide(const char *server)
{
	struct tape *t =
	    load_tape(stand_spec(&stand, server, "timeout=20,window=1M"));
	enum tape_cond cond;
	uint32_t done;
	int r = tape_erase(t, true);

	model.at = model.n = 0;
	for (uint32_t i = 0; r == 0 && i < FIT + 5; i++) {
		fill_record(buf, RECORD, i);
		r = tape_write(t, buf, RECORD, &cond);
		if (i < FIT)
			model_put(&model, i, RECORD);
	}
	tap_is_int(0, r, "%s: a wide window takes more than fits", server);
	tap_is_int(-EIO, tape_write_filemarks(t, 1, false, &done, &cond),
	    "a filemark behind that fails");
	tap_ok(strstr(tape_why(t), ", 5 are not on the tape") != NULL,
	    "and says how much is missing: %s", tape_why(t));
	tap_is_int(FIT, (int64_t)t->pos.object, "and where the tape stands");
	tap_is_int(0, tape_unload(t), "which is told once");
	tape_free(t);
	tap_ok(stand_holds(&stand, &model), "there is no hole before that");
}

/* After the end the window is open again where there is room. */
static void
test_again(const char *server)
{
	struct tape *t =
	    load_tape(stand_spec(&stand, server, "timeout=20,window=16K"));
	enum tape_cond cond;
	int r = 0;

	model.at = model.n = 0;
	for (uint32_t i = 0; r == 0 && i < WARN - 1; i++) {
		fill_record(buf, RECORD, 1000 + i);
		r = tape_write(t, buf, RECORD, &cond);
		if (r == 0 && cond == TAPE_NONE)
			model_put(&model, 1000 + i, RECORD);
	}
	tap_is_int(0, r, "%s: from BOT again", server);
	tap_is_int(WARN - 1, (int64_t)model.n, "without a warning");
	tap_is_int(0, tape_unload(t), "the end is clean");
	tape_free(t);
	tap_ok(stand_holds(&stand, &model), "all is there, and nothing else");
}

/* A medium that is write protected, and a node that may only be read. */
static void
test_protected(const char *server)
{
	struct tape *t = load_tape(stand_spec(&stand, server, "timeout=20"));
	struct tape_info info;
	enum tape_cond cond;
	uint32_t done;
	size_t len;

	tape_describe(t, &info);
	tap_ok(info.write_protected, "%s: write protected shows", server);
	tap_is_int(-EROFS, tape_write(t, buf, RECORD, &cond),
	    "it can't be written");
	tap_is_int(-EROFS, tape_write_filemarks(t, 1, false, &done, &cond),
	    "nor a filemark");
	tap_is_int(-EROFS, tape_erase(t, true), "nor erased");
	tap_is_int(0, tape_read(t, buf, sizeof(buf), &len, &cond),
	    "it can be read");
	tap_is_int(RECORD, (int64_t)len, "... a record");
	tap_is_int(0, tape_unload(t), "the end is clean");
	tape_free(t);
}

int
main(void)
{
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		tap_skip_all("there is no /dev/fuse");
	/* Room for the filemark, too: 4 bytes, and the end of SIMH's. */
	stand_start(&stand, "full.tap,capacity=60484,warn=10000");
	for (size_t i = 0; i < 2; i++) {
		const char *server = real_servers[i];

		test_end(server, "timeout=20", false, true);
		test_end(server, "timeout=20", true, true);
		test_end(server, "timeout=20,window=4K", false, false);
		test_end(server, "timeout=20,window=4K", true, false);
		test_too_wide(server);
		test_again(server);
	}
	stand_stop(&stand);
	stand_start(&stand, "protected.tap,readonly=yes");
	for (size_t i = 0; i < 2; i++)
		test_protected(real_servers[i]);
	stand_stop(&stand);
	return tap_done();
}
