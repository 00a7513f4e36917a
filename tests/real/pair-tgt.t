#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The picture of 1999, as drawn: programs write to a pseudo-tape, at whose other
# end another program writes everything to two drives.  tar and dump go through
# pmtd pair: and pmtserve with a mirror of two real drives that keep every byte;
# then pmtd and pmtserve end, and each tape alone gives all of it back.

kernel=new drives=tgt
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
need tar dump restore mke2fs unshare

tree=$scratch/tree
tree2=$scratch/tree2

writes_both()
{
	ok 'tar writes to the pseudo-tape' tar -cf "$ntape" -C "$tree" .
	ok '... and dump, behind it' dump_image "$scratch/fs" -f "$ntape"
	ok '... and tar again, in records of 256 KiB' \
		tar -b 512 -cf "$ntape" -C "$tree2" .
	ok '... and compares it' behind_two tar -b 512 -df "$ntape" -C "$tree2"
	ok 'the first archive is read back as it was' \
		rewound tar -df "$ntape" -C "$tree"
	ok 'the dump is read back as it was' behind_one "$ntape" \
		restores_tree "$tree2" -f "$ntape"
	ok 'mt offline takes the tapes out' mt -f "$ntape" offline
}

behind_two()
{
	mt -f "$ntape" rewind && mt -f "$ntape" fsf 2 && "$@"
}

# behind_one NODE COMMAND...
behind_one()
{
	mt -f "$1" rewind && mt -f "$1" fsf 1 && shift && "$@"
}

restores_alone()
{
	rm -rf "$scratch/alone"
	mkdir "$scratch/alone"
	raw "$1" op 6 1 && tar -xf "$1" -C "$scratch/alone" &&
		same_tree "$tree" "$scratch/alone"
}

compares_alone()
{
	raw "$1" op 6 1 1 2 && tar -b 512 -df "$1" -C "$tree2"
}

# holds_all NODE WHICH: without any program of ours.
holds_all()
{
	ok "the tape of the $2 drive alone gives back the first archive" \
		restores_alone "$1"
	ok '... the dump' behind_one "$1" restores_tree "$tree2" -f "$1"
	ok '... and the second archive' compares_alone "$1"
}

make_tree "$tree"
make_tree "$tree2"
data 300000 7 >"$tree2/another"
make_fs "$tree2" "$scratch/fs"
start_tgt 30 30
start_pmtd pair:
start_serve "$slave" "mirror:{st:$a,st:$b}"
writes_both
end_serve TERM
is 0 "$end_status" 'pmtserve ends, with status 0'
is '' "$(<"$serve_log")" '... and had nothing to complain of'
stop_pmtd
raw $a ls >"$scratch/a"
raw $b ls >"$scratch/b"
ok 'both tapes hold the same records and filemarks, byte by byte' \
	cmp "$scratch/a" "$scratch/b"
is 3 "$(grep -c mark "$scratch/a")" '... with a filemark behind each file'
like '^10240 ' "$(head -n 1 "$scratch/a")" "... in tar's records"
ok '... of which the last are of 256 KiB' grep -q '^262144 ' "$scratch/a"
holds_all $a first
holds_all $b second
done_testing
