/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Magic numbers of what people put on tapes.  A table of fixed bytes at fixed
 * places, labels that say more in words of their own, and a look at the bytes
 * for what has no magic.  Guesses only: nothing here decides anything.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmtimg_magic.h"

struct magic {
	size_t at; /* bytes */
	const char *bytes;
	size_t len;
	const char *words;
};

#define MAGIC(at, bytes, words)                     \
	{                                           \
		at, bytes, sizeof(bytes) - 1, words \
	}

static const struct magic magics[] = {
	MAGIC(257, "ustar\0", "tar archive"),
	MAGIC(257, "ustar ", "tar archive (GNU)"),
	MAGIC(0, "070701", "cpio archive (newc)"),
	MAGIC(0, "070702", "cpio archive (newc, with checksums)"),
	MAGIC(0, "070707", "cpio archive (odc)"),
	MAGIC(0, "\xc7\x71", "cpio archive (old binary)"),
	MAGIC(0, "\x71\xc7", "cpio archive (old binary, big-endian)"),
	/* protocols/dumprestore.h: c_magic of struct u_spcl. */
	MAGIC(24, "\x6c\xea\x00\x00", "dump"),
	MAGIC(24, "\x00\x00\xea\x6c", "dump (big-endian)"),
	MAGIC(24, "\x6b\xea\x00\x00", "dump (old)"),
	MAGIC(24, "\x19\x01\x54\x19", "dump (UFS2)"),
	MAGIC(0, "xFSdump0", "xfsdump"),
	MAGIC(12, "BB02", "Bacula or Bareos volume"),
	MAGIC(12, "BB01", "Bacula volume (old)"),
	MAGIC(0, "TAPE\0", "Microsoft Tape Format"),
	MAGIC(0, "\x1f\x8b", "gzip"),
	MAGIC(0, "\x1f\x9d", "compress"),
	MAGIC(0, "BZh", "bzip2"),
	MAGIC(0, "\xfd\x37\x7a\x58\x5a\x00", "xz"),
	MAGIC(0, "\x28\xb5\x2f\xfd", "zstd"),
	MAGIC(0, "\x04\x22\x4d\x18", "lz4"),
	MAGIC(0, "LZIP", "lzip"),
	MAGIC(0, "PK\x03\x04", "zip"),
	MAGIC(0, "Salted__", "openssl enc"),
	MAGIC(0, "-----BEGIN PGP", "PGP, armored"),
	MAGIC(0,
	    "\x7f"
	    "ELF",
	    "ELF program"),
};

/* Standard labels: the first four characters, as in the first column. */
static const struct {
	const char *ascii, *ebcdic;
} labels[] = {
	{ "VOL1", "\xe5\xd6\xd3\xf1" },
	{ "HDR1", "\xc8\xc4\xd9\xf1" },
	{ "EOF1", "\xc5\xd6\xc6\xf1" },
	{ "EOV1", "\xc5\xd6\xe5\xf1" },
	{ "UHL1", "\xe4\xc8\xd3\xf1" },
};

#define N_MAGICS (sizeof(magics) / sizeof(magics[0]))
#define N_LABELS (sizeof(labels) / sizeof(labels[0]))

/* The letters and digits of EBCDIC, a space for anything else. */
static char
from_ebcdic(uint8_t c)
{
	static const char letters[] = "ABCDEFGHI       JKLMNOPQR        "
				      "STUVWXYZ";

	if (c >= 0xf0 && c <= 0xf9)
		return (char)('0' + (c - 0xf0));
	if (c >= 0xc1 && c <= 0xe9)
		return letters[c - 0xc1];
	return c == 0x4b ? '.' : ' ';
}

static char
from_ascii(uint8_t c)
{
	return c >= 0x20 && c < 0x7f ? (char)c : ' ';
}

/* A field of a label, without the spaces around it. */
static void
field(const uint8_t *bytes, size_t len, bool ebcdic, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		out[n] = ebcdic ? from_ebcdic(bytes[i]) : from_ascii(bytes[i]);
		if (n > 0 || out[n] != ' ')
			n++;
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

/* VOL1 has its volume in 6 characters, the others a file name in 17. */
static bool
try_label(const uint8_t *bytes, size_t len, char *words, size_t size)
{
	char name[24];

	if (len < 80)
		return false;
	for (size_t i = 0; i < N_LABELS; i++) {
		bool ebcdic = memcmp(bytes, labels[i].ebcdic, 4) == 0;

		if (!ebcdic && memcmp(bytes, labels[i].ascii, 4) != 0)
			continue;
		field(bytes + 4, i == 0 ? 6 : 17, ebcdic, name);
		(void)snprintf(words, size, "%s label %s: %s",
		    ebcdic ? "EBCDIC" : "ANSI", labels[i].ascii, name);
		return true;
	}
	return false;
}

/* Amanda says in its first line what the file is. */
static bool
try_amanda(const uint8_t *bytes, size_t len, char *words, size_t size)
{
	size_t n = 0;
	char line[72];

	if (len < 8 || memcmp(bytes, "AMANDA: ", 8) != 0)
		return false;
	while (8 + n < len && n < sizeof(line) - 1 && bytes[8 + n] != '\n' &&
	    bytes[8 + n] != '\0') {
		line[n] = from_ascii(bytes[8 + n]);
		n++;
	}
	line[n] = '\0';
	(void)snprintf(words, size, "Amanda: %s", line);
	return true;
}

/* An old tar header has no magic, but the sum of its bytes. */
static bool
is_old_tar(const uint8_t *bytes, size_t len)
{
	char digits[9];
	long sum = 0;

	if (len < 512 || bytes[0] == '\0')
		return false;
	memcpy(digits, bytes + 148, 8);
	digits[8] = '\0';
	if (strspn(digits, " 01234567") < 6)
		return false;
	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : bytes[i];
	return strtol(digits, NULL, 8) == sum;
}

static bool
is_all(const uint8_t *bytes, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != value)
			return false;
	return len > 0;
}

static bool
is_text(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] < 0x80 && !isprint(bytes[i]) &&
		    strchr("\t\n\r\f\b", bytes[i]) == NULL)
			return false;
	return len > 0 && memchr(bytes, 0, len) == NULL;
}

/* ASCII, or nearly: no text has more of other bytes than a third. */
static bool
is_mostly_ascii(const uint8_t *bytes, size_t len)
{
	size_t high = 0;

	for (size_t i = 0; i < len; i++)
		high += bytes[i] >= 0x80;
	return high <= len / 3;
}

static const char *
by_bytes(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < N_MAGICS; i++)
		if (len >= magics[i].at + magics[i].len &&
		    memcmp(bytes + magics[i].at, magics[i].bytes,
			magics[i].len) == 0)
			return magics[i].words;
	if (is_old_tar(bytes, len))
		return "tar archive (old)";
	if (is_all(bytes, len, 0))
		return "zeros";
	if (is_text(bytes, len) && is_mostly_ascii(bytes, len))
		return "text";
	return "data";
}

void
pmtimg_magic(const uint8_t *bytes, size_t len, char *ret_words, size_t size)
{
	if (!try_label(bytes, len, ret_words, size) &&
	    !try_amanda(bytes, len, ret_words, size))
		(void)snprintf(ret_words, size, "%s", by_bytes(bytes, len));
}
