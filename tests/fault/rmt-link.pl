# SPDX-License-Identifier: BSD-2-Clause
#
# A link that fails when it is told to: runs a server of the remote magtape
# protocol, and passes on what goes to it and comes from it.
#
#     rmt-link.pl DIR SERVER [ARG...]
#
# Once there is a file DIR/fault with a line "FAULT BYTES [SECONDS]", the bytes are
# counted, and behind so many of them the fault strikes, once:
#
#     cut      of requests: the link is gone; the server sees the end of its input
#     late     the same, but the server sees it only after SECONDS
#     stall    of requests: nothing passes for SECONDS
#     kill     of requests: the server gets SIGKILL
#     half     of replies: the link is gone; what the server has done is done
#     garbage  of replies: there come some that nobody has sent
#
# With "for good" behind it there is no other link: DIR/closed is made first.  It
# leaves DIR/struck.
use strict;
use warnings;
use IO::Select;
use POSIX 'setsid';
use Time::HiRes 'sleep';

my ($dir, @server) = @ARGV;

if (-e "$dir/closed") {
	print STDERR "no route to host\n";
	exit 1;
}
pipe(my $its_in, my $to) or die "pipe: $!\n";
pipe(my $from, my $its_out) or die "pipe: $!\n";
my $pid = fork;
die "fork: $!\n" unless defined $pid;
if ($pid == 0) {
	setsid(); # It is on another host: whoever kills us does not kill it.
	open(STDIN, '<&', $its_in) or die;
	open(STDOUT, '>&', $its_out) or die;
	close($_) for $its_in, $to, $from, $its_out;
	exec(@server) or die "$server[0]: $!\n";
}
close($its_in);
close($its_out);
$SIG{PIPE} = 'IGNORE';

my ($kind, $left, $seconds) = ('', 0, 0);
my $for_good = 0;
my $select = IO::Select->new(\*STDIN, $from);

while (my @ready = $select->can_read) {
	for my $h (@ready) {
		my $is_request = $h != $from;
		my $n = sysread($h, my $data, 65536);

		arm() if $kind eq '';
		if (!$n) {
			$select->remove($h);
			$is_request ? close($to) : finish(0);
			next;
		}
		pass($data, $is_request);
	}
}
finish(0);

sub arm
{
	open(my $f, '<', "$dir/fault") or return;
	my $line = <$f>;

	# It may not be whole yet.
	return unless defined $line && $line =~ /\n\z/;
	unlink("$dir/fault");
	$for_good = $line =~ s/ for good//;
	($kind, $left, $seconds) = split ' ', $line;
}

sub put
{
	my ($h, $data) = @_;

	while (length $data) {
		my $n = syswrite($h, $data);

		return unless $n;
		substr($data, 0, $n, '');
	}
}

sub pass
{
	my ($data, $is_request) = @_;
	my $out = $is_request ? $to : \*STDOUT;
	my $counts = $kind =~ /^(half|garbage)$/ ? !$is_request
		: $kind ne '' && $kind ne 'done' && $is_request;

	if (!$counts || length($data) < $left) {
		$left -= length $data if $counts;
		put($out, $data);
		return;
	}
	put($out, substr($data, 0, $left, ''));
	strike($out, $data);
}

sub strike
{
	my ($out, $rest) = @_;
	my $fault = $kind;

	if ($for_good) {
		open(my $f, '>', "$dir/closed") or die "$dir/closed: $!\n";
	}
	open(my $f, '>', "$dir/struck") or die "$dir/struck: $!\n";
	$kind = 'done';
	if ($fault eq 'stall') {
		sleep($seconds);
		put($out, $rest);
	} elsif ($fault eq 'kill') {
		kill 'KILL', $pid;
	} elsif ($fault eq 'garbage') {
		put($out, "sh: what?\n");
	} else {
		# The client sees it now, and the server now or later.
		exit 0 if fork;
		setsid();
		close($_) for \*STDIN, \*STDOUT, \*STDERR;
		sleep($seconds) if $fault eq 'late';
		finish(1);
	}
}

# With the client gone, what the server says is lost.
sub finish
{
	my $gone = shift;

	close($to);
	if ($gone) {
		1 while sysread($from, my $data, 65536);
	}
	waitpid($pid, 0);
	exit 0;
}
