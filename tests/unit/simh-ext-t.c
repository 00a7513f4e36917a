/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The extended SIMH format: every image in tests/data/simh-ext is read as its
 * listing says; what is passed over stays until something is written before it.
 */
#include "listing.h"

/* The example at the top of simh_ext.c. */
static const uint8_t example[] = {
	2, 0, 0, 0xe0, 'h', 'i', 2, 0, 0, 0xe0, /* a description, "hi" */
	1, 0, 0, 0x70,				/* a private marker */
	1, 0, 0, 0, 'a', 0, 1, 0, 0, 0,		/* "a" */
};

static void
make_example(const char *dir)
{
	FILE *f = fopen(path_in(dir, "example.tap"), "wb");

	if (f == NULL ||
	    fwrite(example, 1, sizeof(example), f) != sizeof(example) ||
	    fclose(f) != 0)
		tap_bail("example.tap: %s", strerror(errno));
}

static void
test_example(const char *dir)
{
	struct tape *t = load_tape(spec_in(dir, "example.tap,format=simh-ext"));
	uint8_t seen[64];
	enum tape_cond cond;
	size_t n;

	tap_is_int(0, tape_read(t, seen, sizeof(seen), &n, &cond),
	    "what is no record is passed over");
	tap_ok(n == 1 && seen[0] == 'a', "... to the record");
	tap_is_int(1, (int64_t)t->pos.object, "... which is the first object");
	put_mark(t);
	tape_free(t);
	n = bytes_of(path_in(dir, "example.tap"), seen, sizeof(seen));
	tap_is_int(sizeof(example) + 4, (int64_t)n, "a filemark is appended");
	tap_is_mem(example, seen, sizeof(example), "... and all else stays");
	tap_is_mem("\0\0\0\0", seen + sizeof(example), 4, "... before it");
}

static void
test_standard_refuses(const char *dir)
{
	struct tape *t = open_tape(spec_in(dir, "example.tap,format=simh"));
	enum tape_cond cond;
	uint64_t done;

	tap_is_int(0, tape_load(t), "the standard format, when told to,");
	tap_is_int(-EIO, tape_space(t, TAPE_TO_EOD, 0, &done, &cond),
	    "refuses a description");
	tap_ok(strstr(tape_why(t), "format=simh-ext") != NULL,
	    "... and names the way out: %s", tape_why(t));
	tape_free(t);
}

static void
test_write_at_bot(const char *dir)
{
	struct tape *t = load_tape(spec_in(dir, "example.tap,format=simh-ext"));
	uint8_t seen[64];

	put_record(t, "b", 1);
	tape_free(t);
	tap_is_int(10,
	    (int64_t)bytes_of(path_in(dir, "example.tap"), seen, sizeof(seen)),
	    "a write at BOT cuts all away that was there");
	tap_is_mem("\1\0\0\0b\0\1\0\0\0", seen, 10,
	    "... and what is written is standard");
}

int
main(void)
{
	const char *dir = make_scratch();

	test_listings("simh-ext", 28);
	make_example(dir);
	test_example(dir);
	make_example(dir);
	test_standard_refuses(dir);
	test_write_at_bot(dir);
	remove_scratch(dir);
	return tap_done();
}
