#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# dd: every write(2) is one record on the image, and every read(2) gives one
# record back, from 1 byte to 16 MiB.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dd

sample=$scratch/sample
copy=$scratch/copy
most=$((16 << 20)) # the largest record

# read_back IBS SKIP_COUNT: the whole tape file, by reads of that size.
read_back()
{
	rewound dd if="$ntape" of="$copy" ibs="$1" obs=64K &&
		cmp "$sample" "$copy"
}

# records: how many dd read, of all sizes, by what it said.
records()
{
	awk '/records in/ { split($1, n, "+"); print n[1] + n[2] }' \
		"$scratch/output"
}

# one_size SIZE COUNT: so many records, and half a one, or a whole one if it is
# of a single byte.
one_size()
{
	local size=$1 count=$2 half=$((($1 + 1) / 2)) expected

	head -c $((size * count + half)) "$scratch/data" >"$sample"
	start_drive
	ok "dd obs=$size writes" \
		dd if="$sample" of="$ntape" ibs=4K obs="$size"
	expected="$size*$count $half mark"
	[ "$half" -ne "$size" ] || expected="$size*$((count + 1)) mark"
	is "$expected" "$(layout)" "the image holds its writes as records ($size)"
	ok "the image holds its bytes, read without pmtd ($size)" \
		cmp "$sample" <("$live/simh-ls" -x 0 "$image")
	ok "dd reads them back with ibs=$size" read_back "$size"
	is $((count + 1)) "$(records)" "a read for every record ($size)"
	ok "dd reads them back with ibs=$most" read_back "$most"
	is $((count + 1)) "$(records)" \
		"a larger read gives one record all the same ($size)"
	stop_pmtd
}

# A record that is too large for the read is not delivered, not even in part.
too_small()
{
	start_drive
	dd if="$scratch/data" of="$ntape" bs=4096 count=3 status=none
	mt -f "$ntape" rewind
	fails 'dd fails if ibs is smaller than the record' \
		dd if="$ntape" of="$copy" ibs=4095 count=1
	like 'Cannot allocate memory' "$(<"$scratch/output")" \
		'and what it gets is ENOMEM'
	is 0/1 "$(place)" 'the tape stands after the record that did not fit'
	is 0 "$(stat -c %s "$copy")" 'and nothing of it was delivered'
	ok 'the next read gives the next record' \
		dd if="$ntape" of="$copy" ibs=4096 count=1
	ok 'whole' cmp "$copy" \
		<(tail -c +4097 "$scratch/data" | head -c 4096)
	stop_pmtd
}

data $((2 * most + most / 2)) 1 >"$scratch/data"
one_size 1 6
one_size 512 40
one_size 10240 40
one_size 65536 20
one_size 131072 10
one_size 262144 8
one_size 1048576 5
one_size "$most" 2
too_small
done_testing
