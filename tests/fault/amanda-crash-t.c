/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of Amanda's under mortal.h: a writer dies before every call that
 * changes a file or a directory.
 */
#include "mortal.h"

#include "../contract/amandas.h"
#include "amanda_dir.h"

static int
mortal_mkdir(const char *path, mode_t mode)
{
	maybe_die();
	return amanda_system.mkdir(path, mode);
}

static int
mortal_renameat(int from, const char *name, int to, const char *new)
{
	maybe_die();
	return amanda_system.renameat(from, name, to, new);
}

static int
mortal_unlinkat(int fd, const char *name, int flags)
{
	maybe_die();
	return amanda_system.unlinkat(fd, name, flags);
}

static int
mortal_fsync(int fd)
{
	maybe_die();
	return amanda_system.fsync(fd);
}

static const struct amanda_calls mortal_calls = {
	.mkdir = mortal_mkdir,
	.renameat = mortal_renameat,
	.unlinkat = mortal_unlinkat,
	.fsync = mortal_fsync,
};

/* One tape file: whole blocks, a short one, a filemark. */
static void
put_dump(struct tape *t, uint32_t i, unsigned blocks, uint32_t tail)
{
	put(t, i == 0 ? LABEL_TAG : DUMP_TAG + i, HEADER);
	for (unsigned b = 0; b < blocks; b++)
		put(t, 100 * i + b, 20000);
	if (tail > 0)
		put(t, 100 * i + 99, tail);
}

static void
work(struct tape *t)
{
	put_dump(t, 0, 0, 0);
	put_marks(t, 1);
	for (uint32_t i = 1; i < 6; i++) {
		put_dump(t, i, i % 3, i % 2 == 0 ? 0 : 12345);
		put_marks(t, 1);
	}
	put_dump(t, 6, 2, 0);
	go_to(t, 15); /* in a dump */
	put(t, 1500, 20000);
	put(t, 1501, 10);
	go_to(t, 14);
	witness_erase(witness, t);
	put(t, 1502, 20000);
	put_marks(t, 1);
	go_to(t, 11);
	put(t, 1503, 777);
	go_to(t, 11);
	witness_erase(witness, t);
	go_to(t, 5); /* before a filemark */
	witness_erase(witness, t);
	put_marks(t, 1);
	go_to(t, 2); /* before a header */
	put_dump(t, 7, 1, 1);
	go_to(t, 0);
	put_dump(t, 0, 0, 0);
	put_marks(t, 1);
	put_dump(t, 8, 1, 0);
}

/* Whatever it ends with, a filemark or else a header can follow. */
static void
go_on(struct tape *t)
{
	static uint8_t buf[HEADER];
	enum tape_cond cond;
	uint32_t n;

	if (tape_write_filemarks(t, 1, false, &n, &cond) == 0)
		return;
	fill_amanda(buf, HEADER, t->pos.object == 0 ? LABEL_TAG : DUMP_TAG);
	put_record(t, buf, HEADER);
}

int
main(void)
{
	const char *dir = make_scratch();
	char spec[600];
	struct mortal subject = {
		.spec = spec,
		.image = path_in(dir, "tape"),
		.work = work,
		.fill = fill_amanda,
		.go_on = go_on,
	};

	(void)snprintf(spec, sizeof(spec), "%s,format=amanda,block=20000",
	    spec_in(dir, "tape"));
	amanda_set_calls(&mortal_calls);
	die_everywhere(&subject, 150);
	remove_tree(dir);
	return tap_done();
}
