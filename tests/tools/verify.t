#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtimg verify: whether tapes hold the same, and where they differ first.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"

# after a.tap: begins like it.  SIMH adds 8 bytes to a record, and 4 a filemark.
tape a.tap 4x512 m 30x512 m m 1 2x1001 m m
cp a.tap b.tap
exits 0 'two equal tapes' verify a.tap b.tap
says '^the same on all: 42 objects: 37 records \(19411 bytes\) and 5 filemarks$' \
	'... are said to be the same, and how much that is'
exits 0 'what format they are in makes no difference' convert --to aws a.tap a.aws
exits 0 '... nor how many they are' verify a.tap a.aws b.tap
exits 0 'the legs of a mirror can be named as in its spec' verify \
	'mirror:{file:a.tap,format=simh,file:b.tap},on_leg_error=stop'
exits 0 '... or in braces alone' verify '{file:a.tap,file:b.tap}'
exits 0 'blank tapes are the same' verify null: null:
says 'the same on all: 0 objects' '... with nothing on them'
exits 0 '-q is quiet about what is well' verify -q a.tap b.tap
is '' "$(cat out err)" '... altogether'
exits 0 'in JSON' verify --json a.tap b.tap
json '@$j == 1 && $j->[0]{kind} eq "summary" && $j->[0]{same} &&
	$j->[0]{objects} == 42 && $j->[0]{records} == 37 &&
	$j->[0]{bytes} == 19411 && $j->[0]{filemarks} == 5' \
	'... that is a summary'

# ---- Differences -----------------------------------------------------------

# Byte 100 of record 6, which is record 1 of file 1.
damage b.tap $((4 * 520 + 4 + 520 + 4 + 100)) 00
exits 1 'one byte that is not the same' verify a.tap b.tap
says 'differ: object 6 \(file 1, record 1\)' '... is found, by object'
says 'b.tap: offset 2604: a record of 512 bytes, other than on a.tap from byte 100' \
	'... offset, and byte'
says 'before that: 6 objects: 5 records \(2560 bytes\) and 1 filemark' \
	'... and it says how much precedes'
says 'a.tap: 42 objects in all: 37 records and 5 filemarks' \
	'... and how much each one holds'
exits 1 'of three tapes' verify a.tap b.tap a.aws
says 'a.aws: offset .*: a record of 512 bytes, the same as on a.tap' \
	'... it says which ones agree'
exits 1 'a difference in JSON' verify --json a.tap b.tap
json '$j->[0]{kind} eq "difference" && $j->[0]{object} == 6 &&
	$j->[0]{file} == 1 && $j->[0]{record} == 1 &&
	$j->[0]{tapes}[1]{first_other_byte} == 100 &&
	$j->[0]{tapes}[1]{tape} eq "b.tap" && $j->[0]{tapes}[1]{bytes} == 512 &&
	$j->[1]{kind} eq "summary" && !$j->[1]{same} && $j->[1]{objects} == 6 &&
	$j->[3]{kind} eq "end" && $j->[3]{objects} == 42' '... has all of that'

head -c $((4 * 520 + 4 + 20 * 520)) a.tap >short.tap
exits 1 'a tape that ends before the other' verify a.tap short.tap
says 'differ: object 25 \(file 1, record 20\)' '... differs there'
says 'short.tap: offset 12484: end of data' '... as it ends'
says "short.tap: is the beginning .* pmtimg copy --resume 'a.tap' 'short.tap'" \
	'... and that it can be completed is said, with the command'
ok '... which works as it is printed' bash -c \
	"$(sed -n "s|.*completed by: pmtimg|timeout 60 '$pmtimg'|p" out)"
exits 0 '... after which they are the same' verify a.tap short.tap

tape len.tap 4x512 m 29x512 m
head -c $((4 * 520 + 4 + 29 * 520)) a.tap >kind.tap
cp kind.tap long.tap
printf '\0\0\0\0' >>kind.tap
exits 1 'a record where the other has a filemark' verify a.tap kind.tap
says 'a.tap: offset 17164: a record of 512.*kind.tap: offset 17164: a filemark' \
	'... is a difference'
says "kind.tap: is the beginning .*copy --resume 'a.tap' 'kind.tap'" \
	'... but may be the one that st writes when a program dies'
perl -e 'print pack("V a* V", 100, "x" x 100, 100)' >>long.tap
exits 1 'a record of another length' verify a.tap long.tap
says 'long.tap: offset 17164: a record of 100 bytes, other than on a.tap from' \
	'... is a difference, too'
exits 1 'all of a tape can differ' verify a.tap len.tap null:
says 'differ: object 0' '... from the first object on'

# ---- Damage ----------------------------------------------------------------

cp a.tap b.tap
exits 1 'a record that can not be read' verify a.tap \
	'fault:{file:b.tap},do=read 9 EIO'
says 'damage: fault:.*: object 8 \(file 1, record 3\), offset .*: read call 9' \
	'... is named, by tape and object'
says 'before that: 8 objects' '... with what precedes'
says 'behind damage: 33 objects: 29 records' '... and what follows is compared'
damage b.tap $((4 * 520 + 4 + 25 * 520 + 11)) 00
exits 1 'a difference behind damage' verify a.tap \
	'fault:{file:b.tap},do=read 9 EIO'
says 'damage: .*object 8 .*differ: object 30 ' '... is found as well'
exits 1 'damage in JSON' verify --json a.tap 'fault:{file:b.tap},do=read 9 EIO'
json '$j->[0]{kind} eq "damage" && $j->[0]{object} == 8 &&
	$j->[0]{continues} && $j->[1]{kind} eq "difference" &&
	$j->[1]{object} == 30' '... and the difference, too'

cp a.tap rot.tap
damage rot.tap $((4 * 520 + 4 + 3 * 520 + 516)) ff
exits 1 'an image where it is not certain what follows damage' verify a.tap \
	rot.tap
says 'damage: rot.tap: object 8 .*not compared from there on' \
	'... is left out from there on'
says 'before that: 8 objects' '... and what precedes is told'
exits 1 '... while two others' verify a.tap rot.tap len.tap
says 'damage: rot.tap: object 8 .*differ: object 34 ' '... are compared on'
exits 1 'a bad record on both' verify "$images/simh/bad-record/image.tap" \
	"$images/simh/bad-record/image.tap"
says 'damage: .*object 1 .*recorded as read with an error' '... is no equality'
exits 1 'an end that can not be read' verify a.tap \
	'fault:{file:a.tap},do=read object 42 EIO'
says 'damage: .*object 42 .*not compared from .*before that: 42 objects' \
	'... is damage, and what precedes is the same'

# ---- What can't be compared ------------------------------------------------

exits 2 'a tape that is not there' verify a.tap gone.tap
complains 'gone.tap: can.t be opened' '... can not be compared'
is '' "$(ls gone.tap 2>/dev/null)" '... and is not made'
exits 2 'one tape alone' verify a.tap
complains 'nothing to be compared with|tape spec' '... can not be, either'
exits 2 'one that is no mirror' verify file:a.tap
complains 'nothing to be compared with' '... and it says so'
exits 2 'nine tapes are too many' verify a.tap a.tap a.tap a.tap a.tap a.tap \
	a.tap a.tap a.tap
complains '8 are the most' '... and it says so'

: >err # here, so that nobody sees what was said before
"$pmtimg" verify --progress plain 'fault:{file:a.tap},do=read 2+ stall=1' \
	a.tap >out 2>err &
pid=$!
await 10 contains err 'verify: '
kill -INT $pid
reap $pid
is 130 $? 'SIGINT ends it'
says '^the same on all, so far: [0-9]+ objects?' \
	'... with what was seen up to there'
complains 'stopped by SIGINT at object' '... and where that is'

# ---- Drives ----------------------------------------------------------------

start_pmtd "file:$image"
exits 0 'a copy on a drive' copy a.tap "st:$ntape"
exits 0 '... is the same as what it was made of' verify a.tap "st:$ntape"
says 'the same on all: 42 objects: 37 records' '... in all'
exits 1 '... and not as another one' verify len.tap "st:$ntape"
says 'st:.*: offset 16896: a record .*st:.*: 42 objects in all' \
	'... and how long it is is found out'
stop_pmtd

done_testing
