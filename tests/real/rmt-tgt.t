#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Drives of real Linux st that keep every byte, at the far end of the protocol:
# pmt-rmt before one, for tar, dump, restore and mt of another host; and our node
# here, whose tape is behind rmt-tar, rmt-dump or pmt-rmt.  What is on the tape is
# read without any of it, byte by byte.

kernel=${PMT_KERNEL:-new} drives=tgt lab_seconds=300
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need tar dump restore mke2fs unshare mt-gnu /usr/sbin/rmt-tar \
	/usr/sbin/rmt-dump "$build/pmt-rmt"

host=127.0.0.1
tree=$scratch/tree
rsh=$scratch/rsh
# shellcheck disable=SC2016 # The script expands it.
printf '#!/bin/sh\nwhile [ "${1#/}" = "$1" ]; do shift; done\nexec "$@"\n' >"$rsh"

r_tar()
{
	timeout 60 tar --rsh-command="$rsh" --rmt-command="$build/pmt-rmt" "$@"
}

# It always asks for /usr/sbin/rmt.
printf '#!/bin/sh\nexec %s/pmt-rmt\n' "$build" >"$rsh.mt"
chmod +x "$rsh" "$rsh.mt"

r_mt()
{
	timeout 60 mt-gnu --rsh-command="$rsh.mt" -f "$host:$a" "$@"
}

# An /etc without tables of mounts, as dump_image has it, but with hosts.
r_dump()
{
	mkdir -p "$scratch/etc"
	cp /etc/passwd /etc/hosts /etc/nsswitch.conf "$scratch/etc"
	# shellcheck disable=SC2016 # The inner shell expands it.
	RSH=$rsh RMT=$build/pmt-rmt timeout 60 unshare --mount sh -c \
		'mount --bind "$0" /etc && exec dump -0 "$@"' "$scratch/etc" \
		"$@" "$scratch/fs" </dev/null
}

# at FILE COMMAND...: on drive a, locally, with its tape at that file.
at()
{
	local file=$1

	shift
	raw "$a" op 6 1 && { [ "$file" -eq 0 ] || raw "$a" op 1 "$file"; } && "$@"
}

# files NODE: the records of each file, and how many sizes they have.
files()
{
	raw "$1" ls | awk '$1 == "mark" { print n + 0; n = 0; next } { n++ }
		END { if (n) print n " and no mark" }' | paste -sd ' '
}

clients_of_pmt_rmt()
{
	local RSH=$rsh RMT=$build/pmt-rmt

	export RSH RMT
	ok 'tar -c, remotely, to a drive of st' \
		r_tar -c -f "$host:$a" -C "$tree" .
	ok '... and once more, behind it' \
		r_tar -c -b 64 -f "$host:$a" -C "$tree" sub
	ok 'dump, remotely, behind that' r_dump -f "$host:$a"
	ok 'mt rewinds, remotely' r_mt rewind
	ok 'tar -d of the first, remotely' r_tar -d -f "$host:$a" -C "$tree"
	ok 'mt rewinds, and spaces over a filemark' \
		eval 'r_mt rewind && r_mt fsf 1'
	ok 'tar -d of the second, remotely' \
		r_tar -d -b 64 -f "$host:$a" -C "$tree"
	ok 'mt rewinds, and spaces over two' eval 'r_mt rewind && r_mt fsf 2'
	ok 'restore, remotely, gives back the tree' \
		restores_tree "$tree" -f "$host:$a"
	unset RSH RMT
	ok 'the first is there, locally' at 0 tar -d -f $a -C "$tree"
	ok '... and the second' at 1 tar -d -b 64 -f $a -C "$tree"
	ok '... and the dump' at 2 restores_tree "$tree" -f $a
}

# our_node SERVER WINDOW
our_node()
{
	local what="${1##*/}, window=$2"

	raw $a op 6 1
	start_pmtd "rmt:here:$a,rsh=$rsh,rmt=$1,window=$2"
	ok "$what: tar writes" tar -c -f "$ntape" -C "$tree" .
	ok "$what: dump writes behind it" \
		dump_image "$scratch/fs" -f "$ntape"
	ok "$what: tar writes behind that" \
		tar -c -b 64 -f "$ntape" -C "$tree" sub
	ok "$what: tar compares the first" \
		rewound tar -d -f "$ntape" -C "$tree"
	ok "$what: mt spaces over two filemarks" rewound mt -f "$ntape" fsf 2
	is 2/0 "$(place)" "$what: and stands there"
	ok "$what: tar compares the third" \
		tar -d -b 64 -f "$ntape" -C "$tree"
	# Not by bsf: tgt goes one too far.
	ok "$what: mt goes to the dump" rewound mt -f "$ntape" fsf 1
	ok "$what: restore gives it back" restores_tree "$tree" -f "$ntape"
	stop_pmtd
	ok "$what: the first is there, locally" at 0 tar -d -f $a -C "$tree"
	ok "$what: and the dump" at 1 restores_tree "$tree" -f $a
	ok "$what: and the third" at 2 tar -d -b 64 -f $a -C "$tree"
}

# The small drive ends: what was acknowledged is there, in order, and no more.
# the_end SERVER WINDOW
the_end()
{
	local what="${1##*/}, window=$2" taken

	raw $b op 6 1
	start_pmtd "rmt:here:$b,rsh=$rsh,rmt=$1,window=$2"
	fails "$what: what is larger than the tape does not fit" \
		dd if="$scratch/large" of="$ntape" bs=64K iflag=fullblock
	like 'No space left' "$(<"$scratch/output")" "$what: ENOSPC says so"
	taken=$(sed -n 's/+0 records out$//p' "$scratch/output")
	stop_pmtd
	is "$taken" "$(files $b)" "$what: so many records are on the tape"
	# shellcheck disable=SC2317 # ok calls it.
	is_beginning()
	{
		raw "$b" op 6 1
		dd if="$b" bs=64K count="$taken" iflag=fullblock status=none |
			cmp -n $((taken * 65536)) - "$scratch/large"
	}
	ok "$what: the beginning of it, byte by byte" is_beginning
}

make_tree "$tree"
make_fs "$tree" "$scratch/fs"
data 6000000 3 >"$scratch/large"
start_tgt 40 4
clients_of_pmt_rmt
our_node /usr/sbin/rmt-tar 0
our_node /usr/sbin/rmt-dump 256K
our_node "$build/pmt-rmt" 256K
the_end /usr/sbin/rmt-tar 128K
the_end /usr/sbin/rmt-dump 0
the_end "$build/pmt-rmt" 128K
done_testing
