/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIMH's PDP-11 copies tapes between formats, with the tape controller that it
 * simulates (TM11) and no operating system: images that we have written are
 * read by it, and what it writes is read by us and compared with what we would
 * have written, byte by byte.  It exits with 0 whatever it met, so where its
 * program halts tells.
 */
#include <limits.h>

#include "listing.h"

#define OBJECTS 120
#define LARGEST 49152 /* bytes, of the program's buffer */

/*
 * From 1000 octal: copies records and filemarks from unit 0 to unit 1, up to
 * the end of the medium.  172520 is the controller's status (bit 14: filemark,
 * bit 8: end of the medium), 172522 its command (bit 15: error, bit 7: ready),
 * 172524 minus the byte count, or what is left of it, and 172526 the address.
 */
static const uint16_t program[] = {
	/* 1000 */ 0012737, 0040000, 0172524, /* MOV #-49152., @#MTBRC */
	/* 1006 */ 0012737, 0020000, 0172526, /* MOV #20000, @#MTCMA */
	/* 1014 */ 0012737, 0060003, 0172522, /* MOV #READ, @#MTC */
	/* 1022 */ 0105737, 0172522,	      /* TSTB @#MTC */
	/* 1026 */ 0100375,		      /* BPL 1022 */
	/* 1030 */ 0005737, 0172522,	      /* TST @#MTC */
	/* 1034 */ 0100424,		      /* BMI 1106 */
	/* 1036 */ 0013700, 0172524,	      /* MOV @#MTBRC, R0 */
	/* 1042 */ 0162700, 0040000,	      /* SUB #-49152., R0 */
	/* 1046 */ 0005400,		      /* NEG R0 */
	/* 1050 */ 0010037, 0172524,	      /* MOV R0, @#MTBRC */
	/* 1054 */ 0012737, 0020000, 0172526, /* MOV #20000, @#MTCMA */
	/* 1062 */ 0012737, 0060405, 0172522, /* MOV #WRITE, @#MTC */
	/* 1070 */ 0105737, 0172522,	      /* TSTB @#MTC */
	/* 1074 */ 0100375,		      /* BPL 1070 */
	/* 1076 */ 0005737, 0172522,	      /* TST @#MTC */
	/* 1102 */ 0100421,		      /* BMI 1146 */
	/* 1104 */ 0000735,		      /* BR 1000 */
	/* 1106 */ 0032737, 0040000, 0172520, /* BIT #EOF, @#MTS */
	/* 1114 */ 0001407,		      /* BEQ 1134 */
	/* 1116 */ 0012737, 0060407, 0172522, /* MOV #WREOF, @#MTC */
	/* 1124 */ 0105737, 0172522,	      /* TSTB @#MTC */
	/* 1130 */ 0100375,		      /* BPL 1124 */
	/* 1132 */ 0000722,		      /* BR 1000 */
	/* 1134 */ 0032737, 0000400, 0172520, /* BIT #BTE, @#MTS */
	/* 1142 */ 0001401,		      /* BEQ 1146 */
	/* 1144 */ 0000000,		      /* HALT: all is copied */
	/* 1146 */ 0000000,		      /* HALT: an error */
};

#define COPIED "PC: 001146" /* past the first HALT */

static struct model model;
static const char *dir;

/* Runs the program between two images; whether it copied all. */
static bool
pdp11_copies(const char *from, const char *from_format, const char *to,
    const char *to_format)
{
	char command[600], line[PATH_MAX], said[2000] = "";
	FILE *f = fopen(path_in(dir, "copy.sim"), "w");
	bool copied = false;

	if (f == NULL)
		tap_bail("copy.sim: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(program) / sizeof(program[0]); i++)
		fprintf(f, "d %zo %06o\n", 01000 + 2 * i, program[i]);
	fprintf(f, "set tm0 format=%s\nset tm1 format=%s\n", from_format,
	    to_format);
	fprintf(f, "att -r tm0 %s\natt tm1 %s\ngo 1000\ndet all\nq\n", from,
	    to);
	if (fclose(f) != 0)
		tap_bail("copy.sim: %s", strerror(errno));
	(void)snprintf(command, sizeof(command),
	    "cd '%s' && timeout 60 pdp11 copy.sim 2>&1 </dev/null", dir);
	f = popen(command, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		copied = copied || strstr(line, COPIED) != NULL;
		(void)strncat(said, line, sizeof(said) - strlen(said) - 1);
	}
	if (f != NULL)
		(void)pclose(f); /* says nothing, see above */
	if (!copied)
		tap_diag("%s", said);
	return copied;
}

/* Writes the model into an image. */
static void
write_model(const char *name)
{
	static uint8_t buf[LARGEST];
	struct tape *t = load_tape(spec_in(dir, name));
	enum tape_cond cond;
	uint32_t done;
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < model.n; i++) {
		const struct thing *o = &model.things[i];

		fill_record(buf, o->len, o->tag);
		if (o->len > 0)
			r = tape_write(t, buf, o->len, &cond);
		else
			r = tape_write_filemarks(t, 1, true, &done, &cond);
	}
	if (r < 0)
		tap_bail("%s", tape_why(t));
	tape_free(t);
}

static uint8_t *
bytes_in(const char *name, size_t *ret_size)
{
	FILE *f = fopen(path_in(dir, name), "rb");
	struct stat st;
	uint8_t *bytes;

	if (f == NULL || fstat(fileno(f), &st) < 0)
		tap_bail("%s: %s", name, strerror(errno));
	*ret_size = (size_t)st.st_size;
	bytes = malloc(*ret_size + 1);
	if (bytes == NULL || fread(bytes, 1, *ret_size, f) != *ret_size)
		tap_bail("%s: can't be read", name);
	(void)fclose(f); /* only read */
	return bytes;
}

/* SIMH pads with whatever its buffer holds; the model says where. */
static void
clear_padding(uint8_t *bytes, size_t size)
{
	size_t at = 0;

	for (uint64_t i = 0; i < model.n && at < size; i++) {
		uint32_t len = model.things[i].len;

		if ((len & 1) != 0 && at + 4 + len < size)
			bytes[at + 4 + len] = 0;
		at += len == 0 ? 4 : 8 + (size_t)len + (len & 1);
	}
}

static void
same_bytes(const char *ours, const char *its, bool padded)
{
	size_t our_size, its_size;
	uint8_t *our_bytes = bytes_in(ours, &our_size);
	uint8_t *its_bytes = bytes_in(its, &its_size);

	if (padded)
		clear_padding(its_bytes, its_size);
	tap_is_int((int64_t)our_size, (int64_t)its_size,
	    "%s: as long as our own image", its);
	tap_ok(our_size == its_size &&
		memcmp(our_bytes, its_bytes, our_size) == 0,
	    "%s: byte for byte our own image%s", its,
	    padded ? ", but for the padding" : "");
	free(our_bytes);
	free(its_bytes);
}

static void
test_copy(const char *from, const char *from_format, const char *to_format)
{
	char its[64], ours[64];
	struct tape *t;

	(void)snprintf(its, sizeof(its), "%s-by-pdp11.%s", from_format,
	    strcmp(to_format, "simh") == 0 ? "tap" : to_format);
	(void)snprintf(ours, sizeof(ours), "ours.%s", strchr(its, '.') + 1);
	tap_ok(pdp11_copies(from, from_format, its, to_format),
	    "%s: the PDP-11 reads our image to its end", its);
	t = load_tape(spec_in(dir, its));
	tap_ok(holds_model(t, &model), "%s: we read what it has written", its);
	tape_free(t);
	same_bytes(ours, its, strcmp(to_format, "simh") == 0);
}

/* ---- P7B, which we only read -------------------------------------------- */

/* A frame of a record: six bits of data, and never that of a filemark. */
static uint8_t
frame_of(uint32_t tag, size_t i)
{
	return (record_byte(tag, i) & 0x3f) | 0x40;
}

/* The model in P7B, and in SIMH with the same bytes. */
static void
write_frames(void)
{
	static uint8_t buf[LARGEST];
	struct tape *t = load_tape(spec_in(dir, "frames.tap"));
	FILE *f = fopen(path_in(dir, "frames.p7b"), "wb");
	enum tape_cond cond;
	uint32_t done;
	int r = 0;

	if (f == NULL)
		tap_bail("frames.p7b: %s", strerror(errno));
	for (uint64_t i = 0; r == 0 && i < model.n; i++) {
		const struct thing *o = &model.things[i];

		for (uint32_t n = 0; n < o->len; n++) {
			buf[n] = frame_of(o->tag, n);
			fputc(buf[n] | (n == 0 ? 0x80 : 0), f);
		}
		if (o->len > 0) {
			r = tape_write(t, buf, o->len, &cond);
		} else {
			r = tape_write_filemarks(t, 1, true, &done, &cond);
			fputc(0x8f, f);
		}
	}
	if (r < 0 || fclose(f) != 0)
		tap_bail("frames: %s", tape_why(t));
	tape_free(t);
}

/* Whether the model's frames are on a tape, which may have one object more. */
static bool
holds_frames(const char *name, bool stray)
{
	static uint8_t buf[LARGEST];
	struct tape *t = load_tape(spec_in(dir, name));
	enum tape_cond cond = TAPE_NONE;
	bool same = true;
	size_t len = 0;

	for (uint64_t i = 0; same && i < model.n; i++) {
		const struct thing *o = &model.things[i];

		same = tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
		    cond == (o->len == 0 ? TAPE_FILEMARK : TAPE_NONE) &&
		    len == o->len;
		for (size_t n = 0; same && n < len; n++)
			same = buf[n] == frame_of(o->tag, n);
		if (!same)
			tap_diag("%s: object %" PRIu64 ": %s", name, i,
			    tape_why(t));
	}
	if (same && stray)
		same = tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
		    cond != TAPE_EOD;
	same = same && tape_read(t, buf, sizeof(buf), &len, &cond) == 0 &&
	    cond == TAPE_EOD;
	tape_free(t);
	return same;
}

static void
test_p7b(void)
{
	uint8_t *ours, *its;
	size_t our_size, its_size;

	write_frames();
	tap_ok(holds_frames("frames.p7b", false), "frames are read by us");
	tap_ok(pdp11_copies("frames.p7b", "p7b", "read.tap", "simh"),
	    "... and by the PDP-11");
	tap_ok(holds_frames("read.tap", false),
	    "... which has read the same, with parity");
	tap_ok(pdp11_copies("frames.tap", "simh", "written.p7b", "p7b"),
	    "the PDP-11 writes frames");
	tap_ok(holds_frames("written.p7b", true),
	    "... which we read, with the one that it leaves at the end");
	ours = bytes_in("frames.p7b", &our_size);
	its = bytes_in("written.p7b", &its_size);
	tap_is_int((int64_t)our_size + 1, (int64_t)its_size,
	    "... and that is one byte");
	tap_ok(its_size > our_size && memcmp(ours, its, our_size) == 0,
	    "... after the bytes that we know");
	free(ours);
	free(its);
}

/* ---- Images that neither of us has written ------------------------------ */

static void
list_image(const char *spec, struct listing *l)
{
	struct tape *t = load_tape(spec);

	l->len = 0;
	list_forward(t, l);
	tape_free(t);
}

/* What the PDP-11 has copied reads as the image itself does. */
static void
test_data(const char *format, const char *suffix, const char *name)
{
	static struct listing itself, copy;
	char path[PATH_MAX + 64], real[PATH_MAX], spec[PATH_MAX + 128];

	(void)unlink(path_in(dir, "data.tap")); /* the first time, none is */
	if (realpath(data_dir(), real) == NULL)
		tap_bail("%s: %s", data_dir(), strerror(errno));
	(void)snprintf(path, sizeof(path), "%s/%s/%s/image.%s", real, format,
	    name, suffix);
	(void)snprintf(spec, sizeof(spec), "file:%s,readonly=yes,format=%s",
	    path, format);
	tap_ok(pdp11_copies(path, format, "data.tap", "simh"),
	    "%s/%s: the PDP-11 reads it to its end", format, name);
	list_image(spec, &itself);
	list_image(spec_in(dir, "data.tap,format=simh"), &copy);
	tap_is_str(itself.text, copy.text, "%s/%s: ... and as we do", format,
	    name);
}

static void
test_all_data(void)
{
	static const struct {
		const char *format, *suffix, *name;
	} cases[] = {
		{ "simh", "tap", "plain" },
		{ "simh", "tap", "gap" },
		{ "simh", "tap", "half-gap" },
		{ "simh", "tap", "half-gap-twice" },
		{ "simh", "tap", "half-gap-at-bot" },
		{ "simh", "tap", "odd-pad-not-zero" },
		{ "simh", "tap", "eom-then-garbage" },
		{ "simh", "tap", "torn-data" },
		{ "simh", "tap", "torn-placeholder" },
		{ "e11", "e11", "plain" },
		{ "e11", "e11", "offsets-of-all-kinds" },
		{ "e11", "e11", "gap" },
		{ "e11", "e11", "half-gap" },
		{ "e11", "e11", "torn-data" },
		{ "e11", "e11", "torn-placeholder" },
		{ "tpc", "tpc", "two-marks-at-end" },
		{ "tpc", "tpc", "mark-at-end" },
		{ "tpc", "tpc", "no-mark-at-end" },
		{ "tpc", "tpc", "odd-pad-not-zero" },
		{ "tpc", "tpc", "data-after-two-marks" },
		{ "p7b", "p7b", "plain" },
		{ "p7b", "p7b", "long-mark" },
		{ "p7b", "p7b", "begins-like-a-mark" },
		{ "p7b", "p7b", "mark-with-other-parity" },
		{ "p7b", "p7b", "simh-stray-frame" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_data(cases[i].format, cases[i].suffix, cases[i].name);
}

static void
make_model(struct rng *rng)
{
	model.n = model.at = 0;
	model_put(&model, 1, 1);
	model_put(&model, 2, LARGEST);
	model_put(&model, 3, LARGEST - 1);
	for (uint32_t i = 4; i < OBJECTS; i++)
		model_put(&model, i,
		    rng_below(rng, 6) == 0 ? 0 : 1 + rng_below(rng, 9000));
	model_put(&model, 0, 0);
	model_put(&model, 0, 0);
}

int
main(void)
{
	struct rng rng;

	if (system("command -v pdp11 >/dev/null") != 0)
		tap_skip_all("pdp11 is not there: install simh (make deps)");
	dir = make_scratch();
	rng = rng_seeded();
	make_model(&rng);
	write_model("ours.tap");
	write_model("ours.e11");
	write_model("ours.tpc");
	test_copy("ours.tap", "simh", "simh");
	test_copy("ours.tap", "simh", "e11");
	test_copy("ours.e11", "e11", "simh");
	test_copy("ours.e11", "e11", "e11");
	test_copy("ours.tpc", "tpc", "simh");
	test_copy("ours.tpc", "tpc", "e11");
	test_p7b();
	test_all_data();
	remove_scratch(dir);
	return tap_done();
}
