/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new image on the host, which is removed again if what was to go into it
 * fails.  Only what was made here is ever removed.
 */
#ifndef PMT_PMTIMG_MADE_H
#define PMT_PMTIMG_MADE_H

#include <stdbool.h>
#include <sys/types.h>

struct pmtimg_made {
	char *path; /* NULL: nothing was made */
	bool directory;
	dev_t dev;
	ino_t ino;
};

/*
 * Makes an empty file or directory where nothing is.  0, or the exit status
 * after a message.
 */
int pmtimg_made_make(struct pmtimg_made *ret_made, const char *path,
    bool directory);

/* Removes it, with all that is in it, if it still is what was made. */
void pmtimg_made_remove(struct pmtimg_made *m);

void pmtimg_made_free(struct pmtimg_made *m);

#endif
