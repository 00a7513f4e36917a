/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the rmt server: what its lines mean, which tables are not used,
 * and what names are granted, above all which are not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"
#include "mirror.h"
#include "null.h"
#include "st.h"
#include "table.h"
#include "tap.h"

static const struct tape_type *const types[] = { &file_tape_type,
	&null_tape_type, &fault_tape_type, &st_tape_type, &mirror_tape_type,
	NULL };

static char dir[64]; /* of this test, without links */
static char text[4096];

/* The text with each "@" replaced by ${dir}. */
static const char *
at(const char *pattern)
{
	static char out[512][1024]; /* more than are made */
	static unsigned next;
	char *p = out[next++ % 512], *begin = p;

	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '@')
			p = stpcpy(p, dir);
		else
			*p++ = *pattern;
	}
	*p = '\0';
	return begin;
}

static struct rmt_table *
table_of(const char *lines)
{
	struct rmt_table *table = NULL;
	struct spec_error e;
	const char *real = at(lines);

	if (rmt_table_parse(real, strlen(real), "t", &table, &e) < 0)
		tap_bail("table: %s", e.text);
	return table;
}

static struct rmt_policy
policy_of(const struct rmt_table *table)
{
	return (struct rmt_policy){ .user = "ann",
		.host = "10.1.2.3",
		.table = table,
		.types = types };
}

/* What is granted, as words: the text of the grant and its traits; or errno. */
static const char *
decide(const struct rmt_policy *p, const char *name, bool create)
{
	struct rmt_grant g;
	struct spec_error e = { "" };
	int r = rmt_table_decide(p, at(name), create, &g, &e);

	if (r < 0) {
		(void)snprintf(text, sizeof(text), "%s", strerror(-r));
		return text;
	}
	(void)snprintf(text, sizeof(text), "%s%s%s%s", g.text,
	    g.is_node ? " node" : "", g.read_only ? " ro" : "",
	    g.rewinds ? " rewinds" : "");
	rmt_table_free_grant(&g);
	return text;
}

static void
grants(const struct rmt_policy *p, const char *name, bool create,
    const char *expected)
{
	tap_is_str(at(expected), decide(p, name, create), "\"%s\" is granted%s",
	    name, create ? ", to be made" : "");
}

static void
refuses(const struct rmt_policy *p, const char *name, const char *why)
{
	tap_is_str("Permission denied", decide(p, name, true),
	    "not granted: %s (%.60s)", why, name);
}

static void
test_nothing(void)
{
	struct rmt_policy p = policy_of(NULL);

	grants(&p, "/dev/null", false, "/dev/null node");
	refuses(&p, "file:@/a.tap", "a spec, if nothing allows any");
	refuses(&p, "null:", "a spec with no path, either");
	refuses(&p, "st:/dev/null", "a node by way of a spec");
	refuses(&p, "rewind:/dev/null", "a node with a prefix");
	refuses(&p, "dev/null", "a relative path");
	refuses(&p, "", "no name");
	refuses(&p, "..", "two dots");
	refuses(&p, "/dev/../dev/null", "a path with \"..\"");
	refuses(&p, "/no/such/path", "what is not there, with the same errno");
}

static void
test_paths(void)
{
	const char *allowed[] = { at("file:@/tapes/*") };
	struct rmt_policy p = policy_of(NULL);

	p.allowed = allowed;
	p.n_allowed = 1;
	p.allowed_rights = RMT_CREATE;
	grants(&p, "file:@/tapes/a.tap", false, "file:@/tapes/a.tap,create=no");
	grants(&p, "file:@/tapes/new.tap", true, "file:@/tapes/new.tap");
	grants(&p, "file:@/tapes/new.tap", false,
	    "file:@/tapes/new.tap,create=no");
	grants(&p, "file:@/tapes//./a.tap", false,
	    "file:@/tapes/a.tap,create=no");
	grants(&p, "file:@/link/a.tap", false, "file:@/tapes/a.tap,create=no");
	grants(&p, "file:@/tapes/in", false, "file:@/tapes/a.tap,create=no");
	grants(&p, "rewind:file:@/tapes/a.tap", false,
	    "file:@/tapes/a.tap,create=no rewinds");
	refuses(&p, "file:@/secret", "another directory");
	refuses(&p, "file:@/tapes/out", "a link out of the directory");
	refuses(&p, "file:@/tapes/dangling", "a link to where nothing is");
	refuses(&p, "file:@/tapes/up/secret", "a link to a directory outside");
	refuses(&p, "file:@/tapes/../secret", "\"..\"");
	refuses(&p, "file:@/tapes/..", "\"..\" at the end");
	refuses(&p, "file:@/tapes/x/../a.tap", "\"..\" that leads back in");
	refuses(&p, "file:@/tapes/sub/b.tap", "\"*\" passes over no \"/\"");
	refuses(&p, "file:@/tapes/.hidden", "\"*\" is no leading \".\"");
	refuses(&p, "file:@/tapes/", "the directory itself");
	refuses(&p, "file:tapes/a.tap", "a relative path in a spec");
	refuses(&p, "st:@/tapes/a.tap", "another type");
	refuses(&p, "@/tapes/a.tap", "the path with no type");
	refuses(&p, "/dev/null", "a node, once --allow says what is allowed");
	tap_is_str("Invalid argument", decide(&p, "file:@/tapes/a,b", false),
	    "what is no spec is EINVAL");
	grants(&p, "file:@/tapes/a\\,key\\=x", true, "file:@/tapes/a\\,key=x");
}

static void
test_options(void)
{
	const char *allowed[] = { at("file:@/tapes/*"), "null:" };
	struct rmt_policy p = policy_of(NULL);

	p.allowed = allowed;
	p.n_allowed = 2;
	p.allowed_rights = RMT_READ_WRITE;
	grants(&p, "file:@/tapes/a.tap,capacity=1M,warn=64K", false,
	    "file:@/tapes/a.tap,capacity=1M,warn=64K,create=no");
	grants(&p, "file:@/tapes/a.tap,readonly=yes", false,
	    "file:@/tapes/a.tap,readonly=yes,create=no");
	refuses(&p, "file:@/tapes/a.tap,create=yes", "making of images");
	refuses(&p, "file:@/tapes/a.tap,key=@/secret", "a file as a key");
	refuses(&p, "file:@/tapes/a.tap,format=tpc",
	    "a file as a tape that it is not");
	refuses(&p, "fault:{null:},script=@/secret", "a file as a script");
	refuses(&p, "fault:{null:},do=x", "faults");
	grants(&p, "mirror:{file:@/tapes/a.tap,null:},verify=yes", false,
	    "mirror:{file:@/tapes/a.tap,create=no,null:},verify=yes");
	refuses(&p, "mirror:{null:,file:@/secret}",
	    "a leg that is not granted");
	refuses(&p, "mirror:{null:,mirror:{null:,st:/dev/null}}",
	    "nor one of a leg");
	p.allowed_rights = RMT_READ_ONLY;
	grants(&p, "file:@/tapes/a.tap", true,
	    "file:@/tapes/a.tap,readonly=yes,create=no ro");
	grants(&p, "file:@/tapes/a.tap,readonly=no", true,
	    "file:@/tapes/a.tap,readonly=yes,create=no ro");
	p.allowed_rights = RMT_CREATE;
	grants(&p, "file:@/tapes/n,format=simh,create=yes", true,
	    "file:@/tapes/n,format=simh,create=yes");
	grants(&p, "file:@/tapes/n,create=yes", false,
	    "file:@/tapes/n,create=no");
}

static void
test_table(void)
{
	struct rmt_table *t = table_of(
	    "# a comment\n"
	    "\n"
	    "alias vault rewind mirror:{file:@/secret,null:},leg_timeout=9\n"
	    "  alias drive\t/dev/null  \n"
	    "alias other null:\n"
	    "allow bob * rw *\n"
	    "allow ann 10.1.2.* ro file:@/tapes/a*\n"
	    "allow ann 10.1.2.* create file:@/link/*\n"
	    "allow ann 192.168.* rw null:\n"
	    "allow * * rw vault\n"
	    "allow * * ro drive\n"
	    "allow ann * rw /dev/[n]ull");
	struct rmt_policy p = policy_of(t);
	const char *allowed[] = { "vault", at("file:@/tapes/b*") };

	grants(&p, "file:@/tapes/a.tap", true,
	    "file:@/tapes/a.tap,readonly=yes,create=no ro");
	grants(&p, "file:@/tapes/b.tap", true, "file:@/tapes/b.tap");
	grants(&p, "vault", true,
	    "mirror:{file:@/secret,create=no,null:},leg_timeout=9 rewinds");
	grants(&p, "drive", false, "/dev/null node ro");
	grants(&p, "/dev/null", false, "/dev/null node");
	refuses(&p, "other", "an alias that no line allows");
	refuses(&p, "null:", "what is granted to another host");
	refuses(&p, "/dev/zero", "a node that no line allows");
	p.user = "bob";
	grants(&p, "other", false, "null:");
	refuses(&p, "file:@/tapes/b.tap", "what is granted to another user");
	p.user = "ann";
	p.host = "-";
	refuses(&p, "file:@/tapes/b.tap", "a host that nobody knows");
	p.host = "10.1.2.3";
	p.allowed = allowed;
	p.n_allowed = 2;
	p.allowed_rights = RMT_READ_ONLY;
	grants(&p, "vault", false,
	    "mirror:{file:@/secret,readonly=yes,create=no,null:},leg_timeout=9"
	    " ro rewinds");
	grants(&p, "file:@/tapes/b.tap", true,
	    "file:@/tapes/b.tap,readonly=yes,create=no ro");
	refuses(&p, "file:@/tapes/a.tap", "what the command line leaves out");
	refuses(&p, "drive", "an alias that the command line leaves out");
	rmt_table_free(t);
}

static void
is_fault(const char *lines, const char *words)
{
	struct rmt_table *t = NULL;
	struct spec_error e = { "" };
	int r = rmt_table_parse(lines, strlen(lines), "conf", &t, &e);

	tap_is_int(-EINVAL, r, "a table with a fault is refused");
	if (!tap_ok(strstr(e.text, words) != NULL, "... saying \"%s\"", words))
		tap_diag("it said: %s", e.text);
	if (r == 0)
		rmt_table_free(t);
}

static void
test_faults(void)
{
	char *longer = calloc(1, 5001);
	struct rmt_table *t;
	struct spec_error e;

	is_fault("permit a b rw c", "conf: line 1: a line begins with");
	is_fault("# x\n\nallow ann * rx null:\n", "line 3: allow USER HOST");
	is_fault("allow ann * rw", "line 1: allow USER HOST");
	is_fault("alias a:b null:", "line 1: alias NAME");
	is_fault("alias /dev/st0 null:", "line 1: alias NAME");
	is_fault("alias a rewind ", "line 1: alias NAME");
	is_fault("alias a", "line 1: alias NAME");
	is_fault(memset(longer, 'x', 5000), "line 1: the line is too long");
	free(longer);
	tap_is_int(-EINVAL, rmt_table_parse("#\0\n", 3, "t", &t, &e),
	    "a table with a 0 byte is refused");
}

static void
put_file(const char *path, const char *content, mode_t mode)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(content, f) < 0 || fclose(f) != 0 ||
	    chmod(path, mode) < 0)
		tap_bail("%s: %s", path, strerror(errno));
}

static int
read_status(const char *path)
{
	struct rmt_table *t = NULL;
	struct spec_error e;
	int r = rmt_table_read(path, &t, &e);

	if (r == 0)
		rmt_table_free(t);
	return r;
}

static void
test_owner(void)
{
	const char *path = at("@/conf");

	tap_is_int(-ENOENT, read_status(path), "no table is ENOENT");
	put_file(path, "allow * * rw null:\n", 0666);
	tap_is_int(-EPERM, read_status(path),
	    "a table that anybody can write to is not used");
	put_file(path, "allow * * rw null:\n", 0620);
	tap_is_int(-EPERM, read_status(path),
	    "nor one that a group can write to");
	tap_is_int(-EPERM, read_status(dir), "nor a directory");
	put_file(path, "allow * * rw null:\n", 0644);
	tap_is_int(geteuid() == 0 ? 0 : -EPERM, read_status(path),
	    "root's own table is used, and nobody else's");
	if (geteuid() == 0 && chown(path, 1, 0) < 0)
		tap_bail("chown: %s", strerror(errno));
	tap_is_int(-EPERM, read_status(path), "a user's table is not used");
	tap_is_int(-EINVAL, read_status("/etc/passwd"),
	    "root's file is looked at, though this one is no table");
}

/* Between the decision and the load somebody may put a link there. */
static void
test_still_real(void)
{
	const char *allowed[] = { at("file:@/tapes/*") };
	struct rmt_policy p = policy_of(NULL);
	struct rmt_grant g;
	struct spec_error e;
	struct spec *spec;

	p.allowed = allowed;
	p.n_allowed = 1;
	p.allowed_rights = RMT_READ_WRITE;
	if (rmt_table_decide(&p, at("file:@/tapes/b.tap"), false, &g, &e) < 0 ||
	    spec_parse(g.text, types, &spec, &e) < 0)
		tap_bail("%s", e.text);
	tap_ok(rmt_table_still_real(&g, spec),
	    "a path is what it was when it was granted");
	if (unlink(at("@/tapes/b.tap")) < 0 ||
	    symlink(at("@/secret"), at("@/tapes/b.tap")) < 0)
		tap_bail("symlink: %s", strerror(errno));
	tap_ok(!rmt_table_still_real(&g, spec),
	    "a link that has come into it since is seen");
	g.trusted = true;
	tap_ok(rmt_table_still_real(&g, spec),
	    "links are meant in what the table itself names");
	spec_free(spec);
	rmt_table_free_grant(&g);
}

static void
make_tree(void)
{
	char made[] = "/tmp/rmt-table.XXXXXX";
	char *real;

	if (mkdtemp(made) == NULL || (real = realpath(made, NULL)) == NULL)
		tap_bail("no directory: %s", strerror(errno));
	(void)snprintf(dir, sizeof(dir), "%s", real);
	free(real);
	if (mkdir(at("@/tapes"), 0700) < 0 ||
	    mkdir(at("@/tapes/sub"), 0700) < 0 ||
	    symlink(at("@/tapes"), at("@/link")) < 0 ||
	    symlink("a.tap", at("@/tapes/in")) < 0 ||
	    symlink(at("@/secret"), at("@/tapes/out")) < 0 ||
	    symlink(at("@/nothing"), at("@/tapes/dangling")) < 0 ||
	    symlink(dir, at("@/tapes/up")) < 0)
		tap_bail("%s: %s", dir, strerror(errno));
	put_file(at("@/secret"), "secret", 0600);
	put_file(at("@/tapes/a.tap"), "", 0600);
	put_file(at("@/tapes/b.tap"), "", 0600);
	put_file(at("@/tapes/.hidden"), "", 0600);
	put_file(at("@/tapes/sub/b.tap"), "", 0600);
}

static void
remove_tree(void)
{
	static const char *const names[] = { "@/tapes/sub/b.tap",
		"@/tapes/.hidden", "@/tapes/b.tap", "@/tapes/a.tap", "@/secret",
		"@/tapes/up", "@/tapes/dangling", "@/tapes/out", "@/tapes/in",
		"@/link", "@/tapes/sub", "@/tapes", "@/conf", "@" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)remove(at(names[i])); /* what is left does no harm */
}

int
main(void)
{
	make_tree();
	test_nothing();
	test_paths();
	test_options();
	test_table();
	test_faults();
	test_owner();
	test_still_real();
	remove_tree();
	return tap_done();
}
