/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers of Amanda's; see amanda_header.h.  The first line says it all:
 *
 *     AMANDA: TAPESTART DATE 20260101120000 TAPE LABEL
 *     AMANDA: FILE 20260101120000 HOST DISK lev 1 comp N program /bin/tar
 *     AMANDA: SPLIT_FILE 20260101120000 HOST DISK part 1/-1 lev 0 comp ...
 *
 * CONT_FILE is as FILE.  Words with odd characters are in double quotes, with
 * escapes as in C.
 */
#include <stdlib.h>
#include <string.h>

#include "amanda_header.h"

#define LINE 4096 /* bytes of the first line that are looked at */

static const char magic[AMANDA_MAGIC + 1] = "AMANDA: ";

bool
amanda_header_is(const uint8_t *bytes)
{
	return memcmp(bytes, magic, AMANDA_MAGIC) == 0;
}

/* One character of a quoted word, after a backslash. */
static char
escaped(const char **at)
{
	static const char names[] = "trnf", meant[] = "\t\r\n\f";
	const char *s = *at;
	const char *name = *s == '\0' ? NULL : strchr(names, *s);
	unsigned value = 0;

	if (*s >= '0' && *s <= '7') {
		for (int i = 0; i < 3 && *s >= '0' && *s <= '7'; i++)
			value = value * 8 + (unsigned)(*s++ - '0');
		*at = s;
		return (char)value;
	}
	if (*s != '\0')
		++*at;
	return name != NULL ? meant[name - names] : *s;
}

/* The next word of a line; false at its end. */
static bool
next_word(const char **at, char *word, size_t size)
{
	const char *s = *at + strspn(*at, " ");
	bool quoted = *s == '"';
	size_t n = 0;

	if (*s == '\0')
		return false;
	s += quoted;
	while (*s != '\0' && *s != (quoted ? '"' : ' ')) {
		char c = *s++;

		if (quoted && c == '\\')
			c = escaped(&s);
		if (n < size - 1)
			word[n++] = c;
	}
	word[n] = '\0';
	*at = s + (quoted && *s == '"');
	return true;
}

/* Adds to a name, with what has no place in one replaced as Amanda does. */
static void
add(char *name, const char *word)
{
	size_t n = strlen(name);

	for (; *word != '\0' && n < AMANDA_REST; word++)
		name[n++] = strchr("/:\\", *word) != NULL ? '_' : *word;
	name[n] = '\0';
}

/* After TAPESTART; a label may have spaces in it, if somebody wants that. */
static bool
label_name(const char *line, char *name)
{
	char word[LINE];

	if (!next_word(&line, word, sizeof(word)) ||
	    strcmp(word, "DATE") != 0 ||
	    !next_word(&line, word, sizeof(word)) ||
	    !next_word(&line, word, sizeof(word)) || strcmp(word, "TAPE") != 0)
		return false;
	add(name, line + strspn(line, " "));
	return name[0] != '\0';
}

/* After FILE or its like. */
static bool
dump_name(const char *line, char *name)
{
	char word[LINE];
	bool level = false;

	if (!next_word(&line, word, sizeof(word)) || /* the date */
	    !next_word(&line, word, sizeof(word)) || word[0] == '\0')
		return false;
	add(name, word);
	add(name, ".");
	if (!next_word(&line, word, sizeof(word)) || word[0] == '\0')
		return false;
	add(name, word);
	add(name, ".");
	while (!level && next_word(&line, word, sizeof(word)))
		level = strcmp(word, "lev") == 0;
	if (!level || !next_word(&line, word, sizeof(word)) ||
	    word[strspn(word, "0123456789")] != '\0')
		return false;
	add(name, word);
	return true;
}

bool
amanda_header_name(const uint8_t header[AMANDA_HEADER], bool *ret_label,
    char ret_name[AMANDA_REST + 1])
{
	char line[LINE], kind[16];
	const char *at = line + AMANDA_MAGIC;
	bool dump;

	memcpy(line, header, LINE - 1);
	line[LINE - 1] = '\0';
	line[strcspn(line, "\n")] = '\0';
	ret_name[0] = '\0';
	if (!amanda_header_is(header) || !next_word(&at, kind, sizeof(kind)))
		return false;
	*ret_label = strcmp(kind, "TAPESTART") == 0;
	if (*ret_label)
		return label_name(at, ret_name);
	dump = strcmp(kind, "FILE") == 0 || strcmp(kind, "CONT_FILE") == 0 ||
	    strcmp(kind, "SPLIT_FILE") == 0;
	return dump && dump_name(at, ret_name);
}
