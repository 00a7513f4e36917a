/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file tape: what it opens and refuses, what it says of itself, and which
 * calls it makes to the system.  The contract of every tape is in
 * tests/contract/tape-t.c, damage in simh-t.c, failures in tests/fault.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "../contract/tapes.h"
#include "hostfile.h"

static const char *dir;
static enum tape_cond cond;
static uint64_t done;
static uint8_t buf[1 << 20];

/* ---- Counting calls ---- */

static struct {
	unsigned preads, writes, syncs, dir_syncs, opens_without_cloexec;
	uint8_t first[4]; /* of the last but one writing call */
	uint8_t last[4];
	off_t last_at;
	size_t last_len;
} calls;

static ssize_t
counting_pread(int fd, void *to, size_t len, off_t at)
{
	calls.preads++;
	return hostfile_system.pread(fd, to, len, at);
}

static ssize_t
counting_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	calls.writes++;
	memcpy(calls.first, calls.last, 4);
	memcpy(calls.last, iov[0].iov_base, 4);
	calls.last_at = at;
	calls.last_len = iov[0].iov_len;
	return hostfile_system.pwritev(fd, iov, n, at);
}

static int
counting_fdatasync(int fd)
{
	calls.syncs++;
	return hostfile_system.fdatasync(fd);
}

static int
counting_fsync(int fd)
{
	calls.dir_syncs++;
	return hostfile_system.fsync(fd);
}

static int
counting_open(const char *path, int flags, mode_t mode)
{
	calls.opens_without_cloexec += (flags & O_CLOEXEC) == 0;
	return hostfile_system.open(path, flags, mode);
}

static void
count_calls(void)
{
	static struct hostfile_calls counting;

	counting = hostfile_system;
	counting.pread = counting_pread;
	counting.pwritev = counting_pwritev;
	counting.fdatasync = counting_fdatasync;
	counting.fsync = counting_fsync;
	counting.open = counting_open;
	memset(&calls, 0, sizeof(calls));
	hostfile_set_calls(&counting);
}

/* ---- Helpers ---- */

static void
put(struct tape *t, uint32_t tag, size_t len)
{
	fill_record(buf, len, tag);
	if (tape_write(t, buf, len, &cond) < 0)
		tap_bail("%s", tape_why(t));
}

static int
put_marks(struct tape *t, uint32_t count, bool immediate)
{
	uint32_t n;

	return tape_write_filemarks(t, count, immediate, &n, &cond);
}

static void
make_file(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(path_in(dir, name), "wb");

	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		tap_bail("%s: %s", name, strerror(errno));
}

static bool
exists(const char *name)
{
	return access(path_in(dir, name), F_OK) == 0;
}

static struct stat
stat_of(const char *name)
{
	struct stat st;

	if (stat(path_in(dir, name), &st) < 0)
		tap_bail("%s: %s", name, strerror(errno));
	return st;
}

/* Loading must fail so, with these words among its own. */
static void
refused(const char *spec, int err, const char *words, const char *rule)
{
	struct tape *t = open_tape(spec);

	tap_is_int(-err, tape_load(t), "%s", rule);
	tap_ok(strstr(tape_why(t), words) != NULL, "... and says so: %s",
	    tape_why(t));
	tap_is_int(-ENOMEDIUM, tape_rewind(t), "... and is not loaded");
	tape_free(t);
}

static void
bad_spec(const char *options, const char *words)
{
	char text[512];
	struct spec_error e;
	struct spec *spec = NULL;
	struct tape *t;
	int r;

	(void)snprintf(text, sizeof(text), "%s%s", spec_in(dir, "new.tap"),
	    options);
	r = spec_parse(text, test_types, &spec, &e);
	if (r == 0) {
		r = spec_open(spec, &t, &e);
		spec_free(spec);
	}
	tap_is_int(-EINVAL, r, "\"%s\" is refused", options);
	tap_ok(strstr(e.text, words) != NULL, "... and says why: %s", e.text);
	tap_ok(!exists("new.tap"), "... before anything is made");
}

/* ---- What it opens ---- */

static void
test_specs(void)
{
	bad_spec(",format=quipu", "there are pmt, ");
	bad_spec(",capacity=none", "capacity");
	bad_spec(",capacity=1M,warn=2M", "warn");
	bad_spec(",sides=2", "sides");
	bad_spec(",readonly=perhaps", "yes or no");
}

static void
test_missing(void)
{
	struct tape *t;

	refused(spec_in(dir, "new.tap,create=no"), ENOENT, "new.tap",
	    "create=no: a missing image is refused");
	tap_ok(!exists("new.tap"), "... and not made");
	refused(spec_in(dir, "new.tap,readonly=yes"), ENOENT, "new.tap",
	    "readonly=yes: so it is");
	tap_ok(!exists("new.tap"), "... and not made");
	refused(spec_in(dir, "no/new.tap"), ENOENT, "directory",
	    "a missing directory is refused");
	t = open_tape(spec_in(dir, "new.tap"));
	tap_ok(!exists("new.tap"), "a spec that is open makes nothing yet");
	count_calls();
	tap_is_int(0, tape_load(t), "a missing image is made at load");
	tap_is_int(1, calls.dir_syncs, "... and its directory synced");
	tap_is_int(0, calls.opens_without_cloexec, "no file leaks into exec");
	hostfile_set_calls(NULL);
	tape_free(t);
	tap_is_int(0, stat_of("new.tap").st_size, "a blank tape has 0 bytes");
	tape_free(load_tape(spec_in(dir, "new.tap,create=no")));
	tap_ok(true, "and is there for create=no");
}

static void
test_no_image(void)
{
	static const char text[] = "This is the story of a text file.\n";

	make_file("story.txt", text, sizeof(text));
	refused(spec_in(dir, "story.txt"), EMEDIUMTYPE,
	    "format=", "a file of something else is refused");
	tape_free(load_tape(spec_in(dir, "story.txt,format=simh")));
	tap_ok(true, "... but not if its format is named");
	tap_is_int(sizeof(text), stat_of("story.txt").st_size,
	    "... and it is left alone");
	if (mkdir(path_in(dir, "d"), 0700) < 0 ||
	    mkfifo(path_in(dir, "fifo"), 0600) < 0)
		tap_bail("%s", strerror(errno));
	refused(spec_in(dir, "d"), EISDIR, "directory",
	    "a directory is refused");
	refused(spec_in(dir, "fifo"), EINVAL, "regular",
	    "a fifo is refused, not waited for");
	refused("file:/dev/null", EINVAL,
	    "st:", "a device is refused, with the type that would take it");
	(void)rmdir(path_in(dir, "d")); /* scratch */
}

static void
test_lock(void)
{
	struct tape *writer = load_tape(spec_in(dir, "lock.tap"));
	struct tape *reader;

	refused(spec_in(dir, "lock.tap"), EBUSY, "in use by another process",
	    "one image, one writer");
	refused(spec_in(dir, "lock.tap,readonly=yes"), EBUSY, "in use",
	    "... and no reader beside it");
	(void)tape_unload(writer); /* what follows shows it */
	reader = load_tape(spec_in(dir, "lock.tap,readonly=yes"));
	tape_free(load_tape(spec_in(dir, "lock.tap,readonly=yes")));
	tap_ok(true, "two readers may share it, once it is unloaded");
	tap_is_int(-EBUSY, tape_load(writer), "... but not with a writer");
	tape_free(reader);
	tap_is_int(0, tape_load(writer), "who has it when they are gone");
	tape_free(writer);
}

static void
test_protection(void)
{
	struct tape_info info;
	struct tape *t = load_tape(spec_in(dir, "tab.tap"));

	put(t, 1, 10);
	tape_free(t);
	if (chmod(path_in(dir, "tab.tap"), 0444) < 0)
		tap_bail("%s", strerror(errno));
	t = load_tape(spec_in(dir, "tab.tap"));
	tape_describe(t, &info);
	tap_ok(info.write_protected, "chmod a-w is the write-protect tab");
	fill_record(buf, 10, 2);
	tap_is_int(-EROFS, tape_write(t, buf, 10, &cond), "and is obeyed");
	tap_ok(strstr(tape_why(t), "tab.tap") != NULL, "with words: %s",
	    tape_why(t));
	tape_free(t);
}

/* ---- What it says ---- */

static void
test_describe(void)
{
	struct tape_info info;
	struct tape *t =
	    open_tape(spec_in(dir, "info.tap,capacity=1000,max=600"));

	tape_describe(t, &info);
	tap_is_int(1000, (int64_t)info.capacity, "capacity without a medium");
	tap_is_str("", info.medium, "no medium has no name");
	(void)tape_load(t); /* what follows shows it */
	tape_describe(t, &info);
	tap_is_str("info.tap", info.medium, "the medium is named as the image");
	tap_is_int(600, info.max_record, "max= is the largest record");
	tap_is_int(600, info.room, "there is room for it");
	tap_is_int(1, info.max_partitions, "there are no partitions");
	tap_ok(!info.can_compress, "there is no compression");
	fill_record(buf, 601, 1);
	tap_is_int(-EINVAL, tape_write(t, buf, 601, &cond),
	    "a record larger than max= is refused");
	put(t, 1, 501);
	tape_describe(t, &info);
	tap_is_int(510, (int64_t)info.used, "used counts the framing");
	tap_is_int(482, info.room, "room is what fits with its framing");
	put(t, 2, 482);
	tap_is_int(TAPE_EARLY_WARNING, cond, "... with early warning");
	tape_describe(t, &info);
	tap_is_int(1000, (int64_t)info.used, "... and ends at the capacity");
	tap_is_int(0, info.room, "there is no room at the end");
	tap_is_int(-ENOSPC, put_marks(t, 1, false), "nor for a filemark");
	tap_is_int(TAPE_EOM, cond, "which is the end of the medium");
	tape_free(t);
}

static void
test_space_given_back(void)
{
	struct tape *t = load_tape(spec_in(dir, "small.tap"));
	struct stat st;

	put(t, 1, 1000);
	tap_is_int(1008, stat_of("small.tap").st_size,
	    "the file is as long as its objects, whatever is reserved");
	tap_is_int(0, tape_unload(t), "unload");
	st = stat_of("small.tap");
	tap_is_int(1008, st.st_size, "it is that long after unload");
	tap_ok(st.st_blocks <= 64,
	    "... and what was reserved is given back "
	    "(%lld blocks)",
	    (long long)st.st_blocks);
	tape_free(t);
}

static void
test_reading_leaves_alone(void)
{
	struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct tape *t;
	size_t len;

	if (utimensat(AT_FDCWD, path_in(dir, "small.tap"), long_ago, 0) < 0)
		tap_bail("%s", strerror(errno));
	t = load_tape(spec_in(dir, "small.tap"));
	(void)tape_read(t, buf, sizeof(buf), &len, &cond); /* only to read */
	tap_is_int(0, put_marks(t, 0, false), "a sync with nothing to sync");
	tape_free(t);
	tap_is_int(1, stat_of("small.tap").st_mtime,
	    "a tape that is only read is not touched, though loaded to write");
}

/* ---- Which calls it makes ---- */

static void
test_order(void)
{
	static const uint8_t end[] = { 0xff, 0xff, 0xff, 0xff };
	static const uint8_t length[] = { 100, 0, 0, 0 };
	struct tape *t = load_tape(spec_in(dir, "order.tap"));

	put(t, 1, 10);
	count_calls();
	put(t, 2, 100);
	tap_is_int(2, calls.writes, "a record is two writing calls");
	tap_is_mem(end, calls.first, 4, "the first says end of medium");
	tap_is_mem(length, calls.last, 4, "the second is the length");
	tap_is_int(4, (int64_t)calls.last_len, "... and nothing else");
	tap_is_int(18, calls.last_at, "... at the beginning of the record");
	hostfile_set_calls(NULL);
	tape_free(t);
}

static void
test_syncs(void)
{
	struct tape *t = load_tape(spec_in(dir, "sync.tap"));

	count_calls();
	put(t, 1, 100);
	tap_is_int(0, calls.syncs, "a record is not synced");
	(void)put_marks(t, 1, true); /* counted */
	tap_is_int(0, calls.syncs, "nor is an immediate filemark");
	(void)put_marks(t, 0, true);
	tap_is_int(1, calls.syncs, "0 filemarks sync, even immediate");
	(void)put_marks(t, 0, false);
	tap_is_int(1, calls.syncs, "... but only what is not synced yet");
	(void)put_marks(t, 3, false);
	tap_is_int(2, calls.syncs, "filemarks sync, once however many");
	(void)tape_rewind(t);
	tap_is_int(2, calls.syncs, "motion does not");
	(void)tape_erase(t, false);
	tap_is_int(3, calls.syncs, "erase does");
	put(t, 1, 100);
	(void)tape_unload(t);
	tap_is_int(4, calls.syncs, "unload does");
	hostfile_set_calls(NULL);
	tape_free(t);
}

#define MANY 200000 /* records of one byte, 10 bytes each in the image */

static void
test_many(void)
{
	struct tape *t = load_tape(spec_in(dir, "many.tap"));
	unsigned bound = MANY * 10 / 65536 * 2;

	for (uint32_t i = 0; i < MANY; i++)
		put(t, i, 1);
	(void)tape_unload(t); /* to forget all places */
	count_calls();
	(void)tape_load(t);
	tap_ok(calls.preads <= 16, "loading does not walk the tape (%u reads)",
	    calls.preads);
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond);
	tap_is_int(MANY, (int64_t)t->pos.object, "spacing to EOD counts all");
	tap_ok(calls.preads <= bound,
	    "... reading many small records at once (%u reads)", calls.preads);
	calls.preads = 0;
	for (uint32_t i = 0; i < 100; i++)
		(void)tape_locate(t, 0, i * 7919 % MANY, &cond);
	tap_is_int(99 * 7919 % MANY, (int64_t)t->pos.object, "locate");
	tap_ok(calls.preads <= 200,
	    "... does not walk over known ground (%u reads)", calls.preads);
	calls.preads = 0;
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond);
	(void)tape_space(t, TAPE_FILEMARKS, -1, &done, &cond);
	tap_is_int(TAPE_BOT, cond, "back over no filemark is BOT");
	tap_ok(calls.preads <= 2, "... at once (%u reads)", calls.preads);
	hostfile_set_calls(NULL);
	tape_free(t);
	(void)unlink(path_in(dir, "many.tap")); /* scratch */
}

/* ---- A limit that the kernel sets ---- */

static void
test_file_size_limit(void)
{
	struct rlimit old, limit;
	struct tape *t = load_tape(spec_in(dir, "limit.tap"));
	unsigned warned = 0;
	int r;

	(void)signal(SIGXFSZ, SIG_IGN); /* as pmtd does */
	(void)getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 100 * 65536;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		tap_bail("%s", strerror(errno));
	fill_record(buf, 65536, 1);
	while ((r = tape_write(t, buf, 65536, &cond)) == 0)
		warned += cond == TAPE_EARLY_WARNING;
	tap_is_int(-ENOSPC, r, "a file size limit is the end of the medium");
	tap_is_int(TAPE_EOM, cond, "... and so the condition");
	tap_is_int(99, (int64_t)t->pos.object, "... with all that fits");
	tap_ok(warned > 0, "... after early warning (%u records)", warned);
	tap_is_int(0, put_marks(t, 2, false), "and filemarks still fit");
	tap_is_int(TAPE_EARLY_WARNING, cond, "... with early warning");
	(void)setrlimit(RLIMIT_FSIZE, &old); /* raising to what was is fine */
	tape_free(t);
}

/* As operators have it: a link to what is in the drive. */
static void
test_link(void)
{
	char real[512];
	struct stat st;
	struct tape *t;

	(void)snprintf(real, sizeof(real), "%s", path_in(dir, "volume.tap"));
	if (symlink(real, path_in(dir, "drive")) < 0)
		tap_bail("drive: %s", strerror(errno));
	t = load_tape(spec_in(dir, "drive"));
	tap_is_int(0, stat(real, &st), "a blank tape is made behind a link");
	tap_is_int(0, st.st_size,
	    "in the format that the name of the file says, SIMH");
	tape_free(t);
}

/* What a format can't take to write may be there to be read. */
static void
test_limits_of_format(void)
{
	struct tape *t = load_tape(spec_in(dir, "limits.aws"));
	struct tape_info info;

	tape_describe(t, &info);
	tap_is_int(65535, info.max_record,
	    "a record is as large as AWS has it");
	tap_is_int(TAPE_MAX_RECORD, info.max_read,
	    "but a read may be as large as any");
	tape_free(t);
}

int
main(void)
{
	dir = make_scratch();
	test_specs();
	test_missing();
	test_no_image();
	test_lock();
	test_protection();
	test_describe();
	test_space_given_back();
	test_reading_leaves_alone();
	test_order();
	test_syncs();
	test_many();
	test_file_size_limit();
	test_link();
	test_limits_of_format();
	remove_scratch(dir);
	return tap_done();
}
