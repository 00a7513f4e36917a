/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tapes go from every format to every other one and come out the same: blank
 * ones, filemarks alone, empty files, records of all sizes that both can hold.
 * Formats with rules of their own about what may be written have a generator of
 * their own.
 */
#include "image.h"
#include "tapes.h"

#define FORMATS_MAX 32

static uint8_t buf[RECORD_MAX];
static const char *scratch;

/* A format that can be written, and what is special about it. */
struct subject {
	const struct image_format *format;
	bool amanda; /* a file is a header of 32 KiB, then blocks of that */
};

static size_t
all_subjects(struct subject *subjects)
{
	size_t n = 0;

	for (const struct image_format *const *f = image_formats(); *f; f++)
		if (!(*f)->import_only)
			subjects[n++] = (struct subject){ .format = *f,
				.amanda = strcmp((*f)->name, "amanda") == 0 };
	return n;
}

/* ---- Tapes ---- */

/* Small ones often, as their framing is what differs; and round figures. */
static uint32_t
random_length(struct rng *rng, uint32_t most)
{
	static const uint32_t some[] = { 1, 2, 3, 80, 511, 512, 513, 4095, 4096,
		10240, 32760, 32768, 65534, 65535, 65536, 200001, 1048576 };
	uint32_t len;

	if (rng_below(rng, 4) > 0)
		len = some[rng_below(rng, sizeof(some) / sizeof(some[0]))];
	else
		len = 1 + rng_below(rng, 3000);
	return len <= most ? len
			   : 1 + rng_below(rng, most < 3000 ? most : 3000);
}

static void
random_things(struct model *m, struct rng *rng, uint32_t most)
{
	uint32_t n = rng_below(rng, 120), marks = 1 + rng_below(rng, 10);

	for (uint32_t i = 0; i < n; i++)
		model_put(m, i + 1,
		    rng_below(rng, marks) == 0 ? 0 : random_length(rng, most));
}

static void
many_marks(struct model *m, struct rng *rng, uint32_t most)
{
	(void)rng; /* nothing is left to chance */
	(void)most;
	for (uint32_t i = 0; i < 300; i++)
		model_put(m, i + 1, i % 100 == 7 ? 80 : 0);
}

static void
one_mark(struct model *m, struct rng *rng, uint32_t most)
{
	(void)rng; /* as above */
	(void)most;
	model_put(m, 0, 0);
}

static void
blank(struct model *m, struct rng *rng, uint32_t most)
{
	(void)rng; /* as above */
	(void)most;
	(void)m; /* it is */
}

/* The largest that both can hold, and its neighbours. */
static void
largest(struct model *m, struct rng *rng, uint32_t most)
{
	(void)rng; /* as above */
	if (most > RECORD_MAX)
		most = RECORD_MAX;
	model_put(m, 1, most);
	model_put(m, 2, most - 1);
	model_put(m, 3, 0);
	model_put(m, 4, most);
}

/* Files as Amanda has them; tag 0 is a header. */
static void
amanda_files(struct model *m, struct rng *rng, uint32_t most)
{
	uint32_t files = 1 + rng_below(rng, 6);

	(void)most; /* 32768 is not too much for anybody */
	for (uint32_t i = 0; i < files; i++) {
		uint32_t blocks = i == 0 ? 0 : rng_below(rng, 8);

		model_put(m, 0, 32768);
		while (blocks-- > 0)
			model_put(m, 100 * i + blocks + 1, 32768);
		if (i > 0 && rng_below(rng, 2) == 0)
			model_put(m, 100 * i + 99, 1 + rng_below(rng, 32767));
		model_put(m, 0, 0);
	}
}

/* Record ${thing}, as it is number ${file} of its tape. */
static void
fill_thing(const struct thing *thing, uint64_t file)
{
	if (thing->tag != 0) {
		fill_record(buf, thing->len, thing->tag);
		return;
	}
	memset(buf, 0, thing->len);
	if (file == 0)
		(void)snprintf((char *)buf, thing->len,
		    "AMANDA: TAPESTART DATE 20261120000000 TAPE PMT-1\n\f\n");
	else
		(void)snprintf((char *)buf, thing->len,
		    "AMANDA: FILE 20261120000000 host disk%" PRIu64
		    " lev 0 comp N program /bin/tar\n\f\n",
		    file);
}

/* ---- Writing, copying, comparing ---- */

static bool
put_all(struct tape *t, const struct model *m)
{
	enum tape_cond cond;
	uint64_t file = 0;
	uint32_t done;
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < m->n; i++) {
		const struct thing *thing = &m->things[i];

		fill_thing(thing, file);
		file += thing->len == 0;
		r = thing->len > 0
		    ? tape_write(t, buf, thing->len, &cond)
		    : tape_write_filemarks(t, 1, true, &done, &cond);
		if (r < 0)
			tap_diag("object %" PRIu64 ": %s", i, tape_why(t));
	}
	return r == 0;
}

static bool
copy_all(struct tape *from, struct tape *to)
{
	enum tape_cond cond = TAPE_NONE, written;
	uint32_t done;
	size_t len;
	int r = tape_rewind(from);

	while (r == 0) {
		r = tape_read(from, buf, sizeof(buf), &len, &cond);
		if (r < 0 || cond == TAPE_EOD)
			break;
		r = cond == TAPE_FILEMARK
		    ? tape_write_filemarks(to, 1, true, &done, &written)
		    : tape_write(to, buf, len, &written);
	}
	if (r < 0)
		tap_diag("object %" PRIu64 ": %s; %s", from->pos.object,
		    tape_why(from), tape_why(to));
	return r == 0;
}

static bool
holds_all(struct tape *t, const struct model *m)
{
	static uint8_t seen[RECORD_MAX];
	enum tape_cond cond = TAPE_NONE;
	uint64_t file = 0;
	size_t len;
	int r = tape_rewind(t);

	for (uint64_t i = 0; r == 0 && i < m->n; i++) {
		const struct thing *thing = &m->things[i];

		r = tape_read(t, seen, sizeof(seen), &len, &cond);
		fill_thing(thing, file);
		file += thing->len == 0;
		if (r < 0 || len != thing->len ||
		    cond != (thing->len == 0 ? TAPE_FILEMARK : TAPE_NONE) ||
		    memcmp(seen, buf, len) != 0) {
			tap_diag("object %" PRIu64 ": %d %s %zu bytes, "
				 "expected %u: %s",
			    i, r, tape_cond_name(cond), len, thing->len,
			    tape_why(t));
			return false;
		}
	}
	return r == 0 && tape_read(t, seen, 1, &len, &cond) == 0 &&
	    cond == TAPE_EOD;
}

static void
remove_image(const char *path)
{
	if (unlink(path) < 0 && errno == EISDIR)
		remove_scratch(path);
}

/* A blank tape of a format, in an image of that name. */
static struct tape *
blank_tape(const struct subject *s, const char *name)
{
	char spec[512];

	remove_image(path_in(scratch, name));
	(void)snprintf(spec, sizeof(spec), "%s,format=%s",
	    spec_in(scratch, name), s->format->name);
	return load_tape(spec);
}

static bool
goes_round(const struct subject *a, const struct subject *b,
    const struct model *m)
{
	struct tape *there = blank_tape(a, "there");
	struct tape *back = blank_tape(a, "back");
	struct tape *other = blank_tape(b, "other");
	bool ok = put_all(there, m) && copy_all(there, other) &&
	    tape_unload(other) == 0 && tape_load(other) == 0 &&
	    holds_all(other, m) && copy_all(other, back) &&
	    tape_unload(back) == 0 && tape_load(back) == 0 &&
	    holds_all(back, m);

	tape_free(there);
	tape_free(back);
	tape_free(other);
	return ok;
}

static uint32_t
most_of(const struct subject *a, const struct subject *b)
{
	return a->format->max_record < b->format->max_record
	    ? a->format->max_record
	    : b->format->max_record;
}

static const struct {
	const char *name;
	unsigned times;
	bool for_amanda;
	void (*make)(struct model *m, struct rng *rng, uint32_t most);
} tapes[] = {
	{ "blank", 1, true, blank },
	{ "one filemark", 1, false, one_mark },
	{ "many filemarks", 1, false, many_marks },
	{ "largest records", 1, false, largest },
	{ "random", 4, false, random_things },
	{ "files of Amanda", 2, true, amanda_files },
};

static void
test_pair(const struct subject *a, const struct subject *b, struct rng *rng)
{
	static struct model m;
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(tapes) / sizeof(tapes[0]); i++) {
		if ((a->amanda || b->amanda) && !tapes[i].for_amanda)
			continue;
		for (unsigned n = 0; ok && n < tapes[i].times; n++) {
			m.n = m.at = 0;
			tapes[i].make(&m, rng, most_of(a, b));
			ok = goes_round(a, b, &m);
		}
		if (!ok)
			tap_diag("tape: %s", tapes[i].name);
	}
	tap_ok(ok, "tapes go from %s to %s and back", a->format->name,
	    b->format->name);
}

int
main(void)
{
	struct subject subjects[FORMATS_MAX];
	size_t n = all_subjects(subjects);
	struct rng rng = rng_seeded();

	scratch = make_scratch();
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++)
			test_pair(&subjects[a], &subjects[b], &rng);
	remove_image(path_in(scratch, "there"));
	remove_image(path_in(scratch, "back"));
	remove_image(path_in(scratch, "other"));
	remove_scratch(scratch);
	return tap_done();
}
