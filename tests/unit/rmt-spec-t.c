/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the rmt tape takes as its spec, and what it starts: no name can become
 * an option of a program, nor a word of a shell.
 */
#include "rmt/client.h"
#include "tapes.h"

static const char *scratch;

static int
opens(const char *text)
{
	struct spec_error e;
	struct spec *spec;
	struct tape *t = NULL;
	int r = spec_parse(text, test_types, &spec, &e);

	if (r < 0)
		return r;
	r = spec_open(spec, &t, &e);
	spec_free(spec);
	if (r == 0)
		tape_free(t);
	return r;
}

static void
test_names(void)
{
	tap_is_int(0, opens("rmt:host:/dev/nst0"), "a host and a device");
	tap_is_int(0, opens("rmt:user@host:/dev/nst0"), "and a user");
	tap_is_int(0, opens("rmt:[fe80::1%eth0]:/dev/nst0"), "an IPv6 address");
	tap_is_int(0, opens("rmt:u@[::1]:/dev/nst0"), "and a user of it");
	tap_is_int(0, opens("rmt:host:/dev/a@b:c"),
	    "a device of any characters");
	tap_is_int(0, opens("rmt:host:file\\:x.tap"), "even a spec");
	tap_is_int(-EINVAL, opens("rmt:/dev/nst0"), "no host");
	tap_is_int(-EINVAL, opens("rmt:host:"), "no device");
	tap_is_int(-EINVAL, opens("rmt::/dev/nst0"), "an empty host");
	tap_is_int(-EINVAL, opens("rmt:@host:/dev/nst0"), "an empty user");
	tap_is_int(-EINVAL, opens("rmt:-oProxyCommand=x:/dev/nst0"),
	    "a host that is an option");
	tap_is_int(-EINVAL, opens("rmt:-lroot@host:/dev/nst0"),
	    "a user that is an option");
	tap_is_int(-EINVAL, opens("rmt:a b:/dev/nst0"), "a host with a blank");
	tap_is_int(-EINVAL, opens("rmt:a;b:/dev/nst0"), "or a semicolon");
	tap_is_int(-EINVAL, opens("rmt:u$(x)@a:/dev/nst0"),
	    "a user of a shell");
	tap_is_int(-EINVAL, opens("rmt:host:/dev/a\nI6\n1"),
	    "a device with a newline, which would be a request");
}

static void
test_options(void)
{
	tap_is_int(0, opens("rmt:h:d,rsh=ssh,rmt=/usr/sbin/rmt,timeout=10"),
	    "programs and a timeout");
	tap_is_int(0, opens("rmt:h:d,window=1M,dialect=gnu"),
	    "a window and a dialect");
	tap_is_int(-EINVAL, opens("rmt:h:d,dialect=klingon"), "no dialect");
	tap_is_int(-EINVAL, opens("rmt:h:d,timeout=0"), "no time");
	tap_is_int(-EINVAL, opens("rmt:h:d,window=65M"), "too wide a window");
	tap_is_int(-EINVAL, opens("rmt:h:d,rmt=rmt; rm"),
	    "a server of a shell");
	tap_is_int(-EINVAL, opens("rmt:h:d,rmt=$HOME/rmt"), "one it expands");
	tap_is_int(-EINVAL, opens("rmt:h:d,rmt=-x"), "one that is an option");
	tap_is_int(-EINVAL, opens("rmt:h:d,rsh="), "no remote shell");
}

/* What is started for a spec, one word a line. */
static const char *
started(const char *name, const char *spec)
{
	static char seen[2000];
	char path[400], full[900], script[600];
	struct tape *t;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", scratch, name);
	(void)snprintf(script, sizeof(script),
	    "#!/bin/sh\nfor i; do echo \"$i\"; done >%s/args\n", scratch);
	f = fopen(path, "w");
	if (f == NULL || fputs(script, f) < 0 || fclose(f) != 0 ||
	    chmod(path, 0700) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	(void)snprintf(full, sizeof(full), "%s,timeout=5", spec);
	if (setenv("RSH", path, 1) < 0)
		tap_bail("no environment");
	t = open_tape(full);
	if (tape_load(t) == 0)
		tap_bail("that is no server");
	tape_free(t);
	(void)snprintf(path, sizeof(path), "%s/args", scratch);
	f = fopen(path, "r");
	n = f == NULL ? 0 : fread(seen, 1, sizeof(seen) - 1, f);
	seen[n] = '\0';
	if (f != NULL)
		(void)fclose(f); /* only read */
	return seen;
}

static void
test_start(void)
{
	const char *ssh;

	tap_is_str("host\n/usr/sbin/rmt\n",
	    started("rsh", "rmt:host:/dev/nst0"),
	    "RSH in the environment is started with host and server");
	tap_is_str("host\n-l\nme\n/usr/sbin/rmt\n",
	    started("rsh", "rmt:me@host:/dev/nst0"), "as dump has the user");
	tap_is_str("::1\n/opt/rmt\n",
	    started("rsh", "rmt:[::1]:/dev/nst0,rmt=/opt/rmt"),
	    "an address goes without its brackets");
	if (setenv("RMT", "/usr/sbin/rmt-dump", 1) < 0)
		tap_bail("no environment");
	tap_is_str("host\n/usr/sbin/rmt-dump\n",
	    started("rsh", "rmt:host:/dev/nst0"),
	    "RMT in the environment is the server");
	ssh = started("ssh", "rmt:me@host:/dev/nst0");
	tap_ok(strstr(ssh, "-o\nBatchMode=yes\n") != NULL,
	    "ssh asks no questions");
	tap_ok(strstr(ssh, "-o\nServerAliveInterval=15\n") != NULL,
	    "and notices a dead network");
	tap_is_str("\nhost\n-l\nme\n/usr/sbin/rmt-dump\n",
	    strstr(ssh, "\nhost\n"), "and gets the rest as rsh does");
	if (setenv("RMT", "rm -rf /", 1) < 0)
		tap_bail("no environment");
	tap_is_int(-EINVAL, opens("rmt:host:/dev/nst0"),
	    "a server from the environment is looked at, too");
	(void)unsetenv("RMT");
	(void)unsetenv("RSH");
}

static void
test_no_program(void)
{
	struct tape *t = open_tape("rmt:h:d,rsh=/nowhere/rsh");

	tap_is_int(-ENOENT, tape_load(t), "a program that is not there");
	tap_ok(strstr(tape_why(t), "/nowhere/rsh") != NULL, "is named: %s",
	    tape_why(t));
	tape_free(t);
}

int
main(void)
{
	(void)unsetenv("RMT");
	(void)unsetenv("RSH");
	scratch = make_scratch();
	test_names();
	test_options();
	test_start();
	test_no_program();
	remove_scratch(scratch);
	return tap_done();
}
