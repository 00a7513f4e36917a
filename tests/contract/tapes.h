/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests over tapes share: tapes out of specs, a scratch directory, and
 * records whose bytes tell which record they are.
 */
#ifndef PMT_TESTS_TAPES_H
#define PMT_TESTS_TAPES_H

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "file.h"
#include "fault.h"
#include "mirror.h"
#include "null.h"
#include "served.h"
#include "spec.h"
#include "st.h"
#include "tap.h"
#include "tape.h"

static const struct tape_type *const test_types[] = { &file_tape_type,
	&null_tape_type, &st_tape_type, &mirror_tape_type, &fault_tape_type,
	&rmt_tape_type, &served_tape_type, NULL };

/* A tape, not loaded; what can't be opened ends the test. */
static inline struct tape *
open_tape(const char *text)
{
	struct spec_error e;
	struct spec *spec;
	struct tape *t;

	if (spec_parse(text, test_types, &spec, &e) < 0 ||
	    spec_open(spec, &t, &e) < 0)
		tap_bail("%s: %s", text, e.text);
	spec_free(spec);
	return t;
}

static inline struct tape *
load_tape(const char *text)
{
	struct tape *t = open_tape(text);

	if (tape_load(t) < 0)
		tap_bail("%s: %s", text, tape_why(t));
	return t;
}

/* "file:DIR/NAME" and options, until the next call but three. */
static inline const char *
spec_in(const char *dir, const char *name)
{
	static char text[4][512];
	static unsigned turn;
	char *out = text[turn++ % 4];

	(void)snprintf(out, sizeof(text[0]), "file:%s/%s", dir, name);
	return out;
}

static inline const char *
path_in(const char *dir, const char *name)
{
	return strchr(spec_in(dir, name), ':') + 1;
}

static inline const char *
make_scratch(void)
{
	static char dir[256];
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(dir, sizeof(dir), "%s/pmt-test-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(dir) == NULL)
		tap_bail("no scratch directory: %s", strerror(errno));
	return dir;
}

/* The directory and the plain files in it. */
static inline void
remove_scratch(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0); /* "." and ".." stay */
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir); /* what is left lies under /tmp */
}

/* A small generator, the same everywhere. */
struct rng {
	uint64_t state;
};

static inline uint32_t
rng_next(struct rng *rng)
{
	rng->state = rng->state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (uint32_t)(rng->state >> 33);
}

/* 0 .. limit - 1 */
static inline uint32_t
rng_below(struct rng *rng, uint32_t limit)
{
	return rng_next(rng) % limit;
}

/* PMT_SEED, or one from the clock; told, so that a failure can be repeated. */
static inline struct rng
rng_seeded(void)
{
	const char *given = getenv("PMT_SEED");
	struct timespec now;
	struct rng rng;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail */
	rng.state = given != NULL
	    ? strtoull(given, NULL, 0)
	    : (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec;
	tap_diag("PMT_SEED=%" PRIu64, rng.state);
	return rng;
}

/* Byte ${i} of the record that is called ${tag}. */
static inline uint8_t
record_byte(uint32_t tag, size_t i)
{
	return (uint8_t)((tag * UINT32_C(2654435761) +
			     (uint32_t)i * UINT32_C(40503)) >>
	    11);
}

static inline void
fill_record(uint8_t *buf, size_t len, uint32_t tag)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = record_byte(tag, i);
}

/* How many bytes of a record the tape keeps: all, or PMT_TAPE_KEEPS. */
static inline size_t
kept_bytes(void)
{
	const char *given = getenv("PMT_TAPE_KEEPS");

	return given == NULL ? SIZE_MAX : strtoul(given, NULL, 10);
}

static inline bool
is_record_of(const uint8_t *buf, size_t len, uint32_t tag)
{
	if (len > kept_bytes())
		len = kept_bytes();
	for (size_t i = 0; i < len; i++)
		if (buf[i] != record_byte(tag, i))
			return false;
	return true;
}

/* ---- What a tape should hold ---- */

#define MODEL_MAX 400	     /* objects */
#define RECORD_MAX (1 << 20) /* bytes of a record in a model */

struct thing {
	uint32_t tag;
	uint32_t len; /* 0: a filemark */
};

struct model {
	struct thing things[MODEL_MAX];
	uint64_t n;  /* EOD */
	uint64_t at; /* the position */
};

static inline uint64_t
files_before(const struct model *m, uint64_t object)
{
	uint64_t files = 0;

	for (uint64_t i = 0; i < object; i++)
		files += m->things[i].len == 0;
	return files;
}

/* Writes one object; what followed is gone. */
static inline void
model_put(struct model *m, uint32_t tag, uint32_t len)
{
	m->things[m->at] = (struct thing){ .tag = tag, .len = len };
	m->n = ++m->at;
}

/* Reads a loaded tape from BOT to EOD; says where it differs. */
static inline bool
holds_model(struct tape *t, const struct model *m)
{
	static uint8_t buf[RECORD_MAX];
	enum tape_cond cond;
	size_t len;
	int r = tape_rewind(t);

	for (uint64_t i = 0; r == 0 && i <= m->n; i++) {
		enum tape_cond expected = i == m->n ? TAPE_EOD
		    : m->things[i].len == 0	    ? TAPE_FILEMARK
						    : TAPE_NONE;

		r = tape_read(t, buf, sizeof(buf), &len, &cond);
		if (r == 0 && cond == expected &&
		    (cond != TAPE_NONE ||
			(len == m->things[i].len &&
			    is_record_of(buf, len, m->things[i].tag))))
			continue;
		tap_diag("object %" PRIu64 " of %" PRIu64 ": %d %s %zu bytes, "
			 "expected %s: %s",
		    i, m->n, r, tape_cond_name(cond), len,
		    tape_cond_name(expected), tape_why(t));
		return false;
	}
	return r == 0;
}

#endif
