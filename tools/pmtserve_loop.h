/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of pmtserve that has the tape: answers requests one by one, and
 * does what it is told between two of them.  So a signal is seen however long
 * an operation takes.
 */
#ifndef PMT_PMTSERVE_LOOP_H
#define PMT_PMTSERVE_LOOP_H

#include <stdbool.h>

struct pmt_pair;
struct pmtserve_hand;
struct serve;
struct tape;

enum pmtserve_end {
	PMTSERVE_STOPPED,     /* as it was told */
	PMTSERVE_GONE,	      /* the other end is no more */
	PMTSERVE_HANDED_OVER, /* another process is the tape */
	PMTSERVE_FAILED,      /* after a message */
};

/* What the thread works with; all of it has to live until the join. */
struct pmtserve_parts {
	struct pmt_pair *pair;
	struct tape *tape;
	struct serve *serve;	    /* of that tape */
	struct pmtserve_hand *hand; /* NULL: it hands over to nobody */
};

struct pmtserve_loop;

/* Starts the thread.  -errno. */
int pmtserve_loop_start(const struct pmtserve_parts *parts,
    struct pmtserve_loop **ret_loop);

/* Readable when the thread has ended. */
int pmtserve_loop_ended_fd(const struct pmtserve_loop *l);

/* It ends after the request that it is at. */
void pmtserve_loop_stop(struct pmtserve_loop *l);

/* It logs how the tape is, soon; false: after the request that it is at. */
bool pmtserve_loop_report(struct pmtserve_loop *l);

/* Waits for the end, and frees it. */
enum pmtserve_end pmtserve_loop_join(struct pmtserve_loop *l);

#endif
