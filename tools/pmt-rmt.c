/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmt-rmt: the remote magtape protocol on standard input and output, for any
 * tape spec or tape node.  Owns the command line, who is asking, the two file
 * descriptors, and the log; see server.h and table.h for what it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "arguments.h"
#include "client.h"
#include "fault.h"
#include "file.h"
#include "hostfile.h"
#include "log.h"
#include "mirror.h"
#include "null.h"
#include "server_device.h"
#include "st.h"
#include "table.h"
#include "tape.h"

#define TABLE "/etc/pmt/rmt.conf"
#define LOOK_EVERY 64	    /* transfers */
#define NAME_MAX_LOGGED 100 /* bytes of what a client sent */

static const struct tape_type *const types[] = {
	&file_tape_type,
	&null_tape_type,
	&fault_tape_type,
	&st_tape_type,
	&mirror_tape_type,
	&rmt_tape_type,
	NULL,
};

struct settings {
	struct rmt_policy policy;
	const char **allowed;
	const char *table; /* NULL: TABLE, if it is there */
	bool create, read_only;
	int timeout; /* seconds that a client may be silent; 0: for ever */
};

enum long_option {
	OPT_ALLOW = ARGUMENTS_OWN,
	OPT_CREATE,
	OPT_READ_ONLY,
	OPT_TABLE,
	OPT_TIMEOUT,
};

static const struct option long_options[] = {
	{ "allow", required_argument, NULL, OPT_ALLOW },
	{ "create", no_argument, NULL, OPT_CREATE },
	{ "read-only", no_argument, NULL, OPT_READ_ONLY },
	{ "table", required_argument, NULL, OPT_TABLE },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	ARGUMENTS_COMMON,
};

static const char help_text[] =
    "usage: pmt-rmt [OPTION...]\n"
    "\n"
    "Serves tapes to tar, dump, cpio and mt of other hosts, which start it\n"
    "through ssh in the place of /usr/sbin/rmt.\n"
    "\n"
    "  --allow GLOB    only these names may be opened; may be repeated\n"
    "  --create        missing images of these names may be made\n"
    "  --read-only     tapes may only be read\n"
    "  --table FILE    who may open what (default " TABLE ", if it is there)\n"
    "  --timeout SECS  give up a client that is silent for so long\n"
    "  --debug         what is done, on standard error\n"
    "  --help, --version\n"
    "\n"
    "Without --allow and a table, tape nodes may be opened and nothing else.\n"
    "See pmt-rmt(8).\n";

/* ---- The connection ------------------------------------------------------ */

static volatile sig_atomic_t told_to_end;

static void
note_signal(int number)
{
	(void)number; /* all of them mean the same */
	told_to_end = 1;
}

/*
 * Signals come only while a client is waited for, so that none disturbs the
 * tape; each is an end of the connection.
 */
static void
take_signals(sigset_t *ret_waiting)
{
	struct sigaction action = { .sa_handler = note_signal };
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		(void)sigaction(numbers[i], &action, NULL);
		(void)sigaddset(&set, numbers[i]);
	}
	(void)sigprocmask(SIG_BLOCK, &set, ret_waiting);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		(void)sigdelset(ret_waiting, numbers[i]);
}

struct connection {
	sigset_t waiting; /* the signals that are blocked while it waits */
	int timeout;	  /* seconds; 0: none */
	bool timed_out;
	bool returns;	    /* a transfer that would wait returns instead */
	unsigned transfers; /* tried so far; it may wrap */
};

/* False: the end, for this session. */
static bool
wait_for(struct connection *c, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	struct timespec limit = { .tv_sec = c->timeout };
	int n;

	do
		n = ppoll(&p, 1, c->timeout > 0 ? &limit : NULL, &c->waiting);
	while (n < 0 && errno == EINTR && told_to_end == 0);
	c->timed_out = n == 0;
	return n > 0 && told_to_end == 0;
}

/*
 * Whether to look for signals before a transfer is tried: not each time, for
 * most transfers are done at once; and if one would have to wait, always.
 */
static bool
may_go_on(struct connection *c, int fd, short events, bool again)
{
	if (!again && c->returns && c->transfers++ % LOOK_EVERY != 0)
		return true;
	return wait_for(c, fd, events);
}

static ssize_t
link_read(void *arg, void *buf, size_t size)
{
	struct connection *c = arg;
	ssize_t n = 1;

	do {
		if (!may_go_on(c, STDIN_FILENO, POLLIN, n < 0))
			return 0;
		n = read(STDIN_FILENO, buf, size);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	return n < 0 ? 0 : n;
}

static int
link_write(void *arg, const void *buf, size_t len)
{
	struct connection *c = arg;
	const char *p = buf;
	ssize_t n = 1;

	while (len > 0) {
		if (!may_go_on(c, STDOUT_FILENO, POLLOUT, n < 0))
			return -EPIPE;
		n = write(STDOUT_FILENO, p, len);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		p += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static bool
set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	return flags >= 0 && fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) &&
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/*
 * A client that does not read must not hold the server in a write that neither
 * a signal nor the timeout ends.  It is done to pipes and sockets only, which
 * are between the client and us.
 */
static void
let_calls_return(struct connection *c)
{
	bool in = set_nonblocking(STDIN_FILENO);
	bool out = set_nonblocking(STDOUT_FILENO);

	c->returns = in && out;
}

/* ---- Images -------------------------------------------------------------- */

/* Of the tape that is open: it was granted by paths without links. */
static bool no_links;

/*
 * What a path was granted for is what is opened: a link that has come into it
 * since is not followed.  Kernels before 5.6 can't be told so; there what was
 * opened is looked at again (rmt_table_still_real()).
 */
static int
open_granted(const char *path, int flags, mode_t mode)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)flags,
		.mode = (flags & O_CREAT) != 0 ? mode : 0,
		.resolve = RESOLVE_NO_SYMLINKS };
	long fd = -1;

	errno = ENOSYS;
	if (no_links)
		fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS)
		return open(path, flags, mode);
	return (int)fd;
}

static void
follow_no_links(void)
{
	static struct hostfile_calls calls;

	calls = hostfile_system;
	calls.open = open_granted;
	hostfile_set_calls(&calls);
}

/* ---- The desk ------------------------------------------------------------ */

struct desk {
	const struct rmt_policy *policy;
	struct rmt_places *places;
};

/* What a client sent, so that it can't write lines of its own into the log. */
static void
printable(const char *name, char out[NAME_MAX_LOGGED + 1])
{
	size_t n = 0;

	for (; n < NAME_MAX_LOGGED && name[n] != '\0'; n++)
		out[n] = name[n] >= ' ' && name[n] < 0x7f ? name[n] : '?';
	out[n] = '\0';
}

static const char *
mode_of(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY ? "read" : "write";
}

static int
desk_open(void *arg, const char *name, int flags,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX])
{
	const struct desk *desk = arg;
	const struct rmt_policy *p = desk->policy;
	char shown[NAME_MAX_LOGGED + 1];
	struct rmt_grant grant;
	struct spec_error e;
	int r;

	printable(name, shown);
	r = rmt_table_decide(p, name, (flags & O_CREAT) != 0, &grant, &e);
	if (r < 0) {
		log_warning("%s from %s may not open %s to %s: %.200s", p->user,
		    p->host, shown, mode_of(flags), e.text);
		if (r == -EINVAL)
			(void)snprintf(why, RMT_WHY_MAX, "%.200s", e.text);
		return r;
	}
	no_links = !grant.trusted;
	r = grant.is_node ? rmt_server_open_node(&grant, flags, ret_device, why)
			  : rmt_server_open_spec(&grant, types, flags,
				desk->places, ret_device, why);
	if (r < 0)
		log_warning("%s from %s can't open %s to %s: %s: %.200s",
		    p->user, p->host, shown, mode_of(flags), strerror(-r), why);
	else
		log_info("%s from %s opens %s to %s", p->user, p->host, shown,
		    mode_of(flags));
	rmt_table_free_grant(&grant);
	return r;
}

/* ---- The start ----------------------------------------------------------- */

static void
alarm_to_log(const char *line)
{
	log_error("%s", line);
}

static bool
parse_seconds(const char *text, int *ret_seconds)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || n < 1 || n > 86400)
		return false;
	*ret_seconds = (int)n;
	return true;
}

/* One option; -1 to go on, else the exit status. */
static int
take_option(void *settings, int option, const char *arg)
{
	struct settings *s = settings;

	switch (option) {
	case OPT_ALLOW:
		s->allowed[s->policy.n_allowed++] = arg;
		return -1;
	case OPT_CREATE:
		s->create = true;
		return -1;
	case OPT_READ_ONLY:
		s->read_only = true;
		return -1;
	case OPT_TABLE:
		s->table = arg;
		return -1;
	case OPT_TIMEOUT:
		if (parse_seconds(arg, &s->timeout))
			return -1;
		log_error("--timeout %s: not a number of seconds, 1 to 86400",
		    arg);
		return EXIT_USAGE;
	default:
		abort(); /* no option has such a value */
	}
}

/* -1 to go on, else the exit status. */
static int
take_arguments(struct settings *s, int argc, char **argv)
{
	const struct arguments all = { .program = "pmt-rmt",
		.help = help_text,
		.options = long_options,
		.take = take_option };
	int status = arguments_take(&all, s, argc, argv);

	if (status >= 0)
		return status;
	if (optind < argc) {
		log_error("%s: no arguments are taken; try pmt-rmt --help",
		    argv[optind]);
		return EXIT_USAGE;
	}
	if ((s->create || s->read_only) && s->policy.n_allowed == 0) {
		log_error("--create and --read-only are for names that --allow "
			  "gives");
		return EXIT_USAGE;
	}
	if (s->create && s->read_only) {
		log_error("--create and --read-only exclude each other");
		return EXIT_USAGE;
	}
	s->policy.allowed_rights = s->create ? RMT_CREATE
	    : s->read_only		     ? RMT_READ_ONLY
					     : RMT_READ_WRITE;
	return -1;
}

/* Who asks: the process's own user, and the address that sshd has told. */
static bool
identify(struct rmt_policy *p)
{
	static char host[64] = "-", user[64];
	const char *client = getenv("SSH_CLIENT");
	const struct passwd *pw = getpwuid(getuid());
	size_t n = client == NULL ? 0 : strcspn(client, " ");

	if (pw == NULL) {
		log_error("user number %u has no name", (unsigned)getuid());
		return false;
	}
	(void)snprintf(user, sizeof(user), "%s", pw->pw_name);
	p->user = user;
	if (n > 0 && n < sizeof(host)) {
		memcpy(host, client, n);
		host[n] = '\0';
	}
	p->host = host;
	return true;
}

/* A table that can't be used is no reason to go on without one. */
static bool
read_table(const struct settings *s, struct rmt_table **ret_table)
{
	struct spec_error e;
	int r =
	    rmt_table_read(s->table == NULL ? TABLE : s->table, ret_table, &e);

	if (r == 0 || (s->table == NULL && r == -ENOENT))
		return true;
	log_error("%s", e.text);
	return false;
}

static int
serve(const struct settings *s)
{
	struct connection c = { .timeout = s->timeout };
	struct desk d = { .policy = &s->policy,
		.places = rmt_server_places_new() };
	const struct rmt_link link = { link_read, link_write, &c };
	const struct rmt_desk desk = { desk_open, &d };
	int r;

	take_signals(&c.waiting);
	let_calls_return(&c);
	r = d.places == NULL ? -ENOMEM : rmt_server_run(&link, &desk);
	rmt_server_places_free(d.places);
	if (c.timed_out)
		log_warning("%s from %s: silent for %d s", s->policy.user,
		    s->policy.host, s->timeout);
	else if (r < 0)
		log_warning("%s from %s: the session ends: %s", s->policy.user,
		    s->policy.host, strerror(-r));
	return r < 0 || c.timed_out ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* With the arguments taken; the exit status. */
static int
start(struct settings *s)
{
	struct rmt_table *table = NULL;
	int status;

	if (getauxval(AT_SECURE) != 0) {
		log_error("must not be set-user-ID: every user has his rights");
		return EXIT_FAILURE;
	}
	if (!identify(&s->policy) || !read_table(s, &table))
		return EXIT_FAILURE;
	s->policy.table = table;
	if (!log_shows_debug())
		log_to_syslog();
	status = serve(s);
	rmt_table_free(table);
	return status;
}

int
main(int argc, char **argv)
{
	struct settings s = { .policy = { .types = types } };
	int status;

	log_name("pmt-rmt");
	tape_set_alarm(alarm_to_log);
	follow_no_links();
	s.allowed = calloc((size_t)argc + 1, sizeof(*s.allowed));
	if (s.allowed == NULL)
		return EXIT_FAILURE;
	s.policy.allowed = s.allowed;
	status = take_arguments(&s, argc, argv);
	if (status < 0)
		status = start(&s);
	free(s.allowed);
	return status;
}
