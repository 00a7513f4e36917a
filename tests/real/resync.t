#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A leg on a real drive is lost in the middle of a tar: pmtimg verify says where
# its tape ends, pmtimg copy --resume completes it from the other drive's, also
# when it was interrupted; and then that tape alone gives back the tree.

# shellcheck source=legs-tgt.sh
. "$(dirname "$0")/legs-tgt.sh"
pmtimg=$build/pmtimg

# img ARGUMENT...
img()
{
	timeout 100 "$pmtimg" "$@" </dev/null
}

# the_same NODE: what the drive's tape holds is what the first one's does.
the_same()
{
	ok "$what: verify finds no difference" img verify "st:$a" "st:$b"
	raw $a ls >"$scratch/a" && raw $b ls >"$scratch/b"
	ok "$what: nor does st without us" cmp "$scratch/a" "$scratch/b"
}

what='resync'
begin KILL on_leg_error=degrade,leg_timeout=5
ok "$what: tar succeeds" tars
finish
prefix=$(grep -c . "$scratch/b")
total=$(grep -c . "$scratch/a")
fails "$what: verify finds a difference" img verify "st:$a" "st:$b"
like "differ: object $prefix .*st:$b: offset [0-9]*: end of data" \
	"$(<"$scratch/output")" "$what: where the lost tape ends"
like "before that: $prefix objects: $prefix records" "$(<"$scratch/output")" \
	"$what: with what precedes"
like "st:$b: is the beginning of the other.*copy --resume 'st:$a' 'st:$b'" \
	"$(<"$scratch/output")" "$what: and says how it is completed"
ok "$what: that works" img copy --resume "st:$a" "st:$b"
like "the same on both: $prefix objects" "$(<"$scratch/output")" \
	"$what: it goes on where the tape ended"
like "now holds the same as st:$a: $total objects" "$(<"$scratch/output")" \
	"$what: and says what there is"
the_same
raw $b op 6 1
rm -rf "$scratch/out"
mkdir "$scratch/out"
ok "$what: the lost tape alone gives back the tree" \
	timeout 60 tar -x -b 20 -f $b -C "$scratch/out"
ok "$what: all of it" same_tree "$scratch/tree" "$scratch/out/tree"

# Records that are other ones: those of an older tape.
what='resync of a tape with other contents'
raw $b op 6 1
raw $b write 7 1024
fails "$what: is refused" img copy --resume "st:$a" "st:$b"
like 'object 0 .*a record of 1024 bytes, but .* 10240 bytes.*nothing was written' \
	"$(<"$scratch/output")" "$what: and it says why"
is 7 "$(raw $b ls | grep -c ^1024)" "$what: and the tape is as it was"
ok "$what: unless that is what is wanted" \
	img copy --resume --overwrite "st:$a" "st:$b"
the_same

what='resync from a tape that is write protected'
tgtadm -C 0 --lld iscsi --mode logicalunit --op update --tid 1 --lun 1 \
	--params readonly=1
raw $b op 6 1 3 50 5 1 # 50 records, and a filemark as st leaves it
fails "$what: verify finds the end" img verify "st:$a" "st:$b"
like "copy --resume 'st:$a' 'st:$b'" "$(<"$scratch/output")" \
	"$what: and says how it is completed"
ok "$what: that works" img copy --resume "st:$a" "st:$b"
ok "$what: verify finds no difference" img verify "st:$a" "st:$b"
fails "$what: it is not written to" img copy --resume "st:$b" "st:$a"
like 'write protected' "$(<"$scratch/output")" "$what: and it says why"
tgtadm -C 0 --lld iscsi --mode logicalunit --op update --tid 1 --lun 1 \
	--params readonly=0

what='resync, interrupted'
raw $b op 6 1
raw $b write 1 1024
for signal in INT KILL; do
	writes=$(</sys/class/scsi_tape/nst1/stats/write_cnt)
	"$pmtimg" copy --resume --overwrite "st:$a" "st:$b" \
		>"$scratch/said" 2>&1 &
	pid=$!
	await 20 has_written 60
	kill -$signal $pid
	reap $pid
	status=$?
	is $((128 + $(kill -l $signal))) $status "$what: SIG$signal ends it"
done
ok "$what: the same command goes on" img copy --resume "st:$a" "st:$b"
like 'the same on both: [1-9][0-9]* objects' "$(<"$scratch/output")" \
	"$what: where it was"
the_same
done_testing
