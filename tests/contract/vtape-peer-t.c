/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bacula's btape and we, on the same virtual tapes: what it writes is read
 * here, object by object, and when copied gives the same file, byte for byte;
 * what is written here it moves on, reads with its own checksums, and writes
 * on.  Its exit status says nothing, so its words are compared.
 */
#include "listing.h"

#define BLOCK 64512 /* bytes of a block of btape's */

static const char *dir;
static char said[1 << 16]; /* by btape */

static void
write_config(const char *image)
{
	FILE *f = fopen(path_in(dir, "sd.conf"), "w");

	if (f == NULL)
		tap_bail("sd.conf: %s", strerror(errno));
	fprintf(f,
	    "Storage {\n Name = t-sd\n SDPort = 9103\n"
	    " SDAddress = 127.0.0.1\n"
	    " Working Directory = \"%s\"\n Pid Directory = \"%s\"\n}\n"
	    "Director {\n Name = t-dir\n Password = \"x\"\n}\n"
	    "Messages {\n Name = Standard\n director = t-dir = all\n}\n"
	    "Device {\n Name = VT\n Media Type = VT\n"
	    " Device Type = VTape\n Archive Device = \"%s\"\n"
	    " Label Media = yes\n Automatic Mount = yes\n"
	    " Removable Media = yes\n Random Access = no\n"
	    " Always Open = no\n}\n",
	    dir, dir, image);
	if (fclose(f) != 0)
		tap_bail("sd.conf: %s", strerror(errno));
}

/* Runs btape on an image; ${commands} are lines for printf(1). */
static void
btape(const char *name, const char *commands)
{
	char line[1024];
	FILE *in;
	size_t n;

	write_config(path_in(dir, name));
	(void)snprintf(line, sizeof(line),
	    "printf '%s\\nquit\\n' | timeout 30 btape -c '%s' VT 2>&1; "
	    "echo \"ends with $?\"",
	    commands, path_in(dir, "sd.conf"));
	in = popen(line, "r");
	if (in == NULL)
		tap_bail("btape: %s", strerror(errno));
	n = fread(said, 1, sizeof(said) - 1, in);
	said[n] = '\0';
	(void)pclose(in); /* says nothing, see above */
	if (strstr(said, "ends with 124") != NULL)
		tap_diag("btape hangs");
}

/* Whether btape has said so, after what it was found to say before. */
static const char *
says_after(const char *from, const char *words, const char *rule)
{
	const char *found = from == NULL ? NULL : strstr(from, words);

	if (!tap_ok(found != NULL, "btape: %s", rule))
		tap_diag("no \"%s\" in: %s", words, said);
	return found == NULL ? NULL : found + strlen(words);
}

static void
make_empty(const char *name)
{
	FILE *f = fopen(path_in(dir, name), "w");

	if (f == NULL || fclose(f) != 0)
		tap_bail("%s: %s", name, strerror(errno));
}

/* All objects of one tape onto another. */
static void
copy(const char *from, const char *to)
{
	static uint8_t buf[1 << 17];
	struct tape *in = load_tape(spec_in(dir, from));
	struct tape *out = load_tape(spec_in(dir, to));
	enum tape_cond cond;
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

static void
same_bytes(const char *a, const char *b, const char *rule)
{
	static uint8_t bytes[2][1 << 20];
	size_t n = bytes_of(path_in(dir, a), bytes[0], sizeof(bytes[0]));
	size_t m = bytes_of(path_in(dir, b), bytes[1], sizeof(bytes[1]));

	tap_ok(n > BLOCK, "%s: there are bytes (%zu)", rule, n);
	tap_ok(n == m && memcmp(bytes[0], bytes[1], n) == 0, "%s", rule);
}

/* What btape has written: rec FM rec rec FM FM rec FM. */
static void
test_reading(void)
{
	static const bool is_mark[] = { false, true, false, false, true, true,
		false, true };
	static uint8_t buf[BLOCK];
	struct tape *t;
	enum tape_cond cond;
	size_t len;

	make_empty("theirs.vtape");
	btape("theirs.vtape",
	    "rewind\\nwr\\nweof\\nwr\\nwr\\nweof\\nweof\\nwr\\nweof");
	t = load_tape(spec_in(dir, "theirs.vtape"));
	for (size_t i = 0; i < sizeof(is_mark); i++) {
		tap_is_int(0, tape_read(t, buf, sizeof(buf), &len, &cond),
		    "object %zu of Bacula's is read", i);
		tap_is_int(is_mark[i] ? TAPE_FILEMARK : TAPE_NONE, cond,
		    "... and is of its kind");
		tap_is_int(is_mark[i] ? 0 : BLOCK, (int64_t)len,
		    "... and of its length");
		if (!is_mark[i])
			tap_is_mem("BB02", buf + 12, 4,
			    "... and is a block of Bacula's");
	}
	tap_is_int(0, tape_read(t, buf, sizeof(buf), &len, &cond), "then");
	tap_is_int(TAPE_EOD, cond, "... data end");
	tape_free(t);
	copy("theirs.vtape", "copy.vtape");
	same_bytes("theirs.vtape", "copy.vtape",
	    "our copy of Bacula's tape is the same file");
}

/* Bacula moves on a tape of ours, whose records are none of its own. */
static void
test_motion(void)
{
	struct tape *t = load_tape(spec_in(dir, "ours.vtape"));
	static uint8_t data[100000];
	const char *at;

	for (uint32_t i = 1; i < 12; i++) {
		fill_record(data, sizeof(data), i);
		put_record(t, data, i * i * 700);
		if (i % 2 == 0)
			put_mark(t);
		if (i == 6)
			put_mark(t);
	}
	put_mark(t);
	tape_free(t);
	btape("ours.vtape",
	    "rewind\\nstatus\\nfsf 2\\nstatus\\nfsr "
	    "1\\nstatus\\neod\\nstatus\\n"
	    "bsf\\nstatus\\nrewind\\nfsf 7\\nstatus\\nfsf 1\\nstatus");
	at = says_after(said, "BOT ONLINE IM_REP_EN file=0 block=0",
	    "BOT is in file 0");
	at = says_after(at, "EOF ONLINE IM_REP_EN file=2 block=0",
	    "after two filemarks is file 2");
	at = says_after(at, "file=2 block=1", "after a record is block 1");
	at = says_after(at, "EOD ONLINE IM_REP_EN file=7 block=-1",
	    "end of data is where ours is");
	at = says_after(at, "file=6 block=-1", "back over one is file 6");
	at = says_after(at, "EOF ONLINE IM_REP_EN file=7 block=0",
	    "seven filemarks are seven");
	(void)says_after(at, "EOD ONLINE IM_REP_EN file=7 block=-1",
	    "and there is no eighth");
}

/* Bacula appends to our tape, and we to what it has appended. */
static void
test_appending(void)
{
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;
	size_t len;
	uint8_t byte[16];

	btape("ours.vtape", "eod\\nwr\\nwr\\nweof");
	t = load_tape(spec_in(dir, "ours.vtape"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "what Bacula has appended is passed");
	tap_is_int(8, (int64_t)done, "... with its filemark");
	tap_is_int(18 + 3, (int64_t)t->pos.object, "... and its records");
	put_record(t, "mine", 4);
	put_mark(t);
	tape_free(t);
	btape("ours.vtape", "rewind\\nfsf 8\\nstatus\\neod\\nstatus");
	(void)says_after(says_after(said, "file=8 block=0",
			     "finds what it has written"),
	    "EOD ONLINE IM_REP_EN file=9 block=-1",
	    "and what we have written after it");
	t = load_tape(spec_in(dir, "ours.vtape"));
	(void)tape_locate(t, 0, 21, &cond); /* shows in what is read */
	tap_is_int(0, tape_read(t, byte, sizeof(byte), &len, &cond),
	    "our record behind Bacula's is read");
	tap_ok(len == 4 && memcmp(byte, "mine", 4) == 0, "... as it was");
	tape_free(t);
}

/* We write over the middle; and mend a tape that a kill has left unlinked. */
static void
test_overwriting(void)
{
	static const uint8_t none[8];
	struct tape *t = load_tape(spec_in(dir, "ours.vtape"));
	enum tape_cond cond;
	uint64_t done;
	FILE *f;

	(void)tape_space(t, TAPE_FILEMARKS, 3, &done, &cond); /* shows below */
	put_record(t, "over", 4);
	put_mark(t);
	tape_free(t);
	btape("ours.vtape", "rewind\\nfsf 4\\nstatus\\neod\\nstatus");
	(void)says_after(says_after(said, "EOF ONLINE IM_REP_EN file=4 block=0",
			     "passes what we have written over the middle"),
	    "EOD ONLINE IM_REP_EN file=4 block=-1", "and finds its end");
	f = fopen(path_in(dir, "ours.vtape"), "r+");
	/* The link of the leading filemark, as if it was never written. */
	if (f == NULL || fseek(f, 12, SEEK_SET) != 0 ||
	    fwrite(none, 1, sizeof(none), f) != sizeof(none) || fclose(f) != 0)
		tap_bail("ours.vtape: %s", strerror(errno));
	t = load_tape(spec_in(dir, "ours.vtape"));
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	put_mark(t);
	tape_free(t);
	btape("ours.vtape", "rewind\\nfsf 5\\nstatus");
	(void)says_after(said, "EOF ONLINE IM_REP_EN file=5 block=0",
	    "passes the links that we have mended");
}

/* Bacula's own checksums say that its blocks are what it wrote. */
static void
test_checksums(void)
{
	make_empty("label.vtape");
	btape("label.vtape", "label\\nPMT01");
	btape("copy.vtape", "rewind\\nscanblocks");
	(void)says_after(said, "Total files=2, blocks=3, bytes = 193,344",
	    "reads its blocks from our copy");
	copy("label.vtape", "label2.vtape");
	btape("label2.vtape", "readlabel");
	(void)says_after(says_after(said, "Volume label read correctly",
			     "reads its label from our copy"),
	    "VolName           : PMT01", "which has the name");
}

/*
 * When it has spaced back over a filemark, Bacula links the next one to where
 * that was, over the data that it has just written.
 */
static void
test_defect(void)
{
	static uint8_t buf[BLOCK];
	struct tape *t;
	enum tape_cond cond;
	uint64_t done;
	size_t len;

	make_empty("broken.vtape");
	btape("broken.vtape",
	    "rewind\\nwr\\nweof\\nwr\\nweof\\nbsf\\nwr\\nweof");
	t = load_tape(spec_in(dir, "broken.vtape"));
	tap_is_int(-EIO, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "what Bacula has damaged is damage");
	tap_is_int(3, (int64_t)t->pos.object, "... and what precedes is read");
	tap_is_int(-EIO, tape_read(t, buf, sizeof(buf), &len, &cond),
	    "... but not the record whose data it has written over");
	tape_free(t);
}

int
main(void)
{
	if (system("command -v btape >/dev/null 2>&1") != 0)
		tap_skip_all("btape is not there: install bacula-sd "
			     "(make deps)");
	dir = make_scratch();
	test_reading();
	test_motion();
	test_appending();
	test_overwriting();
	test_checksums();
	test_defect();
	remove_scratch(dir);
	return tap_done();
}
