#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# dump and restore over three small tapes.  The drive reports early warning, dump
# calls a script, and that does what an operator does: mt offline, another
# cartridge, mt load.
#
# dump (0.4b47) tries again when write(2) gives ENOSPC, and as with st(4) the
# second try succeeds if the tape has room; but it takes the record for one that
# is not on the tape.  So do all three of its processes, and so each volume has
# three records that the next one has, too: restore can't put that together.  With
# the real st dump leaves the same records.  Where that happens the test takes
# them away, to show that the tapes hold all that dump believes in.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dump restore mke2fs unshare

tree=$scratch/tree
fs=$scratch/fs.ext4
drive=$scratch/drive
capacity=655360 # bytes
record=10240
on_image=$((record + 8)) # with its lengths

# Tapes are changed by the name of a program, not of a link in /etc: that is not
# there where dump runs.
make_change_scripts()
{
	cat >"$scratch/change" <<-END
		#!/bin/bash
		set -eu
		mt=$(realpath "$(type -P mt)")
		"\$mt" -f "$ntape" offline
		ln -sfn "$scratch/volume\$1.tap" "$drive"
		"\$mt" -f "$ntape" load
		echo "\$1" >>"$scratch/volumes"
	END
	# dump tells which volume is full, restore which one it wants.
	cat >"$scratch/after" <<-END
		#!/bin/bash
		exec "$scratch/change" \$((\$2 + 1))
	END
	cat >"$scratch/before" <<-END
		#!/bin/bash
		exec "$scratch/change" "\$2"
	END
	chmod +x "$scratch/change" "$scratch/after" "$scratch/before"
}

layout_of()
{
	"$live/simh-ls" "$scratch/volume$1.tap"
}

dumps()
{
	rm -f "$scratch/volumes"
	"$scratch/change" 1 &&
		dump_image "$fs" -a -F "$scratch/after" -f "$ntape"
}

restores()
{
	rm -f "$scratch/volumes"
	restores_tree "$tree" -F "$scratch/before" -f "$ntape"
}

# -a: all volumes in turn, without asking which.
extracts()
{
	restore_to "$scratch/out" -x -a -F "$scratch/before" -f "$ntape" &&
		same_tree "$tree" "$scratch/out"
}

volumes()
{
	paste -sd ' ' "$scratch/volumes"
}

# keep VOLUME RECORDS: of the volume, and a filemark behind them.
keep()
{
	truncate -s $(($2 * on_image)) "$scratch/volume$1.tap" &&
		truncate -s $(($2 * on_image + 4)) "$scratch/volume$1.tap"
}

# one_run WHAT WARN FULL EXTRA: what fits on a volume, in records, and what dump
# writes after that.
one_run()
{
	local what=$1 warn=$2 full=$3 extra=$4 i

	rm -f "$scratch"/volume*
	ln -sfn "$scratch/volume0.tap" "$drive"
	start_pmtd "file:$drive,capacity=$capacity,warn=$warn"
	ok "dump writes a file system that two tapes can't hold ($what)" dumps
	is '1 2 3' "$(volumes)" "dump has asked for two more volumes ($what)"
	for i in 1 2; do
		is "$record*$((full + extra)) mark" "$(layout_of $i)" \
			"volume $i is full of whole records, and the filemark of close ($what)"
		[ "$extra" -eq 0 ] || keep $i "$full"
	done
	like "^$record(\*[0-9]+)? mark\$" "$(layout_of 3)" \
		"volume 3 is whole records and the filemark of close ($what)"
	ok "restore -r gives back the tree from all volumes ($what)" restores
	is '1 2 3' "$(volumes)" "restore has asked for the three ($what)"
	ok "restore -x gives back the tree from all volumes ($what)" extracts
	stop_pmtd
}

make_tree "$tree"
make_fs "$tree" "$fs"
make_change_scripts
one_run 'early warning and no room after it' 4096 63 0
one_run 'early warning in time' 65536 58 3
done_testing
