/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the rmt tape share: a drive of ours over FUSE, which real
 * servers take for a tape drive, and a remote shell that goes nowhere: it runs
 * the server here, and leaves its process number where the test finds it.
 */
#ifndef PMT_TESTS_RMT_STAND_H
#define PMT_TESTS_RMT_STAND_H

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tapes.h"

#define STAND_START_MS 10000 /* until the nodes have to be there */

struct stand {
	const char *dir;
	char node[300];
	char rsh[300];
	pid_t pmtd;
};

static const char *const real_servers[] = { "/usr/sbin/rmt-tar",
	"/usr/sbin/rmt-dump" };

static inline void
stand_pause(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	(void)nanosleep(&t, NULL); /* shorter is fine */
}

static inline void
stand_write_file(const char *dir, const char *name, const char *text, int mode)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 ||
	    chmod(path, (mode_t)mode) < 0)
		tap_bail("%s: %s", path, strerror(errno));
}

static inline void
stand_allow(const struct stand *s, bool allowed)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/closed", s->dir);
	if (allowed)
		(void)unlink(path); /* it may not be there */
	else
		stand_write_file(s->dir, "closed", "", 0600);
}

/* A tape with one record of 1000 bytes, for one that will be protected. */
static inline void
stand_make_image(const char *dir, const char *name)
{
	uint8_t buf[1000];
	enum tape_cond cond;
	struct tape *t = load_tape(spec_in(dir, name));

	fill_record(buf, sizeof(buf), 1);
	if (tape_write(t, buf, sizeof(buf), &cond) < 0)
		tap_bail("%s: %s", name, tape_why(t));
	tape_free(t);
}

/* ${image}: the file and options of its tape, in the scratch directory. */
static inline void
stand_start(struct stand *s, const char *image)
{
	const char *build = getenv("BUILD");
	char program[512], dev[290], spec[512], script[700];

	s->dir = make_scratch();
	(void)snprintf(program, sizeof(program), "%s/pmtd",
	    build == NULL ? "build" : build);
	(void)snprintf(dev, sizeof(dev), "%s/dev", s->dir);
	(void)snprintf(s->node, sizeof(s->node), "%s/npmt", dev);
	(void)snprintf(s->rsh, sizeof(s->rsh), "%s/rsh", s->dir);
	(void)snprintf(spec, sizeof(spec), "file:%s/%s", s->dir, image);
	(void)snprintf(script, sizeof(script),
	    "#!/bin/sh\n"
	    "if [ -e %s/closed ]; then echo no route to host >&2; exit 1; fi\n"
	    "shift\n"
	    "echo $$ >%s/server\n"
	    "exec \"$@\"\n",
	    s->dir, s->dir);
	stand_write_file(s->dir, "rsh", script, 0700);
	if (strcmp(image, "protected.tap,readonly=yes") == 0)
		stand_make_image(s->dir, "protected.tap");
	if (mkdir(dev, 0700) < 0)
		tap_bail("%s: %s", dev, strerror(errno));
	(void)fflush(stdout);
	s->pmtd = fork();
	if (s->pmtd == 0) {
		int log = open(path_in(s->dir, "log"),
		    O_WRONLY | O_CREAT | O_APPEND, 0600);

		(void)dup2(log, 2); /* it tells of every EOD */
		(void)execl(program, program, "--foreground", "--fuse", dev,
		    spec, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < STAND_START_MS / 5; i++) {
		if (access(s->node, F_OK) == 0)
			return;
		if (waitpid(s->pmtd, NULL, WNOHANG) != 0)
			break;
		stand_pause(5000);
	}
	tap_bail("%s does not start", program);
}

static inline void
stand_stop(struct stand *s)
{
	char dev[290];
	int status = -1;

	(void)kill(s->pmtd, SIGTERM); /* it is ours, and not reaped */
	(void)waitpid(s->pmtd, &status, 0);
	tap_ok(status == 0, "the drive ends well");
	(void)snprintf(dev, sizeof(dev), "%s/dev", s->dir);
	(void)rmdir(dev);
	remove_scratch(s->dir);
}

/* "rmt:here:NODE" over ${server}; until the next call. */
static inline const char *
stand_spec(const struct stand *s, const char *server, const char *options)
{
	static char text[1200];

	(void)snprintf(text, sizeof(text), "rmt:here:%s,rsh=%s,rmt=%s%s%s",
	    s->node, s->rsh, server, options[0] == '\0' ? "" : ",", options);
	return text;
}

/* Kills the server that runs now, if there is one. */
static inline void
stand_kill_server(const struct stand *s)
{
	char path[512], text[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/server", s->dir);
	f = fopen(path, "r");
	if (f == NULL)
		return;
	if (fgets(text, sizeof(text), f) != NULL && atoi(text) > 1)
		(void)kill(atoi(text), SIGKILL); /* it may have ended */
	(void)fclose(f);			 /* only read */
	(void)unlink(path);			 /* nobody is killed twice */
}

/* What is on the tape, read without the network. */
static inline bool
stand_holds(const struct stand *s, const struct model *m)
{
	char spec[400];
	struct tape *t;
	bool holds;

	(void)snprintf(spec, sizeof(spec), "st:%s", s->node);
	t = load_tape(spec);
	holds = holds_model(t, m);
	tape_free(t);
	return holds;
}

#endif
