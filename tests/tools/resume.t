#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg copy --resume: a tape that holds the beginning of another one, as a leg
# of a mirror does that was lost, is completed; whatever it holds instead is not
# lost by accident.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

tape a.tap 4x512 m 30x512 m m 1 2x1001 m m

# beginning BYTES FILE: the beginning of a.tap.
beginning()
{
	head -c "$1" a.tap >"$2"
}

# same FILE: it is a.tap now.
same()
{
	exits 0 '... and pmtimg verify finds no difference' verify a.tap "$1"
	ok '... nor does cmp' cmp a.tap "$1"
}

# In the middle of a file, before and behind a filemark, and of nothing.
for bytes in $((4 * 520 + 4 + 20 * 520)) $((4 * 520)) $((4 * 520 + 4)) 0; do
	beginning $bytes part.tap
	exits 0 "a tape of the first $bytes bytes is completed" \
		copy --resume a.tap part.tap
	same part.tap
done
beginning $((4 * 520 + 4 + 20 * 520)) part.tap
img copy --resume a.tap part.tap
says 'the same on both: 25 objects: 24 records \(12288 bytes\) and 1 filemark' \
	'it says where it goes on'
says 'copied: 13 records \(7123 bytes\) and 4 filemarks' '... how much was missing'
says 'part.tap now holds the same as a.tap: 42 objects: 37 records \(19411 bytes\)' \
	'... and what there is'
exits 0 'one that has all already is complete' copy --resume a.tap part.tap
says 'copied: 0 records' '... and nothing is written'
same part.tap
rm part.tap
exits 0 'one that is not there is made, as by any copy' copy --resume a.tap part.tap
same part.tap
beginning 2600 torn.tap
exits 0 'one whose last record is torn off' convert --lossy torn.tap whole.tap
exits 0 '... is completed once that is off' copy --resume a.tap whole.tap
same whole.tap
exits 0 'the formats may differ' convert --to aws a.tap a.aws
beginning 2600 torn.tap
rm whole.tap
img convert --lossy torn.tap whole.tap
exits 0 '... of the two' copy --resume --verify a.aws whole.tap
says 'verified' '... and it can be read again at the end'
same whole.tap

# ---- What would be lost ----------------------------------------------------

tape other.tap 3x80 m 5x512
beginning 12484 part.tap
printf '\0\0\0\0' >>part.tap
exits 0 'the filemark that st leaves when a copy dies is no loss' \
	copy --resume a.tap part.tap
same part.tap
cp a.tap part.tap
printf '\0\0\0\0' >>part.tap
exits 0 '... nor is it behind all of the tape' copy --resume a.tap part.tap
same part.tap
for bytes in 1560 2084; do # It ends in a record, and in a filemark.
	cp a.tap part.tap
	beginning $bytes short.tap
	exits 0 'a tape that is too long, on a drive that can not erase' \
		copy --resume --overwrite short.tap \
		'fault:{file:part.tap},do=erase 1+ EOPNOTSUPP'
	ok '... is as long as the other' cmp short.tap part.tap
done
for kind in data kind longer damage; do
	beginning 12484 part.tap
	case $kind in
	data) damage part.tap 700 00 ;;
	kind) printf '\0\0\0\0\0\0\0\0' >>part.tap ;;
	longer) cat a.tap other.tap >part.tap ;;
	damage) damage part.tap $((520 + 516)) ff ;;
	esac
	cp part.tap before.tap
	exits 1 "a tape with other contents ($kind) is refused" \
		copy --resume a.tap part.tap
	complains 'part.tap: object [0-9]+ .*nothing was written; --overwrite' \
		'... and it says where, and the way out'
	ok '... and is as it was' cmp part.tap before.tap
	exits 0 '... unless that is what is wanted' \
		copy --resume --overwrite a.tap part.tap
	same part.tap
done
beginning 12484 part.tap
damage part.tap 700 00
img copy --resume a.tap part.tap
complains 'object 1 \(file 0, record 1\) is a record of 512 bytes, but on a.tap it is a record of 512 bytes, other from byte 176 on' \
	'what differs is told to the byte'
img copy --resume --overwrite a.tap part.tap
says 'the same on both: 1 object: 1 record' 'what is the same is kept'
exits 1 'a tape is not completed from itself' copy --resume a.tap a.tap
complains 'in use' '... and it says so'
for wrong in '--lossy a.tap b.tap' '--prompt a.tap b.tap' '--from a.tap b.tap' \
	'a.tap' 'a.tap b.tap c.tap'; do
	# shellcheck disable=SC2086 # They are several.
	exits 2 "copy --resume $wrong makes no sense" copy --resume $wrong
	complains 'copy --resume SOURCE TARGET' '... and it says what does'
done
is '' "$(ls b.tap c.tap 2>/dev/null)" '... and nothing is made'

# ---- Failures --------------------------------------------------------------

rm -f small.tap
exits 1 'a target that is too small ends' copy --resume a.tap \
	file:small.tap,capacity=5000
complains 'holds the first 10 objects: 9 records \(4608 bytes\) and 1 filemark of a.tap' \
	'... and says how much it has'
ok '... which is true, and no less' cmp small.tap <(head -c 4684 a.tap)
exits 1 '... and at the next attempt' copy --resume a.tap \
	file:small.tap,capacity=5000
complains 'holds the first 10 objects' '... is the same'
exits 0 'with more room' copy --resume a.tap file:small.tap,capacity=1M
same small.tap

beginning 4684 part.tap
exits 1 'a source that can not be read' copy --resume \
	'fault:{file:a.tap},do=read object 20 EIO' part.tap
complains 'object 20, .*read call 21 fails by script.*what precedes is copied' \
	'... is told of'
exits 0 '... what precedes is there' copy --resume a.tap part.tap
says 'the same on both: 20 objects' '... to the object'
same part.tap
beginning 4684 part.tap
exits 1 'a source that can not be read where the target has data' copy \
	--resume 'fault:{file:a.tap},do=read object 7 EIO' part.tap
ok '... leaves that as it is' cmp -n 4684 a.tap part.tap
exits 1 'a target that fails' copy --resume a.tap \
	'fault:{file:part.tap},do=write 7 EIO'
exits 0 '... goes on afterwards' copy --resume a.tap part.tap
says 'the same on both: 16 objects' '... where it has failed'
same part.tap
beginning 4684 part.tap
chmod a-w part.tap
exits 1 'a write protected target is refused' copy --resume a.tap part.tap
complains 'write protected' '... and it says so'
rm -f part.tap

# ---- Signals ---------------------------------------------------------------

grows() # FILE BYTES
{
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -ge "$2" ]
}

tape s.tap 100x512 m m
for signal in INT TERM HUP KILL; do
	head -c $((10 * 520)) s.tap >part.tap
	"$pmtimg" copy --resume 'fault:{file:s.tap},do=read 50+ stall=1' part.tap \
		>out 2>err &
	pid=$!
	await 10 grows part.tap $((49 * 520))
	kill -$signal $pid
	reap $pid
	status=$?
	is $((128 + $(kill -l $signal))) $status "SIG$signal ends it"
	[ $signal = KILL ] || complains \
		"SIG$signal after object (49|5[0-9]) .*the same command goes on there" \
		'... and it says where'
	exits 0 '... the same command goes on' copy --resume s.tap part.tap
	says 'the same on both: (49|5[0-9]|60) objects' '... there'
	ok '... to the same tape' cmp s.tap part.tap
done
head -c $((60 * 520)) s.tap >part.tap
: >err # here, so that nobody sees what was said before
"$pmtimg" copy --resume --progress plain \
	'fault:{file:s.tap},do=read 2+ stall=1' part.tap >out 2>err &
pid=$!
await 10 contains err 'compare: '
kill -TERM $pid
reap $pid
is 143 $? 'SIGTERM ends the comparison'
complains 'while comparing; nothing was written' '... and it says so'
ok '... which is true' cmp part.tap <(head -c $((60 * 520)) s.tap)

# ---- Drives, here and elsewhere --------------------------------------------

beginning 12484 part.tap
start_pmtd "file:$image"
exits 0 'a beginning on a drive' copy part.tap "st:$ntape"
exits 0 '... is completed there' copy --resume a.tap "st:$ntape"
says 'the same on both: 25 objects' '... from where it ended'
exits 0 '... and is the same' verify a.tap "st:$ntape"
exits 0 'a drive can be the source, too' copy --resume "st:$ntape" part.tap
stop_pmtd
ok '... of the same tape' cmp a.tap part.tap
ok 'what the drive has written is the tape' cmp a.tap "$image"

# A server of ours, and a remote shell that goes nowhere.
printf '#!/bin/sh\nexec "%s" --allow "file:%s/*" 2>/dev/null\n' \
	"$build/pmt-rmt" "$scratch" >rsh
chmod +x rsh
beginning 12484 far.tap
far="rmt:here:file:$scratch/far.tap,rsh=$scratch/rsh,rmt=pmt-rmt"
exits 0 'a beginning on a drive elsewhere is completed' \
	copy --resume a.tap "$far"
says 'the same on both: 25 objects' '... from where it ended'
exits 0 '... and is the same' verify a.tap "$far"
ok '... byte for byte' cmp a.tap far.tap
damage far.tap 700 00
exits 1 'other contents there are refused' copy --resume a.tap "$far"
exits 0 '... or overwritten' copy --resume --overwrite a.tap "$far"
ok '... byte for byte' cmp a.tap far.tap

done_testing
