#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# close(2): when it returns the filemark is on the image, and the drive is free
# again; however the file comes to be closed.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

times=1000
file=$((4 + 1024 + 4 + 4)) # bytes on the image: a record of 1024, and its filemark

# thousand_expected: what tapeop prints if every close(2) is followed by an image
# with one filemark more, and by a drive that stands behind it.
thousand_expected()
{
	local i

	for ((i = 1; i <= times; i++)); do
		echo "ok 1024 ok $((i * file)) ok $i/0 ok"
	done
}

in_a_row()
{
	start_drive
	op -n "$times" wo write:1024 close "size:$image" ro place close \
		>"$scratch/seen"
	thousand_expected >"$scratch/expected"
	ok "$times times: the filemark is there when close returns" \
		diff "$scratch/expected" "$scratch/seen"
	is "$(yes '1024 mark' | head -n "$times")" "$(layout)" \
		"$times files are on the image"
	stop_pmtd
}

# Each time the tape is written from BOT, so each time it is the same.
rewinding()
{
	start_drive
	"$tapeop" "$tape" -n "$times" wo write:1024 close "size:$image" \
		ro read:2048 read:2048 close >"$scratch/seen"
	ok "$times times: the tape is rewound when close returns" \
		diff <(yes "ok 1024 ok $file ok 1024 0 ok" |
			head -n "$times") "$scratch/seen"
	stop_pmtd
}

# left_behind EXPECTED SENTENCE: what is on the image, and that the drive is free.
left_behind()
{
	is "$1" "$(layout)" "$2"
	is 'ok ok' "$(op ro close)" 'and the drive is free'
}

without_close()
{
	local i seen=''

	start_drive
	for ((i = 1; i <= 20; i++)); do
		op wo write:1024 >>"$log"
		seen+="$(stat -c %s "$image") "
	done
	is "$(seq -s ' ' $file $file $((20 * file))) " "$seen" \
		'a process that exits without close has left a filemark behind'
	stop_pmtd
}

# exits SENTENCE LAYOUT PLACE NODE OP...: on a tape of two files, and without
# close.
exits()
{
	local sentence=$1 expected=$2 place=$3 node=$4

	shift 4
	start_drive
	op wo write:1024 weof write:512 close rw rewind >>"$log"
	"$tapeop" "$node" "$@" >>"$log"
	is "$place" "$(op ro place)" "$sentence: the tape stands where it should"
	is "$expected" "$(layout)" '... and is as it should be'
	stop_pmtd
}

exits_after()
{
	local both=$'1024 mark\n512 mark'

	exits 'exit after a write in the middle' '256 mark' 'ok 1/0' \
		"$ntape" wo write:256
	exits 'exit after MTWEOF writes no other filemark' '256 mark' 'ok 1/0' \
		"$ntape" wo write:256 weof
	exits 'exit after MTWEOF 2' $'256 mark\nmark' 'ok 2/0' \
		"$ntape" wo write:256 weof:2
	exits 'exit after a read' "$both" 'ok 0/1' "$ntape" ro read:1024
	exits 'exit after a read of a filemark' "$both" 'ok 1/0' \
		"$ntape" ro read:1024 read:1024
	exits 'exit after MTEOM' "$both" 'ok 2/-1' "$ntape" ro eom
	exits 'exit after a write and a rewind' '256 mark' 'ok 0/0' \
		"$ntape" wo write:256 rewind
	exits 'exit after a write to the node that rewinds' '256 mark' \
		'ok 0/0' "$tape" wo write:256
	exits 'exit after MTWEOF on the node that rewinds' '256 mark' \
		'ok 0/0' "$tape" wo write:256 weof
	exits 'exit after a read from the node that rewinds' "$both" 'ok 0/0' \
		"$tape" ro read:1024 read:1024
}

# A process that dies has closed its files when it can be waited for.
killed()
{
	local client

	start_drive
	mkfifo "$scratch/fifo"
	: >"$scratch/seen" # here, so that nobody sees what was said before
	"$tapeop" "$ntape" wo write:1024 "wait:$scratch/fifo" \
		>"$scratch/seen" &
	client=$!
	await 10 contains "$scratch/seen" 'ok 1024'
	kill -KILL "$client"
	wait "$client" 2>/dev/null
	left_behind '1024 mark' 'so has one that was killed'
	stop_pmtd
}

# The file is closed with its last descriptor, and no sooner.
copies()
{
	start_drive
	is 'ok 1024 ok 0/1 1024 ok' "$(op wo write:1024 dup place \
		write:1024 close)" 'to close a copy is not to close the file'
	left_behind '1024*2 mark' 'one filemark is written for the file'
	stop_pmtd
	start_drive
	is 'ok 1024 ok 0/1 1024 ok' "$(op wo write:1024 fork place \
		write:1024 close)" 'nor is it the exit of a child'
	left_behind '1024*2 mark' 'one filemark is written for the file'
	stop_pmtd
	start_drive
	is 'ok ok ok 0/2 512 ok' "$(op wo fork:1024 \
		fork:1024 place write:512 close)" \
		'children write to the file of their parent'
	left_behind '1024*2 512 mark' 'one filemark is written for the file'
	stop_pmtd
}

# filemarks SENTENCE EXPECTED-LAYOUT OP...: on a tape of two records.
filemarks()
{
	local sentence=$1 expected=$2

	shift 2
	start_drive
	op wo write:1024 write:1024 close >>"$log"
	op "$@" close >>"$log"
	is "$expected" "$(layout)" "$sentence"
	stop_pmtd
}

# Only what has been written is in need of a filemark.
when_none()
{
	filemarks 'close after a read writes no filemark' '1024*2 mark' \
		rw rewind read:1024
	filemarks 'close after a movement writes no filemark' '1024*2 mark' \
		rw rewind fsr
	filemarks 'close after MTWEOF does not write another' \
		$'1024*2 mark\n512 mark' rw eom write:512 weof
	filemarks 'close after MTWEOF 0, which only flushes, writes none' \
		$'1024*2 mark\n512' rw eom write:512 weof:0
	filemarks 'close after MTNOP writes one, as after the write' \
		$'1024*2 mark\n512 mark' rw eom write:512 nop
	filemarks 'a rewind after a write has written one' \
		$'1024*2 mark\n512 mark' rw eom write:512 rewind
}

in_a_row
rewinding
without_close
exits_after
killed
copies
when_none
done_testing
