#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg copy: record for record, over several volumes and back.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

tape a.tap 4x512 m 30x512 m m 1 2x1001 m m
exits 0 'a tape is copied' copy a.tap b.tap
ok '... byte for byte' cmp a.tap b.tap
says 'copied: 37 records \(19411 bytes\) and 5 filemarks on 1 volume' \
	'... and says how much'
exits 0 'a copy can be verified' copy --verify a.tap c.tap
says 'verified: the copy is the same' '... and that is said'
tape other.tap 80
cp other.tap before
exits 1 'a tape that holds data is refused' copy a.tap other.tap
complains 'not blank.*--overwrite' '... with the way out'
ok '... and stays as it is' cmp other.tap before
exits 0 '... unless that is what is wanted' copy --overwrite a.tap other.tap
ok '... and then is the same' cmp a.tap other.tap
tape other.tap 80x100
exits 0 '... on a drive that can not erase, too' copy --overwrite a.tap \
	'fault:{file:other.tap},do=erase 1+ EOPNOTSUPP'
ok '... and then is the same' cmp a.tap other.tap
touch nothing.tap
exits 1 '... unless there is nothing to overwrite it with' copy --overwrite \
	nothing.tap 'fault:{file:other.tap},do=erase 1+ EOPNOTSUPP'
complains 'can.t be erased, and holds what it held' '... and it says so'
exits 0 'a blank tape is copied, too' copy --overwrite nothing.tap other.tap
is 0 "$(stat -c %s other.tap)" '... to a blank tape'
exits 1 'a tape is not copied to itself' copy --overwrite a.tap a.tap
ok '... and stays' cmp a.tap b.tap
chmod a-w b.tap
exits 1 'a write protected tape is refused' copy --overwrite a.tap b.tap
complains 'write protected' '... and it says so'

# ---- Several volumes -------------------------------------------------------

# volumes CAPACITY WARN: a.tap is copied to as many of these as it takes, and is
# the same when it comes back.
volumes()
{
	local i targets=()

	rm -f v*.tap back.tap
	for i in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29; do
		targets+=("file:v$i.tap,capacity=$1,warn=$2")
	done
	exits 0 "a copy to volumes of $1 bytes, warning $2 before the end" \
		copy --verify a.tap "${targets[@]}"
	exits 0 '... comes back on one' copy --verify --from \
		"$(echo v*.tap | tr ' ' ,)" back.tap
	ok '... byte for byte' cmp a.tap back.tap
}

# The warning comes early, late, and not at all; the end falls on the end of a
# record, and before and after a filemark: then the closing one does not fit.
volumes 8192 1024
volumes 8192 1
volumes 8192 0
volumes 1500 600
for size in $((4 * 520)) $((4 * 520 + 4)) $((4 * 520 + 8)) $((30 * 520)) \
	$((30 * 520 + 8)) $((34 * 520 + 4)) $((34 * 520 + 8)) \
	$((34 * 520 + 12)) $((34 * 520 + 16)); do
	volumes "$size" 0
	volumes "$size" 4
done

rm -f v?.tap
img copy a.tap file:v1.tap,capacity=8K,warn=1K file:v2.tap,capacity=8K,warn=1K \
	v3.tap
says 'volume 1: file:v1.tap,[^ ]*: 14 records \(7168 bytes\), 1 filemark, and a c' \
	'it says what went to the first volume'
says 'volume 2: file:v2.tap,[^ ]*: 14 records \(7168 bytes\), 0 filemarks, and a' \
	'... to the second'
says 'volume 3: v3.tap: 9 records \(5075 bytes\), 4 filemarks' \
	'... and to the last, which has no closing filemark'
says 'copy --from .*v1\.tap.*v2\.tap.*v3\.tap. TAPE' '... and how it comes back'
command=$(sed -n 's/^to have it back on one tape: pmtimg \(.*\) TAPE$/\1/p' out)
rm -f back.tap
ok '... which is true' timeout 60 sh -c "'$pmtimg' $command back.tap"
ok '... for each byte' cmp a.tap back.tap
img ls --json v1.tap
json '$j->[-1]{object} == 16 && $j->[-1]{filemarks} == 1' \
	'a volume that is not the last ends with one filemark'

rm -f v?.tap
exits 1 'a copy with too few volumes fails' copy a.tap file:v1.tap,capacity=8K
complains 'full after volume 1.*not complete' '... and says so'
exits 0 '... what is on them is whole' check v1.tap
rm -f v?.tap
exits 1 'a volume too small for anything' copy a.tap file:v1.tap,capacity=100
complains 'not even one object' '... is told of'
exits 1 'a second volume that holds data is refused' copy a.tap \
	file:v2.tap,capacity=8K a.tap
complains 'not blank|in use' '... and it says so'
exits 1 'a source volume that is not there' copy --from a.tap,gone.tap w.tap
complains 'gone.tap: can.t be opened' '... is told of'

# asked ANSWER...: the names are typed, a line each.
asked()
{
	printf '%s\n' "$@" | timeout 60 "$pmtimg" copy --verify --prompt a.tap \
		file:p1.tap,capacity=8K >out 2>err
}

ok '--prompt asks for the next volume' asked file:p2.tap,capacity=8K p3.tap
complains 'volume 2: which tape.*volume 3: which tape' '... by its number'
exits 0 '... and goes on there' copy --from p1.tap,p2.tap,p3.tap p.tap
ok '... for each byte' cmp a.tap p.tap
rm p1.tap
asked ''
is 1 $? 'an empty answer ends the copy'
complains 'there is no other tape' '... and it says so'

exits 0 'options in a list of volumes are theirs' copy --from \
	file:v1.tap,format=simh,file:p2.tap,format=simh,readonly=yes q.tap
exits 0 'what is in braces is one' copy --from \
	'fault:{file:v1.tap,format=simh},do=write 1 EIO,p2.tap' q2.tap
ok '... which makes no difference here' cmp q.tap q2.tap

# ---- What can't be copied --------------------------------------------------

exits 1 'a bad record ends a copy' copy "$images/simh/bad-record/image.tap" e.tap
complains 'object 1, offset 88: .*--lossy' '... and it says where'
exits 0 '... what precedes is on the tape' check e.tap
says '1 record ' '... as a whole'
exits 0 '--lossy goes on' copy --lossy "$images/simh/bad-record/image.tap" f.tap
says 'lost: .*object 1, offset 88.*lost in all: 1 record' '... and tells of it'
exits 0 '--lossy goes on behind damage' copy --lossy \
	"$images/simh/trailing-differs/image.tap" g.tap
exits 0 '... and the copy is clean' check g.tap
exits 1 'damage ends a copy' copy "$images/simh/trailing-differs/image.tap" h.tap
exits 1 'a target that fails ends it' copy a.tap \
	'fault:{file:i.tap},do=write 7 EIO'
exits 0 '... after whole records' check i.tap
exits 1 'a copy that differs is found' copy --verify a.tap null:
complains 'verify: a.tap: object 0 .offset 0. is a record, but null:' \
	'... and it says where'
exits 1 'there is no partition 1' copy --partition 1 a.tap j.tap

exits 3 'a copy to a mirror that loses a leg on the way' copy a.tap \
	'mirror:{file:l1.tap,fault:{file:l2.tap},do=write 7 EIO}'
complains 'leg 2 .*out of the mirror.*1 of its legs is lost' '... says so'
ok '... and is complete on the other leg' cmp a.tap l1.tap
exits 1 'the legs of a mirror that differ' copy \
	'mirror:{file:l1.tap,file:l2.tap}' l3.tap
complains 'the legs differ' '... end a copy'

# ---- Memory ----------------------------------------------------------------

# An image of 200 MB goes through in less than half of that.  (With the address
# sanitizer a program takes all the addresses that there are.)
limit=100000 # KiB
! contains "$pmtimg" __asan_init || limit=unlimited
perl -e 'my $r = pack("V", 1 << 20); my $d = "x" x (1 << 20);
	print $r, $d, $r for 1 .. 200' >huge.tap
ok 'a large tape needs no more memory than a record' bash -c \
	"ulimit -v $limit; timeout 60 '$pmtimg' copy huge.tap huge2.tap"
ok '... and is copied' cmp huge.tap huge2.tap
rm -f huge.tap huge2.tap

# ---- Signals ---------------------------------------------------------------

grows() # FILE BYTES
{
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -ge "$2" ]
}

tape s.tap 100x512 m m
for signal in INT TERM HUP; do
	rm -f part.tap
	"$pmtimg" copy 'fault:{file:s.tap},do=read 50 stall=1' part.tap \
		>out 2>err &
	pid=$!
	await 10 grows part.tap $((49 * 520))
	kill -$signal $pid
	reap $pid
	status=$?
	is $((128 + $(kill -l $signal))) $status "SIG$signal ends a copy"
	complains "stopped by SIG$signal after object 49 " '... and it says where'
	exits 0 '... what there is is a clean tape' check part.tap
	ok '... of whole records' cmp -n $((50 * 520)) s.tap part.tap
	is $((50 * 520)) "$(stat -c %s part.tap)" '... and no more'
done

asks() # whether it does
{
	contains err 'which tape'
}

rm -f p1.tap
mkfifo answers
exec 3<>answers
"$pmtimg" copy --prompt a.tap file:p1.tap,capacity=8K >out 2>err <answers &
pid=$!
await 10 asks
kill -INT $pid
reap $pid
is 130 $? 'SIGINT ends the question for a volume'
exec 3>&-
exits 0 '... and what there is is a clean tape' check p1.tap

done_testing
