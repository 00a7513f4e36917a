#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A drive whose tape is another program: none there, one that comes, a second one
# that wants to be it, one that goes; by node and by socket.  Those that break the
# rules are in pairbad.sh.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=pairlib.sh
. "$(dirname "$0")/pairlib.sh"
need tar cmp

client=''

# in_background OP...: says what it says in $scratch/client
in_background()
{
	: >"$scratch/client"
	"$tapeop" "$ntape" "$@" >"$scratch/client" 2>&1 &
	client=$!
}

# The client sleeps, as it does nowhere but in its open, whenever one looks.
sleeps()
{
	for _ in 1 2 3 4 5; do
		[[ $(<"/proc/$client/stat") =~ ^[0-9]+' (tapeop) '[SD]' ' ]] ||
			return 1
		pause 0.01
	done
} 2>/dev/null # It may have ended.

# The open that waits has the drive, so that another one is told.
waits()
{
	await 10 sleeps && mt -f "$ntape" status 2>&1 | grep -q busy
}

all_nodes()
{
	local name

	for name in pmt npmt pmtm pmts; do
		[ -e "$dev/$name" ] || return 1
	done
}

# nonblock PERL: opens the drive with O_NONBLOCK first, as $t.
nonblock()
{
	perl -MFcntl -MErrno -e 'sysopen(my $t, shift, O_RDWR | O_NONBLOCK)
		or die "open: $!\n"; '"$1" "$ntape"
}

without_slave_fails()
{
	start_pmtd --no-slave=fail pair:
	ok 'a pair has the nodes pmt, npmt, pmtm and pmts' all_nodes
	is ENOMEDIUM "$(op ro)" 'with --no-slave=fail an open is ENOMEDIUM'
	ok '... but with O_NONBLOCK it succeeds' nonblock ''
	like 'DR_OPEN' "$(mt -f "$ntape" status 2>&1)" \
		'... and the drive has no tape'
	start_slave "$slave"
	is "ok 0/0" "$(op ro place)" 'with a slave it opens'
	end_slave
	is ENOMEDIUM "$(op ro)" '... and without him, no more'
	stop_pmtd
}

without_slave_waits()
{
	start_pmtd pair:
	in_background wo write:1000 close
	ok 'an open waits for a slave, and has the drive' waits
	is '' "$(<"$scratch/client")" '... and nothing happens'
	start_slave "$slave"
	reap "$client"
	is 'ok 1000 ok' "$(<"$scratch/client")" 'it goes on when he comes'
	end_slave
	stop_pmtd
}

interrupted()
{
	start_pmtd pair:
	# shellcheck disable=SC2016 # It is perl's.
	is 'Interrupted system call' "$(timeout 20 perl -MFcntl -e '
		$SIG{ALRM} = sub { }; alarm 1;
		sysopen(my $t, shift, O_RDWR) or print $!' "$ntape")" \
		'a signal interrupts an open that waits'
	in_background ro
	ok 'one waits again' waits
	kill -KILL "$client"
	ok '... and can be killed' await 1 ended "$client"
	reap "$client"
	in_background ro
	ok 'the next waits' waits
	end_pmtd TERM
	ok 'SIGTERM ends pmtd all the same' ended_well
	reap "$client"
	like '^(ENOTCONN|ECONNABORTED)' "$(<"$scratch/client")" \
		'... and the open with it'
}

one_holder()
{
	start_pmtd pair:
	start_slave "$slave"
	like 'busy' "$("$slave_program" "$slave")" \
		'a second program finds the slave end busy'
	end_slave
	start_slave "$slave"
	pass 'it is free when the first has gone'
	like 'Invalid' "$(perl -MFcntl -e 'sysopen(my $t, shift, O_RDONLY)
		or print $!' "$slave")" 'it opens for reading and writing only'
	end_slave
	stop_pmtd
}

names()
{
	start_pmtd pair:
	start_slave "$slave"
	is 'ok 1000 ok' "$("$tapeop" "$dev/pmtm" wo write:1000 close)" \
		'pmtm is the master end'
	is 'ok 0/0' "$(op ro place)" '... and rewinds, as pmt'
	end_slave
	stop_pmtd
	start_pmtd --modes pair:
	start_slave "$slave"
	is 'ok ENXIO' "$("$tapeop" "$dev/pmtm" wo write:1000)" \
		'... but with --modes it is a mode that is not defined'
	ok '... one of eight, and the slave end' [ -e "$dev/npmta" ]
	end_slave
	stop_pmtd
}

a_new_slave()
{
	start_pmtd pair:
	start_slave "$slave"
	is 'ok 1000 ok 1000 ok ok' "$(op wo write:1000 weof:1 write:1000 weof:1 close)" \
		'two files are written'
	like '^2/0' "$(place)" '... and the drive stands behind'
	end_slave
	start_slave "$slave"
	is 'ok 0/0 EIO' "$(op ro place read:1000)" \
		'a new slave is another tape: at its beginning, and blank'
	ok 'the drive can be unloaded' mt -f "$ntape" offline
	like DR_OPEN "$(mt -f "$ntape" status 2>&1)" '... and has no tape then'
	is ENOMEDIUM "$(op ro)" '... nor takes it by itself from the same slave'
	ok '... until it is loaded' mt -f "$ntape" load
	is 'ok 0/0' "$(op ro place)" '... and can be used'
	end_slave
	stop_pmtd
}

archive()
{
	rewound tar -b "${2:-20}" -cf "$ntape" -C "$scratch/tree" . &&
		rewound tar -b "${2:-20}" -df "$ntape" -C "$scratch/tree"
}

by_poll()
{
	start_pmtd pair:
	start_slave "$slave" poll
	ok 'a slave that waits in poll(2), never in read(2)' archive tar
	end_slave
	start_slave "$slave" small
	ok 'a slave that reads with too small a buffer first' archive tar
	end_slave
	stop_pmtd
}

told()
{
	kill -USR1 "$pmtd_pid"
	await 10 contains "$log" "$1"
}

reports()
{
	start_pmtd pair:
	ok 'SIGUSR1 tells that nobody is there' told 'nobody holds the slave end'
	start_slave "$slave"
	op wo write:1000 close >/dev/null
	ok '... and who is' told "process $slave_pid has the slave end, a node, since"
	ok '... and what he has served' grep -q '[1-9] requests served' "$log"
	end_slave
	stop_pmtd
}

by_socket()
{
	local socket=$scratch/socket

	start_pmtd "pair:$socket"
	is 600 "$(stat -c %a "$socket")" 'the socket is for its owner only'
	in_background rw write:1000 rewind read:2000 close
	ok 'an open waits for a slave' waits
	start_slave "$socket"
	reap "$client"
	is 'ok 1000 ok 1000 ok' "$(<"$scratch/client")" \
		'who connects there is the tape'
	like 'out: end' "$("$slave_program" "$socket")" \
		'a second one is not let in'
	like 'busy' "$("$slave_program" "$slave")" '... nor at the node'
	ok 'an archive' archive tar
	ok '... and one in large records' archive tar 4096
	end_slave
	start_slave "$slave"
	ok 'the next may come by the node' archive tar
	end_slave
	stop_pmtd
	ok 'the socket is gone with pmtd' [ ! -e "$socket" ]
	start_pmtd "pair:$socket,mode=0666"
	is 666 "$(stat -c %a "$socket")" 'mode= is the mode of the socket'
	kill_pmtd
	start_pmtd "pair:$socket"
	pass 'a socket that a crash has left is taken over'
	fails '... but not one where somebody listens' "$pmtd" --foreground \
		--name other "${options[@]}" "pair:$socket"
	like 'another program listens' "$(<"$scratch/output")" '... with words'
	stop_pmtd
}

# Slaves as parts of another tape can't be there before pmtd is.
inside_of_another()
{
	local first socket=$scratch/first

	start_pmtd "mirror:{pair:$socket,pair:$scratch/second}"
	fails 'a mirror of two slaves has no tape at first' \
		timeout 10 dd if=/dev/zero of="$ntape" bs=1000 count=1
	start_serve "$socket" "file:$scratch/a.tap"
	first=$serve_pid
	start_serve "$scratch/second" "file:$scratch/b.tap"
	ok 'mt load loads it when they have come' \
		timeout 10 mt -f "$ntape" load
	ok '... and it is written to' \
		timeout 10 dd if=/dev/zero of="$ntape" bs=1000 count=3
	stop_pmtd
	reap "$first"
	reap "$serve_pid"
	is '1000*3 mark' "$("$live/simh-ls" "$scratch/a.tap")" \
		'... at the first'
	ok '... and the second' cmp "$scratch/a.tap" "$scratch/b.tap"
	start_pmtd "fault:{pair:$socket},do=read 1 EIO"
	start_serve "$socket" "file:$scratch/c.tap"
	ok 'a slave behind faults is loaded by an open' \
		timeout 10 dd if=/dev/zero of="$ntape" bs=1000 count=3
	stop_pmtd
	reap "$serve_pid"
}

refuses()
{
	local spec

	for spec in 'mirror:{pair:,null:}' 'fault:{pair:},do=read 1 EIO'; do
		fails "no slave end inside of another tape: $spec" "$pmtd" \
			--foreground "${options[@]}" "$spec"
		like 'name a socket' "$(<"$scratch/output")" '... in words'
	done
	for spec in pair:,mode=0600 pair:,timeout=x "pair:$scratch/x,mode=9" \
		"pair:$scratch/none/x"; do
		fails "a bad spec: $spec" "$pmtd" --foreground "${options[@]}" \
			"$spec"
	done
}

make_tree "$scratch/tree"
without_slave_fails
without_slave_waits
interrupted
one_holder
names
a_new_slave
by_poll
reports
by_socket
inside_of_another
refuses
done_testing
