/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGINT, SIGTERM and SIGHUP ask a command to stop at the next record; a second
 * one ends it at once, which leaves whole records on the tape, too.
 */
#ifndef PMT_PMTIMG_STOP_H
#define PMT_PMTIMG_STOP_H

#include <stdbool.h>

void pmtimg_stop_arm(void);

/* The signal that came, or 0. */
int pmtimg_stop_signal(void);

/* "SIGINT" */
const char *pmtimg_stop_name(void);

/* Whether a signal also ends a read(2) that is waiting. */
void pmtimg_stop_interrupts(bool on);

#endif
