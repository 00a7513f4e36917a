#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A leg is lost in the middle of a dump on a mirror, in one of these ways: the
# program behind the drive dies, it hangs for a while, the drive is unplugged.
# For each policy the dump ends as the policy says, the other drive's tape alone
# gives back what it should, and the lost one has the beginning of it.
#
# PMT_LEGS=all does each of them with each policy, and hangs for 30 seconds.

ping_seconds=0 lab_seconds=200
[ "${PMT_LEGS-}" != all ] || lab_seconds=1500
# shellcheck source=legs-tgt.sh
. "$(dirname "$0")/legs-tgt.sh"
hang=6 timeout=3 # seconds
[ "${PMT_LEGS-}" != all ] || { hang=30; timeout=5; }

# Where dump runs there is no /etc, and mt is a link into it.
mt=$(realpath "$(type -P mt)")

write_dump_scripts()
{
	# dump tells the volume that is full, restore the one it wants.
	cat >"$scratch/after" <<-END
		#!/bin/bash
		exec >>"$scratch/change.log" 2>&1
		export PATH=$PATH
		"$mt" -f $ntape offline
		cp "$scratch/tape.0" "$scratch/volume.\$2"
		cp "$scratch/blank.0" "$scratch/tape.0"
		"$mt" -f $ntape load
	END
	cat >"$scratch/before" <<-END
		#!/bin/bash
		cp "$scratch/volume.\$2" "$scratch/tape.0"
		exec "$real/rawst" $a op 6 1
	END
	chmod +x "$scratch/after" "$scratch/before"
}

# lose FAULT POLICY: blank tapes, and a dump that loses a leg on the way.  Its
# status is in $dump_status.
lose()
{
	local waker

	what="dump, $1, $2"
	cp "$scratch/blank.0" "$scratch/tape.0"
	cp "$scratch/blank.1" "$scratch/tape.1"
	rm -f "$scratch"/volume.* "$scratch/change.log"
	begin "$1" "on_leg_error=$2,leg_timeout=$timeout${3:+,$3}"
	[ "$1" != STOP ] || wake_up &
	waker=$!
	dumps "${@:4}" >"$scratch/dump.log" 2>&1
	dump_status=$?
	wait $waker
	ok "$what: something happens to the leg in the middle" \
		[ -e "$scratch/hurt.done" ]
}

# wake_up: what hangs goes on after $hang seconds.
wake_up()
{
	await 60 [ -e "$scratch/hurt.done" ] || return
	await $hang false
	kill -CONT "${tgt_pid[1]}"
}

# begins: what the lost tape holds is what the other one does; but for the record
# that was under way, which a program that hangs may still write, and the
# filemark of st.
begins()
{
	local lost

	lost=$(($(wc -l <"$scratch/b") - 2))
	[ "$lost" -ge 90 ] && cmp <(head -n "$lost" "$1") <(head -n "$lost" "$scratch/b")
}

ends_well()
{
	[ "$dump_status" -eq 0 ] || { cat "$scratch/dump.log"; return 1; }
}

degrade()
{
	lose "$1" degrade ''
	finish
	ok "$what: it succeeds" ends_well
	ok "$what: the other tape alone gives back the file system" \
		restores_dump_alone
	ok "$what: the lost one has the beginning" begins "$scratch/a"
}

# restores_volumes: a listing of the first volume is in $scratch/a.1 then.
restores_volumes()
{
	cp "$scratch/tape.0" "$scratch/volume.2"
	"$scratch/before" none 1 && raw "$a" ls >"$scratch/a.1" &&
		restores_tree "$scratch/tree2" -F "$scratch/before" -f "$a"
}

# dump can't end a volume where something fits after early warning: see pmtd(8).
markfull()
{
	lose "$1" markfull degraded_open=yes,eom_reserve=0 -F "$scratch/after"
	finish
	ok "$what: it goes on with another volume, and succeeds" ends_well ||
		diag <"$scratch/change.log"
	is 1 "$(cd "$scratch" && ls -d volume.* | wc -l)" \
		"$what: there was one change of volumes"
	ok "$what: the volumes of the other drive alone give back the file system" \
		restores_volumes
	ok "$what: the lost tape has the beginning of the first" \
		begins "$scratch/a.1"
}

lists_dump()
{
	raw "$a" op 6 1 && restore -t -f "$a" >"$scratch/list" 2>&1 </dev/null
	grep -q '\./first$' "$scratch/list" && grep -q '\./file$' "$scratch/list"
}

# A dump that was cut off: what it had written can be had.
first_is_restored()
{
	raw "$a" op 6 1
	restore_to "$scratch/out" -x -a -y -f "$a" ./first >"$scratch/restore" 2>&1
	cmp "$scratch/tree2/first" "$scratch/out/first" ||
		{ cat "$scratch/restore"; return 1; }
}

stop()
{
	lose "$1" stop ''
	finish
	fails "$what: it does not succeed" ends_well
	like 'Input/output error' "$(<"$scratch/dump.log")" "$what: it has EIO"
	ok "$what: the other tape alone tells what was to be dumped" lists_dump
	ok "$what: ... gives back a file that was" first_is_restored
	ok "$what: the lost one has the beginning" begins "$scratch/a"
}

# A leg that hangs for less than leg_timeout= is waited for.
patient()
{
	local timeout=60

	lose STOP degrade ''
	take_out
	what="dump, STOP for less than leg_timeout"
	ok "$what: it succeeds" ends_well
	is '' "$(grep 'out of the mirror' "$log")" "$what: no leg is out"
	ok "$what: both tapes hold the same" cmp "$scratch/a" "$scratch/b"
	ok "$what: the one gives back the file system" restores_dump_alone
	raw $b op 6 1
	ok "$what: and so does the other" restores_tree "$scratch/tree2" -f $b
}

cp "$scratch/tape.0" "$scratch/blank.0"
cp "$scratch/tape.1" "$scratch/blank.1"
write_dump_scripts
if [ "${PMT_LEGS-}" = all ]; then
	for fault in KILL STOP DELETE; do
		degrade $fault
		markfull $fault
		stop $fault
	done
	patient
else
	degrade STOP
	markfull KILL
	stop DELETE
	patient
fi
done_testing
