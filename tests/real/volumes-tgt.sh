# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
#
# tar over three volumes on a mirror of two real drives that keep every byte, of
# which one ends before the other: after each volume both tapes hold the same
# bytes, as st tells without us, and either of them alone gives the tree back.
# ${sizes[@]} are those of the tapes, in MB.

# shellcheck disable=SC2034,SC2154 # This file is a part of a test.

kernel=new drives=tgt
# shellcheck source=drives.sh
. "$(dirname "$0")/drives.sh"
# shellcheck source=volumes.sh
. "$real/volumes.sh"
need tar
digits=''

# A cartridge is a file, which tgtd keeps open: its bytes are exchanged.
new_tapes="cp $scratch/tape.0 $scratch/cartridge.0.\$((\$1 - 1))
		cp $scratch/tape.1 $scratch/cartridge.1.\$((\$1 - 1))
		cp $scratch/blank.0 $scratch/tape.0
		cp $scratch/blank.1 $scratch/tape.1"

tar_spans()
{
	timeout 60 tar -c -M -F "$scratch/next" -b 20 -f "$ntape" \
		-C "$scratch" tree
}

# restores DRIVE NODE: from its three cartridges, without us.
restores()
{
	cp "$scratch/cartridge.$1.1" "$scratch/tape.$1"
	raw "$2" op 6 1
	cat >"$scratch/insert" <<-END
		#!/bin/bash
		cp "$scratch/cartridge.$1.\$TAR_VOLUME" "$scratch/tape.$1"
		"$real/rawst" $2 op 6 1
	END
	chmod +x "$scratch/insert"
	rm -rf "$scratch/out"
	mkdir "$scratch/out"
	timeout 60 tar -x -M -F "$scratch/insert" -b 20 -f "$2" \
		-C "$scratch/out" && same_tree "$scratch/tree" "$scratch/out/tree"
}

make_tree "$scratch/tree"
data 3300000 1 >"$scratch/tree/large"
start_tgt "${sizes[@]}"
what="tapes of ${sizes[*]} MB"
cp "$scratch/tape.0" "$scratch/blank.0"
cp "$scratch/tape.1" "$scratch/blank.1"
write_change_script
start_pmtd "$mirror"
ok "tar writes a tree that two tapes can't hold ($what)" tar_spans ||
	diag <"$scratch/change.log"
ok "the last volume is taken out ($what)" list_last 3
cp "$scratch/tape.0" "$scratch/cartridge.0.3"
cp "$scratch/tape.1" "$scratch/cartridge.1.3"
is '2 3 4' "$(paste -sd ' ' "$scratch/volumes")" "it took three volumes ($what)"
volumes_are_copies 3 "$what"
stop_pmtd
is '' "$(grep -i 'out of the mirror' "$log")" "no leg is out ($what)"
ok "the tapes of the one drive give back the tree, without us ($what)" \
	restores 0 $a
ok "and so do those of the other ($what)" restores 1 $b
done_testing
