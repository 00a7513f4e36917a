#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmtserve as a program: how it starts, waits, tells and ends, and that records of
# any size are the same through a node and through a socket.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar pgrep

socket=$scratch/socket
data 20000000 1 >"$scratch/data"

start_pair()
{
	rm -f "$image"
	PMT_PAIR='' start_pmtd "pair:$socket"
}

# large NODE: single records up to the largest there is.
large()
{
	local size

	for size in 1 126967 1000000 16777216; do
		mt -f "$ntape" rewind
		head -c $size "$scratch/data" >"$scratch/record"
		ok "a record of $size bytes is written ($1)" \
			dd if="$scratch/record" of="$ntape" bs=$size \
			iflag=fullblock status=none
		is "$size mark" "$(layout)" "... and on the tape ($1)"
		mt -f "$ntape" rewind
		dd if="$ntape" of="$scratch/back" bs=16777216 count=1 \
			status=none
		ok "... and read back ($1)" \
			cmp "$scratch/record" "$scratch/back"
	done
}

serves()
{
	start_pair
	start_serve "$1" "file:$image"
	large "$2"
	fails "a second pmtserve is refused ($2)" \
		timeout 10 "$pmtserve" --foreground "$1" null:
	like 'another program is the tape' "$(<"$scratch/output")" \
		"... and says why ($2)"
	kill -USR1 "$serve_pid"
	ok "SIGUSR1 makes it tell how the tape is ($2)" \
		await 5 contains "$serve_log" 'objects'
	end_serve TERM
	is 0 "$end_status" "SIGTERM ends it ($2)"
	ok "... and its pidfile is gone ($2)" [ ! -e "$scratch/serve.pid" ]
	start_serve "$1" "file:$image"
	is 0/0 "$(place)" "another one is another tape, at its beginning ($2)"
	stop_pmtd
	# shellcheck disable=SC2119 # No signal: by itself.
	end_serve
	is 1 "$end_status" "when pmtd ends, it ends, with status 1 ($2)"
	like 'pmtd has ended' "$(tail -n 1 "$serve_log")" "... in words ($2)"
	ok "... and the tape can be had by others ($2)" \
		timeout 10 "$build/pmtimg" ls "$image"
}

# write_twice: 5000 bytes, and when there is a file $scratch/go again.  Over FUSE
# a shell would close its copies of the descriptor, which looks like the end.
write_twice()
{
	perl -e 'open(my $tape, ">", shift) or die "$!\n";
		my $go = shift;
		$| = 1;
		print "wrote ", syswrite($tape, "x" x 5000), "\n";
		select(undef, undef, undef, 0.01) until -e $go;
		print syswrite($tape, "x" x 5000) ? "wrote\n" : "$!\n"' \
		"$ntape" "$scratch/go" >"$scratch/said"
}

# What is written and not yet durable is, when it is told to end.
ends_durably()
{
	start_pair
	start_serve "$slave" "file:$image"
	: >"$scratch/said" # here, so that nobody sees what was said before
	write_twice &
	client=$!
	ok 'a record is written' await 10 contains "$scratch/said" 'wrote 5000'
	end_serve TERM
	is 0 "$end_status" 'SIGTERM in the middle of a file ends it well'
	is 5000 "$(layout)" '... and what was acknowledged is on the tape'
	touch "$scratch/go"
	reap "$client"
	is 'Input/output error' "$(tail -n 1 "$scratch/said")" \
		'... and the program gets an error when it writes on'
	end_pmtd TERM
}

# is_pmtserve PID: no more the shell that starts it.
is_pmtserve()
{
	[ "$(readlink "/proc/$1/exe")" = "$pmtserve" ]
}

waits()
{
	"$pmtserve" --foreground --wait "$socket" "file:$image" \
		2>>"$serve_log" &
	serve_pid=$!
	start_pair
	ok 'with --wait it may be started before pmtd' \
		timeout 20 dd if="$scratch/data" of="$ntape" bs=1000 count=1 \
		status=none
	"$pmtserve" --foreground --wait "$socket" "file:$scratch/b.tap" \
		2>>"$serve_log" &
	second=$!
	end_serve TERM
	ok '... and another stands by until the first has gone' \
		timeout 20 dd if="$scratch/data" of="$ntape" bs=700 count=1 \
		status=none
	is '700 mark' "$("$live/simh-ls" "$scratch/b.tap")" \
		'... which is the tape then'
	kill -TERM "$second"
	reap "$second"
	is 0 $? '... and ends'
	"$pmtserve" --foreground --wait "$scratch/none" null: &
	second=$!
	await 10 is_pmtserve "$second"
	kill -TERM "$second"
	reap "$second"
	like '^(1|143)$' $? 'SIGTERM ends the wait'
	stop_pmtd
}

# It waits for whoever does not answer, but not when it is to end.
ends_while_opening()
{
	start_pair
	: >"$scratch/said" # here, so that nobody sees what was said before
	perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Listen => 1,
		Local => shift) or die; print STDOUT "listens\n"; close STDOUT;
		my $c = $s->accept; <$c>' "$scratch/silent" >"$scratch/said" &
	silent=$!
	await 10 contains "$scratch/said" listens
	for node in "$scratch/silent" "$ntape"; do
		"$pmtserve" --foreground --pidfile "$scratch/serve.pid" \
			"$node" "file:$image" 2>>"$serve_log" &
		serve_pid=$!
		await 10 catches_sigterm "$serve_pid"
		read -r -t 0.3 <> <(:) || : # until it waits
		end_serve TERM
		is 1 "$end_status" "SIGTERM ends it while it waits for $node"
		ok '... and no pidfile is left' [ ! -e "$scratch/serve.pid" ]
	done
	reap "$silent"
	stop_pmtd
}

catches_sigterm()
{
	local caught

	caught=$(sed -n 's/^SigCgt:[[:space:]]*/0x/p' "/proc/$1/status")
	[ $((${caught:-0} >> 14 & 1)) -eq 1 ]
}

as_a_daemon()
{
	local pid

	start_pair
	rm -f "$scratch/daemon.pid"
	ok 'it becomes a daemon and returns' timeout 10 "$pmtserve" \
		--pidfile "$scratch/daemon.pid" "$slave" "file:$image"
	pid=$(<"$scratch/daemon.pid")
	ok '... that serves' tar -cf "$ntape" -C "$live" run
	fails 'its pidfile is not for two' timeout 10 "$pmtserve" \
		--pidfile "$scratch/daemon.pid" "$slave" null:
	like "pmtserve is running already, as process $pid" \
		"$(<"$scratch/output")" '... and tells which has it'
	kill -TERM "$pid"
	ok '... and ends' await 10 ended "$pid"
	stop_pmtd
}

# refused STATUS WORDS ARGUMENT...
refused()
{
	local status=$1 words=$2

	shift 2
	timeout 10 "$pmtserve" --foreground "$@" >"$scratch/output" 2>&1
	is "$status" $? "refused: $*"
	like "$words" "$(<"$scratch/output")" '... in words'
}

refuses()
{
	refused 2 'have to be named'
	refused 2 'have to be named' /dev/pmts
	refused 2 'one node and one tape' /dev/pmts null: null:
	refused 2 'no more is named' --take-over x /dev/pmts null:
	refused 2 'exclude' --wait --take-over x null:
	refused 2 'no such option' --nothing
	refused 2 'pair' /dev/pmts "pair:$socket"
	refused 2 'nonsense' /dev/pmts nonsense:
	refused 1 'No such file' "$scratch/none" null:
	refused 1 'No such file' --handover "$scratch/no/hand" \
		"$scratch/none" null:
}

# The page's commands, as they are there; a drive over FUSE is one anywhere.
manual()
{
	mkdir -p "$scratch/try/src"
	echo more >"$scratch/try/more"
	echo old >"$scratch/try/src/old"
	awk '/^\.\\" commands/ { on = 1 } /^\.Ed/ { on = 0 }
		on && sub(/^\$ /, "")' "$live/../../docs/pmtserve.1" \
		>"$scratch/commands"
	ok 'the commands of pmtserve(1) work as they are there' \
		timeout 60 env PATH="$build:$PATH" bash -ec \
		"cd $scratch/try; . $scratch/commands"
	is 6 "$(wc -l <"$scratch/commands")" '... all six'
	mapfile -t left < <(pgrep -f "$scratch/try/")
	kill "${left[@]}"
	await 10 ended "${left[0]}"
	await 10 ended "${left[1]}"
}

serves "$slave" node
# The socket is the same, whichever way programs come.
[ "$transport" = cuse ] || serves "$socket" socket
ends_durably
waits
ends_while_opening
as_a_daemon
refuses
[ "$transport" = cuse ] || manual
done_testing
