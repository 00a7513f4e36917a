/* SPDX-License-Identifier: BSD-2-Clause */
/* Tape specs: what parses, what is refused, and what the refusal says. */
#include <errno.h>
#include <string.h>

#include "fault.h"
#include "null.h"
#include "spec.h"
#include "tap.h"

static int
no_open(const struct spec *spec, struct tape **ret_tape, struct spec_error *e)
{
	(void)spec; /* never called here */
	(void)ret_tape;
	return spec_fail(e, ENOSYS, "not opened");
}

static const struct spec_key leaf_keys[] = {
	{ "format", SPEC_TEXT, 0, 0 },
	{ "size", SPEC_SIZE, 1, 1 << 20 },
	{ "ro", SPEC_BOOL, 0, 0 },
	{ NULL, SPEC_TEXT, 0, 0 },
};
static const struct spec_key *const leaf_tables[] = { leaf_keys, NULL };
static const struct tape_type leaf = {
	.name = "leaf",
	.arg_help = "a path",
	.arg_required = true,
	.keys = leaf_tables,
	.open = no_open,
};
static const struct tape_type pair = {
	.name = "both",
	.arg_help = "",
	.min_children = 2,
	.max_children = 3,
	.keys = leaf_tables,
	.open = no_open,
};
static const struct tape_type *const types[] = { &leaf, &pair, &null_tape_type,
	NULL };

static void
refuses(const char *text, const char *words)
{
	struct spec_error e;
	struct spec *s = NULL;
	int r = spec_parse(text, types, &s, &e);

	tap_is_int(-EINVAL, r, "\"%.40s\" is refused", text);
	if (!tap_ok(r < 0 && strstr(e.text, words) != NULL, "... saying \"%s\"",
		words))
		tap_diag("it said: %s", r < 0 ? e.text : "nothing");
	if (r == 0)
		spec_free(s);
}

static void
test_leaf(void)
{
	struct spec_error e;
	struct spec *s;

	if (spec_parse("leaf:/a\\,b\\\\c,size=4K,ro=yes", types, &s, &e) < 0)
		tap_bail("a good spec is refused: %s", e.text);
	tap_is_str("/a,b\\c", s->arg, "a backslash makes a comma ordinary");
	tap_is_int(4096, (int64_t)spec_number(s, "size", 0), "K is 1024 bytes");
	tap_ok(spec_bool(s, "ro", false), "yes is true");
	tap_is_str("simh", spec_text(s, "format", "simh"),
	    "an option that is not there has its default");
	tap_ok(!spec_has(s, "format"), "... and can be seen not to be there");
	spec_free(s);
}

static void
test_children(void)
{
	struct spec_error e;
	struct spec *s;

	if (spec_parse("both:{leaf:a,size=1,both:{leaf:b,leaf:c},null:},ro=no",
		types, &s, &e) < 0)
		tap_bail("a good spec is refused: %s", e.text);
	tap_is_int(3, (int64_t)s->n_children, "children are counted");
	tap_is_int(1, (int64_t)s->children[0]->n_options,
	    "a comma and KEY= belongs to the child before it");
	tap_is_int(2, (int64_t)s->children[1]->n_children, "braces nest");
	tap_is_int(1, (int64_t)s->n_options,
	    "an option after the brace belongs to the parent");
	spec_free(s);
}

static void
test_deep(void)
{
	char text[400] = "";

	for (int i = 0; i < 40; i++)
		strcat(text, "both:{");
	refuses(text, "deep");
}

int
main(void)
{
	test_leaf();
	test_children();
	refuses("", "begins with TYPE:");
	refuses("/dev/nst0", "begins with TYPE:");
	refuses("tape:x", "no tape type \"tape\"");
	refuses("leaf:", "needs a path");
	refuses("leaf:a,color=red", "no option \"color\"");
	refuses("leaf:a,size=", "number of bytes");
	refuses("leaf:a,size=-1", "number of bytes");
	refuses("leaf:a,size=12X", "number of bytes");
	refuses("leaf:a,size=99999999999999999999", "number of bytes");
	refuses("leaf:a,size=16777216T", "number of bytes");
	refuses("leaf:a,size=0", "must be 1 to 1048576");
	refuses("leaf:a,ro=maybe", "yes or no");
	refuses("leaf:a,ro=yes,ro=no", "twice");
	refuses("leaf:a,", "KEY=VALUE");
	refuses("leaf:a}", "unexpected");
	refuses("null:x", "takes no argument");
	refuses("both:{leaf:a", "\"}\" is missing");
	refuses("both:{leaf:a}", "takes 2 to 3 tapes");
	refuses("both:{leaf:a,leaf:b}x", "nothing beside its braces");
	test_deep();
	return tap_done();
}
