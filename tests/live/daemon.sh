#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Becoming a daemon: pmtd returns when the nodes can be used, tells a service
# manager the same, and ends when its nodes are taken away.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need pgrep ps


# daemon_pid: nobody else has the name of our image in the command line.
daemon_pid()
{
	pgrep -f -- "^$pmtd .*file:$image"
}

daemon_is_gone()
{
	! daemon_pid >"$scratch/output"
}

usable()
{
	[ "$(op rw write:512 close)" = 'ok 512 ok' ]
}

# start_daemon [OPTION...]: the pipe shows whether the daemon lets go of standard output.
start_daemon()
{
	rm -f "$image"
	timeout 10 "$pmtd" "${options[@]}" "$@" "file:$image" 2>&1 </dev/null | cat
	return "${PIPESTATUS[0]}"
}

as_a_daemon()
{
	ok 'pmtd returns with status 0, and lets go of its output' start_daemon
	is '' "$(<"$scratch/output")" 'and has nothing to say'
	ok 'at that moment the nodes can be used' usable
	pmtd_pid=$(daemon_pid)
	is "$pmtd_pid $pmtd_pid" "$(ps -o sid=,pgid= "$pmtd_pid" | xargs)" \
		'the daemon has a session of its own'
	kill -TERM "$pmtd_pid"
	ok 'SIGTERM ends it' await 2 daemon_is_gone
	ok 'and no node is left' nodes_are_gone
	is '512 mark' "$(layout)" 'the tape has what was written'
}

# take_away: as an administrator can do it.
take_away()
{
	case $transport in
	cuse) echo 1 >/sys/class/cuse/npmt/abort ;;
	fuse) fusermount3 -u "$dev" ;;
	esac
}

taken_away()
{
	start_daemon || bail 'the daemon does not start'
	op wo write:512 >"$scratch/said"
	ok 'the nodes are taken away from outside' take_away
	ok 'then pmtd ends' await 2 daemon_is_gone
	ok 'and no node is left' nodes_are_gone
	is '512 mark' "$(layout)" 'the tape has what was written'
}

# notified: prints what pmtd tells a service manager, a line each.  The manager
# exits when pmtd has ended.
notified()
{
	perl -MIO::Socket::UNIX -e '
		my ($path, $node) = splice @ARGV, 0, 2;
		my $manager = IO::Socket::UNIX->new(
			Type => SOCK_DGRAM, Local => $path) or die "$path: $!";
		$ENV{NOTIFY_SOCKET} = $path;
		defined(my $pid = fork) or die "fork: $!";
		exec @ARGV if $pid == 0;
		$| = 1;
		alarm 10; # so that a pmtd that says nothing is an end, too
		my $said = "";
		until ($said =~ /STOPPING=1/) {
			$manager->recv($said, 1024);
			print "$said\n";
			kill TERM => $pid if $said =~ /READY=1/ && -e $node;
		}
		waitpid $pid, 0;
		print "status $?\n";
	' "$scratch/manager" "$ntape" \
		"$pmtd" --foreground "${options[@]}" "file:$image"
}

under_a_manager()
{
	is $'READY=1\nSTOPPING=1\nstatus 0' "$(notified)" \
		'a service manager hears when the nodes are there, and of the end'
	ok 'and no node is left' nodes_are_gone
}

# kill_daemon SIGNAL: and it is gone.
kill_daemon()
{
	kill "-$1" "$(daemon_pid)"
	await 2 daemon_is_gone
}

# refused WORDS OPTION...: another pmtd is not started, and leaves no image.
refused()
{
	local words=$1 status=0

	shift
	timeout 10 "$pmtd" --foreground "$@" "file:$scratch/other.tap" \
		>"$scratch/output" 2>&1 || status=$?
	like "^1 pmtd: .*$words" "$status $(<"$scratch/output")" \
		"pmtd is refused: $words"
	ok 'and has made no image' [ ! -e "$scratch/other.tap" ]
}

with_a_pidfile()
{
	local file=$scratch/pmtd.pid other=(--name other)

	[ "$transport" = cuse ] || other=(--fuse "$scratch/other")
	mkdir -p "$scratch/other"
	ok 'pmtd takes a pidfile' start_daemon --pidfile "$file"
	pmtd_pid=$(daemon_pid)
	is "$pmtd_pid" "$(<"$file")" 'the number is there when pmtd returns'
	refused "$file: pmtd is running already, as process $pmtd_pid" \
		"${other[@]}" --pidfile "$file"
	is "$pmtd_pid" "$(<"$file")" 'the file stays as it is'
	ok 'the drive that was there goes on' usable
	ok 'SIGTERM ends it' kill_daemon TERM
	ok 'and the file is gone' [ ! -e "$file" ]

	start_daemon --pidfile "$file" || bail 'the daemon does not start'
	ok 'SIGKILL ends it' kill_daemon KILL
	unmount
	ok 'and the file is left' [ -s "$file" ]
	ok 'pmtd takes it over' start_daemon --pidfile "$file"
	is "$(daemon_pid)" "$(<"$file")" 'with its own number'
	kill_daemon TERM

	echo $$ >"$file"
	ok 'the number of somebody else does not count' \
		start_daemon --pidfile "$file"
	kill_daemon TERM
}

odd_pidfiles()
{
	local file=$scratch/odd

	echo 'This is a text.' >"$file"
	refused 'not a pidfile' "${options[@]}" --pidfile "$file"
	is 'This is a text.' "$(<"$file")" 'which stays as it is'
	refused 'No such file' "${options[@]}" --pidfile "$scratch/no/file"
	refused 'not a pidfile|directory' "${options[@]}" \
		--pidfile "$scratch"
	refused "$scratch/none" --fuse "$scratch/none" \
		--pidfile "$scratch/new"
	ok 'a start that fails leaves no pidfile' [ ! -e "$scratch/new" ]
}

# The process ends in another way then.
hanging()
{
	local file=$scratch/pmtd.pid

	rm -f "$image"
	: >"$hold"
	: >"$log"
	start_pmtd --pidfile "$file" "fault:{file:$image},do=write 1 hold=$hold"
	is "$pmtd_pid" "$(<"$file")" 'the number is there in the foreground, too'
	: >"$scratch/said" # here, so that nobody sees what was said before
	op wo write:512 >"$scratch/said" 2>&1 &
	await 10 contains "$scratch/said" ok || bail 'the client does not open'
	await 10 is_held || bail 'the tape is not held'
	end_pmtd TERM
	ok 'the file is gone when a tape that hangs is given up' \
		[ ! -e "$file" ]
	unmount
}

# reported: the state of the mirror and of each leg is in the log.
reported()
{
	contains "$log" 'mirror of 2, running: 2 objects, 1 files' &&
		contains "$log" "leg 2 (file:$image.b): healthy: 2 objects,"
}

on_request()
{
	rm -f "$image".?
	: >"$log"
	start_pmtd "mirror:{file:$image.a,format=simh,file:$image.b,format=simh}"
	op wo write:512 weof close >/dev/null
	kill -USR1 "$pmtd_pid"
	ok 'SIGUSR1 asks for a report of the tape and its legs' \
		await 10 reported
	ok 'and nothing else happens' mt -f "$ntape" status
	stop_pmtd
}

on_request_while_it_hangs()
{
	start_held write 1
	: >"$scratch/said" # here, so that nobody sees what was said before
	op wo write:512 >"$scratch/said" 2>&1 &
	await 10 contains "$scratch/said" ok || bail 'the client does not open'
	await 10 is_held || bail 'the tape is not held'
	kill -USR1 "$pmtd_pid"
	ok 'in an operation it says that there is one' \
		await 10 contains "$log" 'an operation is under way'
	let_go
	ok 'and the report follows' await 10 contains "$log" 'file: image.tap'
	wait $!
	stop_pmtd
}

as_a_daemon
taken_away
on_request
on_request_while_it_hangs
under_a_manager
with_a_pidfile
odd_pidfiles
hanging
done_testing
