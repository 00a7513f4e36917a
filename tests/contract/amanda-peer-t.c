/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Amanda's own device (amanda-peer.pl) and amrestore, and we, on the same
 * directories: what they write is read here, and copied gives the same host
 * files, byte for byte and by the same names; what is written here they read.
 * Their exit status says little, so their words and bytes are compared.  They
 * run as the user that Debian runs Amanda as, if this can be.
 */
#include "amandas.h"

#define DISK "/a b/c_d:e\\f \"g\""

static const char *dir;
static char said[1 << 16];

/* A shell command, as Amanda's user; ${input} is a file, or NULL. */
static void
run(const char *command, const char *input)
{
	char line[2048];
	FILE *in;
	size_t n;

	(void)snprintf(line, sizeof(line),
	    geteuid() == 0 ? "su backup -s /bin/sh -c '%s' <%s 2>&1"
			   : "sh -c '%s' <%s 2>&1",
	    command, input == NULL ? "/dev/null" : input);
	in = popen(line, "r");
	if (in == NULL)
		tap_bail("%s: %s", line, strerror(errno));
	n = fread(said, 1, sizeof(said) - 1, in);
	said[n] = '\0';
	(void)pclose(in); /* says little, see above */
}

/* ${args} are words of the shell; %s in them is the scratch directory. */
static void
amanda(const char *what, const char *args)
{
	char command[1600], filled[1200];
	size_t n = 0;

	for (; *args != '\0' && n < sizeof(filled) - 300; args++)
		if (*args == '@')
			n += (size_t)snprintf(filled + n, sizeof(filled) - n,
			    "%s", dir);
		else
			filled[n++] = *args;
	filled[n] = '\0';
	(void)snprintf(command, sizeof(command), "cd %s && %s %s", dir, what,
	    filled);
	run(command,
	    strncmp(what, "timeout 60 perl", 15) == 0
		? "tests/contract/amanda-peer.pl"
		: NULL);
}

#define PERL "timeout 60 perl - "

static void
says(const char *words, const char *rule)
{
	if (!tap_ok(strstr(said, words) != NULL, "Amanda: %s", rule))
		tap_diag("no \"%s\" in: %s", words, said);
}

/* A directory that both users can use. */
static void
make_dir(const char *name)
{
	if (mkdir(path_in(dir, name), 0777) < 0 ||
	    chmod(path_in(dir, name), 0777) < 0)
		tap_bail("%s: %s", name, strerror(errno));
}

static void
make_data(const char *name, uint32_t tag, size_t len)
{
	static uint8_t buf[1 << 18];
	FILE *f = fopen(path_in(dir, name), "w");

	fill_record(buf, len, tag);
	if (f == NULL || fwrite(buf, 1, len, f) != len || fclose(f) != 0 ||
	    chmod(path_in(dir, name), 0644) < 0)
		tap_bail("%s: %s", name, strerror(errno));
}

static const char *
spec_of(const char *name)
{
	static char text[2][600];
	static unsigned turn;
	char *out = text[turn++ % 2];

	(void)snprintf(out, sizeof(text[0]), "%s,format=amanda",
	    spec_in(dir, name));
	return out;
}

/* Whether a file has ${len} bytes of a record, and then zeros. */
static bool
is_data(const char *path, uint32_t tag, size_t len)
{
	static uint8_t seen[1 << 18];
	size_t n = bytes_of(path, seen, sizeof(seen));
	bool ok = n >= len && is_record_of(seen, len, tag);

	for (size_t i = len; i < n; i++)
		ok = ok && seen[i] == 0;
	return ok;
}

static void
next_is(struct tape *t, enum tape_cond expected, size_t len, const char *rule)
{
	static uint8_t buf[HEADER];
	enum tape_cond cond = TAPE_NONE;
	size_t n = 0;

	tap_is_int(0, tape_read(t, buf, sizeof(buf), &n, &cond), "%s", rule);
	tap_is_int(expected, cond, "... is of its kind");
	tap_is_int((int64_t)len, (int64_t)n, "... and of its length");
}

static void
test_reading(void)
{
	static uint8_t buf[4 * HEADER];
	struct tape *t;
	enum tape_cond cond;
	size_t len;
	bool same = true;

	make_dir("theirs");
	make_dir("theirs/data");
	amanda(PERL, "write @/theirs TAPE01 @/one @/two");
	says("wrote 2\n", "writes a tape");
	t = load_tape(spec_of("theirs"));
	next_is(t, TAPE_NONE, HEADER, "Amanda's label");
	next_is(t, TAPE_FILEMARK, 0, "its filemark");
	next_is(t, TAPE_NONE, HEADER, "the header of a dump");
	for (int i = 0; i < 4; i++) /* 100000 bytes, and padding by Amanda */
		same = same &&
		    tape_read(t, buf + i * HEADER, HEADER, &len, &cond) == 0 &&
		    len == HEADER && cond == TAPE_NONE;
	tap_ok(same && is_record_of(buf, 100000, 1), "its data");
	next_is(t, TAPE_FILEMARK, 0, "its filemark");
	next_is(t, TAPE_NONE, HEADER, "the header of another one");
	next_is(t, TAPE_NONE, HEADER, "its data");
	next_is(t, TAPE_FILEMARK, 0, "its filemark");
	next_is(t, TAPE_EOD, 0, "the end");
	tape_free(t);
}

/* All objects of one tape onto another. */
static void
copy(const char *from, const char *to)
{
	static uint8_t buf[HEADER];
	struct tape *in = load_tape(from), *out = load_tape(to);
	enum tape_cond cond = TAPE_NONE;
	size_t len;

	for (;;) {
		if (tape_read(in, buf, sizeof(buf), &len, &cond) < 0)
			tap_bail("%s", tape_why(in));
		if (cond == TAPE_EOD)
			break;
		if (cond == TAPE_FILEMARK)
			put_mark(out);
		else
			put_record(out, buf, len);
	}
	tape_free(in);
	tape_free(out);
}

/* By way of an image of another format. */
static void
test_copying(void)
{
	copy(spec_of("theirs"), spec_in(dir, "between.tap"));
	copy(spec_in(dir, "between.tap"), spec_of("copy"));
	amanda("diff -r", "theirs/data copy && echo the same");
	tap_is_str("the same\n", said,
	    "a copy has the same host files, with the same names");
}

/* Tapes of ours: blocks, a short one, no data at all, a number left out. */
static void
test_writing(void)
{
	static uint8_t buf[3 * HEADER];
	struct tape *t;
	enum tape_cond cond;

	make_dir("ours");
	make_dir("ours/data");
	make_dir("out");
	t = load_tape(spec_of("ours"));
	put_label(t, "OUR01");
	put_header(t, "FILE 20260102030405 one /usr  lev 0 comp N program x");
	fill_record(buf, sizeof(buf), 9);
	for (size_t at = 0; at < 70000; at += HEADER)
		put_record(t, buf + at,
		    70000 - at < HEADER ? 70000 - at : HEADER);
	put_mark(t);
	put_header(t, "FILE 20260102030405 two /  lev 1 comp N program x");
	put_mark(t);
	put_header(t, "FILE 20260102030405 three \"/x\\\"y\"  lev 2 comp N");
	put_record(t, "short", 5);
	put_mark(t);
	put_header(t, "FILE 20260102030405 four /  lev 1 comp N program x");
	tape_free(t);
	amanda(PERL, "read @/ours @/out");
	tap_is_str("label OUR01\nfile 1 one /usr 0\nfile 2 two / 1\n"
		   "file 3 three /x\"y 2\nend\n",
	    said, "Amanda finds the dumps that have their filemark");
	tap_ok(is_data(path_in(dir, "out/1"), 9, 70000), "... with its data");
	/* The fourth file is ended now, and the second one removed. */
	t = load_tape(spec_of("ours"));
	(void)tape_space(t, TAPE_TO_EOD, 0, &(uint64_t){ 0 }, &cond);
	put_mark(t);
	tape_free(t);
	(void)unlink(path_in(dir, "ours/data/00002.two._.1")); /* shows below */
	amanda(PERL, "read @/ours @/out");
	tap_is_str("label OUR01\nfile 1 one /usr 0\nfile 3 three /x\"y 2\n"
		   "file 4 four / 1\nend\n",
	    said, "and one that has got it, and passes over a gap");
	t = load_tape(spec_of("ours"));
	(void)tape_space(t, TAPE_FILEMARKS, 3, &(uint64_t){ 0 }, &cond);
	(void)tape_read(t, buf, HEADER, &(size_t){ 0 }, &cond);
	tap_ok(strstr((char *)buf, " three ") != NULL,
	    "after as many filemarks we find the file of that number, too");
	tape_free(t);
}

static void
test_appending(void)
{
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;

	amanda(PERL, "append @/ours x @/two");
	says("wrote 5\n", "appends to our tape");
	t = load_tape(spec_of("ours"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "what it has appended is passed");
	tap_is_int(6, (int64_t)done, "... with its filemark");
	put_header(t, "FILE 20260102030405 six /  lev 1 comp N program x");
	put_mark(t);
	tape_free(t);
	amanda(PERL, "read @/ours @/out");
	says("file 5 host.example.org " DISK " 3\nfile 6 six / 1\nend\n",
	    "finds its own dump, and ours after it");
	tap_ok(is_data(path_in(dir, "out/5"), 2, 20000), "... with its data");
	amanda(PERL, "write @/ours AGAIN @/two");
	says("wrote 1\n", "writes our tape anew");
	t = load_tape(spec_of("ours"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "which has nothing of what was there");
	tap_is_int(2, (int64_t)done, "... but its two files");
	tape_free(t);
}

/* Labelling anew removes what a kill has left without a filemark. */
static void
test_leftover(void)
{
	struct tape *t = load_tape(spec_of("ours"));
	enum tape_cond cond;

	(void)tape_space(t, TAPE_TO_EOD, 0, &(uint64_t){ 0 }, &cond);
	put_header(t, "FILE 20260102030405 left /  lev 1 comp N program x");
	put_record(t, "over", 4);
	tape_free(t);
	amanda("ls", "ours/data");
	says("00002-last.left._.1", "(an unended file is there)");
	amanda(PERL, "write @/ours ANEW");
	amanda("ls", "ours/data");
	tap_is_str("00000.ANEW\n", said, "Amanda removes it with all others");
}

static void
test_amrestore(void)
{
	make_dir("restored");
	(void)rename(path_in(dir, "copy"), path_in(dir, "data")); /* for DIR */
	amanda("cd restored && timeout 60 amrestore -r", "file:@");
	says("Restoring from tape TAPE01 starting with file 1.",
	    "amrestore knows our copy");
	says("amrestore: 2: restoring FILE: date 20260102030405 host "
	     "host.example.org",
	    "... and the dumps on it");
	/* Both are of one disk and day: the second one is what remains. */
	amanda("cat restored/*0001.RAW | cmp -", "data/00002.*");
	tap_is_str("", said, "... and gives a dump as it is, header and data");
}

int
main(void)
{
	dir = make_scratch();
	if (chmod(dir, 0777) < 0)
		tap_bail("%s: %s", dir, strerror(errno));
	run("perl -I$(echo /usr/lib/*/amanda/perl) -MAmanda::Device -e 1 && "
	    "command -v amrestore && echo there",
	    NULL);
	if (strstr(said, "there") == NULL) {
		remove_tree(dir);
		tap_skip_all("Amanda is not there: install amanda-server, "
			     "amanda-client and libencode-locale-perl "
			     "(make deps)");
	}
	make_data("one", 1, 100000);
	make_data("two", 2, 20000);
	test_reading();
	test_copying();
	test_writing();
	test_appending();
	test_leftover();
	test_amrestore();
	remove_tree(dir);
	return tap_done();
}
