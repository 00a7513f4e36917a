#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# GNU tar: what it writes it lists, extracts and compares; it appends, and finds
# several archives on one tape.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tar

tree=$scratch/tree

# archive_layout FACTOR: what the image must hold of an archive of the tree.
archive_layout()
{
	local record=$(($1 * 512)) bytes

	bytes=$(tar -b "$1" -cf - -C "$tree" . | wc -c)
	if [ "$bytes" -eq "$record" ]; then
		echo "$record mark"
	else
		echo "$record*$((bytes / record)) mark"
	fi
}

image_holds()
{
	cmp <(tar -b "$1" -cf - -C "$tree" .) <("$live/simh-ls" -x 0 "$image")
}

extracts()
{
	rm -rf "$scratch/out"
	mkdir "$scratch/out"
	tar "$@" -C "$scratch/out" && same_tree "$tree" "$scratch/out"
}

# detects_change OPTION...: tar -d sees a byte that differs.
detects_change()
{
	cp -a "$tree" "$scratch/changed"
	printf x | dd of="$scratch/changed/sub/70001" bs=1 seek=70000 \
		conv=notrunc status=none
	! tar -d "$@" -C "$scratch/changed" 2>&1 &&
		tar -d "$@" -C "$scratch/changed" 2>&1 | grep 'Contents differ'
}

# round_trip WHAT FACTOR OPTION...: create, list, extract, compare.
round_trip()
{
	local what=$1 factor=$2

	shift 2
	start_drive
	ok "tar -c writes an archive ($what)" \
		tar -cf "$ntape" "$@" -C "$tree" .
	is 1/0 "$(place)" \
		"after tar the tape stands behind the filemark of close ($what)"
	is "$(archive_layout "$factor")" "$(layout)" \
		"every record on the image is as large as tar wrote it ($what)"
	ok "the image holds tar's bytes, read without pmtd ($what)" \
		image_holds "$factor"
	is "$(tar -cf - -C "$tree" . | tar -tf -)" \
		"$(rewound tar -tf "$ntape" "$@")" \
		"tar -t lists what was written ($what)"
	ok "tar -x gives back the same tree ($what)" \
		rewound extracts -xf "$ntape" "$@"
	ok "tar -d finds no difference where there is none ($what)" \
		rewound tar -df "$ntape" "$@" -C "$tree"
	stop_pmtd
}

# Here no mt is needed: every tar begins at BOT.
rewinding_node()
{
	start_drive
	ok 'tar -c writes to the node that rewinds' \
		tar -cf "$tape" -C "$tree" .
	is 0/0 "$(place)" 'the node that rewinds has rewound when tar is done'
	ok 'tar -x then finds the archive at BOT' extracts -xf "$tape"
	ok 'tar -d then finds the archive at BOT' tar -df "$tape" -C "$tree"
	ok 'tar -d sees a single byte that differs' detects_change -f "$tape"
	ok 'tar -W, which goes back over what it wrote, verifies it' \
		tar -cWf "$tape" -C "$tree" .
	stop_pmtd
}

# append FACTOR NAME: tar -r backs up over the last record and writes it again.
append()
{
	rewound tar -rf "$ntape" -b "$1" -C "$scratch" "$2"
}

# GNU tar from 1.35 on backs up over devices only.
backs_up()
{
	local version

	version=$(tar --version | sed -n '1s/.* //p')
	[ "$transport" = cuse ] ||
		[ "$(printf '%s\n' "$version" 1.35 | sort -V | head -n 1)" != 1.35 ]
}

# What it does with a file must at least not be a surprise.
warns()
{
	start_drive
	tar -cf "$ntape" -C "$scratch" tree
	data 1000 7 >"$scratch/a note"
	ok 'tar -r on a file tells that it can not back up' append 20 'a note'
	like 'Cannot backspace archive file' "$(<"$scratch/output")" \
		'... as the manual says'
	stop_pmtd
}

appended()
{
	local factor=$1 record=$(($1 * 512)) name bytes

	start_drive
	tar -cf "$ntape" -b "$factor" -C "$scratch" tree
	for name in 'a note' 'a larger one'; do
		data $((record * 3)) 7 >"$scratch/$name"
		ok "tar -r appends (-b $factor, $name)" append "$factor" "$name"
	done
	is "$(tar -cf - -C "$scratch" tree 'a note' 'a larger one' | tar -tf -)" \
		"$(rewound tar -tf "$ntape" -b "$factor")" \
		"the archive holds what was in it and what was appended (-b $factor)"
	ok "old and new members compare (-b $factor)" \
		rewound tar -df "$ntape" -b "$factor" -C "$scratch"
	bytes=$(tar -cf - -b "$factor" -C "$scratch" \
		tree 'a note' 'a larger one' | wc -c)
	is "$record*$((bytes / record)) mark" "$(layout)" \
		"there is one archive with one filemark (-b $factor)"
	stop_pmtd
}

# first_member: of the archive that the tape stands at.
first_member()
{
	tar -tf "$ntape" | head -n 1
}

several_archives()
{
	local n starts=()

	start_drive
	for n in 0 1 2 3; do
		mkdir "$scratch/archive$n"
		data $((20000 * n)) "$n" >"$scratch/archive$n/file"
		starts[n]=$(mt -f "$ntape" tell | tr -dc 0-9)
		tar -cf "$ntape" -C "$scratch" "archive$n"
	done
	is 4/0 "$(place)" 'four archives are four tape files'
	for n in 2 0 3 1; do
		mt -f "$ntape" rewind
		[ "$n" -eq 0 ] || mt -f "$ntape" fsf "$n"
		is "archive$n/" "$(first_member)" "mt fsf $n finds archive $n"
		mt -f "$ntape" seek "${starts[n]}"
		ok "mt seek ${starts[n]}, from mt tell, finds archive $n" \
			tar -df "$ntape" -C "$scratch"
	done
	mt -f "$ntape" rewind
	tar -tf "$ntape" >"$scratch/output"
	mt -f "$ntape" fsf 1
	is archive1/ "$(first_member)" \
		'from inside an archive that was read, mt fsf 1 finds the next'
	stop_pmtd
}

make_tree "$tree"
round_trip 'default' 20
round_trip '-b 1' 1 -b 1
round_trip '-b 512' 512 -b 512
round_trip '-b 2048' 2048 -b 2048
rewinding_node
if backs_up; then
	appended 1
	appended 20
else
	warns
fi
several_archives
done_testing
