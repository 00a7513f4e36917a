/* SPDX-License-Identifier: BSD-2-Clause */
/* The fault tape: each rule fails the call that it names, and no other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "null.h"
#include "tap.h"
#include "tape.h"

static const struct tape_type *const types[] = { &fault_tape_type,
	&null_tape_type, NULL };

static struct tape *
open_tape(const char *text)
{
	struct tape *t = NULL;
	struct spec_error e;
	struct spec *s;
	int r;

	if (spec_parse(text, types, &s, &e) < 0)
		tap_bail("%s: %s", text, e.text);
	r = spec_open(s, &t, &e);
	spec_free(s);
	if (r < 0)
		tap_bail("%s: %s", text, e.text);
	r = tape_load(t);
	if (r < 0)
		tap_bail("%s: load: %s", text, tape_why(t));
	return t;
}

static void
refuses(const char *text, const char *words)
{
	struct tape *t = NULL;
	struct spec_error e;
	struct spec *s;

	if (spec_parse(text, types, &s, &e) < 0)
		tap_bail("%s: %s", text, e.text);
	tap_ok(spec_open(s, &t, &e) < 0, "%s is refused", text);
	if (!tap_ok(strstr(e.text, words) != NULL, "... saying \"%s\"", words))
		tap_diag("it said: %s", e.text);
	spec_free(s);
}

static int
put(struct tape *t, enum tape_cond *ret_cond)
{
	return tape_write(t, "data", 4, ret_cond);
}

static void
test_fail_range(void)
{
	struct tape *t = open_tape("fault:{null:},do=write 2-3 EIO");
	enum tape_cond cond;

	tap_is_int(0, put(t, &cond), "a call before the range is done");
	tap_is_int(-EIO, put(t, &cond), "the first of the range fails");
	tap_is_int(-EIO, put(t, &cond), "the last of the range fails");
	tap_is_int(1, (int64_t)t->pos.object, "what failed is not on the tape");
	tap_is_int(0, put(t, &cond), "a call after the range is done");
	tap_is_int(2, (int64_t)t->pos.object, "... and is on the tape");
	tape_free(t);
}

static void
test_end_of_medium(void)
{
	struct tape *t = open_tape("fault:{null:},do=write 1 ENOSPC");
	enum tape_cond cond;

	tap_is_int(-ENOSPC, put(t, &cond), "ENOSPC fails a write");
	tap_is_int(TAPE_EOM, cond, "... as the end of the medium");
	tape_free(t);
}

static void
test_warning(void)
{
	struct tape *t = open_tape("fault:{null:},do=write 1 early-warning");
	enum tape_cond cond;

	tap_is_int(0, put(t, &cond), "a write with early warning is done");
	tap_is_int(TAPE_EARLY_WARNING, cond, "... and warns");
	tap_is_int(0, put(t, &cond), "the next one is done");
	tap_is_int(TAPE_NONE, cond, "... and does not");
	tape_free(t);
}

static void
test_done_but_failed(void)
{
	struct tape *t = open_tape("fault:{null:},do=write 1 done-EIO");
	enum tape_cond cond;

	tap_is_int(-EIO, put(t, &cond), "done-EIO fails");
	tap_is_int(1, (int64_t)t->pos.object, "... but it is on the tape");
	tape_free(t);
}

static void
test_lost(void)
{
	struct tape *t = open_tape("fault:{null:},do=space 1 lost");
	enum tape_cond cond;
	uint64_t done;

	tap_is_int(-EIO, tape_space(t, TAPE_RECORDS, 1, &done, &cond),
	    "lost fails with EIO");
	tap_ok(!t->pos.known, "... and the position is not known");
	tap_is_int(0, tape_rewind(t), "a rewind finds it again");
	tap_ok(t->pos.known, "... so that it is known");
	tape_free(t);
}

static void
test_stall(void)
{
	struct tape *t = open_tape("fault:{null:},do=rewind 1 stall=0.2");
	struct timespec before, after;
	double seconds;

	(void)clock_gettime(CLOCK_MONOTONIC, &before); /* it has that clock */
	tap_is_int(0, tape_rewind(t), "a stalled call is done in the end");
	(void)clock_gettime(CLOCK_MONOTONIC, &after); /* as above */
	seconds = (double)(after.tv_sec - before.tv_sec) +
	    (double)(after.tv_nsec - before.tv_nsec) / 1e9;
	tap_ok(seconds >= 0.2, "... but not before its time");
	tape_free(t);
}

static void
test_any_and_script(void)
{
	char path[] = "/tmp/fault-t.XXXXXX";
	char spec[100];
	enum tape_cond cond;
	struct tape *t;
	int fd = mkstemp(path);

	if (fd < 0 || dprintf(fd, "# the load is call 1\n\nany 2+ EIO\n") < 0)
		tap_bail("%s: %s", path, strerror(errno));
	(void)close(fd); /* written */
	(void)snprintf(spec, sizeof(spec), "fault:{null:},script=%s", path);
	t = open_tape(spec);
	tap_is_int(-EIO, put(t, &cond), "any counts calls of every operation");
	tap_is_int(-EIO, tape_rewind(t), "N+ goes on for ever");
	tape_free(t);
	(void)unlink(path); /* a scratch file */
}

int
main(void)
{
	test_fail_range();
	test_end_of_medium();
	test_warning();
	test_done_but_failed();
	test_lost();
	test_stall();
	test_any_and_script();
	refuses("fault:{null:}", "needs script=FILE or do=RULES");
	refuses("fault:{null:},script=/no/such/file", "/no/such/file");
	refuses("fault:{null:},do=write 0 EIO", "write 0 EIO");
	refuses("fault:{null:},do=write 1 EPERM", "OPERATION WHEN ACTION");
	refuses("fault:{null:},do=write 3-2 EIO", "OPERATION WHEN ACTION");
	refuses("fault:{null:},do=write 1 stall=x", "OPERATION WHEN ACTION");
	refuses("fault:{null:},do=write 1 EIO again", "OPERATION WHEN ACTION");
	return tap_done();
}
