/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The devices of a server: a tape node of this machine, through plain system
 * calls, or a tape spec, with the rules of st(4) over it.
 *
 * A node is what it is: whether it rewinds, who may open it and who has it is
 * the kernel's to say.
 *
 * A spec is a tape that is put in a drive when it is opened, and stands at its
 * beginning; close takes it out again, so that the next client may have it at
 * once.  Within one session a tape that is opened again stands where it stood
 * at its close, as on a node that does not rewind, unless the grant says that
 * it does.  A tape that the client has ejected is not there for the rest of the
 * session until an MTLOAD on a drive opened with O_NONBLOCK: else dump's next
 * volume would go over the one just written.
 */
#ifndef PMT_RMT_SERVER_DEVICE_H
#define PMT_RMT_SERVER_DEVICE_H

#include <stdbool.h>

#include "server.h"

struct rmt_grant;
struct rmt_places;
struct tape_type;

/* What a session remembers of the tapes it has closed; NULL: no memory. */
struct rmt_places *rmt_server_places_new(void);

/* Ends the drives that are left; NULL is fine. */
void rmt_server_places_free(struct rmt_places *places);

/*
 * Opens what was granted.  0, or a negative errno with its words in ${why};
 * -EACCES: more is asked for than the grant allows.  ${flags} as for a desk.
 */
int rmt_server_open_spec(const struct rmt_grant *grant,
    const struct tape_type *const *types, int flags, struct rmt_places *places,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX]);
int rmt_server_open_node(const struct rmt_grant *grant, int flags,
    struct rmt_device **ret_device, char why[RMT_WHY_MAX]);

/* Whether a read-only grant covers that op of MTIOCTOP. */
bool rmt_server_op_only_moves(int mt_op);

#endif
