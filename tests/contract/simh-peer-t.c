/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIMH's own mtdump reads images that we have written.  Its exit status is 0
 * whatever it met, so its words are compared, all of them.  It stops at two
 * filemarks in a row and takes records of up to 65535 bytes.
 */
#include "tapes.h"

#define OBJECTS 200

static struct model model;

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
		at += len > 0 ? 8 + (size_t)len + (len & 1) : 4;
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

	(void)snprintf(command, sizeof(command), "mtdump '%s'", path);
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
	if (!tap_ok(expected[at] == seen[at], "mtdump agrees: %s", rule))
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

		put(t, i, mark ? 0 : 1 + rng_below(rng, 65535));
		was_mark = mark;
	}
}

int
main(void)
{
	const char *dir, *path;
	struct rng rng;
	enum tape_cond cond;
	struct tape *t;

	/* mtdump gives 0 with no file, too; a shell without mtdump 127. */
	if (system("mtdump </dev/null >/dev/null 2>&1") != 0)
		tap_skip_all("mtdump is not there: install simh (make deps)");
	dir = make_scratch();
	rng = rng_seeded();
	t = load_tape(spec_in(dir, "peer.tap"));
	path = path_in(dir, "peer.tap");
	write_random(t, &rng);
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
	remove_scratch(dir);
	return tap_done();
}
