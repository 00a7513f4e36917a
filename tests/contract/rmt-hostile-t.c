/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server that means harm, or is none: whatever it says, or does not say, the
 * tape gives an error, in bounded time and memory, and lets go.
 */
#include <sys/resource.h>

#include "tapes.h"

#define BOUND_S 30 /* seconds for any of it, also on a busy machine */
#define MEMORY_KB (256 << 10) /* that one may take */

/* What the server says, as a script; it has been opened up to where. */
struct server {
	const char *what;
	const char *dialect;
	const char *script;
};

/*
 * The status of st: 48 bytes; and replies up to a tape at BOT, each when its
 * request has come: as many lines as there are words behind "n".
 */
#define STATUS                                                          \
	"printf 'A48\\nr\\0\\0\\0\\0\\0\\0\\0'; head -c 19 /dev/zero; " \
	"printf '\\101'; head -c 20 /dev/zero; "
#define OPENED                                           \
	"n() { for i; do read -r x; done; }; "           \
	"n 1 2; printf 'A0\\n'; n 1; " STATUS            \
	"n 1 2; printf 'A0\\n'; n 1 2; printf 'A0\\n'; " \
	"n 1 2; printf 'A0\\n'; "

static const struct server servers[] = {
	{ "nothing but silence", "auto", "sleep 60" },
	{ "the end at once", "auto", "exit 1" },
	{ "a banner", "auto", "echo Welcome; sleep 60" },
	{ "a shell's error", "auto", "echo 'sh: rmt: not found'; exit 127" },
	{ "endless digits", "auto", "printf A; yes 1 | tr -d '\\n'" },
	{ "endless zero bytes", "auto", "cat /dev/zero" },
	{ "an endless error text", "auto",
	    "printf 'E5\\n'; yes error | tr -d '\\n'" },
	{ "endless errors", "auto", "yes 'E5\nerror'" },
	{ "endless successes", "auto", "yes A0" },
	{ "replies before requests", "sun",
	    "read -r x; read -r x; printf 'A1\\nA0\\n'; sleep 60" },
	{ "a fatal error", "gnu", "printf 'F5\\ngone\\n'; sleep 60" },
	{ "a huge status", "gnu",
	    "printf 'A0\\nA99999999999\\n'; cat /dev/zero" },
	{ "a negative status", "gnu", "printf 'A0\\nA-48\\n'; sleep 60" },
	{ "a status that is none", "gnu",
	    "printf 'A0\\nA48\\n'; head -c 48 /dev/zero; sleep 60" },
	{ "half a status", "gnu", "printf 'A0\\nA48\\nabc'; sleep 60" },
};

static const struct server readers[] = {
	{ "more than was asked for", "gnu",
	    OPENED "printf 'A99999999\\n'; cat /dev/zero" },
	{ "a count beyond 64 bits", "gnu",
	    OPENED "printf 'A99999999999999999999\\n'; cat /dev/zero" },
	{ "less than nothing", "gnu", OPENED "printf 'A-5\\n'; sleep 60" },
	{ "half a record", "gnu", OPENED "printf 'A1000\\nabc'; sleep 60" },
	{ "half a record, and the end", "gnu",
	    OPENED "while read -r x; do case $x in R*|W*) break;; esac; done; "
		   "printf 'A1000\\nabc'" },
	{ "silence", "gnu", OPENED "sleep 60" },
	{ "garbage behind A", "gnu", OPENED "printf 'Axyz\\n'; sleep 60" },
};

#define N_SERVERS (sizeof(servers) / sizeof(servers[0]))
#define N_READERS (sizeof(readers) / sizeof(readers[0]))

#define AT_ONCE 8 /* servers; it is waited for most of them, to no end */

static const char *scratch;

static struct tape *
tape_over(const struct server *s)
{
	char path[300], spec[700];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/rsh", scratch);
	f = fopen(path, "w");
	if (f == NULL || fprintf(f, "#!/bin/sh\n%s\n", s->script) < 0 ||
	    fclose(f) != 0 || chmod(path, 0700) < 0)
		tap_bail("%s: %s", path, strerror(errno));
	(void)snprintf(spec, sizeof(spec),
	    "rmt:there:/dev/nst0,rsh=%s,timeout=1,dialect=%s", path,
	    s->dialect);
	return open_tape(spec);
}

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
test_load(const struct server *s)
{
	struct tape *t = tape_over(s);
	double begin = now();
	int r = tape_load(t);

	tap_ok(r < 0, "%s: is no tape: %s", s->what, tape_why(t));
	tap_ok(tape_why(t)[0] != '\0', "... and it is said why");
	tape_free(t);
	tap_ok(now() - begin < BOUND_S, "... within %d s", BOUND_S);
}

static void
test_use(const struct server *s, bool writes)
{
	static uint8_t buf[4096];
	struct tape *t = tape_over(s);
	double begin = now();
	enum tape_cond cond;
	size_t len;
	int r = tape_load(t);

	tap_is_int(0, r, "%s %s: there seems to be a tape",
	    writes ? "writing" : "reading", s->what);
	if (r == 0)
		r = writes ? tape_write(t, buf, sizeof(buf), &cond)
			   : tape_read(t, buf, sizeof(buf), &len, &cond);
	tap_ok(r < 0, "... which fails: %s", tape_why(t));
	tape_free(t);
	tap_ok(now() - begin < BOUND_S, "... within %d s", BOUND_S);
}

static void
test_server(size_t i)
{
	struct rusage usage;

	scratch = make_scratch();
	if (i < N_SERVERS)
		test_load(&servers[i]);
	else
		test_use(&readers[(i - N_SERVERS) / 2], i % 2 == 0);
	(void)getrusage(RUSAGE_SELF, &usage); /* can't fail */
	tap_ok(usage.ru_maxrss < MEMORY_KB, "and takes no memory to speak of");
	remove_scratch(scratch);
}

int
main(void)
{
	tap_parts(N_SERVERS + 2 * N_READERS, AT_ONCE, test_server);
	return tap_done();
}
