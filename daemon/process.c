/* SPDX-License-Identifier: BSD-2-Clause */
/* The process of a daemon; see process.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "log.h"
#include "process.h"

/*
 * The daemonizing parent: waits until the child says that all is ready, or has
 * died, and exits with its status.
 */
static _Noreturn void
wait_for_child(int fd, pid_t pid)
{
	char ready;
	ssize_t n;
	int status;

	do
		n = read(fd, &ready, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(EXIT_SUCCESS);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EXIT_FAILURE);
}

bool
process_background(int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		log_error("pipe: %s", strerror(errno));
		return false;
	}
	pid = fork();
	if (pid < 0) {
		log_error("fork: %s", strerror(errno));
		return false;
	}
	if (pid > 0) {
		(void)close(fds[1]); /* so that its death is seen */
		wait_for_child(fds[0], pid);
	}
	(void)close(fds[0]); /* the parent's end */
	(void)setsid();	     /* can't fail in a child */
	*ret_fd = fds[1];
	return true;
}

void
process_ready(int parent_fd)
{
	int null;

	(void)sd_notify(0, "READY=1"); /* no systemd is fine */
	if (parent_fd < 0)
		return;
	log_to_syslog();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		(void)dup2(null, fd); /* nobody reads them any more */
	if (null > 2)
		(void)close(null);	/* it has copies */
	(void)!write(parent_fd, "", 1); /* a dead parent needs no answer */
	(void)close(parent_fd);		/* nothing is written to it */
}

int
process_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

void
process_alarm(const char *line)
{
	log_error("%s", line);
}
