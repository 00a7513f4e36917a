#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The disk of the host runs full under the tape, at one point after the other of
# a workload: a small file system is filled up so far that the tape gets ever
# more room.  A program sees early warning (ENOSPC, then one more record, and so
# on), then the end; the filemark of its close fits; and all that it was told is
# written can be read back.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dd mke2fs

disk=$scratch/disk
size_kb=6144
step_kb=$([ "$transport" = cuse ] && echo 1500 || echo 300)
suffixes=(tap pmt)

[ "$(id -u)" -eq 0 ] || bail 'needs root to mount a small file system'

# A file system of its own: ext4 where there are loop devices, or else tmpfs.
make_disk()
{
	mkdir -p "$disk"
	truncate -s ${size_kb}K "$scratch/disk.img"
	mke2fs -q -t ext4 -m 0 -O ^has_journal "$scratch/disk.img" &&
		mount -o loop "$scratch/disk.img" "$disk" 2>/dev/null ||
		mount -t tmpfs -o size=${size_kb}k tmpfs "$disk" ||
		bail 'no small file system can be mounted'
}

end_disk()
{
	umount "$disk"
	rm -f "$scratch/disk.img"
}

# fill_but KB: leaves so much for the tape.
fill_but()
{
	local free

	rm -rf "${disk:?}"/*
	free=$(df -k --output=avail "$disk" | tail -n 1)
	head -c $(((free - $1) * 1024)) /dev/zero >"$disk/filler"
}

# write_until_full RECORD: writes records of so many bytes, over ENOSPC, until it
# comes twice in a row; prints how many were written, and how many times ENOSPC
# came.
write_until_full()
{
	perl -e '
		my ($node, $size) = @ARGV;
		my ($n, $refused, $last) = (0, 0, 1);
		open(my $t, "+<", $node) or die "$node: $!";
		while ($n < 100000) {
			my $w = syswrite($t, pack("N", $n) . "x" x ($size - 4));
			if (defined $w) {
				die "short write $w" if $w != $size;
				($n, $last) = ($n + 1, 1);
				next;
			}
			die "errno: $!" unless $!{ENOSPC};
			$refused++;
			last unless $last;
			$last = 0;
		}
		close($t) or die "close: $!";
		print "$n $refused\n";
	' "$ntape" "$1"
}

# read_back RECORD: how many records there are, each the right one, before the
# filemark.
read_back()
{
	perl -e '
		my ($node, $size) = @ARGV;
		my $n = 0;
		open(my $t, "<", $node) or die "$node: $!";
		while (1) {
			my $r = sysread($t, my $buf, 1 << 20);
			die "record $n: $!" unless defined $r;
			last if $r == 0;
			die "record $n: $r bytes" unless $r == $size;
			die "record $n is another" unless unpack("N", $buf) == $n;
			$n++;
		}
		print "$n\n";
	' "$ntape" "$1"
}

# one_run SUFFIX KB RECORD: prints what is wrong; nothing if all is well.
one_run()
{
	local suffix=$1 kb=$2 record=$3 written refused

	fill_but "$kb"
	start_pmtd "file:$disk/x.$suffix" >&2
	read -r written refused < <(write_until_full "$record")
	[ -n "${refused-}" ] || echo "writing failed"
	[ "${refused:-0}" -ge 2 ] || echo "ENOSPC came ${refused-no} times"
	[ "$(mt -f "$ntape" status | grep -c 'File number=1,')" -eq 1 ] ||
		echo 'no filemark was written on close'
	mt -f "$ntape" rewind
	[ "$(read_back "$record")" = "${written-}" ] ||
		echo "not all ${written-} records can be read"
	end_pmtd TERM
	[ "$end_status" -eq 0 ] || echo "pmtd ended with $end_status"
	start_pmtd "file:$disk/x.$suffix,readonly=yes" >&2
	[ "$(read_back "$record")" = "${written-}" ] ||
		echo "not all ${written-} records are in the image"
	end_pmtd TERM
}

make_disk
for suffix in "${suffixes[@]}"; do
	points=0
	wrong=''
	for ((kb = 80; kb < size_kb - 1200; kb += step_kb)); do
		for record in 1000 10240 65536; do
			found=$(one_run "$suffix" "$kb" "$record")
			[ -z "$found" ] || wrong+="$kb KB, $record: $found; "
			points=$((points + 1))
		done
	done
	is '' "$wrong" "a .$suffix tape keeps all it took when the disk is full"
	ok "... at $points points" [ "$points" -ge 9 ]
done
end_disk
done_testing
