/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tape specs: "TYPE:ARG[,KEY=VALUE...]", where ARG may hold further specs in
 * braces: "mirror:{st:/dev/nst0,st:/dev/nst1}", "fault:{file:a.tap},script=f".
 *
 *     spec     = type ":" arg *( "," key "=" value )
 *     arg      = text | "{" spec "}" | "{" spec "," spec ... "}"
 *     type,key = lower-case letters, digits, "_"
 *     text, value = any characters but "," "{" "}"; "\" makes the next one
 *                   ordinary
 *
 * Inside braces a comma followed by "TYPE:" begins the next child; any other
 * comma begins an option of the child before it.
 *
 * A spec is parsed and checked whole, options included, before anything is
 * opened; a message names the place of the error in the spec.
 */
#ifndef PMT_SPEC_H
#define PMT_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tape;

/* The words of a failure, for people: what, where, and the way out. */
struct spec_error {
	char text[512];
};

/* Writes the words and returns -${err}. */
int spec_fail(struct spec_error *e, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

struct spec_option {
	char *key;
	char *value;
	size_t at; /* offset of the key in the text of the whole spec */
};

struct spec {
	const struct tape_type *type;
	char *arg; /* "" if none, or if there are children */
	size_t at; /* offset of the type in the text of the whole spec */
	struct spec **children;
	size_t n_children;
	struct spec_option *options;
	size_t n_options;
};

/* The kinds of option value that are checked before anything is opened. */
enum spec_kind {
	SPEC_TEXT,
	SPEC_SIZE, /* bytes: digits with an optional K, M, G, T (powers of 1024)
		    */
	SPEC_NUMBER, /* decimal or 0x hexadecimal */
	SPEC_BOOL,   /* yes or no */
};

struct spec_key {
	const char *key; /* NULL ends a table */
	enum spec_kind kind;
	uint64_t min, max; /* SPEC_SIZE and SPEC_NUMBER */
};

/* One kind of tape.  Only a program's main file knows all that it has. */
struct tape_type {
	const char *name;
	const char *arg_help; /* "IMAGE", for the list of types; "" if no arg */
	unsigned min_children, max_children; /* 0, 0: ARG is text */
	bool arg_required;
	const struct spec_key *const *keys; /* tables of keys; NULL ends */
	/*
	 * Makes an unloaded tape.  Owns nothing of ${spec} afterwards.  A
	 * failure is a negative errno, with its words in ${e}.
	 */
	int (*open)(const struct spec *spec, struct tape **ret_tape,
	    struct spec_error *e);
};

/* ${types} is a NULL-terminated array that outlives every spec. */
int spec_parse(const char *text, const struct tape_type *const *types,
    struct spec **ret_spec, struct spec_error *e);
void spec_free(struct spec *spec);

/* Opens the tape that a parsed spec (or a child of one) describes. */
int spec_open(const struct spec *spec, struct tape **ret_tape,
    struct spec_error *e);

/*
 * The value of an option, or the default if it is absent.  The value has been
 * checked against its table, so these can't fail.
 */
const char *spec_text(const struct spec *spec, const char *key,
    const char *otherwise);
uint64_t spec_number(const struct spec *spec, const char *key,
    uint64_t otherwise);
bool spec_bool(const struct spec *spec, const char *key, bool otherwise);
bool spec_has(const struct spec *spec, const char *key);

#endif
