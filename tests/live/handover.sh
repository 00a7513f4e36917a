#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# One pmtserve takes over from another, again and again, while tar writes and
# reads; and what becomes of a successor that can't.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar setsid

runs=4 # at each of writing and reading
[ "$transport" = fuse ] || runs=2
runs=${PMT_RUNS:-$runs}
hand=$scratch/hand
data 6000000 1 >"$scratch/data"

# successor: in the place of the one that serves; both their ends are
# seen.
successor()
{
	local before=$serve_pid

	"$pmtserve" --foreground --take-over "$hand" --handover "$hand" \
		--pidfile "$scratch/serve.pid" "file:$image" \
		2>>"$serve_log" &
	serve_pid=$!
	reap "$before" || return
	await 10 taken_over
}

taken_over()
{
	[ "$(cat "$scratch/serve.pid" 2>/dev/null)" = "$serve_pid" ]
}

# slowly: standard input, piece by piece, each when the next line comes at $steps.
slowly()
{
	local piece

	for ((piece = 0; piece <= runs; piece++)); do
		head -c $((6000000 / runs)) && read -r <&"$steps"
	done
	cat
}

# take_over_often: between pieces of what tar is given, or gives.
take_over_often()
{
	local run status=0

	for ((run = 0; run < runs; run++)); do
		echo go >&"$steps"
		successor || status=1
	done
	echo go >&"$steps"
	return "$status"
}

open_steps()
{
	rm -f "$scratch/steps"
	mkfifo "$scratch/steps"
	exec {steps}<>"$scratch/steps"
}

writing()
{
	open_steps
	{ slowly <"$scratch/data" | dd of="$ntape" bs=10000 iflag=fullblock \
		status=none; } 2>"$scratch/said" &
	client=$!
	ok "a new pmtserve takes over $runs times while records are written" \
		take_over_often
	ok '... which the program does not notice' reap "$client"
	is '' "$(<"$scratch/said")" '... by a single word'
	is '10000*600 mark' "$(layout)" 'each record is on the tape, once'
	ok '... and all are as they were' \
		cmp "$scratch/data" <("$live/simh-ls" -x 0 "$image")
}

reading()
{
	mt -f "$ntape" rewind
	open_steps
	{ dd if="$ntape" bs=10000 status=none | slowly >"$scratch/back"; } \
		2>"$scratch/said" &
	client=$!
	ok "it takes over $runs times while they are read" take_over_often
	ok '... which the program does not notice' reap "$client"
	is '' "$(<"$scratch/said")" '... by a single word'
	ok '... and reads what was written' cmp "$scratch/data" "$scratch/back"
}

# The place, and what was set, are known to the successor.
places()
{
	local before

	op rw rewind fsr:7 close >"$scratch/said"
	before=$(place)
	ok 'it takes over in the middle of a file' successor
	is "$before" "$(place)" '... and the tape stands where it stood'
	is "$(dd if="$scratch/data" bs=10000 skip=7 count=1 status=none | cksum)" \
		"$(dd if="$ntape" bs=10000 count=1 status=none | cksum)" \
		'... to be read from there'
	ok 'mt offline unloads the tape' mt -f "$ntape" offline
	ok 'it takes over an unloaded one' successor
	fails '... which stays unloaded' mt -f "$ntape" rewind
	ok '... until it is loaded' mt -f "$ntape" load
}

refused()
{
	local before=$serve_pid

	mt -f "$ntape" rewind
	mt -f "$ntape" fsf 1
	fails 'a tape that is not the same is refused' \
		timeout 10 "$pmtserve" --foreground --take-over "$hand" \
		"file:$scratch/other.tap"
	like 'is it the same tape' "$(<"$scratch/output")" '... in words'
	ok '... and the old one goes on' kill -0 "$before"
	is 1/0 "$(place)" '... with the tape where it was'
	fails 'a successor without an image it can write' \
		timeout 10 "$pmtserve" --foreground --take-over "$hand" \
		"file:$scratch/none/such.tap"
	is 1/0 "$(place)" '... leaves it likewise'
	fails 'nobody takes over where nobody hands over' \
		timeout 10 "$pmtserve" --foreground --take-over "$scratch/no" \
		"file:$image"
	like 'No such file' "$(<"$scratch/output")" '... and says so'
	echo nonsense | timeout 10 perl -MIO::Socket::UNIX -e '
		IO::Socket::UNIX->new(Peer => shift)->print(<STDIN>)' "$hand"
	is 1/0 "$(place)" 'a stranger that goes away again does no harm'
}

# With a bound, so that a drive that nobody answers is seen.
place_soon()
{
	timeout 20 mt -f "$ntape" status |
		sed -n 's/^File number=\(.*\), block number=\(.*\), .*/\1\/\2/p'
}

# Who only connects gets nothing, and costs no more than a moment.
silent()
{
	: >"$scratch/said" # here, so that nobody sees what was said before
	perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => shift)
		or die; print "is there\n"; close STDOUT; <STDIN>' "$hand" \
		>"$scratch/said" <&"$steps" &
	stranger=$!
	await 10 contains "$scratch/said" 'is there'
	is 1/0 "$(place_soon)" 'a stranger that stays, and is silent, does no harm'
	fails '... nor gets the tape' unloaded
	kill -KILL "$stranger"
	reap "$stranger"
}

unloaded()
{
	timeout 10 "$build/pmtimg" ls "$image" >"$scratch/output" 2>&1
}

# With the pair in its hands, and the tape not loaded yet.
killed()
{
	fails 'nobody else has the tape' unloaded
	: >"$hold"
	"$pmtserve" --foreground --take-over "$hand" \
		"fault:{file:$image},do=load 1 hold=$hold" 2>>"$serve_log" &
	ok 'a successor that is at loading the tape' await 10 unloaded
	kill -KILL $!
	reap $!
	is 1/0 "$(place)" '... and dies, leaves all as it was'
}

# The old one is ended while the new one loads the tape; a request waits.
ended_meanwhile()
{
	local heir client

	: >"$hold"
	"$pmtserve" --foreground --take-over "$hand" --handover "$hand" \
		"fault:{file:$image},do=load 1 hold=$hold" 2>>"$serve_log" &
	heir=$!
	await 10 unloaded
	timeout 20 mt -f "$ntape" rewind >"$scratch/output" 2>&1 &
	client=$!
	pause 0.3 # until it waits
	end_serve TERM
	let_go
	is 0 "$end_status" 'SIGTERM ends the old one in the middle of a handover'
	ok '... and what was asked is left to the new one' reap "$client"
	is 0/0 "$(place_soon)" '... who has done it'
	serve_pid=$heir
	await 10 test -e "$hand"
}

start_pmtd_alone()
{
	PMT_PAIR='' start_pmtd "pair:$scratch/socket"
}

# The socket is the same, whichever way programs come.
ends=("$slave" "$scratch/socket")
[ "$transport" = fuse ] || ends=("$slave")
for node in "${ends[@]}"; do
	rm -f "$image"
	start_pmtd_alone
	start_serve --handover "$hand" "$node" "file:$image"
	writing
	reading
	places
	refused
	silent
	killed
	ended_meanwhile
	end_serve TERM
	is 0 "$end_status" 'SIGTERM ends the last of them, with status 0'
	ok '... and no socket is left' [ ! -e "$hand" ]
	stop_pmtd
done
done_testing
