#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# cpio, in its formats and record sizes, by its own options and by redirection.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need cpio

tree=$scratch/tree

# The standard input of cpio -o.
names()
{
	(cd "$tree" && find . -depth -mindepth 1 -printf '%P\0')
}

# archive OPTION...
archive()
{
	names | (cd "$tree" && cpio -o -0 --quiet "$@")
}

# extracts OPTION...
extracts()
{
	rm -rf "$scratch/out"
	mkdir "$scratch/out"
	(cd "$scratch/out" && cpio -i -d -m --quiet "$@") &&
		same_tree "$tree" "$scratch/out"
}

lists()
{
	cpio -i -t --quiet "$@" >"$scratch/list" &&
		diff <(names | tr '\0' '\n' | sort) \
			<(sed 's,/$,,' "$scratch/list" | sort)
}

# round_trip RECORD OPTION...
round_trip()
{
	local record=$1 what

	shift
	what=${*:-default}
	start_drive
	ok "writes an archive ($what)" archive "$@" -O "$ntape"
	like "^$record\*[0-9]+ mark\$" "$(layout)" \
		"in records of $record bytes, all of them whole ($what)"
	ok "lists it ($what)" rewound lists "$@" -I "$ntape"
	ok "extracts the same tree ($what)" \
		rewound extracts "$@" -I "$ntape"
	stop_pmtd
}

archive_to_stdout()
{
	archive -B >"$1"
}

extracts_stdin()
{
	extracts -B <"$1"
}

redirected()
{
	start_drive
	ok 'cpio -o writes to a tape that the shell has opened' \
		archive_to_stdout "$ntape"
	ok 'and another archive behind it' archive_to_stdout "$ntape"
	is 2/0 "$(place)" 'two archives are two tape files'
	mt -f "$ntape" rewind
	ok 'cpio -i reads from a tape that the shell has opened' \
		extracts_stdin "$ntape"
	mt -f "$ntape" fsf 1
	ok 'mt fsf 1 finds the second archive' extracts_stdin "$ntape"
	mt -f "$ntape" rewind
	fails 'cpio -i fails if its reads are smaller than the records' \
		extracts -C 512 -I "$ntape"
	like 'Cannot allocate memory' "$(<"$scratch/output")" \
		'and what it gets is ENOMEM'
	stop_pmtd
}

make_tree "$tree"
round_trip 512
round_trip 5120 -B
round_trip 65536 -C 65536
round_trip 5120 -B -H newc
round_trip 65536 -C 65536 -H crc
round_trip 1048576 -C 1048576 -H newc
round_trip 10240 -C 10240 -H ustar
redirected
done_testing
