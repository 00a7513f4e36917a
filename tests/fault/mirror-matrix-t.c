/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault matrix: what can go wrong with a leg of a mirror, what the client
 * sees, and what each leg holds afterwards, as the image alone tells.
 *
 * What the client does is written in words: a letter, what it expects, and
 * before it how often:
 *
 *     W  writes a record of 100 bytes     s  one of 40 bytes
 *     F  writes a filemark                f  one, immediate
 *     T  writes three
 *     S  syncs
 *     r  reads what was written           n  spaces over a record
 *     >  spaces over a filemark           R  rewinds
 *     U  unloads                          L  loads
 *
 *     nothing  success, without early warning
 *     !        success, with early warning
 *     *        success, with or without it
 *     E S R I  EIO, ENOSPC, EROFS, EINVAL
 *     N        ENOMEDIUM
 *     D        the end of the data (r)
 *     ?        success, with something else (r)
 *
 * At this level early warning is told on every record; that the client of the
 * drive sees ENOSPC then is the drive's, and drive-t tests it.
 *
 * After it, of each leg: "=" is healthy and holds exactly what was
 * acknowledged; "xN" is dead, and the first N objects are good, "~" is healthy,
 * but holds something else.
 */
#include "mirror_state.h"
#include "tapes.h"

#define ROWS 61
#define AT_ONCE 16 /* rows; they wait for legs that stand still */

struct row {
	int number;
	bool more; /* another case of a row */
	const char *words;
	const char *a, *b; /* options of the image, ";" and rules */
	const char *options;
	const char *client, *after;
	const char *elsewhere; /* why not here, and where */
};

#define RING ",ack=ring,ring=64K"

#define LAB_ST "needs the sense data of a drive: real/matrix.t, in the lab"

static const struct row rows[] = {
	{ .number = 1,
	    .words = "A meets early warning at k, B is far from its end",
	    .a = "objects=12,warn_objects=6",
	    .client = "6W W! W! F!",
	    .after = "= =" },
	{ .number = 2,
	    .words = "B meets early warning first",
	    .b = "objects=12,warn_objects=6",
	    .client = "6W W! W! F!",
	    .after = "= =" },
	{ .number = 3,
	    .words = "both meet early warning at the same k",
	    .a = "objects=12,warn_objects=6",
	    .b = "objects=12,warn_objects=6",
	    .client = "6W W! W! F!",
	    .after = "= =" },
	{ .number = 4,
	    .words = "early warning is told as ENOSPC, though k is written",
	    .a = ";write 3 done-ENOSPC",
	    .client = "2W W! W! F!",
	    .after = "= =" },
	{ .number = 5,
	    .words = "early warning is told by refusing k",
	    .a = ";write 3 refuse-early-warning",
	    .client = "2W W! W! F!",
	    .after = "= =" },
	{ .number = 5,
	    .more = true,
	    .words = "... and the leg hangs when it is to sync",
	    .b = ";write 3 refuse-early-warning;filemark 2 stall=3",
	    .options = ",leg_timeout=1,eom_reserve=100M",
	    .client = "2W S 3W F",
	    .after = "= x2" },
	{ .number = 6,
	    .words = "early warning as a deferred NO SENSE",
	    .elsewhere = LAB_ST },
	{ .number = 7,
	    .words = "in the zone one block a command, fixed mode",
	    .elsewhere =
		"needs a drive above the mirror: unit/mirror-drive-t" },
	{ .number = 8,
	    .words = "programmable early warning, told once",
	    .a = ";write 3 early-warning",
	    .client = "2W W! W! F!",
	    .after = "= =" },
	{ .number = 9,
	    .words = "programmable early warning without EOM",
	    .elsewhere = LAB_ST },
	{ .number = 10,
	    .words = "early warning only at a filemark",
	    .a = ";filemark 1 early-warning",
	    .client = "2W F! W! F!",
	    .after = "= =" },
	{ .number = 11,
	    .words = "the trailer runs to A's end",
	    .a = "capacity=3000,warn=2000",
	    .client = "9W 14W! WS WS F! F! WS",
	    .after = "= =" },
	{ .number = 12,
	    .words = "volume overflow on A, k is on B",
	    .a = ";write 3+ ENOSPC",
	    .client = "2W WS WS F!",
	    .after = "= =" },
	{ .number = 12,
	    .more = true,
	    .words = "the same, and no filemark follows",
	    .b = ";write 3+ ENOSPC",
	    .client = "2W WS",
	    .after = "= =" },
	{ .number = 13,
	    .words = "k can't be taken back: WORM",
	    .a = ";write 3+ ENOSPC",
	    .b = ";write 1 worm",
	    .client = "2W WS F!",
	    .after = "= x0" },
	{ .number = 13,
	    .more = true,
	    .words = "k can't be taken back: the motion fails",
	    .a = ";write 3+ ENOSPC",
	    .b = ";space 1+ EIO",
	    .client = "2W S WS F!",
	    .after = "= x2" },
	{ .number = 14,
	    .words = "both at the physical end",
	    .a = "objects=5",
	    .b = "objects=5",
	    .client = "5W WS FS",
	    .after = "= =" },
	{ .number = 15,
	    .words = "volume overflow on A with the loss of what it buffers",
	    .a = ";load 1 buffer=8;write 5 lose=3",
	    .client = "2W S 3W F",
	    .after = "x2 =" },
	{ .number = 16,
	    .words = "MEDIUM ERROR in the middle",
	    .a = ";write 3 EIO",
	    .client = "4W F W F",
	    .after = "x2 =" },
	{ .number = 17,
	    .words = "the same, on_leg_error=stop",
	    .a = ";write 3 EIO",
	    .options = ",on_leg_error=stop",
	    .client = "2W WE WE F WE",
	    .after = "x2 =" },
	{ .number = 18,
	    .words = "the same, on_leg_error=markfull",
	    .a = ";write 3 EIO",
	    .options = ",on_leg_error=markfull",
	    .client = "2W W! W! F!",
	    .after = "x2 =" },
	{ .number = 19,
	    .words = "MEDIUM ERROR with EOM, which st tells as success",
	    .a = ";write 2 early-warning;write 3 lie",
	    .client = "W W! W! F!",
	    .after = "x2 =" },
	{ .number = 20,
	    .words = "success, but nothing is stored",
	    .a = ";write 3 lie",
	    .client = "2W S 2W F",
	    .after = "x2 =" },
	{ .number = 20,
	    .more = true,
	    .words = "the same, and no filemark follows",
	    .a = ";write 3 lie",
	    .client = "2W S 2W U",
	    .after = "x2 =" },
	{ .number = 20,
	    .more = true,
	    .words = "the same, on_leg_error=stop",
	    .a = ";write 3 lie",
	    .options = ",on_leg_error=stop",
	    .client = "2W S 2W FE F WE",
	    .after = "x2 =" },
	{ .number = 20,
	    .more = true,
	    .words = "the same, found in a rewind, on_leg_error=stop",
	    .a = ";write 3 lie",
	    .options = ",on_leg_error=stop",
	    .client = "2W S W R 3n WE WE F",
	    .after = "x2 =" },
	{ .number = 20,
	    .more = true,
	    .words = "the same, found in a rewind, on_leg_error=markfull",
	    .a = ";write 3 lie",
	    .options = ",on_leg_error=markfull",
	    .client = "2W S W R 3n W! F!",
	    .after = "x2 =" },
	{ .number = 20,
	    .more = true,
	    .words = "a leg can't get to where it is to write, "
		     "on_leg_error=markfull",
	    .b = ";locate 1+ EIO",
	    .options = ",on_leg_error=markfull",
	    .client = "2W F R 2r W! F!",
	    .after = "= x2" },
	{ .number = 21,
	    .words = "EIO, but k is on the tape",
	    .a = ";write 3 done-EIO",
	    .client = "4W F",
	    .after = "x2 =" },
	{ .number = 22,
	    .words = "a deferred error at a later write",
	    .a = ";load 1 buffer=8;write 6 lose-buffer",
	    .client = "2W S 5W F",
	    .after = "x2 =" },
	{ .number = 23,
	    .words = "a deferred error at a sync",
	    .a = ";load 1 buffer=8;filemark 2 lose-buffer",
	    .client = "2W S 2W S W F",
	    .after = "x2 =" },
	{ .number = 23,
	    .more = true,
	    .words = "the same, on_leg_error=stop",
	    .a = ";load 1 buffer=8;filemark 2 lose-buffer",
	    .options = ",on_leg_error=stop",
	    .client = "2W S 2W SE WE F",
	    .after = "x2 =" },
	{ .number = 24,
	    .words = "a deferred error is given to our own command",
	    .a = ";load 1 buffer=8;tell 2 lose-buffer",
	    .client = "2W S W f W F",
	    .after = "x2 =" },
	{ .number = 25,
	    .words = "st's own buffering left on",
	    .elsewhere = "st's options: real/alone.t, in the lab" },
	{ .number = 26,
	    .words = "a timeout",
	    .a = ";write 3 stall=2",
	    .options = ",leg_timeout=1",
	    .client = "2W S 2W F",
	    .after = "x2 =" },
	{ .number = 27,
	    .words = "a reset, the position is lost",
	    .a = ";write 3 lost",
	    .client = "2W S 2W F",
	    .after = "x2 =" },
	{ .number = 28,
	    .words = "UNIT ATTENTION: success, but the position is not known",
	    .a = ";write 3 unknown",
	    .client = "2W S 2W F",
	    .after = "x2 =" },
	{ .number = 29,
	    .words = "UNIT ATTENTION swallowed by another user of sg",
	    .elsewhere = "O_EXCL of sg: real/alone.t, in the lab" },
	{ .number = 30,
	    .words = "the medium is ejected",
	    .a = ";write 3 unload",
	    .client = "2W S 2W F",
	    .after = "x2 =" },
	{ .number = 31,
	    .words = "not ready",
	    .a = ";write 3+ ENOMEDIUM;filemark 2+ ENOMEDIUM",
	    .client = "2W S 2W F",
	    .after = "x2 =" },
	{ .number = 32,
	    .words = "the drive vanishes",
	    .a = ";any 6+ EIO",
	    .client = "2W S 2W F U",
	    .after = "x2 =" },
	{ .number = 33,
	    .words = "reservation conflict",
	    .a = ";write 3+ EBUSY",
	    .client = "4W F",
	    .after = "x2 =" },
	{ .number = 34,
	    .words = "busy for a while",
	    .a = ";write 3 stall=0.1",
	    .client = "4W F",
	    .after = "= =" },
	{ .number = 35,
	    .words = "one leg is write protected when it is loaded",
	    .a = ";load 1 write-protect",
	    .client = "WR FR S",
	    .after = "= =" },
	{ .number = 36,
	    .words = "write protection appears",
	    .a = ";write 3 write-protect",
	    .client = "2W S 2W F",
	    .after = "x2 =" },
	{ .number = 37,
	    .words = "record sizes differ",
	    .a = "max=50",
	    .client = "s WI s F",
	    .after = "= =" },
	{ .number = 38,
	    .words = "a parameter can't be set on one leg",
	    .elsewhere = "images have none to set: unit/mirror-legs-t" },
	{ .number = 39,
	    .words = "B is slow",
	    .b = ";write 1+ rate=20K",
	    .client = "20W F",
	    .after = "= =" },
	{ .number = 40,
	    .words = "B stalls longer than leg_timeout",
	    .b = ";write 3 stall=2",
	    .options = ",leg_timeout=1",
	    .client = "2W S 2W F",
	    .after = "= x2" },
	{ .number = 41,
	    .words = "B could be farther behind than there is room behind "
		     "early warning: lockstep began before",
	    .b = "capacity=9000,warn=700;write 1+ rate=150K",
	    .options = RING ",eom_reserve=300",
	    .client = "76W W! W! F!",
	    .after = "= =" },
	{ .number = 41,
	    .more = true,
	    .words = "a trailer of eom_reserve= still fits",
	    .b = "capacity=9000,warn=1200;write 1+ rate=150K",
	    .options = RING ",eom_reserve=300",
	    .client = "72W W! 3W! WS F!",
	    .after = "= =" },
	{ .number = 42,
	    .words = "the connection of a remote drive is cut",
	    .elsewhere = "needs a server to kill: fault/mirror-rmt-t" },
	{ .number = 43,
	    .words = "the target is killed",
	    .elsewhere = "real/legs-tgt-a.t and -b.t, in the lab" },
	{ .number = 44,
	    .words = "the target's disk is full before early warning",
	    .elsewhere = "real/full.t, in the lab" },
	{ .number = 45,
	    .words = "success from then on, but nothing is stored",
	    .a = ";write 3+ lie",
	    .client = "2W S 5W F",
	    .after = "x2 =" },
	{ .number = 46,
	    .words = "both legs fail, at different records",
	    .a = ";write 3 EIO",
	    .b = ";write 5 EIO",
	    .client = "4W WE WE FE",
	    .after = "x2 x4" },
	{ .number = 47,
	    .words = "the closing filemark fails on one leg",
	    .a = ";filemark 2 EIO",
	    .client = "2W S F",
	    .after = "x2 =" },
	{ .number = 47,
	    .more = true,
	    .words = "the same, on_leg_error=stop",
	    .a = ";filemark 2 EIO",
	    .options = ",on_leg_error=stop",
	    .client = "2W S FE WE F",
	    .after = "x2 =" },
	{ .number = 48,
	    .words = "a rewind at the physical end",
	    .a = "objects=5",
	    .b = "objects=5",
	    .client = "5W WS R 5r rD",
	    .after = "= =" },
	{ .number = 49,
	    .words = "pmtd is killed",
	    .elsewhere = "needs a process of its own: live/mirrorkill.sh" },
	{ .number = 50,
	    .words = "a read error on A",
	    .a = ";read object 2 EIO",
	    .client = "4W F R 5r rD R 5r",
	    .after = "= =" },
	{ .number = 51,
	    .words = "a read error on both",
	    .a = ";read object 2 EIO",
	    .b = ";read object 2 EIO",
	    .client = "4W F R 2r rE rE n 2r rD",
	    .after = "= =" },
	{ .number = 51,
	    .more = true,
	    .words = "read errors on both, but not in the same place",
	    .a = ";read object 1 EIO",
	    .b = ";read object 2 EIO",
	    .client = "4W F R 5r rD",
	    .after = "= =" },
	{ .number = 52,
	    .words = "A is silently wrong; verify=yes finds it",
	    .a = ";write 3 flip",
	    .options = ",verify=yes",
	    .client = "4W F R 2r rE rE RE",
	    .after = "~ =" },
	{ .number = 52,
	    .more = true,
	    .words = "... on the last leg, and a filemark is in step",
	    .b = ";write 4 flip",
	    .options = ",verify=yes",
	    .client = "2W F 2W F R 4r rE RE",
	    .after = "= ~" },
	{ .number = 52,
	    .more = true,
	    .words = "... and equal ones are read to their end",
	    .options = ",verify=yes",
	    .client = "2W F 2W F R 6r rD",
	    .after = "= =" },
	{ .number = 53,
	    .words = "A has one filemark more",
	    .a = ";filemark 1 twice",
	    .client = "W F W F R 2r rE rE",
	    .after = "~ =" },
	{ .number = 53,
	    .more = true,
	    .words = "A has one record less",
	    .a = ";write 2 drop",
	    .client = "3W F R r r? rE rE",
	    .after = "~ =" },
	{ .number = 54,
	    .words = "A is truncated",
	    .a = ";write 3+ drop;filemark 1 drop",
	    .client = "4W F R 2r rE rE",
	    .after = "~ =" },
	{ .number = 54,
	    .more = true,
	    .words = "A is truncated, read_longer=yes",
	    .a = ";write 3+ drop;filemark 1 drop",
	    .options = ",read_longer=yes",
	    .client = "4W F R 5r rD",
	    .after = "~ =" },
	{ .number = 54,
	    .more = true,
	    .words = "B is truncated",
	    .b = ";write 3+ drop;filemark 1 drop",
	    .client = "4W F R 4r rE rE",
	    .after = "= ~" },
	{ .number = 54,
	    .more = true,
	    .words = "B is truncated, and the tapes were loaded anew",
	    .b = ";write 3+ drop;filemark 1 drop",
	    .client = "4W F U L 2r rE rE",
	    .after = "= ~" },
	{ .number = 54,
	    .more = true,
	    .words = "... and the shorter one can't be read before its end",
	    .a = ";write 3+ drop;filemark 1 drop;read object 1 EIO",
	    .client = "4W F U L 2r rE rE",
	    .after = "~ =" },
	{ .number = 54,
	    .more = true,
	    .words = "B has lost what was not synced yet: A is read",
	    .b = ";write 3+ drop",
	    .options = ",eom_reserve=100M",
	    .client = "4W R 4r rD",
	    .after = "= x0" },
	{ .number = 54,
	    .more = true,
	    .words = "B is truncated, read_longer=yes, and no filemark there",
	    .b = ";write 3+ drop",
	    .options = ",read_longer=yes",
	    .client = "4W R 4r rD",
	    .after = "= x0" },
	{ .number = 55,
	    .words = "spacing fails on A",
	    .a = ";space 1+ EIO",
	    .client = "2W F 2W F R > 3r rD",
	    .after = "= =" },
	{ .number = 56,
	    .words = "the position can't be read, once",
	    .a = ";tell 1 EIO",
	    .client = "2W F 2W F",
	    .after = "= =" },
	{ .number = 56,
	    .more = true,
	    .words = "the position can't be read",
	    .a = ";tell 2+ EIO",
	    .client = "2W F 2W F",
	    .after = "x3 =" },
	{ .number = 57,
	    .words = "the second cartridge can't be changed: none is written",
	    .b = ";load 2 ENOMEDIUM",
	    .client = "2W F U LN WN L 3r rD",
	    .after = "= =" },
	{ .number = 58,
	    .words = "leot_margin is reached",
	    .a = "capacity=5000,warn=100",
	    .b = "capacity=6000,warn=100",
	    .options = ",leot_margin=2000",
	    .client = "27W W! W! F!",
	    .after = "= =" },
	{ .number = 59, .words = "RECOVERED ERROR", .elsewhere = LAB_ST },
	{ .number = 60,
	    .words = "logical block guard failure",
	    .elsewhere = "logical block protection is not used; a drive that "
			 "tells such a failure anyway: real/matrix.t" },
	{ .number = 61,
	    .words = "A's end comes without early warning",
	    .a = "objects=5",
	    .client = "5W WS FS WS",
	    .after = "= =" },
	{ .number = 61,
	    .more = true,
	    .words = "... in the middle of filemarks",
	    .a = "objects=5",
	    .client = "3W TS FS",
	    .after = "= =" },
};

#define N_CASES (sizeof(rows) / sizeof(rows[0]))

/*
 * The same with a ring.  Leg B stands still in its second record, while the
 * client goes on with A; or where it is said, the other way round.
 */
#define BEHIND ";write 2 stall=0.5"

static const struct row ring_rows[] = {
	{ .number = 2,
	    .words = "B meets early warning, and is behind",
	    .b = "objects=12,warn_objects=6" BEHIND,
	    .client = "8W F! W! F!",
	    .after = "= =" },
	{ .number = 3,
	    .words = "both meet early warning at the same k, B is behind",
	    .a = "objects=12,warn_objects=6",
	    .b = "objects=12,warn_objects=6" BEHIND,
	    .client = "6W W! W! F!",
	    .after = "= =" },
	{ .number = 4,
	    .words = "early warning is told as ENOSPC, though k is written",
	    .b = BEHIND ";write 3 done-ENOSPC",
	    .client = "5W F! W! F!",
	    .after = "= =" },
	{ .number = 5,
	    .words = "early warning is told by refusing k",
	    .b = BEHIND ";write 3 refuse-early-warning",
	    .client = "5W F! W! F!",
	    .after = "= =" },
	{ .number = 5,
	    .more = true,
	    .words = "... of an earlier record, and the leg hangs in the sync",
	    .a = ";write 4 stall=0.8",
	    .b = ";write 3 stall=0.3;write 3 refuse-early-warning;"
		 "filemark 2 stall=3",
	    .options = ",leg_timeout=1",
	    .client = "2W S 3W F",
	    .after = "= x2" },
	{ .number = 12,
	    .words = "volume overflow on A, before B has k",
	    .a = ";write 3+ ENOSPC",
	    .b = ";write 3 stall=0.4",
	    .client = "2W WS WS F!",
	    .after = "= =" },
	{ .number = 12,
	    .more = true,
	    .words = "volume overflow on B, which is behind",
	    .b = BEHIND ";write 3+ ENOSPC",
	    .client = "6W F W F",
	    .after = "= x2" },
	{ .number = 16,
	    .words = "MEDIUM ERROR on B, which is behind",
	    .b = BEHIND ";write 3 EIO",
	    .client = "6W F W F",
	    .after = "= x2" },
	{ .number = 16,
	    .more = true,
	    .words = "MEDIUM ERROR on A, which leads: B gets all of the ring",
	    .a = ";write 4 EIO",
	    .b = BEHIND,
	    .client = "6W F W F",
	    .after = "x3 =" },
	{ .number = 17,
	    .words = "MEDIUM ERROR on B, on_leg_error=stop",
	    .b = BEHIND ";write 3 EIO",
	    .options = ",on_leg_error=stop",
	    .client = "6W SE WE F WE",
	    .after = "= x2" },
	{ .number = 17,
	    .more = true,
	    .words = "MEDIUM ERROR on A, which leads, on_leg_error=stop",
	    .a = ";write 4 EIO",
	    .b = BEHIND,
	    .options = ",on_leg_error=stop",
	    .client = "3W WE WE F",
	    .after = "x3 =" },
	{ .number = 18,
	    .words = "MEDIUM ERROR on B, on_leg_error=markfull",
	    .b = BEHIND ";write 3 EIO",
	    .options = ",on_leg_error=markfull",
	    .client = "6W F! W! F!",
	    .after = "= x2" },
	{ .number = 20,
	    .words = "success, but nothing is stored; A leads",
	    .a = ";write 3 lie",
	    .b = BEHIND,
	    .client = "6W F W F",
	    .after = "x0 =" },
	{ .number = 22,
	    .words = "A leads, and loses what it has in its buffer",
	    .a = ";load 1 buffer=8;write 6 lose-buffer",
	    .b = BEHIND,
	    .client = "8W F",
	    .after = "x0 =" },
	{ .number = 27,
	    .words = "a reset of B, which is behind",
	    .b = BEHIND ";write 3 lost",
	    .client = "6W F",
	    .after = "= x0" },
	{ .number = 30,
	    .words = "the medium of A, which leads, is ejected",
	    .a = ";write 4 unload",
	    .b = BEHIND,
	    .client = "6W F",
	    .after = "x0 =" },
	{ .number = 39,
	    .words = "B is slow: the client is not",
	    .b = ";write 1+ rate=20K",
	    .client = "10W F 10W F",
	    .after = "= =" },
	{ .number = 39,
	    .more = true,
	    .words = "B is so slow that the ring is full",
	    .b = ";write 1+ rate=50K",
	    .client = "60W F",
	    .after = "= =" },
	{ .number = 40,
	    .words = "B stalls longer than leg_timeout",
	    .b = ";write 3 stall=2",
	    .options = ",leg_timeout=1",
	    .client = "2W S 10W F W F",
	    .after = "= x2" },
	{ .number = 40,
	    .more = true,
	    .words = "the same, and the ring is full meanwhile",
	    .b = ";write 3 stall=2",
	    .options = ",leg_timeout=1",
	    .client = "2W S 40W F W F",
	    .after = "= x2" },
	{ .number = 40,
	    .more = true,
	    .words = "the same, on_leg_error=stop",
	    .b = ";write 3 stall=2",
	    .options = ",leg_timeout=1,on_leg_error=stop",
	    .client = "2W S 10W SE WE",
	    .after = "= x2" },
	{ .number = 40,
	    .more = true,
	    .words = "both stall while the first to have it is waited for",
	    .a = ";write 3 stall=2",
	    .b = ";write 3 stall=2",
	    .options = ",leg_timeout=1",
	    .client = "2W S WE",
	    .after = "x2 x2" },
	{ .number = 40,
	    .more = true,
	    .words = "B is given up then, on_leg_error=stop",
	    .a = ";write 5 stall=0.6;write 6 stall=0.8",
	    .b = ";write 3 stall=3",
	    .options = ",leg_timeout=1,on_leg_error=stop",
	    .client = "2W S 3W 2WE",
	    .after = "= x2" },
	{ .number = 40,
	    .more = true,
	    .words = "B is given up then, on_leg_error=markfull",
	    .a = ";write 5 stall=0.6;write 6 stall=0.8",
	    .b = ";write 3 stall=3",
	    .options = ",leg_timeout=1,on_leg_error=markfull",
	    .client = "2W S 3W 2W!",
	    .after = "= x2" },
	{ .number = 41,
	    .words = "B meets early warning while it is behind; all that was "
		     "acknowledged, and the trailer, fits",
	    .b = "capacity=20000,warn=9000;write 1+ stall=0.002",
	    .options = ",eom_reserve=2500",
	    .client = "115W* F! 18W! F!",
	    .after = "= =" },
	{ .number = 46,
	    .words = "both fail, and what only A had is lost",
	    .a = ";write 6 EIO",
	    .b = BEHIND ";write 3 EIO",
	    .client = "5W WE WE FE",
	    .after = "x5 x2" },
	{ .number = 50,
	    .words = "B is behind when it is read, and A can't be",
	    .a = ";read object 2 EIO",
	    .b = BEHIND,
	    .client = "6W R 6r rD",
	    .after = "= =" },
	{ .number = 58,
	    .words = "leot_margin is reached",
	    .a = "capacity=5000,warn=100",
	    .b = "capacity=6000,warn=100;write 1+ stall=0.01",
	    .options = ",leot_margin=2000,eom_reserve=300",
	    .client = "27W W! W! F!",
	    .after = "= =" },
};

#define N_RING_CASES (sizeof(ring_rows) / sizeof(ring_rows[0]))

static const char *scratch;
static uint32_t tag;

/* ---- The client --------------------------------------------------------- */

struct seen {
	int r;
	enum tape_cond cond;
	bool as_written;
};

static void
see_write(struct tape *t, struct model *m, size_t len, struct seen *seen)
{
	uint8_t buf[100];

	fill_record(buf, len, ++tag);
	seen->r = tape_write(t, buf, len, &seen->cond);
	if (seen->r == 0)
		model_put(m, tag, (uint32_t)len);
}

static void
see_marks(struct tape *t, struct model *m, uint32_t count, bool immediate,
    struct seen *seen)
{
	uint32_t done;

	seen->r = tape_write_filemarks(t, count, immediate, &done, &seen->cond);
	while (done-- > 0)
		model_put(m, 0, 0);
}

static void
see_read(struct tape *t, struct model *m, struct seen *seen)
{
	const struct thing *next = &m->things[m->at];
	uint8_t buf[100];
	size_t len = 0;

	seen->r = tape_read(t, buf, sizeof(buf), &len, &seen->cond);
	if (seen->r < 0 || seen->cond == TAPE_EOD)
		return;
	seen->as_written = m->at < m->n && len == next->len &&
	    is_record_of(buf, len, next->tag) &&
	    (len == 0) == (seen->cond == TAPE_FILEMARK);
	seen->cond = TAPE_NONE;
	m->at++;
}

static void
see_space(struct tape *t, struct model *m, enum tape_unit unit,
    struct seen *seen)
{
	uint64_t done;

	seen->r = tape_space(t, unit, 1, &done, &seen->cond);
	m->at = t->pos.object;
}

static struct seen
act(struct tape *t, struct model *m, char letter)
{
	struct seen seen = { .as_written = true };

	switch (letter) {
	case 'W':
		see_write(t, m, 100, &seen);
		break;
	case 's':
		see_write(t, m, 40, &seen);
		break;
	case 'F':
	case 'f':
		see_marks(t, m, 1, letter == 'f', &seen);
		break;
	case 'T':
		see_marks(t, m, 3, false, &seen);
		break;
	case 'S':
		see_marks(t, m, 0, false, &seen);
		break;
	case 'r':
		see_read(t, m, &seen);
		break;
	case 'n':
		see_space(t, m, TAPE_RECORDS, &seen);
		break;
	case '>':
		see_space(t, m, TAPE_FILEMARKS, &seen);
		break;
	case 'R':
		seen.r = tape_rewind(t);
		m->at = 0;
		break;
	case 'U':
		seen.r = tape_unload(t);
		break;
	case 'L':
		seen.r = tape_load(t);
		m->at = 0;
		break;
	default:
		tap_bail("the client can't do \"%c\"", letter);
	}
	return seen;
}

static bool
is_expected(char expected, const struct seen *seen)
{
	switch (expected) {
	case 'E':
		return seen->r == -EIO;
	case 'S':
		return seen->r == -ENOSPC && seen->cond == TAPE_EOM;
	case 'R':
		return seen->r == -EROFS;
	case 'I':
		return seen->r == -EINVAL;
	case 'N':
		return seen->r == -ENOMEDIUM;
	case 'D':
		return seen->r == 0 && seen->cond == TAPE_EOD;
	case '?':
		return seen->r == 0 && !seen->as_written;
	case '!':
		return seen->r == 0 && seen->cond == TAPE_EARLY_WARNING;
	case '*':
		return seen->r == 0 && seen->as_written;
	default:
		return seen->r == 0 && seen->cond == TAPE_NONE &&
		    seen->as_written;
	}
}

/* Whether the client sees what it should. */
static bool
run_client(struct tape *t, struct model *m, const char *words)
{
	for (unsigned step = 1; *words != '\0'; words += *words == ' ') {
		unsigned times = 1;
		char letter, expected = '\0';
		char *end;

		if (*words >= '0' && *words <= '9') {
			times = (unsigned)strtoul(words, &end, 10);
			words = end;
		}
		letter = *words++;
		if (*words != '\0' && *words != ' ')
			expected = *words++;
		for (; times > 0; times--, step++) {
			struct seen seen = act(t, m, letter);

			if (is_expected(expected, &seen))
				continue;
			tap_diag("call %u, \"%c%c\": %s, %s%s: %s", step,
			    letter, expected == '\0' ? ' ' : expected,
			    strerror(-seen.r), tape_cond_name(seen.cond),
			    seen.as_written ? "" : ", not as written",
			    tape_why(t));
			return false;
		}
	}
	return true;
}

/* ---- The legs afterwards ------------------------------------------------ */

/* An image, alone.  One that a hanging leg has comes back some time. */
static struct tape *
load_alone(const char *name)
{
	char spec[300];
	struct tape *t;
	int r = -EBUSY;

	(void)snprintf(spec, sizeof(spec),
	    "file:%s/%s,format=simh,readonly=yes", scratch, name);
	t = open_tape(spec);
	for (int tenths = 0; tenths < 100 && r == -EBUSY; tenths++) {
		r = tape_load(t);
		if (r == -EBUSY)
			(void)usleep(100000); /* that wait has a bound */
	}
	if (r < 0)
		tap_bail("%s: %s", spec, tape_why(t));
	return t;
}

/* Whether the first ${n} objects are as in the model. */
static bool
holds_first(struct tape *t, const struct model *m, uint64_t n)
{
	struct model first = *m;
	enum tape_cond cond;
	uint8_t buf[100];
	size_t len;

	for (first.at = 0; first.at < n; first.at++) {
		const struct thing *next = &first.things[first.at];

		if (tape_read(t, buf, sizeof(buf), &len, &cond) < 0 ||
		    len != next->len || !is_record_of(buf, len, next->tag) ||
		    cond != (len == 0 ? TAPE_FILEMARK : TAPE_NONE))
			return false;
	}
	return true;
}

static void
check_leg(const struct row *row, const struct leg *leg, const char *name,
    const struct model *m, const char *after)
{
	struct tape *t;

	if (after[0] == 'x') {
		tap_ok(leg->dead, "%d: %s is dead", row->number, name);
		tap_is_int(atoi(after + 1), (int64_t)leg->prefix.objects,
		    "%d: ... with so many good objects: %s", row->number,
		    leg->reason);
	} else if (!tap_ok(!leg->dead, "%d: %s is healthy", row->number, name))
		tap_diag("%s", leg->reason);
	t = load_alone(name);
	if (after[0] == 'x')
		tap_ok(holds_first(t, m, leg->prefix.objects),
		    "%d: ... and it holds them", row->number);
	else if (after[0] == '=')
		tap_ok(holds_model(t, m),
		    "%d: %s holds just what was acknowledged", row->number,
		    name);
	else
		tap_ok(!holds_model(t, m),
		    "%d: %s is not as the others, as it was meant to be",
		    row->number, name);
	tape_free(t);
}

/* "options;rules" of an image as a spec. */
static size_t
leg_spec(char *text, size_t room, const char *name, const char *what)
{
	size_t options = what == NULL ? 0 : strcspn(what, ";");
	const char *rules =
	    what == NULL || what[options] == '\0' ? "" : what + options + 1;

	return (size_t)snprintf(text, room,
	    "fault:{file:%s/%s,format=simh%s%.*s},do=%s", scratch, name,
	    options > 0 ? "," : "", (int)options, options > 0 ? what : "",
	    rules[0] == '\0' ? "# none" : rules);
}

static void
run_row(const struct row *row, const char *more_options)
{
	struct model m = { .n = 0 };
	char spec[1024];
	struct mirror *mirror;
	struct tape *t;
	size_t len;

	scratch = make_scratch();
	len = (size_t)snprintf(spec, sizeof(spec), "mirror:{");
	len += leg_spec(spec + len, sizeof(spec) - len, "a", row->a);
	len += (size_t)snprintf(spec + len, sizeof(spec) - len, ",");
	len += leg_spec(spec + len, sizeof(spec) - len, "b", row->b);
	(void)snprintf(spec + len, sizeof(spec) - len, "}%s%s",
	    row->options == NULL ? "" : row->options, more_options);
	t = load_tape(spec);
	mirror = mirror_of(t);
	if (!tap_ok(run_client(t, &m, row->client),
		"%d: %s: the client sees \"%s\"", row->number, row->words,
		row->client))
		tap_diag("%s", spec);
	(void)tape_unload(t); /* a row that asks for it has an U */
	check_leg(row, mirror->legs[0], "a", &m, row->after);
	check_leg(row, mirror->legs[1], "b", &m, strchr(row->after, ' ') + 1);
	tape_free(t);
	remove_scratch(scratch);
}

static void
check_numbers(void)
{
	int seen[ROWS + 1] = { 0 };
	bool all = true;

	for (size_t i = 0; i < N_CASES; i++) {
		if (rows[i].number < 1 || rows[i].number > ROWS)
			tap_bail("row %d", rows[i].number);
		if (!rows[i].more)
			seen[rows[i].number]++;
		else if (seen[rows[i].number] == 0)
			tap_bail("row %d: more of what?", rows[i].number);
	}
	for (int i = 1; i <= ROWS; i++)
		if (seen[i] != 1) {
			tap_diag("row %d is there %d times", i, seen[i]);
			all = false;
		}
	tap_ok(all, "all %d rows are there, each once", ROWS);
}

static void
be_silent(const char *line)
{
	(void)line; /* it is meant to go wrong */
}

/* The cases that are to run, with and without a ring. */
static struct {
	const struct row *row;
	const char *options;
} todo[N_CASES + N_RING_CASES];

static size_t n_todo;

static void
choose(const struct row *row, const char *options)
{
	const char *only = getenv("PMT_ROW");

	if (row->elsewhere != NULL)
		tap_diag("row %d, %s: not here: %s", row->number, row->words,
		    row->elsewhere);
	else if (only == NULL || atoi(only) == row->number) {
		todo[n_todo].row = row;
		todo[n_todo++].options = options;
	}
}

static void
run_todo(size_t i)
{
	run_row(todo[i].row, todo[i].options);
}

int
main(void)
{
	if (getenv("PMT_ROW") == NULL)
		tape_set_alarm(be_silent);
	check_numbers();
	for (size_t i = 0; i < N_CASES; i++)
		choose(&rows[i], "");
	for (size_t i = 0; i < N_RING_CASES; i++)
		choose(&ring_rows[i], RING);
	tap_parts(n_todo, AT_ONCE, run_todo);
	return tap_done();
}
