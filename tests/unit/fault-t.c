/* SPDX-License-Identifier: BSD-2-Clause */
/* The fault tape: each rule fails the call that it names, and no other. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "memtape.h"
#include "null.h"
#include "tap.h"
#include "tape.h"

static struct tape *memory; /* the last one that was made */

static int
mem_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct memtape_config config = { .limit = { .min_record = 1,
					     .max_record = TAPE_MAX_RECORD,
					     .granularity = 1 },
		.keeps = 64,
		.max_partitions = 1,
		.refused_density = -1 };

	(void)spec; /* there is nothing in it */
	(void)e;
	*ret_tape = memory = memtape_new(&config);
	return *ret_tape == NULL ? -ENOMEM : 0;
}

static const struct tape_type mem_tape_type = {
	.name = "mem",
	.arg_help = "",
	.open = mem_open,
};

static const struct tape_type *const types[] = { &fault_tape_type,
	&null_tape_type, &mem_tape_type, NULL };

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

static double
seconds_between(const struct timespec *a, const struct timespec *b)
{
	return (double)(b->tv_sec - a->tv_sec) +
	    (double)(b->tv_nsec - a->tv_nsec) / 1e9;
}

static void
test_stall(void)
{
	struct tape *t = open_tape("fault:{null:},do=rewind 1 stall=0.2");
	struct timespec before, after;

	(void)clock_gettime(CLOCK_MONOTONIC, &before); /* it has that clock */
	tap_is_int(0, tape_rewind(t), "a stalled call is done in the end");
	(void)clock_gettime(CLOCK_MONOTONIC, &after); /* as above */
	tap_ok(seconds_between(&before, &after) >= 0.2,
	    "... but not before its time");
	tape_free(t);
}

/* A file that holds the tape. */
struct hold {
	char path[32];
	atomic_bool removed;
};

static void *
let_go(void *arg)
{
	struct hold *hold = arg;

	(void)usleep(200000); /* nothing tells that the tape is being held */
	atomic_store(&hold->removed, true);
	if (unlink(hold->path) < 0)
		tap_bail("%s: %s", hold->path, strerror(errno));
	return NULL;
}

static void
test_hold(void)
{
	struct hold hold = { .path = "/tmp/fault-t.XXXXXX" };
	int fd = mkstemp(hold.path);
	enum tape_cond cond;
	pthread_t thread;
	char spec[100];
	struct tape *t;

	if (fd < 0)
		tap_bail("%s: %s", hold.path, strerror(errno));
	(void)close(fd); /* it is there */
	(void)snprintf(spec, sizeof(spec), "fault:{null:},do=write 2+ hold=%s",
	    hold.path);
	t = open_tape(spec);
	tap_is_int(0, put(t, &cond), "a call that is not to be held is not");
	if (pthread_create(&thread, NULL, let_go, &hold) != 0)
		tap_bail("no thread");
	tap_is_int(0, put(t, &cond), "a call that is held is done in the end");
	tap_ok(atomic_load(&hold.removed),
	    "... but not before the file is gone");
	(void)pthread_join(thread, NULL); /* it was created */
	tap_is_int(0, put(t, &cond), "none is held when there is no file");
	tape_free(t);
}

static void
test_rate(void)
{
	struct tape *t = open_tape("fault:{mem:},do=write 1+ rate=20;"
				   "read 1+ rate=40");
	static char large[1 << 20];
	struct timespec times[3];
	enum tape_cond cond;
	size_t len;

	(void)clock_gettime(CLOCK_MONOTONIC, &times[0]); /* as above */
	(void)put(t, &cond);
	(void)clock_gettime(CLOCK_MONOTONIC, &times[1]);
	(void)tape_rewind(t);
	(void)clock_gettime(CLOCK_MONOTONIC, &times[2]);
	tap_ok(seconds_between(&times[0], &times[1]) >= 0.19,
	    "4 bytes at 20 a second take a fifth of one, less 10 ms");
	tap_ok(seconds_between(&times[0], &times[2]) >= 0.2,
	    "... and a motion waits for these, too");
	(void)tape_read(t, large, sizeof(large), &len, &cond);
	(void)clock_gettime(CLOCK_MONOTONIC, &times[1]);
	tap_ok(seconds_between(&times[2], &times[1]) >= 0.09 &&
		seconds_between(&times[2], &times[1]) < 1000,
	    "... and what is read counts, not what there is room for");
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

static int
mark(struct tape *t, uint32_t count)
{
	enum tape_cond cond;
	uint32_t done;

	return tape_write_filemarks(t, count, false, &done, &cond);
}

static int64_t
told(struct tape *t)
{
	struct tape_pos pos;

	if (tape_tell(t, &pos) < 0 || !pos.known)
		return -1;
	return (int64_t)pos.object;
}

/* How many objects are really there. */
static int64_t
there(void)
{
	int64_t n = 0;

	while (memtape_look(memory, 0, (uint64_t)n) != MEMTAPE_EOD)
		n++;
	return n;
}

static void
test_when(void)
{
	struct tape *t = open_tape("fault:{mem:},do=write object 1 EIO;"
				   "write byte 20-23 ENOMEDIUM;"
				   "filemark object 7 EIO");
	enum tape_cond cond;

	tap_is_int(0, put(t, &cond), "a call at another object is done");
	tap_is_int(-EIO, put(t, &cond), "one at the object is not");
	tap_is_int(-EIO, put(t, &cond), "... nor the next one there");
	tap_is_int(0, mark(t, 1), "... though something else may be written");
	for (int i = 0; i < 4; i++)
		(void)put(t, &cond); /* bytes 4 to 19 */
	tap_is_int(-ENOMEDIUM, put(t, &cond), "a byte is found by counting");
	tap_is_int(-EIO, mark(t, 3), "filemarks meet an object among them");
	tap_is_int(6, there(), "... and none is written then");
	tape_free(t);
}

static unsigned
failures(const char *text)
{
	struct tape *t = open_tape(text);
	enum tape_cond cond;
	unsigned n = 0;

	for (int i = 0; i < 1000; i++)
		n += put(t, &cond) < 0;
	tape_free(t);
	return n;
}

static void
test_chance(void)
{
	unsigned n = failures("fault:{null:},do=write p=0.1 EIO,seed=7");

	tap_ok(n > 50 && n < 200, "p=0.1 fails about each tenth call: %u", n);
	tap_is_int(n, failures("fault:{null:},do=write p=0.1 EIO,seed=7"),
	    "... the same ones with the same seed");
	tap_is_int(0, failures("fault:{null:},do=write p=0 EIO"),
	    "p=0 fails none");
	tap_is_int(1000, failures("fault:{null:},do=write p=1 EIO"),
	    "p=1 fails all");
}

static void
test_untrue(void)
{
	struct tape *t = open_tape("fault:{mem:},do=write 2 lie;write 4 drop;"
				   "write 6 twice;write 8 done-ENOSPC");
	enum tape_cond cond;

	(void)put(t, &cond); /* the first is as it should be */
	tap_is_int(0, put(t, &cond), "a lie succeeds");
	tap_is_int(2, (int64_t)t->pos.object, "... and looks so");
	tap_is_int(1, there(), "... but nothing is there");
	tap_is_int(1, told(t), "... as a tell shows");
	(void)put(t, &cond);
	tap_is_int(0, put(t, &cond), "drop succeeds");
	tap_is_int(2, there(), "... but nothing is there");
	tap_is_int(3, told(t), "... which a tell does not show");
	(void)put(t, &cond);
	tap_is_int(0, put(t, &cond), "twice succeeds");
	tap_is_int(5, there(), "... and it is there twice");
	tap_is_int(5, told(t), "... which a tell does not show");
	(void)put(t, &cond);
	tap_is_int(-ENOSPC, put(t, &cond), "done-ENOSPC fails");
	tap_is_int(TAPE_EOM, cond, "... as the end of the medium");
	tap_is_int(6, (int64_t)t->pos.object, "... as if nothing was written");
	tap_is_int(7, there(), "... but it is");
	tap_is_int(7, told(t), "... as a tell shows");
	(void)tape_rewind(t);
	tap_is_int(0, told(t), "a rewind makes it true again");
	tape_free(t);
}

static void
test_position(void)
{
	struct tape *t =
	    open_tape("fault:{mem:},do=write 2 unknown;write 4 shift=-1");
	enum tape_cond cond;

	(void)put(t, &cond);
	tap_is_int(0, put(t, &cond), "unknown succeeds");
	tap_is_int(-1, told(t), "... and the position is not known");
	tap_is_int(2, there(), "... but it is there");
	tap_is_int(0, tape_locate(t, 0, 2, &cond), "a locate finds it");
	(void)put(t, &cond);
	tap_is_int(0, put(t, &cond), "shift succeeds");
	tap_is_int(4, (int64_t)t->pos.object, "... as it should");
	tap_is_int(3, told(t), "... but a tell is off");
	(void)put(t, &cond);
	tap_is_int(4, told(t), "... from then on");
	tape_free(t);
}

static void
test_warnings(void)
{
	struct tape *t =
	    open_tape("fault:{mem:},do=write 2+ refuse-early-warning;"
		      "filemark 1 early-warning");
	enum tape_cond cond;
	uint32_t done;

	(void)put(t, &cond);
	tap_is_int(-ENOSPC, put(t, &cond), "refuse-early-warning refuses");
	tap_is_int(TAPE_EOM, cond, "... as if the medium had ended");
	tap_is_int(1, there(), "... with nothing written");
	tap_is_int(0, put(t, &cond), "... and then it goes on");
	tap_is_int(TAPE_EARLY_WARNING, cond, "... with early warning");
	tap_is_int(0, tape_write_filemarks(t, 1, false, &done, &cond),
	    "filemarks can be warned about");
	tap_is_int(TAPE_EARLY_WARNING, cond, "... too");
	tape_free(t);
}

static void
test_buffer(void)
{
	struct tape *t = open_tape("fault:{mem:},do=load 1 buffer=4;"
				   "write 4 lose=2;write 13 lose-buffer;"
				   "write 20 power-off");
	enum tape_cond cond;

	for (int i = 0; i < 3; i++)
		(void)put(t, &cond);
	tap_is_int(-EIO, put(t, &cond), "lose fails");
	tap_is_int(1, there(), "... and so many objects are gone");
	tap_is_int(1, (int64_t)t->pos.object, "... and the tape stands there");
	(void)mark(t, 1);
	for (int i = 0; i < 8; i++)
		(void)put(t, &cond); /* objects 2 to 9 */
	tap_is_int(-EIO, put(t, &cond), "lose-buffer fails");
	tap_is_int(6, there(), "... and what is in the buffer is gone");
	(void)put(t, &cond);
	(void)mark(t, 0);
	for (int i = 0; i < 5; i++)
		(void)put(t, &cond);
	tap_is_int(-EIO, put(t, &cond), "power-off fails");
	tap_is_int(8, there(), "... with what the buffer had not let go");
	tap_is_int(-ENOMEDIUM, tape_rewind(t), "... and nothing goes");
	tap_is_int(0, tape_load(t), "... until the tape is loaded");
	tap_is_int(0, put(t, &cond), "... and then all does");
	tape_free(t);
}

static void
test_data(void)
{
	struct tape *t = open_tape("fault:{mem:},do=write 2 flip;read 1 flip");
	static const char zeros[4];
	enum tape_cond cond;
	char buf[4];
	size_t len;

	(void)tape_write(t, zeros, 4, &cond);
	(void)tape_write(t, zeros, 4, &cond);
	(void)tape_rewind(t);
	tap_is_int(0, tape_read(t, buf, 4, &len, &cond), "a flip succeeds");
	tap_ok(memcmp(buf, zeros, 4) != 0, "... when it reads wrong data");
	(void)tape_read(t, buf, 4, &len, &cond);
	tap_ok(memcmp(buf, zeros, 4) != 0, "... or has written them");
	tape_free(t);
}

static void
test_modes(void)
{
	struct tape *t = open_tape("fault:{mem:},do=load 1 min=3;"
				   "load 1 max=4;write 3 worm;"
				   "write 6 write-protect");
	struct tape_info info;
	enum tape_cond cond;
	uint64_t done;

	tap_is_int(-EINVAL, tape_write(t, "12", 2, &cond), "min= is a limit");
	tap_is_int(-EINVAL, tape_write(t, "12345", 5, &cond), "max= is one");
	tape_describe(t, &info);
	tap_is_int(3, info.min_record, "... that is described");
	tap_is_int(0, put(t, &cond), "worm writes at the end of the data");
	tap_is_int(0, put(t, &cond), "... and again");
	tap_is_int(0, tape_space(t, TAPE_RECORDS, -1, &done, &cond),
	    "... moves");
	tap_is_int(-EIO, put(t, &cond), "... but writes nothing over");
	tap_is_int(-EIO, mark(t, 1), "... no filemark either");
	tap_is_int(-EIO, tape_erase(t, false), "... and erases nothing");
	tap_is_int(2, there(), "... so that all is still there");
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond);
	tap_is_int(-EROFS, put(t, &cond), "write-protect does what it says");
	tape_describe(t, &info);
	tap_ok(info.write_protected, "... and is described");
	tape_free(t);
}

static void
test_unloads(void)
{
	struct tape *t = open_tape("fault:{mem:},do=write 1 unload");
	enum tape_cond cond;

	tap_is_int(-ENOMEDIUM, put(t, &cond), "unload takes the medium");
	tap_is_int(-ENOMEDIUM, tape_rewind(t), "... until");
	tap_is_int(0, tape_load(t), "... it is loaded");
	tape_free(t);
}

/* What goes on for a while does not keep others from what they do once. */
static void
test_several(void)
{
	struct tape *t =
	    open_tape("fault:{null:},do=write 1+ rate=1K;"
		      "any 1+ stall=0.001;write 1 EIO;write 1 lost");
	enum tape_cond cond;

	tap_is_int(-EIO, put(t, &cond), "a late call can fail as well");
	tap_ok(t->pos.known, "... but only as the first rule says");
	tape_free(t);
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
	test_hold();
	test_rate();
	test_any_and_script();
	test_when();
	test_chance();
	test_untrue();
	test_position();
	test_warnings();
	test_buffer();
	test_data();
	test_modes();
	test_unloads();
	test_several();
	refuses("fault:{null:}", "needs script=FILE or do=RULES");
	refuses("fault:{null:},script=/no/such/file", "/no/such/file");
	refuses("fault:{null:},do=write 1 EIO;write 0 EIO",
	    "rule 2, at word 2, \"0\"");
	refuses("fault:{null:},do=fly 1 EIO", "an operation");
	refuses("fault:{null:},do=write 1 EPERM", "at word 3, \"EPERM\"");
	refuses("fault:{null:},do=write 3-2 EIO", "N, N+ or N-M, from 1");
	refuses("fault:{null:},do=write object x EIO", "at word 3, \"x\"");
	refuses("fault:{null:},do=read byte 1 EIO", "no byte");
	refuses("fault:{null:},do=write p=2 EIO", "from 0 to 1");
	refuses("fault:{null:},do=write 1 stall=x", "seconds");
	refuses("fault:{null:},do=write 1 hold=", "the path of a file");
	refuses("fault:{null:},do=write 1 hold", "the path of a file");
	refuses("fault:{null:},do=write 1 hold=a b", "nothing more");
	refuses("fault:{null:},do=write 1 EIO=1", "without \"=\"");
	refuses("fault:{null:},do=write 1 lose", "and a number");
	refuses("fault:{null:},do=write 1 max=17M", "16M at most");
	refuses("fault:{null:},do=rewind 1 lie", "makes sense");
	refuses("fault:{null:},do=write 1", "ends too soon");
	refuses("fault:{null:},do=write 1 EIO again", "nothing more");
	return tap_done();
}
