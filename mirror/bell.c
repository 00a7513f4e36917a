/* SPDX-License-Identifier: BSD-2-Clause */
/* Bells, with futexes; see bell.h. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bell.h"

void
bell_init(struct bell *bell)
{
	atomic_init(&bell->rung, 0);
	atomic_init(&bell->muffled, 0);
	atomic_init(&bell->sleepers, 0);
}

static long
futex(struct bell *bell, int op, uint32_t value,
    const struct timespec *deadline)
{
	return syscall(SYS_futex, &bell->rung, op | FUTEX_PRIVATE_FLAG, value,
	    deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

/* Whether this ring is not to be heard yet. */
static bool
is_muffled(struct bell *bell)
{
	uint32_t left = atomic_load(&bell->muffled);

	while (left > 0 &&
	    !atomic_compare_exchange_weak(&bell->muffled, &left, left - 1))
		continue;
	return left > 0;
}

/*
 * Either the sleeper sees that it was rung, or the ringer sees that there is a
 * sleeper: each writes before it reads.
 */
void
bell_ring(struct bell *bell)
{
	bool muffled = is_muffled(bell);

	(void)atomic_fetch_add(&bell->rung, 1); /* who looks sees it */
	if (!muffled && atomic_load(&bell->sleepers) > 0)
		(void)futex(bell, FUTEX_WAKE_BITSET, INT_MAX, NULL);
}

void
bell_muffle(struct bell *bell, uint32_t n)
{
	atomic_store(&bell->muffled, n > 0 ? n - 1 : 0);
}

uint32_t
bell_look(struct bell *bell)
{
	return atomic_load(&bell->rung);
}

bool
bell_wait(struct bell *bell, uint32_t seen, const struct timespec *deadline)
{
	long r;
	int err;

	(void)atomic_fetch_add(&bell->sleepers, 1); /* see bell_ring() */
	r = futex(bell, FUTEX_WAIT_BITSET, seen, deadline);
	err = errno;
	(void)atomic_fetch_sub(&bell->sleepers, 1);
	return r == 0 || err != ETIMEDOUT;
}
