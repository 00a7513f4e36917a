#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# SIGTERM and SIGINT: pmtd finishes what it is at, writes what close would have
# written, takes the nodes away and ends in time, whatever programs do.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

client=''
said=$scratch/said # what the client has said
go=$scratch/go

# start_client OP...: at the operation wait:$go it waits for release.
start_client()
{
	: >"$said" # here, so that nobody sees what the last one said
	"$tapeop" "$ntape" "$@" >"$said" &
	client=$!
}

# Opening a fifo waits for the other end to be opened, so this can't be too early.
release()
{
	# shellcheck disable=SC2016 # The inner shell expands it.
	timeout 10 sh -c ': >"$1"' sh "$go"
	reap "$client"
}

# end_with SIGNAL WHAT
end_with()
{
	end_pmtd "$1"
	ok "SIG$1 ends pmtd within 2 s, with status 0 and no node left: $2" \
		ended_well
}

idle()
{
	start_drive
	end_with "$1" 'nothing was done'
	is '' "$(layout)" 'and the tape is as blank as before'
}

# What the kernel tells a program whose device has gone away.
gone='(ENOTCONN|ECONNABORTED)'

open_after_write()
{
	start_drive
	start_client wo write:1024 write:1024 "wait:$go" write:1024 \
		place close
	await 10 contains "$said" 'ok 1024 1024' || bail 'the client hangs'
	end_with "$1" 'a program has written and not closed'
	is '1024*2 mark' "$(layout)" \
		'what it has written is there, and the filemark of its close'
	release
	like "^ok 1024 1024 ok $gone $gone (ok|$gone)\$" "$(<"$said")" \
		'the program gets an errno for all that follows'
}

open_after_read()
{
	start_drive
	op wo write:1024 write:1024 close >"$said"
	start_client rw rewind read:1024 "wait:$go" read:1024 close
	await 10 contains "$said" 'ok ok 1024' || bail 'the client hangs'
	end_with "$1" 'a program has read and not closed'
	is '1024*2 mark' "$(layout)" 'nothing is written for that'
	release
	like "^ok ok 1024 ok $gone (ok|$gone)\$" "$(<"$said")" \
		'the program gets an errno for all that follows'
}

image_larger_than()
{
	[ "$(stat -c %s "$image")" -gt "$1" ]
}

# in_full_swing SIGNAL SIZE: there can be one record more than acknowledged, if
# its answer did not reach the program any more.  A record that comes in pieces
# is written to its end first.
in_full_swing()
{
	local size=$2 acknowledged found=0

	start_drive
	start_client wo "fill:$size" write:1 close
	await 10 image_larger_than $((size * 5)) || bail 'the client hangs'
	end_with "$1" "a program writes records of $size"
	reap "$client"
	like "^ok [0-9]+ $gone $gone (ok|$gone)\$" "$(<"$said")" \
		'the program gets an errno, and no write is cut short'
	acknowledged=$(cut -d ' ' -f 2 "$said")
	[[ $(layout) =~ ^$size(\*([0-9]+))?' mark'$ ]] &&
		found=${BASH_REMATCH[2]:-1} # one alone has no number
	like "^($acknowledged|$((acknowledged + 1)))\$" "$found" \
		'every acknowledged record is there, and the filemark'
}

# The tape is held before it writes the third record.
held()
{
	start_held write 3
	start_client wo write:1024 write:1024 write:1024 write:1024 close
	await 10 contains "$said" 'ok 1024 1024' || bail 'the client hangs'
	await 10 is_held || bail 'the tape is not held'
}

slow_tape()
{
	held
	{ pause 0.5; let_go; } &
	end_with "$1" 'the tape takes half a second for a record'
	is '1024*3 mark' "$(layout)" 'the record in flight has been finished'
	reap "$client"
	like "^ok 1024 1024 (1024|$gone) $gone (ok|$gone)\$" "$(<"$said")" \
		'the program gets an errno for all that follows'
}

hanging_tape()
{
	held
	end_pmtd "$1"
	is 1 "$end_status" "SIG$1 ends pmtd even if the tape hangs: status 1"
	ok 'within 2 s' [ "$end_ms" -lt 2000 ]
	ok 'with no node left' nodes_are_gone
	like 'the tape hangs' "$(tail -n 1 "$log")" 'and pmtd says why'
	reap "$client"
	like "^ok 1024 1024 $gone $gone (ok|$gone)\$" "$(<"$said")" \
		'the program gets an errno, and does not hang'
	is '1024*2' "$(layout)" 'what was acknowledged is there'
}

mkfifo "$go"
for signal in TERM INT; do
	idle $signal
	open_after_write $signal
	open_after_read $signal
	in_full_swing $signal 65536
	slow_tape $signal
	hanging_tape $signal
done
in_full_swing TERM 1
in_full_swing TERM 4194304
done_testing
