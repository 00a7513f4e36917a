/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pmtserve takes over from another, while clients are at work: to put a new
 * version in the place of an old one.  The old one listens on a Unix socket;
 * who connects is the new one:
 *
 *     new: says that it wants to take over
 *     old: unloads the tape between two requests, gives the pair and the place
 *     new: loads the tape, goes to the place, says that it has
 *     old: removes the socket, and ends
 *
 * If the new one dies or gives up before it says so, its end of the connection
 * closes, and the old one goes on.
 */
#ifndef PMT_PMTSERVE_HAND_H
#define PMT_PMTSERVE_HAND_H

struct pmt_pair;
struct pmtserve_hand;
struct serve;
struct spec_error;

/*
 * Listens at ${path}, which has to live as long and may hold a socket that
 * nobody listens at any more.  -EADDRINUSE: somebody does; and as bind(2).
 */
int pmtserve_hand_listen(const char *path, struct pmtserve_hand **ret_hand,
    struct spec_error *e);

/* Readable when there is somebody to take over; -1 if ${h} is NULL. */
int pmtserve_hand_fd(const struct pmtserve_hand *h);

/*
 * Does the old one's part.  Positive: it is done, and ${pair} and the tape are
 * another's; 0: they are still ours, perhaps after a message; negative: the
 * pair is ours, but the tape could not be had back, after a message.
 * -ECANCELED: ${stop_fd} has become readable; the tape may be unloaded, and the
 * pair another's: it is only to be closed.
 */
int pmtserve_hand_over(struct pmtserve_hand *h, struct pmt_pair *pair,
    struct serve *s, int stop_fd);

/* Removes the socket, and closes what there is; NULL is fine. */
void pmtserve_hand_free(struct pmtserve_hand *h);

/*
 * Does the new one's part, with the one that listens at ${path}.  Returns when
 * that one has ended, or hangs.
 */
int pmtserve_hand_take(const char *path, struct serve *s,
    struct pmt_pair **ret_pair, struct spec_error *e);

#endif
