/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native format: images that were put together elsewhere read as their
 * listings say, what is written is the bytes of the format, and every option
 * does what the manual says.  Rot is in tests/fault/native-rot-t.c, calls that
 * fail and death in tests/fault/native-fault-t.c.
 */
#include <fcntl.h>

#include "bytes.h"
#include "hostfile.h"
#include "listing.h"
#include "native.h"
#include "native_disk.h"
#include "native_log.h"

static const char *dir;
static enum tape_cond cond;
static uint64_t done;
static uint8_t buf[1 << 20], seen[1 << 20];

/* ---- Helpers ---- */

static void
put(struct tape *t, uint32_t tag, size_t len)
{
	fill_record(buf, len, tag);
	put_record(t, buf, len);
}

static void
holds(struct tape *t, uint32_t tag, size_t want, const char *rule)
{
	size_t len = 0;
	int r = tape_read(t, buf, sizeof(buf), &len, &cond);

	tap_ok(r == 0 && cond == TAPE_NONE && len == want &&
		is_record_of(buf, len, tag),
	    "%s (%d, %zu bytes) %s", rule, r, len, tape_why(t));
}

static void
refused(const char *spec, int err, const char *words, const char *rule)
{
	struct tape *t = open_tape(spec);

	tap_is_int(-err, tape_load(t), "%s", rule);
	tap_ok(strstr(tape_why(t), words) != NULL, "... and says \"%s\": %s",
	    words, tape_why(t));
	tape_free(t);
}

static size_t
file_bytes(const char *name, uint8_t *to)
{
	return bytes_of(path_in(dir, name), to, sizeof(buf));
}

static void
make_file(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(path_in(dir, name), "wb");

	if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
		tap_bail("%s: %s", name, strerror(errno));
}

/* "file:DIR/NAME", options and the path of a key in the same directory. */
static const char *
keyed(const char *name, const char *key)
{
	static char text[2][1024];
	static unsigned turn;
	char *out = text[turn++ % 2];

	(void)snprintf(out, sizeof(text[0]), "%s,key=%s", spec_in(dir, name),
	    path_in(dir, key));
	return out;
}

/* ---- Bytes ---- */

static uint8_t next_random;

static int
known_random(void *to, size_t len)
{
	uint8_t *p = to;

	for (size_t i = 0; i < len; i++)
		p[i] = next_random++;
	return 0;
}

static int64_t
known_now(void)
{
	return 1000000000;
}

static const struct native_world known_world = { known_random, known_now };

/* What tests/data/pmt/generate.py puts together, and pmt-native(5) shows. */
static void
test_example(void)
{
	char path[512];
	struct tape *t;
	size_t n;

	next_random = 0x10;
	native_set_world(&known_world);
	t = load_tape(spec_in(dir, "example.pmt"));
	native_set_world(NULL);
	put_record(t, "abc", 3);
	put_mark(t);
	put_record(t, "de", 2);
	tap_is_int(0, tape_unload(t), "the example is unloaded");
	tape_free(t);
	(void)snprintf(path, sizeof(path), "%s/pmt/example/image.pmt",
	    data_dir());
	n = bytes_of(path, seen, sizeof(seen));
	tap_is_int((int64_t)n, (int64_t)file_bytes("example.pmt", buf),
	    "the image is as long as another program makes it");
	tap_is_mem(seen, buf, n, "and has the same bytes");
}

static void
test_overwrite(void)
{
	struct tape *t = load_tape(spec_in(dir, "over.pmt"));

	for (uint32_t i = 0; i < 10; i++)
		put(t, i, 1000);
	put_mark(t);
	tape_free(t);
	t = load_tape(spec_in(dir, "over.pmt"));
	(void)tape_locate(t, 0, 3, &cond); /* what follows shows it */
	put(t, 77, 500);
	tap_is_int(0, tape_unload(t), "overwritten in the middle");
	tap_is_int(8192 + 3 * 1064 + 568, (int64_t)file_bytes("over.pmt", seen),
	    "nothing is left of what followed");
	(void)tape_load(t); /* as above */
	for (uint32_t i = 0; i < 3; i++)
		holds(t, i, 1000, "what precedes is there");
	holds(t, 77, 500, "the new record is there");
	(void)tape_read(t, buf, 10, &(size_t){ 0 }, &cond); /* shows below */
	tap_is_int(TAPE_EOD, cond, "and then nothing");
	tape_free(t);
}

/* Loads, reads all and unloads; the file must be as it was. */
static void
test_reading_leaves_alone(void)
{
	struct tape *t = load_tape(spec_in(dir, "same.pmt"));
	size_t n;

	put(t, 1, 5000);
	put_mark(t);
	put(t, 2, 5000);
	tape_free(t);
	n = file_bytes("same.pmt", seen);
	memset(seen + n, 0x55, 1000); /* a tail, torn */
	make_file("same.pmt", seen, n + 1000);
	t = load_tape(spec_in(dir, "same.pmt"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "a torn tail is passed over");
	tap_is_int(3, (int64_t)t->pos.object, "... which is the end of data");
	tap_is_int(0,
	    tape_write_filemarks(t, 0, false, &(uint32_t){ 0 }, &cond),
	    "a sync of a tape that was only read");
	tape_free(t);
	tap_is_int((int64_t)n + 1000, (int64_t)file_bytes("same.pmt", buf),
	    "a tape that is only read is left as it is");
	tap_is_mem(seen, buf, n + 1000, "... byte for byte");
	t = load_tape(spec_in(dir, "same.pmt"));
	(void)tape_space(t, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	put(t, 3, 10);
	tape_free(t);
	tap_is_int((int64_t)n + 80, (int64_t)file_bytes("same.pmt", buf),
	    "the first write cuts the tail away");
}

static void
test_birth(void)
{
	static const uint8_t zeros[8192];
	struct tape_info info;
	struct tape *t = load_tape(spec_in(dir, "born.pmt"));

	tape_describe(t, &info);
	tap_is_int(0, (int64_t)info.used, "a new tape has nothing on it");
	tap_is_int(8192, (int64_t)file_bytes("born.pmt", seen),
	    "... but superblocks, once it is loaded");
	tape_free(t);
	make_file("born.pmt", zeros, 4096);
	t = load_tape(spec_in(dir, "born.pmt"));
	put(t, 1, 10);
	tape_free(t);
	t = load_tape(spec_in(dir, "born.pmt,readonly=yes"));
	holds(t, 1, 10, "a file that died while it was made is made again");
	tape_free(t);
	make_file("born.pmt", "", 0);
	t = load_tape(spec_in(dir, "born.pmt,readonly=yes"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "a blank file that is only read is a blank tape");
	tape_free(t);
	tap_is_int(0, (int64_t)file_bytes("born.pmt", buf),
	    "... and stays blank");
	make_file("zeros.tap", zeros, 4096);
	t = load_tape(spec_in(dir, "zeros.tap"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond), "zeros");
	tap_is_int(1024, (int64_t)t->pos.object,
	    "... are what their suffix says");
	tape_free(t);
}

/* A superblock with some bytes changed, and its CRC right again. */
static void
patch(const char *name, size_t at, uint32_t value)
{
	size_t n = file_bytes(name, seen);

	for (size_t slot = 0; slot <= 4096; slot += 4096) {
		le32_put(seen + slot + at, value);
		le32_put(seen + slot + 8, native_crc(0, seen + slot + 12, 500));
	}
	make_file(name, seen, n);
}

static void
test_versions(void)
{
	tape_free(load_tape(spec_in(dir, "v.pmt")));
	patch("v.pmt", 24, 0x80);
	tape_free(load_tape(spec_in(dir, "v.pmt")));
	tap_ok(true, "compatible features that are not known do not matter");
	patch("v.pmt", 16, 0x80);
	refused(spec_in(dir, "v.pmt"), EMEDIUMTYPE, "newer pmt",
	    "incompatible features are refused");
	patch("v.pmt", 16, 0);
	patch("v.pmt", 12, 2);
	refused(spec_in(dir, "v.pmt,format=pmt"), EMEDIUMTYPE, "newer pmt",
	    "and so is another version");
	patch("v.pmt", 12, 1);
	tape_free(load_tape(spec_in(dir, "v.pmt")));
	seen[20] ^= 1;
	seen[4096 + 20] ^= 1;
	make_file("v.pmt", seen, 8192);
	refused(spec_in(dir, "v.pmt"), EMEDIUMTYPE, "both of its superblocks",
	    "with no valid superblock it is refused");
}

/* ---- Options ---- */

static void
test_capacity(void)
{
	struct tape_info info;
	struct tape *t =
	    load_tape(spec_in(dir, "cap.pmt,capacity=100000,warn=30000"));
	unsigned n = 0, warned = 0;
	uint8_t all[128];

	tape_free(t);
	native_index_tune(1, 1, 4); /* index objects count as well */
	t = load_tape(spec_in(dir, "cap.pmt"));
	tape_describe(t, &info);
	tap_is_int(100000, (int64_t)info.capacity,
	    "the capacity is told by the image");
	fill_record(all, sizeof(all), 5);
	while (tape_write(t, all, sizeof(all), &cond) == 0) {
		n++;
		warned += cond == TAPE_EARLY_WARNING;
	}
	tap_is_int(TAPE_EOM, cond, "and is where the medium ends");
	tap_ok(warned > n / 5 && warned < n / 3, "after warn= of it (%u of %u)",
	    warned, n);
	tape_describe(t, &info);
	tap_ok(info.used <= 100000 && info.used > 99000,
	    "all of it is used (%" PRIu64 ")", info.used);
	tape_free(t);
	tap_ok(file_bytes("cap.pmt", seen) <= 8192 + 100000 + 400,
	    "the file is no longer than that, but for a last index object");
	native_index_tune(0, 0, 0);
	t = load_tape(spec_in(dir, "cap.pmt"));
	tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond), "to EOD");
	tap_is_int(n, (int64_t)t->pos.object, "and all of them are there");
	tape_free(t);
}

/* The size of an image of one record of 10000 equal bytes. */
static size_t
size_with(const char *spec, int compression)
{
	struct tape *t = load_tape(spec);

	if (compression >= 0 &&
	    tape_set(t, TAPE_COMPRESSION, (uint32_t)compression) < 0)
		tap_bail("%s", tape_why(t));
	memset(buf, 'e', 10000);
	put_record(t, buf, 10000);
	(void)tape_rewind(t); /* shows in what is read */
	memset(seen, 0, 10000);
	if (tape_read(t, seen, 100, &(size_t){ 0 }, &cond) < 0 ||
	    memcmp(seen, buf, 100) != 0 || seen[100] != 0)
		tap_bail("%s: %s", spec, tape_why(t));
	tape_free(t);
	return file_bytes("comp.pmt", seen) - 8192;
}

static void
test_compression(void)
{
	struct rng rng = { .state = 1 };
	struct tape_info info;
	struct tape *t;

	tap_is_int(10064, (int64_t)size_with(spec_in(dir, "comp.pmt"), -1),
	    "by default nothing is compressed");
	tap_ok(size_with(spec_in(dir, "comp.pmt,compress=zstd"), -1) < 200,
	    "compress=zstd compresses");
	tap_is_int(10064, (int64_t)size_with(spec_in(dir, "comp.pmt"), -1),
	    "... as long as it is said");
	tap_ok(size_with(spec_in(dir, "comp.pmt"), 1) < 200,
	    "the drive's setting does");
	tap_is_int(10064,
	    (int64_t)size_with(spec_in(dir, "comp.pmt,compress=zstd"), 0),
	    "... and undoes it");
	(void)unlink(path_in(dir, "comp.pmt")); /* made anew if not */
	tap_ok(size_with(spec_in(dir, "comp.pmt,compress=zstd,level=19"), -1) <
		200,
	    "an image that is made with compress=zstd");
	tap_ok(size_with(spec_in(dir, "comp.pmt"), -1) < 200,
	    "... keeps to it");
	tap_is_int(10064,
	    (int64_t)size_with(spec_in(dir, "comp.pmt,compress=no"), -1),
	    "... but for compress=no");
	refused(spec_in(dir, "comp.pmt,compress=zlib"), EINVAL, "zstd",
	    "other methods are refused");
	t = load_tape(spec_in(dir, "comp.pmt"));
	tape_describe(t, &info);
	tap_ok(info.can_compress, "it says that it can");
	tap_is_int(-EINVAL, tape_set(t, TAPE_COMPRESSION, 2), "0 or 1");
	tap_is_int(-EOPNOTSUPP, tape_set(t, TAPE_DENSITY, 2), "no densities");
	for (size_t i = 0; i < 1000; i++)
		buf[i] = (uint8_t)rng_next(&rng);
	put_record(t, buf, 1000);
	tape_free(t);
	tap_is_int(1064, (int64_t)file_bytes("comp.pmt", seen) - 8192,
	    "what does not get smaller is stored as it is");
}

static void
test_sizes(void)
{
	static const uint32_t sizes[] = { 1, 7, 8, 9, 65535, (1 << 24) - 1,
		1 << 24 };
	static const char *const options[] = { "", ",compress=zstd" };
	uint8_t *a = malloc(1 << 24), *b = malloc(1 << 24);
	struct tape *t;
	size_t len;
	char spec[600];

	if (a == NULL || b == NULL)
		tap_bail("out of memory");
	for (unsigned o = 0; o < 2; o++) {
		bool ok = true;

		(void)snprintf(spec, sizeof(spec), "%s%s",
		    spec_in(dir, "sizes.pmt"), options[o]);
		t = load_tape(spec);
		for (size_t i = 0; i < 7; i++) {
			fill_record(a, sizes[i], (uint32_t)i + 1);
			put_record(t, a, sizes[i]);
		}
		(void)tape_rewind(t); /* shows below */
		for (size_t i = 0; i < 7 && ok; i++)
			ok = tape_read(t, b, 1 << 24, &len, &cond) == 0 &&
			    len == sizes[i] &&
			    is_record_of(b, len, (uint32_t)i + 1);
		tap_ok(ok, "records of 1 byte to 16 MiB%s", options[o]);
		tape_free(t);
	}
	(void)unlink(path_in(dir, "sizes.pmt")); /* scratch, but large */
	free(a);
	free(b);
}

/* ---- Keys ---- */

static void
make_key(const char *name, const void *bytes, size_t len, mode_t mode)
{
	make_file(name, bytes, len);
	if (chmod(path_in(dir, name), mode) < 0)
		tap_bail("%s: %s", name, strerror(errno));
}

static bool
contains(const uint8_t *where, size_t n, const char *what)
{
	return memmem(where, n, what, strlen(what)) != NULL;
}

static void
test_key_files(void)
{
	static const char hex[] =
	    "6162636465666768696a6b6c6d6e6f7071727374757677"
	    "78797a414243444546\n";
	static const char raw[] = "abcdefghijklmnopqrstuvwxyzABCDEF";

	make_key("hex", hex, 65, 0600);
	make_key("raw", raw, 32, 0600);
	make_key("other", hex + 1, 32, 0400);
	make_key("long", hex, 63, 0600);
	make_key("bad", "zz", 2, 0600);
	make_key("open", raw, 32, 0644);
	refused(keyed("k.pmt", "none"), ENOENT, "none", "no key file");
	refused(keyed("k.pmt", "long"), EINVAL, "32 bytes", "63 digits");
	refused(keyed("k.pmt", "bad"), EINVAL, "32 bytes", "a short key");
	refused(keyed("k.pmt", "open"), EACCES, "chmod 600",
	    "a key that others may read");
	tap_is_int(0, (int64_t)file_bytes("k.pmt", seen),
	    "... and nothing was made");
}

static void
test_encryption(void)
{
	struct tape *t = load_tape(keyed("k.pmt", "raw"));
	size_t n;

	put_record(t, "a secret that is not to be seen", 31);
	memset(buf, 0, 1000);
	put_record(t, buf, 1000);
	put_record(t, "a secret that is not to be seen", 31);
	tape_free(t);
	n = file_bytes("k.pmt", seen);
	tap_ok(!contains(seen, n, "secret"), "the data are not in the image");
	tap_ok(!contains(seen, n, "abcdefghijkl"), "nor is the key");
	tap_ok(n > 9300, "zeros are stored like anything else (%zu)", n);
	tap_ok(memcmp(seen + 8192 + 80, seen + n - 56, 31) != 0,
	    "equal records do not look so");
	t = load_tape(keyed("k.pmt", "hex"));
	(void)tape_read(t, buf, 100, &n, &cond); /* shows */
	tap_ok(n == 31 && memcmp(buf, "a secret", 8) == 0,
	    "the same key in hexadecimal reads it");
	tape_free(t);
	n = file_bytes("k.pmt", seen);
	refused(spec_in(dir, "k.pmt"), EACCES, "key=", "without a key");
	refused(keyed("k.pmt", "other"), EACCES, "but the key given is",
	    "with another key");
	tap_is_int((int64_t)n, (int64_t)file_bytes("k.pmt", buf),
	    "... and nothing was changed");
	tap_is_mem(seen, buf, n, "... not a byte");
	tape_free(load_tape(spec_in(dir, "clear.pmt")));
	refused(keyed("clear.pmt", "raw"), EINVAL, "not encrypted",
	    "a key for an image that is not encrypted");
}

/* A record in another one's place; headers and CRCs are as they should be. */
static void
test_splice(void)
{
	struct tape *t = load_tape(keyed("s.pmt", "raw"));
	size_t n, size;

	put(t, 1, 100);
	put(t, 2, 100);
	tape_free(t);
	n = file_bytes("s.pmt", seen);
	size = (n - 8192) / 2;
	memcpy(seen + 8192 + 64, seen + 8192 + size + 64, size - 64);
	le32_put(seen + 8192 + 56, le32_get(seen + 8192 + size + 56));
	/* Whoever knows the UUID can make a header, but no tag. */
	{
		struct native_super super;
		struct native_head head;
		uint32_t seed;

		if (native_super_get(seen, &super) < 0)
			tap_bail("no superblock");
		seed = native_seed(&super);
		(void)native_head_get(seen + 8192, seed, 8192, &head);
		head = (struct native_head){ .type = seen[8192 + 8],
			.cipher = seen[8192 + 10],
			.flags = seen[8192 + 11],
			.epoch = le32_get(seen + 8192 + 12),
			.wseq = le64_get(seen + 8192 + 32),
			.logical = 100,
			.stored = 136,
			.payload_crc = le32_get(seen + 8192 + 56),
			.chain = seed };
		native_head_put(&head, seed, 8192, seen + 8192);
	}
	make_file("s.pmt", seen, n);
	t = load_tape(keyed("s.pmt", "raw"));
	tap_is_int(-EIO, tape_read(t, buf, 100, &n, &cond),
	    "a record that was moved is not read");
	tap_ok(strstr(tape_why(t), "with this key") != NULL, "... %s",
	    tape_why(t));
	tape_free(t);
}

/* ---- Partitions ---- */

static void
test_partitions(void)
{
	struct tape_info info;
	struct tape *t = load_tape(spec_in(dir, "p.pmt"));

	put(t, 9, 100);
	tape_describe(t, &info);
	tap_is_int(4, info.max_partitions, "there can be 4 partitions");
	tap_is_int(0, tape_format(t, 3, 50000), "3 of them");
	tape_describe(t, &info);
	tap_is_int(3, info.partitions, "are there");
	tap_is_int(0, tape_read(t, buf, 10, &(size_t){ 0 }, &cond), "read");
	tap_is_int(TAPE_EOD, cond, "... what was there before is gone");
	for (uint32_t p = 0; p < 3; p++) {
		tap_is_int(0, tape_locate(t, p, 0, &cond), "to %u", p);
		put(t, p + 1, 1000 + p);
		put(t, p + 11, 100);
	}
	tape_describe(t, &info);
	tap_is_int(50000, (int64_t)info.capacity, "the last has its size");
	put_mark(t);
	tape_free(t);
	t = load_tape(spec_in(dir, "p.pmt"));
	for (uint32_t p = 3; p-- > 0;) {
		tap_is_int(0, tape_locate(t, p, 1, &cond), "to %u", p);
		holds(t, p + 11, 100, "each has its own records");
		tap_is_int(p, t->pos.partition, "and is told");
	}
	tap_is_int(-EINVAL, tape_locate(t, 3, 0, &cond), "there is no fourth");
	tape_free(t);
}

static void
test_companions(void)
{
	struct tape *t;
	size_t n = file_bytes("p.pmt.p1", seen);

	refused(spec_in(dir, "p.pmt.p1"), EMEDIUMTYPE, "partition 1",
	    "a partition alone is refused");
	if (rename(path_in(dir, "p.pmt.p1"), path_in(dir, "away")) < 0)
		tap_bail("%s", strerror(errno));
	refused(spec_in(dir, "p.pmt"), ENOENT, "p.pmt.p1",
	    "a volume that lacks one is refused");
	tape_free(load_tape(spec_in(dir, "q.pmt")));
	t = load_tape(spec_in(dir, "q.pmt"));
	tap_is_int(0, tape_format(t, 2, 0), "another volume");
	tape_free(t);
	(void)file_bytes("q.pmt.p1", buf); /* of the size of a blank one */
	make_file("p.pmt.p1", buf, 8192);
	refused(spec_in(dir, "p.pmt"), EMEDIUMTYPE, "not of this volume",
	    "one with another's partition is refused");
	make_file("p.pmt.p1", seen, n);
	t = load_tape(spec_in(dir, "p.pmt"));
	make_file("p.pmt.p3", "mine", 4);
	tap_is_int(-EEXIST, tape_format(t, 4, 0), "a file is in the way");
	tap_ok(strstr(tape_why(t), "p.pmt.p3") != NULL, "... which is named");
	tap_is_int(0, tape_locate(t, 1, 0, &cond), "nothing has happened");
	holds(t, 2, 1001, "... to what is there");
	tap_is_int(0, tape_format(t, 1, 0), "back to one partition");
	tape_free(t);
	tap_is_int(8192, (int64_t)file_bytes("p.pmt.p2", seen),
	    "the others give their space back");
	t = load_tape(spec_in(dir, "p.pmt"));
	tap_is_int(0, tape_format(t, 3, 0), "and to three again");
	tape_free(t);
	tape_free(load_tape(spec_in(dir, "p.pmt")));
	tap_ok(true, "with the files of before");
}

static void
test_shares(void)
{
	struct tape_info info;
	struct tape *t = load_tape(spec_in(dir, "sh.pmt,capacity=1000000"));

	tape_free(t);
	t = load_tape(spec_in(dir, "sh.pmt"));
	tap_is_int(-EINVAL, tape_format(t, 2, 1000000),
	    "a partition as large as the volume leaves nothing");
	tap_is_int(0, tape_format(t, 3, 100000), "the last of 3 gets 100000");
	tape_describe(t, &info);
	tap_is_int(450000, (int64_t)info.capacity, "... and the others parts");
	(void)tape_locate(t, 2, 0, &cond); /* shows */
	tape_describe(t, &info);
	tap_is_int(100000, (int64_t)info.capacity, "... of the rest");
	tap_is_int(0, tape_format(t, 4, 0), "4 with no size");
	tape_describe(t, &info);
	tap_is_int(250000, (int64_t)info.capacity, "... get equal parts");
	tap_is_int(0, tape_format(t, 1, 0), "1");
	tape_describe(t, &info);
	tap_is_int(1000000, (int64_t)info.capacity, "... gets all");
	tape_free(t);
}

/* ---- The index ---- */

#define MANY 3000 /* objects: more than 180 index objects, 8 pointers each */

static uint64_t
files_to(uint64_t object)
{
	return object / 10; /* every tenth object is a filemark */
}

static void
write_many(struct tape *t, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		if (i % 10 == 9)
			(void)tape_write_filemarks(t, 1, true, &(uint32_t){ 0 },
			    &cond);
		else
			put(t, (uint32_t)i, 20 + i % 50);
	}
}

/* Every object is located on a tape that remembers nothing. */
static bool
all_located(struct tape *t, uint64_t n)
{
	for (uint64_t i = 0; i < n; i += 7) {
		size_t len;

		(void)tape_unload(t); /* load tells */
		if (tape_load(t) < 0 || tape_locate(t, 0, i, &cond) < 0 ||
		    t->pos.object != i || t->pos.file != files_to(i) ||
		    tape_read(t, buf, sizeof(buf), &len, &cond) < 0)
			return false;
		if (i % 10 == 9 ? cond != TAPE_FILEMARK
				: len != 20 + i % 50 ||
			    !is_record_of(buf, len, (uint32_t)i))
			return false;
	}
	return true;
}

/* The same for filemarks, both ways. */
static bool
all_spaced(struct tape *t, uint64_t n)
{
	for (uint64_t i = 1; i < n / 10; i += 5) {
		if (tape_load(t) < 0 ||
		    tape_space(t, TAPE_FILEMARKS, (int64_t)i, &done, &cond) <
			0 ||
		    t->pos.object != i * 10 || done != i)
			return false;
		if (tape_space(t, TAPE_TO_EOD, 0, &done, &cond) < 0 ||
		    t->pos.object != n ||
		    tape_space(t, TAPE_FILEMARKS, -(int64_t)i, &done, &cond) <
			0 ||
		    t->pos.file != files_to(n) - i)
			return false;
		(void)tape_unload(t); /* load tells */
	}
	return true;
}

static unsigned preads;

static ssize_t
counting_pread(int fd, void *to, size_t len, off_t at)
{
	preads++;
	return hostfile_system.pread(fd, to, len, at);
}

static void
test_few_reads(struct tape *t)
{
	struct hostfile_calls calls = hostfile_system;
	unsigned most = 0;

	calls.pread = counting_pread;
	for (uint64_t i = 0; i < MANY; i += 101) {
		(void)tape_unload(t); /* load tells */
		(void)tape_load(t);
		hostfile_set_calls(&calls);
		preads = 0;
		(void)tape_locate(t, 0, i, &cond); /* tested before */
		hostfile_set_calls(NULL);
		most = preads > most ? preads : most;
	}
	tap_ok(most <= 40, "locating takes few reads, not a walk (%u)", most);
}

static void
test_index(void)
{
	struct tape *t = load_tape(spec_in(dir, "index.pmt"));
	size_t n, damaged = 0;

	native_index_tune(1, 4, 4);
	write_many(t, 0, MANY);
	tap_ok(all_located(t, MANY), "every object is located with the index");
	tap_ok(all_spaced(t, MANY), "and every filemark, both ways");
	test_few_reads(t);
	(void)tape_locate(t, 0, 1234, &cond); /* shows below */
	write_many(t, 1234, 2000);
	tap_ok(all_located(t, 2000), "also after overwriting in the middle");
	(void)tape_unload(t); /* what follows shows it */
	n = file_bytes("index.pmt", seen);
	for (size_t at = 8192; at < n; at += 8)
		if (memcmp(seen + at, "pmtO", 4) == 0 && seen[at + 8] == 3 &&
		    damaged++ % 3 == 0)
			seen[at + (damaged % 2 ? 70 : 20)] ^= 1;
	make_file("index.pmt", seen, n);
	tap_ok(damaged > 100, "of %zu index objects a third is damaged",
	    damaged);
	tap_ok(all_located(t, 2000), "every object is found all the same");
	tap_ok(all_spaced(t, 2000), "and every filemark");
	native_index_tune(0, 0, 0);
	tape_free(t);
}

static void
test_resync(void)
{
	struct tape *t = load_tape(spec_in(dir, "sync.pmt"));
	const struct image_options options = { .readonly = true };
	struct image_object object;
	struct image *image;
	uint64_t at;
	size_t n;

	for (uint32_t i = 0; i < 3; i++)
		put(t, i, 100);
	tape_free(t);
	n = file_bytes("sync.pmt", seen);
	seen[8192 + 168 + 9] ^= 1;
	make_file("sync.pmt", seen, n);
	t = open_tape(spec_in(dir, "none"));
	if (image_open(t, path_in(dir, "sync.pmt"), &native_format, &options,
		&image) < 0)
		tap_bail("%s", tape_why(t));
	tap_is_int(-EBADMSG, image_next(image, 168, &object),
	    "an object is damaged");
	tap_is_int(0, image_resync(image, 168, &at), "the next is found");
	tap_is_int(2 * 168, (int64_t)at, "... where it is");
	tap_is_int(0, image_next(image, at, &object), "... and it can be read");
	tap_is_int(-ENODATA, image_resync(image, at, &at), "it is the last");
	(void)image_close(image); /* only read */
	tape_free(t);
}

/* ---- Long tapes, of which only headers are really written ---- */

static unsigned syncs;

static ssize_t
sparse_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (len < 1 << 20)
		return hostfile_system.pwritev(fd, iov, n, at);
	if (hostfile_system.pwritev(fd, iov, 1, at) < 0 ||
	    hostfile_system.ftruncate(fd, at + (off_t)len) < 0)
		return -1;
	return (ssize_t)len;
}

static int
counting_fdatasync(int fd)
{
	syncs++;
	return hostfile_system.fdatasync(fd);
}

static void
test_syncs(void)
{
	struct hostfile_calls calls = hostfile_system;
	struct tape *t = load_tape(spec_in(dir, "long.pmt"));
	uint8_t *record = calloc(1, 1 << 24);

	if (record == NULL)
		tap_bail("out of memory");
	record[0] = 1;
	calls.pwritev = sparse_pwritev;
	calls.fdatasync = counting_fdatasync;
	hostfile_set_calls(&calls);
	put_record(t, record, 1 << 24);
	syncs = 0;
	for (unsigned i = 0; i < 62; i++)
		put_record(t, record, 1 << 24);
	tap_is_int(0, syncs, "records are not synced");
	for (unsigned i = 0; i < 4; i++)
		put_record(t, record, 1 << 24);
	tap_is_int(1, syncs, "... but once in 1 GiB, for the next load's sake");
	put_mark(t);
	tap_is_int(2, syncs, "a filemark syncs, once");
	(void)tape_write_filemarks(t, 0, false, &(uint32_t){ 0 }, &cond);
	tap_is_int(2, syncs, "what is synced is not synced again");
	tape_free(t);
	hostfile_set_calls(NULL);
	(void)unlink(path_in(dir, "long.pmt")); /* scratch */
	free(record);
}

/* A tail that is too long to be looked through is not taken for a torn one. */
static void
test_long_tail(void)
{
	struct tape *t = load_tape(spec_in(dir, "tail.pmt"));
	off_t size;

	put(t, 1, 100);
	put_mark(t);
	tape_free(t);
	size = (off_t)file_bytes("tail.pmt", seen);
	if (truncate(path_in(dir, "tail.pmt"), size + (3 << 29)) < 0)
		tap_bail("%s", strerror(errno));
	t = load_tape(spec_in(dir, "tail.pmt"));
	tap_is_int(-EIO, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "a tail of 1.5 GiB without an object is damage");
	tap_ok(strstr(tape_why(t), "no object can be found") != NULL, "... %s",
	    tape_why(t));
	tap_is_int(2, (int64_t)t->pos.object, "... where it begins");
	put(t, 2, 100);
	tape_free(t);
	tap_is_int(size + 168, (int64_t)file_bytes("tail.pmt", seen),
	    "and can be written over");
}

static uint64_t flawed[8];
static unsigned n_flaws;

static void
note_flaw(void *context, uint64_t at, const char *what)
{
	tap_diag("%s: %" PRIu64 ": %s", (const char *)context, at, what);
	if (n_flaws < 8)
		flawed[n_flaws] = at;
	n_flaws++;
}

/* An image of tests/data/pmt has one flaw at ${at}; 0: none. */
static void
test_flaw(const char *name, uint64_t at)
{
	static char context[] = "a flaw";
	const struct image_options options = { .readonly = true };
	struct tape *t = open_tape(spec_in(dir, "none"));
	struct image *image;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/pmt/%s/image.pmt", data_dir(),
	    name);
	if (image_open(t, path, &native_format, &options, &image) < 0)
		tap_bail("%s", tape_why(t));
	n_flaws = 0;
	flawed[0] = 0;
	tap_is_int(0, image_flaws(image, note_flaw, context), "%s: a check",
	    name);
	tap_is_int(at > 0, n_flaws, "%s: flaws that hurt nobody", name);
	tap_is_int((int64_t)at, (int64_t)flawed[0], "%s: where", name);
	(void)image_close(image); /* only read */
	tape_free(t);
}

int
main(void)
{
	dir = make_scratch();
	(void)umask(022);
	test_listings("pmt", 40);
	test_example();
	test_overwrite();
	test_reading_leaves_alone();
	test_birth();
	test_versions();
	test_capacity();
	test_compression();
	test_sizes();
	test_key_files();
	test_encryption();
	test_splice();
	test_partitions();
	test_companions();
	test_shares();
	test_index();
	test_resync();
	test_syncs();
	test_long_tail();
	test_flaw("index", 0);
	test_flaw("second-slot-damaged", 4096);
	test_flaw("index-header-damaged", 8488);
	test_flaw("index-data-damaged", 8488);
	remove_scratch(dir);
	return tap_done();
}
