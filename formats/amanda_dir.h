/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host files in a directory of Amanda's, and what state each is in; see
 * amanda.c for the names.  Knows no offsets: what a tape is made of them is
 * amanda.c's business.
 */
#ifndef PMT_AMANDA_DIR_H
#define PMT_AMANDA_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct image_options;
struct tape;

enum amanda_state {
	AMANDA_WHOLE, /* ended with a filemark */
	AMANDA_OPEN,  /* not ended; its whole blocks count */
	AMANDA_LAST,  /* not ended; all of its bytes count */
};

struct amanda_file {
	uint32_t number; /* Amanda's and the tape's */
	enum amanda_state state;
	uint32_t block; /* bytes; of AMANDA_OPEN, by its name */
	uint64_t size;	/* bytes that count */
	char *name;	/* in the directory */
	bool headless;	/* begins with something else than a header */
	/* What is wrong with it, that can be told from the directory. */
	const char *wrong, *wrong_with;
	/* For amanda.c. */
	uint64_t at, end; /* offsets on the tape */
	uint64_t object;  /* objects before it */
};

struct amanda_dir {
	struct tape *owner;
	char name[64]; /* for messages */
	char *path;
	int fd;
	const char *protection;	   /* NULL: can be written */
	struct amanda_file *files; /* by number */
	size_t n;
	char **litter; /* names of what was never acknowledged */
	size_t n_litter;
	bool dirty; /* names have changed since the last sync */
};

/* Whether a directory has tape files of Amanda's in it; bounded. */
bool amanda_dir_looks_like_it(const char *path);

/*
 * Opens and locks the directory at ${path}, or its subdirectory "data" if there
 * is one, and looks at all files in it; makes it if it is not there and
 * ${options} allow.  As hostfile_open(); on failure there is nothing to close.
 */
int amanda_dir_open(struct amanda_dir *d, struct tape *owner, const char *path,
    const struct image_options *options);
void amanda_dir_close(struct amanda_dir *d);

/* The path of a host file; free() it.  NULL: out of memory, and words. */
char *amanda_dir_path(const struct amanda_dir *d, const char *name);

/* "NUMBER-openBLOCK.REST" and so on; as above. */
char *amanda_dir_name(const struct amanda_dir *d, uint32_t number,
    enum amanda_state state, uint32_t block, const char *rest);

/* Takes note of a file that was made; ${name} is then the directory's. */
int amanda_dir_add(struct amanda_dir *d, uint32_t number, uint32_t block,
    uint64_t size, char *name);

/* Renames the last file.  -EIO: it is what it was. */
int amanda_dir_change(struct amanda_dir *d, enum amanda_state state,
    uint32_t block);

/* Removes the last file.  -EIO: it is still there. */
int amanda_dir_remove_last(struct amanda_dir *d);

/* Removes a file that is none of the tape's. */
int amanda_dir_remove(struct amanda_dir *d, const char *name);

/* Removes what was never acknowledged. */
int amanda_dir_tidy(struct amanda_dir *d);

/* Makes names durable.  -EIO */
int amanda_dir_sync(struct amanda_dir *d);

/* Bytes free on its disk, as far as can be told. */
uint64_t amanda_dir_room(const struct amanda_dir *d);

/* The calls that change a directory, so that tests can fail them. */
struct amanda_calls {
	int (*mkdir)(const char *path, mode_t mode);
	int (*renameat)(int from, const char *name, int to, const char *new);
	int (*unlinkat)(int fd, const char *name, int flags);
	int (*fsync)(int fd);
};

extern const struct amanda_calls amanda_system;

/* NULL: back to amanda_system. */
void amanda_set_calls(const struct amanda_calls *calls);

#endif
