/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mirror and its legs, where they do not fail in writing: what they have in
 * common, what is set on them, loading and letting go.
 */
#include "memtape.h"
#include "mirror_state.h"
#include "tapes.h"

#define LEGS 3

static struct tape *memories[LEGS];

static int
mem_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	struct memtape_config config = { .keeps = 16,
		.max_partitions = 1,
		.refused_density = -1 };
	int r = limit_from_spec(&config.limit, spec, e);

	if (r < 0)
		return r;
	*ret_tape = memories[atoi(spec->arg)] = memtape_new(&config);
	return *ret_tape == NULL ? -ENOMEM : 0;
}

static const struct spec_key *const mem_keys[] = { limit_keys, NULL };

static const struct tape_type mem_tape_type = {
	.name = "mem",
	.arg_help = "NUMBER",
	.keys = mem_keys,
	.open = mem_open,
};

static const struct tape_type *const types[] = { &mem_tape_type,
	&mirror_tape_type, &fault_tape_type, NULL };

static struct tape *
make(const char *text)
{
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	if (spec_parse(text, types, &spec, &e) < 0 ||
	    spec_open(spec, &t, &e) < 0)
		tap_bail("%s: %s", text, e.text);
	spec_free(spec);
	return t;
}

static struct tape *
make_loaded(const char *text)
{
	struct tape *t = make(text);

	if (tape_load(t) < 0)
		tap_bail("%s: %s", text, tape_why(t));
	return t;
}

static int
put(struct tape *t, size_t len)
{
	static const uint8_t zeros[1024];
	enum tape_cond cond;

	return tape_write(t, zeros, len, &cond);
}

static int
mark(struct tape *t)
{
	enum tape_cond cond;
	uint32_t done;

	return tape_write_filemarks(t, 1, false, &done, &cond);
}

static uint8_t
density_of(size_t i)
{
	struct tape_info info;

	tape_describe(memories[i], &info);
	return info.density;
}

static void
test_set(void)
{
	struct tape *t = make_loaded(
	    "mirror:{fault:{mem:0},do=# none,fault:{mem:1},do=set 2 EIO}");

	tap_is_int(0, tape_set(t, TAPE_DENSITY, 0x42), "a density is set");
	tap_is_int(-EIO, tape_set(t, TAPE_DENSITY, 0x44),
	    "what one leg can't set fails");
	tap_is_int(0x42, density_of(0), "... and the first is set back");
	tap_is_int(0x42, density_of(1), "... so that they are the same");
	tap_is_int(0, tape_set(t, TAPE_DENSITY, 0x44), "it can be tried again");
	tap_is_int(0x44, density_of(0), "... on the first");
	tap_is_int(0x44, density_of(1), "... and on the second");
	tape_free(t);
}

static void
test_set_hangs(void)
{
	struct tape *t =
	    make_loaded("mirror:{fault:{mem:0},do=set 1 stall=2;any 3+ EIO,"
			"fault:{mem:1},do=set 1 EINVAL},leg_timeout=1");

	tap_is_int(-EINVAL, tape_set(t, TAPE_DENSITY, 0x44),
	    "a leg that hangs does not keep another from refusing");
	tap_ok(mirror_of(t)->legs[0]->dead, "... and is dead");
	tap_is_int(0, put(t, 10), "... while the other one goes on");
	tape_free(t);
}

static void
test_limits(void)
{
	struct tape *t = make_loaded("mirror:{mem:0,min=10,mem:1,max=20}");
	struct tape_info info;

	tape_describe(t, &info);
	tap_is_int(10, info.min_record, "the smallest record is the largest");
	tap_is_int(20, info.max_record, "the largest record is the smallest");
	tap_is_int(-EINVAL, put(t, 9), "a smaller one is refused");
	tap_is_int(-EINVAL, put(t, 21), "a larger one is refused");
	tap_is_int(0, put(t, 20), "one between is not");
	tape_free(t);
	t = make("mirror:{mem:0,min=30,mem:1,max=20}");
	tap_is_int(-EINVAL, tape_load(t), "with none in common it can't load");
	tape_free(t);
	t = make("mirror:{mem:0,granularity=65537,mem:1,granularity=65539}");
	tap_is_int(-EINVAL, tape_load(t), "with no block size in common, too");
	tape_free(t);
	t = make_loaded("mirror:{mem:0,granularity=6,mem:1,granularity=4}");
	tape_describe(t, &info);
	tap_is_int(12, info.granularity, "blocks are multiples for all legs");
	tape_free(t);
}

static void
test_degraded_open(void)
{
	struct tape *t =
	    make("mirror:{fault:{mem:0},do=load 1-2 ENOMEDIUM,mem:1}");

	tap_is_int(-ENOMEDIUM, tape_load(t), "one leg without a tape: no tape");
	tap_is_int(-ENOMEDIUM, put(t, 10), "... and nothing goes");
	tape_free(t);
	t = make("mirror:{fault:{mem:0},do=load 1 ENOMEDIUM,mem:1},"
		 "degraded_open=yes");
	tap_is_int(0, tape_load(t), "... with degraded_open=yes there is one");
	tap_is_int(0, put(t, 10), "... that can be written");
	tap_is_int(MEMTAPE_EOD, memtape_look(memories[0], 0, 0),
	    "... on the one leg only");
	tap_is_int(0, tape_unload(t), "... and unloaded");
	tap_is_int(0, tape_load(t), "a leg that has a tape comes back");
	tap_ok(!mirror_of(t)->legs[0]->dead, "... healthy");
	tape_free(t);
	t = make("mirror:{fault:{mem:0},do=load 1 ENOMEDIUM,fault:{mem:1},"
		 "do=load 1 EIO},degraded_open=yes");
	tap_ok(tape_load(t) < 0, "with no leg at all it can't load");
	tape_free(t);
}

static void
test_stuck(void)
{
	struct tape *t = make_loaded(
	    "mirror:{fault:{mem:0},do=write 2 stall=2.5,mem:1},leg_timeout=1");

	tap_is_int(0, put(t, 10), "a leg works");
	tap_is_int(0, put(t, 10), "a leg that hangs is left behind");
	tap_is_int(0, mark(t), "... and the other one goes on");
	tap_is_int(0, tape_unload(t), "... until it is unloaded");
	tap_ok(tape_load(t) < 0, "it can't be loaded while the leg hangs");
	while (!leg_is_free(mirror_of(t)->legs[0]))
		(void)usleep(10000); /* the stall has an end */
	tap_is_int(0, tape_load(t), "when that is back, it can");
	tap_is_int(0, put(t, 10), "... and be written");
	tape_free(t);
}

static void
test_free_while_stuck(void)
{
	struct tape *t = make_loaded(
	    "mirror:{fault:{mem:0},do=write 1 stall=1.5,mem:1},leg_timeout=1");
	tap_is_int(0, put(t, 10), "a leg hangs");
	tape_free(t);
	(void)usleep(1000000); /* let it free itself, for the sanitizers */
	tap_ok(true, "a mirror can be freed while a leg hangs");
}

static void
test_unload(void)
{
	struct tape *t = make_loaded("mirror:{fault:{mem:0},do=load 1 "
				     "buffer=9;unload 1 power-off,mem:1}");

	(void)put(t, 10); /* something to be lost */
	tap_is_int(0, tape_unload(t),
	    "one leg can't unload: the other has all");
	tap_ok(mirror_of(t)->legs[0]->dead, "... and the one is dead");
	tap_is_int(0, (int64_t)mirror_of(t)->legs[0]->prefix.objects,
	    "... with nothing that is certain on it");
	tape_free(t);
	t = make_loaded("mirror:{fault:{mem:0},do=load 1 buffer=9;unload 1 "
			"power-off,mem:1},on_leg_error=stop");
	(void)put(t, 10); /* as above */
	tap_is_int(-EIO, tape_unload(t), "with on_leg_error=stop that is told");
	tape_free(t);
	t = make_loaded("mirror:{fault:{mem:0},do=unload 1 EIO,fault:{mem:1},"
			"do=unload 1 EIO}");
	tap_is_int(-EIO, tape_unload(t), "that no leg can unload is told");
	tape_free(t);
}

static void
test_diverged(void)
{
	struct tape *t =
	    make_loaded("mirror:{fault:{mem:0},do=write 1-2 drop,mem:1}");
	enum tape_cond cond;
	uint64_t done;

	(void)put(t, 10); /* not on leg 1 */
	(void)put(t, 10);
	(void)mark(t);
	(void)tape_rewind(t); /* from where they differ */
	tap_is_int(-EIO, tape_space(t, TAPE_FILEMARKS, 1, &done, &cond),
	    "legs with filemarks in different places differ");
	tap_is_int(-EIO, put(t, 10), "... and can't be written");
	tap_is_int(-EIO, tape_rewind(t), "... nor rewound");
	tap_is_int(-EIO, tape_load(t), "... nor loaded again");
	tap_is_int(0, tape_unload(t), "... but unloaded");
	tap_is_int(0, tape_load(t), "... and then loaded");
	tape_free(t);
}

static void
test_erase(void)
{
	struct tape *t =
	    make_loaded("mirror:{fault:{mem:0},do=erase 1+ EOPNOTSUPP,"
			"fault:{mem:1},do=erase 1 EOPNOTSUPP}");

	(void)put(t, 10);
	(void)put(t, 10);
	(void)tape_rewind(t);
	tap_is_int(-EOPNOTSUPP, tape_erase(t, false),
	    "legs that can't erase are none the worse");
	tap_is_int(0, tape_erase(t, false), "if one can, it is done");
	tap_ok(mirror_of(t)->legs[0]->dead, "... and the other one is dead");
	tap_is_int(MEMTAPE_EOD, memtape_look(memories[1], 0, 0), "... truly");
	tape_free(t);
}

/* What was durable is not, once it is written over. */
static void
test_prefix(void)
{
	struct tape *t =
	    make_loaded("mirror:{fault:{mem:0},do=write 5 lost,mem:1}");
	const struct leg *leg = mirror_of(t)->legs[0];
	enum tape_cond cond;

	for (int i = 0; i < 3; i++)
		(void)put(t, 10); /* objects 0 to 2 */
	(void)mark(t);
	tap_is_int(4, (int64_t)leg->durable.objects, "a filemark is durable");
	(void)tape_locate(t, 0, 1, &cond);
	(void)put(t, 20); /* object 1 */
	tap_is_int(1, (int64_t)leg->durable.objects,
	    "what is written over, and all behind it, is not any more");
	(void)put(t, 20); /* object 2 */
	tap_ok(leg->dead, "the leg dies");
	tap_is_int(1, (int64_t)leg->prefix.objects,
	    "... and what is good on it ends there");
	tap_ok(leg->prefix.bytes == 10 || leg->prefix.bytes == LEG_NO_BYTES,
	    "... in bytes, too, if they are known");
	(void)tape_rewind(t);
	(void)put(t, 20); /* object 0 */
	tap_is_int(0, (int64_t)leg->prefix.objects,
	    "of a dead leg nothing is good that the others have replaced");
	tape_free(t);
}

/* One bit is wrong, behind the byte that is asked for. */
static int
read_one_byte(const char *options, size_t *ret_len)
{
	char text[200];
	enum tape_cond cond;
	struct tape *t;
	uint8_t byte;
	int r;

	(void)snprintf(text, sizeof(text),
	    "mirror:{fault:{mem:0},seed=1,do=write 1 flip,mem:1}%s", options);
	t = make_loaded(text);
	(void)put(t, 10);
	(void)mark(t);
	(void)tape_rewind(t);
	r = tape_read(t, &byte, 1, ret_len, &cond);
	tap_ok(memtape_record(memories[0], 0, 0, &(uint32_t){ 0 })[0] == 0,
	    "the first byte is as it should be");
	tape_free(t);
	return r;
}

static void
test_verify(void)
{
	size_t len = 0;

	tap_is_int(0, read_one_byte("", &len), "a leg is silently wrong");
	tap_is_int(10, (int64_t)len, "... and nothing shows it");
	tap_is_int(-EIO, read_one_byte(",verify=yes", &len),
	    "verify=yes compares all of a record, though a byte is asked for");
}

/* ---- What is told of them ---- */

static char told[4][512];
static size_t n_told;

static void
note_line(void *arg, const char *text)
{
	(void)arg; /* there is one place for them */
	if (n_told < 4)
		(void)snprintf(told[n_told++], sizeof(told[0]), "%s", text);
}

static void
ask(struct tape *t)
{
	const struct tape_listener listener = { .line = note_line };

	n_told = 0;
	tape_report(t, &listener);
}

static void
tells(size_t line, const char *words, const char *rule)
{
	if (!tap_ok(line < n_told && strstr(told[line], words) != NULL, "%s",
		rule))
		tap_diag("\"%s\" is not in: %s", words,
		    line < n_told ? told[line] : "nothing");
}

static void
test_report(void)
{
	struct tape *t = make_loaded("mirror:{fault:{mem:0,capacity=5000,"
				     "warn=100},do=write 3 EIO,mem:1}");

	(void)put(t, 100);
	(void)put(t, 100);
	ask(t);
	tap_is_int(3, (int64_t)n_told,
	    "a line for the mirror and for each leg");
	tells(0, "mirror of 2, running: 2 objects, 0 files before here",
	    "the state and the position of the mirror");
	tells(1, "healthy", "of a leg its state");
	tells(1, "2 objects, 0 files, 200 bytes", "... what it holds");
	tells(1, "in step, at object 2 file 0", "... its position, and no lag");
	tells(1, "durable to object 0", "... what is durable of it");
	tells(1, "MB/s while it writes", "... its rate");
	tells(1, "4800 of 5000 bytes left", "... what is left of its capacity");
	tells(1, "0 failed calls", "... its errors");
	tells(2, "no end known", "... or that no end is known");
	(void)put(t, 100); /* leg 1 fails */
	ask(t);
	tells(0, "DEGRADED", "a mirror that has lost a leg");
	tells(1, "DEAD: object 2", "the leg, and why");
	tells(1, "good on it: 2 objects", "... with what is good on it");
	tells(1, "1 failed calls", "... and its errors");
	(void)tape_rewind(t);
	ask(t);
	tells(2, "at object 0 file 0", "the position is that of the tape");
	tape_free(t);
}

/* Until a leg has nothing left to write; that wait has a bound. */
static void
await_idle(struct tape *t, size_t i)
{
	for (int n = 0; n < 100000 && !leg_is_idle(mirror_of(t)->legs[i]); n++)
		(void)usleep(100);
}

static void
test_report_behind(void)
{
	struct tape *t = make_loaded("mirror:{mem:0,fault:{mem:1,capacity=100M"
				     "},do=write 2 stall=1},ack=ring,"
				     "ring=1M,eom_reserve=1M");

	(void)put(t, 100);
	await_idle(t, 0); /* both take the first one */
	await_idle(t, 1);
	for (int i = 1; i < 5; i++)
		(void)put(t, 100);
	await_idle(t, 0); /* leg 1 has all, leg 2 stands still */
	ask(t);
	tells(0, "running: 5 objects", "what was acknowledged counts");
	tells(0, "ack=ring", "... and that it is a ring");
	tells(1, "0 records, 0 bytes behind", "a leg that leads");
	tells(2, "4 records, 400 bytes behind", "a leg that is behind");
	tells(2, "1 objects, 0 files, 100 bytes", "... with what it holds");
	tells(2, "104857100 of 104857600 bytes left",
	    "... and what will be left of it");
	tap_is_int(0, mark(t), "a filemark waits for it");
	ask(t);
	tells(0, "now in step", "then all are in step");
	tells(2, "in step, at object 6 file 1", "... and it says where");
	tape_free(t);
}

static void
be_silent(const char *line)
{
	(void)line; /* it is meant to go wrong */
}

static void (*const tests[])(void) = {
	test_set,
	test_set_hangs,
	test_limits,
	test_degraded_open,
	test_stuck,
	test_free_while_stuck,
	test_unload,
	test_diverged,
	test_erase,
	test_prefix,
	test_verify,
	test_report,
	test_report_behind,
};

#define N_TESTS (sizeof(tests) / sizeof(tests[0]))

static void
run(size_t i)
{
	tests[i]();
}

int
main(void)
{
	tape_set_alarm(be_silent);
	tap_parts(N_TESTS, N_TESTS, run); /* some wait for legs that hang */
	return tap_done();
}
