#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Slaves that die, hang, or answer what can't be: the program at the master end
# gets EIO and can be killed, the slave is thrown out with a line that says why,
# and nothing else comes to harm.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=pairlib.sh
. "$(dirname "$0")/pairlib.sh"
need tar

lines()
{
	grep -c '^pmtd: pair: process .*\(gone\|thrown\)' "$log"
}

# usable: a new slave is a tape that works.  Over CUSE a close(2) that has failed
# is told to the first write after it.
usable()
{
	local said

	start_slave "$end"
	op wo write:1 close >"$scratch/output"
	said=$(op rw rewind write:5000 weof:1 rewind read:9000 close)
	end_slave
	echo "$said"
	[ "$said" = 'ok ok 5000 ok ok 5000 ok' ]
}

# misdeed WHAT OP WORDS OPERATION...: the last operation fails with EIO.
misdeed()
{
	local what=$1 op=$2 words=$3 said before

	shift 3
	before=$(lines)
	start_slave "$end" "$what:$op"
	said=$(op rw "$@")
	is EIO "${said##* }" "a slave does \"$what\" to $op: EIO"
	ok '... and has ended' await 10 ended "$slave_pid"
	reap "$slave_pid"
	like "$words" "$(grep '^pmtd: pair: process' "$log" | tail -n 1)" \
		'... with a line that says why'
	is $((before + 1)) "$(lines)" '... one line'
	ok '... and the next one is welcome' usable
}

all_misdeeds()
{
	misdeed die WRITE 'gone, with no answer to WRITE' write:1000 write:1000
	misdeed die READ 'gone, with no answer to READ' write:10 rewind read:10
	misdeed garbage WRITE 'thrown out' write:1000
	misdeed garbage READ 'thrown out' write:1000 rewind read:1000
	misdeed id REWIND 'an answer to another request' write:10 rewind
	misdeed op WRITE 'an answer to another operation' write:1000
	misdeed cond FILEMARKS 'a wrong condition' write:10 weof:1
	misdeed pos WRITE 'a position that does not follow' write:1000
	misdeed early WRITE 'thrown out: (an answer|more)' write:1000 write:1000
	misdeed long READ 'thrown out' write:1000 rewind read:1000 read:1000
}

# By the node one write(2) is one reply, so it can be too short.
short_at_the_node()
{
	misdeed short READ 'less bytes' write:1000 rewind read:1000
	misdeed long WRITE 'more bytes' write:1000
}

lost_until_loaded()
{
	start_slave "$end" die:FILEMARKS
	: >"$scratch/said" # here, so that nobody sees what was said before
	"$tapeop" "$ntape" rw write:1000 weof:1 rewind eom tell write:10 \
		wait:"$scratch/go" rewind place close >"$scratch/said" &
	client=$!
	await 10 contains "$scratch/said" 'EIO EIO EIO EIO EIO' ||
		diag <"$scratch/said"
	reap "$slave_pid"
	start_slave "$end"
	echo >"$scratch/go"
	reap "$client"
	is 'ok 1000 EIO EIO EIO EIO EIO ok EIO -1/-1 ok' "$(<"$scratch/said")" \
		'when a slave dies the tape is lost, also when another comes'
	is 'ok 0/0' "$(op rw place)" '... until the next open'
	kill -KILL "$slave_pid"
	reap "$slave_pid"
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

# With pauses until nobody takes it for a short wait any more.
stalled()
{
	local begin took

	start_slave "$end" stall:WRITE echo
	"$tapeop" "$ntape" wo write:1000 >"$scratch/said" &
	client=$!
	await 10 contains "$slave_said" WRITE || bail 'the slave gets no record'
	pause 0.3
	begin=$(now_ms)
	kill -KILL "$client"
	reap "$client"
	took=$(($(now_ms) - begin))
	ok "SIGKILL ends a program whose slave stalls, within 1 s ($took ms)" \
		[ "$took" -lt 1000 ]
	like busy "$(mt -f "$ntape" status 2>&1)" '... and the drive is busy'
	ok 'SIGUSR1 tells who has the slave end' told
	kill -KILL "$slave_pid"
	reap "$slave_pid"
	ok '... until the slave is gone' usable
}

told()
{
	kill -USR1 "$pmtd_pid"
	await 10 contains "$log" "process $slave_pid has the slave end"
}

# An open that waited for a slave, who then does not load his tape.
stalled_load()
{
	local begin took

	"$tapeop" "$ntape" ro >"$scratch/said" &
	client=$!
	start_slave "$end" stall:LOAD echo
	await 10 contains "$slave_said" LOAD || bail 'nobody loads the tape'
	pause 0.3
	begin=$(now_ms)
	kill -KILL "$client"
	reap "$client"
	took=$(($(now_ms) - begin))
	ok "SIGKILL ends an open whose slave stalls, within 1 s ($took ms)" \
		[ "$took" -lt 1000 ]
	kill -KILL "$slave_pid"
	reap "$slave_pid"
	ok '... and the next slave is welcome' usable
}

stalled_at_the_end()
{
	start_slave "$end" stall:FILEMARKS echo
	"$tapeop" "$ntape" wo write:1000 close >"$scratch/said" &
	client=$!
	await 10 contains "$slave_said" FILEMARKS || bail 'no filemark is asked'
	end_pmtd TERM
	ok 'SIGTERM ends pmtd within 2 s, though a slave stalls' [ "$end_ms" -lt 2000 ]
	ok '... with no node left' nodes_are_gone
	reap "$client"
	end_slave
}

too_slow()
{
	start_pmtd "pair:$1,timeout=1"
	start_slave "$end" slow:WRITE
	is 'ok EIO' "$(op wo write:1000)" 'an answer after timeout= is too late'
	ok '... as a line says' contains "$log" 'no answer to WRITE in 1 s'
	ok '... and its slave thrown out' await 10 ended "$slave_pid"
	reap "$slave_pid"
	ok '... for another' usable
	stop_pmtd
}

mkfifo "$scratch/go"
for end in "$slave" "$scratch/socket"; do
	socket=''
	[ "$end" = "$slave" ] || socket=$end
	start_pmtd "pair:$socket"
	all_misdeeds
	[ -n "$socket" ] || short_at_the_node
	lost_until_loaded
	stalled
	stalled_load
	stalled_at_the_end
	too_slow "$socket"
done
done_testing
