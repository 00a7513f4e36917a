/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native format, pmt: an append-only log of objects behind two superblocks,
 * in one host file a partition.  This file is the format as image.h wants it:
 * partitions, options, parameters.  native_disk.c has the bytes, native_log.c
 * recovery and walking, native_append.c the writes, native_index.c the index,
 * native_codec.c the payload.
 *
 * What must hold whenever the process is killed, and whatever subset of the
 * sectors that were not synced yet a power cut loses:
 *
 *  1. A record or filemark is one append of header, payload and padding.  The
 *     header has a CRC of its own and one of the payload, so that an object
 *     that is there in part is not there.
 *  2. A superblock calls durable (checkpoint, limit) only what a sync has
 *     covered before the superblock was written.
 *  3. Between two writes of superblocks there is a sync, and they take turns
 *     with the slots: at most one of the slots is not durable at any time, the
 *     other one is whole, and it is the newest but one.
 *  4. An epoch begins at a limit, with a superblock that is durable before the
 *     log is cut there and before an object of that epoch is written.  So every
 *     object from the limit on is of the superblock's epoch or is stale.
 *  5. Objects are chained: each has the CRC of the header before it, a number
 *     one greater, and a greater wseq, which is never used twice in an epoch.
 *  6. The first object after a sync says so (flag "synced"), if that sync has
 *     made all before it durable.
 *  7. When the first object of an epoch is written both slots know the epoch.
 *
 * Recovery takes the newest valid superblock and goes forward from its
 * checkpoint over objects that are valid in header and payload, of its epoch,
 * and chained.  Where that ends, at E:
 *
 *     a later object has the flag "synced",    E was durable, by 6: damage,
 *     or there is one of a greater epoch       which is told when the walk gets
 *                                              there, and is never EOD
 *     anything else, or nothing                data ends at E
 *
 * Nothing that was synced is lost so: if the last checkpoint is there, what was
 * synced lies below it, where nothing is ever taken for the end; if it was lost
 * itself, by 3 the one before is there, what was synced since is whole, and the
 * walk passes over it.  Nothing torn is kept, by 1.  Nothing stale comes back:
 * before the limit there is none, by 2 and 4; from the limit on a stale object
 * has a smaller epoch.  That a truncation was lost shows in nothing but this.
 * What was not synced may be cut at any object, as if it had been absent.
 * After a kill nothing is lost at all: the page cache has it whole.
 *
 * Damage is found below the checkpoint always.  Above it, which is the case
 * only if the host died before the tape was unloaded and has not been written
 * since, it is found up to the last object that has the flag.  Unloading leaves
 * the checkpoint at EOD.
 *
 * Order of writes
 *
 *     first load   two superblocks in one append; sync
 *     record       [index object,] header, payload, padding in one append
 *     filemark     header
 *     sync         fdatasync; superblock with checkpoint = EOD, not synced: if
 *                  it is lost the one before does as well
 *     first write  fdatasync; superblock with epoch + 1, limit and checkpoint =
 *     of a session here; fdatasync; the same in the other slot, not synced;
 *     or a write   truncation to here, if anything follows; then the record
 *     before EOD
 *     unload       index object, if it is worth it; as sync; fdatasync
 *
 * Killed between the superblock of a new epoch and the truncation, the tape
 * ends at the limit: what follows is of an older epoch.
 *
 * A file of up to 8192 bytes without a valid superblock is blank if all of them
 * are 0, or if they are fewer than 512 and begin as a superblock does; so is
 * one of fewer than 8192 whose first superblock has the sequence 1.  That is
 * what may be left of the first load.  Loading changes nothing otherwise, and
 * readers never do: a torn tail stays until the first write cuts it away.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "native.h"
#include "native_key.h"
#include "native_log.h"

struct native_image {
	struct image base;
	char *path;
	bool readonly;
	struct native_codec *codec;
	struct native_log logs[TAPE_MAX_PARTITIONS]; /* host NULL: not there */
	unsigned selected;
	bool unsure; /* which formatting holds, see native_partition() */
};

static int
system_random(void *buf, size_t len)
{
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -EIO;
}

static int64_t
system_now(void)
{
	return (int64_t)time(NULL);
}

static const struct native_world system_world = { system_random, system_now };
static const struct native_world *world = &system_world;

void
native_set_world(const struct native_world *other)
{
	world = other == NULL ? &system_world : other;
}

static struct native_image *
native_of(const struct image *image)
{
	return (struct native_image *)(uintptr_t)image;
}

static struct native_log *
log_of(const struct image *image)
{
	struct native_image *n = native_of(image);

	return &n->logs[n->selected];
}

static unsigned
partitions_of(const struct native_image *n)
{
	return n->logs[0].super.partitions;
}

/* ---- Opening ------------------------------------------------------------ */

/* What a new image is to be like; its log is made of it. */
static int
invent(struct native_image *n, const struct image_options *options,
    const struct native_key *key)
{
	struct native_super *super = &n->logs[0].super;

	*super = (struct native_super){
		.partitions = 1,
		.capacity = options->capacity,
		.volume = options->capacity,
		.warn = options->capacity > 0 ? options->warn : 0,
		.created = world->now(),
		.compression = options->compress == IMAGE_COMPRESS_ZSTD
		    ? NATIVE_ZSTD
		    : NATIVE_PLAIN,
		.cipher = key == NULL ? NATIVE_CLEAR : NATIVE_AES_256_GCM,
	};
	if (key != NULL)
		memcpy(super->key_id, native_key_id(key), NATIVE_KEY_ID);
	if (world->random(super->uuid, sizeof(super->uuid)) < 0 ||
	    world->random(super->generation, sizeof(super->generation)) < 0 ||
	    world->random(&super->salt, sizeof(super->salt)) < 0)
		return tape_fail(n->base.owner, EIO, "no random bytes");
	return 0;
}

/* A blank tape that can't be written, nor made an image of. */
static void
pretend_blank(struct native_log *log)
{
	log->super.partitions = 1;
	log->end.offset = log->tail = NATIVE_START;
}

static int
refuse_key(const struct native_image *n, const struct native_super *super,
    const struct native_key *key)
{
	char id[2 * NATIVE_KEY_ID + 1], other[2 * NATIVE_KEY_ID + 1] = "";

	for (unsigned i = 0; i < NATIVE_KEY_ID; i++) {
		(void)snprintf(id + 2 * i, 3, "%02x", super->key_id[i]);
		if (key != NULL)
			(void)snprintf(other + 2 * i, 3, "%02x",
			    native_key_id(key)[i]);
	}
	if (super->cipher == NATIVE_CLEAR)
		return tape_fail(n->base.owner, EINVAL,
		    "%s: is not encrypted, and can't be any more; without key= "
		    "it is used as it is",
		    n->base.name);
	if (key == NULL)
		return tape_fail(n->base.owner, EACCES,
		    "%s: is encrypted; key= has to name the file with key %s",
		    n->base.name, id);
	return tape_fail(n->base.owner, EACCES,
	    "%s: is encrypted with key %s, but the key given is %s",
	    n->base.name, id, other);
}

/* Whether the key, or none, is what the image wants. */
static int
check_key(const struct native_image *n, const struct native_key *key)
{
	const struct native_super *super = &n->logs[0].super;

	if ((super->cipher == NATIVE_CLEAR) == (key == NULL) &&
	    (key == NULL ||
		memcmp(super->key_id, native_key_id(key), NATIVE_KEY_ID) == 0))
		return 0;
	return refuse_key(n, super, key);
}

/* Partition 0, which is in the file that was named. */
static int
open_first(struct native_image *n, const struct image_options *options,
    const struct native_key *key)
{
	struct native_log *log = &n->logs[0];
	bool blank = hostfile_size(log->host) == 0;
	int r = 0;

	if (!blank)
		r = native_log_read_super(log, NULL, &blank);
	if (blank && hostfile_protection(log->host) != NULL) {
		pretend_blank(log);
		return 0;
	}
	if (blank) {
		r = invent(n, options, key);
		return r < 0 ? r : native_log_make(log);
	}
	if (r == 0)
		r = check_key(n, key);
	if (r == 0 && log->super.partition != 0)
		return tape_fail(n->base.owner, EMEDIUMTYPE,
		    "%s: is partition %" PRIu32 " of a volume; open the file "
		    "with partition 0",
		    n->base.name, log->super.partition);
	return r < 0 ? r : native_log_open(log, NULL);
}

/* The file of a partition but the first; frees nothing. */
static int
open_companion_file(struct native_image *n, unsigned i, bool create)
{
	size_t size = strlen(n->path) + 8;
	char *path = malloc(size);
	int r;

	if (path == NULL)
		return tape_fail(n->base.owner, ENOMEM, "out of memory");
	(void)snprintf(path, size, "%s.p%u", n->path, i); /* fits */
	r = hostfile_open(n->base.owner, path, n->readonly, create,
	    &n->logs[i].host);
	free(path);
	return r;
}

static int
open_companion(struct native_image *n, unsigned i)
{
	const struct native_super *first = &n->logs[0].super;
	struct native_log *log = &n->logs[i];
	int r = open_companion_file(n, i, false);

	if (r == 0)
		r = native_log_open(log, first->generation);
	if (r == 0 &&
	    (log->super.partition != i ||
		memcmp(log->super.uuid, first->uuid, NATIVE_UUID) != 0 ||
		log->super.cipher != first->cipher))
		r = tape_fail(n->base.owner, EMEDIUMTYPE,
		    "%s: is not partition %u of this volume",
		    hostfile_name(log->host), i);
	return r;
}

static int
choose_compression(struct native_image *n, enum image_compress compress)
{
	bool on = n->logs[0].super.compression != NATIVE_PLAIN;

	if (compress == IMAGE_COMPRESS_ZLIB || compress == IMAGE_COMPRESS_BZIP2)
		return tape_fail(n->base.owner, EINVAL,
		    "%s: the format pmt compresses with zstd only: "
		    "compress=zstd or compress=no",
		    n->base.name);
	if (compress != IMAGE_COMPRESS_UNSAID)
		on = compress == IMAGE_COMPRESS_ZSTD;
	native_codec_compress(n->codec, on);
	return 0;
}

/* All that is not the file with partition 0, which its owner closes. */
static void
free_image(struct native_image *n)
{
	for (unsigned i = 1; i < TAPE_MAX_PARTITIONS; i++)
		if (n->logs[i].host != NULL)
			(void)hostfile_close(n->logs[i].host);
	native_codec_free(n->codec);
	free(n->path);
	free(n);
}

static struct native_image *
new_image(const struct image_source *source)
{
	struct native_image *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	image_init(&n->base, &native_format, source);
	n->readonly = source->options->readonly;
	n->path = strdup(source->path);
	n->codec = native_codec_new(source->owner, source->options->level,
	    world->random);
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++) {
		n->logs[i].image = &n->base;
		n->logs[i].codec = n->codec;
	}
	n->logs[0].host = source->host;
	if (n->path != NULL && n->codec != NULL)
		return n;
	free_image(n);
	return NULL;
}

static int
open_all(struct native_image *n, const struct image_options *options)
{
	struct native_key *key = NULL;
	int r = choose_compression(n, options->compress);

	if (r == 0 && options->key != NULL)
		r = native_key_read(n->base.owner, options->key, &key);
	if (r == 0)
		r = open_first(n, options, key);
	if (r == 0)
		native_codec_encrypt(n->codec, key);
	else
		native_key_free(key);
	for (unsigned i = 1; r == 0 && i < partitions_of(n); i++)
		r = open_companion(n, i);
	if (r == 0)
		r = choose_compression(n, options->compress);
	return r;
}

static int
native_open(const struct image_source *source, struct image **ret_image)
{
	struct native_image *n = new_image(source);
	int r;

	if (n == NULL)
		return tape_fail(source->owner, ENOMEM, "out of memory");
	r = open_all(n, source->options);
	if (r < 0) {
		char why[sizeof(source->owner->why)];

		memcpy(why, source->owner->why, sizeof(why));
		free_image(n); /* what it closes was only looked at */
		memcpy(source->owner->why, why, sizeof(why));
		return r;
	}
	*ret_image = &n->base;
	return 0;
}

static int
native_close(struct image *image)
{
	struct native_image *n = native_of(image);
	int r = 0, s;

	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++) {
		if (n->logs[i].host == NULL)
			continue;
		s = native_append_finish(&n->logs[i]);
		if (s < 0)
			r = s;
		s = hostfile_close(n->logs[i].host);
		if (s < 0)
			r = s;
		n->logs[i].host = NULL;
	}
	free_image(n);
	return r;
}

static bool
has_suffix(const char *path)
{
	size_t n = strlen(path);

	return n >= 4 && strcasecmp(path + n - 4, ".pmt") == 0;
}

/*
 * Whether it is one: a valid superblock says so.  What a crash has left of the
 * first load can be a blank tape of other formats, too; there the name decides.
 */
static int
native_probe(const struct image_source *source)
{
	struct image image;
	struct native_log log = { .image = &image, .host = source->host };
	bool blank;
	int r;

	image_init(&image, &native_format, source);
	r = native_log_read_super(&log, NULL, &blank);
	return blank && has_suffix(source->path) ? 0 : r;
}

static void
native_describe(struct image *image, struct image_info *info)
{
	const struct native_super *super = &log_of(image)->super;
	const struct native_image *n = native_of(image);

	info->capacity = super->capacity;
	info->warn =
	    super->warn < super->capacity ? super->warn : super->capacity;
	info->partitions = partitions_of(n);
	info->max_partitions = TAPE_MAX_PARTITIONS;
	info->can_compress = true;
	info->compress = native_codec_compresses(n->codec);
	info->encrypted = super->cipher != NATIVE_CLEAR;
	if (super->label[0] != '\0')
		(void)snprintf(info->medium, sizeof(info->medium), "%s",
		    super->label); /* cut is fine */
}

/* ---- Offsets: from BOT outside, in the file inside ---------------------- */

static void
outside(struct image_object *object)
{
	object->at -= NATIVE_START;
	object->end -= NATIVE_START;
}

static int
native_next(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r = native_log_next(log_of(image), at + NATIVE_START, ret_object);

	if (r == 0)
		outside(ret_object);
	return r;
}

static int
native_prev(struct image *image, uint64_t at, struct image_object *ret_object)
{
	int r = native_log_prev(log_of(image), at + NATIVE_START, ret_object);

	if (r == 0)
		outside(ret_object);
	return r;
}

static bool
native_find(struct image *image, bool forward, uint64_t object, uint64_t file,
    struct place *ret_place)
{
	struct native_point key = { .offset = forward ? UINT64_MAX : 0,
		.object = object,
		.files = file };
	struct native_point found;

	if (forward ? !native_index_up_to(log_of(image), &key, &found)
		    : !native_index_from(log_of(image), &key, &found))
		return false;
	*ret_place = (struct place){ .offset = found.offset - NATIVE_START,
		.object = found.object,
		.file = found.files };
	return true;
}

static int
native_resync(struct image *image, uint64_t at, uint64_t *ret_at)
{
	int r = native_log_resync(log_of(image), at + NATIVE_START, ret_at);

	if (r == 0)
		*ret_at -= NATIVE_START;
	return r;
}

static int
native_read(struct image *image, const struct image_object *object, void *buf,
    size_t size, size_t *ret_len)
{
	struct image_object inside = *object;

	inside.at += NATIVE_START;
	inside.end += NATIVE_START;
	return native_log_read(log_of(image), &inside, buf, size, ret_len);
}

static uint64_t
native_cost(const struct image *image, size_t len)
{
	return native_append_cost(log_of(image), len);
}

/* All or none: a partition that can be written is no use beside a torn one. */
static const char *
native_protection(const struct image *image)
{
	const struct native_image *n = native_of(image);
	const char *why = NULL;

	if (n->unsure)
		return "formatting has failed halfway; unload and load it to "
		       "go "
		       "on";
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS && why == NULL; i++)
		if (n->logs[i].host != NULL)
			why = hostfile_protection(n->logs[i].host);
	return why;
}

static void
native_expect(struct image *image, uint64_t zone, uint64_t most)
{
	if (most < INT64_MAX - NATIVE_START)
		most += NATIVE_START;
	log_of(image)->most = most;
	hostfile_expect(log_of(image)->host, zone, most);
}

static enum hostfile_room
native_reserve(struct image *image, uint64_t end)
{
	return hostfile_reserve(log_of(image)->host, end + NATIVE_START);
}

static uint64_t
native_top(struct image *image)
{
	uint64_t top = hostfile_top(log_of(image)->host);

	if (top == UINT64_MAX)
		return top;
	return top > NATIVE_START ? top - NATIVE_START : 0;
}

/* Another partition may have been written before this one was selected. */
static int
native_sync(struct image *image)
{
	struct native_image *n = native_of(image);
	int r = 0;

	for (unsigned i = 0; r == 0 && i < partitions_of(n); i++)
		r = native_append_sync(&n->logs[i]);
	return r;
}

static int
native_cut(struct image *image, uint64_t at)
{
	return native_append_cut(log_of(image), at + NATIVE_START);
}

static int
native_put_record(struct image *image, uint64_t at, const void *buf, size_t len,
    uint64_t *ret_end)
{
	struct native_log *log = log_of(image);
	int r;

	assert(at + NATIVE_START >= log->tail &&
	    at + NATIVE_START <= log->end.offset);
	r = native_append_record(log, buf, len, ret_end);
	if (r == 0)
		*ret_end -= NATIVE_START;
	return r;
}

static int
native_put_filemark(struct image *image, uint64_t at, uint64_t *ret_end)
{
	struct native_log *log = log_of(image);
	int r;

	assert(at + NATIVE_START >= log->tail &&
	    at + NATIVE_START <= log->end.offset);
	r = native_append_filemark(log, ret_end);
	if (r == 0)
		*ret_end -= NATIVE_START;
	return r;
}

static int
native_flaws(struct image *image,
    void (*tell)(void *context, uint64_t at, const char *what), void *context)
{
	return native_log_flaws(log_of(image), tell, context);
}

static int
native_set(struct image *image, enum tape_param param, uint32_t value)
{
	if (param != TAPE_COMPRESSION)
		return image_no_set(image, param, value);
	if (value > 1)
		return tape_fail(image->owner, EINVAL,
		    "%s: compression is 0 or 1, not %" PRIu32, image->name,
		    value);
	native_codec_compress(native_of(image)->codec, value == 1);
	return 0;
}

/* ---- Partitions --------------------------------------------------------- */

static int
native_select(struct image *image, uint32_t partition)
{
	struct native_image *n = native_of(image);

	assert(partition < partitions_of(n));
	n->selected = partition;
	image->host = n->logs[partition].host;
	return 0;
}

/*
 * What partition ${i} of ${count} may hold: the last one ${size} bytes, the
 * others what is left of the volume, in equal parts; all get equal parts if
 * ${size} is 0.  A volume with no end gives all others no end either.
 */
static uint64_t
share_of(uint64_t volume, uint32_t i, uint32_t count, uint64_t size)
{
	if (size > 0 && i == count - 1)
		return size;
	if (volume == 0)
		return 0;
	return size == 0 ? volume / count : (volume - size) / (count - 1);
}

/* The superblock of a partition that is blank. */
static struct native_super
blank_super(const struct native_image *n, uint32_t i, uint32_t count,
    uint64_t size, const uint8_t *generation)
{
	struct native_super super = n->logs[0].super;

	memcpy(super.generation, generation, NATIVE_UUID);
	super.partition = i;
	super.partitions = count;
	super.capacity = share_of(super.volume, i, count, size);
	super.index = (struct native_point){ .offset = 0 };
	super.indexes = 0;
	super.salt =
	    n->logs[i].host == NULL ? super.salt : n->logs[i].super.salt;
	super.limit = super.checkpoint = native_bot(&super);
	return super;
}

/* Whose file this is: blank, or of this volume. */
static int
claim_companion(struct native_image *n, unsigned i, bool *ret_blank)
{
	struct native_log *log = &n->logs[i];
	int r = open_companion_file(n, i, true);

	if (r < 0)
		return r;
	*ret_blank = hostfile_size(log->host) == 0;
	if (!*ret_blank)
		r = native_log_read_super(log, NULL, ret_blank);
	if (*ret_blank)
		return 0;
	if (r == 0 &&
	    memcmp(log->super.uuid, n->logs[0].super.uuid, NATIVE_UUID) == 0)
		return 0;
	return tape_fail(n->base.owner, EEXIST,
	    "%s: is in the way: it is to be partition %u, but is something "
	    "else",
	    hostfile_name(log->host), i);
}

/* Makes a companion ready, for when the first partition says that it holds. */
static int
prepare_companion(struct native_image *n, unsigned i, uint32_t count,
    uint64_t size, const uint8_t *generation)
{
	struct native_log *log = &n->logs[i];
	struct native_super super;
	bool blank = false;
	int r = 0;

	if (log->host == NULL)
		r = claim_companion(n, i, &blank);
	if (r < 0)
		return r;
	super = blank_super(n, i, count, size, generation);
	if (!blank)
		return native_append_commit(log, &super);
	log->super = super;
	return native_log_make(log);
}

/*
 * Forgets what was prepared.  It stays in its slot, which the next superblock
 * will need: for the first partition may have been committed after all.
 */
static void
forget_companion(struct native_image *n, unsigned i,
    const struct native_log *before)
{
	struct native_log *log = &n->logs[i];

	if (before->host != NULL) {
		log->super = before->super;
		log->slot = before->slot;
		return;
	}
	if (log->host != NULL)
		(void)hostfile_close(log->host); /* nobody refers to it */
	*log = *before;
}

/* Formatting has failed: all is as before, or nothing may be written. */
static void
forget_all(struct native_image *n, uint32_t count,
    const struct native_log *before)
{
	char why[sizeof(n->base.owner->why)];

	memcpy(why, n->base.owner->why, sizeof(why));
	if (n->logs[0].doubtful || hostfile_sync(n->logs[0].host) < 0)
		n->unsure = true;
	for (unsigned i = 1; i < count; i++)
		forget_companion(n, i, &before[i]);
	memcpy(n->base.owner->why, why, sizeof(why));
}

/* It has been committed: everything is blank, whatever fails from here on. */
static void
finish_partition(struct native_image *n, uint32_t count)
{
	for (unsigned i = 0; i < TAPE_MAX_PARTITIONS; i++) {
		struct native_log *log = &n->logs[i];

		if (log->host == NULL)
			continue;
		if (i < count) {
			native_append_blank(log);
			continue;
		}
		/* No partition any more: its space is given back. */
		(void)hostfile_cut(log->host, NATIVE_START);
		(void)hostfile_close(log->host); /* nobody refers to it */
		*log =
		    (struct native_log){ .image = &n->base, .codec = n->codec };
	}
}

/*
 * The first superblock decides which formatting holds: what a companion has of
 * another one does not count.  So each companion gets the new one in the slot
 * that the old one does not need, and then the first superblock is replaced.
 */
static int
native_partition(struct image *image, uint32_t partitions, uint64_t size)
{
	struct native_image *n = native_of(image);
	struct native_log before[TAPE_MAX_PARTITIONS];
	uint8_t generation[NATIVE_UUID];
	struct native_super super;
	int r = 0;

	if (n->logs[0].super.volume > 0 && size > 0 &&
	    size + partitions - 1 > n->logs[0].super.volume)
		return tape_fail(image->owner, EINVAL,
		    "%s: a partition of %" PRIu64 " bytes on a volume of "
		    "%" PRIu64,
		    image->name, size, n->logs[0].super.volume);
	if (size > INT64_MAX / 2)
		return tape_fail(image->owner, EINVAL,
		    "%s: a partition of %" PRIu64 " bytes", image->name, size);
	if (world->random(generation, sizeof(generation)) < 0)
		return tape_fail(image->owner, EIO, "no random bytes");
	memcpy(before, n->logs, sizeof(before));
	for (unsigned i = 1; r == 0 && i < partitions; i++)
		r = prepare_companion(n, i, partitions, size, generation);
	super = blank_super(n, 0, partitions, size, generation);
	if (r == 0)
		r = native_append_commit(&n->logs[0], &super);
	if (r < 0) {
		forget_all(n, partitions, before);
		return r;
	}
	finish_partition(n, partitions);
	return native_select(image, 0);
}

static const char *const native_suffixes[] = { ".pmt", NULL };

const struct image_format native_format = {
	.name = "pmt",
	.about = "native format: checksums, index, compression, encryption",
	.suffixes = native_suffixes,
	.max_record = TAPE_MAX_RECORD,
	.probe = native_probe,
	.open = native_open,
	.close = native_close,
	.describe = native_describe,
	.next = native_next,
	.prev = native_prev,
	.find = native_find,
	.resync = native_resync,
	.flaws = native_flaws,
	.read = native_read,
	.cost = native_cost,
	.protection = native_protection,
	.expect = native_expect,
	.reserve = native_reserve,
	.top = native_top,
	.sync = native_sync,
	.cut = native_cut,
	.put_record = native_put_record,
	.put_filemark = native_put_filemark,
	.set = native_set,
	.select = native_select,
	.partition = native_partition,
};
