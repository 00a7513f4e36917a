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

# start_daemon: the pipe shows whether the daemon lets go of standard output.
start_daemon()
{
	rm -f "$image"
	timeout 10 "$pmtd" "${options[@]}" "file:$image" 2>&1 </dev/null | cat
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

as_a_daemon
taken_away
under_a_manager
done_testing
