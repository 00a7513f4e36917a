/* SPDX-License-Identifier: BSD-2-Clause */
/* See pmtimg_tape.h. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "pmtimg.h"
#include "pmtimg_tape.h"
#include "pmtimg_text.h"

/* Characters of a "TYPE" or "KEY" at the front of ${text}. */
static size_t
word_length(const char *text)
{
	size_t n = 0;

	while (islower((unsigned char)text[n]) ||
	    isdigit((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

char *
pmtimg_tape_text(const char *name)
{
	size_t n = word_length(name);
	char *escaped, *text;

	if (n > 0 && name[n] == ':')
		return pmtimg_text_make("%s", name);
	if (access(name, F_OK) < 0)
		return pmtimg_text_make("file:%s", name);
	escaped = pmtimg_text_escape(name);
	text = pmtimg_text_make("file:%s", escaped);
	free(escaped);
	return text;
}

void
pmtimg_tape_add(char **text, const char *key, const char *value)
{
	char *escaped, *longer;

	if (value == NULL)
		return;
	escaped = pmtimg_text_escape(value);
	longer = pmtimg_text_make("%s,%s=%s", *text, key, escaped);
	free(escaped);
	free(*text);
	*text = longer;
}

/* Options that no user could have mistyped: the parser has no part in them. */
static void
set_option(struct spec *spec, const char *key, const char *value)
{
	struct spec_option *options;

	if (spec_has(spec, key))
		return;
	options = pmtimg_text_need(realloc(spec->options,
	    (spec->n_options + 1) * sizeof(spec->options[0])));
	options[spec->n_options] =
	    (struct spec_option){ .key = pmtimg_text_need(strdup(key)),
		    .value = pmtimg_text_need(strdup(value)) };
	spec->options = options;
	spec->n_options++;
}

/* Images in tapes over tapes, too. */
static void
set_purpose(struct spec *spec, enum pmtimg_purpose purpose)
{
	for (size_t i = 0; i < spec->n_children; i++)
		set_purpose(spec->children[i], purpose);
	if (spec->type != &file_tape_type || purpose == PMTIMG_TO_WRITE)
		return;
	set_option(spec, "create", "no");
	if (purpose == PMTIMG_TO_READ)
		set_option(spec, "readonly", "yes");
}

int
pmtimg_tape_parse(const char *text, enum pmtimg_purpose purpose,
    struct spec **ret_spec)
{
	struct spec_error e;

	if (spec_parse(text, pmtimg_types, ret_spec, &e) < 0) {
		log_error("%s", e.text);
		return PMTIMG_USAGE;
	}
	set_purpose(*ret_spec, purpose);
	return PMTIMG_DONE;
}

const char *
pmtimg_tape_path(const struct spec *spec)
{
	return spec->type == &file_tape_type ? spec->arg : NULL;
}

static uint64_t
host_size(const char *path)
{
	struct stat st;

	if (path == NULL || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return (uint64_t)st.st_size;
}

int
pmtimg_tape_load(struct pmtimg_tape *ret_tape, const char *name,
    const struct spec *spec)
{
	struct pmtimg_tape t = { .name = name };
	struct tape_info info;
	struct spec_error e;
	int r = spec_open(spec, &t.tape, &e);

	*ret_tape = (struct pmtimg_tape){ .name = name };
	if (r < 0) {
		log_error("%s", e.text);
		return r == -EINVAL ? PMTIMG_USAGE : PMTIMG_FAILED;
	}
	if (pmtimg_tape_path(spec) != NULL)
		t.path = pmtimg_text_need(strdup(pmtimg_tape_path(spec)));
	if (tape_load(t.tape) < 0) {
		(void)pmtimg_tape_failed(&t);
		tape_free(t.tape);
		free(t.path);
		return PMTIMG_FAILED;
	}
	t.image = file_image(t.tape);
	t.size = host_size(t.path);
	tape_describe(t.tape, &info);
	t.partitions = info.partitions;
	*ret_tape = t;
	return PMTIMG_DONE;
}

int
pmtimg_tape_open(struct pmtimg_tape *ret_tape, const char *name,
    enum pmtimg_purpose purpose)
{
	char *text = pmtimg_tape_text(name);
	struct spec *spec;
	int status = pmtimg_tape_parse(text, purpose, &spec);

	*ret_tape = (struct pmtimg_tape){ .name = name };
	free(text);
	if (status != PMTIMG_DONE)
		return status;
	status = pmtimg_tape_load(ret_tape, name, spec);
	spec_free(spec);
	return status;
}

/* Of all tapes: the exit status of the program is one, too. */
static bool lost;

bool
pmtimg_tape_lost(void)
{
	return lost;
}

static void
note_lost(const struct pmtimg_tape *t)
{
	struct tape_info info;

	tape_describe(t->tape, &info);
	if (info.lost == 0)
		return;
	log_error("%s: %" PRIu32 " of its legs %s lost, and what they hold is "
		  "not complete",
	    t->name, info.lost, info.lost == 1 ? "is" : "are");
	lost = true;
}

int
pmtimg_tape_close(struct pmtimg_tape *t)
{
	int status = PMTIMG_DONE;

	if (t->tape == NULL)
		return PMTIMG_DONE;
	if (tape_unload(t->tape) < 0)
		status = pmtimg_tape_failed(t);
	note_lost(t);
	tape_free(t->tape);
	free(t->path);
	*t = (struct pmtimg_tape){ .name = t->name };
	return status;
}

int
pmtimg_tape_sizes(char *const *names, unsigned n, uint64_t *ret_bytes)
{
	uint64_t sum = 0;
	bool known = true;

	for (unsigned i = 0; i < n; i++) {
		char *text = pmtimg_tape_text(names[i]);
		struct spec *spec;
		uint64_t size;
		int status = pmtimg_tape_parse(text, PMTIMG_TO_READ, &spec);

		free(text);
		if (status != PMTIMG_DONE)
			return status;
		size = host_size(pmtimg_tape_path(spec));
		spec_free(spec);
		known = known && size > 0;
		sum += size;
	}
	*ret_bytes = known ? sum : 0;
	return PMTIMG_DONE;
}

unsigned
pmtimg_tape_split(char *list, char **ret_names, unsigned most)
{
	unsigned n = 0, depth = 0;

	if (n < most)
		ret_names[n] = list;
	n++;
	for (char *p = list; *p != '\0'; p++) {
		size_t key = word_length(p + 1);

		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '{')
			depth++;
		else if (*p == '}' && depth > 0)
			depth--;
		else if (*p == ',' && depth == 0 &&
		    (key == 0 || p[1 + key] != '=')) {
			*p = '\0';
			if (n < most)
				ret_names[n] = p + 1;
			n++;
		}
	}
	return n;
}

const char *
pmtimg_tape_why(const struct pmtimg_tape *t)
{
	const char *why = tape_why(t->tape), *slash;
	size_t n;

	if (t->path == NULL)
		return why;
	slash = strrchr(t->path, '/');
	n = strlen(slash == NULL ? t->path : slash + 1);
	if (strncmp(why, slash == NULL ? t->path : slash + 1, n) == 0 &&
	    strncmp(why + n, ": ", 2) == 0)
		return why + n + 2;
	return why;
}

const char *
pmtimg_tape_why_at(const struct pmtimg_tape *t, uint64_t at)
{
	const char *why = pmtimg_tape_why(t);
	char offset[48];
	int n = snprintf(offset, sizeof(offset), "offset %" PRIu64 ": ", at);

	return strncmp(why, offset, (size_t)n) == 0 ? why + n : why;
}

int
pmtimg_tape_failed(const struct pmtimg_tape *t)
{
	log_error("%s: %s", t->name, pmtimg_tape_why(t));
	return PMTIMG_FAILED;
}
