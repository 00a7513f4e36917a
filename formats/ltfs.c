/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tape directory of the reference LTFS's file back end ("file" device), a
 * directory with one host file for every object.  It is only read here.
 *
 *     NAME           DESCRIPTION
 *     P_N_R          object N of partition P (0 or 1) is a record: its bytes
 *     P_N_F          ... is a filemark: empty
 *     P_N_E          the end of data of partition P, in place of object N:
 * empty attr_P_ID      an attribute of the medium; ID is its number in
 *                    hexadecimal.  2 bytes number, 1 flags, 2 length, all
 *                    big-endian, and the value.  806 is the barcode.
 *     anything else  not looked at
 *
 * N counts from 0 without a hole, in decimal, with no zeros before it.  A
 * record "abc", a filemark, and the end of data:
 *
 *     0_0_R  61 62 63
 *     0_1_F
 *     0_2_E
 *
 * A partition of which there is nothing is blank: LTFS writes an end of data
 * when it first loads it.  Partition 1 is there if anything of it is.
 *
 * To write object N, LTFS removes what is N, makes and fills N_R, removes N+1,
 * makes N+1_E, and removes what follows.  Killed between these it leaves a gap,
 * a record that is short (or empty, which is damage here), no end of data, or
 * objects after it; but for the short record all of them are told as damage
 * where they are met.  There is no checksum.
 *
 * An offset of this image is a number of an object, so what a tape is said to
 * have used are objects.  A tape can have millions of them: no name is kept.
 * One pass over the directory finds the highest number of each partition; the
 * rest is asked of the file system, name by name, when it is needed.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bytes.h"
#include "ltfs.h"

#define PARTITIONS 2
#define NAME_SIZE 32 /* bytes, of the longest name and its end */

#define PROBE_NAMES 100000 /* of a directory, before one that is ours */

#define RESYNC_MOST 1000000 /* numbers tried */

#define BARCODE_FILE "attr_0_806"
#define BARCODE_ID 0x806
#define BARCODE_MOST 32 /* bytes */
#define ATTRIBUTE_HEADER 5

static const char types[] = "RFE";

/* What one pass over the directory has seen of a partition. */
struct part {
	bool there;
	uint64_t top; /* the highest number, of any type */
};

struct ltfs {
	struct image base;
	int dir;
	struct part parts[PARTITIONS];
	uint32_t selected;
	char barcode[BARCODE_MOST + 1];
};

static struct ltfs *
ltfs_of(struct image *image)
{
	return (struct ltfs *)image;
}

/* ---- Names -------------------------------------------------------------- */

static void
make_name(char buf[NAME_SIZE], uint32_t partition, uint64_t n, char type)
{
	(void)snprintf(buf, NAME_SIZE, "%" PRIu32 "_%" PRIu64 "_%c", partition,
	    n, type); /* fits */
}

/* Whether a name is that of an object: it is if it is made again. */
static bool
parse_name(const char *name, uint32_t *ret_partition, uint64_t *ret_n)
{
	char again[NAME_SIZE], type, end;
	uint32_t partition;
	uint64_t n;

	if (sscanf(name, "%1" SCNu32 "_%20" SCNu64 "_%c%c", &partition, &n,
		&type, &end) != 3 ||
	    strchr(types, type) == NULL)
		return false;
	make_name(again, partition, n, type);
	/* No tape has so many, and arithmetic with them must not wrap. */
	if (strcmp(name, again) != 0 || n > INT64_MAX)
		return false;
	*ret_partition = partition;
	*ret_n = n;
	return true;
}

static DIR *
open_directory(struct tape *owner, const char *path, int *ret_r)
{
	DIR *dir = opendir(path);

	*ret_r = dir != NULL
	    ? 0
	    : tape_fail(owner, errno, "%.100s: can't be read: %s", path,
		  strerror(errno));
	return dir;
}

/* A directory that has one name of an object, in a partition that can be. */
static int
ltfs_probe(const struct image_source *source)
{
	uint32_t partition, seen = 0;
	bool found = false;
	struct dirent *e;
	uint64_t n;
	int r;
	DIR *dir = open_directory(source->owner, source->path, &r);

	if (dir == NULL)
		return r;
	while (!found && seen++ < PROBE_NAMES && (e = readdir(dir)) != NULL)
		found = parse_name(e->d_name, &partition, &n) &&
		    partition < PARTITIONS;
	(void)closedir(dir); /* only read */
	if (found)
		return 0;
	return tape_fail(source->owner, EMEDIUMTYPE,
	    "%.100s: no file has a name like 0_0_R; this is no ltfs tape",
	    source->path);
}

/* ---- Opening ------------------------------------------------------------ */

static int
note_name(struct ltfs *l, const char *name)
{
	uint32_t partition;
	struct part *part;
	uint64_t n;

	if (!parse_name(name, &partition, &n))
		return 0;
	if (partition >= PARTITIONS)
		return tape_fail(l->base.owner, EMEDIUMTYPE,
		    "%s: %s: a partition that LTFS does not have", l->base.name,
		    name);
	part = &l->parts[partition];
	part->there = true;
	if (n > part->top)
		part->top = n;
	return 0;
}

static int
survey(struct ltfs *l, const char *path)
{
	struct dirent *e;
	int r;
	DIR *dir = open_directory(l->base.owner, path, &r);

	if (dir == NULL)
		return r;
	do {
		errno = 0;
		e = readdir(dir);
		if (e == NULL && errno != 0)
			r = tape_fail(l->base.owner, EIO,
			    "%s: can't be read: %s", l->base.name,
			    strerror(errno));
		if (e != NULL)
			r = note_name(l, e->d_name);
	} while (r == 0 && e != NULL);
	(void)closedir(dir); /* only read */
	return r;
}

/* Takes the barcode, if there is one that is text; most tapes have none. */
static void
read_barcode(struct ltfs *l)
{
	uint8_t p[ATTRIBUTE_HEADER + BARCODE_MOST];
	int fd = openat(l->dir, BARCODE_FILE,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, p, sizeof(p));
	(void)close(fd); /* only read */
	if (n < ATTRIBUTE_HEADER || (p[0] << 8 | p[1]) != BARCODE_ID)
		return;
	for (ssize_t i = ATTRIBUTE_HEADER; i < n && p[i] > ' ' && p[i] < 127;
	     i++)
		l->barcode[len++] = (char)p[i];
	l->barcode[len] = '\0';
}

static int
set_up(struct ltfs *l, const char *path)
{
	int r;

	l->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir < 0)
		return tape_fail(l->base.owner, errno,
		    "%s: can't be opened: %s", l->base.name, strerror(errno));
	r = survey(l, path);
	if (r < 0) {
		(void)close(l->dir); /* only read */
		return r;
	}
	read_barcode(l);
	return 0;
}

static int
ltfs_open(const struct image_source *source, struct image **ret_image)
{
	struct ltfs *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	image_init(&l->base, &ltfs_format, source);
	r = set_up(l, source->path);
	if (r < 0) {
		free(l);
		return r;
	}
	*ret_image = &l->base;
	return 0;
}

static int
ltfs_close(struct image *image)
{
	struct ltfs *l = ltfs_of(image);

	(void)close(l->dir); /* only read */
	free(l);
	return 0;
}

static void
ltfs_describe(struct image *image, struct image_info *info)
{
	struct ltfs *l = ltfs_of(image);

	info->partitions = l->parts[1].there ? 2 : 1;
	info->max_partitions = info->partitions;
	if (l->barcode[0] != '\0')
		(void)snprintf(info->medium, sizeof(info->medium), "%s",
		    l->barcode); /* it fits */
}

static int
ltfs_select(struct image *image, uint32_t partition)
{
	assert(partition < PARTITIONS);
	ltfs_of(image)->selected = partition;
	return 0;
}

/* ---- Objects ------------------------------------------------------------ */

/* The types that there are of a number, and the size of the last of them. */
static int
types_at(struct ltfs *l, uint64_t n, char ret_types[sizeof(types)],
    uint64_t *ret_size)
{
	char name[NAME_SIZE];
	struct stat st;
	size_t found = 0;

	for (const char *t = types; *t != '\0'; t++) {
		make_name(name, l->selected, n, *t);
		if (fstatat(l->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno == ENOENT)
				continue;
			return tape_fail(l->base.owner, EIO, "%s: %s: %s",
			    l->base.name, name, strerror(errno));
		}
		if (!S_ISREG(st.st_mode))
			return image_damaged(&l->base, n,
			    "%s is not a regular file", name);
		ret_types[found++] = *t;
		*ret_size = (uint64_t)st.st_size;
	}
	ret_types[found] = '\0';
	return 0;
}

/* Nothing has the number ${n}. */
static int
nothing_at(struct ltfs *l, uint64_t n, struct image_object *ret_object)
{
	const struct part *part = &l->parts[l->selected];
	char name[NAME_SIZE];

	make_name(name, l->selected, n, 'R');
	if (!part->there)
		return image_nothing(n, ret_object);
	if (n > part->top)
		return image_damaged(&l->base, n,
		    "no %s and no %.*sE: the end of data is missing", name,
		    (int)strlen(name) - 1, name);
	return image_damaged(&l->base, n,
	    "no %s, nor a filemark: a gap, as the numbers go on up to %" PRIu64,
	    name, part->top);
}

static int
end_at(struct ltfs *l, uint64_t n, uint64_t size,
    struct image_object *ret_object)
{
	char name[NAME_SIZE];

	make_name(name, l->selected, n, 'E');
	if (size != 0)
		return image_damaged(&l->base, n,
		    "%s is an end of data, but has %" PRIu64 " bytes", name,
		    size);
	if (n < l->parts[l->selected].top)
		return image_damaged(&l->base, n,
		    "%s is an end of data, but the numbers go on up to "
		    "%" PRIu64,
		    name, l->parts[l->selected].top);
	return image_nothing(n, ret_object);
}

static int
ltfs_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	struct ltfs *l = ltfs_of(image);
	char found[sizeof(types)], name[NAME_SIZE];
	uint64_t size = 0;
	int r = types_at(l, at, found, &size);

	if (r < 0)
		return r;
	if (found[0] == '\0')
		return nothing_at(l, at, ret_object);
	make_name(name, l->selected, at, found[0]);
	if (found[1] != '\0')
		return image_damaged(image, at,
		    "%s is there, and so is one that ends in %c", name,
		    found[1]);
	if (found[0] == 'E')
		return end_at(l, at, size, ret_object);
	if (found[0] == 'F' && size != 0)
		return image_damaged(image, at,
		    "%s is a filemark, but has %" PRIu64 " bytes", name, size);
	if (found[0] == 'F')
		return image_filemark(at, at + 1, ret_object);
	if (size == 0 || size > TAPE_MAX_RECORD)
		return image_damaged(image, at,
		    "%s is a record of %" PRIu64 " bytes; 1 to %" PRIu32
		    " can be read",
		    name, size, TAPE_MAX_RECORD);
	*ret_object = (struct image_object){ .kind = IMAGE_RECORD,
		.at = at,
		.end = at + 1,
		.size = (uint32_t)size };
	return 0;
}

static int
ltfs_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	if (at == 0)
		return image_nothing(at, ret_object);
	return ltfs_next(image, at - 1, ret_object);
}

/* The next number that is an object as it should be, if it is near. */
static int
ltfs_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	struct ltfs *l = ltfs_of(image);
	uint64_t top = l->parts[l->selected].top;
	struct image_object object;
	int r;

	if (top > at && top - at > RESYNC_MOST)
		top = at + RESYNC_MOST;
	while (at < top) {
		r = ltfs_next(image, ++at, &object);
		if (r == -EBADMSG || (r == 0 && object.kind == IMAGE_NONE))
			continue;
		if (r == 0)
			*ret_at = at;
		return r;
	}
	return -ENODATA;
}

/* Reads all of ${len} bytes, which were there when it was looked at. */
static int
read_bytes(struct ltfs *l, int fd, const char *name, uint8_t *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return tape_fail(l->base.owner, EIO,
			    "%s: %s can't be read: %s", l->base.name, name,
			    strerror(errno));
		if (n == 0)
			return tape_fail(l->base.owner, EIO,
			    "%s: %s was cut short while in use", l->base.name,
			    name);
		done += (size_t)n;
	}
	return 0;
}

static int
ltfs_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	struct ltfs *l = ltfs_of(image);
	char name[NAME_SIZE];
	int fd, r;

	make_name(name, l->selected, object->at, 'R');
	/* A pipe that has taken its place must not hold the tape up. */
	fd = openat(l->dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return tape_fail(image->owner, EIO,
		    "%s: %s can't be opened: %s", image->name, name,
		    strerror(errno));
	r = read_bytes(l, fd, name, buf,
	    size < object->size ? size : object->size);
	(void)close(fd); /* only read */
	if (r == 0)
		*ret_len = object->size;
	return r;
}

static const char *const ltfs_suffixes[] = { NULL };

const struct image_format ltfs_format = {
	.name = "ltfs",
	.about = "tape directory of LTFS's file back end",
	.suffixes = ltfs_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.directory = true,
	.import_only = true,
	.probe = ltfs_probe,
	.open = ltfs_open,
	.close = ltfs_close,
	.describe = ltfs_describe,
	.next = ltfs_next,
	.prev = ltfs_prev,
	.find = image_no_find,
	.resync = ltfs_resync,
	.flaws = image_no_flaws,
	.read = ltfs_read,
	.cost = image_import_cost,
	.protection = image_import_protection,
	.expect = image_import_expect,
	.reserve = image_import_reserve,
	.top = image_import_top,
	.sync = image_import_sync,
	.cut = image_import_cut,
	.put_record = image_import_put_record,
	.put_filemark = image_import_put_filemark,
	.set = image_no_set,
	.select = ltfs_select,
	.partition = image_one_partition,
};
