#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The tape "rmt:" over the servers of Debian, which have a drive of ours for
# theirs: it is what the contract of a tape says, and a drive over it is one for
# tar, mt, dump and restore.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

need tar dump restore mke2fs /usr/sbin/rmt-tar /usr/sbin/rmt-dump
contract=$build/tests/contract/tape-t
rsh=$scratch/rsh
far_pid=''

# The drive at the far end: $far is its node.
if [ "$transport" = fuse ]; then
	mkdir "$scratch/far"
	far=$scratch/far/nfar
	far_options=(--fuse "$scratch/far" --name far)
else
	far=/dev/nfar
	far_options=(--name far)
fi

far_ready_or_ended()
{
	[ -e "$far" ] || ended "$far_pid"
}

# start_far SPEC
start_far()
{
	"$pmtd" --foreground "${far_options[@]}" "$1" 2>>"$log" &
	far_pid=$!
	await 10 far_ready_or_ended && [ -e "$far" ] && return
	bail "pmtd does not start: $1"
}

stop_far()
{
	kill "$far_pid"
	reap "$far_pid"
	is 0 $? 'the far drive ends well'
}

# A remote shell that goes nowhere.
printf '#!/bin/sh\nshift\nexec "$@"\n' >"$rsh"
chmod +x "$rsh"

# keeps_contract RULE: so much of the contract that it includes this.
keeps_contract()
{
	timeout 200 "$contract" && grep -q "^ok .*$1" "$scratch/output"
}

start_far "file:$image"
for server in rmt-tar rmt-dump; do
	for window in 0 64K; do
		PMT_TAPE="rmt:here:$far,rsh=$rsh,rmt=/usr/sbin/$server,window=$window" \
			ok "rmt: over $server with window=$window is a tape" \
			keeps_contract '4000 random operations'
	done
done

make_tree "$scratch/tree"
make_fs "$scratch/tree" "$scratch/fs"
for server in rmt-tar rmt-dump; do
	mt -f "$far" erase >/dev/null 2>&1 || bail 'the far tape is not blank'
	# The environment says it, as for tar and dump.
	RSH=$rsh RMT=/usr/sbin/$server start_pmtd "rmt:here:$far,window=1M"
	ok "$server: tar writes" \
		tar -C "$scratch/tree" -cf "$ntape" .
	ok "$server: and a second archive" \
		tar -C "$scratch/tree" -b 64 -cf "$ntape" sub
	is 2/0 "$(place)" "$server: two filemarks are behind it"
	ok "$server: dump writes" \
		dump_image "$scratch/fs" -f "$ntape"
	ok "$server: tar compares the first" \
		rewound tar -C "$scratch/tree" -df "$ntape"
	ok "$server: mt goes to the second" rewound mt -f "$ntape" fsf 1
	is 1/0 "$(place)" "$server: which begins behind a filemark"
	ok "$server: tar compares the second" \
		tar -C "$scratch/tree" -b 64 -df "$ntape"
	ok "$server: mt goes to the dump" rewound mt -f "$ntape" fsf 2
	ok "$server: restore gives it back" \
		restores_tree "$scratch/tree" -f "$ntape"
	ok "$server: mt goes to the end" mt -f "$ntape" eod
	is 3 "$(place | cut -d/ -f1)" "$server: which is behind three filemarks"
	ok "$server: tar appends there" \
		tar -C "$scratch/tree" -cf "$ntape" sub/512
	ok "$server: mt goes back to it" mt -f "$ntape" bsfm 2
	ok "$server: tar compares it" tar -C "$scratch/tree" -df "$ntape"
	end_pmtd TERM
	is 0 "$end_status" "$server: SIGTERM ends pmtd with status 0"
	mt -f "$far" rewind
	ok "$server: at the far end there is the same" \
		tar -C "$scratch/tree" -df "$far"
	mt -f "$far" rewind
done
stop_far
image_has_tree()
{
	"$live/simh-ls" -x 0 "$image" | tar -C "$scratch/tree" -df -
}

ok 'and its image has the first archive' image_has_tree
done_testing
