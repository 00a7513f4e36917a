/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reading half of the contract of tape.h, over the formats that are only
 * read.  Each subject writes the same small tape, with code of its own that
 * knows the layout and nothing of the code under test.
 */
#include <isa-l/crc.h>
#include <zlib.h>

#include "bytes.h"
#include "import.h"

/* r1 r2 | r3 | | r4 r5 */
static const struct thing sample[] = { { 1, 100 }, { 2, 65536 }, { 0, 0 },
	{ 3, 1 }, { 0, 0 }, { 0, 0 }, { 4, 511 }, { 5, 4096 } };

#define N_SAMPLE ((int64_t)(sizeof(sample) / sizeof(sample[0])))

static const char *scratch;
static const char *name;     /* of the subject under test */
static char image[400];	     /* its path */
static uint8_t buf[1 << 17]; /* for a record */

/* ---- Writers ------------------------------------------------------------ */

static FILE *
open_in_image(const char *file)
{
	FILE *f = fopen(joined(image, file), "wb");

	if (f == NULL)
		tap_bail("%s: %s", file, strerror(errno));
	return f;
}

static void
put_bytes(FILE *f, const void *bytes, size_t len)
{
	if (fwrite(bytes, 1, len, f) != len)
		tap_bail("%s: %s", image, strerror(errno));
}

static void
close_file(FILE *f)
{
	if (fclose(f) != 0)
		tap_bail("%s: %s", image, strerror(errno));
}

static void
make_folder(void)
{
	if (mkdir(image, 0777) < 0)
		tap_bail("%s: %s", image, strerror(errno));
}

static uint32_t
crc_of(const uint8_t *bytes, size_t len)
{
	return ~crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)len,
	    UINT32_MAX);
}

static void
write_ltfs(void)
{
	char file[16];

	make_folder();
	for (int i = 0; i <= N_SAMPLE; i++) {
		uint32_t len = i < N_SAMPLE ? sample[i].len : 0;
		FILE *f;

		(void)snprintf(file, sizeof(file), "0_%d_%c", i,
		    i == N_SAMPLE ? 'E'
			: len > 0 ? 'R'
				  : 'F');
		f = open_in_image(file);
		fill_record(buf, len, i < N_SAMPLE ? sample[i].tag : 0);
		put_bytes(f, buf, len);
		close_file(f);
	}
}

/* The files of mhvtl, while they are written. */
struct cartridge {
	FILE *data, *indx;
	uint64_t at;	   /* bytes in data */
	uint8_t map[64];   /* the filemarks */
	uint32_t n, marks; /* objects */
	bool packed;
};

static void
put_mhvtl(struct cartridge *c, const struct thing *thing)
{
	static uint8_t packed[1 << 17];
	uint8_t entry[512] = { 0 };
	uLongf stored = sizeof(packed);
	const uint8_t *bytes = c->packed ? packed : buf;

	fill_record(buf, thing->len, thing->tag);
	if (compress(packed, &stored, buf, thing->len) != Z_OK)
		tap_bail("zlib");
	if (!c->packed || thing->len == 0)
		stored = thing->len;
	le32_put(entry, (uint32_t)c->at);
	le32_put(entry + 8, thing->len > 0 ? 11 : 3);
	le32_put(entry + 16, c->n);
	if (thing->len > 0) {
		le32_put(entry + 12, c->packed ? 9 : 8);
		le32_put(entry + 20, thing->len);
		le32_put(entry + 24, (uint32_t)stored);
		le32_put(entry + 28, crc_of(buf, thing->len));
	} else {
		le32_put(c->map + 4 * (size_t)c->marks++, c->n);
	}
	put_bytes(c->indx, entry, sizeof(entry));
	put_bytes(c->data, bytes, stored);
	c->at += stored;
	c->n++;
}

static void
write_mhvtl(bool old, bool packed)
{
	struct cartridge c = { .packed = packed };
	uint8_t mam[1024] = { (uint8_t)(old ? 3 : 6) }, head[512] = { 0 };
	FILE *meta, *mam_file = NULL;

	make_folder();
	c.data = open_in_image(old ? "data" : "data.0");
	c.indx = open_in_image(old ? "indx" : "indx.0");
	meta = open_in_image(old ? "meta" : "meta.0");
	if (!old)
		mam_file = open_in_image("mam");
	put_bytes(old ? meta : mam_file, mam, sizeof(mam));
	for (int i = 0; i < N_SAMPLE; i++)
		put_mhvtl(&c, &sample[i]);
	le32_put(head, c.marks);
	put_bytes(meta, head, sizeof(head));
	put_bytes(meta, c.map, 4 * (size_t)c.marks);
	close_file(c.data);
	close_file(c.indx);
	close_file(meta);
	if (!old)
		close_file(mam_file);
}

static void
write_mhvtl_3(void)
{
	write_mhvtl(true, false);
}

static void
write_mhvtl_6(void)
{
	write_mhvtl(false, false);
}

static void
write_mhvtl_zlib(void)
{
	write_mhvtl(false, true);
}

static void
be32_put(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
put_header(FILE *f, uint32_t size, uint32_t type, const uint32_t links[4])
{
	uint8_t h[48] = { 0 };

	be32_put(h + 4, type == 0x10 ? 0 : size);
	be32_put(h + 8, size);
	be32_put(h + 12, type);
	for (size_t i = 0; i < 4; i++) /* 64 bits each, number first */
		be32_put(h + 20 + 8 * i, links[i]);
	le32_put(h, crc_of(h + 4, sizeof(h) - 4));
	put_bytes(f, h, sizeof(h));
}

static void
write_ssc(void)
{
	FILE *f = fopen(image, "wb");
	uint8_t mam[1104] = { 0, 0, 0, 2 };
	uint32_t at = 1152, prev = 0;

	if (f == NULL)
		tap_bail("%s: %s", image, strerror(errno));
	put_header(f, 64, 0x10, (uint32_t[4]){ 0, 0, 0, at });
	put_bytes(f, mam, sizeof(mam));
	for (uint32_t i = 0; i < N_SAMPLE; i++) {
		uint32_t len = sample[i].len, next = at + 48 + len;

		put_header(f, len, len > 0 ? 2 : 0x40,
		    (uint32_t[4]){ i + 1, prev, at, next });
		fill_record(buf, len, sample[i].tag);
		put_bytes(f, buf, len);
		prev = at;
		at = next;
	}
	put_header(f, 0, 0x20,
	    (uint32_t[4]){ (uint32_t)N_SAMPLE + 1, prev, at, at });
	close_file(f);
}

/* ---- The contract ------------------------------------------------------- */

static struct tape *tape;
static enum tape_cond cond;
static uint64_t done;

static const char *
spec_of(const char *options)
{
	static char spec[500];

	(void)snprintf(spec, sizeof(spec), "file:%s%s", image, options);
	return spec;
}

static void
stands(int64_t object, const char *when)
{
	int64_t file = 0;
	struct tape_pos pos;

	for (int64_t i = 0; i < object; i++)
		file += sample[i].len == 0;
	(void)tape_tell(tape, &pos); /* seen by the next lines */
	tap_is_int(object, (int64_t)pos.object, "%s: %s: the object", name,
	    when);
	tap_is_int(file, (int64_t)pos.file, "%s: %s: the file", name, when);
}

/* Whether a read gives what is at ${object}, in full or cut to ${size}. */
static bool
reads(struct tape *t, int64_t object, size_t size)
{
	size_t len = 77, fits;

	memset(buf, 0xee, sizeof(buf));
	if (tape_read(t, buf, size, &len, &cond) != 0)
		return false;
	if (object == N_SAMPLE)
		return cond == TAPE_EOD && len == 0;
	if (sample[object].len == 0)
		return cond == TAPE_FILEMARK && len == 0;
	fits = len < size ? len : size;
	return cond == TAPE_NONE && len == sample[object].len &&
	    is_record_of(buf, fits, sample[object].tag) && buf[fits] == 0xee;
}

static void
test_load(void)
{
	struct tape_info info;

	tap_is_int(0, tape_load(tape), "%s: it is known by its contents", name);
	stands(0, "after load");
	tape_describe(tape, &info);
	tap_is_int(true, info.loaded, "%s: it says that it is loaded", name);
	tap_is_int(true, info.write_protected, "%s: and protected", name);
	tap_is_int(1, info.partitions, "%s: with one partition", name);
	tap_is_int(0, (int64_t)info.used, "%s: and nothing before BOT", name);
	tap_ok(info.medium[0] != '\0', "%s: and a name", name);
	tap_is_int(0, tape_load(tape), "%s: it is loaded twice", name);
	tap_is_int(0, tape_unload(tape), "%s: it is unloaded", name);
	tap_is_int(-ENOMEDIUM, tape_rewind(tape), "%s: and gone", name);
	tap_is_int(0, tape_load(tape), "%s: and loaded again", name);
	stands(0, "after loading again");
}

static void
test_forward(size_t size)
{
	(void)tape_rewind(tape); /* shows in what is read */
	for (int64_t i = 0; i < N_SAMPLE; i++)
		tap_ok(reads(tape, i, size),
		    "%s: object %" PRId64 " is read into %zu bytes", name, i,
		    size);
	for (int again = 0; again < 3; again++)
		tap_ok(reads(tape, N_SAMPLE, size),
		    "%s: then there is the end of data, however often", name);
	stands(N_SAMPLE, "at EOD");
}

static void
test_backward(void)
{
	(void)tape_unload(tape); /* so that nothing is remembered */
	(void)tape_load(tape);	 /* as above */
	(void)tape_space(tape, TAPE_TO_EOD, 0, &done, &cond); /* as above */
	stands(N_SAMPLE, "spaced to EOD");
	tap_is_int(3, (int64_t)done, "%s: the filemarks are told", name);
	for (int64_t i = N_SAMPLE; i-- > 0;) {
		(void)tape_space(tape, TAPE_RECORDS, -1, &done, &cond);
		tap_ok(reads(tape, i, sizeof(buf) - 1),
		    "%s: object %" PRId64 " is read, one step back", name, i);
		(void)tape_space(tape, TAPE_RECORDS, -1, &done, &cond);
	}
	stands(0, "all the way back");
	(void)tape_space(tape, TAPE_RECORDS, -1, &done, &cond); /* below */
	tap_is_int(TAPE_BOT, cond, "%s: which is BOT", name);
}

/* Where ${count} units lead, and how; the condition is the result. */
static enum tape_cond
expected_space(int64_t from, enum tape_unit unit, int64_t count,
    int64_t *ret_object, int64_t *ret_done)
{
	int64_t step = count < 0 ? -1 : 1, left = count * step, at = from;

	*ret_done = 0;
	while (left > 0) {
		bool mark;

		if (at == (step > 0 ? N_SAMPLE : 0))
			break;
		mark = sample[step > 0 ? at : at - 1].len == 0;
		at += step;
		if (mark && unit == TAPE_RECORDS) {
			*ret_object = at;
			return TAPE_FILEMARK;
		}
		if (mark || unit == TAPE_RECORDS) {
			left--;
			++*ret_done;
		}
	}
	*ret_object = at;
	if (left == 0)
		return TAPE_NONE;
	return step > 0 ? TAPE_EOD : TAPE_BOT;
}

/* Every motion from every place, over ground that is known and that is not. */
static void
test_every_motion(enum tape_unit unit, bool known)
{
	unsigned n = 0, wrong = 0;

	for (int64_t i = 0; i <= N_SAMPLE * 21 + 20; i++) {
		int64_t from = i / 21, count = i % 21 - 10, object, units;
		enum tape_cond expected =
		    expected_space(from, unit, count, &object, &units);

		if (!known)
			(void)tape_unload(tape); /* load tells */
		n++;
		if (tape_load(tape) == 0 &&
		    tape_locate(tape, 0, (uint64_t)from, &cond) == 0 &&
		    cond == TAPE_NONE &&
		    tape_space(tape, unit, count, &done, &cond) == 0 &&
		    cond == expected && (int64_t)done == units &&
		    (int64_t)tape->pos.object == object &&
		    reads(tape, object, sizeof(buf) - 1))
			continue;
		tap_diag("%s: from %" PRId64 " by %" PRId64 ": object %" PRIu64
			 ", %s, done %" PRIu64 " %s",
		    name, from, count, tape->pos.object, tape_cond_name(cond),
		    done, tape_why(tape));
		wrong++;
	}
	tap_is_int(0, wrong,
	    "%s: %u motions over %s, %s, end where they should", name, n,
	    unit == TAPE_RECORDS ? "records" : "filemarks",
	    known ? "on known ground" : "after a load");
}

static void
test_locate(void)
{
	for (int64_t i = 0; i <= N_SAMPLE; i++) {
		int64_t to = i * 5 % (N_SAMPLE + 1);

		tap_is_int(0, tape_locate(tape, 0, (uint64_t)to, &cond),
		    "%s: locate %" PRId64, name, to);
		stands(to, "located");
	}
	tap_is_int(0, tape_locate(tape, 0, 99, &cond), "%s: beyond EOD", name);
	tap_is_int(TAPE_EOD, cond, "%s: is a condition", name);
	stands(N_SAMPLE, "beyond EOD");
	tap_is_int(-EINVAL, tape_locate(tape, 1, 0, &cond),
	    "%s: there is no partition 1", name);
	stands(N_SAMPLE, "after a partition that is not there");
}

static void
test_protected(void)
{
	uint32_t n;

	tap_is_int(0, tape_locate(tape, 0, 3, &cond), "%s: to 3", name);
	tap_is_int(-EROFS, tape_write(tape, "x", 1, &cond),
	    "%s: write is refused", name);
	tap_ok(strstr(tape_why(tape), "can only be read") != NULL,
	    "%s: in words: %s", name, tape_why(tape));
	tap_is_int(-EROFS, tape_write_filemarks(tape, 1, false, &n, &cond),
	    "%s: so are filemarks", name);
	tap_is_int(0, n, "%s: none are written", name);
	tap_is_int(-EROFS, tape_erase(tape, true), "%s: so is erasing", name);
	tap_is_int(-EROFS, tape_format(tape, 1, 0), "%s: and formatting", name);
	tap_is_int(0, tape_write_filemarks(tape, 0, false, &n, &cond),
	    "%s: but to sync is fine", name);
	tap_is_int(-EOPNOTSUPP, tape_set(tape, TAPE_COMPRESSION, 1),
	    "%s: there is no compression to switch on", name);
	stands(3, "after all that");
	test_forward(sizeof(buf) - 1);
}

static void
test_two_readers(bool directory)
{
	struct tape *second;

	tape_free(tape);
	tape = load_tape(spec_of(",readonly=yes"));
	second = load_tape(spec_of(",readonly=yes"));
	tap_ok(reads(tape, 0, 1000) && reads(second, 0, 1000) &&
		reads(second, 1, 1000) && reads(tape, 1, 1000),
	    "%s: two read it at once if both ask for no more", name);
	tape_free(second);
	second = open_tape(spec_of(""));
	tap_is_int(directory ? 0 : -EBUSY, tape_load(second), "%s: %s", name,
	    directory ? "nobody asks for more of a directory"
		      : "one who asks for more is refused");
	tape_free(second);
}

static const struct {
	const char *name;
	void (*write)(void);
	bool directory;
} subjects[] = {
	{ "mhvtl-3", write_mhvtl_3, true },
	{ "mhvtl-6", write_mhvtl_6, true },
	{ "mhvtl-zlib", write_mhvtl_zlib, true },
	{ "ltfs", write_ltfs, true },
	{ "ssc", write_ssc, false },
};

int
main(void)
{
	scratch = make_scratch();
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		name = subjects[i].name;
		(void)snprintf(image, sizeof(image), "%s",
		    path_in(scratch, name));
		subjects[i].write();
		tape = open_tape(spec_of(""));
		test_load();
		test_forward(sizeof(buf) - 1);
		test_forward(1000);
		test_forward(0);
		test_backward();
		for (int known = 0; known < 2; known++) {
			test_every_motion(TAPE_RECORDS, known);
			test_every_motion(TAPE_FILEMARKS, known);
		}
		test_locate();
		test_protected();
		test_two_readers(subjects[i].directory);
		tape_free(tape);
		if (subjects[i].directory)
			remove_scratch(image);
	}
	remove_scratch(scratch);
	return tap_done();
}
