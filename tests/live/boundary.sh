#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Record boundaries: the kernel cuts large reads and writes in pieces, and what
# arrives on the image is one record for one write(2) all the same, whatever its
# size and wherever its buffer lies.
#
# kernel: stable

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$build/tests/live/boundary"

sizes=(1 2 511 4095 4096 4097 126966 126967 126968 131071 131072 131073
	253933 253934 253935 262144 1044478 1044479 1044480 1048576 1048577
	16777216)

# on_the_image OFFSET: of the buffer in its page.
on_the_image()
{
	local i numbered=''

	for i in "${!sizes[@]}"; do
		numbered+="${sizes[i]}#$i "
	done
	start_drive
	is "ok ok ${sizes[*]} ok" \
		"$(op wo "offset:$1" "${sizes[@]/#/write:}" close)" \
		"writes of ${#sizes[@]} sizes are counted in full (offset $1)"
	is "${sizes[*]} mark" "$(layout)" \
		"the image holds exactly these records (offset $1)"
	is "ok ok ok ${numbered}mark end ok" \
		"$(op ro rewind "offset:$1" drain close)" \
		"they read back, each as itself (offset $1)"
	stop_pmtd
}

# Blocks go to the image piece by piece: what has been counted is there.
in_blocks()
{
	local odd=253934 # two pieces over CUSE

	rm -f "$image"
	start_pmtd "file:$image,objects=600,warn_objects=50"
	mt -f "$ntape" setblk 512
	is 'ok 307200 ENOSPC' "$(op wo write:524288 write:512)" \
		'fixed blocks are counted up to the last that fits'
	is '512*600' "$(layout)" 'and these are on the image'
	end_pmtd TERM # There is no room for a filemark, and it says so.
	start_drive
	mt -f "$ntape" setblk 512
	if grep -qs . /proc/self/syscall; then
		is 'ok EINVAL 512 ok' "$(op wo "write:$odd" write:512 close)" \
			'what is not whole blocks is refused'
		is '512 mark' "$(layout)" 'and nothing of it is on the image'
	else
		is "ok $odd EINVAL 512 ok" \
			"$(op wo "write:$odd" write:512 write:512 close)" \
			'what is not whole blocks fails late, as the count is hidden'
		is '512*495 494 512 mark' "$(layout)" \
			'but all that was counted is on the image'
	fi
	stop_pmtd
}

# adopt: takes over the results of a program.
adopt()
{
	local line

	while read -r line; do
		case $line in
		'ok '*) pass "${line#* - }" ;;
		'not ok '*) fail "${line#* - }" ;;
		1..*) ;;
		*) echo "$line" ;;
		esac
	done
}

for offset in 0 1 16 4095; do
	on_the_image "$offset"
done
start_drive
"$build/tests/live/boundary" "$ntape" >"$scratch/results"
is 0 $? 'the program boundary has run to its end'
adopt <"$scratch/results"
stop_pmtd
in_blocks
done_testing
