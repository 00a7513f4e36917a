/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hercules and its tools read what we write, and we read what they write: AWS,
 * HET and FAKETAPE.  Their exit statuses say nothing, so it is bytes and words
 * that are compared.  For the emulator a program of a few channel commands is
 * put into its storage, which copies one tape drive to another.
 */
#include "listing.h"

#define FILES 5
#define OUTPUT 16384

static struct model model;
static const char *dir = ".";
static uint8_t buf[1 << 16];
static char output[OUTPUT];

/* ---- The tape ---- */

/*
 * Whether large records can be compressed: Hercules can't write others with
 * bzip2 (its room is too small), though it reads them.
 */
static bool gentle;

/* Half of the records are such that they can be compressed. */
static void
fill(uint8_t *data, uint32_t tag, size_t len)
{
	bool random = tag % 2 == 0 && !(gentle && len > 60000);
	struct rng rng = { .state = tag };

	for (size_t i = 0; i < len; i++)
		data[i] = random ? (uint8_t)rng_next(&rng)
				 : record_byte(tag, i % 700 / 7);
}

static void
make_model(struct rng *rng)
{
	static const uint32_t lengths[] = { 1, 65535, 80, 65535, 65534, 4096 };
	uint32_t tag = 1;

	for (uint32_t file = 0; file < FILES; file++) {
		if (file == 2)
			for (size_t i = 0; i < 6; i++, tag++)
				model_put(&model, tag, lengths[i]);
		for (uint32_t n = rng_below(rng, 20); n > 0; n--, tag++)
			model_put(&model, tag, 1 + rng_below(rng, 20000));
		model_put(&model, 0, 0);
	}
	model_put(&model, 0, 0);
}

static void
write_model(const char *name)
{
	struct tape *t = load_tape(spec_in(dir, name));

	for (uint64_t i = 0; i < model.n; i++) {
		const struct thing *thing = &model.things[i];

		fill(buf, thing->tag, thing->len);
		if (thing->len > 0)
			put_record(t, buf, thing->len);
		else
			put_mark(t);
	}
	if (tape_unload(t) < 0)
		tap_bail("%s", tape_why(t));
	tape_free(t);
}

/* Whether the next object is the ${i}th of the model. */
static bool
reads(struct tape *t, uint64_t i)
{
	static uint8_t seen[1 << 16];
	const struct thing *thing = &model.things[i];
	enum tape_cond cond;
	size_t len;

	fill(buf, thing->tag, thing->len);
	return tape_read(t, seen, sizeof(seen), &len, &cond) == 0 &&
	    cond == (thing->len > 0 ? TAPE_NONE : TAPE_FILEMARK) &&
	    len == thing->len && memcmp(seen, buf, len) == 0;
}

/* Reads an image there and back. */
static void
holds(const char *name, const char *rule)
{
	struct tape *t = load_tape(spec_in(dir, name));
	uint64_t forward = 0, back, done;
	enum tape_cond cond;
	size_t len;

	while (forward < model.n && reads(t, forward))
		forward++;
	if (!tap_is_int((int64_t)model.n, (int64_t)forward, "%s: forward",
		rule))
		tap_diag("%s", tape_why(t));
	(void)tape_read(t, buf, 1, &len, &cond); /* told by the condition */
	tap_is_int(TAPE_EOD, cond, "%s: and no more", rule);
	for (back = forward; back > 0; back--)
		if (tape_space(t, TAPE_RECORDS, -1, &done, &cond) < 0 ||
		    !reads(t, back - 1) ||
		    tape_space(t, TAPE_RECORDS, -1, &done, &cond) < 0)
			break;
	if (!tap_is_int(0, (int64_t)back, "%s: backward", rule))
		tap_diag("%s", tape_why(t));
	tape_free(t);
}

/* ---- Programs ---- */

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Runs a command in the scratch directory; what it says is in ${output}. */
static void
run(const char *fmt, ...)
{
	char command[1024];
	int n =
	    snprintf(command, sizeof(command), "cd '%s' && timeout 20 ", dir);
	va_list ap;
	FILE *in;

	va_start(ap, fmt);
	(void)vsnprintf(command + n, sizeof(command) - (size_t)n, fmt, ap);
	va_end(ap);
	in = popen(command, "r");
	if (in == NULL)
		tap_bail("%s: %s", command, strerror(errno));
	n = (int)fread(output, 1, sizeof(output) - 1, in);
	output[n] = '\0';
	while (fgetc(in) != EOF)
		continue;
	(void)pclose(in); /* says nothing, see above */
}

static void
copy_file(const char *from, const char *to)
{
	run("cp '%s' '%s' 2>&1", from, to);
}

static void
same_files(const char *a, const char *b, const char *rule)
{
	run("cmp '%s' '%s' 2>&1", a, b);
	tap_is_str("", output, "%s: the same bytes", rule);
}

/* What tapemap says of the model, and hetmap -t. */
static const char *
expected_map(void)
{
	static char text[1024];
	unsigned file = 0, blocks = 0;
	uint32_t least = 0, most = 0;
	size_t n = 0;

	for (uint64_t i = 0; i < model.n; i++) {
		uint32_t len = model.things[i].len;

		if (len > 0) {
			least = blocks == 0 || len < least ? len : least;
			most = len > most ? len : most;
			blocks++;
			continue;
		}
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "File %u: Blocks=%u, block size min=%u, max=%u\n", ++file,
		    blocks, least, most);
		blocks = least = most = 0;
	}
	(void)snprintf(text + n, sizeof(text) - n, "End of tape.\n");
	return text;
}

static void
test_maps(void)
{
	static const char *const images[] = { "aws.aws", "zlib.het",
		"bzip2.het", "plain.het" };

	run("tapemap aws.aws 2>/dev/null");
	tap_is_str(expected_map(), output, "tapemap agrees on aws");
	for (size_t i = 0; i < 4; i++) {
		copy_file(images[i], "map.het"); /* hetmap may write to it */
		run("hetmap -t map.het 2>/dev/null");
		tap_is_str(expected_map(), output, "hetmap agrees on %s",
		    images[i]);
	}
}

/* hetupd changes how a tape is compressed. */
static void
test_hetupd(void)
{
	static const struct {
		const char *options, *from, *to;
	} ways[] = {
		{ "-d", "zlib.het", "plain.het" },
		{ "-d", "bzip2.het", "gentle.het" },
		{ "-z", "plain.het", "zlib.het" },
		{ "-b -4", "gentle.het", "bzip2.het" },
		{ "-z -9", "bzip2.het", "gentle-9.het" },
	};
	char rule[64];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		(void)snprintf(rule, sizeof(rule), "hetupd %s of %s",
		    ways[i].options, ways[i].from);
		copy_file(ways[i].from, "from.het");
		run("hetupd %s from.het to.het 2>&1; rm from.het",
		    ways[i].options);
		same_files(ways[i].to, "to.het", rule);
		run("rm -f to.het");
	}
	copy_file("zlib.het", "from.het");
	run("hetupd -s from.het pieces.aws 2>&1");
	holds("pieces.aws", "pieces of hetupd -s");
	run("hetupd -c 4096 -z -9 from.het pieces.het 2>&1");
	holds("pieces.het", "compressed pieces of hetupd -c 4096");
	copy_file("gentle.het", "from.het");
	run("hetupd -c 4096 -b -9 from.het pieces-b.het 2>&1");
	gentle = true;
	holds("pieces-b.het", "pieces of hetupd -c 4096 -b");
	gentle = false;
}

static void
test_hetget(const char *image)
{
	uint64_t i = 0;

	for (unsigned file = 1; file <= FILES; file++, i++) {
		FILE *f = fopen(path_in(dir, "expected"), "wb");
		char rule[64];

		if (f == NULL)
			tap_bail("expected: %s", strerror(errno));
		for (; model.things[i].len > 0; i++) {
			fill(buf, model.things[i].tag, model.things[i].len);
			if (fwrite(buf, 1, model.things[i].len, f) == 0)
				tap_bail("expected: %s", strerror(errno));
		}
		if (fclose(f) != 0)
			tap_bail("expected: %s", strerror(errno));
		copy_file(image, "get.het");
		run("rm -f got; hetget -n get.het got %u U 0 32768 2>&1", file);
		(void)snprintf(rule, sizeof(rule), "hetget, file %u of %s",
		    file, image);
		same_files("expected", "got", rule);
	}
}

static void
test_hetinit(void)
{
	enum tape_cond cond;
	struct tape *t;
	size_t len;

	run("hetinit -n marks.het 2>&1");
	t = load_tape(spec_in(dir, "marks.het"));
	for (int i = 0; i < 3; i++) {
		(void)tape_read(t, buf, 1, &len, &cond); /* by condition */
		tap_is_int(i < 2 ? TAPE_FILEMARK : TAPE_EOD, cond,
		    "hetinit -n makes two filemarks");
	}
	tape_free(t);
	run("hetinit -i labels.het VOL001 OWNER 2>&1");
	t = load_tape(spec_in(dir, "labels.het"));
	for (int i = 0; i < 2; i++) {
		tap_is_int(0, tape_read(t, buf, sizeof(buf), &len, &cond),
		    "hetinit -i makes a label");
		tap_is_int(80, (int64_t)len, "... of 80 bytes");
		tap_is_mem(i == 0 ? "\xe5\xd6\xd3\xf1\xe5\xd6\xd3"
				  : "\xc8\xc4\xd9\xf1\xf0\xf0\xf0",
		    buf, 7, "... in EBCDIC");
	}
	tape_free(t);
}

/* ---- The emulator ---- */

/* The operator's automaton ends the emulator when the processor stops. */
static const char automaton[] = "hao tgt HHCCP011I.*Disabled wait state\n"
				"hao cmd quit\n";

/*
 * S/370, basic control mode.  200: waits until both drives say nothing more.
 * 214: reads a block from 480.  232: unit check is an error (PSW E0001); unit
 * exception is a filemark, which is written to 481 (290); else the length is
 * the count less the residual, and so much is written.  296: writes to 481,
 * unit check is E0002.  2B6: as often as the word at 300 says, then D0D0D.
 */
static const char copier[] =
    "r 200=58100300 9D000480 47700204 9D000481 4770020C\n"
    "r 214=D20300480310 9C000480 47400232 473002C0\n"
    "r 226=9D000480 47200226 479002C0\n"
    "r 232=91020044 471002C0 91010044 47100290\n"
    "r 242=58200304 48300046 54300304 1B23 4020032E\n"
    "r 254=D20300480314 47F00296\n"
    "r 290=D20300480318 9C000481 474002AE 473002D0\n"
    "r 2A2=9D000481 472002A2 479002D0\n"
    "r 2AE=91020044 471002D0 46100214 82000340\n"
    "r 2C0=82000348\n"
    "r 2D0=82000350\n"
    "r 304=0000FFFF\n"
    "r 310=000003200000032800000330\n"
    "r 320=020100002000FFFF 0101000020000000 1F00000020000001\n"
    "r 340=00020000000D0D0D 00020000000E0001 00020000000E0002\n"
    "r 0=0000000000000200\n";

/*
 * Gives drive 480 one command after the other, of a list of as many as the word
 * at 300 says at the place that is at 304, whatever comes of each.
 */
static const char operations[] =
    "r 200=58100300 58400304 9D000480 47700208 50400048\n"
    "r 214=9C000480 47400228 473002C0 9D000480 47200220\n"
    "r 228=41404008 46100210 82000340\n"
    "r 2C0=82000348\n"
    "r 304=00000400\n"
    "r 340=00020000000D0D0D 00020000000E0001\n"
    "r 0=0000000000000200\n";

#define DONE "800D0D0D"	      /* the end of its last PSW */
#define READ_ERROR "800E0001" /* an error of the drive that is read */

static FILE *
begin_file(const char *file)
{
	FILE *f = fopen(path_in(dir, file), "w");

	if (f == NULL)
		tap_bail("%s: %s", file, strerror(errno));
	return f;
}

/* Begins what the emulator is to do; ${n} is for the word at 300. */
static FILE *
begin_script(const char *program, uint64_t n)
{
	FILE *f = begin_file("conf");

	fprintf(f,
	    "ARCHMODE S/370\nCPUMODEL 3158\nMAINSIZE 2\nNUMCPU 1\n"
	    "OSTAILOR QUIET\n0480 3420 *\n0481 3420 *\n");
	(void)fclose(f); /* the emulator misses it if not */
	f = begin_file("script");
	fprintf(f, "%s%sr 300=%08" PRIX64 "\n", automaton, program, n);
	return f;
}

static void
end_script(FILE *f)
{
	/* Should the processor stop before the automaton looks: a bound. */
	fprintf(f, "restart\npause 10\nquit\n");
	(void)fclose(f); /* the emulator misses it if not */
	run("sh -c 'HERCULES_RC=script exec hercules -f conf </dev/null 2>&1'");
}

/* Copies ${objects} objects; ${output} is what the emulator says. */
static void
emulate(const char *from, const char *to, uint64_t objects)
{
	FILE *f = begin_script(copier, objects);

	fprintf(f, "devinit 480 %s\ndevinit 481 %s\n", from, to);
	/* A tape that is there and empty; HET is made. */
	run("sh -c 'rm -f %s; case %s in *.het) ;; *) : >%s;; esac'", to, to,
	    to);
	end_script(f);
}

static void
ends_with(const char *psw, const char *rule)
{
	char wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "PSW=00020000 %s", psw);
	if (!tap_ok(strstr(output, wanted) != NULL, "%s: ends with %s", rule,
		psw))
		tap_diag("%.1000s",
		    strstr(output, "restart") != NULL
			? strstr(output, "restart")
			: output);
}

static void
test_emulator(void)
{
	static const struct {
		const char *from, *to, *as;
	} ways[] = {
		{ "fake.fkt", "1.aws", "aws.aws" },
		{ "aws.aws", "2.het", "zlib.het" },
		{ "zlib.het", "3.fkt", "fake.fkt" },
		{ "bzip2.het", "4.aws", "gentle.het" },
		{ "plain.het", "5.aws", "aws.aws" },
		{ "aws.aws", "6.fkt", "fake.fkt" },
		{ "fake.fkt", "7.het", "zlib.het" },
	};
	char rule[64];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		(void)snprintf(rule, sizeof(rule), "the emulator, %s to %s",
		    ways[i].from, ways[i].to);
		emulate(ways[i].from, ways[i].to, model.n);
		ends_with(DONE, rule);
		same_files(ways[i].as, ways[i].to, rule);
	}
}

/* What the emulator and we do, alike, on a tape. */
static const struct motion {
	uint8_t command; /* of the channel */
	uint16_t len;	 /* of the record, which is all zeros */
} motions[] = {
	{ 0x3f, 1 }, /* forward a file */
	{ 0x3f, 1 },
	{ 0x27, 1 },  /* back a block: over the filemark */
	{ 0x01, 60 }, /* write */
	{ 0x01, 70 },
	{ 0x27, 1 },
	{ 0x01, 33 },
	{ 0x1f, 1 }, /* a filemark */
	{ 0x1f, 1 },
	{ 0x2f, 1 }, /* back a file: before the filemark */
	{ 0x01, 9 },
	{ 0x1f, 1 },
	{ 0x07, 1 }, /* rewind */
	{ 0x3f, 1 },
	{ 0x2f, 1 },
	{ 0x27, 1 },
	{ 0x01, 65535 },
	{ 0x1f, 1 },
	{ 0x1f, 1 },
};

#define MOTIONS (sizeof(motions) / sizeof(motions[0]))

static void
move_ours(const char *image)
{
	static const uint8_t zeros[65535];
	struct tape *t = load_tape(spec_in(dir, image));
	enum tape_cond cond;
	uint64_t done;

	/* That these go well shows in the bytes. */
	for (size_t i = 0; i < MOTIONS; i++)
		switch (motions[i].command) {
		case 0x01:
			put_record(t, zeros, motions[i].len);
			break;
		case 0x1f:
			put_mark(t);
			break;
		case 0x07:
			(void)tape_rewind(t);
			break;
		case 0x27:
			(void)tape_space(t, TAPE_RECORDS, -1, &done, &cond);
			break;
		default:
			(void)tape_space(t, TAPE_FILEMARKS,
			    motions[i].command == 0x3f ? 1 : -1, &done, &cond);
		}
	tape_free(t);
}

static void
test_motions(const char *image, const char *suffix)
{
	char theirs[32], ours[32], rule[64];
	FILE *f = begin_script(operations, MOTIONS);

	(void)snprintf(theirs, sizeof(theirs), "theirs%s", suffix);
	(void)snprintf(ours, sizeof(ours), "ours%s", suffix);
	(void)snprintf(rule, sizeof(rule), "%s, overwritten in its middle",
	    image);
	copy_file(image, theirs);
	copy_file(image, ours);
	for (size_t i = 0; i < MOTIONS; i++)
		fprintf(f, "r %zX=%02X01000020%06X\n", 0x400 + 8 * i,
		    motions[i].command, motions[i].len);
	fprintf(f, "devinit 480 %s\n", theirs);
	end_script(f);
	ends_with(DONE, rule);
	move_ours(ours);
	same_files(ours, theirs, rule);
	run("cmp %s %s 2>&1", image, ours);
	tap_ok(output[0] != '\0', "%s: and it is not what it was", rule);
}

/* tapesplt cuts a tape between files; each part is a tape. */
static void
test_tapesplt(void)
{
	uint64_t done, sum = 0;
	enum tape_cond cond;

	run("tapesplt aws.aws part1.aws 2 part2.aws 99 2>&1");
	for (int i = 1; i <= 2; i++) {
		struct tape *t =
		    load_tape(spec_in(dir, i == 1 ? "part1.aws" : "part2.aws"));

		tap_is_int(0, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
		    "part %d of tapesplt is a tape", i);
		sum += t->pos.object;
		tape_free(t);
	}
	tap_is_int((int64_t)model.n, (int64_t)sum, "... with all objects");
}

/*
 * What a kill leaves of a record: the emulator reads all that precedes it, and
 * then has an error, as it has at the end of any tape.
 */
static void
test_killed(const char *whole, const char *cut, const char *copy,
    const void *blank, size_t len)
{
	FILE *f;
	char rule[64];

	copy_file(whole, cut);
	f = fopen(path_in(dir, cut), "ab");
	memset(buf, 'k', sizeof(buf));
	if (f == NULL || fwrite(blank, 1, len, f) != len ||
	    fwrite(buf, 1, 30000, f) != 30000 || fclose(f) != 0)
		tap_bail("%s: %s", cut, strerror(errno));
	(void)snprintf(rule, sizeof(rule), "%s with part of a record", whole);
	emulate(cut, copy, model.n + 10);
	ends_with(READ_ERROR, rule);
	same_files("aws.aws", copy, rule);
	holds(cut, rule);
}

int
main(void)
{
	struct rng rng;

	run("sh -c 'for p in hercules tapemap hetmap hetupd hetget hetinit "
	    "tapesplt; do "
	    "command -v $p >/dev/null || echo $p; done'");
	if (output[0] != '\0')
		tap_skip_all("%.*s is not there: install hercules (make deps)",
		    (int)strcspn(output, "\n"), output);
	dir = make_scratch();
	rng = rng_seeded();
	make_model(&rng);
	write_model("aws.aws");
	write_model("plain.het,compress=no");
	write_model("zlib.het");
	write_model("fake.fkt");
	gentle = true;
	write_model("gentle.het,compress=no");
	write_model("gentle-9.het,level=9");
	write_model("bzip2.het,compress=bzip2");
	gentle = false;
	same_files("aws.aws", "plain.het", "HET without compression is AWS");
	test_maps();
	test_hetupd();
	test_hetget("zlib.het");
	gentle = true;
	test_hetget("bzip2.het");
	gentle = false;
	test_hetinit();
	test_emulator();
	test_motions("aws.aws", ".aws");
	test_motions("zlib.het", ".het");
	test_motions("fake.fkt", ".fkt");
	test_tapesplt();
	test_killed("aws.aws", "cut.aws", "cut-a.aws", "\xfd\xff\0\0\0\0", 6);
	test_killed("zlib.het", "cut.het", "cut-h.aws", "\xfd\xff\0\0\0\0", 6);
	test_killed("fake.fkt", "cut.fkt", "cut-f.aws", "--------A5C3", 12);
	remove_scratch(dir);
	return tap_done();
}
