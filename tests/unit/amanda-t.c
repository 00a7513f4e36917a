/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of Amanda's: every one in tests/data/amanda is read as its
 * listing says, forward and backward; what is written is the host files that
 * Amanda would have; and what they can't hold is refused.
 */
#include <sys/wait.h>

#include "../contract/amandas.h"
#include "amanda_dir.h"
#include "amanda_header.h"
#include "hostfile.h"

#define DUMP "FILE 20260102030405 host /usr  lev 1 comp N program /bin/tar"

static const char *scratch, *spec, *top;
static enum tape_cond cond;
static uint64_t done;
static uint8_t data[1 << 18];

/* "NAME SIZE" of every file there is, sorted, each followed by "; ". */
static const char *
names(void)
{
	static char text[4096];
	struct dirent **entries;
	int n = scandir(top, &entries, NULL, alphasort);
	size_t len = 0;

	if (n < 0)
		tap_bail("%s: %s", top, strerror(errno));
	text[0] = '\0';
	for (int i = 0; i < n; i++) {
		char path[1024];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s", top,
		    entries[i]->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
			    "%s %lld; ", entries[i]->d_name,
			    (long long)st.st_size);
		free(entries[i]);
	}
	free(entries);
	return text;
}

static void
make(const char *name, const void *bytes, size_t len)
{
	char path[1024];
	FILE *f;

	(void)mkdir(top, 0777); /* it may be there */
	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "w");
	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		tap_bail("%s: %s", path, strerror(errno));
}

static void
refused(struct tape *t, size_t len, const char *words, const char *rule)
{
	tap_is_int(-EINVAL, tape_write(t, data, len, &cond), "%s", rule);
	if (!tap_ok(strstr(tape_why(t), words) != NULL, "... with words"))
		tap_diag("%s", tape_why(t));
}

static struct tape *
begin(const char *options)
{
	char text[600];

	(void)snprintf(text, sizeof(text), "%s%s", spec, options);
	return load_tape(text);
}

static struct tape *
begin_anew(const char *options)
{
	remove_tree(top);
	return begin(options);
}

/* The example at the top of amanda.c. */
static void
test_example(void)
{
	static uint8_t expected[HEADER + 40000], seen[1 << 17];
	struct tape *t = begin_anew("");
	char path[600];

	tap_is_str("", names(), "what was not there is made, and is blank");
	put_header(t, "TAPESTART DATE 20260102030405 TAPE TAPE01");
	tap_is_str("00000-open32768.TAPE01 32768; ", names(),
	    "a file without a filemark has a name that Amanda passes over");
	put_mark(t);
	tap_is_str("00000.TAPE01 32768; ", names(),
	    "with the filemark it has Amanda's");
	put_header(t, DUMP);
	fill_record(data, 40000, 1);
	put_record(t, data, HEADER);
	put_record(t, data + HEADER, 40000 - HEADER);
	tap_is_str("00000.TAPE01 32768; 00001-last.host._usr.1 72768; ",
	    names(), "a short record is the last of its file");
	put_mark(t);
	tap_is_int(6, (int64_t)t->pos.object, "the example is six objects");
	tap_is_int(0, tape_unload(t), "the example is unloaded");
	tap_is_str("00000.TAPE01 32768; 00001.host._usr.1 72768; ", names(),
	    "the example is these host files");
	(void)snprintf(path, sizeof(path), "%s/00001.host._usr.1", top);
	fill_header(expected, DUMP);
	memcpy(expected + HEADER, data, 40000);
	tap_is_int(sizeof(expected),
	    (int64_t)bytes_of(path, seen, sizeof(seen)), "a dump has");
	tap_ok(memcmp(expected, seen, sizeof(expected)) == 0,
	    "... its header and its data, and nothing else");
	tape_free(t);
}

static void
name_is(const char *text, const char *expected)
{
	static uint8_t buf[HEADER];
	char name[AMANDA_REST + 1];
	bool label, ok;

	fill_header(buf, text);
	ok = amanda_header_name(buf, &label, name);
	tap_is_str(expected, ok ? name : "none", "%.50s", text);
}

static void
test_names(void)
{
	static uint8_t zeros[HEADER];
	char name[AMANDA_REST + 1], text[700], longest[AMANDA_REST + 1];
	bool label;

	name_is("TAPESTART DATE 2026 TAPE Daily-7", "Daily-7");
	name_is("TAPESTART DATE 2026 TAPE a b/c", "a b_c");
	name_is("TAPESTART DATE 2026 TAPE ", "none");
	name_is("TAPESTART DATE 2026", "none");
	name_is("FILE 2026 h.x.org /dev/sda1  lev 2 comp N",
	    "h.x.org._dev_sda1.2");
	name_is("CONT_FILE 2026 h / lev 0 comp N", "h._.0");
	name_is("SPLIT_FILE 2026 h d  part 1/-1  lev 9 comp .gz", "h.d.9");
	name_is("FILE 2026 h \"C:\\\\Foo \\\"x\\\"\"  lev 1 comp N",
	    "h.C__Foo \"x\".1");
	name_is("FILE 2026 h \"a\\tb\\101\"  lev 1", "h.a\tbA.1");
	name_is("FILE 2026 h \"a_b\"  lev 1", "h.a_b.1");
	name_is("FILE 2026 h \"no end", "none");
	name_is("FILE 2026 h d", "none");
	name_is("FILE 2026 h d lev x", "none");
	name_is("TAPEEND DATE 2026", "none");
	name_is("", "none");
	tap_ok(!amanda_header_name(zeros, &label, name), "zeros are no header");
	memset(longest, 'x', AMANDA_REST);
	longest[AMANDA_REST] = '\0';
	(void)snprintf(text, sizeof(text), "TAPESTART DATE 1 TAPE %s%s",
	    longest, longest);
	name_is(text, longest);
}

static void
test_refusals(void)
{
	struct tape *t = begin_anew("");
	uint32_t n;

	memset(data, 'x', sizeof(data));
	refused(t, 10240, "no header of Amanda's", "tar's first record is");
	refused(t, HEADER, "no header of Amanda's", "a block of data is");
	fill_header(data, DUMP);
	refused(t, HEADER, "must be a label", "a dump at BOT is");
	tap_is_int(-EINVAL, tape_write_filemarks(t, 1, false, &n, &cond),
	    "a filemark at BOT is refused");
	tap_is_str("", names(), "... and nothing is left behind");
	put_label(t, "T1");
	tap_is_int(-EINVAL, tape_write_filemarks(t, 1, false, &n, &cond),
	    "a second filemark in a row is refused");
	fill_header(data, "TAPESTART DATE X TAPE T2");
	refused(t, HEADER, "can only be the first", "a second label is");
	fill_header(data, "TAPEEND DATE X");
	refused(t, HEADER, "no header", "an end of tape is");
	fill_header(data, DUMP);
	refused(t, HEADER - 1, "no header", "a short header is");
	put_record(t, data, HEADER);
	refused(t, HEADER + 1, "32769 bytes", "more than block= is");
	put_record(t, data, 100);
	refused(t, 100, "shorter than block=", "a record after a short one is");
	tap_is_str("00000.T1 32768; 00001-last.host._usr.1 32868; ", names(),
	    "what was refused is not there");
	tape_free(t);
}

static void
test_overwrite(void)
{
	struct tape *t = begin_anew(",block=512");

	put_label(t, "T1");
	for (int i = 0; i < 3; i++) {
		put_header(t, DUMP);
		put_record(t, data, 512);
		put_record(t, data, 512);
		put_record(t, data, 5);
		put_mark(t);
	}
	/* 0 label, 1 mark, 2 header, 3, 4, 5 data, 6 mark, 7 header ... */
	tap_is_int(0, tape_locate(t, 0, 11, &cond), "before a filemark");
	(void)tape_erase(t, false); /* shows below */
	tap_is_str("00000.T1 32768; 00001.host._usr.1 33797; "
		   "00002-last.host._usr.1 33797; ",
	    names(), "erased before a filemark, the file has none");
	put_mark(t);
	tap_is_int(0, tape_locate(t, 0, 9, &cond), "in the midst of data");
	put_record(t, data, 512);
	tap_is_str("00000.T1 32768; 00001.host._usr.1 33797; "
		   "00002-open512.host._usr.1 33792; ",
	    names(), "a record in the midst ends the tape");
	tap_is_int(0, tape_locate(t, 0, 7, &cond), "before a header");
	put_header(t, "FILE X other d lev 3");
	tap_is_str("00000.T1 32768; 00001.host._usr.1 33797; "
		   "00002-open512.other.d.3 32768; ",
	    names(), "another header is another file");
	tap_is_int(0, tape_rewind(t), "at BOT");
	put_label(t, "T2");
	tap_is_str("00000.T2 32768; ", names(), "a label at BOT is all");
	tap_is_int(0, tape_rewind(t), "at BOT");
	tap_is_int(0, tape_erase(t, true), "erased");
	tap_is_str("", names(), "... there is nothing");
	tape_free(t);
}

/* Numbers that are left out are filemarks, and can be written into. */
static void
test_gap(void)
{
	struct tape *t = begin_anew("");
	struct tape_pos pos;

	fill_header(data, "TAPESTART DATE X TAPE T1");
	make("00000.T1", data, HEADER);
	fill_header(data, DUMP);
	make("2000000000.x", data, HEADER);
	tape_free(t);
	t = begin("");
	tap_is_int(0, tape_space(t, TAPE_FILEMARKS, 1999999999, &done, &cond),
	    "a gap of 2000 million files is passed at once");
	tap_is_int(1999999999, (int64_t)done, "... all of it");
	tap_is_int(0, tape_space(t, TAPE_FILEMARKS, 1, &done, &cond),
	    "its last filemark is passed");
	tap_is_int(0, tape_read(t, data, HEADER, &done, &cond), "and then");
	tap_is_int(TAPE_NONE, cond, "... there is the file");
	tap_is_int(0, tape_space(t, TAPE_FILEMARKS, -1999999995, &done, &cond),
	    "and back over nearly all");
	(void)tape_tell(t, &pos); /* can't fail */
	tap_is_int(5, (int64_t)pos.file, "... up to file 5");
	tap_is_int(6, (int64_t)pos.object, "... and its object");
	tap_is_int(0, tape_locate(t, 0, 4, &cond), "to file 3");
	put_header(t, DUMP);
	put_mark(t);
	tap_is_str("00000.T1 32768; 00003.host._usr.1 32768; ", names(),
	    "what is written in a gap has its number");
	tap_is_int(0, tape_locate(t, 0, 3, &cond), "before it");
	tap_is_int(0, tape_erase(t, false), "it is erased again");
	(void)tape_tell(t, &pos); /* can't fail */
	tap_is_int(3, (int64_t)pos.object, "the tape stands where it stood");
	tap_is_int(0, tape_read(t, data, HEADER, &done, &cond), "there");
	tap_is_int(TAPE_EOD, cond, "... data end");
	tap_is_int(0, tape_space(t, TAPE_RECORDS, -1, &done, &cond), "before");
	tap_is_int(TAPE_FILEMARK, cond, "... there still is a filemark");
	tape_free(t);
}

/* A file that was not ended goes on after loading, with any block=. */
static void
test_going_on(void)
{
	struct tape *t = begin_anew(",block=1000");

	put_label(t, "T1");
	put_header(t, DUMP);
	fill_record(data, sizeof(data), 7);
	put_record(t, data, 1000);
	put_record(t, data, 1000);
	tape_free(t);
	t = begin(",block=500");
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond), "to EOD");
	tap_is_int(2 + 1 + 4, (int64_t)t->pos.object, "smaller blocks, more");
	put_record(t, data, 500);
	tap_is_str("00000.T1 32768; 00001-open500.host._usr.1 35268; ", names(),
	    "and they are added to");
	tape_free(t);
	t = begin(",block=2000");
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond), "to EOD");
	tap_is_int(2 + 1 + 2, (int64_t)t->pos.object, "larger blocks, fewer");
	refused(t, 2000, "shorter than block=", "more after a short one is");
	put_mark(t);
	tap_is_str("00000.T1 32768; 00001.host._usr.1 35268; ", names(),
	    "but a filemark can follow");
	tape_free(t);
}

/* What a kill has left is never read, and is gone once something is written. */
static void
test_torn(void)
{
	struct tape *t = begin_anew("");

	put_label(t, "T1");
	tape_free(t);
	fill_header(data, DUMP);
	make("00001-open32768.a", data, 500);
	make("00001-open32768.b", data, 0);
	t = begin("");
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond), "to EOD");
	tap_is_int(2, (int64_t)t->pos.object, "half a header is none");
	tap_is_str("00000.T1 32768; 00001-open32768.a 500; "
		   "00001-open32768.b 0; ",
	    names(), "reading leaves all as it is");
	put_header(t, DUMP);
	put_record(t, data, 32768);
	tape_free(t);
	tap_is_str("00000.T1 32768; 00001-open32768.host._usr.1 65536; ",
	    names(), "writing removes it");
	make("00001-open32768.host._usr.1", data, HEADER + 32768 + 5);
	t = begin("");
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond), "to EOD");
	tap_is_int(4, (int64_t)t->pos.object, "half a record is none");
	put_mark(t);
	tape_free(t);
	tap_is_str("00000.T1 32768; 00001.host._usr.1 65536; ", names(),
	    "and does not get its filemark");
}

static void
test_opening(void)
{
	struct tape *t = begin_anew(""), *second = open_tape(spec);
	char text[600];

	tap_is_int(-EBUSY, tape_load(second), "two can't write to one");
	tape_free(t);
	tap_is_int(0, tape_load(second), "one after the other can");
	put_label(second, "TAPE01");
	tape_free(second);
	(void)snprintf(text, sizeof(text), "%s,readonly=yes", spec);
	t = load_tape(text);
	second = open_tape(text);
	tap_is_int(0, tape_load(second), "two can read");
	tap_is_int(-EROFS, tape_write(t, data, 9, &cond), "but not write");
	tape_free(second);
	tape_free(t);
	(void)snprintf(text, sizeof(text), "file:%s", top);
	t = load_tape(text);
	tap_ok(true, "with a label in it, it is known without format=");
	tape_free(t);
	tap_is_int(0, chmod(top, 0555), "with no permission to write");
	t = load_tape(spec);
	tap_is_int(-EROFS, tape_write(t, data, 9, &cond), "nobody writes");
	tape_free(t);
	(void)chmod(top, 0755); /* or it can't be removed */
	remove_tree(top);
	(void)snprintf(text, sizeof(text), "%s,create=no", spec);
	t = open_tape(text);
	tap_is_int(-ENOENT, tape_load(t), "with create=no none is made");
	tape_free(t);
	(void)mkdir(top, 0755); /* shows below */
	t = load_tape(text);
	tap_is_int(0, tape_read(t, data, 9, &done, &cond), "an empty one");
	tap_is_int(TAPE_EOD, cond, "... is blank, with format=");
	tape_free(t);
	(void)snprintf(text, sizeof(text), "file:%s", top);
	t = open_tape(text);
	tap_is_int(-EISDIR, tape_load(t), "... and is refused without");
	tape_free(t);
}

static int left; /* bytes that may be written */

static ssize_t
full_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	if ((int)iov[0].iov_len > left) {
		errno = ENOSPC;
		return -1;
	}
	left -= (int)iov[0].iov_len;
	return hostfile_system.pwritev(fd, iov, n, at);
}

static void
test_full(void)
{
	struct hostfile_calls calls = hostfile_system;
	struct tape *t = begin_anew("");

	put_label(t, "T1");
	calls.pwritev = full_pwritev;
	hostfile_set_calls(&calls);
	fill_header(data, DUMP);
	left = 1000;
	tap_is_int(-ENOSPC, tape_write(t, data, HEADER, &cond),
	    "a full disk has no room for a header");
	tap_is_int(TAPE_EOM, cond, "... which is the end of the medium");
	tap_is_str("00000.T1 32768; ", names(), "... and leaves nothing");
	left = HEADER + 1000;
	tap_is_int(0, tape_write(t, data, HEADER, &cond), "then it has");
	tap_is_int(-ENOSPC, tape_write(t, data, HEADER, &cond),
	    "but none for a record");
	tap_is_int(0, tape_write(t, data, 10, &cond), "a short one fits");
	put_mark(t);
	hostfile_set_calls(NULL);
	tap_is_str("00000.T1 32768; 00001.host._usr.1 32778; ", names(),
	    "the filemark needs no room");
	tape_free(t);
}

static int
no_rename(int from, const char *name, int to, const char *new)
{
	(void)from;
	(void)name;
	(void)to;
	(void)new;
	errno = EIO;
	return -1;
}

/* Without its name a short record does not count, nor does a filemark. */
static void
test_no_rename(void)
{
	struct amanda_calls calls = amanda_system;
	struct tape *t = begin_anew("");
	uint32_t n;

	put_label(t, "T1");
	put_header(t, DUMP);
	calls.renameat = no_rename;
	amanda_set_calls(&calls);
	tap_is_int(-EIO, tape_write(t, data, 10, &cond), "a short record");
	tap_is_int(-EIO, tape_write_filemarks(t, 1, false, &n, &cond),
	    "... and a filemark that can't get their names fail");
	amanda_set_calls(NULL);
	tap_is_str("00000.T1 32768; 00001-open32768.host._usr.1 32768; ",
	    names(), "... and leave nothing");
	tap_is_int(3, (int64_t)t->pos.object, "the tape stands before them");
	put_record(t, data, 10);
	put_mark(t);
	tap_is_str("00000.T1 32768; 00001.host._usr.1 32778; ", names(),
	    "and goes on when they can");
	tape_free(t);
}

static void
test_limits(void)
{
	struct tape *t = begin_anew(",capacity=100000,warn=30000");
	struct tape_info info;

	put_label(t, "T1");
	tape_describe(t, &info);
	tap_is_int(32769, (int64_t)info.used, "a filemark counts as a byte");
	fill_header(data, DUMP);
	tap_is_int(0, tape_write(t, data, HEADER, &cond), "a header");
	tap_is_int(TAPE_NONE, cond, "... is before the warning");
	tap_is_int(0, tape_write(t, data, HEADER, &cond), "a record");
	tap_is_int(TAPE_EARLY_WARNING, cond, "... is past it");
	tap_is_int(-ENOSPC, tape_write(t, data, HEADER, &cond),
	    "one more does not fit");
	tap_is_int(0, tape_write(t, data, 99, &cond), "a short one does");
	put_mark(t);
	tape_free(t);
	t = begin_anew(",block=16M");
	tape_describe(t, &info);
	tap_is_int(1 << 24, info.max_record, "block= is the largest record");
	tape_free(t);
	t = begin_anew(",block=10");
	tape_describe(t, &info);
	tap_is_int(HEADER, info.max_record, "but headers always fit");
	tape_free(t);
}

/* ---- Random operations on a model ---- */

static struct model m;

/* What can be written here: what kinds are there is the model's to say. */
static bool
write_something(struct tape *t, struct rng *rng, uint32_t block, uint32_t i)
{
	const struct thing *before = m.at == 0 ? NULL : &m.things[m.at - 1];
	uint32_t tag = i, len = block, n;

	if (before == NULL || before->len == 0) {
		tag = before == NULL ? LABEL_TAG : DUMP_TAG + i;
		len = HEADER;
	} else if (rng_below(rng, 3) == 0 ||
	    (before->tag < LABEL_TAG && before->len < block)) {
		if (tape_write_filemarks(t, 1, true, &n, &cond) < 0)
			return false;
		model_put(&m, 0, 0);
		return true;
	} else if (rng_below(rng, 4) == 0) {
		len = 1 + rng_below(rng, block);
	}
	fill_amanda(data, len, tag);
	if (tape_write(t, data, len, &cond) < 0)
		return false;
	model_put(&m, tag, len);
	return true;
}

static bool
do_something(struct tape *t, struct rng *rng, uint32_t block, uint32_t i)
{
	uint32_t what = rng_below(rng, 100), to;
	struct tape_pos pos = t->pos;

	if (what < 50 && m.at < m.n && rng_below(rng, 10) > 0) {
		m.at = m.n;
		return tape_space(t, TAPE_TO_EOD, 0, &done, &cond) == 0;
	}
	if (what < 60 && m.at < MODEL_MAX - 4)
		return write_something(t, rng, block, i);
	if (what < 70) {
		to = rng_below(rng, (uint32_t)m.n + 1);
		m.at = to;
		return tape_locate(t, 0, to, &cond) == 0;
	}
	if (what < 80 && m.at > 0) {
		m.at--;
		return tape_space(t, TAPE_RECORDS, -1, &done, &cond) == 0;
	}
	if (what < 90) {
		to = rng_below(rng, 4);
		if (tape_space(t, TAPE_FILEMARKS, -(int64_t)to, &done, &cond) <
		    0)
			return false;
		for (; m.at > 0 && pos.file - files_before(&m, m.at) < to;)
			m.at--;
		return true;
	}
	if (what < 95) {
		m.at = 0;
		return tape_unload(t) == 0 && tape_load(t) == 0;
	}
	if (what < 97) {
		m.n = m.at;
		return tape_erase(t, false) == 0;
	}
	m.at = 0;
	return tape_rewind(t) == 0;
}

static bool
holds(struct tape *t)
{
	static uint8_t expected[1 << 17];
	size_t len;

	(void)tape_rewind(t); /* as is read */
	for (uint64_t i = 0; i < m.n; i++) {
		if (tape_read(t, data, sizeof(data), &len, &cond) < 0 ||
		    len != m.things[i].len)
			return false;
		fill_amanda(expected, len, m.things[i].tag);
		if (memcmp(expected, data, len) != 0)
			return false;
	}
	return tape_read(t, data, sizeof(data), &len, &cond) == 0 &&
	    cond == TAPE_EOD;
}

static void
test_random(uint32_t block)
{
	struct rng rng = rng_seeded();
	char options[32];
	struct tape *t;
	bool same = true;

	(void)snprintf(options, sizeof(options), ",block=%" PRIu32, block);
	t = begin_anew(options);
	m.n = m.at = 0;
	for (uint32_t i = 1; i <= 3000 && same; i++) {
		same = do_something(t, &rng, block, i) &&
		    t->pos.object == m.at &&
		    t->pos.file == files_before(&m, m.at);
		if (!same)
			tap_diag("step %" PRIu32 ": object %" PRIu64
				 " file %" PRIu64 ", expected %" PRIu64 ": %s",
			    i, t->pos.object, t->pos.file, m.at, tape_why(t));
	}
	tap_ok(same, "3000 random operations, block=%" PRIu32, block);
	tap_ok(holds(t), "... leave the tape that the model says");
	tape_free(t);
}

int
main(void)
{
	char format[600];

	scratch = make_scratch();
	top = strdup(path_in(scratch, "tape"));
	(void)snprintf(format, sizeof(format), "file:%s,format=amanda", top);
	spec = format;
	test_listings("amanda", 20);
	test_example();
	test_names();
	test_refusals();
	test_overwrite();
	test_gap();
	test_going_on();
	test_torn();
	test_opening();
	test_full();
	test_no_rename();
	test_limits();
	test_random(32768);
	test_random(100);
	test_random(65536);
	remove_tree(scratch);
	free((char *)(uintptr_t)top);
	return tap_done();
}
