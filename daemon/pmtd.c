/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtd: holds the nodes and the drive; the argument names the tape.  This file
 * knows all parts and puts them together: options, the kinds of tape there are,
 * becoming a daemon, and what happens between SIGTERM and the end.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "client.h"
#include "drive.h"
#include "fault.h"
#include "file.h"
#include "log.h"
#include "mirror.h"
#include "nodes.h"
#include "null.h"
#include "pair.h"
#include "pidfile.h"
#include "port.h"
#include "process.h"
#include "spec.h"
#include "st.h"

/*
 * After a signal: what the operation in flight gets to end by itself, and when
 * the process is gone whatever hangs, milliseconds.
 */
#define STOP_MS 1200
#define SLAVE_MS 1000 /* what a slave gets for all that is left to ask him */
#define DEATH_MS 1800

static const struct tape_type *const types[] = {
	&file_tape_type,
	&null_tape_type,
	&fault_tape_type,
	&st_tape_type,
	&mirror_tape_type,
	&rmt_tape_type,
	&pair_tape_type,
	NULL,
};

struct settings {
	struct nodes_config nodes;
	bool foreground;
	const char *pidfile; /* NULL: none */
	const char *spec;
};

/* What there is while pmtd runs, and what it takes to undo a start. */
struct setup {
	struct spec *spec;
	struct tape *tape; /* the drive's, once there is one */
	struct drive *drive;
	/* Images, of the spec, that were not there before the tape was. */
	const char **missing;
	size_t n_missing;
};

static struct pidfile *pidfile; /* NULL: none; for die(), too */

/* The tape's port, for the thread that ends us; NULL: it has none, or is gone.
 */
static struct {
	pthread_mutex_t lock;
	struct port *port;
} late = { .lock = PTHREAD_MUTEX_INITIALIZER };

enum long_option {
	OPT_NAME = ARGUMENTS_OWN,
	OPT_FUSE,
	OPT_FOREGROUND,
	OPT_PIDFILE,
	OPT_MODE,
	OPT_MODES,
	OPT_NO_SLAVE,
	OPT_OWNER,
	OPT_GROUP,
};

static const struct option long_options[] = {
	{ "name", required_argument, NULL, OPT_NAME },
	{ "fuse", required_argument, NULL, OPT_FUSE },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "pidfile", required_argument, NULL, OPT_PIDFILE },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "modes", no_argument, NULL, OPT_MODES },
	{ "no-slave", required_argument, NULL, OPT_NO_SLAVE },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "group", required_argument, NULL, OPT_GROUP },
	ARGUMENTS_COMMON,
};

static const char help_text[] =
    "usage: pmtd [OPTION...] SPEC\n"
    "\n"
    "Offers the tape SPEC as a tape drive: /dev/pmt, which rewinds on close, "
    "and\n"
    "/dev/npmt, which does not.\n"
    "\n"
    "  --name NAME    the nodes are /dev/NAME and /dev/nNAME (default pmt)\n"
    "  --fuse DIR     no device nodes, but files DIR/NAME and DIR/nNAME\n"
    "  --modes        also NAMEl, NAMEm and NAMEa: the other modes of the "
    "drive\n"
    "  --no-slave=wait|fail  what an open does while pair: has no slave\n"
    "  --mode MODE    of the nodes, octal (default 0660)\n"
    "  --owner USER   of the nodes (default root)\n"
    "  --group GROUP  of the nodes (default tape)\n"
    "  --foreground   do not become a daemon; messages go to standard error\n"
    "  --pidfile FILE the number of the process is in FILE while it runs\n"
    "  --debug        a line for every operation of the tape\n"
    "  --help, --version\n"
    "\n"
    "SPEC is TYPE:ARG[,KEY=VALUE...]:\n"
    "  file:IMAGE        a tape image, made if there is none; with "
    "capacity=SIZE,\n"
    "                    compress=zstd, key=FILE, format=NAME and more\n"
    "  mirror:{A,B...}   one tape on several, which end together\n"
    "  st:/dev/nst0      a tape drive of this machine\n"
    "  rmt:HOST:DEVICE   a tape drive of another host\n"
    "  pair:[SOCKET]     whatever program opens /dev/NAMEs, or connects\n"
    "  null:             takes everything and keeps nothing\n"
    "  fault:{SPEC},do=  fails on purpose, by a script\n"
    "See pmtd(8).\n";

static bool
parse_mode(const char *text, mode_t *ret_mode)
{
	char *end;
	unsigned long m = strtoul(text, &end, 8);

	if (end == text || *end != '\0' || m > 0777)
		return false;
	*ret_mode = (mode_t)m;
	return true;
}

/* A name, or a number that no name has. */
static bool
find_user(const char *text, uid_t *ret_uid)
{
	const struct passwd *pw = getpwnam(text);
	char *end;
	unsigned long n;

	if (pw != NULL) {
		*ret_uid = pw->pw_uid;
		return true;
	}
	n = strtoul(text, &end, 10);
	*ret_uid = (uid_t)n;
	return end != text && *end == '\0' && n < UINT32_MAX;
}

static bool
find_group(const char *text, gid_t *ret_gid)
{
	const struct group *gr = getgrnam(text);
	char *end;
	unsigned long n;

	if (gr != NULL) {
		*ret_gid = gr->gr_gid;
		return true;
	}
	n = strtoul(text, &end, 10);
	*ret_gid = (gid_t)n;
	return end != text && *end == '\0' && n < UINT32_MAX;
}

/* One option; -1 to go on, else the exit status. */
static int
take_option(void *settings, int option, const char *arg)
{
	struct settings *s = settings;

	switch (option) {
	case OPT_NAME:
		s->nodes.name = arg;
		return -1;
	case OPT_FUSE:
		s->nodes.fuse_dir = arg;
		return -1;
	case OPT_MODES:
		s->nodes.modes = true;
		return -1;
	case OPT_FOREGROUND:
		s->foreground = true;
		return -1;
	case OPT_PIDFILE:
		s->pidfile = arg;
		return -1;
	case OPT_NO_SLAVE:
		s->nodes.wait_for_slave = strcmp(arg, "wait") == 0;
		if (s->nodes.wait_for_slave || strcmp(arg, "fail") == 0)
			return -1;
		log_error("--no-slave %s: neither wait nor fail", arg);
		return EXIT_USAGE;
	case OPT_MODE:
		if (parse_mode(arg, &s->nodes.mode))
			return -1;
		log_error("--mode %s: not an octal mode up to 0777", arg);
		return EXIT_USAGE;
	case OPT_OWNER:
		if (find_user(arg, &s->nodes.uid))
			return -1;
		log_error("--owner %s: no such user", arg);
		return EXIT_USAGE;
	case OPT_GROUP:
		if (find_group(arg, &s->nodes.gid))
			return -1;
		log_error("--group %s: no such group", arg);
		return EXIT_USAGE;
	default:
		abort(); /* no option has such a value */
	}
}

/* -1 to go on, else the exit status. */
static int
take_arguments(struct settings *s, int argc, char **argv)
{
	const struct arguments all = { .program = "pmtd",
		.help = help_text,
		.options = long_options,
		.take = take_option };
	int status = arguments_take(&all, s, argc, argv);

	if (status >= 0)
		return status;
	if (optind == argc) {
		log_error("no tape named; try pmtd --help");
		return EXIT_USAGE;
	}
	if (optind + 1 < argc) {
		log_error("one tape only, not %s too; try pmtd --help",
		    argv[optind + 1]);
		return EXIT_USAGE;
	}
	s->spec = argv[optind];
	return -1;
}

/* Nothing has been touched yet: EINVAL is what the user has typed. */
static int
status_of(int r)
{
	return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
}

/* Notes which images of the spec are missing, and so will be made. */
static void
note_missing(struct setup *setup, const struct spec *spec)
{
	const char **grown;

	for (size_t i = 0; i < spec->n_children; i++)
		note_missing(setup, spec->children[i]);
	if (spec->type != &file_tape_type || access(spec->arg, F_OK) == 0 ||
	    errno != ENOENT)
		return;
	grown =
	    reallocarray(setup->missing, setup->n_missing + 1, sizeof(*grown));
	if (grown == NULL)
		return; /* then it stays, blank */
	setup->missing = grown;
	grown[setup->n_missing++] = spec->arg;
}

/*
 * After a start that failed: takes away the images that it made, for nobody
 * can have written to them.  They are locked, so they are ours; but should
 * somebody have put data there just before us, the tape is not blank.
 */
static void
remove_made(struct setup *setup)
{
	enum tape_cond cond;
	char byte, *path;
	size_t len;

	if (setup->drive == NULL || setup->n_missing == 0 ||
	    tape_rewind(setup->tape) < 0 ||
	    tape_read(setup->tape, &byte, sizeof(byte), &len, &cond) < 0 ||
	    cond != TAPE_EOD)
		return;
	for (size_t i = 0; i < setup->n_missing; i++) {
		path = realpath(setup->missing[i], NULL); /* no links */
		if (path != NULL && unlink(path) < 0)
			log_warning("%s: can't be removed: %s", path,
			    strerror(errno));
		free(path);
	}
}

/* A slave end without a socket is a node, which the drive has for its tape. */
static bool
pair_is_nested(const struct spec *spec, bool nested)
{
	if (nested && spec->type == &pair_tape_type && spec->arg[0] == '\0') {
		log_error("at %zu: a pair: inside of another tape has no node; "
			  "name a socket for it, pair:PATH",
		    spec->at);
		return true;
	}
	for (size_t i = 0; i < spec->n_children; i++)
		if (pair_is_nested(spec->children[i], true))
			return true;
	return false;
}

static bool
has_pair(const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_children; i++)
		if (has_pair(spec->children[i]))
			return true;
	return spec->type == &pair_tape_type;
}

/*
 * Loads the tape, without which there is no drive; but that of a pair comes
 * with the slave, who can't be there before us.
 */
static int
load_first(const struct setup *setup)
{
	int r = tape_load(setup->tape);

	if (pair_port(setup->tape) != NULL)
		return 0;
	return r == -ENOMEDIUM && has_pair(setup->spec) ? 0 : r;
}

/* The drive over the tape that the spec names; the exit status if not 0. */
static int
open_drive(struct setup *setup, const char *text)
{
	struct spec_error e;
	int r;

	r = spec_parse(text, types, &setup->spec, &e);
	if (r < 0) {
		log_error("%s", e.text);
		return EXIT_USAGE;
	}
	if (pair_is_nested(setup->spec, false))
		return EXIT_USAGE;
	r = spec_open(setup->spec, &setup->tape, &e);
	if (r < 0) {
		log_error("%s", e.text);
		return status_of(r);
	}
	note_missing(setup, setup->spec);
	r = load_first(setup);
	if (r == 0)
		setup->drive = drive_new(setup->tape);
	if (setup->drive != NULL)
		return 0;
	log_error("%s: %s", text, r < 0 ? tape_why(setup->tape) : "no memory");
	return EXIT_FAILURE;
}

static void
free_setup(struct setup *setup)
{
	if (setup->drive != NULL)
		drive_free(setup->drive);
	else
		tape_free(setup->tape);
	spec_free(setup->spec);
	free(setup->missing);
}

/* Ends at once, with the tape in the middle of something. */
static _Noreturn void
die(const char *what)
{
	log_error("the tape hangs; %s is lost", what);
	pidfile_remove(pidfile);
	_exit(EXIT_FAILURE);
}

static void
sleep_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

/* The thread that sees to it that the process ends, whatever hangs. */
static void *
end_late(void *unused)
{
	sleep_ms(SLAVE_MS);
	pthread_mutex_lock(&late.lock);
	if (late.port != NULL)
		port_cut(late.port, "he does not answer, and this is the end");
	pthread_mutex_unlock(&late.lock);
	sleep_ms(DEATH_MS - SLAVE_MS);
	die("what close would have written");
	return unused;
}

static void
set_late_port(struct port *port)
{
	pthread_mutex_lock(&late.lock);
	late.port = port;
	pthread_mutex_unlock(&late.lock);
}

static void
arm_death(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, end_late, NULL) != 0)
		log_warning("no thread to end a tape that hangs");
}

static void
line_to_log(void *arg, const char *text)
{
	(void)arg; /* there is one log */
	log_info("%s", text);
}

static const struct tape_listener log_listener = { .line = line_to_log };

/* What SIGUSR1 asks for, between two operations. */
static void
report(void *tape)
{
	tape_report(tape, &log_listener);
}

/* Whether the signal that has come was no end, but asked for a report. */
static bool
answer_signal(struct tape *t, struct nodes *n, int signal_fd)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info) ||
	    info.ssi_signo != SIGUSR1)
		return false;
	if (nodes_call(n, report, t))
		return true;
	log_info("an operation is under way; the report follows it");
	if (pair_port(t) != NULL)
		port_report(pair_port(t), &log_listener);
	return true;
}

/* Until a signal says so, or the nodes are taken away from outside. */
static void
wait_for_end(struct tape *t, struct nodes *n, int signal_fd)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = nodes_ended_fd(n), .events = POLLIN },
	};

	do {
		while (poll(fds, 2, -1) < 0 && errno == EINTR)
			continue;
	} while (fds[1].revents == 0 && answer_signal(t, n, signal_fd));
	if (fds[1].revents != 0)
		log_warning("the nodes were taken away");
}

/*
 * After the signal: the operation in flight, then what close would have done.
 * The exit status; does not return if the tape hangs.
 */
static int
finish(struct drive *d, struct nodes *n)
{
	int r;

	(void)sd_notify(0, "STOPPING=1"); /* no systemd is fine */
	arm_death();
	r = nodes_stop(n, STOP_MS);
	if (r < 0) {
		nodes_free(n);
		die("the operation in flight");
	}
	r = drive_shutdown(d);
	if (r < 0)
		log_error("at the end: %s", drive_why(d));
	nodes_free(n);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Makes the nodes, and says that it has; NULL after a message. */
static struct nodes *
start(struct setup *setup, const struct settings *s, int *ret_status)
{
	struct nodes_config config = s->nodes;
	struct spec_error e;
	struct nodes *n;
	int r;

	config.port = pair_port(setup->tape);
	r = nodes_start(setup->drive, &config, &n, &e);

	*ret_status = status_of(r);
	if (r == 0 && pidfile != NULL) {
		r = pidfile_write(pidfile, &e);
		*ret_status = EXIT_FAILURE;
		if (r < 0)
			(void)nodes_stop(n, STOP_MS); /* they are idle */
		if (r < 0)
			nodes_free(n);
	}
	if (r == 0)
		return n;
	log_error("%s", e.text);
	return NULL;
}

/* Serves until the end; the exit status. */
static int
serve(struct setup *setup, const struct settings *s, int signal_fd,
    int parent_fd)
{
	struct nodes *n;
	int status;

	n = start(setup, s, &status);
	if (n == NULL) {
		remove_made(setup);
		return status;
	}
	process_ready(parent_fd);
	wait_for_end(setup->tape, n, signal_fd);
	set_late_port(pair_port(setup->tape));
	status = finish(setup->drive, n);
	set_late_port(NULL); /* it goes with the tape */
	return status;
}

/*
 * All that pmtd does, in the process that stays: a tape may have threads, which
 * a fork would lose, and these have to find the signals blocked.
 */
static int
run(const struct settings *s, int parent_fd)
{
	struct setup setup = { .drive = NULL };
	int signal_fd = process_signals();
	int status = EXIT_FAILURE;

	if (signal_fd < 0) {
		log_error("signalfd: %s", strerror(errno));
		return status;
	}
	status = open_drive(&setup, s->spec);
	if (status == 0)
		status = serve(&setup, s, signal_fd, parent_fd);
	free_setup(&setup);
	(void)close(signal_fd); /* it holds nothing */
	return status;
}

static bool
claim_pidfile(const char *path)
{
	struct spec_error e;

	if (path == NULL || pidfile_claim(path, &pidfile, &e) == 0)
		return true;
	log_error("%s", e.text);
	return false;
}

int
main(int argc, char **argv)
{
	struct settings s = { .nodes = { .name = "pmt",
				  .mode = NODES_DEFAULT_MODE,
				  .uid = NODES_DEFAULT_UID,
				  .gid = NODES_DEFAULT_GID,
				  .wait_for_slave = true } };
	int parent_fd = -1;
	int status;

	log_name("pmtd");
	tape_set_alarm(process_alarm);
	status = take_arguments(&s, argc, argv);
	if (status >= 0)
		return status;
	if (!claim_pidfile(s.pidfile))
		return EXIT_FAILURE;
	status = EXIT_FAILURE;
	if (s.foreground || process_background(&parent_fd))
		status = run(&s, parent_fd);
	pidfile_remove(pidfile);
	pidfile_free(pidfile);
	return status;
}
