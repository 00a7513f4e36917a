/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rmt tape over servers that Debian does not have, played by
 * rmt-dialect.pl with the drives of their systems: the dialect is found out, no
 * op number is sent that means something else there, and the tape holds, as the
 * player tells, what was written, spaced to and read.
 *
 * With version 1, or on Linux, all of the contract holds, which tape-t is run
 * for; where nobody tells the end of the data from a filemark, two filemarks
 * are the end.
 */
#include <sys/wait.h>

#include "tapes.h"

#define WARN 10 /* objects before early warning */
#define END 14	/* objects that fit */
#define LONG 70000

struct row {
	const char *player;
	const char *options;
	const char *dialect; /* that is found */
	bool all_ops;	     /* else what is sure everywhere: no filemarks */
	int first_warning;   /* object */
	bool contract;
};

static const struct row rows[] = {
	{ "bsd", "", "plain", false, WARN, false },
	{ "bsd", ",dialect=bsd", "bsd", true, WARN, false },
	{ "bsd", ",dialect=bsd,window=1K", "bsd", true, WARN, false },
	{ "solaris", "", "dump", true, WARN, true },
	{ "solaris", ",dialect=sun,window=1K", "sun", true, WARN, false },
	{ "schily", "", "dump", true, WARN, true },
	{ "schily", ",dialect=schily,window=1K", "schily", true, WARN, false },
	{ "olddump", "", "olddump", true, WARN - 1, true },
	{ "olddump", ",dialect=dump", "olddump", true, WARN - 1, false },
	{ "olddump", ",window=1K", "olddump", true, WARN - 1, false },
	{ "gnu122", "", "linux", true, WARN - 1, true },
	{ "gnu122", ",window=1K", "linux", true, WARN - 1, false },
};

static const char *scratch;
static char *player; /* the path of rmt-dialect.pl */
static uint8_t buf[1 << 17];
static enum tape_cond cond;

/* ---- The far end --------------------------------------------------------- */

static const char *
scratch_path(const char *name)
{
	static char path[4][400];
	static unsigned turn;
	char *out = path[turn++ % 4];

	(void)snprintf(out, sizeof(path[0]), "%s/%s", scratch, name);
	return out;
}

static void
put_file(const char *name, const char *text, size_t len, int mode)
{
	FILE *f = fopen(scratch_path(name), "wb");

	if (f == NULL || fwrite(text, 1, len, f) != len || fclose(f) != 0 ||
	    chmod(scratch_path(name), (mode_t)mode) < 0)
		tap_bail("%s: %s", name, strerror(errno));
}

/* A remote shell to that player; its tape is blank if ${blank}. */
static const char *
spec_of(const struct row *row, const char *limits, bool blank)
{
	static char spec[900];
	char script[1200];

	(void)snprintf(script, sizeof(script),
	    "#!/bin/sh\nexec perl %s %s %s/tape %s/log %s\n", player,
	    row->player, scratch, scratch, limits);
	put_file("rsh", script, strlen(script), 0700);
	put_file("log", "", 0, 0600);
	if (blank)
		put_file("tape", "", 0, 0600);
	(void)snprintf(spec, sizeof(spec),
	    "rmt:there:/dev/nst0,rsh=%s/rsh,timeout=20%s", scratch,
	    row->options);
	return spec;
}

static size_t
read_file(const char *name, char *out, size_t size)
{
	FILE *f = fopen(scratch_path(name), "rb");
	size_t n = f == NULL ? 0 : fread(out, 1, size - 1, f);

	if (f != NULL)
		(void)fclose(f); /* only read */
	out[n] = '\0';
	return n;
}

/* What the player says is on the tape: "100 mark 7". */
static const char *
listing(void)
{
	static char text[4096];
	char command[900];
	FILE *f;
	size_t n;

	(void)snprintf(command, sizeof(command), "perl %s list %s/tape", player,
	    scratch);
	f = popen(command, "r");
	n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);
	if (f == NULL || pclose(f) != 0)
		tap_bail("%s fails", command);
	text[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = i + 1 == n ? '\0' : ' ';
	return text;
}

/* The drive was not told to do any of that. */
static bool
was_not_told(const char *const *words, size_t n)
{
	char log[1 << 16];
	bool right = true;

	(void)read_file("log", log, sizeof(log));
	for (size_t i = 0; i < n; i++)
		if (strstr(log, words[i]) != NULL)
			right = false;
	if (!right)
		tap_diag("it was told: %s", log);
	return right;
}

/* ---- The near end -------------------------------------------------------- */

static void
take_line(void *arg, const char *line)
{
	char *out = arg;

	if (strstr(line, "dialect ") != NULL)
		(void)sscanf(strstr(line, "dialect ") + 8, "%60[a-z0-9]", out);
}

static const char *
dialect_of(struct tape *t)
{
	static char name[64];
	const struct tape_listener l = { take_line, name };

	name[0] = '\0';
	tape_report(t, &l);
	return name;
}

static int
put(struct tape *t, uint32_t tag, size_t len)
{
	fill_record(buf, len, tag);
	return tape_write(t, buf, len, &cond);
}

static int
mark(struct tape *t, uint32_t count)
{
	uint32_t done;

	return tape_write_filemarks(t, count, false, &done, &cond);
}

static bool
gives(struct tape *t, uint32_t tag, size_t len)
{
	size_t n = 0;
	int r = tape_read(t, buf, sizeof(buf), &n, &cond);

	return r == 0 && cond == TAPE_NONE && n == len &&
	    is_record_of(buf, n, tag);
}

static bool
meets(struct tape *t, enum tape_cond what)
{
	size_t n;

	return tape_read(t, buf, sizeof(buf), &n, &cond) == 0 && cond == what;
}

/* ---- Rules --------------------------------------------------------------- */

static const char *const destroying[] = { "WEOF 1", "ERASE", "OFFL" };

/* To find out what a server is costs the tape nothing, nor does reading it. */
static void
test_harmless(const struct row *row)
{
	static const char tape[] = "R3\nabcR4\ndefgM\nR1\nhM\nM\n";
	char after[100];
	struct tape *t;
	size_t n;
	uint64_t done;

	put_file("tape", tape, sizeof(tape) - 1, 0600);
	t = load_tape(spec_of(row, "", false));
	tap_is_str(row->dialect, dialect_of(t), "%s%s: is found to be that",
	    row->player, row->options);
	tap_ok(tape_space(t, TAPE_FILEMARKS, 1, &done, &cond) == 0 &&
		tape_read(t, buf, sizeof(buf), &n, &cond) == 0 && n == 1 &&
		buf[0] == 'h',
	    "... a filemark is spaced over: %s", tape_why(t));
	tap_ok(tape_space(t, TAPE_FILEMARKS, -1, &done, &cond) == 0 &&
		tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0 &&
		tape_read(t, buf, sizeof(buf), &n, &cond) == 0 && n == 4 &&
		buf[0] == 'd',
	    "... and back, and a record: %s", tape_why(t));
	tap_is_int(0, tape_locate(t, 0, 1, &cond), "... and located");
	tap_is_int(0, tape_rewind(t), "... and rewound");
	tap_is_int(0, tape_unload(t), "... and unloaded");
	tape_free(t);
	n = read_file("tape", after, sizeof(after));
	tap_is_mem(tape, after, sizeof(tape) - 1, "... which leaves the tape");
	tap_is_int((int64_t)sizeof(tape) - 1, (int64_t)n, "... as it was");
	tap_ok(was_not_told(destroying, 3), "... and was not risked");
}

/* What is not sure is not sent: no filemarks, and what was there stays. */
static void
test_plain(const struct row *row)
{
	struct tape *t = load_tape(spec_of(row, "", true));

	tap_is_int(0, put(t, 1, 100), "%s: a record is written", row->player);
	tap_is_int(-EOPNOTSUPP, mark(t, 1), "a filemark is not");
	tap_ok(strstr(tape_why(t), "dialect") != NULL, "and it is said: %s",
	    tape_why(t));
	tap_is_int(-EOPNOTSUPP, tape_erase(t, false), "nor is it erased");
	tap_is_int(0, put(t, 2, LONG), "more is written");
	tap_is_int(0, tape_rewind(t), "and rewound");
	tap_ok(gives(t, 1, 100) && gives(t, 2, LONG), "and read");
	tap_is_int(0, tape_unload(t), "the end is clean");
	tape_free(t);
	tap_is_str("100 70000 mark mark", listing(),
	    "all is there, and what the drive writes at its end");
	tap_ok(was_not_told(destroying, 3),
	    "and what is not sure was not said");
}

/* Two files: 1 2 | 3, and what comes of going about in them. */
static void
test_tape(const struct row *row)
{
	struct tape *t = load_tape(spec_of(row, "", true));
	uint64_t done;
	size_t n;

	tap_ok(put(t, 1, 1) == 0 && put(t, 2, LONG) == 0 && mark(t, 1) == 0 &&
		mark(t, 0) == 0 && put(t, 3, 512) == 0 && mark(t, 1) == 0,
	    "%s%s: records and filemarks: %s", row->player, row->options,
	    tape_why(t));
	tap_is_int(5, (int64_t)t->pos.object, "... are counted");
	tap_is_int(0, tape_rewind(t), "... rewound");
	tap_ok(gives(t, 1, 1) && gives(t, 2, LONG) && meets(t, TAPE_FILEMARK) &&
		gives(t, 3, 512) && meets(t, TAPE_FILEMARK),
	    "... read back");
	tap_ok(meets(t, TAPE_EOD) && meets(t, TAPE_EOD), "... to the end");
	tap_is_int(0, put(t, 4, 77), "a record is added there");
	tap_is_int(0, mark(t, 1), "... and a filemark");
	tap_ok(tape_locate(t, 0, 1, &cond) == 0 &&
		tape_read(t, buf, 100, &n, &cond) == 0 && n == LONG &&
		is_record_of(buf, 100, 2),
	    "a record is found again, and its length, if it does not fit");
	tap_ok(meets(t, TAPE_FILEMARK), "... and the filemark behind it");
	tap_ok(tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0 &&
		cond == TAPE_FILEMARK && t->pos.object == 2,
	    "... which stops records on the way back");
	tap_ok(tape_space(t, TAPE_TO_EOD, 0, &done, &cond) == 0 &&
		t->pos.object == 7 && t->pos.file == 3,
	    "the end is found: %d", (int)t->pos.object);
	tap_is_int(0, tape_unload(t), "the end is clean");
	tape_free(t);
	tap_is_str("1 70000 mark 512 mark 77 mark", listing(),
	    "the tape has that");
}

/* Something is written over what is there. */
static void
test_overwrite(const struct row *row)
{
	struct tape *t = load_tape(spec_of(row, "", false));

	tap_is_int(0, tape_locate(t, 0, 4, &cond), "%s%s: in the middle",
	    row->player, row->options);
	tap_is_int(0, put(t, 5, 2000), "... it is written anew");
	tap_is_int(0, mark(t, 1), "... and closed");
	tap_ok(meets(t, TAPE_EOD), "what followed is gone");
	tap_is_int(0, tape_rewind(t), "again from BOT");
	tap_ok(gives(t, 1, 1) && gives(t, 2, LONG) && meets(t, TAPE_FILEMARK) &&
		gives(t, 3, 512) && gives(t, 5, 2000) &&
		meets(t, TAPE_FILEMARK) && meets(t, TAPE_EOD),
	    "all is there that should be");
	tap_is_int(0, tape_unload(t), "the end is clean");
	tape_free(t);
	tap_is_str("1 70000 mark 512 2000 mark", listing(),
	    "the tape has that, and nothing else");
}

/* Early warning, told as no space, or as no bytes; then the end. */
static void
test_end(const struct row *row)
{
	char limits[40];
	struct tape *t;
	int64_t n = 0, first = -1;
	int r = 0;

	(void)snprintf(limits, sizeof(limits), "%d %d", WARN, END);
	t = load_tape(spec_of(row, limits, true));
	while (r == 0 && n <= END) {
		r = put(t, (uint32_t)n, 500);
		if (r == 0 && cond == TAPE_EARLY_WARNING && first < 0)
			first = n;
		n += r == 0;
	}
	tap_is_int(-ENOSPC, r, "%s%s: the tape ends", row->player,
	    row->options);
	tap_is_int(TAPE_EOM, cond, "... with the end of the medium");
	tap_is_int(END, n, "... behind all that fit");
	if (strstr(row->options, "window=") == NULL)
		tap_is_int(row->first_warning, first, "... and a warning");
	else
		tap_ok(first >= WARN - 1 && first < END, "... and a warning");
	tap_is_int(0, mark(t, 1), "a filemark fits");
	tap_is_int(0, tape_rewind(t), "rewound");
	for (n = 0; n < END && gives(t, (uint32_t)n, 500); n++)
		;
	tap_is_int(END, n, "all records are there, in order");
	tap_ok(meets(t, TAPE_FILEMARK) && meets(t, TAPE_EOD), "and the end");
	tap_is_int(0, tape_unload(t), "the end is clean");
	tape_free(t);
}

static void
test_contract(const struct row *row)
{
	const char *build = getenv("BUILD");
	char command[1400];

	(void)snprintf(command, sizeof(command),
	    "PMT_TAPE_STEPS=1000 PMT_TAPE=%s timeout 120 "
	    "%s/tests/contract/tape-t >%s/contract 2>&1 && "
	    "grep -q '^ok .*1000 random operations' %s/contract",
	    spec_of(row, "", true), build == NULL ? "build" : build, scratch,
	    scratch);
	if (tap_ok(system(command) == 0, "%s: the contract holds", row->player))
		return;
	(void)snprintf(command, sizeof(command),
	    "grep -v ^ok %s/contract | head -20 | sed 's/^/# /'", scratch);
	(void)fflush(stdout);
	(void)!system(command); /* for people */
}

/* Numbers that are named wrongly are noticed before they do something. */
static void
test_named_wrongly(void)
{
	static const struct row linux_as_bsd = { .player = "gnu122",
		.options = ",dialect=bsd" };
	static const struct row bsd_as_linux = { .player = "bsd",
		.options = ",dialect=linux" };
	static const struct row bsd_as_gnu = { .player = "bsd",
		.options = ",dialect=gnu" };
	static const struct row bsd_as_sun = { .player = "bsd",
		.options = ",dialect=sun" };
	static const struct row *const wrong[] = { &linux_as_bsd, &bsd_as_linux,
		&bsd_as_gnu, &bsd_as_sun };
	static const char tape[] = "R3\nabcM\n";
	char after[100];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tape *t;

		put_file("tape", tape, sizeof(tape) - 1, 0600);
		t = open_tape(spec_of(wrong[i], "", false));
		tap_ok(tape_load(t) < 0, "%s%s is refused: %s",
		    wrong[i]->player, wrong[i]->options, tape_why(t));
		tape_free(t);
		(void)read_file("tape", after, sizeof(after));
		tap_is_str(tape, after, "... and the tape is as it was");
		tap_ok(was_not_told(destroying, 3), "... and was not risked");
	}
}

/* 63 bytes are what an old server takes; the rest would be its next line. */
static void
test_long_name(void)
{
	static const struct row row = { .player = "bsd", .options = "" };
	char spec[1100];
	struct tape *t;

	(void)snprintf(spec, sizeof(spec), "%s", spec_of(&row, "", true));
	(void)snprintf(spec, sizeof(spec),
	    "rmt:there:/dev/%064d,rsh=%s/rsh,timeout=20", 0, scratch);
	t = open_tape(spec);
	tap_is_int(-EINVAL, tape_load(t), "a name of 69 bytes is not sent");
	tap_ok(strstr(tape_why(t), "too long") != NULL, "and it is said: %s",
	    tape_why(t));
	tape_free(t);
	tap_ok(was_not_told((const char *const[]){ "exit" }, 1),
	    "the server was not confused");
}

int
main(void)
{
	player = realpath("tests/contract/rmt-dialect.pl", NULL);
	if (player == NULL)
		tap_bail("tests/contract/rmt-dialect.pl: %s", strerror(errno));
	scratch = make_scratch();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		test_harmless(row);
		if (!row->all_ops) {
			test_plain(row);
			continue;
		}
		test_tape(row);
		test_overwrite(row);
		test_end(row);
		if (row->contract)
			test_contract(row);
	}
	test_named_wrongly();
	test_long_name();
	remove_scratch(scratch);
	free(player);
	return tap_done();
}
