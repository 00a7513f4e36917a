#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg convert: to a new image, with nothing lost unless that is asked for, and
# nothing left if it fails.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# absent FILE SENTENCE
absent()
{
	ok "$2" test ! -e "$1"
}

tape a.tap 4x512 m 512 m m 1 2x1001 m m
exits 0 'an image is converted' convert a.tap b.tap
ok '... to one of the same format, byte for byte' cmp a.tap b.tap
says 'converted: 8 records \(4563 bytes\) and 5 filemarks' '... and says how much'
exits 1 'a target that holds data is refused' convert b.tap a.tap
complains 'not blank' '... and it says so'
exits 1 'a source that is not there is refused' convert gone.tap c.tap
absent c.tap '... before a target is made'
touch c.tap
exits 0 'a blank target is taken' convert a.tap c.tap
ok '... and written' cmp a.tap c.tap
exits 0 'a tape that is no image can be the target' convert a.tap null:
exits 0 '... and the source' convert 'fault:{file:a.tap},do=write 1 EIO' d.tap
ok '... and is copied' cmp a.tap d.tap
exits 1 'an image is not converted into itself' convert a.tap a.tap
ok '... and stays' cmp a.tap b.tap

# ---- Every format, there and back ------------------------------------------

tape even.tap 4x512 m 512 m m 3x512 m m
for name in $(formats); do
	img convert --to "$name" even.tap "x-$name"
	if [ "$status" -ne 0 ]; then
		is 1 "$status" "$name: what it can't hold is refused"
		like '(lost|left out|bits|most|least|no )' "$(<err)" \
			"$name: ... in words"
		absent "x-$name" "$name: ... and nothing is left"
		continue
	fi
	pass "$name: an image is converted to it"
	exits 0 "$name: it is clean" check "file:x-$name,format=$name"
	exits 0 "$name: it is converted back" convert \
		"file:x-$name,format=$name" "y-$name.tap"
	ok "$name: ... and is the same" cmp even.tap "y-$name.tap"
done

# ---- Losses ----------------------------------------------------------------

# lossy REGEX SOURCE TARGET FILE SENTENCE: it is a loss, told before anything.
lossy()
{
	exits 1 "$5 is not lost silently" convert "$2" "$3"
	complains "would be lost: $1" '... it says what would be lost'
	complains 'not converted; --lossy' '... and how to do it nevertheless'
	absent "$4" '... and leaves nothing'
	exits 0 "$5 can be lost on purpose" convert --lossy "$2" "$3"
	says 'lost: .*lost in all: ' '... which lists it'
}

tape sizes.tap 80 512 m 90 600 m
lossy '2 too large records, the first at object 1, offset 88: 512 .* most is 100' \
	sizes.tap file:large.tap,max=100 large.tap 'a record too large'
says 'lost in all: 2 records too large' '... and counts it'
img ls --json large.tap
json '$j->[0]{records} == 1 && $j->[1]{records} == 1 &&
	$j->[1]{smallest} == 90 && $j->[2]{filemarks} == 1' \
	'... and keeps the others'
lossy '2 too small records, the first at object 0, offset 0: 80 .* least is 100' \
	sizes.tap file:small.tap,min=100 small.tap 'a record too small'
says 'lost in all: 2 records too small' '... and counts it'

tape bad.tap 80 b40 b0 81
lossy '2 bad records, the first at object 1, offset 88: .* not the mark' \
	bad.tap good.tap good.tap 'that a record was bad'
says 'object 1, offset 88: .* copied, but without' '... its data are kept'
says 'object 2, offset 136: left out' '... if it has any'
img ls --json good.tap
json '$j->[0]{records} == 3 && $j->[0]{bad} == 0 && $j->[0]{bytes} == 201' \
	'... and count as a record'

tape hurt.tap 30x80 m 80
damage hurt.tap 92 0 0   # data only: nobody can see that
damage hurt.tap 176 51
damage hurt.tap 1140 51
lossy '2 damaged places, the first at object 2, offset 176: leading length' \
	hurt.tap mended.tap mended.tap 'a damaged record'
says 'object 2, offset 176: .*object 12, offset 1056' '... each of them'
says 'lost in all: what was at 2 damaged places' '... and counts them'
exits 0 '... and the rest is a clean tape' check mended.tap
says '29 records .* and 1 filemark' '... with all that can be read'

lossy '1 damaged place, .*file ends at' "$images/simh/cut-in-data/image.tap" \
	cut.tap cut.tap 'a record that is cut off'
says 'nothing that can be read follows' '... and says that it was the last'

# ---- Failures --------------------------------------------------------------

exits 1 'a target that is too small' convert a.tap file:full.tap,capacity=2000
complains 'end of the medium.*more room' '... is refused, with the way out'
absent full.tap '... and nothing is left'
exits 1 '... unless --keep' convert --keep a.tap file:full.tap,capacity=2000
complains 'kept' '... which says so'
exits 0 '... and keeps a tape that is whole as far as it goes' check full.tap
ok '... and the same' cmp -n "$(stat -c %s full.tap)" full.tap a.tap
touch blank.tap
exits 1 'a blank target that is too small' convert a.tap \
	file:blank.tap,capacity=2000
is 0 "$(stat -c %s blank.tap)" '... is blank again'
exits 1 'a source that fails' convert 'fault:{file:a.tap},do=read 3 EIO' e.tap
absent e.tap '... leaves nothing'
exits 1 'a target that fails' convert a.tap \
	'fault:{file:f.tap},do=write 3 EIO'
complains 'EIO|on purpose|fault' '... is told of'
if [ -w /dev/full ]; then
	exits 1 'what is no file is no target' convert a.tap /dev/full
fi
exits 2 'an unknown format' convert --to sink a.tap g.tap
absent g.tap '... leaves nothing'

# The disk of the host can be full, too: here by a limit on the file.
tape big.tap 40x512
(
	ulimit -f 8 # KiB
	timeout 60 "$pmtimg" convert big.tap h.tap >out 2>err
)
is 1 $? 'a full disk is a failure'
complains 'end of the medium|full|too large' '... and it says so'
absent h.tap '... and nothing is left'

# ---- Signals ---------------------------------------------------------------

grows() # FILE BYTES
{
	[ "$(stat -c %s "$1" 2>/dev/null || echo 0)" -ge "$2" ]
}

tape a.tap 100x512 m m
for signal in INT TERM; do
	rm -f part.tap
	"$pmtimg" convert 'fault:{file:a.tap},do=read 50 stall=1' part.tap \
		>out 2>err &
	pid=$!
	await 10 grows part.tap $((49 * 520))
	kill -$signal $pid
	reap $pid
	status=$?
	is $((128 + $(kill -l $signal))) $status "SIG$signal ends it, with its status"
	complains "stopped by SIG$signal after object 49 \(offset 25480\)" \
		'... and it says where'
	exits 0 '... and what there is is a clean tape' check part.tap
	is $((50 * 520)) "$(stat -c %s part.tap)" '... of whole records'
	ok '... the same as in the source' cmp -n $((50 * 520)) a.tap part.tap
done

done_testing
