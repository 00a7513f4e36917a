/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tape directory of LTFS: every image in tests/data/ltfs is read as its
 * listing says, and whichever file is taken away, added or grown, that is
 * noticed.
 */
#include <sys/resource.h>

#include "import.h"

static const char *scratch;

static const char *const files[] = { "0_0_R", "0_1_F", "0_2_R", "0_3_R",
	"0_4_F", "0_5_F", "0_6_E" };

#define N_FILES (sizeof(files) / sizeof(files[0]))

/* A copy of "plain" in the scratch directory. */
static const char *
copy_plain(void)
{
	static char dir[300];

	(void)snprintf(dir, sizeof(dir), "%s", path_in(scratch, "plain"));
	copy_folder(data_case("ltfs", "plain/image"), dir);
	return dir;
}

static int
read_folder(const char *dir, uint64_t *ret_n)
{
	char spec[320];

	(void)snprintf(spec, sizeof(spec), "file:%s", dir);
	return read_through(spec, ret_n);
}

static void
test_every_file_matters(void)
{
	const char *dir = copy_plain();
	char away[320];
	uint64_t n;

	tap_is_int(0, read_folder(dir, &n), "the tape is whole");
	(void)snprintf(away, sizeof(away), "%s", joined(dir, "away"));
	for (size_t i = 0; i < N_FILES; i++) {
		if (rename(joined(dir, files[i]), away) < 0)
			tap_bail("%s: %s", files[i], strerror(errno));
		tap_is_int(-EIO, read_folder(dir, &n), "without %s it is not",
		    files[i]);
		tap_is_int((int64_t)i, (int64_t)n, "... from there on");
		(void)rename(away, joined(dir, files[i])); /* seen next */
	}
	remove_scratch(dir);
}

static void
test_no_file_is_too_much(void)
{
	const char *dir = copy_plain();
	unsigned added = 0, unseen = 0;
	uint64_t n;

	for (unsigned i = 0; i < 9; i++)
		for (const char *type = "RFE"; *type != '\0'; type++) {
			char name[16];

			(void)snprintf(name, sizeof(name), "0_%u_%c", i, *type);
			if (access(joined(dir, name), F_OK) == 0)
				continue;
			write_file(joined(dir, name), "x", 1);
			added++;
			unseen += read_folder(dir, &n) != -EIO;
			(void)unlink(joined(dir, name)); /* seen next */
		}
	tap_is_int(20, added, "objects are added that are not there");
	tap_is_int(0, unseen, "... and each is noticed");
	tap_is_int(0, read_folder(dir, &n), "without them the tape is whole");
	remove_scratch(dir);
}

static void
test_sizes(void)
{
	const char *dir = copy_plain();
	uint8_t *buf = calloc(1, (size_t)TAPE_MAX_RECORD + 1);
	char spec[320], path[320];
	struct tape *t;
	enum tape_cond cond;
	size_t len;

	if (buf == NULL)
		tap_bail("out of memory");
	(void)snprintf(spec, sizeof(spec), "file:%s", dir);
	(void)snprintf(path, sizeof(path), "%s/0_2_R", dir);
	t = load_tape(spec);
	if (truncate(path, TAPE_MAX_RECORD) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	(void)tape_locate(t, 0, 2, &cond); /* shows below */
	tap_is_int(0, tape_read(t, buf, TAPE_MAX_RECORD, &len, &cond),
	    "a record of 16 MiB is read");
	tap_is_int(TAPE_MAX_RECORD, (int64_t)len, "... in full");
	tap_ok(buf[0] == 'b' && buf[80] == 'b' && buf[81] == 0,
	    "... and has its bytes");
	if (truncate(path, (off_t)TAPE_MAX_RECORD + 1) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	(void)tape_unload(t);		   /* shows below, too */
	(void)tape_load(t);		   /* as above */
	(void)tape_locate(t, 0, 2, &cond); /* as above */
	tap_is_int(-EIO, tape_read(t, buf, TAPE_MAX_RECORD, &len, &cond),
	    "one byte more is refused");
	tap_ok(strstr(tape_why(t), "0_2_R is a record of 16777217 bytes") !=
		NULL,
	    "... in words: %s", tape_why(t));
	tape_free(t);
	free(buf);
	remove_scratch(dir);
}

/* Nothing that is no file can hold the tape up. */
static void
test_pipe(void)
{
	const char *dir = copy_plain();
	const char *path = joined(dir, "0_2_R");
	uint64_t n;

	if (unlink(path) < 0 || mkfifo(path, 0666) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	tap_is_int(-EIO, read_folder(dir, &n), "a pipe is no record");
	tap_is_int(2, (int64_t)n, "... where it lies");
	remove_scratch(dir);
}

static void
test_partitions(void)
{
	struct tape *t = load_tape("file:tests/data/ltfs/partitions/image");
	struct tape_info info;
	enum tape_cond cond;
	uint8_t buf[100];
	uint64_t done;
	size_t len;

	tape_describe(t, &info);
	tap_is_int(2, info.partitions, "there are two partitions");
	tap_is_int(0, tape_locate(t, 1, 1, &cond), "the second is selected");
	(void)tape_read(t, buf, sizeof(buf), &len, &cond); /* seen below */
	tap_ok(len == 3 && buf[0] == 'c', "... and its second record is read");
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	tap_is_int(3, (int64_t)t->pos.object, "... it has three objects");
	tap_is_int(0, tape_locate(t, 0, 0, &cond), "the first is selected");
	(void)tape_read(t, buf, sizeof(buf), &len, &cond); /* as above */
	tap_ok(len == 80 && buf[0] == 'a', "... and read");
	tap_is_int(-EINVAL, tape_locate(t, 2, 0, &cond), "there is no third");
	tape_free(t);
}

static void
test_medium(const char *name, const char *expected)
{
	char spec[600];
	struct tape_info info;
	struct tape *t;

	(void)snprintf(spec, sizeof(spec), "file:%s/barcode.d/%s/image/",
	    joined(data_dir(), "ltfs"), name);
	t = load_tape(spec);
	tape_describe(t, &info);
	tap_is_str(expected, info.medium, "%s: the medium is called that",
	    name);
	tape_free(t);
}

/* Many objects, with files open to no more than a few at a time. */
static void
test_many(void)
{
	struct rlimit few = { .rlim_cur = 32, .rlim_max = 32 };
	const char *dir = copy_plain();
	char name[32];
	uint64_t n;

	(void)unlink(joined(dir, "0_6_E")); /* shows below */
	for (unsigned i = 6; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "0_%u_%c", i,
		    i % 10 == 0 ? 'F' : 'R');
		write_file(joined(dir, name), "x", i % 10 != 0);
	}
	tap_is_int(-EIO, read_folder(dir, &n),
	    "5000 objects have no end of data");
	tap_is_int(5000, (int64_t)n, "... but can all be read");
	write_file(joined(dir, "0_5000_E"), "", 0);
	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		tap_bail("setrlimit: %s", strerror(errno));
	tap_is_int(0, read_folder(dir, &n), "... and then have one");
	remove_scratch(dir);
}

static void
test_resync(void)
{
	tap_is_int(3,
	    (int64_t)resync_at(data_case("ltfs", "gap/image"), "ltfs", 2),
	    "after a gap there is the next object");
	tap_is_int(0,
	    (int64_t)resync_at(data_case("ltfs", "eod-missing/image"), "ltfs",
		2),
	    "where the end of data is missing nothing follows");
	tap_is_int(0,
	    (int64_t)resync_at(data_case("ltfs", "killed-in-record/image"),
		"ltfs", 2),
	    "nor does it after the last object");
	tap_is_int(0,
	    (int64_t)resync_at(data_case("ltfs", "far-name/image"), "ltfs", 6),
	    "a far number is not searched for");
}

int
main(void)
{
	scratch = make_scratch();
	test_listings("ltfs", 30);
	is_refused("file:tests/data/ltfs/refused.d/partition-2/image",
	    -EMEDIUMTYPE, "2_0_R: a partition that LTFS does not have");
	test_every_file_matters();
	test_no_file_is_too_much();
	test_sizes();
	test_pipe();
	test_partitions();
	test_medium("barcode", "LTF001L5");
	test_medium("no-text", "image");
	test_medium("other-id", "image");
	test_medium("short", "image");
	test_resync();
	test_many();
	remove_scratch(scratch);
	return tap_done();
}
