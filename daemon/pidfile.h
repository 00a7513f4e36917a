/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that tells the number of a daemon's process: one line, in decimal.
 * Who has it locked has it: so a number that is left from before a crash keeps
 * nobody away, whatever process may have that number today.
 */
#ifndef PMT_PIDFILE_H
#define PMT_PIDFILE_H

struct pidfile;
struct spec_error;

/*
 * Makes the file if there is none, and locks it; the lock passes on to a child.
 * ${path} has to live as long.  -EBUSY: another process has it, which ${e}
 * names.  -EINVAL: there is a file that tells no number; it stays as it is.
 */
int pidfile_claim(const char *path, struct pidfile **ret_pidfile,
    struct spec_error *e);

/* Puts the number of this process in. */
int pidfile_write(struct pidfile *p, struct spec_error *e);

/*
 * Removes the file, unless somebody has put another in its place.  May be
 * called from any thread, and again; NULL is fine.
 */
void pidfile_remove(const struct pidfile *p);

/* Forgets it, and lets the lock go.  NULL is fine. */
void pidfile_free(struct pidfile *p);

#endif
