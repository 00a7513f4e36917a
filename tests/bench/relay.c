/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a command as if it were far away: what goes to its standard input, and
 * what comes from its standard output, arrives so much later, at any speed.
 *
 *     relay MICROSECONDS COMMAND [ARG...]     one way; the round trip is twice
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECE 65536    /* bytes read at a time */
#define UNDER_WAY 4096 /* pieces on one way, at most */

struct piece {
	int64_t due; /* nanoseconds */
	size_t len, at;
	char *data;
};

struct way {
	int from, to;
	struct piece pieces[UNDER_WAY];
	size_t first, n;
	int open; /* there may be more to read */
};

static int64_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* can't fail */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
take(struct way *w, int64_t delay)
{
	struct piece *p = &w->pieces[(w->first + w->n) % UNDER_WAY];
	char *data = malloc(PIECE);
	ssize_t n;

	if (data == NULL)
		die("memory");
	n = read(w->from, data, PIECE);
	if (n <= 0) {
		free(data);
		w->open = n < 0 && (errno == EAGAIN || errno == EINTR);
		return;
	}
	*p = (struct piece){ .due = now() + delay,
		.len = (size_t)n,
		.data = data };
	w->n++;
}

/* Passes on what is due; the end, after everything. */
static void
give(struct way *w)
{
	while (w->n > 0 && w->pieces[w->first].due <= now()) {
		struct piece *p = &w->pieces[w->first];
		ssize_t n = write(w->to, p->data + p->at, p->len - p->at);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			w->open = 0;
			w->n = 0;
			break;
		}
		p->at += (size_t)n;
		if (p->at < p->len)
			return;
		free(p->data);
		w->first = (w->first + 1) % UNDER_WAY;
		w->n--;
	}
	if (!w->open && w->n == 0 && w->to >= 0) {
		(void)close(w->to); /* everything was passed on */
		w->to = -1;
	}
}

/* Until something can be read, written, or is due. */
static void
wait_for(struct way *ways)
{
	struct pollfd fds[4];
	struct timespec t;
	int64_t next = INT64_MAX;
	int64_t clock = now();
	nfds_t n = 0;

	for (int i = 0; i < 2; i++) {
		struct way *w = &ways[i];

		if (w->open && w->n < UNDER_WAY)
			fds[n++] =
			    (struct pollfd){ .fd = w->from, .events = POLLIN };
		if (w->n == 0)
			continue;
		if (w->pieces[w->first].due <= clock)
			fds[n++] =
			    (struct pollfd){ .fd = w->to, .events = POLLOUT };
		else if (w->pieces[w->first].due < next)
			next = w->pieces[w->first].due;
	}
	next = next == INT64_MAX ? 1000000000 : next - clock;
	t = (struct timespec){ .tv_sec = next / 1000000000,
		.tv_nsec = next % 1000000000 };
	if (n > 0 || ways[0].n + ways[1].n > 0)
		(void)ppoll(fds, n, &t, NULL); /* what is there shows */
	for (int i = 0; i < 2; i++)
		for (nfds_t k = 0; k < n; k++)
			if (fds[k].fd == ways[i].from && fds[k].revents != 0 &&
			    fds[k].events == POLLIN)
				ways[i].open |= 2; /* something to read */
}

int
main(int argc, char **argv)
{
	static struct way ways[2];
	int in[2], out[2], status = 0;
	int64_t delay;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: relay MICROSECONDS COMMAND [ARG...]\n", stderr);
		return 2;
	}
	delay = strtoll(argv[1], NULL, 10) * 1000;
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)execvp(argv[2], argv + 2);
		die(argv[2]);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)fcntl(in[1], F_SETPIPE_SZ, 1 << 20); /* less is fine */
	(void)fcntl(out[0], F_SETPIPE_SZ, 1 << 20);
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	(void)fcntl(1, F_SETFL, O_NONBLOCK);
	ways[0] = (struct way){ .from = 0, .to = in[1], .open = 1 };
	ways[1] = (struct way){ .from = out[0], .to = 1, .open = 1 };
	while (ways[1].open || ways[1].n > 0) {
		wait_for(ways);
		for (int i = 0; i < 2; i++) {
			if (ways[i].open & 2) {
				ways[i].open = 1;
				take(&ways[i], delay);
			}
			give(&ways[i]);
		}
	}
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
