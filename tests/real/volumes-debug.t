#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# tar and dump over three volumes on a mirror of two real drives, of which one
# ends before the other: after each volume both tapes hold the same records and
# filemarks, as st tells without us, and as many as the shorter one takes.

kernel=new drives=debug
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
# shellcheck source=volumes.sh
. "$real/volumes.sh"
need tar dump mke2fs unshare
digits=8

# one_order OBJECTS OBJECTS: of the tapes.  Early warning is 20 before the end.
prepare()
{
	new_tapes="\"$real/rawst\" $a op 24 $((0x30000400)) 34 -$1 6 1 20 0
		\"$real/rawst\" $b op 24 $((0x30000400)) 34 -$2 6 1 20 0"
	write_change_script
	rm -f "$scratch"/[ab].* "$scratch/volumes"
	debug_tape $a "$1"
	debug_tape $b "$2"
	start_pmtd "$mirror"
}

tar_spans()
{
	timeout 60 tar -c -M -F "$scratch/next" -b 20 -f "$ntape" \
		-C "$scratch" tree
}

# dump's script runs in an empty /etc; it is told the volume that is full.
dump_spans()
{
	printf '#!/bin/bash\nexec "%s" $(($2 + 1)) >>"%s" 2>&1\n' \
		"$scratch/change" "$scratch/change.log" >"$scratch/after"
	chmod +x "$scratch/after"
	dump_image "$scratch/fs" -a -F "$scratch/after" -f "$ntape"
}

one_run()
{
	local what="$1, tapes of $2 and $3 objects" full=$4

	prepare "$2" "$3"
	ok "$what: it succeeds" "$1_spans" || diag <"$scratch/change.log"
	ok "$what: the last volume is taken out" list_last 3
	is '2 3 4' "$(paste -sd ' ' "$scratch/volumes")" \
		"$what: it took three volumes"
	volumes_are_copies 3 "$what"
	for v in 1 2; do
		is "$full" "$(records "$scratch/a.$v")" \
			"$what: volume $v is as full as the shorter tape"
	done
	stop_pmtd
	is '' "$(grep -v '^pmtd: ready' "$log" | grep -i 'out of the mirror')" \
		"$what: no leg is out"
}

mkdir "$scratch/tree"
data 3500000 1 >"$scratch/tree/file"
cp -r "$scratch/tree" "$scratch/tree2"
make_fs "$scratch/tree2" "$scratch/fs"
# The record that meets early warning is the last; dump writes three more.
one_run tar 150 200 131
one_run tar 200 150 131
one_run tar 150 150 131
one_run dump 150 200 134
one_run dump 200 150 134
done_testing
