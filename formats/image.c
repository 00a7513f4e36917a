/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The formats there are, how one is chosen, and the checked way to each.  Knows
 * no format but by its table.
 *
 * An image that is not blank is what its contents say.  Every format is asked;
 * if more than one takes it the suffix decides between them, and if that
 * doesn't, nobody guesses: the user is told the choices.  A blank one is what
 * its suffix says, or the default.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "amanda.h"
#include "aws.h"
#include "e11.h"
#include "faketape.h"
#include "het.h"
#include "image.h"
#include "ltfs.h"
#include "mhvtl.h"
#include "native.h"
#include "p7b.h"
#include "simh.h"
#include "simh_ext.h"
#include "ssc.h"
#include "tpc.h"
#include "vtape.h"

/* The first is the default. */
static const struct image_format *const formats[] = {
	&native_format,
	&simh_format,
	&simh_ext_format,
	&e11_format,
	&tpc_format,
	&aws_format,
	&het_format,
	&faketape_format,
	&p7b_format,
	&amanda_format,
	&vtape_format,
	&mhvtl_format,
	&ltfs_format,
	&ssc_format,
	NULL,
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]) - 1)

const struct image_format *const *
image_formats(void)
{
	return formats;
}

const struct image_format *
image_format_named(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

void
image_format_names(char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < N_FORMATS && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
		    i == 0 ? "" : ", ", formats[i]->name);
}

/* ---- Which format it is ------------------------------------------------- */

static bool
has_suffix(const char *path, const struct image_format *format)
{
	size_t n = strlen(path);

	for (const char *const *s = format->suffixes; *s != NULL; s++) {
		size_t m = strlen(*s);

		if (n > m && strcasecmp(path + n - m, *s) == 0)
			return true;
	}
	return false;
}

const struct image_format *
image_format_by_suffix(const char *path)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (!formats[i]->import_only && has_suffix(path, formats[i]))
			return formats[i];
	return formats[0];
}

/* The formats that would take an image. */
struct candidates {
	const struct image_format *formats[N_FORMATS];
	size_t n;
};

/*
 * Asks every format.  0, and there may be none; or what reading failed with.
 * The words are of the one that the suffix speaks for, or of nobody.
 */
static int
ask_all(const struct image_source *source, struct candidates *ret_found)
{
	char why[sizeof(source->owner->why)] = "";
	int r;

	ret_found->n = 0;
	for (size_t i = 0; i < N_FORMATS; i++) {
		const struct image_format *f = formats[i];
		bool suffix = has_suffix(source->path, f);

		if (f->directory != (source->host == NULL) ||
		    f->detect == IMAGE_BY_NAME ||
		    (f->detect == IMAGE_BY_SUFFIX && !suffix))
			continue;
		r = f->probe(source);
		if (r == 0)
			ret_found->formats[ret_found->n++] = f;
		else if (r != -EMEDIUMTYPE)
			return r;
		else if (suffix)
			memcpy(why, tape_why(source->owner), sizeof(why));
	}
	memcpy(source->owner->why, why, sizeof(why));
	return 0;
}

/* Leaves those for which the suffix speaks, if there are any. */
static void
prefer_suffix(const char *path, struct candidates *found)
{
	size_t kept = 0;

	for (size_t i = 0; i < found->n; i++)
		if (has_suffix(path, found->formats[i]))
			found->formats[kept++] = found->formats[i];
	if (kept > 0)
		found->n = kept;
}

static int
refuse_ambiguous(const struct image_source *source,
    const struct candidates *found)
{
	char names[128] = "";
	size_t n = 0;

	for (size_t i = 0; i < found->n && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
		    i == 0		   ? ""
			: i + 1 < found->n ? ", "
					   : " or ",
		    found->formats[i]->name);
	return tape_fail(source->owner, EMEDIUMTYPE,
	    "%.60s: could be %s, and nothing in it decides; say which with "
	    "format=",
	    source->path, names);
}

static int
refuse_unknown(const struct image_source *source)
{
	char why[sizeof(source->owner->why)];

	if (source->host == NULL)
		return tape_fail(source->owner, EISDIR,
		    "%.100s: a directory, and none that is a tape image; an "
		    "image is a file in it",
		    source->path);
	memcpy(why, tape_why(source->owner), sizeof(why));
	if (why[0] != '\0')
		return tape_fail(source->owner, EMEDIUMTYPE,
		    "%.180s; if you are sure what it is, name it with format=",
		    why);
	return tape_fail(source->owner, EMEDIUMTYPE,
	    "%.100s: no format that is known here; if you are sure what it is, "
	    "name it with format=",
	    source->path);
}

static int
format_by_content(const struct image_source *source,
    const struct image_format **ret_format)
{
	struct candidates found;
	int r = ask_all(source, &found);

	if (r < 0)
		return r;
	if (found.n > 1)
		prefer_suffix(source->path, &found);
	if (found.n > 1)
		return refuse_ambiguous(source, &found);
	if (found.n == 0)
		return refuse_unknown(source);
	*ret_format = found.formats[0];
	return 0;
}

/* Whether ${path} is a directory, or is to become one. */
static bool
is_directory(const char *path, const struct image_format *format)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode);
	return format != NULL && format->directory;
}

static int
open_source(const struct image_source *source,
    const struct image_format *format, bool blank, struct image **ret_image)
{
	int r = 0;

	if (format == NULL && blank)
		format = image_format_by_suffix(source->path);
	if (format == NULL)
		r = format_by_content(source, &format);
	if (r < 0)
		return r;
	if (format->directory != (source->host == NULL))
		return tape_fail(source->owner, EMEDIUMTYPE,
		    "%.100s: is %s, but an image of the format %s is %s",
		    source->path,
		    source->host == NULL ? "a directory" : "a file",
		    format->name, format->directory ? "a directory" : "a file");
	if (blank && format->import_only)
		return tape_fail(source->owner, EMEDIUMTYPE,
		    "%.100s: blank, and the format %s can only be read",
		    source->path, format->name);
	return format->open(source, ret_image);
}

/* Whether the name says anything about the format. */
static bool
has_any_suffix(const char *path)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (has_suffix(path, formats[i]))
			return true;
	return false;
}

/*
 * With the name of the file itself, if the one that was given is a link whose
 * name says nothing: as operators have them, "drive" for what is in the drive.
 */
static int
open_named(struct image_source *source, const struct image_format *format,
    struct image **ret_image)
{
	bool blank = hostfile_size(source->host) == 0;
	char *real = NULL;
	int r;

	if (!has_any_suffix(source->path))
		real = realpath(source->path, NULL);
	if (real != NULL)
		source->path = real;
	r = open_source(source, format, blank, ret_image);
	free(real);
	return r;
}

int
image_open(struct tape *owner, const char *path,
    const struct image_format *format, const struct image_options *options,
    struct image **ret_image)
{
	struct image_source source = { .owner = owner,
		.path = path,
		.options = options };
	int r;

	if (is_directory(path, format))
		return open_source(&source, format, false, ret_image);
	r = hostfile_open(owner, path, options->readonly, options->create,
	    &source.host);
	if (r < 0)
		return r;
	r = open_named(&source, format, ret_image);
	if (r < 0)
		(void)hostfile_close(source.host); /* nothing was written */
	return r;
}

/* ---- The checked way ---------------------------------------------------- */

int
image_close(struct image *image)
{
	return image->format->close(image);
}

void
image_describe(struct image *image, struct image_info *ret_info)
{
	*ret_info = (struct image_info){
		.min_record = 1,
		.max_record = image->format->max_record,
		.partitions = 1,
		.max_partitions = 1,
	};
	(void)snprintf(ret_info->medium, sizeof(ret_info->medium), "%s",
	    image->name); /* cut is fine */
	image->format->describe(image, ret_info);
	assert(ret_info->max_partitions <= TAPE_MAX_PARTITIONS);
	assert(ret_info->warn <= ret_info->capacity);
}

int
image_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r;

	image->torn = false;
	r = image->format->next(image, at, ret_object);
	if (r == 0 && ret_object->kind != IMAGE_NONE) {
		assert(ret_object->at >= at);
		assert(ret_object->end > ret_object->at);
		assert(ret_object->size <= TAPE_MAX_RECORD);
	}
	return r;
}

int
image_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r = image->format->prev(image, at, ret_object);

	if (r == 0 && ret_object->kind != IMAGE_NONE) {
		assert(ret_object->end <= at);
		assert(ret_object->end > ret_object->at);
		assert(ret_object->size <= TAPE_MAX_RECORD);
	}
	return r;
}

bool
image_find(struct image *image, bool forward, uint64_t object, uint64_t file,
    struct place *ret_place)
{
	if (!image->format->find(image, forward, object, file, ret_place))
		return false;
	if (forward)
		assert(ret_place->object <= object && ret_place->file <= file);
	else
		assert(ret_place->object >= object && ret_place->file >= file);
	return true;
}

int
image_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	int r = image->format->resync(image, at, ret_at);

	assert(r < 0 || *ret_at > at);
	return r;
}

int
image_flaws(struct image *image, image_flaw *tell, void *arg)
{
	return image->format->flaws(image, tell, arg);
}

int
image_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	assert(object->kind == IMAGE_RECORD);
	return image->format->read(image, object, buf, size, ret_len);
}

uint64_t
image_cost(const struct image *image, size_t len)
{
	return image->format->cost(image, len);
}

const char *
image_protection(const struct image *image)
{
	return image->format->protection(image);
}

void
image_expect(struct image *image, uint64_t zone, uint64_t most)
{
	image->format->expect(image, zone, most);
}

enum hostfile_room
image_reserve(struct image *image, uint64_t end)
{
	return image->format->reserve(image, end);
}

uint64_t
image_top(struct image *image)
{
	return image->format->top(image);
}

int
image_cut(struct image *image, uint64_t at)
{
	return image->format->cut(image, at);
}

int
image_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	uint64_t most = at + image_cost(image, len);
	int r;

	assert(len > 0 && len <= image->format->max_record);
	r = image->format->put_record(image, at, buf, len, ret_end);
	assert(r < 0 || *ret_end <= most);
	return r;
}

int
image_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	uint64_t most = at + image_cost(image, 0);
	int r = image->format->put_filemark(image, at, ret_end);

	assert(r < 0 || *ret_end <= most);
	return r;
}

int
image_sync(struct image *image)
{
	return image->format->sync(image);
}

int
image_set(struct image *image, enum tape_param param, uint32_t value)
{
	return image->format->set(image, param, value);
}

int
image_select(struct image *image, uint32_t partition)
{
	return image->format->select(image, partition);
}

int
image_partition(struct image *image, uint32_t partitions, uint64_t size)
{
	assert(partitions >= 1 && partitions <= TAPE_MAX_PARTITIONS);
	return image->format->partition(image, partitions, size);
}

/* ---- For formats -------------------------------------------------------- */

/* The last component of the path of a directory, shortened if it is long. */
static void
name_folder(struct image *image, const char *path)
{
	size_t len = strlen(path), from;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (from = len; from > 0 && path[from - 1] != '/';)
		from--;
	(void)snprintf(image->folder, sizeof(image->folder), "%.*s",
	    (int)(len - from), path + from); /* cut is fine */
	image->name = image->folder;
}

void
image_init(struct image *image, const struct image_format *format,
    const struct image_source *source)
{
	image->format = format;
	image->owner = source->owner;
	image->host = source->host;
	if (source->host != NULL)
		image->name = hostfile_name(source->host);
	else
		name_folder(image, source->path);
}

static int note_damage(const struct image *image, uint64_t at, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static int
note_damage(const struct image *image, uint64_t at, const char *fmt, va_list ap)
{
	char what[160];

	(void)vsnprintf(what, sizeof(what), fmt, ap); /* cut is fine */
	return tape_fail(image->owner, EBADMSG, "%s: offset %" PRIu64 ": %s",
	    image->name, at, what);
}

int
image_damaged(const struct image *image, uint64_t at, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = note_damage(image, at, fmt, ap);
	va_end(ap);
	return r;
}

int
image_torn(struct image *image, uint64_t at, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = note_damage(image, at, fmt, ap);
	va_end(ap);
	image->torn = true;
	return r;
}

int
image_unlike(const struct image *image, int r)
{
	char why[sizeof(image->owner->why)];

	if (r != -EBADMSG)
		return r;
	memcpy(why, tape_why(image->owner), sizeof(why));
	return tape_fail(image->owner, EMEDIUMTYPE,
	    "%.180s; this is no %s image", why, image->format->name);
}

int
image_nothing(uint64_t at, struct image_object *ret_object)
{
	*ret_object =
	    (struct image_object){ .kind = IMAGE_NONE, .at = at, .end = at };
	return 0;
}

int
image_filemark(uint64_t at, uint64_t end, struct image_object *ret_object)
{
	*ret_object = (struct image_object){ .kind = IMAGE_FILEMARK,
		.at = at,
		.end = end };
	return 0;
}

int
image_host_close(struct image *image)
{
	int r = hostfile_close(image->host);

	free(image);
	return r;
}

const char *
image_host_protection(const struct image *image)
{
	return hostfile_protection(image->host);
}

void
image_host_expect(struct image *image, uint64_t zone, uint64_t most)
{
	hostfile_expect(image->host, zone, most);
}

enum hostfile_room
image_host_reserve(struct image *image, uint64_t end)
{
	return hostfile_reserve(image->host, end);
}

uint64_t
image_host_top(struct image *image)
{
	return hostfile_top(image->host);
}

int
image_host_cut(struct image *image, uint64_t at)
{
	return hostfile_cut(image->host, at);
}

int
image_host_sync(struct image *image)
{
	return hostfile_sync(image->host);
}

/* ---- Formats that are only read ----------------------------------------- */

const char *
image_import_protection(const struct image *image)
{
	(void)image; /* all are alike */
	return "its format can only be read; pmtimg convert makes one that can "
	       "be written";
}

void
image_import_expect(struct image *image, uint64_t zone, uint64_t most)
{
	(void)image; /* it never grows */
	(void)zone;
	(void)most;
}

enum hostfile_room
image_import_reserve(struct image *image, uint64_t end)
{
	(void)image; /* it never grows */
	(void)end;
	return HOSTFILE_FULL;
}

uint64_t
image_import_top(struct image *image)
{
	(void)image; /* it never grows */
	return 0;
}

uint64_t
image_import_cost(const struct image *image, size_t len)
{
	(void)image; /* nothing is written */
	return len;
}

int
image_import_sync(struct image *image)
{
	(void)image; /* nothing was written */
	return 0;
}

static int
refuse_import(struct image *image)
{
	return tape_fail(image->owner, EROFS, "%s: %s", image->name,
	    image_import_protection(image));
}

int
image_import_cut(struct image *image, uint64_t at)
{
	(void)at;
	return refuse_import(image);
}

int
image_import_put_record(struct image *image, uint64_t at, const void *buf,
    size_t len, uint64_t *ret_end)
{
	(void)at;
	(void)buf;
	(void)len;
	(void)ret_end;
	return refuse_import(image);
}

int
image_import_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	(void)at;
	(void)ret_end;
	return refuse_import(image);
}

/* ---- Formats that have no such thing ------------------------------------ */

void
image_plain_describe(struct image *image, struct image_info *info)
{
	(void)image; /* the defaults hold */
	(void)info;
}

bool
image_no_find(struct image *image, bool forward, uint64_t object, uint64_t file,
    struct place *ret_place)
{
	(void)image; /* there is no index */
	(void)forward;
	(void)object;
	(void)file;
	(void)ret_place;
	return false;
}

int
image_no_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	(void)image; /* objects can't be told from data */
	(void)at;
	(void)ret_at;
	return -ENODATA;
}

int
image_no_flaws(struct image *image, image_flaw *tell, void *arg)
{
	(void)image; /* all that it has is needed */
	(void)tell;
	(void)arg;
	return 0;
}

int
image_no_set(struct image *image, enum tape_param param, uint32_t value)
{
	(void)value; /* whatever it is */
	return tape_fail(image->owner, EOPNOTSUPP,
	    "%s: the format %s has no %s", image->name, image->format->name,
	    param == TAPE_COMPRESSION ? "compression" : "densities");
}

int
image_one_select(struct image *image, uint32_t partition)
{
	(void)image; /* it is selected */
	assert(partition == 0);
	return 0;
}

int
image_one_partition(struct image *image, uint32_t partitions, uint64_t size)
{
	(void)partitions; /* nobody asks: max_partitions is 1 */
	(void)size;
	return tape_fail(image->owner, EOPNOTSUPP, "%s: no partitions",
	    image->name);
}
