/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIMH's own tools read images that we have written.  mtdump reads the formats
 * simh, e11 and tpc; its exit status is 0 whatever it met, so its words are
 * compared, all of them.  It stops at two filemarks in a row and takes records
 * of up to 65535 bytes.  mtcvtodd and mtcvtv23 make simh of e11 and of tpc;
 * their bytes are compared with those of a simh image of our own.
 */
#include "tapes.h"

#define OBJECTS 200

static struct model model;

struct dialect {
	const char *name;    /* of the image, with its suffix */
	const char *option;  /* of mtdump */
	unsigned word;	     /* bytes of a length */
	bool padded;	     /* data is, to an even length */
	bool trailer;	     /* the length comes again after it */
	const char *convert; /* the program that makes simh of it, ... */
	const char *made;    /* ... under this name */
};

static const struct dialect dialects[] = {
	{ "peer.tap", "-s", 4, true, true, NULL, NULL },
	{ "peer.e11", "-e", 4, false, true, "mtcvtodd", "peer.new" },
	{ "peer.tpc", "-c", 2, true, false, "mtcvtv23", "peer.tap" },
};

static const struct dialect *dialect; /* the one under test */

/* Bytes of an object. */
static size_t
whole(uint32_t len)
{
	if (len == 0)
		return dialect->word;
	return (dialect->trailer ? 2 : 1) * (size_t)dialect->word + len +
	    (dialect->padded ? len & 1 : 0);
}

/* What mtdump says of an image that holds the model. */
static void
expected_dump(const char *path, FILE *out)
{
	size_t at = 0;
	unsigned file = 0, record = 0;
	bool within = false; /* a file has begun */

	fprintf(out, "Processing input file %s\n", path);
	for (uint64_t i = 0; i < model.n; i++) {
		uint32_t len = model.things[i].len;

		if (!within && len > 0) {
			fprintf(out, "Processing tape file %u\n", ++file);
			record = 0;
		}
		fprintf(out, "Obj %" PRIu64 ", position %zu, ", i + 1, at);
		if (len > 0)
			fprintf(out, "record %u, length = %u (0x%X)\n",
			    ++record, len, len);
		else if (within)
			fprintf(out, "end of tape file %u\n", file);
		else
			fprintf(out, "end of logical tape\n");
		if (!within && len == 0)
			return;
		within = len > 0;
		at += whole(len);
	}
	fprintf(out, "End of physical tape\n");
}

static char *
seen_dump(const char *path)
{
	char command[600];
	char *text = NULL;
	size_t size = 0;
	FILE *in, *out = open_memstream(&text, &size);
	int c;

	(void)snprintf(command, sizeof(command), "timeout 20 mtdump %s '%s'",
	    dialect->option, path);
	in = popen(command, "r");
	if (in == NULL || out == NULL)
		tap_bail("mtdump: %s", strerror(errno));
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	(void)pclose(in);  /* says nothing, see above */
	(void)fclose(out); /* in memory */
	return text;
}

static void
agrees(const char *path, const char *rule)
{
	char *expected = NULL, *seen = seen_dump(path);
	size_t size = 0, at = 0;
	FILE *out = open_memstream(&expected, &size);

	if (out == NULL)
		tap_bail("out of memory");
	expected_dump(path, out);
	(void)fclose(out); /* in memory */
	while (expected[at] != '\0' && expected[at] == seen[at])
		at++;
	if (!tap_ok(expected[at] == seen[at], "%s: mtdump agrees: %s",
		dialect->name, rule))
		tap_diag("expected \"%.60s\", seen \"%.60s\"", expected + at,
		    seen + at);
	free(expected);
	free(seen);
}

static void
put(struct tape *t, uint32_t tag, uint32_t len)
{
	static uint8_t buf[65536];
	enum tape_cond cond;
	uint32_t done;
	int r;

	fill_record(buf, len, tag);
	if (len > 0)
		r = tape_write(t, buf, len, &cond);
	else
		r = tape_write_filemarks(t, 1, true, &done, &cond);
	if (r < 0)
		tap_bail("%s", tape_why(t));
	model_put(&model, tag, len);
}

static void
write_random(struct tape *t, struct rng *rng)
{
	bool was_mark = true;

	for (uint32_t i = 0; i < OBJECTS; i++) {
		bool mark = !was_mark && rng_below(rng, 8) == 0;

		put(t, i, mark ? 0 : 1 + rng_below(rng, 65534));
		was_mark = mark;
	}
}

static void
test_dump(const char *dir, struct rng *rng)
{
	const char *path = path_in(dir, dialect->name);
	struct tape *t = load_tape(spec_in(dir, dialect->name));
	enum tape_cond cond;

	model.n = model.at = 0;
	write_random(t, rng);
	agrees(path, "of a tape that is still loaded, with no end to it");
	put(t, 0, 1);
	put(t, 0, 0);
	put(t, 0, 0);
	(void)tape_unload(t); /* or mtdump sees it */
	agrees(path, "of a tape that ends with two filemarks");
	(void)tape_load(t); /* as above */
	model.at = OBJECTS / 2;
	(void)tape_locate(t, 0, model.at, &cond);
	put(t, 1, 33);
	tape_free(t);
	agrees(path, "of one that was written anew from its middle");
}

/* Writes the model into an image. */
static void
write_model(const char *spec)
{
	static uint8_t buf[65536];
	struct tape *t = load_tape(spec);
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

/* Padding, too, is the same: both write 0. */
static void
test_convert(const char *dir, struct rng *rng)
{
	char command[600], name[64];
	struct tape *t;
	bool converted;

	(void)unlink(path_in(dir, dialect->name)); /* all are made anew */
	(void)unlink(path_in(dir, dialect->made));
	(void)unlink(path_in(dir, "ours.tap"));
	t = load_tape(spec_in(dir, dialect->name));
	model.n = model.at = 0;
	write_random(t, rng);
	/* The first of the tools stops there, the other one at the end. */
	put(t, 0, 1);
	put(t, 0, 0);
	put(t, 0, 0);
	tape_free(t);
	write_model(spec_in(dir, "ours.tap"));
	(void)snprintf(command, sizeof(command),
	    "cd '%s' && timeout 20 %s %s >said && cmp %s ours.tap", dir,
	    dialect->convert, dialect->name, dialect->made);
	converted = system(command) == 0; /* that of cmp */
	tap_ok(converted, "%s: what %s makes of it is our simh image",
	    dialect->name, dialect->convert);
	(void)snprintf(name, sizeof(name), "%s,readonly=yes,format=simh",
	    dialect->made);
	t = load_tape(spec_in(dir, name));
	tap_ok(holds_model(t, &model), "%s: ... and read as one",
	    dialect->name);
	tape_free(t);
	(void)unlink(path_in(dir, "peer.tap")); /* not another test's */
}

int
main(void)
{
	const char *dir;
	struct rng rng;

	/* mtdump gives 0 with no file, too; a shell without mtdump 127. */
	if (system("mtdump </dev/null >/dev/null 2>&1") != 0)
		tap_skip_all("mtdump is not there: install simh (make deps)");
	dir = make_scratch();
	rng = rng_seeded();
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		dialect = &dialects[i];
		test_dump(dir, &rng);
		if (dialect->convert != NULL)
			test_convert(dir, &rng);
	}
	remove_scratch(dir);
	return tap_done();
}
