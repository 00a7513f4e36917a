/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process of a daemon: going into the background, saying that all is ready,
 * signals as something to poll for.  What pmtd and pmtserve have in common;
 * only the main file of a program uses it.
 */
#ifndef PMT_PROCESS_H
#define PMT_PROCESS_H

#include <stdbool.h>

/*
 * Forks, and returns in the child.  The parent ends when the child has called
 * process_ready(), or with its status.  ${ret_fd}: for process_ready().  False:
 * after a message.
 */
bool process_background(int *ret_fd);

/*
 * Everything is there: tells whoever waits for it, systemd, and the parent if
 * ${parent_fd} is not -1; then messages go to syslog.
 */
void process_ready(int parent_fd);

/*
 * From here on no signal interrupts anything: SIGTERM, SIGINT and SIGUSR1 are
 * read from the result, a signalfd; a pipe without a reader is an errno, and so
 * is a file that is too large.  -1: errno says why.  Before the first thread.
 */
int process_signals(void);

/* For tape_set_alarm(): what tapes have to say though nothing fails. */
void process_alarm(const char *line);

#endif
