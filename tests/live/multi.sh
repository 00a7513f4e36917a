#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An archive over two small tapes.  The drive reports early warning, tar asks for
# the next volume, and the script it calls does what an operator does: mt
# offline, another cartridge, mt load.  A cartridge is an image; a link to one of
# them is what is in the drive.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar

tree=$scratch/tree
drive=$scratch/drive
capacity=$((1024 * 1024))

# What an operator does.  tar -F runs it between two volumes, and tells the number
# of the next one.
make_change_script()
{
	cat >"$scratch/change" <<-END
		#!/bin/bash
		set -eu
		mt -f "$ntape" offline
		ln -sfn "$scratch/volume\$TAR_VOLUME.tap" "$drive"
		mt -f "$ntape" load
		echo "\$TAR_VOLUME" >>"$scratch/volumes"
	END
	chmod +x "$scratch/change"
}

# multi OPTION...: tar over volumes, from the first one on.
multi()
{
	rm -f "$scratch/volumes"
	TAR_VOLUME=1 "$scratch/change" &&
		tar -M -F "$scratch/change" -f "$ntape" "$@"
}

lists()
{
	multi "$@" -t >"$scratch/list" &&
		diff <(tar -cf - -C "$tree" . | tar -tf -) "$scratch/list"
}

extracts()
{
	rm -rf "$scratch/out"
	mkdir "$scratch/out"
	multi "$@" -x -C "$scratch/out" && same_tree "$tree" "$scratch/out"
}

# layout_of VOLUME
layout_of()
{
	"$live/simh-ls" "$scratch/volume$1.tap"
}

# one_run WHAT WARN FACTOR
one_run()
{
	local what=$1 warn=$2 record=$(($3 * 512)) filled

	rm -f "$scratch"/volume*
	ln -sfn "$scratch/volume0.tap" "$drive"
	start_pmtd "file:$drive,capacity=$capacity,warn=$warn"
	ok "tar -M writes an archive that one tape can't hold ($what)" \
		multi -b "$3" -c -C "$tree" .
	is '1 2' "$(paste -sd ' ' "$scratch/volumes")" \
		"tar has asked for one more volume ($what)"
	like "^$record(\*[0-9]+)? mark\$" "$(layout_of 1)" \
		"volume 1 is whole records and the filemark of close ($what)"
	like "^$record(\*[0-9]+)? mark\$" "$(layout_of 2)" \
		"volume 2 is whole records and the filemark of close ($what)"
	filled=$(stat -c %s "$scratch/volume1.tap")
	ok "volume 1 was filled up to early warning, or the end ($what)" \
		[ "$filled" -gt $((capacity - warn - record)) ]
	ok "volume 1 is not larger than its capacity ($what)" \
		[ "$filled" -le "$capacity" ]
	ok "tar -M -t lists all members ($what)" lists -b "$3"
	ok "tar -M -d finds no difference ($what)" \
		multi -b "$3" -d -C "$tree"
	ok "tar -M -x restores the tree from both volumes ($what)" \
		extracts -b "$3"
	stop_pmtd
}

make_tree "$tree"
make_change_script
one_run 'early warning in time' $((128 * 1024)) 20
one_run 'large records' $((256 * 1024)) 248
one_run 'early warning and no room after it' 4096 20
done_testing
