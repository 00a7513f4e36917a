/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The remote magtape protocol as bytes; see wire.h.  Owns what a byte means,
 * and leaves to others what is done about it.
 *
 * Every length and number is checked before it is used: a line longer than its
 * kind allows is an error as soon as that can be seen, not when it ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/mtio.h>

#include "bytes.h"
#include "wire.h"

#define SHORT_NAME_MAX 63 /* bytes: 64 with the NUL, since 4.2BSD */
#define ERRNO_COMMON 34	  /* up to here all systems agree */
#define FIELDS "TDERFBfb"

/* What st sets in mt_gstat; anything else is no status of Linux. */
#define GSTAT_BITS UINT32_C(0xfde58000)

const struct rmt_dialect rmt_dialects[RMT_DIALECTS] = {
	[RMT_DIALECT_GNU] = { .name = "gnu",
	    .numbers = RMT_NUMBERS_LINUX,
	    .whence_first = true,
	    .status_line = true,
	    .close_exits = true,
	    .long_names = true,
	    .linux_status = true },
	[RMT_DIALECT_DUMP] = { .name = "dump",
	    .numbers = RMT_NUMBERS_V1,
	    .negotiates = true,
	    .field_status = true },
	[RMT_DIALECT_OLDDUMP] = { .name = "olddump",
	    .numbers = RMT_NUMBERS_LINUX,
	    .negotiates = true,
	    .field_status = true },
	[RMT_DIALECT_SCHILY] = { .name = "schily",
	    .numbers = RMT_NUMBERS_V1,
	    .negotiates = true,
	    .field_status = true,
	    .long_names = true },
	[RMT_DIALECT_SUN] = { .name = "sun",
	    .numbers = RMT_NUMBERS_V1,
	    .negotiates = true,
	    .field_status = true },
	[RMT_DIALECT_BSD] = { .name = "bsd", .numbers = RMT_NUMBERS_BSD },
	[RMT_DIALECT_LINUX] = { .name = "linux",
	    .numbers = RMT_NUMBERS_LINUX,
	    .linux_status = true },
	[RMT_DIALECT_PLAIN] = { .name = "plain",
	    .numbers = RMT_NUMBERS_UNKNOWN },
};

const struct rmt_dialect *
rmt_dialect_named(const char *name)
{
	for (size_t i = 0; i < RMT_DIALECTS; i++)
		if (strcmp(rmt_dialects[i].name, name) == 0)
			return &rmt_dialects[i];
	return NULL;
}

/* ---- Taking bytes apart -------------------------------------------------- */

/* What is left of the bytes, and what went wrong with those before. */
struct cursor {
	const char *at;
	size_t left;
	ssize_t r; /* 1: fine; 0: more bytes are needed; -EPROTO */
};

/* The next byte; 0 if there is none. */
static char
take_byte(struct cursor *c)
{
	if (c->r != 1)
		return 0;
	if (c->left == 0) {
		c->r = 0;
		return 0;
	}
	c->left--;
	return *c->at++;
}

/* The next line, without its newline; NULL: see ${c->r}. */
static const char *
take_line(struct cursor *c, size_t max, size_t *ret_len)
{
	const char *line = c->at;
	const char *end;

	*ret_len = 0;
	if (c->r != 1)
		return NULL;
	end = memchr(line, '\n', c->left < max + 1 ? c->left : max + 1);
	if (end == NULL) {
		c->r = c->left > max ? -EPROTO : 0;
		return NULL;
	}
	*ret_len = (size_t)(end - line);
	c->at = end + 1;
	c->left -= *ret_len + 1;
	return line;
}

/* A line with a whole number and nothing else. */
static int64_t
take_number(struct cursor *c, int64_t min, int64_t max)
{
	char text[RMT_NUMBER_MAX + 1];
	char *end;
	size_t len;
	const char *line = take_line(c, RMT_NUMBER_MAX, &len);
	long long value;

	if (line == NULL)
		return 0;
	memcpy(text, line, len);
	text[len] = '\0';
	errno = 0;
	value = strtoll(text, &end, 10);
	/* No digits, something behind them, or blanks, which strtoll takes. */
	if (len == 0 || end != text + len || strspn(text, "-0123456789") != len)
		c->r = -EPROTO;
	else if (errno != 0 || value < min || value > max)
		c->r = -EPROTO;
	return c->r == 1 ? value : 0;
}

/* A line into a string of at most ${max} bytes. */
static void
take_name(struct cursor *c, char *name, size_t max)
{
	size_t len;
	const char *line = take_line(c, max, &len);

	if (line == NULL)
		return;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			c->r = -EPROTO;
	memcpy(name, line, len);
	name[len] = '\0';
}

/* Any line, which says nothing. */
static void
skip_line(struct cursor *c, size_t max)
{
	size_t len;

	(void)take_line(c, max, &len); /* ${c->r} tells */
}

/* ---- Open flags ---------------------------------------------------------- */

struct flag {
	const char *name;
	int value;
};

static const struct flag flags[] = {
	{ "O_RDONLY", O_RDONLY },
	{ "O_WRONLY", O_WRONLY },
	{ "O_RDWR", O_RDWR },
	{ "O_CREAT", O_CREAT },
	{ "O_EXCL", O_EXCL },
	{ "O_TRUNC", O_TRUNC },
	{ "O_APPEND", O_APPEND },
	{ "O_NONBLOCK", O_NONBLOCK },
	{ "O_NDELAY", O_NONBLOCK },
	{ "O_SYNC", O_SYNC },
};

/* Those that mean something elsewhere and nothing for a tape. */
static const char *const void_flags[] = { "O_DSYNC", "O_RSYNC", "O_NOCTTY",
	"O_BINARY", "O_TEXT", "O_LARGEFILE", "O_NOFOLLOW", "O_DIRECTORY",
	"O_ASYNC", "O_DIRECT", "O_CLOEXEC" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
take_flag(const char *name, size_t len, struct rmt_request *q)
{
	for (size_t i = 0; i < COUNT(flags); i++) {
		if (strlen(flags[i].name) != len ||
		    memcmp(flags[i].name, name, len) != 0)
			continue;
		if (i < 3) /* the access modes come first */
			q->flags &= ~O_ACCMODE;
		q->flags |= flags[i].value;
		return;
	}
	for (size_t i = 0; i < COUNT(void_flags); i++)
		if (strlen(void_flags[i]) == len &&
		    memcmp(void_flags[i], name, len) == 0)
			return;
	q->bad_flag = true;
}

/* "65", "2 O_RDWR|O_CREAT", "O_RDONLY". */
static void
take_flags(struct cursor *c, struct rmt_request *q)
{
	char line[RMT_FLAGS_MAX + 1] = "";
	const char *p;
	char *end;
	size_t len;

	take_name(c, line, RMT_FLAGS_MAX);
	if (c->r != 1)
		return;
	q->flags = (int)(strtoul(line, &end, 0) & O_ACCMODE);
	if (q->flags == O_ACCMODE)
		q->flags = O_RDWR; /* 3 is none */
	for (p = end; *p != '\0'; p += len) {
		p += strspn(p, " \t|");
		len = strcspn(p, " \t|");
		if (len > 0)
			take_flag(p, len, q);
	}
	if (end == line && line[0] == '\0')
		c->r = -EPROTO;
}

/* ---- Requests ------------------------------------------------------------ */

static void
take_seek(struct cursor *c, struct rmt_request *q)
{
	int64_t a = take_number(c, INT64_MIN, INT64_MAX);
	int64_t b = take_number(c, INT64_MIN, INT64_MAX);
	bool second = b >= 0 && b <= 2;

	if (c->r == 1 && !second && (a < 0 || a > 2))
		c->r = -EPROTO;
	q->offset = second ? a : b;
	q->whence = (int)(second ? b : a);
}

static void
take_op(struct cursor *c, struct rmt_request *q)
{
	q->op = take_number(c, -1, INT32_MAX);
	q->count = take_number(c, INT64_MIN, INT64_MAX);
}

static void
take_read(struct cursor *c, struct rmt_request *q)
{
	int64_t bytes = take_number(c, 0, INT64_MAX);

	q->bytes = bytes < TAPE_MAX_RECORD ? (uint32_t)bytes : TAPE_MAX_RECORD;
}

static void
take_arguments(struct cursor *c, struct rmt_request *q)
{
	switch (q->kind) {
	case RMT_EMPTY:
	case RMT_STATUS:
		break;
	case RMT_OPEN:
		take_name(c, q->device, RMT_DEVICE_MAX);
		take_flags(c, q);
		break;
	case RMT_READ:
		take_read(c, q);
		break;
	case RMT_WRITE:
		q->bytes = (uint32_t)take_number(c, 0, TAPE_MAX_RECORD);
		break;
	case RMT_SEEK:
		take_seek(c, q);
		break;
	case RMT_OP:
	case RMT_OP_V1:
		take_op(c, q);
		break;
	case RMT_FIELD:
		q->field = take_byte(c);
		if (c->r == 1 &&
		    (q->field == '\0' || strchr(FIELDS, q->field) == NULL))
			c->r = -EPROTO;
		break;
	case RMT_CLOSE:
	case RMT_VERSION:
	case RMT_VERSION_OLD:
		skip_line(c, RMT_DEVICE_MAX);
		break;
	}
}

/* By kind: each is known by its letter. */
static const char letters[] = { [RMT_EMPTY] = '\n',
	[RMT_OPEN] = 'O',
	[RMT_CLOSE] = 'C',
	[RMT_READ] = 'R',
	[RMT_WRITE] = 'W',
	[RMT_SEEK] = 'L',
	[RMT_OP] = 'I',
	[RMT_OP_V1] = 'i',
	[RMT_STATUS] = 'S',
	[RMT_FIELD] = 's',
	[RMT_VERSION] = 'V',
	[RMT_VERSION_OLD] = 'v' };

ssize_t
rmt_wire_decode_request(const void *buf, size_t len,
    struct rmt_request *ret_request)
{
	struct cursor c = { .at = buf, .left = len, .r = 1 };
	struct rmt_request q = { .kind = RMT_EMPTY };
	const char *found;
	char letter = take_byte(&c);

	if (c.r != 1)
		return 0;
	found = memchr(letters, letter, sizeof(letters));
	if (found == NULL)
		return -EPROTO;
	q.kind = (enum rmt_request_kind)(found - letters);
	take_arguments(&c, &q);
	if (c.r != 1)
		return c.r;
	*ret_request = q;
	return (ssize_t)(len - c.left);
}

/* What snprintf() has made of ${size} bytes. */
static ssize_t
encoded(int n, size_t size)
{
	return n < 0 || (size_t)n >= size ? -ENOBUFS : n;
}

static bool
is_name(const struct rmt_dialect *dialect, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 ||
	    len > (dialect->long_names ? RMT_DEVICE_MAX : SHORT_NAME_MAX))
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return true;
}

/* The access mode as a number, all else by name: so every server takes it. */
static ssize_t
encode_open(const struct rmt_dialect *dialect, const struct rmt_request *q,
    char *buf, size_t size)
{
	char line[RMT_FLAGS_MAX + 1];
	int mode = q->flags & O_ACCMODE;
	size_t n;

	if (!is_name(dialect, q->device) || mode > 2)
		return -EINVAL;
	n = (size_t)snprintf(line, sizeof(line), "%d %s", mode,
	    flags[mode].name);
	for (size_t i = 3; i < COUNT(flags); i++) {
		if ((q->flags & flags[i].value) != flags[i].value ||
		    strcmp(flags[i].name, "O_NDELAY") == 0)
			continue;
		n += (size_t)snprintf(line + n, sizeof(line) - n, "|%s",
		    flags[i].name);
	}
	return encoded(snprintf(buf, size, "O%s\n%s\n", q->device, line), size);
}

static ssize_t
encode_seek(const struct rmt_dialect *dialect, const struct rmt_request *q,
    char *buf, size_t size)
{
	if (q->whence < 0 || q->whence > 2)
		return -EINVAL;
	if (dialect->whence_first)
		return encoded(snprintf(buf, size, "L%d\n%" PRId64 "\n",
				   q->whence, q->offset),
		    size);
	return encoded(snprintf(buf, size, "L%" PRId64 "\n%d\n", q->offset,
			   q->whence),
	    size);
}

ssize_t
rmt_wire_encode_request(const struct rmt_dialect *dialect,
    const struct rmt_request *q, void *buf, size_t size)
{
	switch (q->kind) {
	case RMT_OPEN:
		return encode_open(dialect, q, buf, size);
	case RMT_CLOSE:
		return encoded(snprintf(buf, size, "C\n"), size);
	case RMT_READ:
	case RMT_WRITE:
		if (q->bytes > TAPE_MAX_RECORD)
			return -EINVAL;
		return encoded(snprintf(buf, size, "%c%" PRIu32 "\n",
				   letters[q->kind], q->bytes),
		    size);
	case RMT_SEEK:
		return encode_seek(dialect, q, buf, size);
	case RMT_OP_V1:
		if (dialect->numbers != RMT_NUMBERS_V1)
			return -EINVAL;
		/* fall through */
	case RMT_OP:
		return encoded(snprintf(buf, size,
				   "%c%" PRId64 "\n%" PRId64 "\n",
				   letters[q->kind], q->op, q->count),
		    size);
	case RMT_STATUS:
		return encoded(snprintf(buf, size,
				   dialect->status_line ? "S\n" : "S"),
		    size);
	case RMT_FIELD:
		if (!dialect->field_status || q->field == '\0' ||
		    strchr(FIELDS, q->field) == NULL)
			return -EINVAL;
		return encoded(snprintf(buf, size, "s%c", q->field), size);
	case RMT_VERSION:
	case RMT_VERSION_OLD:
		return encoded(snprintf(buf, size, "%c\n", letters[q->kind]),
		    size);
	case RMT_EMPTY:
		break;
	}
	return -EINVAL;
}

/* ---- Ops ----------------------------------------------------------------- */

#define NONE (-1)

struct op {
	int mt_op; /* of MTIOCTOP */
	int bsd;   /* I of BSD, and of version 1; NONE */
	int v1;	   /* i of version 1; NONE */
};

static const struct op ops[] = {
	{ MTWEOF, 0, NONE },
	{ MTFSF, 1, NONE },
	{ MTBSF, 2, NONE },
	{ MTFSR, 3, NONE },
	{ MTBSR, 4, NONE },
	{ MTREW, 5, NONE },
	{ MTOFFL, 6, NONE },
	{ MTNOP, 7, NONE },
	{ MTRETEN, NONE, 2 },
	{ MTERASE, NONE, 3 },
	{ MTEOM, NONE, 4 },
};

/* The number of an op; NONE: it has none that is sure. */
static int
number_of(const struct rmt_dialect *dialect, int mt_op, bool *ret_v1)
{
	bool common = mt_op >= MTFSF && mt_op <= MTBSR;

	*ret_v1 = false;
	if (common || dialect->numbers == RMT_NUMBERS_LINUX)
		return mt_op;
	if (dialect->numbers == RMT_NUMBERS_UNKNOWN)
		return NONE;
	for (size_t i = 0; i < COUNT(ops); i++) {
		if (ops[i].mt_op != mt_op)
			continue;
		*ret_v1 =
		    ops[i].bsd == NONE && dialect->numbers == RMT_NUMBERS_V1;
		return *ret_v1 ? ops[i].v1 : ops[i].bsd;
	}
	return NONE;
}

int
rmt_wire_map_op(const struct rmt_dialect *dialect, int mt_op, int32_t count,
    struct rmt_request *ret_request)
{
	bool v1;
	int number = number_of(dialect, mt_op, &v1);

	if (number == NONE)
		return -EINVAL;
	*ret_request = (struct rmt_request){ .kind = v1 ? RMT_OP_V1 : RMT_OP,
		.op = number,
		.count = count };
	return 0;
}

int
rmt_wire_unmap_op(const struct rmt_request *q, bool v1, int *ret_mt_op)
{
	if (q->kind == RMT_OP && (!v1 || q->op > 7)) {
		if (q->op < 0 || q->op > INT_MAX)
			return -EINVAL;
		*ret_mt_op = (int)q->op;
		return 0;
	}
	for (size_t i = 0; i < COUNT(ops); i++) {
		int number = q->kind == RMT_OP_V1 ? ops[i].v1 : ops[i].bsd;

		if (number == NONE || number != q->op)
			continue;
		*ret_mt_op = ops[i].mt_op;
		return 0;
	}
	return -EINVAL;
}

/* ---- Replies ------------------------------------------------------------- */

ssize_t
rmt_wire_decode_reply(const void *buf, size_t len, struct rmt_reply *ret_reply)
{
	struct cursor c = { .at = buf, .left = len, .r = 1 };
	struct rmt_reply a = { .kind = RMT_DONE };
	const char *line;
	size_t n = 0;
	char letter = take_byte(&c);

	if (c.r != 1)
		return 0;
	if (letter != 'A' && letter != 'E' && letter != 'F')
		return -EPROTO;
	if (letter != 'A')
		a.kind = letter == 'E' ? RMT_ERROR : RMT_FATAL;
	a.value = take_number(&c, INT64_MIN, INT64_MAX);
	if (a.kind != RMT_DONE) {
		line = take_line(&c, RMT_TEXT_LIMIT, &n);
		n = n < RMT_TEXT_MAX ? n : RMT_TEXT_MAX;
		for (size_t i = 0; line != NULL && i < n; i++)
			a.text[i] =
			    line[i] >= ' ' && line[i] <= '~' ? line[i] : '?';
	}
	if (c.r != 1)
		return c.r;
	*ret_reply = a;
	return (ssize_t)(len - c.left);
}

ssize_t
rmt_wire_encode_reply(const struct rmt_reply *reply, void *buf, size_t size)
{
	if (reply->kind == RMT_DONE)
		return encoded(snprintf(buf, size, "A%" PRId64 "\n",
				   reply->value),
		    size);
	return encoded(snprintf(buf, size, "%c%" PRId64 "\n%s\n",
			   reply->kind == RMT_ERROR ? 'E' : 'F', reply->value,
			   reply->text),
	    size);
}

void
rmt_wire_error(int err, struct rmt_reply *ret_reply)
{
	*ret_reply = (struct rmt_reply){ .kind = RMT_ERROR, .value = err };
	(void)snprintf(ret_reply->text, sizeof(ret_reply->text), "%s",
	    strerror(err)); /* cut is fine */
}

/* Errors beyond those that all number alike, as servers word them. */
static const struct {
	const char *part; /* of the text */
	int err;
} worded[] = {
	{ "No medium", ENOMEDIUM },
	{ "medium type", EMEDIUMTYPE },
	{ "ot implemented", ENOSYS },
	{ "not supported", EOPNOTSUPP },
	{ "alue too large", EOVERFLOW },
	{ "timed out", ETIMEDOUT },
};

int
rmt_wire_errno(const struct rmt_dialect *dialect, const struct rmt_reply *reply)
{
	int64_t n = reply->value;

	if (n == EAGAIN) /* another one on BSD */
		return EIO;
	if (n >= 1 && n <= ERRNO_COMMON)
		return (int)n;
	for (size_t i = 0; i < COUNT(worded); i++)
		if (strstr(reply->text, worded[i].part) != NULL)
			return worded[i].err;
	if (dialect->numbers == RMT_NUMBERS_LINUX &&
	    (n == ENOSYS || n == EOVERFLOW || n == ENOMEDIUM ||
		n == EMEDIUMTYPE || n == EOPNOTSUPP || n == ETIMEDOUT))
		return (int)n;
	return EIO;
}

/* ---- Status -------------------------------------------------------------- */

/*
 * OFFSET SIZE, all little-endian: 0 8 mt_type, 8 8 mt_resid, 16 8 mt_dsreg,
 * 24 8 mt_gstat, 32 8 mt_erreg, 40 4 mt_fileno, 44 4 mt_blkno.
 */
int
rmt_wire_decode_mtget(const void *buf, size_t len,
    struct rmt_status *ret_status)
{
	const uint8_t *p = buf;
	struct rmt_status s;

	if (len != RMT_MTGET_BYTES)
		return -EPROTO;
	s.type = (int64_t)le64_get(p);
	s.resid = (int64_t)le64_get(p + 8);
	s.dsreg = (int64_t)le64_get(p + 16);
	s.gstat = (int64_t)le64_get(p + 24);
	s.erreg = (int64_t)le64_get(p + 32);
	s.file = (int32_t)le32_get(p + 40);
	s.block = (int32_t)le32_get(p + 44);
	if (s.type != MT_ISSCSI1 && s.type != MT_ISSCSI2)
		return -EPROTO;
	/* On the server long is signed: the highest bit may fill the rest. */
	if ((uint64_t)s.gstat >> 32 != 0 &&
	    (uint64_t)s.gstat >> 31 != UINT64_C(0x1ffffffff))
		return -EPROTO;
	s.gstat &= UINT32_MAX;
	if ((s.gstat & ~(int64_t)GSTAT_BITS) != 0)
		return -EPROTO;
	/* st counts on below -1 when it goes back from there. */
	s.file = s.file < -1 ? -1 : s.file;
	s.block = s.block < -1 ? -1 : s.block;
	*ret_status = s;
	return 0;
}

static void
put64(uint8_t *p, int64_t v)
{
	le32_put(p, (uint32_t)((uint64_t)v & UINT32_MAX));
	le32_put(p + 4, (uint32_t)((uint64_t)v >> 32));
}

void
rmt_wire_encode_mtget(const struct rmt_status *status, void *buf)
{
	uint8_t *p = buf;

	put64(p, status->type);
	put64(p + 8, status->resid);
	put64(p + 16, status->dsreg);
	put64(p + 24, status->gstat);
	put64(p + 32, status->erreg);
	le32_put(p + 40, (uint32_t)status->file);
	le32_put(p + 44, (uint32_t)status->block);
}
