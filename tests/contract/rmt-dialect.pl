# SPDX-License-Identifier: BSD-2-Clause
#
# Plays the servers of the remote magtape protocol that Debian does not have, each
# with the drive of its system, and knows nothing of our code:
#
#     rmt-dialect.pl DIALECT TAPE LOG [WARN END]      serves
#     rmt-dialect.pl list TAPE                        says what is on the tape
#
#     bsd       4.x BSD: raw numeric flags, the op numbers of BSD, bare S
#     solaris   version 1, every field, no status that Linux would know
#     schily    version 1 on Linux: long names, a file number for an open
#     olddump   dump's of 2002: takes version 1, and passes Linux's numbers on
#     gnu122    GNU's before 1.23: BSD's program, on Linux
#
# TAPE is a file, "R<bytes>\n" and the bytes for a record, "M\n" for a filemark.
# LOG gets a line for whatever the drive was told to do.  WARN is the object from
# which early warning is told, END the one that does not fit.
#
# The drives: that of Linux refuses every other record after early warning with
# ENOSPC, those of BSD and Solaris take 0 bytes of it.  A record that is larger
# than was asked for is ENOMEM and passed on Linux, elsewhere it comes cut.  At
# close, and before they move back, all write a filemark behind a record, BSD's
# two, and stand between them then.
use strict;
use warnings;

my %dialects = (
	bsd => { os => 'bsd', name_max => 63 },
	solaris => { os => 'solaris', name_max => 1023, v1 => 1, ops => 'bsd',
		fd => 3 },
	schily => { os => 'linux', name_max => 4095, v1 => 1, ops => 'bsd',
		symbols => 1, fd => 4, version => 'v' },
	olddump => { os => 'linux', name_max => 63, v1 => 1, ops => 'linux',
		symbols => 1 },
	gnu122 => { os => 'linux', name_max => 63, symbols => 1 },
);

# The numbers of I; what comes of i; those of Linux only go on to larger ones.
my %bsd_ops = (0 => 'WEOF', 1 => 'FSF', 2 => 'BSF', 3 => 'FSR', 4 => 'BSR',
	5 => 'REW', 6 => 'OFFL', 7 => 'NOP');
my %os_ops = (
	bsd => { %bsd_ops, 8 => 'RETEN', 9 => 'ERASE', 10 => 'EOM' },
	solaris => { %bsd_ops, 8 => 'RETEN', 9 => 'ERASE', 10 => 'EOM' },
	linux => { 1 => 'FSF', 2 => 'BSF', 3 => 'FSR', 4 => 'BSR', 5 => 'WEOF',
		6 => 'REW', 7 => 'OFFL', 8 => 'NOP', 9 => 'RETEN', 12 => 'EOM',
		13 => 'ERASE', 20 => 'SETBLK', 24 => 'SETDRVBUFFER' },
);
my %v1_ops = (2 => 'RETEN', 3 => 'ERASE', 4 => 'EOM');

my %error_text = (2 => 'No such file or directory', 5 => 'Input/output error',
	9 => 'Bad file descriptor', 12 => 'Cannot allocate memory',
	22 => 'Invalid argument', 25 => 'Inappropriate ioctl for device',
	28 => 'No space left on device', 38 => 'Function not implemented');

my ($dialect, $tape, $log, $warn, $end) = @ARGV;
my ($d, $os);
my $v1 = 0;      # it was agreed on
my $open = 0;
my $writable = 0;
my @objects;     # of records a reference to their bytes, of filemarks undef
my $at = 0;
my $wrote = 0;   # a record was written last
my $changed = 0;
my $refuse = 0;  # the next record, for want of room
my $met = '';    # 'eof', 'eod': what the last motion or read met
my $room = '';   # what was read and not taken

if ($dialect eq 'list') {
	load($tape);
	print defined $_ ? length($$_) . "\n" : "mark\n" for @objects;
	exit 0;
}
$d = $dialects{$dialect} or die "$dialect: no such dialect\n";
$os = $d->{os};
$warn = 1e9 unless defined $warn;
$end = 1e9 unless defined $end;
binmode STDIN;
binmode STDOUT;
$| = 1;
load($tape);
for (;;) {
	my $letter = take(1);

	last unless defined $letter;
	serve($letter);
}
close_tape();
exit 0;

# ---- The tape in its file ---------------------------------------------------

sub load
{
	open(my $f, '<:raw', shift) or return; # A blank one.
	while (defined(my $line = <$f>)) {
		my $data = '';

		if ($line eq "M\n") {
			push @objects, undef;
			next;
		}
		read($f, $data, substr($line, 1)) == substr($line, 1)
			or die "the tape is damaged\n";
		push @objects, \$data;
	}
}

sub save
{
	return unless $changed;
	open(my $f, '>:raw', "$tape.new") or die "$tape: $!\n";
	print $f defined $_ ? 'R' . length($$_) . "\n$$_" : "M\n"
		for @objects;
	close($f) or die "$tape: $!\n";
	rename("$tape.new", $tape) or die "$tape: $!\n";
	$changed = 0;
}

sub note
{
	open(my $f, '>>', $log) or die "$log: $!\n";
	print $f "@_\n";
	close($f) or die "$log: $!\n";
}

# ---- Bytes -------------------------------------------------------------------

sub more
{
	my $n = sysread(STDIN, $room, 1 << 20, length $room);

	return defined $n && $n > 0;
}

sub take
{
	my $n = shift;

	while (length $room < $n) {
		return undef unless more();
	}
	return substr($room, 0, $n, '');
}

# A line; a name that is too long is cut, and the rest is the next argument.
sub line
{
	my $max = shift;
	my $at;

	while (($at = index($room, "\n")) < 0 && length $room < $max) {
		gone() unless more();
	}
	return substr($room, 0, $max, '') if $at < 0 || $at > $max;
	my $line = substr($room, 0, $at, '');
	substr($room, 0, 1, '');
	return $line;
}

sub gone
{
	close_tape();
	exit 3;
}

sub reply
{
	my ($n, $data) = @_;
	my $out = "A$n\n" . (defined $data ? $data : '');

	while (length $out) {
		my $done = syswrite(STDOUT, $out);

		gone() unless $done;
		substr($out, 0, $done, '');
	}
}

sub refuse
{
	my $errno = shift;
	my $out = "E$errno\n" . ($error_text{$errno} || "Error $errno") . "\n";

	syswrite(STDOUT, $out) == length $out or gone();
}

# ---- Requests ------------------------------------------------------------------

sub serve
{
	my $letter = shift;

	if ($letter eq 'O') {
		open_tape();
	} elsif ($letter eq 'C') {
		line(63);
		return refuse(9) unless $open;
		close_tape();
		reply(0);
	} elsif ($letter eq 'R') {
		read_record(0 + line(63));
	} elsif ($letter eq 'W') {
		write_record(0 + line(63));
	} elsif ($letter eq 'L') {
		line(63) for 1 .. 2; # offset, whence
		reply(0);
	} elsif ($letter eq 'I') {
		operate(0 + line(63), 0 + line(63));
	} elsif ($letter eq 'S') {
		status();
	} elsif ($letter eq 'i' && $d->{v1} && $d->{ops} eq 'bsd') {
		my ($op, $count) = (0 + line(63), 0 + line(63));

		exists $v1_ops{$op} ? move($v1_ops{$op}, $count) : refuse(22);
	} elsif ($letter eq 's' && $d->{v1}) {
		field(take(1));
	} elsif (defined $d->{version} && $letter eq $d->{version}) {
		line(63);
		reply(1);
	} else {
		note("exit at a command ", sprintf('%02x', ord $letter));
		gone();
	}
}

sub open_tape
{
	my $name = line($d->{name_max});
	my $flags = line(255);
	my ($number) = $flags =~ /^(\d+)/ or gone();
	my $mode = $number & 3;

	close_tape();
	if ($d->{symbols} && $flags =~ /O_(RDONLY|WRONLY|RDWR)/) {
		$mode = { RDONLY => 0, WRONLY => 1, RDWR => 2 }->{$1};
	}
	# Raw flags: whoever sends more than a mode makes files.
	note("open with flags $number") if !$d->{symbols} && $number > 3;
	return refuse(2) if $name !~ m{^/dev/};
	$open = 1;
	$writable = $mode != 0;
	reply($d->{fd} || 0);
}

sub close_tape
{
	return unless $open;
	if ($wrote) {
		end_file();
		$at-- if $os eq 'bsd';
		note('closing marks');
	}
	$open = 0;
	$wrote = $refuse = 0;
	save();
}

# What drives write behind a record when it is the last thing they did.
sub end_file
{
	splice @objects, $at;
	push @objects, $os eq 'bsd' ? (undef, undef) : undef;
	$at = @objects;
	$wrote = 0;
	$changed = 1;
}

sub read_record
{
	my $size = shift;

	return refuse(9) unless $open;
	end_file(), $met = 'eof' if $wrote;
	if ($at == @objects) {
		my $behind_record = $at > 0 && defined $objects[$at - 1];
		my $again = $met eq 'eod';

		$met = 'eod';
		# Nothing tells the end of data but an error, or no bytes.
		return refuse(5) if $behind_record || $again;
		return reply(0);
	}
	my $object = $objects[$at++];

	$met = defined $object ? '' : 'eof';
	return reply(0) unless defined $object;
	return refuse(12) if $os eq 'linux' && length $$object > $size;
	my $data = substr($$object, 0, $size);

	reply(length $data, $data);
}

sub write_record
{
	my $size = shift;
	my $data = take($size);

	gone() unless defined $data; # A half record is none.
	return refuse(9) unless $open && $writable;
	return reply(0) if $size == 0;
	return refuse($os eq 'solaris' ? 5 : 28) if $at >= $end;
	if ($at >= $warn && $refuse) {
		$refuse = 0;
		return $os eq 'linux' ? refuse(28) : reply(0);
	}
	splice @objects, $at;
	push @objects, \$data;
	$at++;
	$wrote = $changed = 1;
	$met = '';
	# BSD tells it once, the others every other time.
	$refuse = $os eq 'bsd' ? $at == $warn : $at >= $warn;
	reply($size);
}

sub operate
{
	my ($number, $count) = @_;

	if ($number == -1) {
		$v1 = 1 if $d->{v1};
		return reply(1) if $d->{v1};
		return refuse(!$open ? 9 : $os eq 'linux' ? 38 : 22);
	}
	return refuse(9) unless $open;
	my $ops = $v1 && $d->{ops} eq 'bsd' ? \%bsd_ops : $os_ops{$os};

	# A number of the system's own that version 1 does not map goes through.
	my $op = exists $ops->{$number} ? $ops->{$number}
		: $v1 && $number < 8 ? undef : $os_ops{$os}{$number};

	return refuse($os eq 'linux' ? 38 : 22) unless defined $op;
	move($op, $count);
}

sub move
{
	my ($op, $count) = @_;

	note("$op $count");
	if ($op =~ /^(NOP|RETEN|SETBLK|SETDRVBUFFER)$/) {
		return reply($count);
	} elsif ($op eq 'WEOF') {
		return refuse(13) unless $writable;
		return refuse(22) if $count < 0;
		return refuse(28) if $at + $count > $end + 2;
		$wrote = 0 if $os ne 'bsd';
		return reply($count) if $count == 0;
		splice @objects, $at;
		push @objects, (undef) x $count;
		$at = @objects;
		($wrote, $changed, $met) = (0, 1, 'eof');
		return reply($count);
	} elsif ($op eq 'ERASE') {
		return refuse(13) unless $writable;
		splice @objects, $at;
		($wrote, $changed) = (0, 1);
		return reply($count);
	}
	end_file() if $wrote;
	$refuse = 0;
	$met = '';
	if ($op eq 'REW' || $op eq 'OFFL') {
		$at = 0;
		return reply($count);
	} elsif ($op eq 'EOM') {
		$at = @objects;
		return reply($count);
	}
	step($op, $count) ? reply($count) : refuse(5);
}

# FSF, BSF, FSR, BSR: false if it ends before that.
sub step
{
	my ($op, $count) = @_;
	my $forward = $op =~ /^F/;
	my $files = $op =~ /F$/;

	while ($count > 0) {
		if ($forward ? $at == @objects : $at == 0) {
			$met = 'eod' if $forward;
			return 0;
		}
		my $object = $objects[$forward ? $at : $at - 1];

		$at += $forward ? 1 : -1;
		$met = defined $object ? '' : 'eof';
		return 0 if !$files && !defined $object;
		$count-- if !$files || !defined $object;
	}
	return 1;
}

# ---- Status --------------------------------------------------------------------

sub file_number
{
	return scalar grep { !defined } @objects[0 .. $at - 1];
}

sub block_number
{
	my $n = 0;

	$n++ while $n < $at && defined $objects[$at - 1 - $n];
	return $n;
}

# st's mt_gstat: online, and what was met.
sub gstat
{
	return 0x01010000 | ($at == 0 ? 0x40000000 : 0) |
		($met eq 'eof' ? 0x80000000 : 0) |
		($met eq 'eod' ? 0x08000000 : 0) |
		($at >= $warn ? 0x20000000 : 0);
}

sub status
{
	return refuse(9) unless $open;
	if ($os eq 'linux') {
		return reply(48, pack('q<5 l<2', 0x72, 0, 0, gstat(), 0,
			file_number(), block_number()));
	}
	# BSD: type, dsreg, erreg, resid; file, block: its own, and 24 bytes.
	reply(24, pack('s<4 l<4', 7, 0, 0, 0, file_number(), block_number(), 0,
		0));
}

sub field
{
	my $field = shift;
	my %values = (D => 0, E => 0, R => 0, b => 20, F => file_number(),
		B => block_number());

	return refuse(9) unless $open;
	$values{T} = $os eq 'linux' ? 0x72 : 0x0c;
	# Solaris has flags of its own there; Schily has none on Linux.
	$values{f} = 0x15 if $os eq 'solaris';
	$values{f} = gstat() if $dialect eq 'olddump';
	exists $values{$field} ? reply($values{$field}) : refuse(22);
}
