#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# An archive over two or three small tapes.  The drive reports early warning, tar asks for
# the next volume, and the script it calls does what an operator does: mt
# offline, another cartridge, mt load.  A cartridge is an image; a link to one of
# them is what is in the drive.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar

tree=$scratch/tree
drive=$scratch/drive

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

# A tape that another follows is full, but not more than that.
is_full()
{
	local filled

	filled=$(stat -c %s "$scratch/volume$1.tap")
	echo "$filled bytes of $capacity, $warn of them after early warning"
	[ "$filled" -gt $((capacity - warn - record)) ] &&
		[ "$filled" -le "$capacity" ]
}

# one_run WHAT VOLUMES CAPACITY WARN FACTOR
one_run()
{
	local what=$1 volumes=$2 capacity=$3 warn=$4 record=$(($5 * 512)) i

	rm -f "$scratch"/volume*
	ln -sfn "$scratch/volume0.tap" "$drive"
	start_pmtd "file:$drive,capacity=$capacity,warn=$warn"
	ok "tar -M writes an archive that one tape can't hold ($what)" \
		multi -b "$5" -c -C "$tree" .
	is "$(seq -s ' ' "$volumes")" "$(paste -sd ' ' "$scratch/volumes")" \
		"tar has asked for volumes up to $volumes ($what)"
	for ((i = 1; i <= volumes; i++)); do
		like "^$record(\*[0-9]+)? mark\$" "$(layout_of $i)" \
			"volume $i is whole records and the filemark of close ($what)"
		[ $i -eq "$volumes" ] ||
			ok "volume $i was filled up to early warning, or the end ($what)" \
				is_full $i
	done
	ok "tar -M -t lists all members ($what)" lists -b "$5"
	ok "tar -M -d finds no difference ($what)" \
		multi -b "$5" -d -C "$tree"
	ok "tar -M -x restores the tree from all volumes ($what)" \
		extracts -b "$5"
	stop_pmtd
}

make_tree "$tree"
make_change_script
one_run 'early warning in time' 2 1048576 131072 20
one_run 'large records' 2 1048576 262144 248
one_run 'early warning and no room after it' 2 1048576 4096 20
one_run 'three tapes' 3 655360 65536 20
one_run 'three tapes and no room after early warning' 3 655360 4096 20
done_testing
