/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tgt's own programs make tapes, and they are read as what was written:  tgtimg
 * makes blank ones here, tgtd and the real st write in the lab (ssc-peer.sh).
 */
#include "import.h"

static bool
have(const char *program)
{
	char command[256];

	(void)snprintf(command, sizeof(command),
	    "PATH=$PATH:/usr/sbin:/sbin command -v %s >/dev/null", program);
	return system(command) == 0;
}

static void
test_blank(const char *dir)
{
	char command[600];
	struct tape_info info;
	uint64_t n;
	struct tape *t;

	(void)snprintf(command, sizeof(command),
	    "PATH=$PATH:/usr/sbin timeout 20 tgtimg --op new --device-type "
	    "tape "
	    "--barcode T00001 --size 3 --type data --file %s/blank "
	    ">/dev/null",
	    dir);
	(void)system(command); /* its status lies; what it made is looked at */
	tap_is_int(0, read_through(spec_in(dir, "blank"), &n),
	    "a tape that tgtimg has made is known and has an end of data");
	tap_is_int(0, (int64_t)n, "... at its beginning");
	t = load_tape(spec_in(dir, "blank"));
	tape_describe(t, &info);
	tap_is_str("T00001", info.medium, "... its barcode is that given");
	tap_is_int(3 << 20, (int64_t)info.capacity, "... so is its capacity");
	tape_free(t);
}

/* One record, which is what comes next in ${data}. */
static bool
same_record(struct tape *t, FILE *data, size_t size)
{
	static uint8_t expected[1 << 17], seen[1 << 17];
	enum tape_cond cond;
	size_t len;

	return size <= sizeof(expected) &&
	    fread(expected, 1, size, data) == size &&
	    tape_read(t, seen, sizeof(seen), &len, &cond) == 0 &&
	    cond == TAPE_NONE && len == size &&
	    memcmp(expected, seen, size) == 0;
}

static bool
same_mark(struct tape *t, enum tape_cond expected)
{
	enum tape_cond cond;
	uint8_t byte;
	size_t len;

	return tape_read(t, &byte, 1, &len, &cond) == 0 && cond == expected;
}

/* A line of what is expected; the number of objects, or 0 if it is not so. */
static unsigned
same_line(struct tape *t, const char *dir, const char *file, unsigned size,
    unsigned count)
{
	bool same = true;
	FILE *data;

	if (strcmp(file, "marks") == 0) {
		for (unsigned i = 0; i < count; i++)
			same = same && same_mark(t, TAPE_FILEMARK);
		return same ? count : 0;
	}
	data = fopen(joined(dir, file), "rb");
	if (data == NULL)
		tap_bail("%s: %s", file, strerror(errno));
	for (unsigned i = 0; i < count; i++)
		same = same && same_record(t, data, size);
	(void)fclose(data); /* only read */
	return same && same_mark(t, TAPE_FILEMARK) ? count + 1 : 0;
}

static void
test_tape(const char *dir, const char *name, unsigned objects)
{
	char path[300], file[16];
	unsigned size, count, total = 0;
	struct tape *t;
	FILE *list;

	(void)snprintf(path, sizeof(path), "%s/%s.ssc", dir, name);
	t = load_tape(joined("file:", path));
	(void)snprintf(path, sizeof(path), "%s/%s.expected", dir, name);
	list = fopen(path, "r");
	if (list == NULL)
		tap_bail("%s: %s", path, strerror(errno));
	while (fscanf(list, "%15s %u %u", file, &size, &count) == 3) {
		unsigned same = same_line(t, dir, file, size, count);

		tap_ok(same > 0, "%s: %u of %u bytes of %s are there", name,
		    count, size, file);
		total += same;
	}
	(void)fclose(list); /* only read */
	tap_ok(same_mark(t, TAPE_EOD), "%s: and then nothing", name);
	tap_is_int(objects, total, "%s: there were that many objects", name);
	tap_ok(same_backward(t, name), "%s: is the same backward", name);
	tape_free(t);
}

int
main(void)
{
	char command[1200];
	const char *dir;

	if (!have("tgtimg") || !have("tgtd") || !have("iscsiadm"))
		tap_skip_all("tgtimg, tgtd or iscsiadm is not there: "
			     "install tgt and open-iscsi (make deps)");
	dir = make_scratch();
	test_blank(dir);
	(void)snprintf(command, sizeof(command),
	    "timeout 200 tests/lab/lab -k stable -x iscsi -o %s -t 150 -- "
	    "\"$PWD\"/tests/contract/ssc-peer.sh %s >%s/log 2>&1",
	    dir, dir, dir);
	if (!tap_ok(system(command) == 0, "tgtd and st write two tapes"))
		tap_bail("see %s/log", dir);
	test_tape(dir, "first", 4 + 3 + 2 + 2 + 2 + 11);
	test_tape(dir, "second", 4 + 3);
	remove_scratch(dir);
	return tap_done();
}
