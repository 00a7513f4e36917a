/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmtserve: any tape behind a slave end.  Owns the command line, the kinds of
 * tape there are, signals and the end; the work is done in pmtserve_loop.c.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <pmt/pair.h>

#include "arguments.h"
#include "client.h"
#include "fault.h"
#include "file.h"
#include "log.h"
#include "mirror.h"
#include "null.h"
#include "pidfile.h"
#include "pmtserve_hand.h"
#include "pmtserve_loop.h"
#include "process.h"
#include "serve.h"
#include "spec.h"
#include "st.h"
#include "tape.h"

#define WAIT_MS 200 /* between two looks whether the slave end is free */

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
	bool foreground, wait;
	const char *pidfile;   /* NULL: none */
	const char *handover;  /* NULL: to nobody */
	const char *take_over; /* NULL: from nobody, ${node} is opened */
	const char *node, *spec;
};

/* What there is while pmtserve runs. */
struct setup {
	struct pidfile *pidfile;
	struct tape *tape;
	struct serve *serve;
	struct pmt_pair *pair;
	struct pmtserve_hand *hand;
	int signal_fd;
};

enum long_option {
	OPT_WAIT = ARGUMENTS_OWN,
	OPT_HANDOVER,
	OPT_TAKE_OVER,
	OPT_FOREGROUND,
	OPT_PIDFILE,
};

static const struct option long_options[] = {
	{ "wait", no_argument, NULL, OPT_WAIT },
	{ "handover", required_argument, NULL, OPT_HANDOVER },
	{ "take-over", required_argument, NULL, OPT_TAKE_OVER },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "pidfile", required_argument, NULL, OPT_PIDFILE },
	ARGUMENTS_COMMON,
};

static const char help_text[] =
    "usage: pmtserve [OPTION...] NODE SPEC\n"
    "       pmtserve [OPTION...] --take-over PATH SPEC\n"
    "\n"
    "Is the tape SPEC at the slave end NODE of a pmtd with the tape pair:, a\n"
    "device node such as /dev/pmts or a socket.\n"
    "\n"
    "  --wait            until NODE is there, and no other program the tape\n"
    "  --handover PATH   another pmtserve may take over at the socket PATH\n"
    "  --take-over PATH  take over from the pmtserve that listens there\n"
    "  --foreground      do not become a daemon; messages go to standard "
    "error\n"
    "  --pidfile FILE    the number of the process is in FILE while it runs\n"
    "  --debug           a line for every operation of the tape\n"
    "  --help, --version\n"
    "\n"
    "SPEC is as of pmtd(8), such as file:IMAGE, mirror:{A,B...}, st:/dev/nst0 "
    "and\n"
    "rmt:HOST:DEVICE.  See pmtserve(1).\n";

/* ---- Arguments ----------------------------------------------------------- */

/* One option; -1 to go on, else the exit status. */
static int
take_option(void *settings, int option, const char *arg)
{
	struct settings *s = settings;

	switch (option) {
	case OPT_WAIT:
		s->wait = true;
		return -1;
	case OPT_HANDOVER:
		s->handover = arg;
		return -1;
	case OPT_TAKE_OVER:
		s->take_over = arg;
		return -1;
	case OPT_FOREGROUND:
		s->foreground = true;
		return -1;
	case OPT_PIDFILE:
		s->pidfile = arg;
		return -1;
	default:
		abort(); /* no option has such a value */
	}
}

/* -1 to go on, else the exit status. */
static int
take_names(struct settings *s, int n, char **names)
{
	int wanted = s->take_over == NULL ? 2 : 1;

	if (n != wanted) {
		log_error("%s; try pmtserve --help",
		    s->take_over != NULL ? "with --take-over, a tape and no "
					   "more is named"
			: n < wanted	 ? "a node and a tape have to be named"
					 : "one node and one tape only");
		return EXIT_USAGE;
	}
	if (s->wait && s->take_over != NULL) {
		log_error("--wait and --take-over exclude each other");
		return EXIT_USAGE;
	}
	s->node = s->take_over == NULL ? names[0] : NULL;
	s->spec = names[n - 1];
	return -1;
}

static int
take_arguments(struct settings *s, int argc, char **argv)
{
	const struct arguments all = { .program = "pmtserve",
		.help = help_text,
		.options = long_options,
		.take = take_option };
	int status = arguments_take(&all, s, argc, argv);

	if (status >= 0)
		return status;
	return take_names(s, argc - optind, argv + optind);
}

/* ---- The start ----------------------------------------------------------- */

/* The tape that the spec names, unloaded; the exit status if not 0. */
static int
open_tape(struct setup *setup, const char *text)
{
	struct spec_error e;
	struct spec *spec;
	int r = spec_parse(text, types, &spec, &e);

	if (r < 0) {
		log_error("%s", e.text);
		return EXIT_USAGE;
	}
	r = spec_open(spec, &setup->tape, &e);
	spec_free(spec);
	if (r < 0) {
		log_error("%s", e.text);
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	}
	setup->serve = serve_new(setup->tape);
	if (setup->serve != NULL)
		return 0;
	log_error("out of memory");
	return EXIT_FAILURE;
}

/* What goes with us when a signal comes before there is a pair. */
static const struct pidfile *claimed;

/* Nothing is written yet, and whom we wait for may never answer. */
static void
give_up(int signal_number)
{
	(void)signal_number;
	pidfile_remove(claimed);
	_exit(EXIT_FAILURE);
}

/* Signals that ask for the end get it at once, or are for ${signal_fd}. */
static void
heed_signals(const struct setup *setup, bool at_once)
{
	const struct sigaction end = { .sa_handler = give_up };
	sigset_t set;

	claimed = setup->pidfile;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaction(SIGTERM, &end, NULL); /* can't fail */
	(void)sigaction(SIGINT, &end, NULL);  /* likewise */
	(void)pthread_sigmask(at_once ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

/* What may be otherwise soon. */
static bool
is_worth_waiting(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED || r == -EBUSY ||
	    r == -ENODEV || r == -ENXIO || r == -EACCES || r == -ETIMEDOUT;
}

/* Takes the slave end; false after a message. */
static bool
open_pair(struct setup *setup, const struct settings *s)
{
	int r = pmt_pair_open(s->node, &setup->pair);

	while (r < 0 && s->wait && is_worth_waiting(r)) {
		(void)poll(NULL, 0, WAIT_MS); /* or until a signal */
		r = pmt_pair_open(s->node, &setup->pair);
	}
	if (r < 0)
		log_error("%s: %s", s->node,
		    r == -EBUSY ? "another program is the tape" : strerror(-r));
	return r == 0;
}

static bool
claim_pidfile(struct setup *setup, const char *path)
{
	struct spec_error e;

	if (path == NULL || pidfile_claim(path, &setup->pidfile, &e) == 0)
		return true;
	log_error("%s", e.text);
	return false;
}

static bool
take_over(struct setup *setup, const struct settings *s)
{
	struct spec_error e;

	if (pmtserve_hand_take(s->take_over, setup->serve, &setup->pair, &e) <
	    0) {
		log_error("%s", e.text);
		return false;
	}
	/* Only now the one before us has let its pidfile go. */
	(void)claim_pidfile(setup, s->pidfile); /* it said so; we serve */
	return true;
}

static bool
get_pair(struct setup *setup, const struct settings *s)
{
	struct spec_error e;
	bool have;

	heed_signals(setup, true);
	have = s->take_over != NULL ? take_over(setup, s) : open_pair(setup, s);
	heed_signals(setup, false);
	if (!have)
		return false;
	if (setup->pidfile != NULL && pidfile_write(setup->pidfile, &e) < 0) {
		log_error("%s", e.text);
		return s->take_over != NULL;
	}
	if (s->handover != NULL &&
	    pmtserve_hand_listen(s->handover, &setup->hand, &e) < 0) {
		log_error("%s", e.text);
		return s->take_over != NULL;
	}
	return true;
}

/* ---- Serving ------------------------------------------------------------- */

/* One signal; the second that asks for the end gets it at once. */
static void
answer_signal(struct pmtserve_loop *l, int signal_fd, bool *stopping)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		if (!pmtserve_loop_report(l))
			log_info("an operation is under way; the report "
				 "follows it");
		return;
	}
	if (*stopping) {
		log_error("the tape hangs; it is left as it is");
		_exit(EXIT_FAILURE);
	}
	*stopping = true;
	(void)sd_notify(0, "STOPPING=1"); /* no systemd is fine */
	pmtserve_loop_stop(l);
}

static void
wait_for_end(struct pmtserve_loop *l, int signal_fd)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = pmtserve_loop_ended_fd(l), .events = POLLIN },
	};
	bool stopping = false;

	do {
		while (poll(fds, 2, -1) < 0 && errno == EINTR)
			continue;
		if (fds[0].revents != 0)
			answer_signal(l, signal_fd, &stopping);
	} while (fds[1].revents == 0);
}

/* The exit status. */
static int
finish(struct setup *setup, enum pmtserve_end end)
{
	int status = end == PMTSERVE_STOPPED || end == PMTSERVE_HANDED_OVER
	    ? EXIT_SUCCESS
	    : EXIT_FAILURE;

	if (tape_unload(setup->tape) < 0) {
		log_error("at the end: %s", tape_why(setup->tape));
		status = EXIT_FAILURE;
	}
	if (end == PMTSERVE_GONE)
		log_error("pmtd has ended, or has thrown this tape out, which "
			  "its own messages tell");
	return status;
}

static int
serve(struct setup *setup, int parent_fd)
{
	const struct pmtserve_parts parts = { .pair = setup->pair,
		.tape = setup->tape,
		.serve = setup->serve,
		.hand = setup->hand };
	struct pmtserve_loop *l;
	int r = pmtserve_loop_start(&parts, &l);

	if (r < 0) {
		log_error("can't begin: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	process_ready(parent_fd);
	wait_for_end(l, setup->signal_fd);
	return finish(setup, pmtserve_loop_join(l));
}

/*
 * The tape is durable before the drive learns that it is gone, and a successor
 * waits for the very last.
 */
static void
free_setup(struct setup *setup)
{
	serve_free(setup->serve);
	tape_free(setup->tape);
	pmt_pair_close(setup->pair);
	pmtserve_hand_free(setup->hand);
	pidfile_remove(setup->pidfile);
	pidfile_free(setup->pidfile);
}

/* All that pmtserve does, in the process that stays. */
static int
run(struct setup *setup, const struct settings *s, int parent_fd)
{
	int status;

	setup->signal_fd = process_signals();
	if (setup->signal_fd < 0) {
		log_error("signalfd: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	status = open_tape(setup, s->spec);
	if (status != 0)
		return status;
	if (!get_pair(setup, s))
		return EXIT_FAILURE;
	return serve(setup, parent_fd);
}

int
main(int argc, char **argv)
{
	struct settings s = { .node = NULL };
	struct setup setup = { .tape = NULL };
	int parent_fd = -1;
	int status;

	log_name("pmtserve");
	tape_set_alarm(process_alarm);
	status = take_arguments(&s, argc, argv);
	if (status >= 0)
		return status;
	if (s.take_over == NULL && !claim_pidfile(&setup, s.pidfile))
		return EXIT_FAILURE;
	status = EXIT_FAILURE;
	if (s.foreground || process_background(&parent_fd))
		status = run(&setup, &s, parent_fd);
	free_setup(&setup);
	return status;
}
