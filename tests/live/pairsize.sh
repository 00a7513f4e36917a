#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Records of all sizes through a slave and back, whole: around the pieces that the
# kernel cuts them in at the master end, and, with the header before them, at the
# slave end, and of the largest size; by node and by socket.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=pairlib.sh
. "$(dirname "$0")/pairlib.sh"

# Pieces are of 126967 bytes over CUSE, of 1044479 over FUSE; a header has 64.
sizes=(1 63 64 65 4096 126902 126903 126904 126966 126967 126968 131072 253869
	253870 253871 253933 253934 253935 380837 1044414 1044415 1044416
	1044478 1044479 1044480 1048576 2088893 2088894 2088895 2088958
	16777215 16777216)
rounds=2 # the slave keeps them in memory

there_and_back()
{
	local i numbered=''

	for i in "${!sizes[@]}"; do
		numbered+="${sizes[i]}#$i "
	done
	is "ok ok ok ${sizes[*]} ok" \
		"$(op rw rewind "offset:$1" "${sizes[@]/#/write:}" close)" \
		"writes of ${#sizes[@]} sizes by $2 are counted in full (offset $1)"
	is "ok ok ok ${numbered}mark end ok" \
		"$(op ro rewind "offset:$1" drain close)" \
		'... and read back, each as itself'
}

for end in "$slave" "$scratch/socket"; do
	socket=''
	[ "$end" = "$slave" ] || socket=$end
	start_pmtd "pair:$socket"
	start_slave "$end"
	for ((i = 0; i < rounds; i++)); do
		there_and_back $((i * 4095)) "$(basename "$end")"
	done
	is 'ok ok 100 200 ok ENOMEM 200 ok' \
		"$(op rw rewind write:100 write:200 rewind read:99 read:200 close)" \
		'a record that is too long for its reader is passed over'
	end_slave
	stop_pmtd
done
done_testing
