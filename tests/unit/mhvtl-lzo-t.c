/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mhvtl's records that LZO compressed, on a machine that has no liblzo2: only
 * they can't be read, and it is said what is needed.
 */
#include <dlfcn.h>

#include "import.h"

/* In place of libc's: the library is not there. */
void *
dlopen(const char *file, int mode)
{
	(void)mode; /* whatever it is */
	tap_is_str("liblzo2.so.2", file, "liblzo2 is looked for");
	return NULL;
}

int
main(void)
{
	struct tape *t = load_tape("file:tests/data/mhvtl/v6-lzo/image");
	static uint8_t buf[8192];
	enum tape_cond cond;
	uint64_t done;
	size_t len;

	tap_is_int(-EIO, tape_read(t, buf, sizeof(buf), &len, &cond),
	    "a record that LZO compressed can't be read without it");
	if (!tap_ok(strstr(tape_why(t),
			"liblzo2 is needed to read it "
			"(Debian package liblzo2-2)") != NULL,
		"it is said what is needed"))
		tap_diag("said: %s", tape_why(t));
	tap_is_int(0, (int64_t)t->pos.object, "the tape stands before it");
	tap_is_int(0, tape_space(t, TAPE_RECORDS, 1, &done, &cond),
	    "it can be passed");
	tap_is_int(0, tape_read(t, buf, sizeof(buf), &len, &cond),
	    "what follows can be read");
	tap_is_int(80, (int64_t)len, "... as it is");
	tape_free(t);
	return tap_done();
}
