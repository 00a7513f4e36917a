/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands to a tape drive on its sg node; see sg.h.  Owns the command blocks
 * and what is known of the answers' bytes, and nothing of tapes.
 *
 * libsgutils2 has ready-made functions for most of these commands (sg_ll_*).
 * They take NO SENSE and RECOVERED ERROR for success, and a deferred error for
 * one of their own command, without telling; so all goes through its
 * pass-through object, and command() looks at the sense itself.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <scsi/sg_lib.h>
#include <scsi/sg_pt.h>
#include <scsi/sg_unaligned.h>

#include "sg.h"

#define SENSE_SIZE 96 /* bytes; IBM drives give as many */
#define LOG_SIZE 4096 /* bytes of a log page that are looked at */

#define OP_READ_BLOCK_LIMITS 0x05
#define OP_INQUIRY 0x12
#define OP_READ_POSITION 0x34
#define OP_LOG_SENSE 0x4d

#define PAGE_SEQUENTIAL 0x0c /* sequential-access device, SSC */
#define PAGE_VOLUME 0x17     /* volume statistics, SSC */
#define PAGE_ALERTS 0x2e     /* TapeAlert */
#define PAGE_CAPACITY 0x31   /* tape capacity, of the vendors' own */

/* Bit N of a set of log pages that the drive does not have. */
enum { LACKS_SEQUENTIAL = 1, LACKS_VOLUME = 2, LACKS_CAPACITY = 4 };

#define MEGABYTE UINT64_C(1000000)
#define MEBIBYTE (UINT64_C(1) << 20)
#define KIBIBYTE (UINT64_C(1) << 10)

struct sg_drive {
	int fd;
	int seconds; /* that a command may take */
	struct sg_pt_base *pt;
	uint8_t sense[SENSE_SIZE];
	struct sg_drive_news news;
	char product[32];
	uint64_t unit; /* bytes; what page 31h counts in */
	bool no_long, no_position, no_alerts;
	unsigned lacks; /* log pages */
};

/* ---- Sense -------------------------------------------------------------- */

/* Keeps what was meant for st; what came first is what matters. */
static void note_news(struct sg_drive *d, bool deferred, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
note_news(struct sg_drive *d, bool deferred, const char *fmt, ...)
{
	va_list ap;

	if (!d->news.deferred && !d->news.attention) {
		va_start(ap, fmt);
		(void)vsnprintf(d->news.words, sizeof(d->news.words), fmt,
		    ap); /* cut is fine */
		va_end(ap);
	}
	d->news.deferred |= deferred;
	d->news.attention |= !deferred;
}

/*
 * What the sense of a command means: whether the command was done.  A deferred
 * error comes instead of the answer, for something that was done before.
 */
static int
judge_sense(struct sg_drive *d)
{
	struct sg_scsi_sense_hdr h;
	char key[40];

	if (!sg_scsi_normalize_sense(d->sense, get_scsi_pt_sense_len(d->pt),
		&h))
		return -EIO;
	sg_get_sense_key_str(h.sense_key, sizeof(key), key);
	if (h.response_code == 0x71 || h.response_code == 0x73) {
		note_news(d, true, "deferred error: %s, %02x/%02x", key, h.asc,
		    h.ascq);
		return -EIO;
	}
	switch (h.sense_key) {
	case SPC_SK_NO_SENSE:
	case SPC_SK_RECOVERED_ERROR:
		return 0;
	case SPC_SK_ILLEGAL_REQUEST:
		return -EOPNOTSUPP;
	case SPC_SK_UNIT_ATTENTION:
		note_news(d, false, "%s, %02x/%02x%s", key, h.asc, h.ascq,
		    h.asc == 0x28	? ": the medium may have been changed"
			: h.asc == 0x29 ? ": the drive was reset"
					: "");
		return -EIO;
	case SPC_SK_MEDIUM_ERROR:
	case SPC_SK_HARDWARE_ERROR:
		note_news(d, true, "%s, %02x/%02x", key, h.asc, h.ascq);
		return -EIO;
	default:
		return -EIO;
	}
}

/* One command that reads ${size} bytes at most; 0, or see sg.h. */
static int
command(struct sg_drive *d, const uint8_t *cdb, int cdb_len, uint8_t *in,
    int size, int *ret_got)
{
	int r;

	clear_scsi_pt_obj(d->pt);
	memset(d->sense, 0, sizeof(d->sense));
	memset(in, 0, (size_t)size);
	set_scsi_pt_cdb(d->pt, cdb, cdb_len);
	set_scsi_pt_sense(d->pt, d->sense, sizeof(d->sense));
	set_scsi_pt_data_in(d->pt, in, size);
	r = do_scsi_pt(d->pt, d->fd, d->seconds, 0);
	if (r != 0)
		return -EIO;
	*ret_got = size - get_scsi_pt_resid(d->pt);
	switch (get_scsi_pt_result_category(d->pt)) {
	case SCSI_PT_RESULT_GOOD:
		return 0;
	case SCSI_PT_RESULT_SENSE:
		return judge_sense(d);
	default:
		return -EIO;
	}
}

bool
sg_drive_news(struct sg_drive *d, struct sg_drive_news *ret_news)
{
	if (!d->news.attention && !d->news.deferred)
		return false;
	*ret_news = d->news;
	d->news = (struct sg_drive_news){ .attention = false };
	return true;
}

/* ---- Finding and opening ------------------------------------------------ */

int
sg_drive_find(uint64_t rdev, char *ret_path, size_t size)
{
	char dir[96];
	struct dirent *e;
	DIR *d;
	int r = -ENODEV;

	(void)snprintf(dir, sizeof(dir),
	    "/sys/dev/char/%u:%u/device/scsi_generic", major(rdev),
	    minor(rdev));
	d = opendir(dir);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(ret_path, size, "/dev/%.32s", e->d_name);
		r = 0;
	}
	if (d != NULL)
		(void)closedir(d); /* nothing was written */
	return r;
}

/* Appends a field of the inquiry data without the blanks behind it. */
static void
add_field(char *text, size_t size, const uint8_t *field, int len)
{
	size_t n = strlen(text);

	while (len > 0 && (field[len - 1] <= ' ' || field[len - 1] > '~'))
		len--;
	if (len > 0)
		(void)snprintf(text + n, size - n, "%s%.*s", n > 0 ? " " : "",
		    len, (const char *)field); /* cut is fine */
}

/* Who made it: page 31h has no unit of its own, but the vendors' habits. */
static void
identify(struct sg_drive *d)
{
	static const uint8_t cdb[6] = { OP_INQUIRY, 0, 0, 0, 36, 0 };
	uint8_t in[36];
	int got = 0;

	d->unit = MEBIBYTE;
	if (command(d, cdb, sizeof(cdb), in, sizeof(in), &got) < 0 || got < 36)
		return;
	add_field(d->product, sizeof(d->product), in + 8, 8);
	add_field(d->product, sizeof(d->product), in + 16, 16);
	add_field(d->product, sizeof(d->product), in + 32, 4);
	if (memcmp(in + 8, "SONY", 4) == 0)
		d->unit = KIBIBYTE;
	else if (memcmp(in + 8, "SEAGATE", 7) == 0 ||
	    memcmp(in + 8, "QUANTUM", 7) == 0)
		d->unit = MEGABYTE;
}

int
sg_drive_open(const char *path, unsigned seconds, struct sg_drive **ret_d)
{
	struct sg_drive *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL)
		return -ENOMEM;
	d->seconds = (int)seconds;
	/* Read-only would not do: READ POSITION is refused there. */
	d->fd = open(path, O_RDWR | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (d->fd < 0) {
		r = -errno;
		free(d);
		return r;
	}
	d->pt = construct_scsi_pt_obj_with_fd(d->fd, 0);
	if (d->pt == NULL) {
		sg_drive_close(d);
		return -ENOMEM;
	}
	identify(d);
	*ret_d = d;
	return 0;
}

void
sg_drive_close(struct sg_drive *d)
{
	if (d == NULL)
		return;
	if (d->pt != NULL)
		destruct_scsi_pt_obj(d->pt);
	(void)close(d->fd); /* nothing was written */
	free(d);
}

const char *
sg_drive_product(const struct sg_drive *d)
{
	return d->product;
}

/* ---- Where it is -------------------------------------------------------- */

/*
 * READ POSITION, short form, 20 bytes:
 *
 *     0      1  80 BOP, 40 EOP, 04 position unknown, 01 past PEW
 *     4      4  first object: next from the host
 *     8      4  last object: next to the medium
 */
static int
position_short(struct sg_drive *d, struct sg_drive_position *p)
{
	static const uint8_t cdb[10] = { OP_READ_POSITION };
	uint8_t in[20];
	int got = 0, r;

	r = command(d, cdb, sizeof(cdb), in, sizeof(in), &got);
	if (r < 0)
		return r;
	if (got < 12)
		return -EIO;
	if ((in[0] & 0x04) != 0)
		return -EOPNOTSUPP;
	p->object = sg_get_unaligned_be32(in + 4);
	p->last = sg_get_unaligned_be32(in + 8);
	p->has_last = (in[0] & 0x20) == 0;
	p->past_warning |= (in[0] & 0x40) != 0;
	p->past_preliminary |= (in[0] & 0x01) != 0;
	return 0;
}

/*
 * The long form, 32 bytes:
 *
 *     0      1  80 BOP, 40 EOP, 08 filemarks unknown, 04 object unknown,
 *               01 past PEW
 *     8      8  object
 *     16     8  filemarks
 */
static int
position_long(struct sg_drive *d, struct sg_drive_position *p)
{
	static const uint8_t cdb[10] = { OP_READ_POSITION, 0x06 };
	uint8_t in[32];
	int got = 0, r;

	r = command(d, cdb, sizeof(cdb), in, sizeof(in), &got);
	if (r < 0)
		return r;
	if (got < 24 || (in[0] & 0x0c) != 0)
		return -EOPNOTSUPP;
	p->object = sg_get_unaligned_be64(in + 8);
	p->file = sg_get_unaligned_be64(in + 16);
	p->has_file = true;
	p->past_warning |= (in[0] & 0x40) != 0;
	p->past_preliminary |= (in[0] & 0x01) != 0;
	return 0;
}

/*
 * Both forms: the one knows about the buffer, the other about filemarks and
 * about more than 32 bits of objects.
 */
int
sg_drive_position(struct sg_drive *d, struct sg_drive_position *ret_pos)
{
	struct sg_drive_position p = { .object = 0 };
	uint64_t object;
	int r;

	if (d->no_position)
		return -EOPNOTSUPP;
	r = position_short(d, &p);
	if (r == 0 && !d->no_long) {
		object = p.object;
		r = position_long(d, &p);
		d->no_long = r == -EOPNOTSUPP;
		if (d->no_long) {
			p.object = object;
			r = 0;
		}
	}
	d->no_position = r == -EOPNOTSUPP;
	if (r == 0)
		*ret_pos = p;
	return r;
}

int
sg_drive_limits(struct sg_drive *d, struct sg_drive_limits *ret_limits)
{
	static const uint8_t cdb[6] = { OP_READ_BLOCK_LIMITS };
	uint8_t in[6];
	int got = 0, r;

	r = command(d, cdb, sizeof(cdb), in, sizeof(in), &got);
	if (r < 0)
		return r;
	if (got < 6)
		return -EIO;
	ret_limits->granularity = UINT32_C(1) << (in[0] & 0x1f);
	ret_limits->max = sg_get_unaligned_be24(in + 1);
	ret_limits->min = sg_get_unaligned_be16(in + 4);
	return 0;
}

/* ---- Log pages ---------------------------------------------------------- */

/*
 * Reads page ${page}, cumulative values; the length of its parameters is in
 * ${ret_len}, and they begin at byte 4.
 */
static int
log_page(struct sg_drive *d, uint8_t page, uint8_t in[LOG_SIZE],
    size_t *ret_len)
{
	uint8_t cdb[10] = { OP_LOG_SENSE, 0, (uint8_t)(0x40 | page), 0, 0, 0, 0,
		LOG_SIZE >> 8, LOG_SIZE & 0xff, 0 };
	int got = 0, r;
	size_t len;

	r = command(d, cdb, sizeof(cdb), in, LOG_SIZE, &got);
	if (r < 0)
		return r;
	if (got < 4 || (in[0] & 0x3f) != page)
		return -EOPNOTSUPP;
	len = sg_get_unaligned_be16(in + 2);
	*ret_len = len < (size_t)got - 4 ? len : (size_t)got - 4;
	return 0;
}

/*
 * Finds a parameter of a page; its value is ${ret_len} bytes.  NULL: it is not
 * there, or not whole.
 */
static const uint8_t *
parameter(const uint8_t *page, size_t page_len, unsigned code, size_t *ret_len)
{
	const uint8_t *p = page + 4, *end = p + page_len;

	while (end - p >= 4) {
		size_t len = p[3];

		if ((size_t)(end - p) < 4 + len)
			return NULL;
		if (sg_get_unaligned_be16(p) == code) {
			*ret_len = len;
			return p + 4;
		}
		p += 4 + len;
	}
	return NULL;
}

/* A number in units of ${unit} bytes; all ones means that it isn't known. */
static bool
number(const uint8_t *value, size_t len, uint64_t unit, uint64_t *ret_bytes)
{
	uint64_t n;

	if (len == 0 || len > 8)
		return false;
	n = sg_get_unaligned_be((int)len, value);
	if (n == UINT64_MAX >> (64 - 8 * len) || n > UINT64_MAX / unit)
		return false;
	*ret_bytes = n * unit;
	return true;
}

static bool
number_of(const uint8_t *page, size_t page_len, unsigned code, uint64_t unit,
    uint64_t *ret_bytes)
{
	size_t len = 0;
	const uint8_t *value = parameter(page, page_len, code, &len);

	return value != NULL && number(value, len, unit, ret_bytes);
}

/* ... of a list with one entry a partition: the entry of partition 0. */
static bool
number_of_partition(const uint8_t *page, size_t page_len, unsigned code,
    uint64_t unit, uint64_t *ret_bytes)
{
	size_t len = 0;
	const uint8_t *p = parameter(page, page_len, code, &len);
	const uint8_t *end = p == NULL ? NULL : p + len;

	while (p != NULL && end - p >= 4) {
		size_t n = (size_t)p[0] + 1;

		if (n < 4 || n > (size_t)(end - p))
			return false;
		if (sg_get_unaligned_be16(p + 2) == 0)
			return number(p + 4, n - 4, unit, ret_bytes);
		p += n;
	}
	return false;
}

/* Page 0Ch: 5 BOP to EW, 6 EW to the end, 7 BOP to here, 8 the buffer. */
static bool
ask_sequential(struct sg_drive *d, uint8_t *in, struct sg_drive_capacity *c)
{
	uint64_t here = 0;
	size_t len = 0;
	int r;

	if ((d->lacks & LACKS_SEQUENTIAL) != 0)
		return false;
	r = log_page(d, PAGE_SEQUENTIAL, in, &len);
	if (r == -EOPNOTSUPP)
		d->lacks |= LACKS_SEQUENTIAL;
	if (r < 0)
		return false;
	(void)number_of(in, len, 6, MEGABYTE, &c->reserve); /* else 0 */
	(void)number_of(in, len, 8, MEGABYTE, &c->buffer);  /* else 0 */
	if (!number_of(in, len, 5, MEGABYTE, &c->total) ||
	    !number_of(in, len, 7, MEGABYTE, &here)) {
		c->total = 0;
		return false;
	}
	c->left = here < c->total ? c->total - here : 0;
	return true;
}

/* Page 17h: 0202h the native capacity, 0204h what is left of it. */
static bool
ask_volume(struct sg_drive *d, uint8_t *in, struct sg_drive_capacity *c)
{
	size_t len = 0;
	int r;

	if ((d->lacks & LACKS_VOLUME) != 0)
		return false;
	r = log_page(d, PAGE_VOLUME, in, &len);
	if (r == -EOPNOTSUPP)
		d->lacks |= LACKS_VOLUME;
	return r == 0 &&
	    number_of_partition(in, len, 0x202, MEGABYTE, &c->total) &&
	    number_of_partition(in, len, 0x204, MEGABYTE, &c->left);
}

/* Page 31h: 3 the capacity of the main partition, 1 what is left of it. */
static bool
ask_capacity(struct sg_drive *d, uint8_t *in, struct sg_drive_capacity *c)
{
	size_t len = 0;
	int r;

	if ((d->lacks & LACKS_CAPACITY) != 0)
		return false;
	r = log_page(d, PAGE_CAPACITY, in, &len);
	if (r == -EOPNOTSUPP)
		d->lacks |= LACKS_CAPACITY;
	return r == 0 && number_of(in, len, 3, d->unit, &c->total) &&
	    number_of(in, len, 1, d->unit, &c->left);
}

int
sg_drive_capacity(struct sg_drive *d, struct sg_drive_capacity *ret_cap)
{
	const unsigned all = LACKS_SEQUENTIAL | LACKS_VOLUME | LACKS_CAPACITY;
	struct sg_drive_capacity c = { .total = 0 };
	uint8_t in[LOG_SIZE];

	if (!ask_sequential(d, in, &c) && !ask_volume(d, in, &c) &&
	    !ask_capacity(d, in, &c))
		return d->lacks == all ? -EOPNOTSUPP : -EIO;
	*ret_cap = c;
	return 0;
}

int
sg_drive_alerts(struct sg_drive *d, uint64_t *ret_flags)
{
	uint8_t in[LOG_SIZE];
	uint64_t flags = 0;
	size_t len = 0;
	int r;

	if (d->no_alerts)
		return -EOPNOTSUPP;
	r = log_page(d, PAGE_ALERTS, in, &len);
	d->no_alerts = r == -EOPNOTSUPP;
	for (unsigned flag = 1; r == 0 && flag <= 64; flag++) {
		size_t n = 0;
		const uint8_t *value = parameter(in, len, flag, &n);

		if (value != NULL && n > 0 && (value[n - 1] & 1) != 0)
			flags |= UINT64_C(1) << (flag - 1);
	}
	if (r == 0)
		*ret_flags = flags;
	return r;
}

const char *
sg_drive_alert_name(unsigned flag)
{
	static const char *const names[65] = {
		[0x01] = "read warning",
		[0x02] = "write warning",
		[0x03] = "hard error",
		[0x04] = "bad medium",
		[0x05] = "read failure",
		[0x06] = "write failure",
		[0x07] = "end of the medium's life",
		[0x08] = "the medium is not of data grade",
		[0x09] = "write protected",
		[0x0a] = "medium removal prevented",
		[0x0b] = "cleaning medium",
		[0x0c] = "unsupported format",
		[0x0d] = "snapped tape",
		[0x0e] = "snapped tape, unrecoverable",
		[0x0f] = "cartridge memory failure",
		[0x10] = "forced eject",
		[0x11] = "read-only format",
		[0x12] = "tape directory corrupted",
		[0x13] = "the medium nears the end of its life",
		[0x14] = "clean now",
		[0x15] = "clean periodically",
		[0x16] = "expired cleaning medium",
		[0x17] = "invalid cleaning medium",
		[0x1e] = "hardware failure",
		[0x1f] = "hardware failure; power-cycle the drive",
		[0x20] = "interface problem",
		[0x21] = "eject the medium, then insert it again",
		[0x22] = "firmware download failed",
		[0x31] = "diminished native capacity",
		[0x37] = "loading failure",
		[0x3b] = "WORM medium: integrity check failed",
		[0x3c] = "WORM medium: overwrite attempted",
	};

	return flag <= 64 && names[flag] != NULL ? names[flag]
						 : "see the drive's manual";
}
