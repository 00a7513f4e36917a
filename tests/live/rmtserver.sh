#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# pmt-rmt with nodes at either end: clients of other hosts at our nodes, and our
# nodes over a tape of another host.

# shellcheck source=tests/tools/rmt-lib.sh
. "$(dirname "$0")/../tools/rmt-lib.sh"

need_root
make_tree "$tree"
make_fs "$tree" "$scratch/fs"

# Through a node it is the same; and what the position was is the node's.
nodes()
{
	local none=()

	start_drive
	with
	ok 'tar -c to a node, with no --allow' \
		r_tar -c -f "$host:$ntape" -C "$tree" .
	ok 'and once more' r_tar -c -f "$host:$ntape" -C "$tree" .
	like '^10240\*[0-9]+ mark 10240\*[0-9]+ mark $' \
		"$(layout | tr '\n' ' ')" \
		'the second is behind the first: the node did not rewind'
	ok 'mt rewinds it' r_mt "$ntape" rewind
	is 0/0 "$(place)" '... as the node itself says'
	ok 'tar -d of the first' r_tar -d -f "$host:$ntape" -C "$tree"
	ok 'mt rewinds it' r_mt "$ntape" rewind
	ok 'tar -d on the node that rewinds' \
		r_tar -d -f "$host:$tape" -C "$tree"
	is 0/0 "$(place)" 'behind which the tape is rewound'
	ok 'dump to a node' r_dump -f "$host:$ntape"
	ok 'mt rewinds it' r_mt "$ntape" rewind
	ok 'restore -t from it' r_restore -t -f "$host:$ntape"
	exec 9<>"$ntape"
	fails 'a node that is open is not opened again' \
		r_tar -t -f "$host:$ntape"
	like 'busy' "$(cat "$scratch/output")" '... and tar says why'
	exec 9>&-
	like '^A0.A48' "$(printf 'O%s\n0\nSC\n' "$ntape" | talk "${none[@]}" | tr '\0\n' '..')" \
		'its status is 48 bytes'
	stop_pmtd
	with --allow "file:$tapes/*" --create
}

# Our own client: a drive here, whose tape is there.
own_client()
{
	: >"$tapes/own.tap" # An empty file is a blank tape.
	start_pmtd "rmt:$host:file:$tapes/own.tap,rsh=$rsh"
	ok 'tar -c to a drive whose tape is behind pmt-rmt' \
		tar -c -f "$ntape" -C "$tree" .
	ok 'mt weof, and a second archive' bash -c "mt -f '$ntape' weof &&
		tar -c -f '$ntape' -C '$tree' ."
	is 3/0 "$(place)" 'the tape stands behind both'
	ok 'the first is there' rewound tar -d -f "$ntape" -C "$tree"
	ok 'mt asf finds the second' mt -f "$ntape" asf 2
	ok '... which is there' tar -d -f "$ntape" -C "$tree"
	stop_pmtd
	like '^10240\*[0-9]+ mark mark 10240\*[0-9]+ mark $' \
		"$(image own.tap)" 'and so the image has them'
}

# records NUMBER: of 1000 bytes, to the open drive.
# shellcheck disable=SC2317 # ok calls it.
records()
{
	data "${1}000" 1 | dd bs=1000 iflag=fullblock status=none >&9
}

# The server is killed, and ended; our own client goes on with another.
server_dies()
{
	local signal

	: >"$tapes/dies.tap"
	start_pmtd "rmt:$host:file:$tapes/dies.tap,rsh=$rsh"
	exec 9>"$ntape"
	for signal in KILL TERM; do
		ok 'records are written' records 5
		kill "-$signal" "$(<server)"
		ok "... and more after the server got SIG$signal" records 3
	done
	exec 9>&-
	is 1/0 "$(place)" 'the tape is where it should be'
	stop_pmtd
	is '1000*16 mark ' "$(image dies.tap)" \
		'all are there, once, and no filemark but the last'
}

nodes
own_client
server_dies
done_testing
