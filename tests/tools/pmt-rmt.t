#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmt-rmt and its clients: GNU tar, cpio and mt, dump and restore; what each
# leaves on the tape, and what it gets back.

# shellcheck source=tests/tools/rmt-lib.sh
. "$(dirname "$0")/rmt-lib.sh"

need_root
make_tree "$tree"
make_fs "$tree" "$scratch/fs"

gnu_tar()
{
	local t=$host:file:$tapes/tar.tap

	ok 'tar -c writes to an image' r_tar -c -b 20 -f "$t" -C "$tree" .
	like '^10240\*[0-9]+ mark $' "$(image tar.tap)" \
		'it has records of 10 KiB, and close one filemark'
	mkdir out
	ok 'tar -x reads it' r_tar -x -f "$t" -C out
	ok '... and gives back the same tree' same_tree "$tree" out
	ok 'tar -d finds no difference' r_tar -d -f "$t" -C "$tree"
	data 70000 7 >added
	ok 'tar -r adds to it' r_tar -r -f "$t" added
	like 'added$' "$(r_tar -t -f "$t")" '... what is listed then'
	ok 'tar -c with records of 1 MiB' \
		r_tar -c -b 2048 -f "$t" -C "$tree" .
	ok '... which tar reads with the same' \
		r_tar -d -b 2048 -f "$t" -C "$tree"
	fails '... and not with less, as from any tape' \
		r_tar -d -f "$t" -C "$tree"
	like 'Cannot allocate memory' "$(cat "$scratch/output")" \
		'... which is what st answers'
	fails 'tar -t of what is not there fails' \
		r_tar -t -f "$host:file:$tapes/none.tap"
	like 'No such file' "$(cat "$scratch/output")" '... and says so'
	rm -r out
}

full_tape()
{
	local t=$host:file:$tapes/full.tap,capacity=400K,warn=64K

	fails 'tar -c onto a tape that is too small fails' \
		r_tar -c -f "$t" -C "$tree" .
	like 'No space left' "$(cat "$scratch/output")" '... with ENOSPC'
	t=$host:file:$tapes/v1.tap,capacity=1M,warn=64K
	ok 'tar -M goes on to another tape' \
		r_tar -c -M -f "$t" -f "$host:file:$tapes/v2.tap" -C "$tree" .
	mkdir out
	ok '... and tar -x -M reads both' r_tar -x -M -C out \
		-f "$host:file:$tapes/v1.tap" -f "$host:file:$tapes/v2.tap"
	ok '... and gives back the same tree' same_tree "$tree" out
	rm -r out
}

gnu_cpio()
{
	local t=$host:file:$tapes/cpio.tap

	ok 'cpio -o writes' bash -c "cd '$tree' && find . -print0 |
		timeout 60 cpio --quiet --rsh-command='$rsh' -0 -o -F '$t'"
	mkdir out
	ok 'cpio -i reads' bash -c "cd out && timeout 60 cpio --quiet \
		--rsh-command='$rsh' -idm -F '$t'"
	ok '... and gives back the same tree' same_tree "$tree" out
	rm -r out
}

gnu_mt()
{
	local t=file:$tapes/mt.tap

	ok 'mt weof writes filemarks to a tape that is there' bash -c \
		"printf '' >'$tapes/mt.tap'; timeout 60 mt-gnu \
		--rsh-command='$rsh' -f '$host:$t' weof 3"
	is 'mark mark mark ' "$(image mt.tap)" '... as many as asked for'
	ok 'mt fsf passes them' r_mt "$t" fsf 3
	fails 'mt fsf past the last one fails' r_mt "$t" fsf 4
	ok 'mt eom, rewind and offline' bash -c "for op in eom rewind offline
		do timeout 60 mt-gnu --rsh-command='$rsh' -f '$host:$t' \$op ||
		exit; done"
	fails 'mt erase does not find what is not there' \
		r_mt "file:$tapes/none.tap" erase
}

dump_and_restore()
{
	local t=$host:file:$tapes/dump.tap

	ok 'dump writes a file system' r_dump -f "$t"
	like '^10240\*[0-9]+ mark $' "$(image dump.tap)" \
		'it has records of 10 KiB, and close one filemark'
	ok 'restore -t lists it' r_restore -t -f "$t"
	export RSH=$rsh RMT=pmt-rmt
	ok 'restore -r gives back the same tree' restores_tree "$tree" -f "$t"
	ok 'dump with records of 64 KiB' r_dump -b 64 -f "$t"
	ok '... which restore reads' restores_tree "$tree" -b 64 -f "$t"
	unset RSH RMT
}

gnu_tar
full_tape
gnu_cpio
gnu_mt
dump_and_restore
done_testing
