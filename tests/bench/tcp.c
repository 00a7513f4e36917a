/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A remote shell as plain as can be, over TCP on the loopback, so that what the
 * network there is told to be like counts, and no cipher:
 *
 *     tcp serve FILE COMMAND [ARG...]   each connection gets such a command;
 * FILE gets the number of the port tcp to PORT                       standard
 * input and output there
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE (1 << 18) /* bytes moved at a time */

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "tcp: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
new_socket(struct sockaddr_in *address, long port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0)
		die("socket");
	return fd;
}

/* A reply of a few bytes must not wait for more to go with it. */
static void
hurry(int fd)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		die("TCP_NODELAY");
}

static int
serve(const char *file, char **command)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);
	int fd = new_socket(&address, 0);
	FILE *f;

	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    listen(fd, 5) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		die("listen");
	f = fopen(file, "w");
	if (f == NULL || fprintf(f, "%d\n", ntohs(address.sin_port)) < 0 ||
	    fclose(f) != 0)
		die(file);
	(void)signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
	for (;;) {
		int client = accept(fd, NULL, NULL);

		if (client < 0)
			die("accept");
		hurry(client);
		if (fork() == 0) {
			(void)dup2(client, 0);
			(void)dup2(client, 1);
			(void)close(client); /* there are copies */
			(void)execvp(command[0], command);
			die(command[0]);
		}
		(void)close(client); /* the child has it */
	}
}

/* Moves what there is; 0: the end. */
static int
move(int from, int to)
{
	static char buf[PIECE];
	ssize_t n = read(from, buf, sizeof(buf)), done = 0;

	while (done < n) {
		ssize_t some = write(to, buf + done, (size_t)(n - done));

		if (some < 0)
			die("write");
		done += some;
	}
	return n > 0;
}

static int
go_to(long port)
{
	struct sockaddr_in address;
	int fd = new_socket(&address, port);
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN },
		{ .fd = fd, .events = POLLIN } };

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	hurry(fd);
	for (;;) {
		if (poll(fds, 2, -1) < 0)
			die("poll");
		if (fds[1].revents != 0 && move(fd, 1) == 0)
			return 0;
		if (fds[0].revents != 0 && move(0, fd) == 0) {
			(void)shutdown(fd, SHUT_WR); /* the rest comes back */
			fds[0].fd = -1;
		}
	}
}

int
main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], argv + 3);
	if (argc == 3 && strcmp(argv[1], "to") == 0)
		return go_to(atol(argv[2]));
	fputs("usage: tcp serve FILE COMMAND [ARG...] | tcp to PORT\n", stderr);
	return 2;
}
